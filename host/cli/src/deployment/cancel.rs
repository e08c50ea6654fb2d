//! `overt deployment cancel`: an officer takes a plan or an authority back.

use std::path::PathBuf;

use clap::Args;

use super::{Registered, register};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session;

/// Cancel a planned or authorised deployment; you are signed in as an authorising officer
///
/// A run that goes on stops within seconds. What the deployment holds is destroyed by closing it.
#[derive(Args)]
#[command(after_help = "\
Example:
  overt deployment cancel deployment.toml --reason \"the match was called off\"

Exit status: 0 if it is cancelled, 1 if not, 2 for mistakes in the deployment file.")]
pub(crate) struct Arguments {
    /// The deployment file
    deployment: PathBuf,
    /// Why
    #[arg(long)]
    reason: String,
    /// The entry as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let Registered { force, who, number } = Registered::find(&arguments.deployment)?;
    let entry = force.cancel(number, &arguments.reason, &who, &session::now()?)?;
    register::print(&entry, arguments.json)
}
