//! `overt deployment status`: what a deployment that runs does now.

use std::path::PathBuf;

use clap::Args;
use overt_deployment::Deployment;

use crate::control::client::ask;
use crate::control::{Ask, Told};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::plugin::swap;

/// See what serves in a deployment that runs, and since when
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt deployment status deployment.toml
  overt deployment status deployment.toml --json

Exit status: 0 if it runs here, 1 if not.")]
pub(crate) struct Arguments {
    /// The deployment file
    deployment: PathBuf,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let deployment = Deployment::read(&arguments.deployment)?;
    let Told::Status(status) = ask(&deployment, Ask::Status, &|_| {})? else {
        return Err(Failure::new(
            "the run answered something else",
            "ask with the version that runs",
        ));
    };
    if arguments.json {
        output::print_json(&status)?;
        return Ok(Exit::Done);
    }
    let mut text = match status.generations.is_empty() {
        true => format!(
            "{}: no run goes on; messages are being delivered\n",
            status.deployment
        ),
        false => format!(
            "{} runs: {} frames read, {} processed, {} dropped, {} unseen so far\n",
            status.deployment,
            status.frames_read,
            status.frames_processed,
            status.frames_dropped,
            status.frames_unseen
        ),
    };
    for quarantine in &status.quarantines {
        text += &format!(
            "IN QUARANTINE since {}: {} {} as {}; {} of its last {} calls failed, the last with {}\n",
            quarantine.since,
            quarantine.plugin,
            quarantine.version,
            quarantine.role,
            quarantine.strikes,
            quarantine.calls,
            quarantine.cause
        );
    }
    for generation in &status.generations {
        text += &swap::text(generation);
    }
    output::print(&output::printable(&text))?;
    Ok(Exit::Done)
}
