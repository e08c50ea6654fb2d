//! Whether a component is of the contract: the types behind the right names, versions, what runs when it is instantiated, and how much
//! of everything it may bring along.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use overt_runtime::{PluginError, Role};
use sha2::{Digest, Sha256};
use support::{
    component, manifest, not_accepted, observation, policy, policy_beside, policy_manifest,
    policy_wat, read, runtime, terms, with_manifest,
};

/// SHA-256 over the frozen folder's files, by name.
const FROZEN_0_1_0: &str = "a106629e79ce0589b8f1640a092e238727d7941adf288840a5dff50fa595d711";

/// A policy's manifest on a component of WAT text.
fn of_text(wat: &str) -> Vec<u8> {
    with_manifest(wat::parse_str(wat).unwrap(), &policy_manifest())
}

/// The cause for which a component of WAT is not of the contract.
fn not_of_the_contract(bytes: Vec<u8>) -> String {
    match not_accepted(bytes, terms(Role::MatcherPolicy)) {
        PluginError::Contract { cause, .. } => cause,
        other => panic!("another error: {other}"),
    }
}

#[test]
fn an_export_of_the_right_name_and_the_wrong_type_is_refused() {
    let cause = not_of_the_contract(of_text(
        r#"(component
            (core module $m (func (export "f")))
            (core instance $i (instantiate $m))
            (func $f (canon lift (core func $i "f")))
            (instance $role (export "decide" (func $f)))
            (export "overt:algorithm/matcher-policy@0.1.0" (instance $role)))"#,
    ));
    assert!(cause.contains("matcher-policy"), "{cause}");
}

#[test]
fn an_export_without_its_function_is_refused() {
    let cause = not_of_the_contract(of_text(
        r#"(component
            (instance $role)
            (export "overt:algorithm/matcher-policy@0.1.0" (instance $role)))"#,
    ));
    assert!(cause.contains("decide"), "{cause}");
}

#[test]
fn an_import_of_the_right_name_and_the_wrong_type_is_refused() {
    let cause = not_of_the_contract(of_text(
        r#"(component
            (import "overt:algorithm/config@0.1.0" (instance
                (export "get" (func (result u32)))))
            (instance $role)
            (export "overt:algorithm/matcher-policy@0.1.0" (instance $role)))"#,
    ));
    assert!(cause.contains("config"), "{cause}");
}

#[test]
fn a_function_that_this_host_does_not_have_is_named() {
    let cause = not_of_the_contract(of_text(
        r#"(component
            (import "overt:algorithm/config@0.1.0" (instance
                (export "remember" (func (param "what" string)))))
            (instance $role)
            (export "overt:algorithm/matcher-policy@0.1.0" (instance $role)))"#,
    ));
    assert!(cause.contains("remember"), "{cause}");
}

#[test]
fn a_plugin_of_a_later_patch_of_the_contract_is_accepted() {
    let wat = policy_wat("(i32.const 0)", "").replace("@0.1.0", "@0.1.9");
    let contract = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir("../../wit").unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "wit") {
            let text = std::fs::read_to_string(&path).unwrap();
            let later = text.replace("algorithm@0.1.1;", "algorithm@0.1.9;");
            std::fs::write(contract.path().join(path.file_name().unwrap()), later).unwrap();
        }
    }
    let component = support::component_of(contract.path(), "matcher-policy-plugin", &wat);
    let file = read(with_manifest(component, &policy_manifest())).unwrap();
    assert!(
        file.exports()[0].name.ends_with("@0.1.9"),
        "{:?}",
        file.exports()
    );
    let plugin = runtime().accept(&file, terms(Role::MatcherPolicy)).unwrap();
    plugin.decide(&observation()).unwrap();
}

/// Every file of a folder with its text, by name.
fn texts(folder: &str) -> std::collections::BTreeMap<String, String> {
    let files = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    files
        .filter(|path| path.extension().is_some_and(|extension| extension == "wit"))
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect()
}

#[test]
fn a_plugin_of_the_frozen_folder_runs_on_a_host_whose_contract_has_grown() {
    // The host's imported interfaces have a function that the frozen ones have not.
    let (now, then) = (texts("../../wit"), texts("../../wit/frozen/0.1.0"));
    assert!(now["tensors.wit"].contains("least-and-greatest:"));
    assert!(!then["tensors.wit"].contains("least-and-greatest"));
    let file = read(policy("(i32.const 0)", "")).unwrap();
    let names = |interfaces: &[overt_runtime::package::Interface]| {
        interfaces
            .iter()
            .all(|interface| interface.name.ends_with("@0.1.0"))
    };
    assert!(!file.imports().is_empty() && names(file.imports()) && names(file.exports()));
    let plugin = runtime().accept(&file, terms(Role::MatcherPolicy)).unwrap();
    plugin.decide(&observation()).unwrap();
    // What is done with tensors, the very resource that has grown, is done by plugins of the frozen folder too: `handles.rs`, `pixels.rs`.
}

#[test]
fn what_is_frozen_stays_as_it_was_and_what_grew_only_grew() {
    let (now, then) = (texts("../../wit"), texts("../../wit/frozen/0.1.0"));
    let digest = |texts: &std::collections::BTreeMap<String, String>| {
        let mut hasher = Sha256::new();
        for (name, text) in texts {
            hasher.update(format!("{name}\n{text}"));
        }
        hex::encode(hasher.finalize())
    };
    assert_eq!(
        digest(&then),
        FROZEN_0_1_0,
        "a frozen folder is never edited"
    );
    let lines = |text: &str| -> Vec<String> {
        let code = text.lines().map(str::trim);
        code.filter(|line| {
            !line.is_empty() && !line.starts_with("///") && !line.starts_with("package")
        })
        .map(str::to_owned)
        .collect()
    };
    for (name, then) in &then {
        let now = lines(&now[name]);
        let mut rest = now.iter();
        for line in lines(then) {
            assert!(
                rest.any(|now| *now == line),
                "{name}: `{line}` is gone or moved"
            );
        }
    }
}

#[test]
fn an_unfit_plugin_is_told_by_name_version_what_is_missing_and_how_to_mend_it() {
    let error = not_accepted(
        of_text(
            r#"(component
                (instance $role)
                (export "overt:algorithm/matcher-policy@0.1.0" (instance $role)))"#,
        ),
        terms(Role::MatcherPolicy),
    );
    let told = error.to_string();
    for part in [
        "test-plugin ",
        "is not of the contract 0.1",
        "matcher-policy",
        "decide",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(
        error
            .mend()
            .contains("build the plugin again against the contract"),
        "{}",
        error.mend()
    );
}

#[test]
fn a_start_function_that_loops_is_cut_off_when_the_plugin_is_accepted() {
    let start = "(func $start (loop $again (br $again))) (start $start)";
    let cause = not_of_the_contract(policy("(i32.const 0)", start));
    assert!(cause.contains("fuel"), "{cause}");

    let mut terms = terms(Role::Detector);
    terms.limits.deadline = std::time::Duration::from_millis(20);
    let error = not_accepted(support::detector("(i32.const 0)", start), terms);
    assert!(
        error.to_string().contains("its deadline is 20 ms"),
        "{error}"
    );
}

#[test]
fn a_start_function_that_traps_is_named_when_the_plugin_is_accepted() {
    let start = "(func $start unreachable) (start $start)";
    let cause = not_of_the_contract(policy("(i32.const 0)", start));
    assert!(
        cause.contains("trapped") && cause.contains("unreachable"),
        "{cause}"
    );
}

#[test]
fn a_memory_over_the_limit_is_refused_when_the_plugin_is_accepted() {
    let wat = policy_wat("(i32.const 0)", "").replace(
        "(memory (export \"memory\") 1)",
        "(memory (export \"memory\") 2048)",
    );
    let bytes = with_manifest(component("matcher-policy-plugin", &wat), &policy_manifest());
    let cause = not_of_the_contract(bytes);
    // 128 MiB, and two elements of the component's own table.
    assert!(cause.contains("134217744 bytes of memory"), "{cause}");
}

#[test]
fn more_memories_tables_or_instances_than_the_pool_gives_are_refused() {
    for (what, count, module) in [
        ("memories", 5, "(memory 1)"),
        ("tables", 9, "(table 1 funcref)"),
        ("instances", 17, ""),
        ("elements of a table", 1, "(table 100001 funcref)"),
        ("bytes of a memory", 1, "(memory 8193)"),
    ] {
        let instances = "(core instance (instantiate $m))".repeat(count);
        let cause = not_of_the_contract(policy_beside(&format!(
            "(component (core module $m {module}) {instances})"
        )));
        assert!(cause.contains("pooling allocator"), "{what}: {cause}");
    }
}

#[test]
fn all_memories_and_tables_together_are_held_against_the_limit() {
    let three = "(core instance (instantiate $m))".repeat(3);
    // Each of the three memories is under 64 MiB, and of the tables under 1 MiB.
    let cause = not_of_the_contract(policy_beside(&format!(
        "(component (core module $m (memory 400)) {three})"
    )));
    assert!(cause.contains("it may have 67108864"), "{cause}");

    let mut terms = terms(Role::MatcherPolicy);
    terms.limits.memory = 1 << 20;
    let tables = format!("(component (core module $m (table 50000 funcref)) {three})");
    let error = not_accepted(policy_beside(&tables), terms);
    assert!(error.to_string().contains("it may have 1048576"), "{error}");
}

#[test]
fn more_handles_of_a_guests_own_resource_than_the_limit_end_the_call() {
    let cause = not_of_the_contract(policy_beside(
        r#"(component
            (type $r (resource (rep i32)))
            (core func $new (canon resource.new $r))
            (core module $m
                (import "" "new" (func $new (param i32) (result i32)))
                (func $start (loop $again (drop (call $new (i32.const 0))) (br $again)))
                (start $start))
            (core instance $host (export "new" (func $new)))
            (core instance (instantiate $m (with "" (instance $host)))))"#,
    ));
    assert!(cause.contains("held more than 4096 handles"), "{cause}");
}

#[test]
fn an_encoder_is_accepted_only_with_its_facts() {
    let without = manifest(Role::Encoder, "[capabilities]\nframes = true\n")
        .replace("[encoder]", "[algorithm]")
        .replace("dimension = 8", "intended-use = \"a\"")
        .replace("metric = \"cosine\"", "known-limits = \"b\"")
        .replace("score-range = [-1.0, 1.0]", "");
    let bytes = with_manifest(wat::parse_str("(component)").unwrap(), &without);
    let error = read(bytes).unwrap_err();
    assert!(error.to_string().contains("encoder"), "{error}");
}
