//! `overt people change-password`: a password that its owner chooses.

use clap::Args;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::{self, ForceArguments};
use crate::typed::PasswordArguments;
use crate::{output, sign_in};

/// Replace your password; nobody else can, whatever their role
///
/// It takes the old one, and ends every session of yours. With `--password-stdin` the first line is the old one and the second the new.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt people change-password anna --deployment deployment.toml
  overt people change-password anna --force force.redb --password-stdin < old-and-new

Exit status: 0 if it was replaced, 1 if not.")]
pub(crate) struct Arguments {
    /// Your id [default: the name of this machine's user]
    id: Option<String>,
    #[command(flatten)]
    force: ForceArguments,
    #[command(flatten)]
    password: PasswordArguments,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let force = arguments.force.force()?;
    let id = sign_in::id(arguments.id)?;
    let old = arguments.password.shown("The password that is to go: ")?;
    let new = arguments
        .password
        .chosen("The new one, 12 characters or more: ")?;
    force.change_password(&id, &old, &new, &session::now()?)?;
    output::print("It is changed. Sign in with it: `overt sign-in`.\n")?;
    Ok(Exit::Done)
}
