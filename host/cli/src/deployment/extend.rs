//! `overt deployment extend`: an officer lets an authorised deployment go on for longer.

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;
use overt_records as records;

use super::{Registered, register};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session;

/// Let an authorised deployment go on for longer; you are signed in as an authorising officer
///
/// Only before its window ends, and no longer than the force's rules allow. A run that goes on hears of it within seconds.
#[derive(Args)]
#[command(after_help = "\
Example:
  overt deployment extend deployment.toml --until 2026-01-31T20:00:00Z --reference LFR/2026/17a --reason \"extra time\"

Exit status: 0 if it is extended, 1 if not, 2 for mistakes in the deployment file.")]
pub(crate) struct Arguments {
    /// The deployment file
    deployment: PathBuf,
    /// The new end, with its offset from UTC
    #[arg(long, value_name = "TIME")]
    until: Timestamp,
    /// Reference of the written authority
    #[arg(long)]
    reference: String,
    /// Why
    #[arg(long)]
    reason: String,
    /// The entry as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let Registered { force, who, number } = Registered::find(&arguments.deployment)?;
    let until = records::Timestamp::from_unix_ms(arguments.until.as_millisecond());
    let (reference, reason) = (&arguments.reference, &arguments.reason);
    let entry = force.extend(number, until, reference, reason, &who, &session::now()?)?;
    register::print(&entry, arguments.json)
}
