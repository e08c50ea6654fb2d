//! Runs with hostile plugins: the run goes on, raises no alert that it may not, and says in its summary what happened, to whom, why and how often.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use serde_json::Value;
use support::Place;

/// The run's summary, after it ended in good order.
fn summary_of_run(place: &Place) -> Value {
    let ended = place.run();
    assert_eq!(ended.status, Some(0), "{}{}", ended.out, ended.err);
    serde_json::from_slice(&std::fs::read(place.path("out/summary.json")).unwrap()).unwrap()
}

#[test]
fn a_policy_that_alerts_whoever_it_is_raises_nobody_under_the_score_floor() {
    let place = Place::with_person_a();
    place.film(40);
    place.hostile(
        "matcher-policy",
        "grants = [\"log\"]",
        "alert-whoever-it-is",
    );
    place.change("score-floor = 0.45", "score-floor = 0.95");
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
    place.hostile_detector("limits = { deadline-ms = 20 }", "loop");
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

#[test]
fn a_model_that_takes_more_memory_than_the_deployment_gives_costs_the_frames_that_it_was_shown() {
    let place = Place::with_person_a();
    place.film(8);
    place.hostile_detector(
        "limits = { deadline-ms = 5000, model-memory-mib = 16 }",
        "run-a-model-past-its-memory",
    );
    let summary = summary_of_run(&place);
    assert_eq!(summary["frames"]["processed"], 1, "{summary}");
    assert_eq!(summary["frames"]["unseen"], 7);
    let error = &summary["plugin_errors"][0];
    assert_eq!(error["count"], 7, "{error}");
    let cause = error["cause"].as_str().unwrap();
    assert!(cause.contains("of memory; it may have 16 MiB"), "{cause}");
}
