//! `overt people list`: who there is.

use clap::Args;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::ForceArguments;
use crate::{output, watchlist};

/// List the people of the force: id, name, rank, roles, and until when each may be acted in
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt people list
  overt people list --json | jq '.[] | select(.disabled | not) | .id'

Exit status: 0; 1 if you are not signed in.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    force: ForceArguments,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let (force, _) = arguments.force.signed_in()?;
    let people = force.people()?;
    let now = watchlist::now();
    let rows: Vec<_> = people
        .iter()
        .map(|person| super::row(person, now))
        .collect();
    if arguments.json {
        output::print_json(&rows)?;
        return Ok(Exit::Done);
    }
    let mut text = String::new();
    for row in &rows {
        let roles: Vec<_> = row
            .roles
            .iter()
            .map(|role| match &role.valid_until {
                Some(until) => format!("{} until {until}", role.role),
                None => format!("{} (NO valid credential)", role.role),
            })
            .collect();
        let disabled = if row.disabled { "DISABLED, " } else { "" };
        text += &format!(
            "{}  {}, {}: {disabled}{}\n",
            row.id,
            row.name,
            row.rank,
            match roles.is_empty() {
                true => "no role".to_owned(),
                false => roles.join(", "),
            }
        );
    }
    output::print(&output::printable(&text))?;
    Ok(Exit::Done)
}
