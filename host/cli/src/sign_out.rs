//! `overt sign-out`: the session ends.

use clap::Args;
use overt_records::Force;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::session::{self, SessionFile};

/// Sign out: nothing more is done in your name
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt sign-out

Exit status: 0, also where nobody was signed in.")]
pub(crate) struct Arguments {}

pub(crate) fn run(_: Arguments) -> Result<Exit, Failure> {
    let Some(kept) = SessionFile::read()? else {
        output::print("Nobody was signed in.\n")?;
        return Ok(Exit::Done);
    };
    // The file goes first, and the session all the same where that fails: either alone is enough.
    let removed = SessionFile::remove();
    Force::at(&kept.force).sign_out(&kept.token()?, session::now()?.at)?;
    removed?;
    output::print("Signed out.\n")?;
    Ok(Exit::Done)
}
