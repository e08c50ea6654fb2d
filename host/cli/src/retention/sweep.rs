//! `overt retention run`: what is over its time goes now.

use std::path::PathBuf;

use clap::Args;
use overt_deployment::Deployment;
use overt_pipeline::custody::{Ask, Swept, Told};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;

/// Let go what is over its time: keys are destroyed, files that showed faces are overwritten and removed
///
/// It needs nobody to be signed in: it destroys only what has to be gone by the deployment's limits, and no hold. Where the last image of a watchlist entry goes, pending alerts about it
/// are withdrawn; a run that goes on compares nobody with it any more.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt retention run deployment.toml
  overt retention run deployment.toml --json | jq .withdrawn       alerts that were withdrawn

Exit status: 0 if nothing is left that should be gone, 1 if a file could not be removed.")]
pub(crate) struct Arguments {
    /// The deployment file
    deployment: PathBuf,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let deployment = Deployment::read(&arguments.deployment)?;
    let Told::Swept(mut swept) = super::ask(&deployment, Ask::Sweep)? else {
        return Err(super::something_else());
    };
    // A run has shut itself in and reaches no other folder than its own; whoever calls this does.
    let mut failures = Vec::new();
    swept.exports_left.retain(|path| {
        let gone = overt_records::destroy_file(path);
        if let Err(error) = &gone {
            failures.push(error.to_string());
        }
        gone.is_err()
    });
    if arguments.json {
        output::print_json(&swept)?;
    } else {
        output::print(&output::printable(&text(&swept)))?;
    }
    for failure in &failures {
        output::say(&format!("not removed: {}\n", output::printable(failure)));
    }
    Ok(match failures.is_empty() {
        true => Exit::Done,
        false => Exit::Failed,
    })
}

fn text(swept: &Swept) -> String {
    let rows = [
        ("alerts", swept.alerts),
        ("inputs of alerts", swept.inputs),
        ("watchlist images", swept.watchlist_images),
        ("watchlist entries", swept.watchlist_entries),
        ("alerts withdrawn", swept.withdrawn.len() as u64),
        ("files", swept.exports),
    ];
    match rows.iter().all(|(_, number)| *number == 0) {
        true => "Nothing was over its time.\n".to_owned(),
        false => {
            let rows = rows.map(|(name, number)| (name, number.to_string()));
            format!("Gone for good:\n{}", output::columns(rows.to_vec()))
        }
    }
}
