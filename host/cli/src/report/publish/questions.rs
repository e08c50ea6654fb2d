//! `overt report questions`: what people ask about facial recognition, answered from the records and the register.

use clap::Args;
use overt_publication::document::AnswersReport;

use super::facts::PeriodArguments;
use super::{DocumentArguments, Format, made};
use crate::exit::Exit;
use crate::failure::Failure;

/// Answer the questions that people ask of a force under freedom of information
///
/// A closed list of questions: where and when, the watchlists and their sources, alerts, stops, identity checks, the other modes, body-worn cameras, plans, who
/// judged, the documents in force. That nothing is held is an answer of its own: the register, whole, shows it.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt report questions --register register.json --from 2026-01-01 --to 2026-12-31 deployments/*/deployment.toml -o answers.html
  overt report questions --register register.json --from 2026-01-01 --to 2026-12-31 --format json d.toml | jq '.answers[] | select(.id == \"stops\")'

Exit status: 0 if they were answered and no sum fails to hold, 1 if one does (the answers say so) or the period is not whole, 2 for a mistake in a file.")]
pub(super) struct Arguments {
    #[command(flatten)]
    period: PeriodArguments,
    #[command(flatten)]
    document: DocumentArguments,
}

pub(super) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let redactions = arguments.document.redactions()?;
    let period = arguments.period.read(&redactions)?;
    let report = AnswersReport::of(&period, &redactions, made());
    let text = match arguments.document.format {
        Format::Html => report.html()?,
        Format::Csv => report.csv()?,
        Format::Json => report.json()?,
    };
    arguments.document.write(&text, report.broken(), &[])
}
