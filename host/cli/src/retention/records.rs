//! `overt retention records`: the end of a deployment's own records.

use std::path::PathBuf;

use clap::Args;
use jiff::civil::Date;
use overt_deployment::Deployment;
use overt_records::{Force, OwnRecords};
use serde::Serialize;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::times::shown;
use crate::{output, session};

/// See whether a deployment's own records are over the period of the force's rules (`register-days`), and let them go
///
/// Counts, decisions and the log of who looked are kept as long as the force's register. Their files are overwritten and removed as a whole, once the deployment has ended, nothing sealed is left in them and
/// nobody has done anything with them within the period; that they went, and how far their log went, is in the force's log. What a run wrote into its output folder is not among them.
///
/// Nothing of this goes by itself, for a clock that is wrong must not destroy it. Without --delete it is only said whether they would go; any authorising officer or auditor may ask. With it, you are signed in
/// as an authorising officer, and you name the day before which all of it has to be.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt retention records deployment.toml
  overt retention records deployment.toml --before 2017-01-01 --delete

Exit status: 0 if it was said that they may go, or they are gone; 1 if they stay, with the reason.
The JSON is described by retention-records.schema.json in the source of overt.")]
pub(crate) struct Arguments {
    /// The deployment file
    deployment: PathBuf,
    /// Only if all of it is of before this day (UTC)
    #[arg(long, value_name = "YYYY-MM-DD")]
    before: Option<Date>,
    /// Let them go for good
    #[arg(long, requires = "before")]
    delete: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'r> {
    deleted: bool,
    deployment: &'r str,
    before: String,
    rules_version: u32,
    newest: String,
    events: u64,
    hash: &'r str,
    files: &'r [PathBuf],
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let deployment = Deployment::read(&arguments.deployment)?;
    let force = Force::at(&deployment.host.force);
    let who = session::signed_in(&force)?;
    let before = arguments.before.map(super::beginning).transpose()?;
    let now = session::now()?;
    let (id, records) = (&deployment.id, &deployment.host.records);
    let found = match (arguments.delete, before) {
        (true, Some(before)) => force.destroy_own_records(id, records, before, &who, &now)?,
        _ => force.own_records(id, records, before, &who, &now)?,
    };
    if arguments.json {
        output::print_json(&Report {
            deleted: arguments.delete,
            deployment: &found.deployment,
            before: shown(found.before),
            rules_version: found.rules_version,
            newest: shown(found.newest),
            events: found.head.events,
            hash: &found.head.hash,
            files: &found.files,
        })?;
    } else {
        output::print(&output::printable(&text(&found, arguments.delete)))?;
    }
    Ok(Exit::Done)
}

fn text(found: &OwnRecords, deleted: bool) -> String {
    let mut text = format!(
        "The records of {} are over their time by version {} of the rules: the last thing was done with them {}.\n",
        found.deployment,
        found.rules_version,
        shown(found.newest)
    );
    text += match deleted {
        true => "GONE for good:\n",
        false => "These files would go:\n",
    };
    for file in &found.files {
        text += &format!("  {}\n", file.display());
    }
    if !deleted {
        text += "If the day is right by the calendar on the wall: overt retention records DEPLOYMENT --before DAY --delete\n";
    }
    text
}
