//! Manifests as vendors get them wrong.

#![allow(clippy::unwrap_used)]

use super::*;

pub(crate) const POLICY: &str = r#"
[plugin]
id = "policy-test"
version = "1.2.3"
vendor = "Example"
roles = ["matcher-policy"]
description = "For a test."
licence = "MIT"
[contract]
version = "0.1"
"#;

#[test]
fn a_minimal_manifest_is_read() {
    let manifest = Manifest::parse(POLICY.as_bytes()).unwrap();
    assert_eq!(manifest.plugin.id, "policy-test");
    assert_eq!(manifest.family(), Some(Family::Decision));
    assert_eq!(manifest.capabilities.declared().count(), 0);
}

#[test]
fn an_unknown_key_is_an_error_that_names_its_line() {
    let text = POLICY.replace("licence", "license");
    let ManifestError::Syntax { message } = Manifest::parse(text.as_bytes()).unwrap_err() else {
        panic!("not a syntax error")
    };
    assert!(
        message.contains("license") && message.contains("line 8"),
        "{message}"
    );
}

#[test]
fn all_impossible_values_are_reported_at_once() {
    let text = POLICY
        .replace("policy-test", "Policy Test")
        .replace("[\"matcher-policy\"]", "[\"matcher-policy\", \"detector\"]")
        .replace(
            "version = \"0.1\"",
            "version = \"0.2\"\n[capabilities]\nframes = true\n[limits]\nmemory-mib = 0",
        );
    let ManifestError::Values(problems) = Manifest::parse(text.as_bytes()).unwrap_err() else {
        panic!("not a value error")
    };
    let keys: Vec<_> = problems
        .iter()
        .map(|problem| problem.key.as_str())
        .collect();
    assert_eq!(
        keys,
        [
            "plugin.id",
            "plugin.roles",
            "capabilities.frames",
            "contract.version",
            "limits.memory-mib"
        ]
    );
}

#[test]
fn an_encoder_without_its_facts_is_refused() {
    let text = POLICY.replace("matcher-policy", "encoder");
    let ManifestError::Values(problems) = Manifest::parse(text.as_bytes()).unwrap_err() else {
        panic!("not a value error")
    };
    assert_eq!(problems[0].key, "encoder");
}

#[test]
fn a_manifest_that_is_no_text_or_too_long_is_refused() {
    assert_eq!(
        Manifest::parse(b"[plugin]\xff"),
        Err(ManifestError::NotText { offset: 8 })
    );
    assert_eq!(
        Manifest::parse(&vec![b' '; LARGEST + 1]),
        Err(ManifestError::TooLarge { bytes: LARGEST + 1 })
    );
}
