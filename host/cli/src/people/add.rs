//! `overt people add`: a person more.

use clap::Args;

use super::{PersonArguments, RoleArgument};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::{self, ForceArguments};
use crate::typed::PasswordArguments;

/// Make a person; you are signed in as an authorising officer
///
/// The password that you choose opens no session: the person replaces it by one that nobody else knows, `overt people change-password ID`. To act in a role takes a credential
/// for it too: `overt people credential add`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt people add anna --name \"Anna Example\" --rank engineer --role system-engineer
  overt people add omar --name \"Omar Example\" --rank constable --role operator --password-stdin < initial

Exit status: 0 if the person was made, 1 if not.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    person: PersonArguments,
    /// A role of theirs; can be given several times
    #[arg(long = "role", value_name = "ROLE", value_enum)]
    roles: Vec<RoleArgument>,
    #[command(flatten)]
    force: ForceArguments,
    #[command(flatten)]
    password: PasswordArguments,
    /// Print the person as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let (force, by) = arguments.force.signed_in()?;
    let password = arguments.password.chosen("A first password for them: ")?;
    let now = session::now()?;
    let roles = arguments.roles.iter().map(|role| role.0).collect();
    let new = arguments.person.with(roles);
    let person = force.add(&new, &password, &by, &now)?;
    super::print(&person, now.at, arguments.json)
}
