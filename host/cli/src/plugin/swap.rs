//! `overt plugin swap`: a run goes on with the plugins that its deployment file names now.

use std::path::PathBuf;

use clap::Args;
use overt_deployment::Deployment;
use overt_records::Force;

use crate::control::client::ask_as;
use crate::control::{Ask, Generation, Step, Told};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::{output, session};

/// Let a deployment that runs go on with the plugins that its file names now
///
/// First change [plugins] in the deployment file, and lock it (`overt lock`). The run that goes on verifies, compiles and tests the new plugins aside, loads their
/// models, and puts them in place between two frames: none is lost, and none waits. Another encoder needs a calibration of its own, and the watchlist is
/// encoded anew from the stored pictures first. Whatever fails leaves the plugins serving that served. You are signed in (`overt sign-in`) as a system engineer; who swapped, by which credential, when and why is on record. New files have to lie in the folders that the deployment
/// file named when the run began: it has shut itself in, and reads no other.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt lock deployment.toml
  overt plugin swap deployment.toml --reason \"version 1.3 knows the new category\"
  overt plugin swap deployment.toml --reason \"back to 1.2\" --json

Exit status: 0 if the new plugins serve, 1 if the run refused them or there is none.")]
pub(crate) struct Arguments {
    /// The deployment file
    deployment: PathBuf,
    /// Why
    #[arg(long)]
    reason: String,
    /// Print what serves now as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let deployment = Deployment::read(&arguments.deployment)?;
    let progress = Progress::new("images", None);
    let step = |step: &Step| match step {
        Step::Admitting => progress.line("Verifying, compiling and testing the plugins."),
        Step::Encoding { done: 0, of } => {
            progress.set_length(Some(*of));
            progress.line(&format!("Encoding {of} watchlist images anew."));
        }
        Step::Encoding { done, .. } => progress.at(*done, String::new),
        Step::WarmingUp => progress.line("Loading the models."),
        Step::Serving { generation } => progress.line(&format!("Generation {generation} serves.")),
        Step::Drained => progress.line("The last frame of the one before is through."),
    };
    let wanted = Ask::Swap {
        reason: arguments.reason,
    };
    let token = session::token_for(&Force::at(&deployment.host.force))?;
    let told = ask_as(&deployment, wanted, &token, &step);
    progress.end();
    let Told::Swapped(swapped) = told? else {
        return Err(Failure::new(
            "the run answered something else",
            "ask with the version that runs",
        ));
    };
    match arguments.json {
        true => output::print_json(&swapped)?,
        false => output::print(&output::printable(&text(&swapped.generation)))?,
    }
    Ok(Exit::Done)
}

/// A generation's plugins, a line each.
pub(crate) fn text(generation: &Generation) -> String {
    let mut text = format!(
        "generation {}, since {}",
        generation.number, generation.since
    );
    match (&generation.by, &generation.reason) {
        (Some(by), Some(reason)) => text += &format!(", by {by}: {reason}\n"),
        _ if generation.cause == "fallback" => text += ", because a plugin was put in quarantine\n",
        _ => text += "\n",
    }
    let rows = generation.plugins.iter().map(|plugin| {
        let signed = match plugin.signed_by.is_empty() {
            true => "unsigned".to_owned(),
            false => format!("signed by {}", plugin.signed_by.join(", ")),
        };
        let digest: String = plugin.sha256.chars().take(12).collect();
        (
            plugin.role.as_str(),
            format!("{} {}  {digest}  {signed}", plugin.id, plugin.version),
        )
    });
    for line in output::columns(rows).lines() {
        text += &format!("  {line}\n");
    }
    text
}
