//! `overt who`: who is signed in, and what they may do.

use clap::Args;
use overt_records::SignedIn;
use serde::Serialize;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::session::ForceArguments;
use crate::times::shown;

/// Say who is signed in, in which roles and until when each may be acted in
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt who
  overt who --json | jq -r .id

Exit status: 0 if somebody is signed in, 1 if nobody is.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    force: ForceArguments,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'r> {
    id: &'r str,
    name: &'r str,
    rank: &'r str,
    roles: Vec<Role<'r>>,
    session_until: String,
}

/// A role; without a credential nothing can be done in it.
#[derive(Serialize)]
struct Role<'r> {
    role: &'static str,
    course: Option<&'r str>,
    version: Option<&'r str>,
    valid_until: Option<String>,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let (_, who) = arguments.force.signed_in()?;
    match arguments.json {
        true => output::print_json(&report(&who))?,
        false => output::print(&output::printable(&text(&who)))?,
    }
    Ok(Exit::Done)
}

fn report(who: &SignedIn) -> Report<'_> {
    Report {
        id: who.id(),
        name: who.name(),
        rank: who.rank(),
        roles: who
            .roles()
            .map(|(role, credential)| Role {
                role: role.name(),
                course: credential.map(|credential| credential.course.as_str()),
                version: credential.map(|credential| credential.version.as_str()),
                valid_until: credential.map(|credential| shown(credential.until)),
            })
            .collect(),
        session_until: shown(who.until()),
    }
}

/// Name, id and rank, and a line for each role.
pub(crate) fn text(who: &SignedIn) -> String {
    let mut text = format!("{} ({}), {}\n", who.name(), who.id(), who.rank());
    let rows = who.roles().map(|(role, credential)| {
        let may = match credential {
            Some(credential) => format!(
                "until {}, by {} {}",
                shown(credential.until),
                credential.course,
                credential.version
            ),
            None => "NO valid credential: nothing can be done in it".to_owned(),
        };
        (role.name(), may)
    });
    for line in output::columns(rows).lines() {
        text += &format!("  {line}\n");
    }
    text
}
