//! What is read as a plugin file, and what is refused before anything of it is compiled.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use overt_runtime::manifest::{LARGEST, ManifestError};
use overt_runtime::{PluginError, PluginFile, Role, TrustedFile, inspect, pack};
use support::{
    component, core_module, manifest, observation, policy, policy_manifest, policy_wat, read,
    refused, runtime, terms, with_manifest,
};

/// A component of nothing.
fn empty_component() -> Vec<u8> {
    wat::parse_str("(component)").unwrap()
}

#[test]
fn a_file_that_is_no_wasm_is_refused_with_its_first_bytes() {
    let error = refused(b"#!/bin/sh\nexit 0\n".to_vec());
    assert!(matches!(&error, PluginError::NotWasm { found, .. } if found == "23212f62"));
    assert!(error.mend().contains("overt plugin pack"), "{error}");
}

#[test]
fn an_empty_file_is_refused_as_one() {
    let error = refused(Vec::new());
    assert!(matches!(&error, PluginError::NotWasm { found, .. } if found == "an empty file"));
}

#[test]
fn a_missing_file_is_named() {
    let error = PluginFile::read("no/such/plugin.wasm".as_ref()).unwrap_err();
    assert!(matches!(error, PluginError::Read { .. }));
    assert!(error.to_string().contains("no/such/plugin.wasm"));
}

#[test]
fn a_core_module_is_refused_with_the_way_to_pack_it() {
    let module = core_module("matcher-policy-plugin", &policy_wat("(i32.const 0)", ""));
    let error = refused(module);
    assert!(matches!(error, PluginError::CoreModule { .. }));
    assert!(error.mend().contains("overt plugin pack"));
}

#[test]
fn a_component_without_a_manifest_or_with_two_is_refused() {
    assert!(matches!(
        refused(empty_component()),
        PluginError::ManifestCount { count: 0, .. }
    ));
    let manifest = policy_manifest();
    let twice = with_manifest(with_manifest(empty_component(), &manifest), &manifest);
    assert!(matches!(
        refused(twice),
        PluginError::ManifestCount { count: 2, .. }
    ));
}

#[test]
fn a_manifest_inside_a_nested_module_or_component_does_not_count() {
    let nested = wat::parse_str(
        r#"(component
            (core module (@custom "overt:manifest" "[plugin]"))
            (component (core module (@custom "overt:manifest" "[plugin]"))))"#,
    )
    .unwrap();
    assert!(nested.windows(14).any(|window| window == b"overt:manifest"));
    assert!(matches!(
        refused(nested),
        PluginError::ManifestCount { count: 0, .. }
    ));
}

#[test]
fn a_manifest_of_300_kb_is_refused() {
    let long = format!("{}\n#{}", policy_manifest(), "x".repeat(300_000));
    let error = refused(with_manifest(empty_component(), &long));
    assert!(matches!(
        error,
        PluginError::Manifest { cause: ManifestError::TooLarge { bytes }, .. } if bytes > LARGEST
    ));
}

#[test]
fn a_manifest_for_another_contract_is_refused_with_both_versions() {
    let other = policy_manifest().replace("version = \"0.1\"", "version = \"0.2\"");
    let text = refused(with_manifest(empty_component(), &other)).to_string();
    assert!(
        text.contains("contract.version") && text.contains("0.1") && text.contains("0.2"),
        "{text}"
    );
}

#[test]
fn a_manifest_cannot_write_control_characters_to_a_terminal() {
    for hostile in [
        policy_manifest().replace("For a test.", "\\u001b[2J"),
        policy_manifest().replace("For a test.", "\u{1b}[2J"),
        policy_manifest().replace("\"Example\"", "\"\\u202e elpmaxE\""),
    ] {
        let error = refused(with_manifest(empty_component(), &hostile));
        assert!(matches!(error, PluginError::Manifest { .. }));
        let text = error.to_string();
        assert!(
            text.chars().all(|c| c == '\n' || !c.is_control()),
            "{text:?}"
        );
    }
}

#[test]
fn a_file_over_64_mib_is_refused_unread() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.wasm");
    let file = std::fs::File::create(&path).unwrap();
    file.set_len((64 << 20) + 1).unwrap();
    let error = PluginFile::read(&path).unwrap_err();
    assert!(
        matches!(error, PluginError::TooLarge { bytes, .. } if bytes == (64 << 20) + 1),
        "{error}"
    );
}

#[test]
fn a_plugin_cut_short_anywhere_is_refused() {
    let whole = policy("(i32.const 0)", "");
    read(whole.clone()).unwrap();
    for step in 0..60 {
        let length = whole.len() * step / 60;
        let mut cut = whole.clone();
        cut.truncate(length);
        refused(cut);
    }
}

#[test]
fn a_plugin_with_a_flipped_bit_brings_nothing_down() {
    let whole = policy("(i32.const 0)", "");
    let mut random = fastrand::Rng::with_seed(20_260_101);
    let (mut read_well, mut accepted) = (0, 0);
    for _ in 0..400 {
        let mut flipped = whole.clone();
        let place = random.usize(..flipped.len());
        flipped[place] ^= 1 << random.u32(..8);
        let Ok(file) = read(flipped) else { continue };
        read_well += 1;
        inspect::describe(&file);
        // A flip in the code gives another program; whatever it does, it does it in the sandbox.
        if read_well % 8 == 0
            && let Ok(plugin) = runtime().accept(&file, terms(Role::MatcherPolicy))
        {
            accepted += 1;
            let _ = plugin.decide(&observation());
        }
    }
    assert!(read_well > 20 && accepted > 2, "{read_well}, {accepted}");
}

#[test]
fn a_core_module_and_a_component_are_packed_alike() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let wat = policy_wat("(i32.const 0)", "");
    std::fs::write(at("plugin.toml"), policy_manifest()).unwrap();
    std::fs::write(at("core.wasm"), core_module("matcher-policy-plugin", &wat)).unwrap();
    std::fs::write(
        at("component.wasm"),
        component("matcher-policy-plugin", &wat),
    )
    .unwrap();
    for name in ["core.wasm", "component.wasm"] {
        let file = pack::pack(&at("plugin.toml"), &at(name)).unwrap();
        assert_eq!(file.manifest().plugin.id, "test-plugin");
        assert_eq!(file.manifest_text(), policy_manifest());
        let plugin = runtime()
            .accept(&TrustedFile::unsigned(file), terms(Role::MatcherPolicy))
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        plugin.decide(&observation()).unwrap();
    }
}

#[test]
fn what_is_packed_already_is_not_packed_again() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("plugin.toml"), policy_manifest()).unwrap();
    std::fs::write(at("plugin.wasm"), policy("(i32.const 0)", "")).unwrap();
    assert!(matches!(
        pack::pack(&at("plugin.toml"), &at("plugin.wasm")),
        Err(PluginError::ManifestCount { count: 2, .. })
    ));
}

#[test]
fn a_module_that_carries_no_component_type_cannot_be_packed() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let wat = policy_wat("(i32.const 0)", "");
    std::fs::write(at("plugin.toml"), policy_manifest()).unwrap();
    std::fs::write(at("bare.wasm"), wat::parse_str(wat).unwrap()).unwrap();
    assert!(matches!(
        pack::pack(&at("plugin.toml"), &at("bare.wasm")),
        Err(PluginError::NotComponentizable { .. })
    ));
}

#[test]
fn what_pack_makes_agrees_with_its_manifest_or_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let wat = policy_wat("(i32.const 0)", "");
    // The module imports the log.
    std::fs::write(at("plugin.toml"), manifest(Role::MatcherPolicy, "")).unwrap();
    std::fs::write(at("core.wasm"), core_module("matcher-policy-plugin", &wat)).unwrap();
    assert!(matches!(
        pack::pack(&at("plugin.toml"), &at("core.wasm")),
        Err(PluginError::NotDeclared { .. })
    ));
}

#[test]
fn a_vendors_line_cannot_pass_for_a_line_of_the_hosts() {
    let with = |from: &str, to: &str| {
        let text = manifest(Role::MatcherPolicy, "").replace(from, to);
        support::read(support::with_manifest(empty_component(), &text)).map(drop)
    };
    let forged = "\"MIT\\nsignatures  the Home Office (force)\"";
    let error = with("\"MIT\"", forged).unwrap_err().to_string();
    assert!(
        error.contains("plugin.licence: expected one line"),
        "{error}"
    );
    let error = with("\"Example\"", "\"E\\u001b[2J\"").unwrap_err();
    assert!(error.to_string().contains("U+001B"), "{error}");
    // A description may have paragraphs.
    with("\"For a test.\"", "\"For a test.\\n\\nAnd more.\"").unwrap();
}

#[test]
fn texts_of_a_self_test_write_nothing_to_a_terminal() {
    for (role, test) in [
        (
            Role::MatcherPolicy,
            "[self-test.matcher-policy.a]\ncategory = \"x\\u202Ey\"\nscores = [0.5]\ndecision = \"hold\"\n",
        ),
        (
            Role::AlertRouter,
            "[self-test.alert-router.a]\ncategory = \"x\"\nchannels = [\"a\\nb\"]\n",
        ),
        (
            Role::Quality,
            "[self-test.quality]\n\"Sharp\\u202Eness\" = [0.0, 100.0]\n",
        ),
    ] {
        let text = manifest(role, test);
        let error = support::read(support::with_manifest(empty_component(), &text)).unwrap_err();
        assert!(
            matches!(error, PluginError::Manifest { .. })
                && error.to_string().contains("self-test"),
            "{role}: {error}"
        );
    }
}

#[test]
fn what_is_no_file_is_refused_and_nobody_waits_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe.wasm");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let endless = folder.path().join("endless.wasm");
    std::os::unix::fs::symlink("/dev/zero", &endless).unwrap();
    // Whoever opened the pipe in the usual way would wait here for ever.
    for path in [&pipe, &endless, &folder.path().to_owned()] {
        let error = PluginFile::read(path).unwrap_err();
        assert!(matches!(error, PluginError::Read { .. }), "{error}");
    }
}
