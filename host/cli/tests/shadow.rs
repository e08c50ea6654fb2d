//! A challenger in the shadow: it is asked the same and leaves counts; alerts, records and frames are those of a run without it.

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

/// Adds tables to the deployment file.
fn add(place: &Place, tables: &str) {
    place.change(
        "[[channel]]\nname = \"desk-1\"",
        &format!("{tables}\n[[channel]]\nname = \"desk-1\""),
    );
}

fn count(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

#[test]
fn challengers_in_every_role_are_compared_and_change_nothing() {
    let plain = Place::with_person_a();
    plain.film(80);
    assert_eq!(plain.run().status, Some(0));
    let plain = summary(&plain);

    let place = Place::with_person_a();
    place.film(80);
    let file = |name: &str| set_up(&format!("plugins/{name}.wasm"));
    add(
        &place,
        &format!(
            "[plugins.detector.shadow]\nfile = {:?}\ngrants = [\"frames\", \"inference\"]\nevery = 2\n\
             [plugins.encoder.shadow]\nfile = {:?}\ngrants = [\"frames\", \"inference\"]\n\
             [plugins.quality.shadow]\nfile = {:?}\ngrants = [\"frames\", \"pixels\"]\n\
             [plugins.matcher-policy.shadow]\nfile = {:?}\n\
             [plugins.matcher-policy.shadow.config]\nthresholds = {{ missing-person = 0.99, wanted-on-warrant = 0.99 }}\n\
             [plugins.alert-router.shadow]\nfile = {:?}\n\
             [plugins.alert-router.shadow.config]\nreview = [{{ categories = [\"missing-person\"], channels = [\"desk-1\"] }}]\n",
            file("detector-rfb320"),
            file("encoder-mobilefacenet"),
            file("quality-basic"),
            file("policy-threshold"),
            file("router-desk"),
        ),
    );
    let ended = place.run();
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    let told = summary(&place);
    for same in ["frames", "faces", "tracks", "alerts", "plugins"] {
        assert_eq!(told[same], plain[same], "{same}");
    }
    let shadows = told["shadows"].as_array().unwrap();
    let of = |role: &str| {
        shadows
            .iter()
            .find(|shadow| shadow["role"] == role)
            .unwrap()
    };
    let agreement = |role: &str| &of(role)["agreement"];

    // One person in view in every frame, and both detectors find that face; the challenger looked at every other frame.
    let faces = agreement("detector");
    assert_eq!(count(&of("detector")["calls"]), 40);
    assert!(count(&faces["both"]) >= 36, "{faces}");
    assert_eq!(
        faces["overlap"]
            .as_array()
            .unwrap()
            .iter()
            .map(count)
            .sum::<u64>(),
        count(&faces["both"])
    );
    // The same encoder, with a watchlist that it encoded from the stored picture: nearly the same scores.
    let searches = agreement("encoder");
    assert!(count(&searches["same_best"]) > 5, "{searches}");
    assert_eq!(count(&searches["other_best"]), 0);
    let near = [9, 10]
        .map(|step| count(&searches["difference"][step]))
        .iter()
        .sum::<u64>();
    assert_eq!(near, count(&searches["same_best"]), "{searches}");
    // The same quality, and a policy that would never alert.
    let qualities = agreement("quality");
    assert_eq!(
        count(&qualities["difference"][10]),
        count(&searches["same_best"])
    );
    let matrix = &agreement("matcher-policy")["matrix"];
    assert_eq!(count(&matrix[2][0]) + count(&matrix[2][1]), 1, "{matrix}");
    assert_eq!(count(&matrix[2][2]), 0);
    assert_eq!(agreement("alert-router")["other"], 1);
    assert!(
        ended
            .out
            .contains("detector-rfb320 as detector beside detector-centerface:"),
        "{}",
        ended.out
    );
    let report = std::fs::read_to_string(place.path("out/report.html")).unwrap();
    assert!(report.contains("Challengers in the shadow"));
}

#[test]
fn a_challenger_that_keeps_failing_is_asked_no_more_and_costs_no_frame() {
    let place = Place::with_person_a();
    place.film(60);
    place.unsigned();
    add(
        &place,
        &format!(
            "[plugins.matcher-policy.shadow]\nfile = {:?}\ngrants = [\"log\"]\n[plugins.matcher-policy.shadow.config]\nbehaviour = \"panic\"\n",
            set_up("hostile/hostile-decision.wasm")
        ),
    );
    let ended = place.run();
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    let told = summary(&place);
    let shadow = &told["shadows"][0];
    assert_eq!(
        (&shadow["stopped"], &shadow["calls"]),
        (&true.into(), &10.into())
    );
    assert_eq!(told["frames"]["unseen"], 0);
    assert_eq!(told["alerts"].as_array().unwrap().len(), 1);
    assert_eq!(told["quarantines"], serde_json::json!([]));
    assert_eq!(told["plugin_errors"], serde_json::json!([]));
    assert!(ended.out.contains("asked no more"), "{}", ended.out);
}
