//! A plugin in quarantine makes way for its fallback: the cameras go on, and what nobody saw meanwhile is counted.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use serde_json::Value;
use support::{Place, set_up};

fn summary(place: &Place) -> Value {
    let told: Value =
        serde_json::from_slice(&std::fs::read(place.path("out/summary.json")).unwrap()).unwrap();
    let schema = include_str!("../../pipeline/summary.schema.json");
    let errors = overt_tests::schema::Schema::parse(schema).errors(&told);
    assert!(errors.is_empty(), "{errors:?}");
    told
}

fn add(place: &Place, tables: &str) {
    place.change(
        "[[channel]]\nname = \"desk-1\"",
        &format!("{tables}\n[[channel]]\nname = \"desk-1\""),
    );
}

fn count(told: &Value, name: &str) -> u64 {
    told["frames"][name].as_u64().unwrap()
}

#[test]
fn a_detectors_fallback_sees_the_rest_of_the_video() {
    let place = Place::with_person_a();
    place.film(200);
    place.hostile_detector("", "box-of-nan");
    add(
        &place,
        &format!(
            "[plugins.detector.fallback]\nfile = {:?}\ngrants = [\"frames\", \"inference\"]\n",
            set_up("plugins/detector-centerface.wasm")
        ),
    );
    let ended = place.run();
    // A plugin in quarantine is something that a person has to look at.
    assert_eq!(ended.status, Some(1), "{}", ended.err);
    for told in [
        "QUARANTINE hostile-perception",
        "GENERATION 1 serves with detector-centerface 0.1.0 as detector; the fallback comes in as detector",
        "ALERT 1",
    ] {
        assert!(ended.err.contains(told), "{told}: {}", ended.err);
    }
    assert!(
        !ended.err.contains("NOBODY CAN BE RECOGNISED"),
        "{}",
        ended.err
    );
    let told = summary(&place);
    // The video was read to its end. Unseen are the ten strikes and what was under way; nothing was passed over.
    assert_eq!(count(&told, "read"), 200);
    assert_eq!(count(&told, "dropped"), 0);
    assert_eq!(count(&told, "processed") + count(&told, "unseen"), 200);
    assert!((10..40).contains(&count(&told, "unseen")), "{told}");
    assert_eq!(told["alerts"].as_array().unwrap().len(), 1);
    assert_eq!(told["generations"][1]["cause"], "fallback");
    assert_eq!(told["generations"][1]["role"], "detector");
}

#[test]
fn a_policys_fallback_decides_about_those_who_are_still_in_view() {
    let place = Place::with_person_a();
    place.film(120);
    let policy = set_up("plugins/policy-threshold.wasm");
    place.hostile("matcher-policy", "grants = [\"log\"]", "panic");
    add(
        &place,
        &format!(
            "[plugins.matcher-policy.fallback]\nfile = {policy:?}\n[plugins.matcher-policy.fallback.config]\nthresholds = {{ missing-person = 0.5, wanted-on-warrant = 0.55 }}\n"
        ),
    );
    let ended = place.run();
    assert_eq!(ended.status, Some(1), "{}", ended.err);
    let told = summary(&place);
    assert_eq!(count(&told, "read"), 120);
    assert_eq!(told["alerts"].as_array().unwrap().len(), 1, "{}", ended.err);
    assert_eq!(
        told["generations"][1]["changed"],
        serde_json::json!(["matcher-policy"])
    );
}

#[test]
fn a_fallback_that_fails_too_has_nobody_to_come_in_for_it() {
    let place = Place::with_person_a();
    place.film(200);
    let hostile = set_up("hostile/hostile-decision.wasm");
    place.hostile("matcher-policy", "grants = [\"log\"]", "panic");
    add(
        &place,
        &format!(
            "[plugins.matcher-policy.fallback]\nfile = {hostile:?}\ngrants = [\"log\"]\n[plugins.matcher-policy.fallback.config]\nbehaviour = \"panic\"\n"
        ),
    );
    let ended = place.run();
    assert_eq!(ended.status, Some(1), "{}", ended.err);
    // The same file in the same role is the same plugin: it is out already.
    assert!(
        ended
            .err
            .contains("NOBODY CAN BE RECOGNISED, and the cameras stop"),
        "{}",
        ended.err
    );
    assert!(!ended.err.contains("GENERATION 1"), "{}", ended.err);
    let told = summary(&place);
    assert!(count(&told, "read") < 200);
    assert_eq!(told["alerts"], serde_json::json!([]));
}
