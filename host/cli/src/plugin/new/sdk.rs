//! The SDK and the contract as this program carries them, for a project that has nothing else of Overt: a vendor needs no checkout and no registry. What is
//! copied is what this program was built with.

use toml::{Table, Value};

use crate::failure::Failure;

/// The folder of a project that the copies go to. They lie in it as they do in the source of overt, so that each finds the other.
pub(super) const FOLDER: &str = "overt";

macro_rules! copied {
    ($($path:literal)*) => {
        &[$(($path, include_str!(concat!("../../../../../", $path)))),*]
    };
}

/// Every file that is copied, as it stands but for what [`as_copied`] says. What needs the host's own library is among them, so that rustfmt finds every module; it is compiled with a
/// feature that the copy does not have.
pub(super) const FILES: &[(&str, &str)] = copied! {
    "LICENSE-APACHE"
    "LICENSE-MIT"
    "sdk/rust/src/bindings.rs"
    "sdk/rust/src/config/message.rs"
    "sdk/rust/src/config/mod.rs"
    "sdk/rust/src/config/numbers.rs"
    "sdk/rust/src/geometry.rs"
    "sdk/rust/src/handles.rs"
    "sdk/rust/src/lib.rs"
    "sdk/rust/src/log.rs"
    "sdk/rust/src/native/convert.rs"
    "sdk/rust/src/native/handles.rs"
    "sdk/rust/src/native/mod.rs"
    "sdk/rust/src/native/perception.rs"
    "sdk/rust/src/native/setup.rs"
    "sdk/rust/src/native/system.rs"
    "sdk/rust/src/native/tests.rs"
    "sdk/rust/src/roles/alert_router.rs"
    "sdk/rust/src/roles/detector.rs"
    "sdk/rust/src/roles/encoder.rs"
    "sdk/rust/src/roles/matcher_policy.rs"
    "sdk/rust/src/roles/mod.rs"
    "sdk/rust/src/roles/quality.rs"
    "sdk/rust/src/text.rs"
    "sdk/rust/src/views.rs"
    "wit/README.md"
    "wit/alert-router.wit"
    "wit/config.wit"
    "wit/detector.wit"
    "wit/encoder.wit"
    "wit/frames.wit"
    "wit/geometry.wit"
    "wit/inference.wit"
    "wit/log.wit"
    "wit/matcher-policy.wit"
    "wit/pixels.wit"
    "wit/quality.wit"
    "wit/tensors.wit"
    "wit/worlds.wit"
};

const MANIFEST: &str = include_str!("../../../../../sdk/rust/Cargo.toml");
const WORKSPACE: &str = include_str!("../../../../../Cargo.toml");

/// The copies, each with its path in [`FOLDER`].
pub(super) fn files() -> Result<Vec<(&'static str, String)>, Failure> {
    let manifest = manifest(MANIFEST, WORKSPACE).map_err(|cause| {
        Failure::new(
            format!("the SDK that this program carries has no manifest: {cause}"),
            "this is a fault of Overt",
        )
    })?;
    let copies = FILES.iter().map(|(path, text)| (*path, as_copied(text)));
    Ok(copies.chain([("sdk/rust/Cargo.toml", manifest)]).collect())
}

/// A link to what is not copied would lead nowhere.
fn as_copied(text: &str) -> String {
    text.replace(
        "[`frozen/0.1.0`](frozen/0.1.0)",
        "`wit/frozen/0.1.0` in the source of overt",
    )
}

/// The SDK's manifest as it stands by itself: with the workspace's values in the place of every `workspace = true`, and without what needs the host's library.
fn manifest(own: &str, workspace: &str) -> Result<String, String> {
    let told = |error: &dyn std::fmt::Display| error.to_string();
    let mut own: Table = own.parse().map_err(|error| told(&error))?;
    let workspace: Table = workspace.parse().map_err(|error| told(&error))?;
    let shared =
        |part: &str| -> Option<&Table> { workspace.get("workspace")?.get(part)?.as_table() };
    for part in ["package", "dependencies"] {
        let values = own
            .get_mut(part)
            .and_then(Value::as_table_mut)
            .ok_or_else(|| format!("it has no [{part}]"))?;
        for (key, value) in values.iter_mut() {
            if value.get("workspace").and_then(Value::as_bool) == Some(true) {
                let shared = shared(part).and_then(|shared| shared.get(key));
                *value = shared
                    .cloned()
                    .ok_or_else(|| format!("the workspace has no {part}.{key}"))?;
            }
        }
    }
    for part in ["features", "target", "dev-dependencies", "lints"] {
        own.remove(part);
    }
    // The feature that is left out is still asked about in the code.
    let lints = "[lints.rust]\nunexpected_cfgs = { level = \"warn\", check-cfg = ['cfg(feature, values(\"vision\"))'] }\n";
    let text = toml::to_string(&own).map_err(|error| told(&error))?;
    Ok(format!("{text}\n{lints}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    /// Every file below a folder, from the root of the repository.
    fn below(folder: &Path, root: &Path, into: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                below(&path, root, into);
            } else {
                let path = path.strip_prefix(root).unwrap();
                into.insert(path.to_str().unwrap().to_owned());
            }
        }
    }

    #[test]
    fn every_file_of_the_sdk_and_of_the_contract_is_copied() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut there = BTreeSet::from(["LICENSE-APACHE", "LICENSE-MIT"].map(str::to_owned));
        below(&root.join("sdk/rust/src"), &root, &mut there);
        below(&root.join("wit"), &root, &mut there);
        there.retain(|path| !path.starts_with("wit/frozen/"));
        let copied: BTreeSet<String> = FILES.iter().map(|(path, _)| (*path).to_owned()).collect();
        assert_eq!(copied, there);
    }

    #[test]
    fn the_manifest_stands_by_itself() {
        let text = manifest(MANIFEST, WORKSPACE).unwrap();
        assert!(
            !text.contains("workspace") && !text.contains("overt-vision"),
            "{text}"
        );
        let table: Table = text.parse().unwrap();
        assert_eq!(table["package"]["name"].as_str(), Some("overt-sdk"));
        assert_eq!(table["package"]["edition"].as_str(), Some("2024"));
        assert!(table["dependencies"]["wit-bindgen"]["version"].is_str());
    }

    #[test]
    fn no_copy_links_to_what_is_not_copied() {
        for (path, text) in files().unwrap() {
            assert!(!text.contains("](frozen"), "{path}");
        }
    }
}
