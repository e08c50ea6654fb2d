//! `overt people show`: one person, with every credential that they ever had.

use clap::Args;
use overt_records::{By, Credential, Withdrawn};
use serde::Serialize;

use super::shown;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::ForceArguments;
use crate::{output, watchlist};

/// Show a person: roles, every credential, who made and who disabled them
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt people show anna
  overt people show anna --json | jq .credentials

Exit status: 0; 1 if there is no such person or you are not signed in.")]
pub(crate) struct Arguments {
    /// The person's id
    id: String,
    #[command(flatten)]
    force: ForceArguments,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'r> {
    #[serde(flatten)]
    person: super::Row<'r>,
    made_at: String,
    /// Null: by nobody, on the machine's console.
    made_by: Option<String>,
    disabled_by: Option<Taken>,
    credentials: Vec<Held<'r>>,
}

#[derive(Serialize)]
struct Held<'r> {
    number: u32,
    role: &'static str,
    selection: &'r str,
    course: &'r str,
    version: &'r str,
    from: String,
    until: String,
    added_by: Option<String>,
    added_at: String,
    withdrawn: Option<Taken>,
}

/// Something taken back.
#[derive(Serialize)]
struct Taken {
    by: String,
    reason: String,
    at: String,
}

fn taken(withdrawn: &Option<Withdrawn>) -> Option<Taken> {
    withdrawn.as_ref().map(|withdrawn| Taken {
        by: withdrawn.by.to_string(),
        reason: withdrawn.reason.clone(),
        at: shown(withdrawn.at),
    })
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let (force, _) = arguments.force.signed_in()?;
    let person = force.person(&arguments.id)?;
    let now = watchlist::now();
    if !arguments.json {
        return super::print(&person, now, false);
    }
    let credentials = person.credentials.iter().map(|held| {
        let Credential {
            role,
            selection,
            course,
            version,
            from,
            until,
        } = &held.credential;
        Held {
            number: held.number,
            role: role.name(),
            selection,
            course,
            version,
            from: shown(*from),
            until: shown(*until),
            added_by: held.added_by.as_ref().map(By::to_string),
            added_at: shown(held.added_at),
            withdrawn: taken(&held.withdrawn),
        }
    });
    output::print_json(&Report {
        person: super::row(&person, now),
        made_at: shown(person.made_at),
        made_by: person.made_by.as_ref().map(By::to_string),
        disabled_by: taken(&person.disabled),
        credentials: credentials.collect(),
    })?;
    Ok(Exit::Done)
}
