//! `overt plugin release`: ends a plugin's quarantine, by a named person with a reason.

use std::path::PathBuf;

use clap::Args;
use overt_deployment::Deployment;
use overt_records::Release;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::{output, watchlist};

/// Let a plugin run again that was put in quarantine
///
/// A plugin of which ten of the last hundred calls failed is not run again until a person says so. The release is recorded with name, reason and time, and
/// the quarantine stays on record.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt plugin release deployment.toml detector-x --by \"A. N. Engineer\" --reason \"the camera's cable was broken; the frames were noise\"

Exit status: 0 if it was released, 1 if it is in no quarantine.")]
pub(crate) struct Arguments {
    /// The deployment file
    deployment: PathBuf,
    /// The plugin's id
    plugin: String,
    /// Who decides it
    #[arg(long)]
    by: String,
    /// Why it may run again
    #[arg(long)]
    reason: String,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let deployment = Deployment::read(&arguments.deployment)?;
    let store = watchlist::open(&deployment)?;
    let release = Release {
        by: arguments.by,
        reason: arguments.reason,
        at: watchlist::now(),
    };
    let released = store.release(&arguments.plugin, &release)?;
    let plugin = output::printable(&arguments.plugin);
    if released.is_empty() {
        output::say(&format!("{plugin} is in no quarantine\n"));
        return Ok(Exit::Failed);
    }
    for quarantine in &released {
        output::print(&format!(
            "{plugin} {}: released; {} of its last {} calls had failed, the last with {}\n",
            quarantine.plugin.version, quarantine.strikes, quarantine.calls, quarantine.cause
        ))?;
    }
    Ok(Exit::Done)
}
