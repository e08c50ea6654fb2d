//! `overt deployment inspect`: every plugin of a deployment, and a list of what is out of order.

use std::path::PathBuf;

use clap::Args;
use overt_deployment::Deployment;
use overt_pipeline::inspection::{DeploymentInspection, Finding, inspect};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::{machine, output};

/// Say what a deployment consists of, and list what is out of order
///
/// Nothing is compiled and nothing is run. Out of order is, say, a plugin without the signatures that the deployment asks for, one without a self-test,
/// evidence that was made for another plugin, a score floor that rests on nothing, or a difference from the lock.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt deployment inspect deployment.toml
  overt deployment inspect deployment.toml --long
  overt deployment inspect deployment.toml --json | jq .findings

Exit status: 0 if nothing is out of order, 1 if something is, 2 for mistakes in the deployment file.")]
pub(crate) struct Arguments {
    /// The deployment file
    deployment: PathBuf,
    /// Every plugin in full, as `overt plugin inspect` shows it
    #[arg(long)]
    long: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let deployment = Deployment::read(&arguments.deployment)?;
    let machine = machine::start(&deployment)?;
    let inspection = inspect(&machine, &deployment)?;
    if arguments.json {
        output::print_json(&inspection)?;
    } else {
        let text = describe(&inspection, arguments.long);
        output::print(&output::printable(&text))?;
    }
    Ok(match inspection.findings.is_empty() {
        true => Exit::Done,
        false => Exit::Failed,
    })
}

fn describe(inspection: &DeploymentInspection, long: bool) -> String {
    let mut text = format!("Deployment {}\n", inspection.deployment);
    for plugin in &inspection.plugins {
        let about = &plugin.inspection.manifest.plugin;
        if long {
            let shown = crate::plugin::inspect::described(&plugin.inspection, Some(&plugin.given));
            text += &format!("\n== {}\n{shown}", plugin.role);
            continue;
        }
        let may: Vec<_> = plugin
            .inspection
            .capabilities
            .iter()
            .filter(|row| row.claimed && plugin.given.granted.contains(&row.capability))
            .map(|row| row.capability.name())
            .collect();
        text += &format!(
            "  {:<15} {} {}, by {}; may use {}; {}\n",
            plugin.role.name(),
            about.id,
            about.version,
            about.vendor,
            match may.is_empty() {
                true => "nothing".to_owned(),
                false => may.join(", "),
            },
            plugin.given.verdict
        );
    }
    if let Some(sha256) = &inspection.lock_sha256 {
        text += &format!("The lock holds: sha256 {sha256}\n");
    }
    let kept = &inspection.retention;
    text += &format!(
        "Kept: alerts for {} hours, what their plugins were asked for {}, the watchlist for {}\n",
        kept.alerts, kept.inputs, kept.watchlist
    );
    match inspection.findings.len() {
        0 => text += "\nNothing is out of order.\n",
        1 => text += "\nOut of order:\n",
        many => text += &format!("\n{many} things are out of order:\n"),
    }
    for Finding { part, what, mend } in &inspection.findings {
        text += &format!("  - {part}: {what}\n    mend: {mend}\n");
    }
    text
}
