//! A thousand strangers walk past somebody who is sought elsewhere, and afterwards nothing in the store or in any file is keyed to any of them.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::collections::BTreeMap;
use std::path::Path;

use overt_records::{HeldInputs, Retention, Store, StoreSettings, Timestamp};
use overt_vision::read_still;
use redb::{ReadableDatabase, ReadableTableMetadata, TableHandle};
use serde_json::Value;
use support::{Place, crowd, grey, photograph};

/// How the strangers stand on a frame.
const COLUMNS: usize = 8;
const ROWS: usize = 6;

/// Frames a second: few, so that those who are gone have left after three of them.
const FPS: f64 = 2.5;

/// Frames in which they stand there, of which the last shows somebody for the third time; and in which nobody does.
const SEEN: usize = 3;
const GONE: usize = 4;

/// A deployment with person A on its watchlist, after a run over so many groups of strangers. The face of person B at another place at the same time
/// is another passer-by: the host knows nobody again.
fn after(groups: usize, more: impl Fn(&Place)) -> (Place, Value) {
    let place = Place::with_person_a();
    more(&place);
    let face = read_still(&photograph("b.jpg")).unwrap();
    place.film_at(
        FPS,
        groups.max(1) * (SEEN + GONE),
        |width, height, index| match index % (SEEN + GONE) < SEEN && groups > 0 {
            true => crowd(&face, width, height, COLUMNS, ROWS),
            false => grey(width, height),
        },
    );
    let ended = place.run();
    assert_eq!(ended.status, Some(0), "{}{}", ended.out, ended.err);
    let summary = std::fs::read(place.path("out/summary.json")).unwrap();
    (place, serde_json::from_slice(&summary).unwrap())
}

/// The rows of every table of a store, whatever tables there are.
fn rows(place: &Place) -> BTreeMap<String, u64> {
    let database = redb::Database::open(place.path("out/records.redb")).unwrap();
    let reading = database.begin_read().unwrap();
    assert_eq!(reading.list_multimap_tables().unwrap().count(), 0);
    let tables = reading.list_tables().unwrap();
    tables
        .map(|table| {
            let name = table.name().to_owned();
            let rows = reading.open_untyped_table(table).unwrap().len().unwrap();
            (name, rows)
        })
        .collect()
}

/// Every file that a run leaves, by name.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => {
                found.insert(name, std::fs::read(path).unwrap());
            }
        }
    }
    found
}

fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

/// What no observation is without, as it is written down: the names under which a face's quality is measured, and the encoder under which its scores
/// stand, behind the numbers of results and of letters.
fn needles() -> Vec<Vec<u8>> {
    let encoder = "encoder-mobilefacenet";
    let results = [&[1, encoder.len() as u8], encoder.as_bytes()].concat();
    vec![results, b"UnifiedQualityScore".to_vec()]
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

#[test]
fn after_a_thousand_strangers_no_stored_record_is_keyed_to_any_of_them() {
    let (nobody, nothing) = after(0, |_| {});
    assert_eq!(nothing["tracks"], 0);
    let groups = 1_000_usize.div_ceil(COLUMNS * ROWS) + 1;
    let (place, summary) = after(groups, |_| {});
    let tracks = summary["tracks"].as_u64().unwrap();
    assert!(tracks >= 1_000, "{tracks} tracks");
    assert_eq!(summary["alerts"], Value::Array(Vec::new()));

    // As many rows in every table as after a run past which nobody walked: the watchlist's and the run's.
    let (with, without) = (rows(&place), rows(&nobody));
    assert_eq!(with, without);
    let empty = ["alerts", "sealed-alerts", "sealed-inputs"];
    assert!(empty.iter().all(|table| with[*table] == 0), "{with:?}");
    // And as many files; the keys as well, a key for every sealed record.
    let (with, without) = (files(nobody.folder.path()), files(place.folder.path()));
    assert!(with.keys().eq(without.keys()), "{:?}", without.keys());
    assert_eq!(with["records.keys"].len(), without["records.keys"].len());

    // Nor does any of them hold what an observation is made of.
    for (name, bytes) in without {
        for needle in needles() {
            let words = String::from_utf8_lossy(&needle).into_owned();
            assert!(!holds(&bytes, &needle), "{name}: {words:?}");
        }
    }
    // Each of them was compared with the watchlist.
    let probes = store(&place).runs().unwrap()[0].counts.probes;
    assert!(probes >= tracks, "{probes} probes of {tracks} tracks");
}

#[test]
fn among_strangers_one_who_is_sought_leaves_their_own_rows_and_no_other() {
    let (nobody, _) = after(0, |_| {});
    // Person B is sought as well: of a group all are that person.
    let (place, summary) = after(1, |place| {
        let enrolled = place.enrol(&[("MP-0002", "missing-person", &photograph("b.jpg"))]);
        assert_eq!(enrolled.status, Some(0), "{}", enrolled.err);
        // One look is enough: each is seen for a moment.
        place.change(
            "agree = { probes = 2, of = 5 }",
            "agree = { probes = 1, of = 5 }",
        );
        place.change("least-face-width = 40", "least-face-width = 10");
        place.change("least-quality = 50", "least-quality = 0");
        place.change(
            "silence-seconds = { default = 3 }",
            "silence-seconds = { default = 0 }",
        );
    });
    let alerts = summary["alerts"].as_array().unwrap().len() as u64;
    assert!(alerts > 0, "{summary}");
    let (with, without) = (rows(&place), rows(&nobody));
    // The needles of the test above are what an alert's inputs are made of, and even those are sealed.
    let now = Timestamp::from_unix_ms(jiff::Timestamp::now().as_millisecond());
    let HeldInputs::Held(inputs) = store(&place).alert_inputs(1, now).unwrap() else {
        panic!("its time is not over");
    };
    assert!(needles().iter().all(|needle| holds(&inputs.bytes, needle)));
    let left = files(place.folder.path());
    for (name, bytes) in &left {
        assert!(
            needles().iter().all(|needle| !holds(bytes, needle)),
            "{name}"
        );
    }
    for (table, more) in [
        ("alerts", alerts),
        ("sealed-alerts", alerts),
        ("sealed-inputs", alerts),
        // Two of each alert; the image and the grounds of person B.
        ("held", 2 * alerts + 2),
        ("runs", 0),
    ] {
        assert_eq!(with[table], without[table] + more, "{table}");
    }
}
