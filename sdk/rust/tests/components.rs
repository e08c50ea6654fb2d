//! The plugins and the SDK's examples as a host would see them: built for wasm32, packed with their manifests, and looked at from outside.
//!
//! They have to be built first; `make test` does that: `cargo build --release --target wasm32-unknown-unknown -p <plugin>`.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use overt_runtime::{PluginFile, pack};

/// Packs the core module that stands in the target folder.
fn packed(folder: &str) -> PluginFile {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let name = Path::new(folder).file_name().unwrap().to_str().unwrap();
    let module = wasm_folder().join(format!("{}.wasm", name.replace('-', "_")));
    assert!(
        module.is_file(),
        "{} is not built: cargo build --release --target wasm32-unknown-unknown -p {name}",
        module.display()
    );
    pack::pack(&root.join(folder).join("plugin.toml"), &module)
        .unwrap_or_else(|error| panic!("{folder}: {error}"))
}

/// Beside the folder in which these tests were built.
fn wasm_folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("..")
        .join("wasm32-unknown-unknown/release")
}

/// The names without package and version.
fn names(interfaces: &[overt_runtime::package::Interface]) -> Vec<&str> {
    interfaces
        .iter()
        .map(|interface| {
            interface
                .name
                .strip_prefix("overt:algorithm/")
                .and_then(|name| name.strip_suffix("@0.1.0"))
                .unwrap_or(&interface.name)
        })
        .collect()
}

/// Each plugin, what it exports, and every interface that it imports.
const PLUGINS: &[(&str, &[&str], &[&str])] = &[
    (
        "plugins/detector-centerface",
        &["detector"],
        &["geometry", "tensors", "frames", "inference", "config"],
    ),
    (
        "plugins/encoder-mobilefacenet",
        &["encoder"],
        &["geometry", "tensors", "frames", "inference", "config"],
    ),
    (
        "plugins/quality-frontal",
        &["quality"],
        &["geometry", "tensors", "frames", "config"],
    ),
    ("plugins/policy-threshold", &["matcher-policy"], &["config"]),
    ("plugins/router-desk", &["alert-router"], &["config"]),
    (
        "sdk/examples/detector-rfb320",
        &["detector"],
        &["geometry", "tensors", "frames", "inference", "config"],
    ),
    (
        "sdk/examples/brightest",
        &["detector", "quality"],
        &["geometry", "tensors", "frames"],
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
            let setup = overt_sdk::native::Setup::above(env!("CARGO_MANIFEST_DIR")).unwrap();
            let path = setup.file(&format!("models/{}.onnx", model.name));
            let found = overt_vision::ModelFile::read(&path).unwrap();
            assert_eq!(found.sha256(), model.sha256, "{folder}: {}", path.display());
        }
    }
}

#[test]
fn the_detector_of_the_readme_has_fewer_than_60_lines() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let code =
        std::fs::read_to_string(root.join("sdk/examples/detector-rfb320/src/lib.rs")).unwrap();
    assert!(code.lines().count() < 60);
    let readme = std::fs::read_to_string(root.join("sdk/README.md")).unwrap();
    let shown = code.split("\n#[cfg(test)]").next().unwrap();
    assert!(
        readme.contains(shown.trim_end()),
        "sdk/README.md shows other code than sdk/examples/detector-rfb320/src/lib.rs"
    );
}
