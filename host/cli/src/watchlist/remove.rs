//! `overt watchlist remove`: takes entries off the watchlist, with their images and templates. A run that goes on does it within a second; where there is none,
//! it is done in the records.

use std::path::PathBuf;

use clap::Args;
use overt_deployment::Deployment;
use overt_records::{Force, RecordsError, Removal, Removed};
use serde::Serialize;

use crate::control::client::{self, ask_as};
use crate::control::listed::ListTold;
use crate::control::{Ask, Told};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::{output, session};

/// Take entries off the watchlist; their images and templates are destroyed, and alerts about them withdrawn
///
/// You are signed in (`overt sign-in`) as a system engineer or an authorising officer. While the deployment runs, the run does it: when the answer is there, no later frame
/// can match the person, passers-by who are in view are compared with them no more, and pending alerts about them are withdrawn, unless an officer speaks to somebody
/// already. Who removed whom, when and why is on record. The list is another one then, which an authorising officer approves before the next run: `overt watchlist approve`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt watchlist remove deployment.toml custody-2026-0117 --reason \"found safe\"
  overt watchlist remove deployment.toml custody-2026-0117 custody-2026-0118 --reason \"warrants withdrawn\"

Exit status: 0 if all of them were on the watchlist and are removed, 1 if one was not.")]
pub(crate) struct Arguments {
    /// The deployment file
    deployment: PathBuf,
    /// The entries' references
    #[arg(required = true)]
    references: Vec<String>,
    /// Why
    #[arg(long)]
    reason: String,
    /// As JSON, an item for each reference
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Row {
    reference: String,
    /// Whether it was on the watchlist, and is not any more.
    removed: bool,
    images: u64,
    /// Alerts that were withdrawn.
    withdrawn: Vec<u32>,
    /// The generation of the run that is without it.
    generation: Option<u64>,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let deployment = Deployment::read(&arguments.deployment)?;
    let force = Force::at(&deployment.host.force);
    let rows = match client::is_running(&deployment) {
        true => live(&arguments, &deployment, &force)?,
        false => stored(&arguments, &deployment, &force)?,
    };
    for row in rows.iter().filter(|row| !row.removed) {
        output::say(&format!(
            "{}: not on the watchlist\n",
            output::printable(&row.reference)
        ));
    }
    match arguments.json {
        true => output::print_json(&rows)?,
        false => output::print(&output::printable(&text(&rows)))?,
    }
    Ok(match rows.iter().all(|row| row.removed) {
        true => Exit::Done,
        false => Exit::Failed,
    })
}

/// In the records, which nobody else has open.
fn stored(
    arguments: &Arguments,
    deployment: &Deployment,
    force: &Force,
) -> Result<Vec<Row>, Failure> {
    let by = session::signed_in(force)?;
    let removal = Removal::by(&by, &arguments.reason, super::now()).map_err(RecordsError::from)?;
    let store = super::open(deployment)?;
    let remove = |reference: &String| -> Result<Row, Failure> {
        let removed = store.watchlist().remove(reference, &removal)?;
        Ok(match removed {
            Some(Removed {
                images, withdrawn, ..
            }) => Row {
                reference: reference.clone(),
                removed: true,
                images: images as u64,
                withdrawn,
                generation: None,
            },
            None => absent(reference),
        })
    };
    arguments.references.iter().map(remove).collect()
}

/// By the run.
fn live(
    arguments: &Arguments,
    deployment: &Deployment,
    force: &Force,
) -> Result<Vec<Row>, Failure> {
    let token = session::token_for(force)?;
    let remove = |reference: &String| -> Result<Row, Failure> {
        let ask = Ask::Remove {
            reference: reference.clone(),
            reason: arguments.reason.clone(),
        };
        match ask_as(deployment, ask, &token, &|_| {})? {
            Told::List(ListTold::Removed {
                images,
                withdrawn,
                generation,
            }) => Ok(Row {
                reference: reference.clone(),
                removed: true,
                images,
                withdrawn,
                generation,
            }),
            Told::List(ListTold::Absent) => Ok(absent(reference)),
            _ => Err(Failure::new(
                "the run answered something else",
                "ask with the version that runs",
            )),
        }
    };
    arguments.references.iter().map(remove).collect()
}

fn absent(reference: &str) -> Row {
    Row {
        reference: reference.to_owned(),
        removed: false,
        images: 0,
        withdrawn: Vec::new(),
        generation: None,
    }
}

fn text(rows: &[Row]) -> String {
    let mut text = String::new();
    for row in rows.iter().filter(|row| row.removed) {
        let images = match row.images {
            1 => "1 image".to_owned(),
            images => format!("{images} images"),
        };
        text += &format!("{}: removed, with {images}", row.reference);
        let withdrawn: Vec<String> = row.withdrawn.iter().map(u32::to_string).collect();
        if !withdrawn.is_empty() {
            text += &format!("; withdrawn: alert {}", withdrawn.join(", "));
        }
        if let Some(generation) = row.generation {
            text += &format!("; generation {generation} serves without them");
        }
        text += "\n";
    }
    text
}
