//! A plugin in quarantine makes way for its fallback: the cameras go on, and what nobody saw meanwhile is counted.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use overt_records::{AuditEvent, AuditLog};
use overt_vision::read_still;
use serde_json::Value;
use support::running::Running;
use support::{Place, crowd, photograph, set_up};

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

/// `video.avi`: so many frames of thirty faces of person A, who all stand still.
fn film_crowd(place: &Place, frames: usize) {
    let face = read_still(&photograph("a-2.jpg")).unwrap();
    place.film_at(25.0, frames, |width, height, _| {
        crowd(&face, width, height, 6, 5)
    });
}

/// The place's policy is this one of the hostile policies, and the threshold is its fallback.
fn hostile_policy(place: &Place, behaviour: &str) {
    let policy = set_up("plugins/policy-threshold.wasm");
    place.hostile("matcher-policy", "grants = [\"log\"]", behaviour);
    add(
        place,
        &format!(
            "[plugins.matcher-policy.fallback]\nfile = {policy:?}\n[plugins.matcher-policy.fallback.config]\nthresholds = {{ missing-person = 0.5, wanted-on-warrant = 0.55 }}\n"
        ),
    );
}

#[test]
fn a_router_that_is_out_without_a_fallback_keeps_no_other_plugin_from_its_own() {
    let place = Place::with_person_a();
    film_crowd(&place, 120);
    place.hostile("alert-router", "grants = [\"log\"]", "trap");
    hostile_policy(&place, "alert-for-two-seconds-then-trap");
    let ended = place.run();
    assert_eq!(ended.status, Some(1), "{}", ended.err);
    let at = |part: &str| {
        ended
            .err
            .find(part)
            .unwrap_or_else(|| panic!("{part}: {}", ended.err))
    };
    let router = at("QUARANTINE hostile-decision 0.1.0 as alert-router");
    assert!(router < at("alerts go to the default desk"));
    let policy = at("QUARANTINE hostile-decision 0.1.0 as matcher-policy");
    assert!(router < policy);
    assert!(policy < at("GENERATION 1 serves with policy-threshold 0.1.0 as matcher-policy"));
    assert!(
        !ended.err.contains("NOBODY CAN BE RECOGNISED"),
        "{}",
        ended.err
    );
    let told = summary(&place);
    assert_eq!(count(&told, "read"), 120);
    assert_eq!(count(&told, "processed") + count(&told, "unseen"), 120);
}

#[test]
fn in_the_log_no_alert_of_a_plugin_comes_after_its_quarantine() {
    let place = Place::with_person_a();
    film_crowd(&place, 40);
    // The first face raises an alert; at those beside it on the same frame it fails ten times.
    hostile_policy(&place, "alert-then-trap");
    let ended = place.run();
    assert!(ended.err.contains("QUARANTINE"), "{}", ended.err);
    let log = AuditLog::read(&place.path("out/records.redb"), "walk-past").unwrap();
    let entries = log.entries();
    let first = |is_it: &dyn Fn(&AuditEvent) -> bool| {
        let mut events = entries.iter().map(|entry| &entry.event);
        events.position(is_it).unwrap()
    };
    let alert = first(&|event| matches!(event, AuditEvent::AlertRaised { generation: 0, .. }));
    let quarantine = first(&|event| matches!(event, AuditEvent::PluginQuarantined { .. }));
    assert!(alert < quarantine, "{alert} {quarantine}");
    // And none later on.
    let later = entries[quarantine..].iter().map(|entry| &entry.event);
    let mut of_it =
        later.filter(|event| matches!(event, AuditEvent::AlertRaised { generation: 0, .. }));
    assert_eq!(of_it.next(), None);
}

#[test]
fn who_asks_how_the_run_is_hears_of_the_quarantine_and_of_frames_that_nobody_saw() {
    let place = Place::with_person_a();
    place.film(1500);
    place.hostile_detector("", "box-of-nan");
    let detector = set_up("plugins/detector-centerface.wasm");
    add(
        &place,
        &format!(
            "[plugins.detector.fallback]\nfile = {detector:?}\ngrants = [\"frames\", \"inference\"]\n"
        ),
    );
    let mut going = Running::start(&place);
    going.await_line("GENERATION 1");
    let deployment = place.deployment();
    let ask = ["deployment", "status", deployment.to_str().unwrap()];
    let told = support::run(ask);
    let line = "hostile-perception 0.1.0 as detector; 10 of its last 11 calls failed, the last with answer";
    assert!(
        told.out.contains("IN QUARANTINE since") && told.out.contains(line),
        "{}{}",
        told.out,
        told.err
    );
    let told: Value =
        serde_json::from_str(&support::run(ask.iter().chain(&["--json"])).out).unwrap();
    let number = |name: &str| told[name].as_u64().unwrap();
    assert!(number("frames_unseen") >= 10, "{told}");
    let through = ["processed", "dropped", "unseen"].map(|what| number(&format!("frames_{what}")));
    assert!(
        through.iter().sum::<u64>() <= number("frames_read"),
        "{told}"
    );
    assert_eq!(told["quarantines"][0]["role"], "detector");
    going.interrupt();
}

#[test]
fn a_challenger_is_counted_beside_each_plugin_that_served() {
    let place = Place::with_person_a();
    place.film(100);
    place.hostile_detector("", "box-of-nan");
    let file = |name: &str| set_up(&format!("plugins/{name}.wasm"));
    add(
        &place,
        &format!(
            "[plugins.detector.fallback]\nfile = {:?}\ngrants = [\"frames\", \"inference\"]\n\
             [plugins.detector.shadow]\nfile = {:?}\ngrants = [\"frames\", \"inference\"]\n",
            file("detector-centerface"),
            file("detector-rfb320"),
        ),
    );
    let ended = place.run();
    assert!(ended.err.contains("GENERATION 1"), "{}", ended.err);
    let told = summary(&place);
    let shadows = told["shadows"].as_array().unwrap();
    let beside: Vec<&str> = shadows
        .iter()
        .map(|shadow| shadow["serving"].as_str().unwrap())
        .collect();
    assert_eq!(beside, ["hostile-perception", "detector-centerface"]);
    // Of the first it saw one answer, and of the other all the rest.
    let calls = |place: usize| shadows[place]["calls"].as_u64().unwrap();
    assert_eq!(calls(0), 1);
    assert_eq!(calls(1), count(&told, "processed") - 1);
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
    // Nobody healthy decided about the frames on which the first one failed, although they were looked at.
    assert!(count(&told, "unseen") >= 10, "{told}");
    assert_eq!(count(&told, "processed") + count(&told, "unseen"), 120);
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
