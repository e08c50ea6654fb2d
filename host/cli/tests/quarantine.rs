//! A plugin that keeps failing: it is put in quarantine, the cameras stop, a person is told, and a person with a reason lets it run again.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use serde_json::Value;
use support::{Place, run, set_up};

/// A place whose detector is the hostile one, with this behaviour from its second frame on.
fn hostile(behaviour: &str) -> Place {
    let place = Place::with_person_a();
    place.film(60);
    place.hostile_detector("", behaviour);
    place
}

fn summary(place: &Place) -> Value {
    serde_json::from_slice(&std::fs::read(place.path("out/summary.json")).unwrap()).unwrap()
}

#[test]
fn a_detector_that_keeps_failing_stops_the_cameras_and_runs_again_only_when_a_person_says_so() {
    let place = hostile("box-of-nan");
    let ended = place.run();
    assert_eq!(ended.status, Some(1), "{}{}", ended.out, ended.err);
    assert!(
        ended.err.contains("QUARANTINE hostile-perception")
            && ended.err.contains("NOBODY CAN BE RECOGNISED"),
        "{}",
        ended.err
    );
    assert!(
        ended.out.contains("hostile-perception as detector"),
        "{}",
        ended.out
    );
    let told = summary(&place);
    let quarantine = &told["quarantines"][0];
    assert_eq!(
        (&quarantine["role"], &quarantine["cause"]),
        (&"detector".into(), &"answer".into())
    );
    assert_eq!(quarantine["strikes"], 10);
    // No silent gap: what was under way is counted as unseen, and the video was not read to its end.
    let count = |name: &str| told["frames"][name].as_u64().unwrap();
    assert_eq!(
        count("read"),
        count("processed") + count("dropped") + count("unseen"),
        "{told}"
    );
    assert!(count("read") < 60 && count("unseen") >= 10, "{told}");

    let again = place.run();
    assert_eq!(again.status, Some(1));
    assert!(
        again.err.contains("is in quarantine: 10 of its last")
            && again.err.contains("overt plugin release"),
        "{}",
        again.err
    );

    place.with_engineer();
    let release = |plugin: &str| {
        let file = place.deployment();
        let mut arguments = vec!["plugin", "release", file.to_str().unwrap(), plugin];
        arguments.extend(["--reason", "tried on the bench"]);
        place.ask(&arguments, "")
    };
    assert_eq!(release("detector-x").status, Some(1));
    place.sign_in("boss");
    let may_not = release("hostile-perception");
    assert_eq!(may_not.status, Some(1));
    assert!(
        may_not.err.contains("boss is no system-engineer"),
        "{}",
        may_not.err
    );
    place.done(&["sign-out"], "");
    let nobody = release("hostile-perception");
    assert_eq!(nobody.status, Some(1));
    assert!(nobody.err.contains("nobody is signed in"), "{}", nobody.err);
    assert!(
        place.run().err.contains("is in quarantine"),
        "nobody has released it"
    );
    place.sign_in("anna");
    let released = release("hostile-perception");
    assert_eq!(released.status, Some(0), "{}", released.err);
    assert!(
        released.out.contains("released; 10 of its last"),
        "{}",
        released.out
    );
    // It runs again, and is found out again.
    let third = place.run();
    assert!(
        third.err.contains("QUARANTINE hostile-perception"),
        "{}",
        third.err
    );
}

#[test]
fn another_file_in_its_place_runs_at_once() {
    let place = hostile("box-of-nan");
    assert_eq!(place.run().status, Some(1));
    place.change(
        set_up("hostile/hostile-perception.wasm").to_str().unwrap(),
        set_up("plugins/detector-centerface.wasm").to_str().unwrap(),
    );
    place.change("grants = [\"frames\", \"pixels\", \"inference\"]\nmodels = { endless = \"endless.onnx\", wide = \"wide.onnx\" }\n", "grants = [\"frames\", \"inference\"]\n");
    place.change("behaviour = \"box-of-nan\"\n", "");
    let ended = place.run();
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    assert_eq!(summary(&place)["alerts"].as_array().unwrap().len(), 1);
}

#[test]
fn another_signature_brings_no_plugin_out_of_quarantine() {
    let place = hostile("box-of-nan");
    assert_eq!(place.run().status, Some(1));
    // The same plugin, and a file of another digest.
    let signed = place.path("signed.wasm");
    let file = set_up("hostile/hostile-perception.wasm");
    for arguments in [
        vec![
            "key",
            "new",
            "office",
            "--folder",
            place.path("").to_str().unwrap(),
        ],
        vec![
            "plugin",
            "sign",
            file.to_str().unwrap(),
            "--key",
            place.path("office.key").to_str().unwrap(),
            "-o",
            signed.to_str().unwrap(),
        ],
    ] {
        let ended = run(&arguments);
        assert_eq!(ended.status, Some(0), "{}", ended.err);
    }
    place.change(file.to_str().unwrap(), signed.to_str().unwrap());
    let again = place.run();
    assert_eq!(again.status, Some(1));
    assert!(
        again.err.contains("is in quarantine: 10 of its last"),
        "{}",
        again.err
    );
}
