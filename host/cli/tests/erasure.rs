//! What can be read of a person in the bytes of a deployment's files, while a run goes on, after it was killed, after it ended, and once its time is over: nothing.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use overt_pipeline::inputs::Passing;
use overt_records::{Encoder, HeldInputs, Retention, Store, StoreSettings, Timestamp};
use serde_json::Value;
use support::alerts::done;
use support::running::Running;
use support::{Place, photograph};

/// Bytes that only a face, a template or a score could have put somewhere, with what they are.
struct Needle {
    what: &'static str,
    bytes: Vec<u8>,
}

fn store(place: &Place) -> Store {
    let settings = StoreSettings {
        deployment: "walk-past".into(),
        retention: Retention {
            alerts_hours: 24,
            inputs_hours: 24,
            watchlist_hours: 24,
        },
    };
    Store::open(&place.path("out/records.redb"), &settings).unwrap()
}

/// Pieces of a file with an image: from its middle, for its head says only how it is packed; and the same as a page would hold it.
fn of_image(what: &'static str, image: &[u8]) -> Vec<Needle> {
    let mut needles = Vec::new();
    for part in 1..8 {
        let at = image.len() * part / 8;
        needles.push(Needle {
            what,
            bytes: image[at..at + 24].to_vec(),
        });
        // Base 64 packs three bytes at a time, so that it looks different from each of three beginnings.
        let whole = at - at % 3;
        needles.push(Needle {
            what,
            bytes: STANDARD.encode(&image[whole..whole + 24]).into_bytes(),
        });
    }
    needles
}

/// What must not be found: read from the sealed records, and from the photograph that was enrolled.
fn needles(store: &Store, encoder: &Encoder) -> Vec<Needle> {
    let mut needles = of_image(
        "the photograph",
        &std::fs::read(photograph("a-1.jpg")).unwrap(),
    );
    let watchlist = store.watchlist();
    let picture = watchlist.picture("MP-0001", 0).unwrap().unwrap();
    needles.extend(of_image("the watchlist image", &picture.jpeg));
    for template in watchlist.templates(encoder).unwrap() {
        for four in template.values.chunks(4).step_by(8) {
            needles.push(Needle {
                what: "a template",
                bytes: four.iter().flat_map(|value| value.to_le_bytes()).collect(),
            });
        }
    }
    let payload = store.alert_payload(1).unwrap().unwrap();
    needles.extend(of_image("the probe", &payload.crop));
    for score in payload.scores.iter().map(|score| score.score) {
        // Six digits are in no file by chance; a file may write them shorter.
        let text = format!("{score}");
        let bytes = text.as_bytes()[..text.len().min(7)].to_vec();
        needles.push(Needle {
            what: "a score",
            bytes,
        });
    }
    assert!(needles.iter().all(|needle| needle.bytes.len() >= 6));
    needles
}

fn encoder(place: &Place) -> Encoder {
    store(place).watchlist().list().unwrap()[0].images[0]
        .encoder
        .clone()
}

/// Every file of the deployment but the film and the list that came from outside.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            found.extend(files(&entry.path()));
        } else if kind.is_file() && entry.file_name() != "video.avi" {
            found.push(entry.path());
        }
    }
    found
}

/// What is found of it, and in which file.
fn found(place: &Place, needles: &[Needle]) -> Vec<(&'static str, PathBuf)> {
    let mut found = Vec::new();
    for file in files(place.folder.path()) {
        let bytes = std::fs::read(&file).unwrap();
        for needle in needles {
            if bytes
                .windows(needle.bytes.len())
                .any(|window| window == needle.bytes)
            {
                found.push((needle.what, file.clone()));
            }
        }
    }
    found.dedup();
    found
}

fn numbers(place: &Place) {
    place.change("report = \"faces\"", "report = \"numbers\"");
}

#[test]
fn nothing_of_a_person_can_be_read_in_any_file_at_any_time() {
    let place = Place::with_person_a();
    numbers(&place);
    let encoder = encoder(&place);
    place.film(1500);
    let mut running = Running::start(&place);
    running.await_line("ALERT 1 for desk-2: MP-0001");
    running.kill();

    // As a crash leaves it, before anything of the host's has been near it again.
    let left: Vec<(PathBuf, Vec<u8>)> = files(place.folder.path())
        .into_iter()
        .map(|file| (file.clone(), std::fs::read(&file).unwrap()))
        .collect();
    assert!(left.len() >= 5, "{left:?}", left = left.len());
    let needles = needles(&store(&place), &encoder);
    for (file, bytes) in &left {
        for needle in &needles {
            let is_in = bytes
                .windows(needle.bytes.len())
                .any(|window| window == needle.bytes);
            assert!(!is_in, "{} in {}", needle.what, file.display());
        }
    }

    // After a run that came to its end.
    place.film(40);
    let ended = place.run();
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    assert_eq!(found(&place, &needles), []);
    for text in [&ended.out, &ended.err] {
        let printed = needles.iter().find(|needle| {
            let bytes = text.as_bytes();
            bytes
                .windows(needle.bytes.len())
                .any(|window| window == needle.bytes)
        });
        assert!(printed.is_none(), "{}", printed.unwrap().what);
    }

    // And once its time is over nothing opens, whatever was put by.
    let old_store = std::fs::read(place.path("out/records.redb")).unwrap();
    let store = store(&place);
    let later = Timestamp::from_unix_ms(jiff::Timestamp::now().as_millisecond()).after_hours(25);
    let report = store.sweep(later).unwrap();
    assert_eq!(
        (report.alerts, report.inputs, report.watchlist_images),
        (2, 2, 1)
    );
    assert_eq!(found(&place, &needles), []);
    for alert in 1..=2 {
        assert!(store.alert_payload(alert).unwrap().is_none());
        let inputs = store.alert_inputs(alert, later).unwrap();
        assert!(matches!(inputs, HeldInputs::Expired { .. }));
    }
    drop(store);
    std::fs::write(place.path("out/records.redb"), old_store).unwrap();
    let settings = StoreSettings {
        deployment: "walk-past".into(),
        retention: Retention {
            alerts_hours: 24,
            inputs_hours: 24,
            watchlist_hours: 24,
        },
    };
    // The copy from before the sweep is refused, for the keys of what it holds are gone.
    let reopened = Store::open(&place.path("out/records.redb"), &settings);
    assert!(reopened.is_err());
}

#[test]
fn where_a_report_with_faces_is_wanted_it_is_on_record_and_goes_with_its_alerts() {
    let place = Place::with_person_a();
    let encoder = encoder(&place);
    place.film(40);
    let ended = place.run();
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    let page = place.path("out/report.html");
    // That the search above can find something.
    let there = found(&place, &needles(&store(&place), &encoder));
    for what in ["the probe", "the watchlist image", "a score"] {
        let is_there = there
            .iter()
            .any(|(found, file)| *found == what && *file == page);
        assert!(is_there || what == "a score", "{what}: {there:?}");
    }
    let summary = place.path("out/summary.json");
    assert!(there.contains(&("a score", summary.clone())), "{there:?}");

    let shown = support::run([
        "retention",
        "show",
        place.deployment().to_str().unwrap(),
        "--json",
    ]);
    let shown: Value = serde_json::from_str(&shown.out).unwrap();
    assert_eq!(shown["files"].as_array().unwrap().len(), 2, "{shown}");
    let store = store(&place);
    let later = Timestamp::from_unix_ms(jiff::Timestamp::now().as_millisecond()).after_hours(25);
    assert_eq!(store.sweep(later).unwrap().exports, 2);
    assert!(!page.exists() && !summary.exists());
}

#[test]
fn a_person_who_was_stopped_has_their_alert_kept_by_a_code_and_nobody_elses() {
    let place = Place::with_person_a();
    place.with_force();
    place.film(1500);
    let mut running = Running::start(&place);
    running.await_line("ALERT 1 for desk-2: MP-0001");
    let file = place.deployment();
    let file = file.to_str().unwrap();
    let ask = |who: &str, arguments: &[&str]| {
        let mut all = arguments.to_vec();
        all.insert(2, file);
        place.run_as(who, all)
    };
    let done = |who: &str, arguments: &[&str]| {
        let ended = ask(who, arguments);
        assert_eq!(ended.status, Some(0), "{arguments:?}: {}", ended.err);
        ended.out
    };
    let page = place.path("somewhere/alert.html");
    let page = page.to_str().unwrap();
    done("olu", &["alerts", "show", "1", "-o", page]);
    done("olu", &["alerts", "judge", "1", "pass"]);
    done("eve", &["alerts", "show", "1"]);
    let early = ask("eve", &["retention", "receipt", "1"]);
    assert!(early.err.contains("nobody was stopped"), "{}", early.err);
    done("eve", &["alerts", "outcome", "1", "viable"]);
    done("eve", &["alerts", "outcome", "1", "engaged"]);
    let receipt = done("eve", &["retention", "receipt", "1", "--json"]);
    let receipt: Value = serde_json::from_str(&receipt).unwrap();
    let code = receipt["code"].as_str().unwrap();
    let hold = [
        "retention",
        "hold",
        "--receipt",
        code,
        "--reason",
        "complaint 12",
        "--until",
        "2027-03-31",
    ];
    let until = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * 30);
    let until = until.strftime("%Y-%m-%d").to_string();
    let mut hold = hold.to_vec();
    hold[7] = &until;
    let may_not = ask("olu", &hold);
    assert!(may_not.err.contains("olu is no"), "{}", may_not.err);
    let held = done("ada", &hold);
    assert!(held.contains("hold 1 keeps alert 1"), "{held}");
    let mut wrong = hold.clone();
    wrong[3] = "0000-0000-0000-0000";
    assert!(
        ask("ada", &wrong).err.contains("no receipt"),
        "a guessed code"
    );
    let nobody = support::run(["retention", "end-hold", file, "1", "--reason", "x"]);
    assert!(nobody.err.contains("signed in"), "{}", nobody.err);

    // Where no run goes on, the same is done on the records themselves.
    running.kill();
    let shown: Value =
        serde_json::from_str(&done("ada", &["retention", "show", "--json"])).unwrap();
    assert_eq!(shown["holds"][0]["lasts"], true, "{shown}");
    let files = shown["files"].as_array().unwrap();
    assert!(files.iter().any(|row| row["file"] == page), "{shown}");
    let store = store(&place);
    let later = Timestamp::from_unix_ms(jiff::Timestamp::now().as_millisecond()).after_hours(25);
    store.sweep(later).unwrap();
    assert!(store.alert_payload(1).unwrap().is_some(), "it is held");
    assert!(!Path::new(page).exists(), "the page is not");
    drop(store);
    done(
        "ada",
        &["retention", "end-hold", "1", "--reason", "settled"],
    );
    let swept = done("ada", &["retention", "run"]);
    assert!(swept.contains("Nothing was over its time"), "{swept}");
}

#[test]
fn what_the_router_was_asked_about_a_passed_alert_is_readable_in_no_file_and_goes_with_the_alert() {
    let place = Place::with_person_a();
    numbers(&place);
    place.change(
        "[retention]",
        "[judgement]\nadjudicate-seconds = 300\n\n[retention]",
    );
    let encoder = encoder(&place);
    place.film(60);
    let ended = place.run();
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    let page = place.path("page.html");
    done(&place, "olu", "show", &["1", "-o", page.to_str().unwrap()]);
    overt_records::destroy_file(&page).unwrap();
    done(&place, "olu", "judge", &["1", "pass"]);

    let now = Timestamp::from_unix_ms(jiff::Timestamp::now().as_millisecond());
    let later = now.after_hours(25);
    let open = store(&place);
    let mut needles = needles(&open, &encoder);
    let settled = open.settled_action(1, now).unwrap().unwrap();
    let Some(HeldInputs::Held(inputs)) = settled.inputs else {
        panic!("the router was asked");
    };
    // As they lie in memory: with the score, and how long the operator took.
    let passing = Passing::read(&inputs.bytes).unwrap();
    let mut asked = passing.passed.alert.score.to_le_bytes().to_vec();
    asked.extend(passing.passed.judged_after.to_le_bytes());
    assert!(
        inputs.bytes.windows(12).any(|window| window == asked),
        "it is what is sealed"
    );
    needles.push(Needle {
        what: "what the router was asked",
        bytes: asked,
    });
    drop(open);
    assert_eq!(found(&place, &needles), []);
    let old_keys = std::fs::read(place.path("out/records.keys")).unwrap();

    let open = store(&place);
    let report = open.sweep(later).unwrap();
    assert_eq!((report.alerts, report.inputs), (1, 2));
    let settled = open.settled_action(1, later).unwrap().unwrap();
    assert!(matches!(settled.inputs, Some(HeldInputs::Expired { .. })));
    drop(open);
    assert_eq!(found(&place, &needles), []);
    assert_ne!(
        std::fs::read(place.path("out/records.keys")).unwrap(),
        old_keys,
        "the keys are written anew without those that went"
    );
}
