//! `overt people disable`: somebody can sign in no more.

use clap::Args;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::{self, ForceArguments};

/// Keep somebody from signing in, at once and for good; you are signed in as an authorising officer
///
/// Their sessions end, and what they did stays on record under their id. Nobody can disable themselves.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt people disable anna --reason \"left the force\"

Exit status: 0 if the person is disabled now, 1 if not.")]
pub(crate) struct Arguments {
    /// The person's id
    id: String,
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
    let (force, by) = arguments.force.signed_in()?;
    let now = session::now()?;
    let person = force.disable(&arguments.id, &arguments.reason, &by, &now)?;
    super::print(&person, now.at, arguments.json)
}
