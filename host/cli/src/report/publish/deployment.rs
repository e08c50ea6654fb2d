//! `overt report deployment`: the record of one deployment.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use overt_deployment::Deployment;
use overt_publication::document::DeploymentReport;
use overt_publication::field::Field;
use overt_publication::record::Mode;

use super::{DocumentArguments, Format, facts, made};
use crate::exit::Exit;
use crate::failure::Failure;

/// Publish the record of one deployment
///
/// Every count that was made, rates with their counts and intervals, both false alert rates, and whether the counts fit together. What nobody recorded says so, with
/// the reason, and is never a zero. A sum that does not hold is marked with both sides and not mended.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt report deployment deployment.toml -o record.html
  overt report deployment deployment.toml --format csv
  overt report deployment deployment.toml --format json | jq '.rates[] | {words, measured}'
  overt report deployment deployment.toml --mode retrospective -o searches.html
  overt report deployment deployment.toml --redact left-out.toml -o record.html

Exit status: 0 if it was written and no sum fails to hold, 1 if one does (it was written and says so), 2 for a mistake in a file.")]
pub(super) struct Arguments {
    /// The deployment file
    deployment: PathBuf,
    /// The register as JSON: it has the deployment's number
    #[arg(long, value_name = "FILE")]
    register: Option<PathBuf>,
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
    let redactions = arguments.document.redactions()?;
    let mut record = facts::record(&deployment, arguments.mode.map(Mode::from))
        .map_err(facts::Unread::failure)?;
    if let Some(path) = &arguments.register {
        let register = facts::register(path)?;
        let entry = register
            .entries
            .iter()
            .find(|entry| entry.deployment == deployment.id);
        record.deployment.number = Field::from_option(
            entry.map(|entry| entry.number),
            "the register has no entry of it",
        );
    }
    let report = DeploymentReport::of(&record, &redactions, made())?;
    let text = match arguments.document.format {
        Format::Html => report.html()?,
        Format::Csv => report.csv()?,
        Format::Json => report.json()?,
    };
    let broken: Vec<_> = report.broken().iter().map(ToString::to_string).collect();
    let given_away: Vec<_> = report
        .given_away()
        .iter()
        .map(|(field, sum)| ((*field).to_owned(), *sum))
        .collect();
    arguments.document.write(&text, &broken, &given_away)
}
