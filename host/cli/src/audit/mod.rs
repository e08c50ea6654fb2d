//! `overt audit`: what an auditor does with what a deployment has left.

mod export;
mod lodge;
mod replay;
mod verify;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use overt_deployment::Deployment;
use overt_pipeline::inquiry::Ask;
use overt_records::{
    AuditLog, BreakKind, By, Exported, Force, ForceError, Published, PublishedKind, RecordsError,
    SignedIn,
};
use sha2::{Digest as _, Sha256};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::{inquiry, session};

/// Verify what a deployment has left on record
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Verify(verify::Arguments),
    Lodge(lodge::Arguments),
    Export(export::Arguments),
    Replay(replay::Arguments),
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    match arguments.command {
        Command::Verify(arguments) => verify::run(arguments),
        Command::Lodge(arguments) => lodge::run(arguments),
        Command::Export(arguments) => export::run(arguments),
        Command::Replay(arguments) => replay::run(arguments),
    }
}

/// Whose log is meant.
#[derive(Args)]
struct WhoseArguments {
    /// The deployment file
    #[arg(conflicts_with = "force")]
    deployment: Option<PathBuf>,
    /// The log of the force's people and register, by the file of its store
    #[arg(long, value_name = "FILE")]
    force: Option<PathBuf>,
}

impl WhoseArguments {
    /// The force's store, where it is there: an auditor's copy of the records comes without.
    fn force(&self) -> Result<Option<Force>, Failure> {
        let path = match (&self.force, &self.deployment) {
            (Some(force), _) => force.clone(),
            (None, Some(file)) => Deployment::read(file)?.host.force,
            (None, None) => return Ok(None),
        };
        Ok(path.exists().then(|| Force::at(&path)))
    }

    /// Who exports; `None` beside a copy, where nobody can be signed in.
    fn publisher(&self) -> Result<Option<SignedIn>, Failure> {
        let Some(force) = self.force()? else {
            return Ok(None);
        };
        let who = session::signed_in(&force)?;
        By::publishing(&who).map_err(ForceError::from)?;
        Ok(Some(who))
    }

    /// Puts on record that this is exported.
    fn note(&self, who: &SignedIn, exported: &Exported) -> Result<(), Failure> {
        let published = Published {
            what: PublishedKind::Log,
            format: "jsonl".to_owned(),
            sha256: hex::encode(Sha256::digest(exported.text.as_bytes())),
            left_out: exported.left_out,
            number: None,
            span: None,
        };
        match (&self.force, &self.deployment) {
            (Some(force), _) => {
                Force::at(force).note_published(&published, who, &session::now()?)?;
            }
            (None, Some(file)) => {
                inquiry::ask_as(&Deployment::read(file)?, Ask::Publish(published))?;
            }
            (None, None) => {}
        }
        Ok(())
    }

    /// The log, as it is: reading it changes nothing. `None` where neither was named.
    fn log(&self) -> Result<Option<AuditLog>, Failure> {
        let read = match (&self.force, &self.deployment) {
            (Some(force), _) => match Force::at(force).audit_log() {
                Err(ForceError::Records(error)) => Err(*error),
                read => Ok(read?),
            },
            (None, Some(file)) => inquiry::log(&Deployment::read(file)?)?,
            (None, None) => return Ok(None),
        };
        match read {
            Err(error @ RecordsError::AuditFileDamaged { .. }) => Err(Failure::new(
                error.to_string(),
                "keep what is there for whoever looks into it; an export verifies without that file",
            )),
            Err(error @ RecordsError::NoAuditLog { .. }) => Err(Failure::new(
                error.to_string(),
                "its log begins when this version opens it: `overt watchlist list DEPLOYMENT` does, or signing in for a force's",
            )),
            read => Ok(Some(read?)),
        }
    }

    /// The same where one has to be named.
    fn required(&self) -> Result<AuditLog, Failure> {
        // The argument parser lets no other pass.
        self.log()?.ok_or_else(|| {
            Failure::mistake(
                "it is not said whose log is meant",
                "name a deployment file",
            )
        })
    }
}

/// What is wrong, in words.
fn words(kind: BreakKind, event: u64) -> String {
    match kind {
        BreakKind::Changed => format!("CHANGED at event {event}: it is not what was written"),
        BreakKind::Dropped => format!(
            "DROPPED: event {event} is missing between others, or its content is and no later event says that it went"
        ),
        BreakKind::Inserted => {
            format!("INSERTED at event {event}: something stands there that was not written there")
        }
        BreakKind::Reordered => {
            format!("REORDERED at event {event}: something is out of its place")
        }
        BreakKind::Cut => format!("CUT: event {event} and what followed it are missing"),
        BreakKind::RolledBack => format!(
            "ROLLED BACK: there was another event {event} than the store has now, or the store lacks it; an older copy was put in its place"
        ),
        BreakKind::Foreign => {
            format!("FOREIGN: the lodged head of event {event} is of another store than this")
        }
    }
}
