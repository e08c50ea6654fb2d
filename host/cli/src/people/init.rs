//! `overt people init`: the first person, who makes the others.

use clap::Args;
use overt_records::PersonRole;

use super::PersonArguments;
use super::credential::CredentialArguments;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::{self, ForceArguments};
use crate::typed::PasswordArguments;

/// Make the first person of a force, on the machine's console: an authorising officer
///
/// It is on record as made by nobody. Everybody after that is made by an authorising officer who is signed in. It works again only where no authorising officer is left who has a valid
/// credential and is not disabled, so make two.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt people init boss --name \"A. N. Officer\" --rank superintendent --selection \"chief officers\" --course \"LFR for authorising officers\" --version 2 --from 2026-01-01 --until 2027-12-31 --deployment deployment.toml

Exit status: 0 if the person was made, 1 if not.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    person: PersonArguments,
    #[command(flatten)]
    credential: CredentialArguments,
    #[command(flatten)]
    force: ForceArguments,
    #[command(flatten)]
    password: PasswordArguments,
    /// Print the person as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let force = arguments.force.force()?;
    let role = PersonRole::AuthorisingOfficer;
    let credential = arguments.credential.of(role)?;
    let password = arguments
        .password
        .chosen("A password, 12 characters or more: ")?;
    let now = session::now()?;
    let new = arguments.person.with(vec![role]);
    let person = force.init(&new, &credential, &password, &now)?;
    super::print(&person, now.at, arguments.json)
}
