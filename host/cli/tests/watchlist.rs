//! Enrolment through the real plugins: what goes on the watchlist, and why the rest does not.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::path::Path;

use serde_json::Value;
use support::{Place, photograph, run, side_by_side};

fn watchlist(command: &str, place: &Place, rest: &[&Path]) -> support::Ended {
    let deployment = place.deployment();
    let start = [Path::new("watchlist"), Path::new(command), &deployment];
    run(start.into_iter().chain(rest.iter().copied()))
}

#[test]
fn a_face_that_is_too_poor_is_refused_with_what_is_poor_about_it() {
    let place = Place::new();
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
    let place = Place::new();
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
    let ended = watchlist(
        "remove",
        &place,
        &[Path::new("MP-0001"), Path::new("MP-0002")],
    );
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
    assert_eq!(
        watchlist("remove", &place, &[Path::new("MP-0001")]).status,
        Some(1)
    );
}

#[test]
fn a_photograph_that_is_enrolled_again_replaces_itself() {
    let place = Place::with_person_a();
    let ended = watchlist("enrol", &place, &[&place.path("list.csv")]);
    assert_eq!(ended.status, Some(0));
    assert!(ended.out.starts_with("replaced  MP-0001"), "{}", ended.out);
    assert!(
        watchlist("list", &place, &[])
            .out
            .ends_with("1 entry, 1 image\n")
    );
}
