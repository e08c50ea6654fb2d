//! People are put on the watchlist and taken off it while a deployment runs: nobody who was removed is alerted for after the answer, and who was added is.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::path::Path;

use overt_deployment::Deployment;
use overt_records::{Closed, LifeState};
use serde_json::Value;
use support::running::Running;
use support::{Ended, Place, grey, machine_and_store, photograph};

/// Person A passes for two seconds and is away for one, so many times.
fn film_passes(place: &Place, passes: usize) {
    let face = overt_vision::read_still(&photograph("a-2.jpg")).unwrap();
    place.film_at(25.0, passes * 75, |width, height, index| match index % 75 {
        0..50 => support::scene(&face, width, height, index % 75),
        _ => grey(width, height),
    });
}

fn going(place: &Place) -> Running {
    let mut going = Running::start(place);
    going.await_answer(place);
    going
}

fn remove(place: &Place, id: &str, reference: &str) -> Ended {
    let deployment = place.deployment();
    let deployment = deployment.to_str().unwrap();
    place.run_as(
        id,
        [
            "watchlist",
            "remove",
            deployment,
            reference,
            "--reason",
            "found safe",
            "--json",
        ],
    )
}

fn summary(place: &Place) -> Value {
    serde_json::from_slice(&std::fs::read(place.path("out/summary.json")).unwrap()).unwrap()
}

fn alerts(err: &str) -> usize {
    err.lines().filter(|line| line.starts_with("ALERT")).count()
}

#[test]
fn who_is_removed_is_alerted_for_no_more_and_what_was_pending_is_withdrawn() {
    let place = Place::with_person_a();
    film_passes(&place, 8);
    let mut going = going(&place);
    going.await_line("ALERT 1");
    let refused = remove(&place, "olu", "MP-0001");
    assert!(refused.err.contains("olu is no"), "{}", refused.err);
    let absent = remove(&place, "anna", "MP-0009");
    assert_eq!(absent.status, Some(1));
    assert!(
        absent.err.contains("MP-0009: not on the watchlist"),
        "{}",
        absent.err
    );

    let removed = remove(&place, "anna", "MP-0001");
    assert_eq!(removed.status, Some(0), "{}", removed.err);
    let removed: Value = serde_json::from_str(&removed.out).unwrap();
    let withdrawn = removed[0]["withdrawn"].as_array().unwrap().len();
    assert!(withdrawn >= 1, "{removed}");
    assert_eq!(
        (&removed[0]["images"], &removed[0]["generation"]),
        (&1.into(), &1.into())
    );

    let ended = going.ended();
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    let (before, after) = ended.err.split_once("GENERATION 1 serves").unwrap();
    assert!(
        after.contains("MP-0001 removed by A. N. Engineer (anna): found safe"),
        "{after}"
    );
    // An alert of before may be told on its way; none is that the removal did not withdraw, and most of the passes came later.
    let told = alerts(before) + alerts(after);
    assert!(
        told <= withdrawn && told < 8,
        "{told} of {withdrawn}: {}",
        ended.err
    );

    let summary = summary(&place);
    let size = |people: u64, images: u64| serde_json::json!({ "people": people, "images": images });
    assert_eq!(summary["watchlist"]["start"], size(1, 1));
    assert_eq!(summary["watchlist"]["largest"], size(1, 1));
    assert_eq!(summary["watchlist"]["end"], size(0, 0));
    let change = &summary["watchlist"]["changes"][0];
    assert_eq!(change["change"], "removed");
    assert_eq!(change["by"], "A. N. Engineer (anna)");
    assert_eq!(summary["generations"][1]["cause"], "watchlist");
    // Frames were processed to the end, and none was lost.
    assert_eq!(summary["frames"]["processed"], 8 * 75);

    let deployment = Deployment::read(&place.deployment()).unwrap();
    let (_, store) = machine_and_store(&deployment);
    assert!(store.watchlist().list().unwrap().is_empty());
    let living = store.living().unwrap();
    assert!(living.len() >= withdrawn);
    for alert in living {
        assert_eq!(alert.life.state(), LifeState::Closed(Closed::Withdrawn));
    }
    drop(store);
    // It is told afterwards that they were on it, and to whom that may be told.
    let prove = |id: &str, reference: &str| {
        let deployment = place.deployment();
        let deployment = deployment.to_str().unwrap();
        place.run_as(
            id,
            [
                "watchlist",
                "prove",
                deployment,
                reference,
                "--reason",
                "complaint 7",
            ],
        )
    };
    let proved = prove("ada", "MP-0001");
    assert_eq!(proved.status, Some(0), "{}", proved.err);
    assert!(
        proved
            .out
            .contains("MP-0001 was on the watchlist:\n  from 2"),
        "{}",
        proved.out
    );
    assert_eq!(prove("boss", "MP-0002").status, Some(1));
    assert!(prove("anna", "MP-0001").err.contains("anna is no auditor"));
}

#[test]
fn who_is_added_by_an_authority_for_it_is_searched_for_from_then_on() {
    let place = Place::new();
    let enrolled = place.enrol(&[("MP-0002", "missing-person", &photograph("b.jpg"))]);
    assert_eq!(enrolled.status, Some(0), "{}", enrolled.err);
    film_passes(&place, 40);
    let mut going = going(&place);
    let add = |id: &str, more: &[&str]| {
        let deployment = place.deployment();
        let file = photograph("a-1.jpg");
        let arguments = [
            "watchlist",
            "add",
            deployment.to_str().unwrap(),
            file.to_str().unwrap(),
            "--reference",
            "MP-0001",
            "--category",
            "missing-person",
            "--reason",
            "seen nearby",
            "--authority",
            "LFR-2026-11/2",
            "--json",
        ];
        place.run_as(id, [&arguments[..], more].concat())
    };
    let refused = add("anna", &["--wanted"]);
    assert!(
        refused.err.contains("anna is no authorising-officer"),
        "{}",
        refused.err
    );
    let groundless = add("boss", &[]);
    assert_eq!(groundless.status, Some(2), "{}", groundless.err);
    let poor = place.path("poor.jpg");
    std::fs::write(&poor, "no photograph").unwrap();
    let partly = add("boss", &["--because", "missing", poor.to_str().unwrap()]);
    assert_eq!(partly.status, Some(1), "{}", partly.err);
    let told: Value = serde_json::from_str(&partly.out).unwrap();
    assert_eq!(told["generation"], 1);
    assert_eq!(told["photographs"][0]["enrolled"], "added");
    assert!(
        told["photographs"][1]["refused"]
            .as_str()
            .unwrap()
            .contains("no readable")
    );
    // Again: it is there.
    let again = add("boss", &["--because", "missing"]);
    assert_eq!(again.status, Some(0), "{}", again.err);
    assert!(again.out.contains("\"there\""), "{}", again.out);
    let line = going.await_line("ALERT 1");
    assert!(line.contains("MP-0001 (missing-person)"), "{line}");
    let removed = remove(&place, "boss", "MP-0002");
    assert_eq!(removed.status, Some(0), "{}", removed.err);
    going.interrupt();

    let summary = summary(&place);
    let size = |people: u64, images: u64| serde_json::json!({ "people": people, "images": images });
    assert_eq!(summary["watchlist"]["start"], size(1, 1));
    assert_eq!(summary["watchlist"]["largest"], size(2, 2));
    assert_eq!(summary["watchlist"]["end"], size(1, 1));
    let changes = summary["watchlist"]["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 2);
    assert_eq!(changes[0]["authority"], "LFR-2026-11/2");
    assert_eq!(changes[0]["by"], "A. N. Officer (boss)");
    let report = std::fs::read_to_string(place.path("out/report.html")).unwrap();
    for told in [
        "1 person at the start, 2 at its largest, 1 at the end",
        "MP-0001 was added by",
    ] {
        assert!(report.contains(told), "{told}");
    }
}

#[test]
fn where_no_run_goes_on_the_same_is_done_in_the_records() {
    let place = Place::with_person_a();
    let file = photograph("b.jpg");
    let added = place.run_as(
        "boss",
        [
            Path::new("watchlist"),
            Path::new("add"),
            &place.deployment(),
            &file,
        ]
        .into_iter()
        .chain(
            [
                "--reference",
                "MP-0002",
                "--category",
                "missing-person",
                "--wanted",
                "--reason",
                "seen nearby",
                "--authority",
                "LFR-2026-11/2",
            ]
            .map(Path::new),
        ),
    );
    assert_eq!(added.status, Some(0), "{}{}", added.out, added.err);
    let removed = remove(&place, "anna", "MP-0001");
    assert_eq!(removed.status, Some(0), "{}", removed.err);
    let listed = place.run_as(
        "anna",
        [
            Path::new("watchlist"),
            Path::new("list"),
            &place.deployment(),
            Path::new("--json"),
        ],
    );
    let listed: Value = serde_json::from_str(&listed.out).unwrap();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!(listed[0]["reference"], "MP-0002");
    assert_eq!(listed[0]["authority"], "LFR-2026-11/2");
    assert_eq!(listed[0]["added_by"], "A. N. Officer (boss)");
}

#[test]
fn a_check_tells_who_would_be_taken_for_whom_and_what_is_not_on_record() {
    let place = Place::new();
    let enrolled = place.enrol(&[
        ("MP-0001", "missing-person", &photograph("a-1.jpg")),
        ("MP-0002", "missing-person", &photograph("b.jpg")),
        ("MP-0003", "missing-person", &photograph("a-2.jpg")),
        ("MP-0004", "missing-person", &photograph("b.jpg")),
    ]);
    assert_eq!(enrolled.status, Some(0), "{}{}", enrolled.out, enrolled.err);
    let check = |more: &[&str]| {
        let deployment = place.deployment();
        let start = ["watchlist", "check", deployment.to_str().unwrap()];
        place.run_as("anna", [&start[..], more].concat())
    };
    let told = check(&[]);
    assert_eq!(told.status, Some(1));
    assert!(
        told.out
            .contains("no conformity with the capture standard of the NPIA"),
        "{}",
        told.out
    );
    let report: Value = serde_json::from_str(&check(&["--json"]).out).unwrap();
    let pairs: Vec<(&str, &str, &str)> = report["alike"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pair| {
            let text = |name: &str| pair[name].as_str().unwrap();
            (text("one"), text("other"), text("kind"))
        })
        .collect();
    assert_eq!(pairs.len(), 2, "{report}");
    assert_eq!(pairs[0], ("MP-0002", "MP-0004", "same-photograph"));
    assert_eq!((pairs[1].0, pairs[1].1), ("MP-0001", "MP-0003"));
    assert_eq!(report["categories"]["missing-person"], 4);
    assert_eq!(report["reasons"]["missing"], 4);
    assert_eq!(report["sources"]["not recorded"], 4);
    assert_eq!(report["quality"]["measured"], 4);
    let kinds: Vec<&str> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["kind"].as_str().unwrap())
        .collect();
    for kind in [
        "not-approved",
        "no-lawful-basis",
        "no-source",
        "no-day",
        "duplicates",
        "would-alert",
    ] {
        assert!(kinds.contains(&kind), "{kind}: {kinds:?}");
    }
}
