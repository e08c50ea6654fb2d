//! `overt plugin release`: ends a plugin's quarantine, on a system engineer's word.

use std::path::PathBuf;

use clap::Args;
use overt_deployment::Deployment;
use overt_records::Force;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::{output, session, watchlist};

/// Let a plugin run again that was put in quarantine
///
/// A plugin of which ten of the last hundred calls failed is not run again until a system engineer says so, who is signed in (`overt sign-in`). The release is recorded with who it was, by which credential, why and when, and
/// the quarantine stays on record.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt plugin release deployment.toml detector-x --reason \"the camera's cable was broken; the frames were noise\"

Exit status: 0 if it was released, 1 if it is in no quarantine or you may not.")]
pub(crate) struct Arguments {
    /// The deployment file
    deployment: PathBuf,
    /// The plugin's id
    plugin: String,
    /// Why it may run again
    #[arg(long)]
    reason: String,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let deployment = Deployment::read(&arguments.deployment)?;
    let by = session::signed_in(&Force::at(&deployment.host.force))?;
    let store = watchlist::open(&deployment)?;
    let released = store.release(&arguments.plugin, &by, &arguments.reason, watchlist::now())?;
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
