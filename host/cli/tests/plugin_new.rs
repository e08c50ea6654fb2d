//! A vendor's first hour: the project that `overt plugin new` makes builds as it is, passes its tests natively and in the sandbox, and runs in a deployment.
//!
//! The projects are built with the compiler and into the folder that `scripts/build-plugins` uses, without the network: only the vendor's own code is compiled.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock};

use overt_runtime::Role;
use serde_json::Value;
use support::{Ended, Place, overt, run};

/// The build folder of this repository.
fn target() -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_overt"));
    program.ancestors().nth(2).unwrap().to_owned()
}

/// A folder outside the repository, whose settings a vendor does not have: the same one in each run, so that the build folder does not fill up.
fn folder(name: &str) -> PathBuf {
    let of_this = BuildHasherDefault::<DefaultHasher>::default().hash_one(target());
    let folder = std::env::temp_dir().join(format!("overt-plugin-new-{of_this:016x}/{name}"));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// A project `acme` in a folder of its own.
fn project(folder_name: &str, roles: &[Role], sdk: Option<&Path>) -> PathBuf {
    let folder = folder(folder_name);
    let mut command = overt();
    command.args(["plugin", "new", &format!("acme-{folder_name}"), "--folder"]);
    command.arg(&folder);
    for role in roles {
        command.args(["--role", role.name()]);
    }
    if let Some(sdk) = sdk {
        command.arg("--sdk").arg(sdk);
    }
    let made: Ended = command.output().unwrap().into();
    assert_eq!(made.status, Some(0), "{}", made.err);
    let project = folder.join(format!("acme-{folder_name}"));
    // The versions that this repository was built with are on this machine.
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.lock");
    std::fs::copy(lock, project.join("Cargo.lock")).unwrap();
    project
}

/// The one project whose copy of the SDK all others share, so that it is compiled once.
fn first() -> &'static Path {
    static FIRST: OnceLock<PathBuf> = OnceLock::new();
    FIRST.get_or_init(|| {
        let project = project("decides", &[Role::MatcherPolicy, Role::AlertRouter], None);
        // Nothing else of Overt is in it or named by it.
        let manifest = std::fs::read_to_string(project.join("Cargo.toml")).unwrap();
        assert!(manifest.contains("path = \"overt/sdk/rust\""), "{manifest}");
        project
    })
}

fn sdk() -> PathBuf {
    first().join("overt/sdk/rust")
}

/// Cargo, as a vendor calls it in the project. One at a time: they share a build folder.
fn cargo(project: &Path, arguments: &[&str]) {
    static ONE: Mutex<()> = Mutex::new(());
    let _alone = ONE.lock().unwrap();
    let way = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/wasm-target");
    let way = Command::new(way).output().unwrap().stdout;
    let for_wasm = arguments.contains(&"--target");
    let mut command = match (for_wasm, way.starts_with(b"build-std")) {
        (true, true) => {
            let rustc = |argument: &str| {
                let told = Command::new("rustc").args(argument.split(' ')).output();
                String::from_utf8(told.unwrap().stdout).unwrap()
            };
            let versions = rustc("-vV");
            let host = versions
                .lines()
                .find_map(|line| line.strip_prefix("host: "));
            let root = rustc("--print sysroot");
            let linker = format!("{}/lib/rustlib/{}/bin/rust-lld", root.trim(), host.unwrap());
            let mut command = Command::new("/usr/bin/cargo");
            command
                .env("RUSTC_BOOTSTRAP", "1")
                .env("RUSTC", "/usr/bin/rustc")
                .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker)
                .env("CARGO_TARGET_DIR", target().join("build-std"))
                .args(arguments)
                .args(["-Z", "build-std=std,panic_abort"]);
            command
        }
        _ => {
            let mut command = Command::new("cargo");
            command.env("CARGO_TARGET_DIR", target()).args(arguments);
            command
        }
    };
    let done: Ended = command
        .current_dir(project)
        .args(["--offline", "--release"])
        .output()
        .unwrap()
        .into();
    assert_eq!(
        done.status,
        Some(0),
        "{arguments:?}: {}{}",
        done.out,
        done.err
    );
    assert!(!done.err.contains("warning"), "{arguments:?}: {}", done.err);
}

/// Builds and packs it.
fn packed(project: &Path) -> PathBuf {
    cargo(project, &["build", "--target", "wasm32-unknown-unknown"]);
    let name = project.file_name().unwrap().to_str().unwrap();
    let plugin = project.join(format!("{name}.wasm"));
    let done = run([
        Path::new("plugin"),
        Path::new("pack"),
        &project.join("plugin.toml"),
        &support::module(&name.replace('-', "_")),
        Path::new("-o"),
        &plugin,
    ]);
    assert_eq!(done.status, Some(0), "{}", done.err);
    plugin
}

#[test]
fn a_new_plugin_of_each_role_builds_passes_its_self_test_and_keeps_to_its_limits() {
    for role in Role::ALL {
        let project = project(role.name(), &[role], Some(&sdk()));
        let plugin = packed(&project);
        // Nobody needs an inference library for a plugin that runs no model.
        let without = |arguments: &[&str]| -> Ended {
            let mut command = overt();
            command.env("OVERT_ONNXRUNTIME", "/nowhere/libonnxruntime.so");
            command.args(["plugin", arguments[0]]).arg(&plugin);
            command.args(&arguments[1..]).output().unwrap().into()
        };
        let tested = without(&["test"]);
        assert_eq!(
            tested.status,
            Some(0),
            "{role}: {}{}",
            tested.out,
            tested.err
        );
        let measured = without(&["bench", "--runs", "3"]);
        assert_eq!(
            measured.status,
            Some(0),
            "{role}: {}{}",
            measured.out,
            measured.err
        );
        assert!(
            measured.out.contains(&format!("as {role}")),
            "{}",
            measured.out
        );
    }
}

#[test]
fn the_roles_of_a_family_go_together_and_pass_their_tests_natively() {
    let perceives = [Role::Detector, Role::Encoder, Role::Quality];
    let sees = project("sees", &perceives, Some(&sdk()));
    for project in [first(), &sees] {
        cargo(project, &["test"]);
        // Formatted as it is, the SDK with it.
        let formatted: Ended = Command::new("cargo")
            .args(["fmt", "--all", "--check"])
            .current_dir(project)
            .output()
            .unwrap()
            .into();
        assert_eq!(
            formatted.status,
            Some(0),
            "{}{}",
            formatted.out,
            formatted.err
        );
        let tested = run([Path::new("plugin"), Path::new("test"), &packed(project)]);
        assert_eq!(tested.status, Some(0), "{}{}", tested.out, tested.err);
        assert!(!tested.out.contains("NO SELF-TEST"), "{}", tested.out);
    }
}

#[test]
fn a_new_policy_and_router_raise_an_alert_in_a_deployment() {
    let plugin = packed(first());
    let place = Place::with_person_a();
    place.film(60);
    place.unsigned();
    let text = std::fs::read_to_string(place.deployment()).unwrap();
    let start = text.find("[plugins.matcher-policy]").unwrap();
    let end = start + text[start..].find("[[channel]]").unwrap();
    // As the project's README says, with a desk of this deployment.
    let readme = std::fs::read_to_string(first().join("README.md")).unwrap();
    let (_, tables) = readme.split_once("```toml\n").unwrap();
    let tables = tables
        .split_once("```")
        .unwrap()
        .0
        .replace("acme-decides.wasm", plugin.to_str().unwrap())
        .replace("others = []", "others = [\"desk-2\"]");
    let text = format!("{}{tables}\n{}", &text[..start], &text[end..]);
    std::fs::write(place.deployment(), text).unwrap();
    let ran = place.run();
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    let summary = std::fs::read(place.path("out/summary.json")).unwrap();
    let summary: Value = serde_json::from_slice(&summary).unwrap();
    assert_eq!(summary["plugin_errors"], serde_json::json!([]), "{summary}");
    let alerts = summary["alerts"].as_array().unwrap();
    assert!(!alerts.is_empty(), "{summary}");
}

#[test]
fn a_plugin_that_takes_longer_than_it_declares_is_told_so_when_it_is_tested() {
    let project = project("slow", &[Role::Quality], Some(&sdk()));
    let change = |file: &str, from: &str, to: &str| {
        let path = project.join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file}: {text}");
        std::fs::write(path, text.replace(from, to)).unwrap();
    };
    change("plugin.toml", "deadline-ms = 200", "deadline-ms = 20");
    change(
        "src/quality.rs",
        "let Settings {} = overt_sdk::config()?;",
        "let Settings {} = overt_sdk::config()?;\n        while core::hint::black_box(true) {}",
    );
    let tested = run([Path::new("plugin"), Path::new("test"), &packed(&project)]);
    assert_eq!(tested.status, Some(1), "{}", tested.out);
    assert!(
        tested.out.contains("its deadline is 20 ms"),
        "{}",
        tested.out
    );
}

#[test]
fn what_is_there_already_is_left_as_it_is() {
    let place = tempfile::tempdir().unwrap();
    let mine = place.path().join("acme");
    std::fs::create_dir(&mine).unwrap();
    std::fs::write(mine.join("README.md"), "mine").unwrap();
    let folder = place.path().to_str().unwrap();
    let refused = run([
        "plugin", "new", "acme", "--role", "detector", "--folder", folder,
    ]);
    assert_eq!(refused.status, Some(2), "{}", refused.err);
    assert!(
        refused.err.contains("nothing is ever overwritten"),
        "{}",
        refused.err
    );
    let left: Vec<_> = std::fs::read_dir(&mine).unwrap().collect();
    assert_eq!(left.len(), 1);
    assert_eq!(
        std::fs::read_to_string(mine.join("README.md")).unwrap(),
        "mine"
    );
}

#[test]
fn mistakes_are_named_and_leave_nothing_behind() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().to_str().unwrap();
    for (arguments, words) in [
        (&["Acme", "--role", "detector"][..], "no name for a plugin"),
        (&["match", "--role", "detector"], "no word of Rust's own"),
        (&["acme"], "--role <ROLE>"),
        (
            &["acme", "--role", "tracker"],
            "expected one of detector, encoder",
        ),
        (
            &["acme", "--role", "detector", "--role", "alert-router"],
            "make two plugins",
        ),
        (
            &["acme", "--role", "quality", "--role", "quality"],
            "given twice",
        ),
        (
            &["acme", "--role", "quality", "--sdk", "/usr"],
            "not the crate overt-sdk",
        ),
        (
            &["acme", "--role", "quality", "--vendor", "two\nlines"],
            "no vendor's name",
        ),
    ] {
        let mut command = overt();
        command
            .args(["plugin", "new", "--folder", folder])
            .args(arguments);
        let refused: Ended = command.output().unwrap().into();
        assert_eq!(refused.status, Some(2), "{arguments:?}: {}", refused.err);
        assert!(
            refused.err.contains(words),
            "{arguments:?}: {}",
            refused.err
        );
    }
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
}
