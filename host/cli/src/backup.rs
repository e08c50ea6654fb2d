//! `overt backup` and `overt restore`: copies against the loss of a disk, without the keys of anything sealed.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use clap::Args;
use overt_deployment::Deployment;
use overt_pipeline::inquiry::Ask;
use overt_records::{Backup, BackupError, Copying, Force, Timestamp, restore, restore_force};
use serde::Serialize;

use crate::control::client;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::{inquiry, output, times, watchlist};

/// Copy a deployment's records and the force's people and register, against the loss of a disk
///
/// The copy holds no key of what is sealed: it brings back who decided what, the counts, the register and the logs; never a face, and nobody's place on a watchlist. It is a folder of yours alone; it holds
/// the keys by which the logs are signed, so keep it as you keep the records. A run that goes on gives it out and goes on. Lodge the head that is printed.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt backup deployment.toml /mnt/copies/town-hall-2026-01-31
  overt backup deployment.toml /mnt/copies/today --json | jq .records.head

Exit status: 0 if the copy is whole, 1 if there is none.")]
pub(crate) struct Arguments {
    /// The deployment file
    deployment: PathBuf,
    /// The folder to make; it must not be there
    folder: PathBuf,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Put a copy of records and force in place, where there are none
///
/// Nothing is overwritten. The log says from when the copy is and that nothing sealed came back: enrol the watchlist again and have it approved. `overt audit verify` with a head that was lodged later tells
/// what the copy lacks.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt restore /mnt/copies/town-hall-2026-01-31 deployment.toml

Exit status: 0 if it is in place, 1 if something is in the way or the copy is not whole.")]
pub(crate) struct RestoreArguments {
    /// The folder that `overt backup` made
    folder: PathBuf,
    /// The deployment file
    deployment: PathBuf,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Folder of the deployment's records in a copy.
const RECORDS: &str = "records";
/// Folder of the force's store in a copy.
const FORCE: &str = "force";

impl From<BackupError> for Failure {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::Force(error) => (*error).into(),
            BackupError::Records(error) => error.into(),
            error => Failure::new(error.to_string(), error.mend()),
        }
    }
}

/// What is printed.
#[derive(Serialize)]
struct Report {
    records: Row,
    /// Null: there is no force's store.
    force: Option<Row>,
}

#[derive(Serialize)]
struct Row {
    copied_at: String,
    events: u64,
    head: String,
}

impl Row {
    fn of(backup: &Backup) -> Row {
        Row {
            copied_at: times::for_lists(times::of_records(backup.at)),
            events: backup.head.events,
            head: backup.head.hash.clone(),
        }
    }
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let deployment = Deployment::read(&arguments.deployment)?;
    let folder = &arguments.folder;
    match std::fs::DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let path = folder.clone();
            return Err(BackupError::InTheWay { path }.into());
        }
        made => made.map_err(|error| Failure::file(folder, &error))?,
    }
    let now = watchlist::now();
    let records = copied(&deployment, &folder.join(RECORDS), now)?;
    let force = match deployment.host.force.exists() {
        true => Some(Force::at(&deployment.host.force).backup(&folder.join(FORCE), now)?),
        false => None,
    };
    told(&records, force.as_ref(), "copied", arguments.json)
}

/// The records, from a run that has them open or from their file.
fn copied(deployment: &Deployment, folder: &Path, now: Timestamp) -> Result<Backup, Failure> {
    if client::is_running(deployment) {
        let copying = Copying::begin(folder, &deployment.host.records, &deployment.id)?;
        let mut take = |piece| Ok(copying.take(&piece)?);
        let told = inquiry::of_run(deployment, Ask::Copy, &mut inquiry::pieces(&mut take))?;
        return match told {
            Some(_) => Ok(copying.finish(now)?),
            None => Err(Failure::new(
                "the run ended before it had given out its records",
                "make the copy again, in another folder",
            )),
        };
    }
    Ok(watchlist::open(deployment)?.backup(folder, now)?)
}

pub(crate) fn restored(arguments: RestoreArguments) -> Result<Exit, Failure> {
    let deployment = Deployment::read(&arguments.deployment)?;
    let folder = &arguments.folder;
    let part = folder.join(FORCE);
    // The force first: with another force than that of its register a deployment's records are of no use.
    let force = match part.exists() {
        true => Some(restore_force(&part, &deployment.host.force)?),
        false => None,
    };
    let records = restore(
        &folder.join(RECORDS),
        Path::new(&deployment.host.records),
        &watchlist::settings(&deployment),
        watchlist::now(),
    )?;
    let told = told(&records, force.as_ref(), "in place", arguments.json);
    let key = overt_records::membership_key_file(&deployment.host.records);
    if !key.exists() {
        output::say(&format!(
            "The key of who was on the watchlist is in no copy: its custodian puts it back at {}.\n",
            key.display()
        ));
    }
    told
}

fn told(records: &Backup, force: Option<&Backup>, what: &str, json: bool) -> Result<Exit, Failure> {
    let report = Report {
        records: Row::of(records),
        force: force.map(Row::of),
    };
    if json {
        output::print_json(&report)?;
        return Ok(Exit::Done);
    }
    let line = |name: &str, row: &Row| {
        format!(
            "{name} {what}, as of {}: {} events of the log, the newest {}\n",
            row.copied_at, row.events, row.head
        )
    };
    let mut text = line("records", &report.records);
    if let Some(row) = &report.force {
        text += &line("force", row);
    }
    output::print(&text)?;
    Ok(Exit::Done)
}
