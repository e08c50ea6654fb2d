//! `overt deployment refuse`: an officer does not let a planned deployment take place.

use std::path::PathBuf;

use clap::Args;

use super::{Registered, register};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session;

/// Refuse a planned deployment; you are signed in as an authorising officer
///
/// The plan and the refusal stay in the register.
#[derive(Args)]
#[command(after_help = "\
Example:
  overt deployment refuse deployment.toml --reason \"not proportionate: two officers on foot can do it\"

Exit status: 0 if it is refused, 1 if not, 2 for mistakes in the deployment file.")]
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
    let entry = force.refuse(number, &arguments.reason, &who, &session::now()?)?;
    register::print(&entry, arguments.json)
}
