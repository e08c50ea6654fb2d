//! `overt plugin verify`: whose signatures a plugin carries, and whether they are enough.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{ArgGroup, Args};
use overt_deployment::{Deployment, Signer, Timestamp};
use overt_runtime::signature::read_public_key;
use overt_runtime::trust::{Standing, Verdict};
use overt_runtime::{PluginBytes, Trust, TrustedKey};
use serde::Serialize;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;

/// Say who has signed a plugin, and whether that is enough
///
/// Nothing of the file but its outermost layer is read, nothing is compiled and nothing is run.
#[derive(Args)]
#[command(group(ArgGroup::new("by").required(true).args(["keys", "deployment"])))]
#[command(after_help = "\
Examples:
  overt plugin verify detector.wasm --key acme-2026.pub
  overt plugin verify detector.wasm --key acme-2026.pub --key office.pub
  overt plugin verify detector.wasm --deployment deployment.toml --json

The JSON is described by plugin-verify.schema.json in the source of overt.

Exit status: 0 if every key that was named has signed it, or the deployment's rule is met; 1 if not.")]
pub(crate) struct Arguments {
    /// The plugin file
    plugin: PathBuf,
    /// A public key's file; can be given several times, and each must have signed
    #[arg(long = "key", value_name = "FILE")]
    keys: Vec<PathBuf>,
    /// A deployment file, for the rule under its [trust]
    #[arg(long)]
    deployment: Option<PathBuf>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'r> {
    plugin: String,
    sha256: &'r str,
    trusted: bool,
    #[serde(flatten)]
    verdict: &'r Verdict,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let (trust, wanted, now) = match &arguments.deployment {
        Some(path) => {
            let deployment = Deployment::read(path)?;
            let trust = overt_pipeline::trust(&deployment)?;
            let now = overt_pipeline::trust_time(&deployment, &trust)?;
            (trust, 0, now)
        }
        None => {
            let trust = of_keys(&arguments.keys)?;
            (trust, arguments.keys.len(), Timestamp::now())
        }
    };
    let file = PluginBytes::read(&arguments.plugin)?;
    let verdict = trust.verdict(&file, now)?;
    let trusted = verdict.missing.is_empty() && verdict.signatures.len() >= wanted;
    if arguments.json {
        output::print_json(&Report {
            plugin: arguments.plugin.display().to_string(),
            sha256: file.sha256(),
            trusted,
            verdict: &verdict,
        })?;
    } else {
        let mut text = format!(
            "{}\nsha256  {}\n",
            arguments.plugin.display(),
            file.sha256()
        );
        for signature in &verdict.signatures {
            let standing = match &signature.standing {
                Standing::Counts => "valid".to_owned(),
                Standing::Expired { at } => format!("valid, but the key expired at {at}"),
                Standing::Revoked { reason } => format!("valid, but the key was revoked: {reason}"),
            };
            let name = match arguments.deployment {
                Some(_) => format!("{} ({})", signature.key, signature.signer),
                None => signature.key.clone(),
            };
            text += &format!("  {}  {name}: {standing}\n", signature.fingerprint);
        }
        if verdict.unknown > 0 {
            text += &format!("  {} of keys that were not named\n", verdict.unknown);
        }
        text += &match (trusted, trust.is_unsigned()) {
            (_, true) => "The deployment asks for no signature (`unsigned = true`).\n".to_owned(),
            (true, _) => "Trusted.\n".to_owned(),
            // Without a deployment there is no rule and nobody's role: each key that was named has to have signed.
            (false, _) if arguments.deployment.is_none() => {
                let missing = trust.keys().iter().map(|key| key.name.as_str());
                let missing: Vec<&str> = missing
                    .filter(|name| verdict.signatures.iter().all(|signed| signed.key != *name))
                    .collect();
                format!(
                    "NOT TRUSTED: it is not signed by {}\n",
                    missing.join(" nor by ")
                )
            }
            (false, _) => format!("NOT TRUSTED: {verdict}\n"),
        };
        output::print(&output::printable(&text))?;
    }
    Ok(if trusted { Exit::Done } else { Exit::Failed })
}

/// Keys that are named by their files alone. On whose behalf they sign makes no difference here.
fn of_keys(files: &[PathBuf]) -> Result<Trust, Failure> {
    let keys = files
        .iter()
        .map(|path| {
            Ok(TrustedKey {
                name: path.display().to_string(),
                signer: Signer::Vendor,
                key: read_public_key(path)?,
                expires: None,
                revoked: None,
            })
        })
        .collect::<Result<Vec<_>, Failure>>()?;
    Trust::signed(BTreeMap::new(), keys).map_err(|same| {
        Failure::mistake(
            format!(
                "{} and {} hold one and the same key",
                same.first, same.second
            ),
            "name each key once",
        )
    })
}
