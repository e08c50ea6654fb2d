//! `overt report period`: the deployments of a period together.

use clap::Args;
use overt_publication::document::PeriodReport;
use overt_records::PublishedKind;

use super::facts::PeriodArguments;
use super::{DocumentArguments, Format, made, over};
use crate::exit::Exit;
use crate::failure::Failure;

/// Publish the deployments of a period; you are signed in as an auditor or an authorising officer
///
/// Totals, rates, each deployment, and the register's entries that never ran. A deployment belongs to the period in which it was planned to start. The force's register
/// has to be whole: a missing number, a row that its log does not tell of, and a deployment that ran and has no record are refused by name. Closed deployments come from
/// what the force kept of them; those that are not closed yet are named by their files. Rehearsals are listed and in no total. That it was published is in the force's log.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt report period --from 2026-01-01 --to 2026-12-31 -o 2026.html
  overt report period --from 2026-01-01 --to 2026-01-31 --format csv still-open.toml
  overt report period --force /var/lib/overt/force.redb --from 2026-01-01 --to 2026-12-31 --format json

Exit status: 0 if it was written and no sum fails to hold, 1 if one does (it was written and says so) or the period is not whole, 2 for a mistake in a file.")]
pub(super) struct Arguments {
    #[command(flatten)]
    period: PeriodArguments,
    #[command(flatten)]
    document: DocumentArguments,
}

pub(super) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let publisher = arguments.period.publisher()?;
    let redactions = arguments.document.redactions()?;
    let period = arguments.period.read(&publisher, &redactions)?;
    let span = period.span();
    let report = PeriodReport::of(period, &redactions, made());
    let text = match arguments.document.format {
        Format::Html => report.html()?,
        Format::Csv => report.csv()?,
        Format::Json => report.json()?,
    };
    let document = &arguments.document;
    let published = document.published(PublishedKind::Period, &text, &redactions);
    publisher.note(&over(published, span))?;
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
