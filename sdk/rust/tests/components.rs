//! The plugins and the SDK's examples as a host sees them: built for wasm32 and packed with their manifests (`make plugins` does both, and
//! `make test` does it first), then looked at from outside.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use overt_runtime::PluginFile;
use overt_sdk::native::Setup;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn setup() -> Setup {
    Setup::above(env!("CARGO_MANIFEST_DIR")).unwrap()
}

/// The packed plugin file of a plugin's folder.
fn packed(folder: &str) -> PluginFile {
    let name = Path::new(folder).file_name().unwrap().to_str().unwrap();
    let path = setup().file(&format!("plugins/{name}.wasm"));
    let file =
        PluginFile::read(&path).unwrap_or_else(|error| panic!("run `make plugins`: {error}"));
    let manifest = std::fs::read_to_string(root().join(folder).join("plugin.toml")).unwrap();
    assert_eq!(
        file.manifest_text(),
        manifest,
        "{} is of another time than {folder}/plugin.toml: run `make plugins`",
        path.display()
    );
    file
}

/// The names without package and version, in alphabetical order.
fn names(interfaces: &[overt_runtime::package::Interface]) -> Vec<&str> {
    let mut names: Vec<&str> = interfaces
        .iter()
        .map(|interface| {
            interface
                .name
                .strip_prefix("overt:algorithm/")
                .and_then(|name| name.strip_suffix("@0.1.1"))
                .unwrap_or(&interface.name)
        })
        .collect();
    names.sort_unstable();
    names
}

/// Each plugin, what it exports, and every interface that it imports.
const PLUGINS: &[(&str, &[&str], &[&str])] = &[
    (
        "plugins/detector-centerface",
        &["detector"],
        &["config", "frames", "geometry", "inference", "tensors"],
    ),
    (
        "plugins/encoder-mobilefacenet",
        &["encoder"],
        &["config", "frames", "geometry", "inference", "tensors"],
    ),
    (
        "plugins/quality-basic",
        &["quality"],
        &["config", "frames", "geometry", "tensors"],
    ),
    ("plugins/policy-threshold", &["matcher-policy"], &["config"]),
    ("plugins/router-desk", &["alert-router"], &["config"]),
    (
        "sdk/examples/detector-boxes",
        &["detector"],
        &["config", "frames", "geometry", "inference", "tensors"],
    ),
    (
        "sdk/examples/brightest",
        &["detector", "quality"],
        &["frames", "geometry", "tensors"],
    ),
];

#[test]
fn each_plugin_exports_its_roles_and_imports_what_its_code_uses_and_nothing_else() {
    for (folder, exports, imports) in PLUGINS {
        let file = packed(folder);
        assert_eq!(names(file.exports()), *exports, "{folder}");
        assert_eq!(names(file.imports()), *imports, "{folder}");
    }
}

#[test]
fn no_plugin_is_larger_than_a_quarter_of_a_mebibyte() {
    for (folder, _, _) in PLUGINS {
        let bytes = packed(folder).bytes().len();
        assert!(bytes <= 256 << 10, "{folder}: {bytes} bytes");
    }
}

#[test]
fn each_manifest_pins_the_models_of_the_set_up() {
    for (folder, _, _) in PLUGINS {
        for model in &packed(folder).manifest().models {
            let path = setup().file(&format!("models/{}.onnx", model.name));
            let found = overt_vision::ModelFile::read(&path).unwrap();
            assert_eq!(found.sha256(), model.sha256, "{folder}: {}", path.display());
        }
    }
}

#[test]
fn the_detector_of_the_readme_has_fewer_than_60_lines() {
    let code =
        std::fs::read_to_string(root().join("sdk/examples/detector-boxes/src/lib.rs")).unwrap();
    assert!(code.lines().count() < 60);
    let readme = std::fs::read_to_string(root().join("sdk/README.md")).unwrap();
    let shown = code.split("\n#[cfg(test)]").next().unwrap();
    assert!(
        readme.contains(shown.trim_end()),
        "sdk/README.md shows other code than sdk/examples/detector-boxes/src/lib.rs"
    );
}
