//! Runs with hostile plugins: the run goes on, raises no alert that it may not, and says in its summary what happened, to whom, why and how often.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::path::Path;

use overt_tests::model;
use serde_json::Value;
use support::{Place, run, set_up};

/// Changes the deployment file.
fn rewrite(place: &Place, change: impl FnOnce(String) -> String) {
    let text = std::fs::read_to_string(place.deployment()).unwrap();
    std::fs::write(place.deployment(), change(text)).unwrap();
}

/// The table of this role is that of a hostile plugin with this behaviour.
fn with_hostile(place: &Place, role: &str, more: &str, behaviour: &str) {
    let file = match role {
        "detector" => "hostile-perception.wasm",
        _ => "hostile-decision.wasm",
    };
    rewrite(place, |text| {
        let start = text.find(&format!("[plugins.{role}]")).unwrap();
        let table = &text[start + 1..];
        // To the next table of another plugin or of something else.
        let mut others = table.match_indices("\n[").map(|(at, _)| at);
        let next = others
            .find(|at| !table[at + 2..].starts_with(&format!("plugins.{role}.")))
            .map_or(text.len(), |at| start + 1 + at);
        let file = set_up("hostile").join(file);
        format!(
            "{}[plugins.{role}]\nfile = {file:?}\n{more}\n[plugins.{role}.config]\nbehaviour = \"{behaviour}\"\n{}",
            &text[..start],
            &text[next..]
        )
    });
}

/// The run's summary, after it ended in good order.
fn summary_of_run(place: &Place) -> Value {
    let ended = run([Path::new("run"), &place.deployment()]);
    assert_eq!(ended.status, Some(0), "{}{}", ended.out, ended.err);
    serde_json::from_slice(&std::fs::read(place.path("out/summary.json")).unwrap()).unwrap()
}

#[test]
fn a_policy_that_alerts_whoever_it_is_raises_nobody_under_the_score_floor() {
    let place = Place::with_person_a();
    place.film(40);
    with_hostile(
        &place,
        "matcher-policy",
        "grants = [\"log\"]",
        "alert-whoever-it-is",
    );
    rewrite(&place, |text| {
        text.replace("score-floor = 0.45", "score-floor = 0.95")
    });
    let summary = summary_of_run(&place);
    assert_eq!(summary["alerts"].as_array().unwrap().len(), 0);
    assert_eq!(summary["frames"]["processed"], 40);
    let error = &summary["plugin_errors"][0];
    assert_eq!(error["plugin"], "hostile-decision", "{summary}");
    assert_eq!(error["role"], "matcher-policy");
    assert_eq!(error["camera"], "concourse");
    assert!(error["count"].as_u64().unwrap() > 0);
    let cause = error["cause"].as_str().unwrap();
    assert!(
        cause.contains("under the authority's score floor of 0.950"),
        "{cause}"
    );
}

#[test]
fn a_detector_that_loops_costs_the_frames_that_it_was_shown_and_each_is_counted() {
    let place = Place::with_person_a();
    place.film(8);
    for (name, bytes) in [("endless", model::endless()), ("wide", model::wide())] {
        std::fs::write(place.path(&format!("{name}.onnx")), bytes).unwrap();
    }
    let more = "grants = [\"frames\", \"pixels\", \"inference\"]\nlimits = { deadline-ms = 20 }\nmodels = { endless = \"endless.onnx\", wide = \"wide.onnx\" }";
    with_hostile(&place, "detector", more, "loop");
    let summary = summary_of_run(&place);
    // The first frame is answered well.
    assert_eq!(summary["frames"]["processed"], 1, "{summary}");
    assert_eq!(summary["frames"]["unseen"], 7);
    let error = &summary["plugin_errors"][0];
    assert_eq!(
        (error["plugin"].as_str(), error["count"].as_u64()),
        (Some("hostile-perception"), Some(7))
    );
    assert_eq!(error["frame"], 1);
    let cause = error["cause"].as_str().unwrap();
    assert!(cause.contains("its deadline is 20 ms"), "{cause}");
    assert_eq!(summary["plugin_errors"].as_array().unwrap().len(), 1);
}
