//! `overt sign-in`: from here on the host knows who asks.

use clap::Args;
use overt_records::{Force, SESSION_HOURS, SESSION_IDLE_MINUTES};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::{self, ForceArguments, SessionFile};
use crate::typed::PasswordArguments;
use crate::{output, who};

/// Sign in: what you do from here on is done in your name
///
/// A session lasts eight hours, and half an hour while nothing is done in it. It is this user's of this machine alone, and is over when the machine is switched off. After five wrong
/// passwords the next one has to wait, twice as long each time, an hour at most.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt sign-in anna --deployment deployment.toml
  overt sign-in anna --force /var/lib/overt/force.redb
  overt sign-in anna --force force.redb --password-stdin < anna.password

Exit status: 0 if you are signed in, 1 if not.")]
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
    let id = id(arguments.id)?;
    let password = arguments
        .password
        .shown(&format!("Password of {}: ", output::printable(&id)))?;
    let session = force.sign_in(&id, &password, session::uid(), &session::now()?)?;
    // One that is readable no more ends by itself.
    let before = SessionFile::read().ok().flatten();
    if let Err(failure) = SessionFile::write(&force, &session.token) {
        // Nobody could use it.
        force.sign_out(&session.token, session::now()?.at)?;
        return Err(failure);
    }
    if let Some(before) = before
        && let Ok(token) = before.token()
    {
        // It may be of a store that is gone; then there is no session either.
        let _ = Force::at(&before.force).sign_out(&token, session::now()?.at);
    }
    let mut text = who::text(&session.signed_in);
    text += &format!(
        "You are signed in for {SESSION_HOURS} hours, and {SESSION_IDLE_MINUTES} minutes while nothing is done.\n"
    );
    match session.failed_before {
        0 => {}
        1 => {
            text += "ONE wrong password came with your id since the last time. If it was not you, tell your authorising officer.\n"
        }
        many => {
            text += &format!(
                "{many} WRONG passwords came with your id since the last time. If it was not you, tell your authorising officer.\n"
            );
        }
    }
    output::print(&output::printable(&text))?;
    Ok(Exit::Done)
}

/// The id that was given, or the name of this machine's user.
pub(crate) fn id(given: Option<String>) -> Result<String, Failure> {
    if let Some(id) = given {
        return Ok(id);
    }
    let user = nix::unistd::User::from_uid(nix::unistd::geteuid());
    match user {
        Ok(Some(user)) => Ok(user.name),
        _ => Err(Failure::mistake(
            "this user has no name",
            "give your id: `overt sign-in ID`",
        )),
    }
}
