//! `overt deployment authorise`: an officer lets a planned deployment take place.

use std::path::PathBuf;

use clap::Args;
use overt_records::Order;

use super::{Registered, register};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session;

/// Authorise a planned deployment on its terms; you are signed in as an authorising officer
///
/// The force's rules say which rank may, which only where it is urgent and for how long then, and whether who planned it may.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt deployment authorise deployment.toml --reference LFR/2026/17
  overt deployment authorise deployment.toml --reference LFR/2026/18 --urgent

Exit status: 0 if it is authorised, 1 if not, 2 for mistakes in the deployment file.")]
pub(crate) struct Arguments {
    /// The deployment file
    deployment: PathBuf,
    /// Reference of the written authority
    #[arg(long)]
    reference: String,
    /// It is urgent
    #[arg(long)]
    urgent: bool,
    /// The entry as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let Registered { force, who, number } = Registered::find(&arguments.deployment)?;
    let order = Order {
        reference: arguments.reference,
        urgent: arguments.urgent,
    };
    let entry = force.authorise(number, &order, &who, &session::now()?)?;
    register::print(&entry, arguments.json)
}
