//! `overt report period`: the deployments of a period together.

use clap::Args;
use overt_publication::document::PeriodReport;

use super::facts::PeriodArguments;
use super::{DocumentArguments, Format, made};
use crate::exit::Exit;
use crate::failure::Failure;

/// Publish the deployments of a period: totals, rates, each deployment, and the register's entries that never ran
///
/// A deployment belongs to the period in which it was planned to start. The register has to be whole: a missing number, and a deployment that ran without a record
/// here, are refused by name.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt report period --register register.json --from 2026-01-01 --to 2026-12-31 deployments/*/deployment.toml -o 2026.html
  overt report period --register register.json --from 2026-01-01 --to 2026-01-31 --format csv january/*.toml

Exit status: 0 if it was written and no sum fails to hold, 1 if one does (it was written and says so) or the period is not whole, 2 for a mistake in a file.")]
pub(super) struct Arguments {
    #[command(flatten)]
    period: PeriodArguments,
    #[command(flatten)]
    document: DocumentArguments,
}

pub(super) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let redactions = arguments.document.redactions()?;
    let period = arguments.period.read(&redactions)?;
    let report = PeriodReport::of(period, &redactions, made());
    let text = match arguments.document.format {
        Format::Html => report.html()?,
        Format::Csv => report.csv()?,
        Format::Json => report.json()?,
    };
    let broken: Vec<_> = report
        .broken()
        .iter()
        .map(|(number, check)| format!("number {number}: {check}"))
        .collect();
    let given_away: Vec<_> = report
        .given_away()
        .iter()
        .map(|(number, field, sum)| (format!("{field} of number {number}"), *sum))
        .collect();
    arguments.document.write(&text, &broken, &given_away)
}
