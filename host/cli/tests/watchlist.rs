//! Enrolment through the real plugins: what goes on the watchlist, and why the rest does not.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::path::Path;

use serde_json::Value;
use support::{Ended, Place, photograph, side_by_side};

/// By the system engineer.
fn watchlist(command: &str, place: &Place, rest: &[&Path]) -> Ended {
    by("anna", command, place, rest)
}

fn by(id: &str, command: &str, place: &Place, rest: &[&Path]) -> Ended {
    let deployment = place.deployment();
    let start = [Path::new("watchlist"), Path::new(command), &deployment];
    place.run_as(id, start.into_iter().chain(rest.iter().copied()))
}

fn with_people() -> Place {
    let place = Place::new();
    place.with_force();
    place
}

fn rows(ended: &Ended) -> Vec<Value> {
    serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("{}{}", ended.out, ended.err))
}

#[test]
fn a_face_that_is_too_poor_is_refused_with_what_is_poor_about_it() {
    let place = with_people();
    let sharp = overt_vision::read_still(&photograph("a-1.jpg")).unwrap();
    let (width, height) = (sharp.width() as usize, sharp.height() as usize);
    // Squares of 12 pixels in one colour each: large enough to be found as a face, too coarse to know whose it is.
    let coarse: Vec<u8> = (0..height)
        .flat_map(|y| (0..width).map(move |x| (x / 12 * 12, y / 12 * 12)))
        .flat_map(|(x, y)| sharp.bgr()[3 * (y * width + x)..][..3].to_vec())
        .map(|value| value / 5)
        .collect();
    let file = place.path("poor.jpg");
    let jpeg = overt_vision::encode_jpeg(&coarse, width as u32, height as u32, 90).unwrap();
    std::fs::write(&file, jpeg).unwrap();
    let list = place.list(&[("poor", "missing-person", &file)]);
    let ended = watchlist("enrol", &place, &[&list]);
    assert_eq!(ended.status, Some(1), "{}", ended.err);
    for told in [
        "at least 60 is asked for",
        "too dark or too bright (LuminanceMean",
        "better photograph",
    ] {
        assert!(ended.out.contains(told), "{told}: {}", ended.out);
    }
}

#[test]
fn every_photograph_that_is_refused_says_why_and_the_others_are_enrolled() {
    let place = with_people();
    let (good, other) = (photograph("a-1.jpg"), photograph("b.jpg"));
    let files = [
        "two.jpg",
        "small.jpg",
        "cut.jpg",
        "text.jpg",
        "empty.jpg",
        "nowhere.jpg",
    ]
    .map(|name| place.path(name));
    let [two, small, cut, text, empty, nowhere] = files.each_ref().map(|file| file.as_path());
    side_by_side(two, &[&good, &other], 480);
    side_by_side(small, &[&good], 150);
    let bytes = std::fs::read(&good).unwrap();
    std::fs::write(cut, &bytes[..bytes.len() / 2]).unwrap();
    std::fs::write(text, "no photograph").unwrap();
    let grey = vec![128; 3 * 400 * 400];
    std::fs::write(
        empty,
        overt_vision::encode_jpeg(&grey, 400, 400, 90).unwrap(),
    )
    .unwrap();
    let list = place.list(&[
        ("good", "missing-person", &good),
        ("two", "missing-person", two),
        ("small", "missing-person", small),
        ("cut", "missing-person", cut),
        ("text", "missing-person", text),
        ("empty", "missing-person", empty),
        ("nowhere", "missing-person", nowhere),
        ("category", "of-interest", &good),
    ]);
    let ended = watchlist("enrol", &place, &[&list, Path::new("--json")]);
    assert_eq!(ended.status, Some(1), "{}", ended.err);
    let rows: Vec<Value> = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(rows.len(), 8);
    let refused = |reference: &str| {
        let row = rows
            .iter()
            .find(|row| row["reference"] == reference)
            .unwrap();
        row["refused"].as_str().unwrap_or("not refused").to_owned()
    };
    assert_eq!(refused("good"), "not refused");
    for (reference, reason) in [
        ("two", "2 faces"),
        ("small", "pixels wide"),
        ("cut", "no readable photograph"),
        ("text", "no readable photograph"),
        ("empty", "no face"),
        ("nowhere", "cannot be read"),
        ("category", "category \"of-interest\" is not listed"),
    ] {
        assert!(
            refused(reference).contains(reason),
            "{reference}: {}",
            refused(reference)
        );
    }

    let listed = watchlist("list", &place, &[Path::new("--json")]);
    let listed: Vec<Value> = serde_json::from_str(&listed.out).unwrap();
    assert_eq!(
        listed
            .iter()
            .map(|entry| entry["reference"].as_str().unwrap())
            .collect::<Vec<_>>(),
        ["good"]
    );
}

#[test]
fn an_entry_that_is_removed_is_gone_and_one_that_was_never_there_is_told() {
    let place = Place::with_person_a();
    let reason = [Path::new("--reason"), Path::new("found safe")];
    let both = [Path::new("MP-0001"), Path::new("MP-0002")];
    let ended = watchlist("remove", &place, &[both, reason].concat());
    assert_eq!(ended.status, Some(1));
    assert!(
        ended.out.contains("MP-0001: removed, with 1 image"),
        "{}",
        ended.out
    );
    assert!(
        ended.err.contains("MP-0002: not on the watchlist"),
        "{}",
        ended.err
    );
    let listed = watchlist("list", &place, &[]);
    assert!(
        listed.out.ends_with("0 entries, 0 images\n"),
        "{}",
        listed.out
    );
    let again = [&both[..1], &reason].concat();
    assert_eq!(watchlist("remove", &place, &again).status, Some(1));
    // An operator may not.
    let refused = by("olu", "remove", &place, &again);
    assert!(refused.err.contains("olu is no"), "{}", refused.err);
}

#[test]
fn a_photograph_that_is_enrolled_again_is_left_as_it_is() {
    let place = Place::with_person_a();
    let ended = watchlist("enrol", &place, &[&place.path("list.csv")]);
    assert_eq!(ended.status, Some(0));
    assert!(ended.out.starts_with("there     MP-0001"), "{}", ended.out);
    assert!(
        watchlist("list", &place, &[])
            .out
            .ends_with("1 entry, 1 image\n")
    );
}

#[test]
fn nobody_enrols_but_a_system_engineer_who_is_signed_in() {
    let place = with_people();
    let list = place.list(&[("MP-0001", "missing-person", &photograph("a-1.jpg"))]);
    for (id, told) in [
        ("boss", "boss is no system-engineer"),
        ("ada", "ada is no system-engineer"),
        ("nobody", "nobody is signed in"),
    ] {
        let ended = by(id, "enrol", &place, &[&list]);
        assert_eq!(ended.status, Some(1));
        assert!(ended.err.contains(told), "{told}: {}", ended.err);
    }
    assert!(!place.path("out/records.redb").exists());
}

#[test]
fn what_is_said_of_an_entry_is_on_record_and_what_is_not_enough_is_told_with_its_line() {
    let place = with_people();
    let list = place.path("people.csv");
    let (a, b) = (photograph("a-1.jpg"), photograph("b.jpg"));
    let text = format!(
        "reference,file,category,wanted,reasons,born,under-18-reason,under-18-approval,source,taken\n\
         MP-1,{a},missing-person,no,missing; at risk,2012-02-29,a child alone,ACC 7/26,partner,2026-01-31\n\
         MP-2,{b},missing-person,,,,,,,\n\
         MP-3,{b},missing-person,yes,,2012-03-01,,,,\n",
        a = a.display(),
        b = b.display()
    );
    std::fs::write(&list, text).unwrap();
    let ended = watchlist("enrol", &place, &[&list]);
    assert_eq!(ended.status, Some(1), "{}", ended.err);
    for told in [
        "people.csv:3: it does not say whether the person is wanted",
        "people.csv:4: the person is under 18, and there is no reason",
        "give `under-18-reason` and `under-18-approval`",
    ] {
        assert!(ended.err.contains(told), "{told}: {}", ended.err);
    }
    assert!(ended.out.contains("1 of 1 photographs"), "{}", ended.out);
    let listed = rows(&watchlist("list", &place, &[Path::new("--json")]));
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["wanted"], false);
    assert_eq!(listed[0]["under_18"], true);
    assert_eq!(listed[0]["added_by"], "A. N. Engineer (anna)");
    assert_eq!(listed[0]["sources"], serde_json::json!(["partner"]));

    // On other grounds it is not the same entry.
    let other = format!(
        "reference,file,category,reasons\nMP-1,{},missing-person,found\n",
        a.display()
    );
    std::fs::write(&list, other).unwrap();
    let ended = watchlist("enrol", &place, &[&list]);
    assert_eq!(ended.status, Some(1));
    assert!(ended.out.contains("on other grounds"), "{}", ended.out);

    // Nothing of the person stands plain in any file.
    for file in std::fs::read_dir(place.path("out")).unwrap() {
        let file = file.unwrap().path();
        if file.is_dir() {
            continue;
        }
        let bytes = std::fs::read(&file).unwrap();
        for needle in ["2012-02-29", "at risk", "a child alone", "ACC 7/26", "JFIF"] {
            let held = bytes
                .windows(needle.len())
                .any(|part| part == needle.as_bytes());
            assert!(!held, "{}: {needle}", file.display());
        }
    }
}

#[test]
fn an_approval_is_an_officers_and_holds_for_the_list_as_it_stood() {
    let place = Place::with_person_a();
    let approve = |id: &str| by(id, "approve", &place, &[Path::new("--json")]);
    let refused = approve("anna");
    assert!(
        refused.err.contains("anna is no authorising-officer"),
        "{}",
        refused.err
    );
    let approved = approve("boss");
    assert_eq!(approved.status, Some(0), "{}", approved.err);
    let approved: Value = serde_json::from_str(&approved.out).unwrap();
    assert_eq!(approved["by"], "A. N. Officer (boss)");
    assert_eq!(approved["counts"]["people"], 1);
    assert_eq!(approved["counts"]["not_wanted"], 1);
    let standing = || {
        let deployment = overt_deployment::Deployment::read(&place.deployment()).unwrap();
        let (_, store) = support::machine_and_store(&deployment);
        store.watchlist().standing().unwrap()
    };
    assert!(standing().is_approved());
    // Enrolling what is there changes nothing; another photograph does.
    place.enrol_person_a();
    assert!(standing().is_approved());
    let more = place.enrol(&[("MP-0001", "missing-person", &photograph("a-2.jpg"))]);
    assert_eq!(more.status, Some(0), "{}", more.out);
    assert!(!standing().is_approved());
    // Another list than the reviewed one is refused.
    let digest = approved["digest"].as_str().unwrap();
    let other = by(
        "boss",
        "approve",
        &place,
        &[Path::new("--reviewed"), Path::new(digest)],
    );
    assert_eq!(other.status, Some(1));
    assert!(
        other.err.contains("not the one that was reviewed"),
        "{}",
        other.err
    );
    assert_eq!(approve("boss").status, Some(0));
    assert!(standing().is_approved());
}

#[test]
fn an_enrolment_that_was_killed_goes_on_where_it_was() {
    let place = with_people();
    // The same face under other names, in files of their own.
    let photograph = std::fs::read(photograph("a-1.jpg")).unwrap();
    std::fs::create_dir(place.path("photographs")).unwrap();
    for index in 0..200_u32 {
        let mut bytes = photograph.clone();
        // Behind the end of a JPEG nobody looks.
        bytes.extend(index.to_le_bytes());
        std::fs::write(place.path(&format!("photographs/W-{index:03}.jpg")), bytes).unwrap();
    }
    place.change("watchlist-size = 100", "watchlist-size = 1000");
    let deployment = place.deployment();
    let folder = place.path("photographs");
    let arguments: Vec<&Path> = [
        Path::new("watchlist"),
        Path::new("enrol"),
        &deployment,
        &folder,
    ]
    .into_iter()
    .chain(
        [
            "--category",
            "missing-person",
            "--because",
            "missing",
            "--json",
        ]
        .map(Path::new),
    )
    .collect();
    let mut child = place
        .overt_as("anna")
        .args(&arguments)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    // Once the second group's keys are on disk: they are written before what they are the keys of, so that then the first group is there whole.
    let records = place.path("out/records.keys");
    let begun = std::time::Instant::now();
    let size = || std::fs::metadata(&records).map_or(0, |found| found.len());
    let (mut largest, mut grown) = (size(), 0);
    while grown < 2 {
        let now = size();
        // The file is there before anything is enrolled, with its head alone.
        if now >= largest + 64 * 64 {
            (largest, grown) = (now, grown + 1);
        }
        assert!(begun.elapsed().as_secs() < 180, "nothing was enrolled");
        assert!(child.try_wait().unwrap().is_none(), "it ended too soon");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let ended = place.run_as("anna", &arguments);
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    let rows = rows(&ended);
    let count = |what: &str| rows.iter().filter(|row| row["enrolled"] == what).count();
    let (there, added) = (count("there"), count("added"));
    assert_eq!(there + added, 200, "{}", ended.err);
    assert!(
        there >= 64 && there.is_multiple_of(64) || there == 200,
        "{there}"
    );
    let listed = watchlist("list", &place, &[]);
    assert!(listed.out.ends_with("200 entries, 200 images\n"));
}

#[test]
fn enrolment_is_told_photograph_by_photograph_as_csv_as_well() {
    let place = with_people();
    let list = place.list(&[
        ("MP-0001", "missing-person", &photograph("a-1.jpg")),
        ("MP-0002", "missing-person", Path::new("nowhere.jpg")),
    ]);
    let ended = watchlist("enrol", &place, &[&list, Path::new("--csv")]);
    assert_eq!(ended.status, Some(1));
    let mut reader = csv::Reader::from_reader(ended.out.as_bytes());
    assert_eq!(
        reader.headers().unwrap(),
        vec![
            "file",
            "reference",
            "category",
            "enrolled",
            "refused",
            "quality"
        ]
    );
    let lines: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(&lines[0][3], "added");
    assert!(lines[1][4].contains("cannot be read"), "{lines:?}");
}
