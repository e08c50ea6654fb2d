//! `overt plugin inspect`: what a plugin says of itself beside what its bytes show.

use std::path::PathBuf;

use clap::Args;
use overt_deployment::{Deployment, Role};
use overt_pipeline::inspection::Given;
use overt_runtime::PluginFile;
use overt_runtime::inspect::{Inspection, describe};
use overt_runtime::manifest::Manifest;
use serde::Serialize;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;

/// Say what a plugin can do, from its bytes and not from its brochure
///
/// Nothing is compiled and nothing is run. With a deployment file it also says what that deployment gives the plugin, whose signatures count there, and
/// what the plugin's evidence is worth there.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt plugin inspect detector.wasm
  overt plugin inspect detector.wasm --deployment deployment.toml
  overt plugin inspect detector.wasm --json | jq .sha256

The JSON is described by plugin-inspection.schema.json in the source of overt.

Exit status: 0 if manifest, bytes and signatures agree, 1 if not. Whose the signatures are, `overt plugin verify` tells.")]
pub(crate) struct Arguments {
    /// The plugin file
    plugin: PathBuf,
    /// The deployment file in which it is to run
    #[arg(long)]
    deployment: Option<PathBuf>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'r> {
    #[serde(flatten)]
    inspection: &'r Inspection,
    /// The role that it has in the deployment, and what it is given; absent where no deployment was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<Role>,
    #[serde(skip_serializing_if = "Option::is_none")]
    given: Option<&'r Given>,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let file = PluginFile::read(&arguments.plugin)?;
    let inspection = describe(&file);
    let (role, given) = match &arguments.deployment {
        None => (None, None),
        Some(path) => {
            let (role, given) = within(&Deployment::read(path)?, &file)?;
            (Some(role), Some(given))
        }
    };
    if arguments.json {
        output::print_json(&Report {
            inspection: &inspection,
            role,
            given: given.as_ref(),
        })?;
    } else {
        let text = described(&inspection, given.as_ref());
        output::print(&output::printable(&text))?;
    }
    let in_order = inspection.disagreement.is_none() && inspection.signature_fault.is_none();
    Ok(match in_order {
        true => Exit::Done,
        false => Exit::Failed,
    })
}

/// What a deployment gives to this file: the one that it names, or another that could stand in its place.
fn within(deployment: &Deployment, file: &PluginFile) -> Result<(Role, Given), Failure> {
    let roles = &file.manifest().plugin.roles;
    let same = |path: &PathBuf| {
        let one = path.canonicalize();
        one.is_ok_and(|one| file.path().canonicalize().is_ok_and(|other| one == other))
    };
    let plugins = || {
        deployment
            .plugins
            .iter()
            .filter(|plugin| roles.contains(&plugin.role))
    };
    let plugin = plugins()
        .find(|plugin| same(&plugin.file))
        .or_else(|| plugins().next())
        .ok_or_else(|| {
            Failure::new(
                format!(
                    "{}: the deployment has no plugin for any role of it",
                    deployment.file().display()
                ),
                "name a deployment that uses it, or inspect it without one",
            )
        })?;
    Ok((plugin.role, Given::of(deployment, plugin, file)?))
}

pub(crate) fn described(inspection: &Inspection, given: Option<&Given>) -> String {
    let manifest = &inspection.manifest;
    let about = &manifest.plugin;
    let roles: Vec<_> = inspection.roles.iter().map(|role| role.name()).collect();
    let tested: Vec<_> = inspection
        .self_tested
        .iter()
        .map(|role| role.name())
        .collect();
    let mut text = format!(
        "{} {}, by {}\n{}\n\n",
        about.id,
        about.version,
        about.vendor,
        in_one_line(&about.description)
    );
    text += &output::columns([
        ("sha256", inspection.sha256.clone()),
        ("content", inspection.content_sha256.clone()),
        ("size", format!("{} bytes", inspection.bytes)),
        ("roles", roles.join(", ")),
        ("contract", manifest.contract.version.clone()),
        ("licence", about.licence.clone()),
        (
            "self-test",
            match tested.is_empty() {
                true => "none".to_owned(),
                false => format!("as {}", tested.join(", ")),
            },
        ),
        (
            "signatures",
            match (given, inspection.signature_hints.is_empty()) {
                _ if inspection.signature_fault.is_some() => {
                    "WORTH NOTHING, as the end says".to_owned()
                }
                (Some(given), _) => given.verdict.to_string(),
                (None, true) => "none".to_owned(),
                (None, false) => format!(
                    "say to be of {}; `overt plugin verify` tells",
                    inspection.signature_hints.join(", ")
                ),
            },
        ),
    ]);
    text += &capabilities(inspection, given);
    text += &list(
        "\nWhat its bytes show that it can do, if everything that it declares is granted",
        &inspection.can,
    );
    text += &list(
        "\nWhat it cannot do, whatever is granted",
        &inspection.cannot,
    );
    text += &limits(manifest, given);
    text += &models(manifest);
    text += &vendor(manifest, given);
    let interfaces = |interfaces: &[overt_runtime::package::Interface]| -> Vec<String> {
        interfaces
            .iter()
            .map(|interface| match interface.functions.is_empty() {
                true => format!("{} (types)", interface.name),
                false => format!("{}: {}", interface.name, interface.functions.join(", ")),
            })
            .collect()
    };
    text += &list("\nImports", &interfaces(&inspection.imports));
    text += &list("\nExports", &interfaces(&inspection.exports));
    text += &match &inspection.disagreement {
        Some(disagreement) => {
            format!("\nNO HOST ACCEPTS this plugin, whatever is granted:\n  {disagreement}\n")
        }
        None => "\nThe manifest and the bytes agree.\n".to_owned(),
    };
    if let Some(fault) = &inspection.signature_fault {
        text +=
            &format!("The signatures are WORTH NOTHING; no host accepts this plugin:\n  {fault}\n");
    }
    text
}

/// Three columns: what the manifest claims, what the bytes ask for, what the deployment grants.
fn capabilities(inspection: &Inspection, given: Option<&Given>) -> String {
    if inspection.capabilities.is_empty() {
        return "\nCapabilities: none claimed, none asked for.\n".to_owned();
    }
    let yes = |right: bool| if right { "yes" } else { "no" };
    let mut text = format!(
        "\n{:<14}{:<9}{:<11}{}\n",
        "Capability", "claimed", "asked for", "granted"
    );
    for row in &inspection.capabilities {
        let granted = given.map_or("-", |given| yes(given.granted.contains(&row.capability)));
        text += &format!(
            "  {:<12}{:<9}{:<11}{granted}\n",
            row.capability.name(),
            yes(row.claimed),
            yes(row.imported)
        );
    }
    text
}

/// What the vendor says that it needs, beside what the deployment gives.
fn limits(manifest: &Manifest, given: Option<&Given>) -> String {
    let asked = &manifest.limits;
    let given = given.map(|given| &given.limits);
    let mib = |bytes: u64| format!("{} MiB", bytes >> 20);
    let rows = [
        (
            "memory",
            asked.memory_mib.map(|mib| format!("{mib} MiB")),
            given.map(|given| mib(given.memory)),
        ),
        (
            "CPU time",
            asked.deadline_ms.map(|ms| format!("{ms} ms")),
            given.and_then(|given| given.deadline_ms.map(|ms| format!("{ms} ms"))),
        ),
        (
            "tensors",
            None,
            given.and_then(|given| given.tensors.map(mib)),
        ),
        (
            "each model",
            asked.model_memory_mib.map(|mib| format!("{mib} MiB")),
            given.and_then(|given| given.model_memory.map(mib)),
        ),
        (
            "faces",
            asked.faces_per_frame.map(|faces| faces.to_string()),
            given.and_then(|given| given.faces.map(|faces| faces.to_string())),
        ),
        (
            "fuel",
            asked.fuel.map(|fuel| fuel.to_string()),
            given.and_then(|given| given.fuel.map(|fuel| fuel.to_string())),
        ),
    ];
    let mut text = String::new();
    for (name, asked, given) in rows {
        if asked.is_some() || given.is_some() {
            let or_none = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
            text += &format!("  {name:<16}{:<14}{}\n", or_none(asked), or_none(given));
        }
    }
    match text.is_empty() {
        true => text,
        false => format!("\n{:<18}{:<14}given\n{text}", "Limit of a call", "asked"),
    }
}

fn models(manifest: &Manifest) -> String {
    if manifest.models.is_empty() {
        return String::new();
    }
    let mut text = "\nModels. They run natively and are trusted like the host itself: the sandbox does not hold them, limits of memory and time alone do.\n".to_owned();
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
fn vendor(manifest: &Manifest, given: Option<&Given>) -> String {
    let mut claims = Vec::new();
    if let Some(encoder) = &manifest.encoder {
        claims.push(format!(
            "templates: {} numbers, scores {} to {}",
            encoder.dimension, encoder.score_range[0], encoder.score_range[1]
        ));
    }
    if let Some(algorithm) = &manifest.algorithm {
        claims.push(format!(
            "intended use: {}",
            in_one_line(&algorithm.intended_use)
        ));
        claims.push(format!(
            "known limits: {}",
            in_one_line(&algorithm.known_limits)
        ));
        for (index, evidence) in algorithm.evidence.iter().enumerate() {
            let mut claim = format!(
                "evidence: {} ({}, {}): {}",
                evidence.report, evidence.date, evidence.dataset, evidence.figure
            );
            let mark = given.and_then(|given| given.evidence.get(index));
            if mark.is_some_and(|mark| !mark.of_this) {
                claim += "\n    BUT it was made for another digest";
            }
            if mark.is_some_and(|mark| mark.smaller_gallery == Some(true)) {
                claim += "\n    BUT its gallery was smaller than this deployment's may be";
            }
            claims.push(claim);
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

/// A vendor's paragraph. Its lines could pass for lines of this command's.
fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn list(title: &str, items: &[String]) -> String {
    if items.is_empty() {
        return String::new();
    }
    let items: String = items.iter().map(|item| format!("  - {item}\n")).collect();
    format!("{title}\n{items}")
}
