//! `overt report`: what a force publishes of its deployments, and answers when it is asked. What stands in a document is the libraries' to say; here it is asked for
//! and written.

mod deployment;
mod facts;
mod notice;
mod period;
mod questions;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use overt_pipeline::publication::PublicationError;
use overt_publication::document::{DocumentError, Made};
use overt_publication::facts::{FactsError, Redaction};
use overt_publication::period::PeriodError;
use overt_publication::period::Span;
use overt_publication::register::RegisterError;
use overt_records::{By, Force, ForceError, Published, PublishedKind, SignedIn, Timestamp};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::ForceArguments;
use crate::{output, session};

/// Publish what a deployment or a period came to, answer questions, and tell the public
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Deployment(deployment::Arguments),
    Period(period::Arguments),
    Questions(questions::Arguments),
    Notice(notice::Arguments),
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    match arguments.command {
        Command::Deployment(arguments) => deployment::run(arguments),
        Command::Period(arguments) => period::run(arguments),
        Command::Questions(arguments) => questions::run(arguments),
        Command::Notice(arguments) => notice::run(arguments),
    }
}

/// Who publishes, and the force whose deployments are published.
struct Publisher {
    force: Force,
    who: SignedIn,
}

impl Publisher {
    /// Somebody who is signed in at this force and may publish.
    fn at(force: Force) -> Result<Self, Failure> {
        let who = session::signed_in(&force)?;
        By::publishing(&who).map_err(ForceError::from)?;
        Ok(Self { force, who })
    }

    /// At this force, or at the one where somebody is signed in.
    fn of(force: Option<&Path>) -> Result<Self, Failure> {
        match force {
            Some(path) => Self::at(Force::at(path)),
            None => Self::at(ForceArguments::default().force()?),
        }
    }

    /// Puts a document in the force's log, before it is anywhere.
    fn note(&self, published: &Published) -> Result<(), Failure> {
        Ok(self
            .force
            .note_published(published, &self.who, &session::now()?)?)
    }
}

/// A document about a span of time.
fn over(published: Published, span: Span) -> Published {
    let at = |time: jiff::Timestamp| Timestamp::from_unix_ms(time.as_millisecond());
    Published {
        span: Some((at(span.from), at(span.to))),
        ..published
    }
}

/// How a document is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One page that stands alone, and prints on A4
    Html,
    /// For a spreadsheet
    Csv,
    /// For a program
    Json,
}

/// How and where a document is written, and what is left out of it.
#[derive(Args)]
struct DocumentArguments {
    /// How it is written
    #[arg(long, value_enum, default_value_t = Format::Html)]
    format: Format,
    /// A TOML file of [[redaction]] tables, each with `field`, `reason`, and in a period `deployment`: what is left out, and why
    #[arg(long, value_name = "FILE")]
    redact: Option<PathBuf>,
    /// The file to write, instead of standard output
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// A file of redactions.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Redactions {
    redaction: Vec<Redaction>,
}

impl DocumentArguments {
    fn redactions(&self) -> Result<Vec<Redaction>, Failure> {
        let Some(path) = &self.redact else {
            return Ok(Vec::new());
        };
        let read: Redactions = toml_file(path, REDACTIONS)?;
        Ok(read.redaction)
    }

    /// A document as the log has it.
    fn published(&self, what: PublishedKind, text: &str, redactions: &[Redaction]) -> Published {
        let format = match self.format {
            Format::Html => "html",
            Format::Csv => "csv",
            Format::Json => "json",
        };
        Published {
            what,
            format: format.to_owned(),
            sha256: hex::encode(Sha256::digest(text.as_bytes())),
            left_out: redactions.len() as u64,
            number: None,
            span: None,
        }
    }

    /// Writes a document, and says which of its sums do not hold and what it leaves out in vain. A sum that does not hold is a failure, though the
    /// document is written: it says so as well.
    fn write(
        &self,
        text: &str,
        broken: &[String],
        given_away: &[(String, &str)],
    ) -> Result<Exit, Failure> {
        write(self.out.as_deref(), text)?;
        for (field, sum) in given_away {
            output::say(&format!(
                "warning: {field} is left out in vain: it can be worked out from what stays, because {sum}; leave out another part of that sum too\n"
            ));
        }
        for sum in broken {
            output::say(&format!("warning: a sum does not hold: {sum}\n"));
        }
        Ok(match broken.is_empty() {
            true => Exit::Done,
            false => Exit::Failed,
        })
    }
}

const REDACTIONS: &str =
    "write it like this:\n[[redaction]]\nfield = \"alerts.lapsed\"\nreason = \"exempt under …\"";

/// Writes to a file, or to standard output.
fn write(out: Option<&Path>, text: &str) -> Result<(), Failure> {
    match out {
        Some(path) => output::write(path, text),
        None => output::print(text),
    }
}

/// A TOML file that somebody wrote.
fn toml_file<T: for<'a> Deserialize<'a>>(path: &Path, mend: &str) -> Result<T, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
    toml::from_str(&text)
        .map_err(|error| Failure::mistake(format!("{}: {error}", path.display()), mend))
}

/// When and by what a document is made.
fn made() -> Made {
    Made {
        at: jiff::Timestamp::now(),
        by: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

impl From<DocumentError> for Failure {
    fn from(error: DocumentError) -> Self {
        match error {
            DocumentError::Facts(error) => error.into(),
            DocumentError::Period(error) => error.into(),
            error => Failure::new(error.to_string(), ""),
        }
    }
}

impl From<PublicationError> for Failure {
    fn from(error: PublicationError) -> Self {
        let mend = match &error {
            PublicationError::NothingThere { .. } => {
                "run it first, or correct `records` under [host]"
            }
            PublicationError::LogBroken { .. } | PublicationError::RegisterDiffers { .. } => {
                "find out what was changed: `overt audit verify --force FORCE`; a copy of the store may be whole"
            }
            PublicationError::TakesNoPlace { .. } => {
                "take down what was put up; another deployment has an id of its own"
            }
            PublicationError::Kept { .. } => {
                "publish with the version of Overt that closed it, or a later one"
            }
            PublicationError::Records(_) | PublicationError::Force(_) => "",
        };
        match error {
            PublicationError::Records(error) => (*error).into(),
            PublicationError::Force(error) => (*error).into(),
            error => Failure::new(error.to_string(), mend),
        }
    }
}

impl From<FactsError> for Failure {
    fn from(error: FactsError) -> Self {
        let mend = match &error {
            FactsError::NoSuchField { nearest, .. } => {
                format!(
                    "did you mean {nearest}? `overt report deployment DEPLOYMENT --format csv` names every field"
                )
            }
            FactsError::Needed { .. } => "leave out the fields beside it".to_owned(),
            FactsError::NoReason { .. } => {
                "say why it is left out: whoever reads the document is told".to_owned()
            }
            FactsError::NoSuchDeployment { .. } => {
                "name a number of the period, or leave `deployment` out for all of them".to_owned()
            }
            FactsError::Unwritable { .. } => {
                "the record is damaged: `overt audit verify` says more".to_owned()
            }
        };
        Failure::mistake(error.to_string(), mend)
    }
}

impl From<PeriodError> for Failure {
    fn from(error: PeriodError) -> Self {
        let mend = match &error {
            PeriodError::Backwards => "give --from before --to",
            PeriodError::Register(RegisterError::Gap { .. }) => {
                "find out what was left out: nothing can be shown to be complete with a gap"
            }
            PeriodError::Register(_) => "the register is not as it was written: verify it",
            PeriodError::NoRecord { .. } => {
                "give the deployment’s file as well, or close it: the force keeps the record of a closed one"
            }
            PeriodError::NoNumber { .. } => {
                "a deployment without a number was not in the register before it ran: put that on record"
            }
            PeriodError::NeverRan { .. } => {
                "it ran without the register’s knowledge, or the register is an older copy: put that on record"
            }
            PeriodError::Unregistered { .. } | PeriodError::TwoRecords { .. } => {
                "give each deployment’s file once, and files of this force’s deployments alone"
            }
            PeriodError::Facts(error) => return error.clone().into(),
        };
        Failure::new(error.to_string(), mend)
    }
}
