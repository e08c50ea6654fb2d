//! `overt plugin inspect`: what a plugin says of itself beside what its bytes show.

use std::path::PathBuf;

use clap::Args;
use overt_runtime::inspect::{Inspection, inspect};
use overt_runtime::manifest::Manifest;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;

/// Say what a plugin can do, from its bytes and not from its brochure
///
/// Nothing is compiled and nothing is run.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt plugin inspect detector.wasm
  overt plugin inspect detector.wasm --json | jq .sha256

Exit status: 0 if the manifest and the bytes agree, 1 if not.")]
pub(crate) struct Arguments {
    /// The plugin file
    plugin: PathBuf,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let inspection = inspect(&arguments.plugin)?;
    if arguments.json {
        output::print_json(&inspection)?;
    } else {
        output::print(&output::printable(&describe(&inspection)))?;
    }
    Ok(if inspection.disagreement.is_none() {
        Exit::Done
    } else {
        Exit::Failed
    })
}

fn describe(inspection: &Inspection) -> String {
    let manifest = &inspection.manifest;
    let about = &manifest.plugin;
    let roles: Vec<_> = inspection.roles.iter().map(|role| role.name()).collect();
    let mut text = format!(
        "{} {}, by {}\n{}\n\n",
        about.id, about.version, about.vendor, about.description
    );
    text += &output::columns([
        ("sha256", inspection.sha256.clone()),
        ("size", format!("{} bytes", inspection.bytes)),
        ("roles", roles.join(", ")),
        ("contract", manifest.contract.version.clone()),
        ("licence", about.licence.clone()),
    ]);
    text += &list(
        "\nWhat its bytes show that it can do, if everything that it declares is granted",
        &inspection.can,
    );
    text += &list(
        "\nWhat it cannot do, whatever is granted",
        &inspection.cannot,
    );
    text += &models(manifest);
    text += &vendor(manifest);
    let interfaces = |interfaces: &[overt_runtime::package::Interface]| -> Vec<String> {
        interfaces
            .iter()
            .map(|interface| interface.name.clone())
            .collect()
    };
    text += &list("\nImports", &interfaces(&inspection.imports));
    text += &list("\nExports", &interfaces(&inspection.exports));
    if !inspection.declared_unused.is_empty() {
        let unused: Vec<_> = inspection
            .declared_unused
            .iter()
            .map(|capability| capability.name())
            .collect();
        text += &format!(
            "\nIt declares {}, and does not use it.\n",
            unused.join(", ")
        );
    }
    text += &match &inspection.disagreement {
        Some(disagreement) => format!(
            "\nThe manifest and the bytes DISAGREE; no host accepts this plugin:\n  {disagreement}\n"
        ),
        None => "\nThe manifest and the bytes agree.\n".to_owned(),
    };
    text
}

fn models(manifest: &Manifest) -> String {
    if manifest.models.is_empty() {
        return String::new();
    }
    let mut text = "\nModels. They run natively and are trusted like the host itself: the sandbox does not hold them.\n".to_owned();
    for model in &manifest.models {
        text += &format!("  {}  sha256 {}\n", model.name, model.sha256);
        text += &format!(
            "    licence {}; training data: {}\n",
            model.licence, model.training_data
        );
    }
    text
}

/// What only the vendor can know. It is shown as what it is: a claim.
fn vendor(manifest: &Manifest) -> String {
    let mut claims = Vec::new();
    let limits = &manifest.limits;
    let mut needs = Vec::new();
    needs.extend(limits.memory_mib.map(|mib| format!("{mib} MiB of memory")));
    needs.extend(limits.deadline_ms.map(|ms| format!("{ms} ms of CPU time")));
    needs.extend(limits.fuel.map(|fuel| format!("{fuel} units of fuel")));
    needs.extend(
        limits
            .faces_per_frame
            .map(|faces| format!("{faces} faces in a frame")),
    );
    if !needs.is_empty() {
        claims.push(format!("needs: {}", needs.join(", ")));
    }
    if let Some(encoder) = &manifest.encoder {
        claims.push(format!(
            "templates: {} numbers, scores {} to {}",
            encoder.dimension, encoder.score_range[0], encoder.score_range[1]
        ));
    }
    if let Some(algorithm) = &manifest.algorithm {
        claims.push(format!("intended use: {}", algorithm.intended_use));
        claims.push(format!("known limits: {}", algorithm.known_limits));
        for evidence in &algorithm.evidence {
            claims.push(format!(
                "evidence: {} ({}, {}): {}",
                evidence.report, evidence.date, evidence.dataset, evidence.figure
            ));
        }
    }
    if let Some(build) = &manifest.build {
        let parts = [
            &build.source,
            &build.revision,
            &build.toolchain,
            &build.command,
        ];
        let parts: Vec<_> = parts.into_iter().flatten().map(String::as_str).collect();
        claims.push(format!("built from: {}", parts.join("; ")));
    }
    list("\nWhat its vendor says", &claims)
}

fn list(title: &str, items: &[String]) -> String {
    if items.is_empty() {
        return String::new();
    }
    let items: String = items.iter().map(|item| format!("  - {item}\n")).collect();
    format!("{title}\n{items}")
}
