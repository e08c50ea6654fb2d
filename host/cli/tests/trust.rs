//! Signatures and the lock, as vendor, force and auditor meet them: what is signed by whom, what was decided to run, and what is refused.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::path::{Path, PathBuf};

use overt_tests::schema::Schema;
use serde_json::Value;
use support::{Ended, Place, run, set_up};

/// Runs a command of words and paths.
fn overt<'a>(arguments: impl IntoIterator<Item = &'a dyn AsRef<std::ffi::OsStr>>) -> Ended {
    run(arguments.into_iter().map(AsRef::as_ref))
}

/// A key pair in the place, `NAME.key` and `NAME.pub`.
fn key(place: &Place, name: &str) -> [PathBuf; 2] {
    let made = overt([
        &"key" as &dyn AsRef<_>,
        &"new",
        &name,
        &"--folder",
        &place.folder.path(),
    ]);
    assert_eq!(made.status, Some(0), "{}", made.err);
    ["key", "pub"].map(|ending| place.path(&format!("{name}.{ending}")))
}

/// The demonstration's router in a file of its own, which the deployment names. It carries this machine's signature.
fn own_router(place: &Place) -> PathBuf {
    let router = place.path("router.wasm");
    let file = set_up("plugins/router-desk.wasm");
    std::fs::copy(&file, &router).unwrap();
    place.change(file.to_str().unwrap(), "router.wasm");
    router
}

fn sign(plugin: &Path, key: &Path) -> Ended {
    overt([&"plugin" as &dyn AsRef<_>, &"sign", &plugin, &"--key", &key])
}

fn lock(place: &Place) {
    let locked = place.run_as("anna", [Path::new("lock"), &place.deployment()]);
    assert_eq!(locked.status, Some(0), "{}", locked.err);
    assert!(
        locked.out.contains("signed by this-machine"),
        "{}",
        locked.out
    );
}

fn run_locked(place: &Place) -> Ended {
    place.authorise();
    place.run_as("anna", [Path::new("run"), &place.deployment()])
}

fn summary(place: &Place) -> Value {
    serde_json::from_slice(&std::fs::read(place.path("out/summary.json")).unwrap()).unwrap()
}

#[test]
fn a_plugin_is_signed_by_several_and_verified_by_key_and_by_the_deployments_rule() {
    let place = Place::with_person_a();
    place.film(5);
    let router = own_router(&place);
    let [vendor, vendor_public] = key(&place, "acme-2026");
    let [office, office_public] = key(&place, "office");
    let verify = |by: &[&dyn AsRef<std::ffi::OsStr>]| {
        let mut arguments: Vec<&dyn AsRef<_>> = vec![&"plugin", &"verify", &router];
        arguments.extend(by);
        overt(arguments)
    };
    let by_both: [&dyn AsRef<_>; 4] = [&"--key", &vendor_public, &"--key", &office_public];
    let before = verify(&by_both);
    assert_eq!(before.status, Some(1), "{}", before.out);

    for key in [&vendor, &office] {
        let signed = sign(&router, key);
        assert_eq!(signed.status, Some(0), "{}", signed.err);
    }
    let after = verify(&by_both);
    assert_eq!(after.status, Some(0), "{}", after.out);
    assert!(
        after.out.contains("acme-2026.pub: valid") && after.out.ends_with("Trusted.\n"),
        "{}",
        after.out
    );
    let again = sign(&router, &vendor);
    assert_eq!(again.status, Some(1));
    assert!(again.err.contains("already"), "{}", again.err);
    let with_public = sign(&router, &vendor_public);
    assert!(
        with_public.err.contains("a public key"),
        "{}",
        with_public.err
    );

    let deployment = place.deployment();
    place.change("{ vendor = 1 }", "{ vendor = 1, force = 1 }");
    let text = std::fs::read_to_string(&deployment).unwrap();
    let more = "[[trust.key]]\nname = \"office\"\nsigner = \"force\"\nfile = \"office.pub\"\n";
    std::fs::write(&deployment, format!("{text}\n{more}")).unwrap();
    let by_rule = verify(&[&"--deployment", &deployment, &"--json"]);
    assert_eq!(by_rule.status, Some(0), "{}", by_rule.err);
    let report: Value = serde_json::from_str(&by_rule.out).unwrap();
    let schema = Schema::parse(include_str!("../plugin-verify.schema.json"));
    assert_eq!(schema.errors(&report), Vec::<String>::new(), "{report}");
    assert_eq!(report["trusted"], true);
    assert_eq!(
        report["unknown"], 1,
        "acme is nobody to this deployment: {report}"
    );
    assert_eq!(
        report["signatures"].as_array().unwrap().len(),
        2,
        "{report}"
    );

    let late = format!("{text}\n{more}expires = 2020-01-01T00:00:00Z\n");
    std::fs::write(&deployment, late).unwrap();
    let by_rule = verify(&[&"--deployment", &deployment, &"--json"]);
    assert_eq!(by_rule.status, Some(1), "{}", by_rule.err);
    let report: Value = serde_json::from_str(&by_rule.out).unwrap();
    assert_eq!(schema.errors(&report), Vec::<String>::new(), "{report}");
    assert_eq!(report["missing"]["force"]["found"], 0, "{report}");
    let standings: Vec<_> = report["signatures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|signature| signature["standing"].as_str().unwrap())
        .collect();
    assert!(standings.contains(&"expired"), "{report}");
    std::fs::write(&deployment, format!("{text}\n{more}")).unwrap();

    // The other plugins lack the force's signature: each is told, and nothing is compiled or run.
    let refused = place.run();
    assert_eq!(refused.status, Some(1));
    for role in ["detector", "encoder", "quality", "matcher-policy"] {
        assert!(
            refused.err.contains(&format!("[plugins.{role}]")),
            "{role}: {}",
            refused.err
        );
    }
    assert!(
        !refused.err.contains("[plugins.alert-router]"),
        "{}",
        refused.err
    );
    assert!(
        refused.err.contains("expected 1 signature of the force")
            && refused.err.contains("overt plugin sign"),
        "{}",
        refused.err
    );
}

#[test]
fn a_revoked_key_stops_every_plugin_that_it_signed() {
    let place = Place::with_person_a();
    place.film(5);
    place.change(
        "name = \"this-machine\"\n",
        "name = \"this-machine\"\nrevoked = \"left in a train\"\n",
    );
    let never = place.run();
    assert_eq!(
        never.status,
        Some(2),
        "a rule that no key can meet: {}",
        never.err
    );
    let [_, public] = key(&place, "other");
    let text = std::fs::read_to_string(place.deployment()).unwrap();
    let more = format!(
        "[[trust.key]]\nname = \"other\"\nsigner = \"vendor\"\nfile = \"{}\"\n",
        public.display()
    );
    std::fs::write(place.deployment(), format!("{text}\n{more}")).unwrap();
    let revoked = place.run();
    assert_eq!(revoked.status, Some(1));
    assert!(revoked.err.contains("left in a train"), "{}", revoked.err);
    assert!(!place.path("out/summary.json").exists());
}

#[test]
fn a_locked_deployment_runs_and_leaves_the_locks_digest() {
    let place = Place::with_person_a();
    place.film(5);
    lock(&place);
    let ended = run_locked(&place);
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    assert!(!ended.err.contains("UNLOCKED") && !ended.err.contains("UNSIGNED"));
    let summary = summary(&place);
    assert_eq!(summary["lock_sha256"].as_str().unwrap().len(), 64);
    assert_eq!(summary["unsigned"], false);
    for plugin in summary["plugins"].as_array().unwrap() {
        assert_eq!(plugin["signed_by"][0], "this-machine (vendor)", "{plugin}");
    }
    let check = overt([&"lock" as &dyn AsRef<_>, &place.deployment(), &"--check"]);
    assert_eq!((check.status, &*check.out), (Some(0), "Nothing differs.\n"));
}

#[test]
fn a_run_without_a_lock_is_refused_or_says_everywhere_that_it_is_one() {
    let place = Place::with_person_a();
    place.film(5);
    let refused = run_locked(&place);
    assert_eq!(refused.status, Some(1));
    assert!(
        refused.err.contains("there is no lock") && refused.err.contains("--rehearsal"),
        "{}",
        refused.err
    );
    assert!(!place.path("out/summary.json").exists());

    place.unsigned();
    let ended = overt([
        &"run" as &dyn AsRef<_>,
        &"--rehearsal",
        &"--unlocked",
        &place.deployment(),
    ]);
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    assert!(
        ended.err.contains("UNLOCKED") && ended.err.contains("UNSIGNED"),
        "{}",
        ended.err
    );
    assert!(
        ended.out.contains("none: it ran unlocked") && ended.out.contains("none asked for"),
        "{}",
        ended.out
    );
    let summary = summary(&place);
    assert_eq!(
        (&summary["lock_sha256"], &summary["unsigned"]),
        (&Value::Null, &Value::Bool(true))
    );
    let report = std::fs::read_to_string(place.path("out/report.html")).unwrap();
    assert!(report.contains("This run was unlocked.") && report.contains("needed no signature."));
}

#[test]
fn whatever_differs_from_the_lock_is_refused_and_told() {
    let place = Place::with_person_a();
    place.film(5);
    let router = own_router(&place);
    lock(&place);
    let whole = std::fs::read_to_string(place.deployment()).unwrap();
    std::fs::copy(place.path("video.avi"), place.path("other.avi")).unwrap();
    for (from, to, part) in [
        (
            "score-floor = 0.45",
            "score-floor = 0.40",
            "authority.score-floor: locked 0.45, found 0.4",
        ),
        (
            "margin = 0.05",
            "margin = 0.01",
            "plugin.matcher-policy.config.margin: locked 0.05, found 0.01",
        ),
        (
            "\n[plugins.alert-router.config]\n",
            "\n[plugins.alert-router.limits]\nfuel = 2000000\n\n[plugins.alert-router.config]\n",
            "plugin.alert-router.limits.fuel: locked ",
        ),
        (
            "detector-centerface.wasm",
            "detector-rfb320.wasm",
            "plugin.detector.sha256: locked ",
        ),
        (
            "file = \"router.wasm\"",
            "file = \"router.wasm\"\ngrants = [\"log\"]",
            r#"plugin.alert-router.grants: locked [], found ["log"]"#,
        ),
        (
            "device = \"cpu\"",
            "device = \"cpu\"\nbackend = \"openvino\"",
            "backend.name: locked onnxruntime, found openvino",
        ),
        (
            "owner = \"The demonstration\"\n",
            "owner = \"The demonstration\"\nzone = [[0, 0], [100, 0], [100, 100]]\n",
            "camera.concourse.zone: not in the lock, found 0,0 100,0 100,100",
        ),
        (
            "file = \"video.avi\"",
            "file = \"other.avi\"",
            "camera.concourse.source: locked video.avi, found other.avi",
        ),
        (
            "name = \"this-machine\"",
            "name = \"this-computer\"",
            "trust.key.this-machine.signer: locked vendor, found nothing",
        ),
    ] {
        place.change(from, to);
        let refused = run_locked(&place);
        assert_eq!(refused.status, Some(1), "{part}: {}", refused.err);
        assert!(refused.err.contains(part), "{part}: {}", refused.err);
        assert!(refused.err.contains("lock anew"), "{}", refused.err);
        let check = overt([
            &"lock" as &dyn AsRef<_>,
            &place.deployment(),
            &"--check",
            &"--json",
        ]);
        assert_eq!(check.status, Some(1));
        assert!(
            !serde_json::from_str::<Value>(&check.out)
                .unwrap()
                .as_array()
                .unwrap()
                .is_empty()
        );
        std::fs::write(place.deployment(), &whole).unwrap();
    }
    // Another signature makes another file; what is locked is the file.
    let [secret, _] = key(&place, "office");
    assert_eq!(sign(&router, &secret).status, Some(0));
    let refused = run_locked(&place);
    assert!(
        refused.err.contains("plugin.alert-router.sha256: locked "),
        "{}",
        refused.err
    );
    // A file that was not locked is not looked into, whatever it is.
    std::fs::write(&router, b"not even WebAssembly").unwrap();
    let refused = run_locked(&place);
    assert!(
        refused.err.contains("plugin.alert-router.sha256: locked ")
            && !refused.err.contains("WebAssembly"),
        "{}",
        refused.err
    );
    assert!(!place.path("out/summary.json").exists());
}

#[test]
fn two_locks_are_compared_without_a_deployment() {
    let place = Place::new();
    place.film(5);
    lock(&place);
    let one = place.path("one.lock");
    std::fs::rename(place.path("out/overt.lock"), &one).unwrap();
    place.change("margin = 0.05", "margin = 0.01");
    lock(&place);
    let two = place.path("out/overt.lock");
    let diff = |one: &Path, two: &Path| overt([&"lock" as &dyn AsRef<_>, &"--diff", &one, &two]);
    assert_eq!(diff(&one, &one).status, Some(0));
    let differs = diff(&one, &two);
    assert_eq!(differs.status, Some(1));
    let lines: Vec<&str> = differs.out.lines().collect();
    assert_eq!(
        lines,
        [
            "plugin.matcher-policy.config.margin",
            "  - 0.05",
            "  + 0.01"
        ]
    );
    let missing = diff(&one, &place.path("none.lock"));
    assert_eq!(missing.status, Some(2));
    assert!(
        missing.err.contains("none.lock") && missing.err.contains("check the path"),
        "{}",
        missing.err
    );
}

#[test]
fn what_a_run_would_refuse_is_not_locked() {
    let place = Place::new();
    place.film(5);
    let locking = |place: &Place| place.run_as("anna", [Path::new("lock"), &place.deployment()]);
    let whole = std::fs::read_to_string(place.deployment()).unwrap();
    std::fs::copy(
        set_up("models/mobilefacenet.onnx"),
        place.path("other.onnx"),
    )
    .unwrap();
    for (from, to, said) in [
        (
            "encoder-mobilefacenet.wasm\"",
            "detector-centerface.wasm\"",
            "uses it as encoder, but it has the roles detector",
        ),
        (
            "detector-centerface.wasm\"",
            "detector-centerface.wasm\"\nmodels = { centerface = \"other.onnx\" }",
            "the model `centerface` is pinned to SHA-256",
        ),
        (
            "detector-centerface.wasm\"",
            "detector-centerface.wasm\"\nmodels = { second = \"other.onnx\" }",
            "has no model `second`",
        ),
    ] {
        place.change(from, to);
        let refused = locking(&place);
        assert_eq!(refused.status, Some(1), "{said}: {}", refused.out);
        assert!(refused.err.contains(said), "{said}: {}", refused.err);
        assert!(!place.path("out/overt.lock").exists(), "{said}");
        std::fs::write(place.deployment(), &whole).unwrap();
    }
    assert_eq!(locking(&place).status, Some(0));
}

#[test]
fn a_plugin_that_was_changed_after_it_was_signed_is_never_shown_as_one_that_nobody_signed() {
    let place = Place::new();
    let router = own_router(&place);
    let inspect = || overt([&"plugin" as &dyn AsRef<_>, &"inspect", &router]);
    assert_eq!(inspect().status, Some(0));
    let mut bytes = std::fs::read(&router).unwrap();
    // A custom section `a` with nothing in it.
    bytes.extend([0, 2, 1, b'a']);
    std::fs::write(&router, bytes).unwrap();
    let told = inspect();
    assert_eq!(told.status, Some(1));
    assert!(
        told.out.contains("was changed after it was signed")
            && !told.out.contains("signatures  none"),
        "{}",
        told.out
    );
}

#[test]
fn a_clock_that_is_set_back_makes_no_expired_key_count_again() {
    let place = Place::new();
    place.film(5);
    place.change(
        "signer = \"vendor\"\n",
        "signer = \"vendor\"\nexpires = 2034-01-01T00:00:00Z\n",
    );
    let router = set_up("plugins/router-desk.wasm");
    let verify = || {
        overt([
            &"plugin" as &dyn AsRef<_>,
            &"verify",
            &router,
            &"--deployment",
            &place.deployment(),
        ])
    };
    assert_eq!(verify().status, Some(0));
    // Somebody signs in by a clock of 2035; to everybody after them the clock of today is one that was set back.
    place.signed_in_at("boss", "2035-01-01T00:00:00Z");
    let refused = verify();
    assert_eq!(refused.status, Some(1), "{}", refused.out);
    assert!(
        refused.out.contains("the key expired at 2034-01-01"),
        "{}",
        refused.out
    );
    // By that clock every session of today is over.
    place.sign_in("anna");
    let locked = place.ask(&["lock", place.deployment().to_str().unwrap()], "");
    assert!(
        locked.status == Some(1) && locked.err.contains("which expired at 2034-01-01"),
        "{}",
        locked.err
    );
}

#[test]
fn whoever_verifies_by_keys_is_told_which_of_them_has_not_signed() {
    let place = Place::new();
    let router = own_router(&place);
    let ([one, one_public], [_, other_public]) = (key(&place, "one"), key(&place, "other"));
    assert_eq!(sign(&router, &one).status, Some(0));
    let verify = |first: &Path, second: &Path| {
        overt([
            &"plugin" as &dyn AsRef<_>,
            &"verify",
            &router,
            &"--key",
            &first,
            &"--key",
            &second,
        ])
    };
    let told = verify(&one_public, &other_public);
    assert_eq!(told.status, Some(1));
    let said = format!(
        "NOT TRUSTED: it is not signed by {}\n",
        other_public.display()
    );
    assert!(told.out.ends_with(&said), "{}", told.out);
    let same = verify(&one_public, &one_public);
    assert!(
        same.status == Some(2) && same.err.contains("hold one and the same key"),
        "{}",
        same.err
    );
    let no_key = verify(&one_public, &router);
    assert!(
        no_key.err.contains("expected a key in PEM, found no text")
            && no_key.err.contains("NAME.pub"),
        "{}",
        no_key.err
    );
}
