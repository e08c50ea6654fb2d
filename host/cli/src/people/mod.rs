//! `overt people`: the people of a force, their roles and credentials.

mod add;
mod change_password;
mod credential;
mod disable;
mod init;
mod list;
mod role;
mod show;

use clap::builder::PossibleValue;
use clap::{Args, Subcommand, ValueEnum};
use overt_records::{HeldCredential, NewPerson, Person, PersonRole, Timestamp};
use serde::Serialize;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::times::shown;

/// Make people of the force, and say what they may do
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Init(init::Arguments),
    Add(add::Arguments),
    List(list::Arguments),
    Show(show::Arguments),
    ChangePassword(change_password::Arguments),
    Disable(disable::Arguments),
    Role(role::Arguments),
    Credential(credential::Arguments),
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    match arguments.command {
        Command::Init(arguments) => init::run(arguments),
        Command::Add(arguments) => add::run(arguments),
        Command::List(arguments) => list::run(arguments),
        Command::Show(arguments) => show::run(arguments),
        Command::ChangePassword(arguments) => change_password::run(arguments),
        Command::Disable(arguments) => disable::run(arguments),
        Command::Role(arguments) => role::run(arguments),
        Command::Credential(arguments) => credential::run(arguments),
    }
}

/// Who somebody is.
#[derive(Args)]
struct PersonArguments {
    /// The new person's id: lower-case letters, digits, hyphens and dots
    id: String,
    /// Full name
    #[arg(long)]
    name: String,
    /// Rank, as the force calls it
    #[arg(long)]
    rank: String,
}

impl PersonArguments {
    fn with(self, roles: Vec<PersonRole>) -> NewPerson {
        NewPerson {
            id: self.id,
            name: self.name,
            rank: self.rank,
            roles,
        }
    }
}

/// A role on the command line.
#[derive(Clone, Copy)]
struct RoleArgument(PersonRole);

impl ValueEnum for RoleArgument {
    fn value_variants<'a>() -> &'a [Self] {
        const ALL: [RoleArgument; 5] = {
            let [a, b, c, d, e] = PersonRole::ALL;
            [
                RoleArgument(a),
                RoleArgument(b),
                RoleArgument(c),
                RoleArgument(d),
                RoleArgument(e),
            ]
        };
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.0.name()))
    }
}

/// A person, as `--json` prints them.
#[derive(Serialize)]
struct Row<'r> {
    id: &'r str,
    name: &'r str,
    rank: &'r str,
    disabled: bool,
    roles: Vec<RoleRow>,
}

/// A role, and until when it may be acted in; nothing can be done in one without.
#[derive(Serialize)]
struct RoleRow {
    role: &'static str,
    valid_until: Option<String>,
}

fn row(person: &Person, now: Timestamp) -> Row<'_> {
    let valid_until = |role| {
        let credential = person.credential(role, now)?;
        Some(shown(credential.until))
    };
    Row {
        id: &person.id,
        name: &person.name,
        rank: &person.rank,
        disabled: person.disabled.is_some(),
        roles: person
            .roles
            .iter()
            .map(|role| RoleRow {
                role: role.name(),
                valid_until: valid_until(*role),
            })
            .collect(),
    }
}

/// A person, for somebody who reads.
fn text(person: &Person, now: Timestamp) -> String {
    let mut text = format!("{} ({}), {}\n", person.name, person.id, person.rank);
    let made = match &person.made_by {
        Some(by) => format!("by {by}"),
        None => "by nobody, on the machine's console".to_owned(),
    };
    text += &format!("  made {} {made}\n", shown(person.made_at));
    if let Some(disabled) = &person.disabled {
        text += &format!(
            "  DISABLED {} by {}: {}\n",
            shown(disabled.at),
            disabled.by,
            disabled.reason
        );
    }
    for role in &person.roles {
        text += &match person.credential(*role, now) {
            Some(credential) => format!("  {role} until {}\n", shown(credential.until)),
            None => format!("  {role}, with NO valid credential: nothing can be done in it\n"),
        };
    }
    for held in &person.credentials {
        text += &format!("  {}\n", credential_text(held));
    }
    text
}

fn credential_text(held: &HeldCredential) -> String {
    let credential = &held.credential;
    let mut text = format!(
        "credential {}: {}, {} {}, selected {}, {} to {}",
        held.number,
        credential.role,
        credential.course,
        credential.version,
        credential.selection,
        shown(credential.from),
        shown(credential.until)
    );
    if let Some(withdrawn) = &held.withdrawn {
        text += &format!(
            "; WITHDRAWN {} by {}: {}",
            shown(withdrawn.at),
            withdrawn.by,
            withdrawn.reason
        );
    }
    text
}

fn print(person: &Person, now: Timestamp, json: bool) -> Result<Exit, Failure> {
    match json {
        true => output::print_json(&row(person, now))?,
        false => output::print(&output::printable(&text(person, now)))?,
    }
    Ok(Exit::Done)
}
