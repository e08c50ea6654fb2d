//! What a plugin declares, what it imports and exports, and what is granted to it have to agree; so have its models.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use overt_runtime::{Capability, PluginError, Role, inspect};
use support::{
    component, detector, manifest, not_accepted, policy, policy_manifest, policy_wat, read, terms,
    with_manifest,
};

/// A component that imports and exports empty instances of these names.
fn hollow(imports: &[&str], exports: &[&str]) -> Vec<u8> {
    let imports: String = imports
        .iter()
        .map(|name| format!("(import \"{name}\" (instance))\n"))
        .collect();
    let exports: String = exports
        .iter()
        .map(|name| format!("(export \"{name}\" (instance $nothing))\n"))
        .collect();
    wat::parse_str(format!(
        "(component {imports} (instance $nothing) {exports})"
    ))
    .unwrap()
}

const POLICY: &str = "overt:algorithm/matcher-policy@0.1.0";
const ROUTER: &str = "overt:algorithm/alert-router@0.1.0";
const DETECTOR: &str = "overt:algorithm/detector@0.1.0";

#[test]
fn a_wasi_import_is_refused_and_named() {
    let import = "wasi:cli/stdout@0.2.0";
    let bytes = with_manifest(hollow(&[import], &[POLICY]), &policy_manifest());
    let error = not_accepted(bytes, terms(Role::MatcherPolicy));
    assert!(
        matches!(&error, PluginError::UnknownImport { import: found, .. } if found == import),
        "{error}"
    );
    assert!(error.mend().contains("WASI"));
}

#[test]
fn an_import_of_another_version_or_of_a_role_is_refused() {
    for import in [
        "overt:algorithm/config@0.2.0",
        "overt:algorithm/detector@0.1.0",
        "overt:gallery/search@0.1.0",
    ] {
        let bytes = with_manifest(hollow(&[import], &[POLICY]), &policy_manifest());
        let error = not_accepted(bytes, terms(Role::MatcherPolicy));
        assert!(
            matches!(error, PluginError::UnknownImport { .. }),
            "{error}"
        );
    }
}

#[test]
fn an_import_that_the_manifest_does_not_declare_is_refused_with_the_capability() {
    let component = component("matcher-policy-plugin", &policy_wat("(i32.const 0)", ""));
    let bytes = with_manifest(component, &manifest(Role::MatcherPolicy, ""));
    let error = not_accepted(bytes, terms(Role::MatcherPolicy));
    assert!(matches!(
        error,
        PluginError::NotDeclared {
            capability: Capability::Log,
            ..
        }
    ));
    assert!(error.mend().contains("`log = true`"), "{}", error.mend());
}

#[test]
fn a_capability_that_is_not_granted_is_named_with_the_mend() {
    let mut terms = terms(Role::MatcherPolicy);
    terms.grants.clear();
    let error = not_accepted(policy("(i32.const 0)", ""), terms);
    assert!(matches!(
        error,
        PluginError::NotGranted {
            capability: Capability::Log,
            ..
        }
    ));
    assert!(
        error.mend().contains("\"log\"") && error.mend().contains("grants"),
        "{}",
        error.mend()
    );
}

#[test]
fn a_grant_that_the_manifest_does_not_declare_gives_nothing() {
    // Everything is granted; the manifest declares `frames`, the component imports `inference` too.
    let bytes = with_manifest(
        hollow(
            &[
                "overt:algorithm/frames@0.1.0",
                "overt:algorithm/inference@0.1.0",
            ],
            &[DETECTOR],
        ),
        &manifest(Role::Detector, "[capabilities]\nframes = true\n"),
    );
    let error = not_accepted(bytes, terms(Role::Detector));
    assert!(matches!(
        error,
        PluginError::NotDeclared {
            capability: Capability::Inference,
            ..
        }
    ));
}

#[test]
fn a_decision_plugin_cannot_reach_a_tensor_whatever_it_declares() {
    let bytes = with_manifest(
        hollow(&["overt:algorithm/tensors@0.1.0"], &[POLICY]),
        &policy_manifest(),
    );
    let error = not_accepted(bytes, terms(Role::MatcherPolicy));
    assert!(matches!(error, PluginError::NotDeclared { .. }), "{error}");

    let declares = policy_manifest().replace("log = true", "frames = true");
    let error = read(with_manifest(
        hollow(&["overt:algorithm/tensors@0.1.0"], &[POLICY]),
        &declares,
    ))
    .unwrap_err();
    assert!(matches!(error, PluginError::Manifest { .. }), "{error}");
}

#[test]
fn a_perception_plugin_that_writes_a_log_is_packed_for_its_vendor_and_run_by_nobody() {
    let declares = manifest(Role::Detector, "[capabilities]\nlog = true\n");
    let bytes = with_manifest(
        hollow(&["overt:algorithm/log@0.1.0"], &[DETECTOR]),
        &declares,
    );
    let told = inspect::describe(&read(bytes.clone()).unwrap());
    assert!(told.disagreement.unwrap().contains("vendor tests it"));
    assert!(told.can.iter().any(|can| can.contains("vendor's terminal")));
    let error = not_accepted(bytes, terms(Role::Detector));
    assert!(
        matches!(
            error,
            PluginError::LogInTestsOnly {
                role: Role::Detector,
                ..
            }
        ),
        "{error}"
    );
    assert!(error.mend().contains("take `log = true` out"));
}

#[test]
fn perception_and_decision_do_not_combine_in_one_component() {
    let bytes = with_manifest(hollow(&[], &[DETECTOR, POLICY]), &policy_manifest());
    let error = not_accepted(bytes, terms(Role::MatcherPolicy));
    assert!(
        matches!(
            error,
            PluginError::RoleCombination {
                perception: Role::Detector,
                decision: Role::MatcherPolicy,
                ..
            }
        ),
        "{error}"
    );

    let both =
        policy_manifest().replace("[\"matcher-policy\"]", "[\"matcher-policy\", \"detector\"]");
    let error = read(with_manifest(hollow(&[], &[DETECTOR, POLICY]), &both)).unwrap_err();
    assert!(error.to_string().contains("one family"), "{error}");
}

#[test]
fn an_export_that_is_not_declared_is_refused() {
    for export in [
        ROUTER,
        "overt:algorithm/matcher-policy@0.2.0",
        "wasi:cli/run@0.2.0",
    ] {
        let bytes = with_manifest(hollow(&[], &[POLICY, export]), &policy_manifest());
        let error = not_accepted(bytes, terms(Role::MatcherPolicy));
        assert!(
            matches!(&error, PluginError::ExportNotDeclared { export: found, .. } if found == export),
            "{error}"
        );
    }
}

#[test]
fn a_declared_role_that_is_missing_is_named() {
    let bytes = with_manifest(hollow(&[], &[]), &policy_manifest());
    let error = not_accepted(bytes, terms(Role::MatcherPolicy));
    assert!(matches!(
        error,
        PluginError::RoleMissing {
            role: Role::MatcherPolicy,
            ..
        }
    ));
    assert!(
        error.to_string().contains(POLICY.trim_end_matches('0')),
        "{error}"
    );
}

#[test]
fn a_plugin_is_not_used_in_a_role_that_it_has_not() {
    let error = not_accepted(policy("(i32.const 0)", ""), terms(Role::AlertRouter));
    assert!(
        matches!(&error, PluginError::WrongRole { wanted: Role::AlertRouter, roles, .. } if roles == &[Role::MatcherPolicy]),
        "{error}"
    );
}

/// A detector that declares a model of this digest.
fn with_model(sha256: &str) -> Vec<u8> {
    let component = component(
        "detector-plugin",
        &support::detector_wat("(i32.const 0)", ""),
    );
    with_manifest(
        component,
        &manifest(Role::Detector, &support::declares_model(sha256)),
    )
}

#[test]
fn a_model_that_is_not_given_is_named() {
    let error = not_accepted(with_model(&"0".repeat(64)), terms(Role::Detector));
    assert!(matches!(&error, PluginError::ModelNotGiven { model, .. } if model == "heat"));
    assert!(error.mend().contains("models"));
}

#[test]
fn a_model_whose_digest_differs_is_refused_with_both_digests() {
    let folder = tempfile::tempdir().unwrap();
    let given = support::model_file(&folder);
    let mut terms = terms(Role::Detector);
    terms.models.insert("heat".into(), given.clone());
    let pinned = "0".repeat(64);
    let error = not_accepted(with_model(&pinned), terms);
    let PluginError::ModelDigest {
        expected,
        found,
        file,
        ..
    } = error
    else {
        panic!("{error}")
    };
    assert_eq!(
        (expected.as_str(), found.as_str()),
        (pinned.as_str(), given.1.sha256())
    );
    assert_eq!(file, given.0);
}

#[test]
fn a_model_that_the_manifest_does_not_have_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut terms = terms(Role::Detector);
    terms
        .models
        .insert("other".into(), support::model_file(&folder));
    let error = not_accepted(detector("(i32.const 0)", ""), terms);
    assert!(matches!(&error, PluginError::ModelNotDeclared { model, .. } if model == "other"));
}

#[test]
fn inspect_says_what_a_plugin_can_do_from_its_imports() {
    let inspection = inspect::describe(&read(policy("(i32.const 0)", "")).unwrap());
    assert_eq!(inspection.roles, [Role::MatcherPolicy]);
    assert!(inspection.can.iter().any(|can| can.contains("log")));
    for never in ["see a camera frame", "pixels", "run a model"] {
        assert!(
            inspection
                .cannot
                .iter()
                .any(|cannot| cannot.contains(never)),
            "{never}"
        );
    }
    assert_eq!(inspection.disagreement, None);
}

#[test]
fn inspect_says_whether_tensors_of_frames_can_be_read_as_pixels() {
    let wat = r#"(module
        (import "overt:algorithm/frames@0.1.0" "[method]frame.tensor" (func (param i32 i32)))
        (import "overt:algorithm/tensors@0.1.0" "[method]tensor.read" (func (param i32 i32 i32 i32)))
        (memory (export "memory") 1)
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 64))
        (func (export "overt:algorithm/detector@0.1.0#detect") (param i32) (result i32) (i32.const 0)))"#;
    for (capabilities, reads) in [
        ("frames = true", false),
        ("frames = true\npixels = true", true),
    ] {
        let manifest = manifest(Role::Detector, &format!("[capabilities]\n{capabilities}\n"));
        let bytes = with_manifest(component("detector-plugin", wat), &manifest);
        let inspection = inspect::describe(&read(bytes).unwrap());
        let says = |sentences: &[String]| sentences.iter().any(|s| s.contains("pixels"));
        assert_eq!(says(&inspection.can), reads, "{:?}", inspection.can);
        assert_eq!(says(&inspection.cannot), !reads, "{:?}", inspection.cannot);
    }
}

#[test]
fn inspect_tells_where_manifest_and_component_disagree() {
    let bytes = with_manifest(hollow(&[], &[DETECTOR, POLICY]), &policy_manifest());
    let inspection = inspect::describe(&read(bytes).unwrap());
    assert!(inspection.disagreement.unwrap().contains("combines"));
}

#[test]
fn a_role_in_two_versions_of_the_contract_is_refused() {
    let later = "overt:algorithm/matcher-policy@0.1.1";
    let bytes = with_manifest(
        hollow(&[], &[POLICY, later]),
        &manifest(Role::MatcherPolicy, ""),
    );
    let error = not_accepted(bytes, terms(Role::MatcherPolicy));
    assert!(
        matches!(
            error,
            PluginError::RoleTwice {
                role: Role::MatcherPolicy,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn names_that_only_look_like_the_contracts_give_nothing() {
    for import in [
        "overt:algorithm/config@0.1.0-rc.1",
        "overt:algorithm/config@0.1.0+build",
        "overt:algorithm/config@0.1.0-0",
        "overt:algorithms/config@0.1.0",
        "overt:algorithm/configs@0.1.0",
        "overt:algorithm:config/config@0.1.0",
        "overt:algorithm/Config@0.1.0",
        "config",
    ] {
        // Some of them are no names at all, and are refused when the file is read.
        let component = wat::parse_str(format!(
            "(component (import \"{import}\" (instance)) (instance $nothing) (export \"{POLICY}\" (instance $nothing)))"
        ))
        .unwrap();
        let bytes = with_manifest(component, &manifest(Role::MatcherPolicy, ""));
        let error = match read(bytes) {
            Ok(file) => support::runtime()
                .accept(&file, terms(Role::MatcherPolicy))
                .err()
                .expect(import),
            Err(error) => error,
        };
        assert!(
            matches!(
                error,
                PluginError::UnknownImport { .. } | PluginError::Malformed { .. }
            ),
            "{import}: {error}"
        );
    }
}

/// What inspect says of a detector of this WAT.
fn inspected(imports: &str, capabilities: &str) -> inspect::Inspection {
    let wat = format!(
        r#"(module {imports}
        (memory (export "memory") 1)
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 64))
        (func (export "overt:algorithm/detector@0.1.0#detect") (param i32) (result i32) (i32.const 0)))"#
    );
    let manifest = manifest(Role::Detector, &format!("[capabilities]\n{capabilities}\n"));
    // The newest contract: it has functions that the first one had not.
    let newest = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
    let wat = wat.replace("@0.1.0", "@0.1.1");
    let component = support::component_of(&newest, "detector-plugin", &wat);
    inspect::describe(&read(with_manifest(component, &manifest)).unwrap())
}

const TENSOR: &str =
    r#"(import "overt:algorithm/frames@0.1.0" "[method]frame.tensor" (func (param i32 i32)))"#;

#[test]
fn every_way_to_a_tensors_numbers_is_told_as_reading_them() {
    for (function, parameters) in [
        ("read", "i32 i32 i32 i32"),
        ("read-bytes", "i32 i32 i32 i32"),
        ("gather", "i32 i32 i32 i32"),
        ("peaks", "i32 i32 f32 i32 i32"),
        // The least and the greatest of one number are that number.
        ("least-and-greatest", "i32 i32 i32 i32"),
    ] {
        let imports = format!(
            r#"{TENSOR}(import "overt:algorithm/tensors@0.1.0" "[method]tensor.{function}" (func (param {parameters})))"#
        );
        let inspection = inspected(&imports, "frames = true\npixels = true");
        let has = |sentences: &[String], words: &str| sentences.iter().any(|s| s.contains(words));
        assert!(
            has(&inspection.can, "read numbers of tensors"),
            "{function}"
        );
        assert!(has(&inspection.can, "read pixels of a frame"), "{function}");
        assert!(!has(&inspection.cannot, "no template enters"), "{function}");
    }
}

#[test]
fn whoever_asks_a_frame_for_its_time_or_camera_is_not_said_to_know_nothing_of_it() {
    for (function, result, fact) in [
        ("captured-at", "(result f64)", "time"),
        ("camera", "", "camera"),
        ("sequence", "(result i32)", "number"),
        ("height", "(result i32)", "height"),
    ] {
        let parameters = if function == "camera" {
            "i32 i32"
        } else {
            "i32"
        };
        let import = format!(
            r#"(import "overt:algorithm/frames@0.1.0" "[method]frame.{function}" (func (param {parameters}) {result}))"#
        );
        let inspection = inspected(&import, "frames = true");
        let knows = format!("know a frame's {fact}");
        assert!(inspection.can.contains(&knows), "{:?}", inspection.can);
        let nothing = inspection.cannot.iter().any(|s| s.contains("in any form"));
        assert!(!nothing, "{:?}", inspection.cannot);
    }
}

#[test]
fn what_a_model_may_give_back_is_not_said_to_be_out_of_reach() {
    let imports = format!(
        "{TENSOR}{}{}",
        r#"(import "overt:algorithm/tensors@0.1.0" "[method]tensor.read" (func (param i32 i32 i32 i32)))"#,
        r#"(import "overt:algorithm/inference@0.1.0" "[method]model.run" (func (param i32 i32 i32 i32)))"#
    );
    let inspection = inspected(&imports, "frames = true\ninference = true");
    let pixels: Vec<&String> = inspection
        .cannot
        .iter()
        .filter(|s| s.contains("pixels"))
        .collect();
    assert!(
        pixels.len() == 1 && pixels[0].contains("unless a model"),
        "{pixels:?}"
    );
}

#[test]
fn what_a_decision_plugin_is_told_stands_in_its_summary() {
    let inspection = inspect::describe(&read(policy("(i32.const 0)", "")).unwrap());
    assert!(
        inspection.can.iter().any(|s| s.contains("know the scores")),
        "{:?}",
        inspection.can
    );
}
