//! `overt report questions`: what people ask about facial recognition, answered from the records and the register.

use clap::Args;
use overt_publication::document::AnswersReport;
use overt_records::PublishedKind;

use super::facts::PeriodArguments;
use super::{DocumentArguments, Format, made, over};
use crate::exit::Exit;
use crate::failure::Failure;

/// Answer the questions that people ask of a force under freedom of information; you are signed in as an auditor or an authorising officer
///
/// A closed list of questions: where and when, the watchlists and their sources, alerts, stops, identity checks, the other modes, body-worn cameras, plans, who
/// judged, the documents in force. That nothing is held is an answer of its own: the register, whole, shows it. That they were answered is in the force's log.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt report questions --from 2026-01-01 --to 2026-12-31 -o answers.html
  overt report questions --from 2026-01-01 --to 2026-12-31 --format json still-open.toml | jq '.answers[] | select(.id == \"stops\")'

Exit status: 0 if they were answered and no sum fails to hold, 1 if one does (the answers say so) or the period is not whole, 2 for a mistake in a file.")]
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
    let report = AnswersReport::of(&period, &redactions, made());
    let text = match arguments.document.format {
        Format::Html => report.html()?,
        Format::Csv => report.csv()?,
        Format::Json => report.json()?,
    };
    let document = &arguments.document;
    let published = document.published(PublishedKind::Questions, &text, &redactions);
    publisher.note(&over(published, period.span()))?;
    document.write(&text, report.broken(), &[])
}
