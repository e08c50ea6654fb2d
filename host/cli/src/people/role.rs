//! `overt people role`: what somebody may be in a deployment.

use clap::{Args, Subcommand};

use super::RoleArgument;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::{self, ForceArguments};

/// Give somebody a role, or take one back; you are signed in as an authorising officer
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Give somebody a role; to act in it takes a credential for it too
    #[command(after_help = "\
Examples:
  overt people role add anna system-engineer

Exit status: 0 if they have it now, 1 if not.")]
    Add(RoleOf),
    /// Take a role back, at once
    #[command(after_help = "\
Examples:
  overt people role remove anna system-engineer

Exit status: 0 if they have it no more, 1 if not.")]
    Remove(RoleOf),
}

#[derive(Args)]
struct RoleOf {
    /// The person's id
    id: String,
    /// The role
    #[arg(value_enum)]
    role: RoleArgument,
    #[command(flatten)]
    force: ForceArguments,
    /// Print the person as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let (Command::Add(of) | Command::Remove(of)) = &arguments.command;
    let (force, by) = of.force.signed_in()?;
    let now = session::now()?;
    let person = match &arguments.command {
        Command::Add(_) => force.add_role(&of.id, of.role.0, &by, &now)?,
        Command::Remove(_) => force.remove_role(&of.id, of.role.0, &by, &now)?,
    };
    super::print(&person, now.at, of.json)
}
