//! `overt report deployment`: the record of one deployment.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use overt_deployment::Deployment;
use overt_pipeline::inquiry::Ask;
use overt_pipeline::publication::{self, Source};
use overt_publication::document::DeploymentReport;
use overt_publication::record::{DeploymentRecord, Mode};
use overt_records::{Force, Published, PublishedKind};

use super::{DocumentArguments, Format, Publisher, made};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::{inquiry, output};

/// Publish the record of one deployment; you are signed in as an auditor or an authorising officer
///
/// Every count that was made, rates with their counts and intervals, both false alert rates, and whether the counts fit together; who allowed it, by rank and
/// reference, and under which documents, from the force's register. What nobody recorded says so, with the reason, and is never a zero. A sum that does not hold is
/// marked with both sides and not mended. That it was published is in the deployment's log, with the document's digest.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt report deployment deployment.toml -o record.html
  overt report deployment deployment.toml --format csv
  overt report deployment deployment.toml --format json | jq '.rates[] | {words, measured}'
  overt report deployment deployment.toml --mode retrospective -o searches.html
  overt report deployment deployment.toml --redact left-out.toml -o record.html

Where the deployment's store is gone, the record is the one that the force kept when it was closed.
Exit status: 0 if it was written and no sum fails to hold, 1 if one does (it was written and says so), 2 for a mistake in a file.")]
pub(super) struct Arguments {
    /// The deployment file
    deployment: PathBuf,
    /// Of a deployment that ran in several modes, the one that is meant [default: live, then retrospective, then operator]
    #[arg(long)]
    mode: Option<ModeArgument>,
    #[command(flatten)]
    document: DocumentArguments,
}

/// [`Mode`] on the command line.
#[derive(Clone, Copy, ValueEnum)]
enum ModeArgument {
    /// Live cameras
    Live,
    /// Stored images
    Retrospective,
    /// Photographs that officers took
    Operator,
}

impl From<ModeArgument> for Mode {
    fn from(mode: ModeArgument) -> Self {
        match mode {
            ModeArgument::Live => Self::Live,
            ModeArgument::Retrospective => Self::Retrospective,
            ModeArgument::Operator => Self::Operator,
        }
    }
}

pub(super) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let deployment = Deployment::read(&arguments.deployment)?;
    let publisher = Publisher::at(Force::at(&deployment.host.force))?;
    let redactions = arguments.document.redactions()?;
    let (records, source) =
        publication::deployment(&deployment, &publisher.force, &inquiry::record)?;
    let wanted = arguments.mode.map(Mode::from);
    let of = |record: &&DeploymentRecord| {
        wanted.is_none_or(|wanted| record.deployment.mode.value() == Some(&wanted))
    };
    let Some(record) = records.iter().find(of) else {
        return Err(Failure::new(
            format!("{} did not run in that mode", deployment.id),
            "leave --mode out, or name one that it ran in",
        ));
    };
    let others = records
        .iter()
        .filter_map(|record| record.deployment.mode.value());
    for other in others.filter(|other| record.deployment.mode.value() != Some(other)) {
        output::say(&format!(
            "{} ran in another mode as well, which this record is not of: {}.\n",
            deployment.id,
            other.words()
        ));
    }
    let report = DeploymentReport::of(record, &redactions, made())?;
    let text = match arguments.document.format {
        Format::Html => report.html()?,
        Format::Csv => report.csv()?,
        Format::Json => report.json()?,
    };
    let published = arguments
        .document
        .published(PublishedKind::Deployment, &text, &redactions);
    match source {
        Source::Store => {
            inquiry::ask_as(&deployment, Ask::Publish(published))?;
        }
        Source::Kept(number) => publisher.note(&Published {
            number: Some(number.into()),
            ..published
        })?,
    }
    let broken: Vec<_> = report.broken().iter().map(ToString::to_string).collect();
    let given_away: Vec<_> = report
        .given_away()
        .iter()
        .map(|(field, sum)| ((*field).to_owned(), *sum))
        .collect();
    arguments.document.write(&text, &broken, &given_away)
}
