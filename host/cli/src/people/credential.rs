//! `overt people credential`: what says that somebody is trained for a role, and until when.

use clap::{Args, Subcommand};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use overt_records::{Credential, PersonRole, Timestamp};

use super::RoleArgument;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::{self, ForceArguments};

/// Put a credential on record, or take one back; you are signed in as an authorising officer
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Put a credential on record: without one for it nobody can act in a role
    #[command(after_help = "\
Examples:
  overt people credential add anna --role system-engineer --selection \"head of IT\" --course \"Overt for engineers\" --version 2 --from 2026-01-01 --until 2026-12-31

Exit status: 0 if it is on record, 1 if not.")]
    Add(Add),
    /// Take a credential back, at once; it stays on record
    #[command(after_help = "\
Examples:
  overt people credential withdraw anna 2 --reason \"did not pass the refresher\"

Exit status: 0 if it counts no more, 1 if not.")]
    Withdraw(Withdraw),
}

/// What is on record of a course.
#[derive(Args)]
pub(crate) struct CredentialArguments {
    /// The route by which the person was selected for the role
    #[arg(long)]
    selection: String,
    /// The course
    #[arg(long)]
    course: String,
    /// The course's version
    #[arg(long)]
    version: String,
    /// The first day on which it is valid (UTC), such as 2026-01-01
    #[arg(long, value_name = "DATE")]
    from: Date,
    /// The last day on which it is valid (UTC)
    #[arg(long, value_name = "DATE")]
    until: Date,
}

impl CredentialArguments {
    pub(crate) fn of(self, role: PersonRole) -> Result<Credential, Failure> {
        let start = |date: Date| {
            let start = date.to_zoned(TimeZone::UTC).ok()?;
            Some(Timestamp::from_unix_ms(start.timestamp().as_millisecond()))
        };
        let after = self.until.tomorrow().ok();
        let (Some(from), Some(until)) = (start(self.from), after.and_then(start)) else {
            return Err(Failure::mistake(
                "a calendar does not reach that far",
                "write a nearer date",
            ));
        };
        Ok(Credential {
            role,
            selection: self.selection,
            course: self.course,
            version: self.version,
            from,
            until,
        })
    }
}

#[derive(Args)]
struct Add {
    /// The person's id
    id: String,
    /// The role that it is for
    #[arg(long, value_enum)]
    role: RoleArgument,
    #[command(flatten)]
    credential: CredentialArguments,
    #[command(flatten)]
    force: ForceArguments,
    /// Print the person as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Withdraw {
    /// The person's id
    id: String,
    /// The credential's number, as `overt people show` has it
    number: u32,
    /// Why
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    force: ForceArguments,
    /// Print the person as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    match arguments.command {
        Command::Add(add) => {
            let credential = add.credential.of(add.role.0)?;
            let (force, by) = add.force.signed_in()?;
            let now = session::now()?;
            let person = force.add_credential(&add.id, &credential, &by, &now)?;
            super::print(&person, now.at, add.json)
        }
        Command::Withdraw(withdraw) => {
            let (force, by) = withdraw.force.signed_in()?;
            let now = session::now()?;
            let Withdraw {
                id, number, reason, ..
            } = &withdraw;
            let person = force.withdraw_credential(id, *number, reason, &by, &now)?;
            super::print(&person, now.at, withdraw.json)
        }
    }
}
