//! Runs on a short film, through the real plugins and models.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use support::{Place, run};

fn summary(place: &Place) -> Value {
    serde_json::from_slice(&std::fs::read(place.path("out/summary.json")).unwrap()).unwrap()
}

#[test]
fn a_run_raises_one_alert_for_the_person_sought_and_leaves_its_files_to_its_owner_alone() {
    let place = Place::with_person_a();
    place.film(40);
    let ended = place.run();
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    assert!(
        ended.err.contains("ALERT 1 for desk-2: MP-0001"),
        "{}",
        ended.err
    );
    assert!(
        ended.out.contains("frames read           40\n"),
        "{}",
        ended.out
    );
    let summary = summary(&place);
    assert_eq!(summary["frames"]["processed"], 40);
    assert_eq!(summary["alerts"].as_array().unwrap().len(), 1);
    assert_eq!(summary["interrupted"], false);
    let page = std::fs::read_to_string(place.path("out/report.html")).unwrap();
    assert!(page.contains("One alert was raised") && page.contains("data:image/jpeg;base64,"));
    for name in ["summary.json", "report.html"] {
        let path = place.path("out").join(name);
        assert!(ended.out.contains(path.to_str().unwrap()), "{}", ended.out);
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600,
            "{name}"
        );
    }
}

#[test]
fn a_run_whose_standard_error_cannot_be_written_goes_on_to_its_end() {
    let place = Place::with_person_a();
    place.film(40);
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let ended = place
        .runs()
        .arg(place.deployment())
        .env("OVERT_LOG", "trace")
        .stdout(Stdio::null())
        .stderr(full)
        .status()
        .unwrap();
    assert_eq!(ended.code(), Some(0));
    let summary = summary(&place);
    assert_eq!(summary["frames"]["processed"], 40);
    assert_eq!(summary["alerts"].as_array().unwrap().len(), 1);
}

#[test]
fn a_policy_that_alerts_at_every_look_raises_one_alert_a_track_and_the_others_are_its_errors() {
    let place = Place::with_person_a();
    place.film(40);
    place.hostile(
        "matcher-policy",
        "grants = [\"log\"]",
        "alert-at-every-look",
    );
    let ended = place.run();
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    let summary = summary(&place);
    assert_eq!(summary["tracks"], 1);
    assert_eq!(summary["alerts"].as_array().unwrap().len(), 1, "{summary}");
    let errors = &summary["plugin_errors"][0];
    assert_eq!(errors["role"], "matcher-policy");
    assert_eq!(
        errors["cause"],
        "gave an answer that cannot be: it proposed a second alert for the same entry on the same track"
    );
    assert!(errors["count"].as_u64().unwrap() > 1, "{errors}");
}

#[test]
fn ctrl_c_ends_a_run_in_good_order_and_the_summary_says_so() {
    let place = Place::with_person_a();
    place.film(1_000);
    let mut child = place
        .runs()
        .arg(place.deployment())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("Started") {
        line.clear();
        assert!(
            lines.read_line(&mut line).unwrap() > 0,
            "it ended before it began"
        );
    }
    let process = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(process, rustix::process::Signal::INT).unwrap();
    let mut rest = String::new();
    lines.read_to_string(&mut rest).unwrap();
    let ended = support::Ended::from(child.wait_with_output().unwrap());
    assert_eq!(ended.status, Some(130), "{rest}");
    assert!(rest.contains("Interrupted"), "{rest}");
    assert!(ended.out.contains("interrupted "), "{}", ended.out);
    let summary = summary(&place);
    assert_eq!(summary["interrupted"], true);
    let frames = |key: &str| summary["frames"][key].as_u64().unwrap();
    assert!(frames("read") < 1_000);
    assert_eq!(
        frames("read"),
        frames("processed") + frames("dropped") + frames("unseen")
    );
    let page = std::fs::read_to_string(place.path("out/report.html")).unwrap();
    assert!(page.contains("This run was interrupted."));
}

#[test]
fn a_video_that_was_cut_short_is_processed_as_far_as_it_goes_and_told() {
    let place = Place::with_person_a();
    place.film(40);
    let video = place.path("video.avi");
    let bytes = std::fs::read(&video).unwrap();
    std::fs::write(&video, &bytes[..bytes.len() / 2]).unwrap();
    let ended = place.run();
    assert_eq!(ended.status, Some(1), "{}", ended.err);
    assert!(ended.err.contains("camera concourse"), "{}", ended.err);
    let read = summary(&place)["frames"]["read"].as_u64().unwrap();
    assert!((1..40).contains(&read), "{read}");
}

#[test]
fn a_video_that_is_none_is_told_with_its_camera() {
    let place = Place::with_person_a();
    std::fs::write(place.path("video.avi"), "no video").unwrap();
    let ended = place.run();
    assert_eq!(ended.status, Some(1));
    assert!(
        ended.err.contains("camera concourse") && ended.err.contains("video.avi"),
        "{}",
        ended.err
    );
}

#[test]
fn a_run_with_an_empty_watchlist_is_refused_and_told_how_to_fill_it() {
    let place = Place::with_person_a();
    place.film(2);
    let deployment = place.deployment();
    let removed = place.run_as(
        "anna",
        [
            "watchlist",
            "remove",
            deployment.to_str().unwrap(),
            "MP-0001",
            "--reason",
            "found safe",
        ],
    );
    assert_eq!(removed.status, Some(0), "{}", removed.err);
    let ended = place.run();
    assert_eq!(ended.status, Some(1));
    assert!(
        ended.err.contains("is empty") && ended.err.contains("overt watchlist enrol"),
        "{}",
        ended.err
    );
}

#[test]
fn a_run_outside_the_time_of_its_deployment_is_refused() {
    let place = Place::with_person_a();
    place.film(2);
    let deployment = place.deployment();
    let text = std::fs::read_to_string(&deployment).unwrap();
    std::fs::write(
        &deployment,
        text.replace("end = 2036-01-01T00:00:00Z", "end = 2026-01-02T00:00:00Z"),
    )
    .unwrap();
    let rehearse = ["run", "--rehearsal", "--unlocked"].map(Path::new);
    let ended = run(rehearse.into_iter().chain([deployment.as_path()]));
    assert_eq!(ended.status, Some(1));
    assert!(ended.err.contains("2026-01-02"), "{}", ended.err);
}

#[test]
fn a_rehearsal_counts_what_it_would_have_raised_and_shows_and_keeps_nobody() {
    let place = Place::with_person_a();
    place.film(40);
    let rehearsed = run([
        Path::new("run"),
        Path::new("--rehearsal"),
        Path::new("--unlocked"),
        &place.deployment(),
    ]);
    assert_eq!(rehearsed.status, Some(0), "{}", rehearsed.err);
    assert!(rehearsed.err.contains("REHEARSAL"), "{}", rehearsed.err);
    assert!(!rehearsed.err.contains("ALERT"), "{}", rehearsed.err);
    let told = "it raised no alert and told nobody; live, it would have raised 1";
    assert!(rehearsed.out.contains(told), "{}", rehearsed.out);
    let summary = summary(&place);
    assert_eq!(summary["mode"], "rehearsal");
    assert_eq!(
        (&summary["withheld"], &summary["alerts"]),
        (&1.into(), &serde_json::json!([]))
    );
    let page = std::fs::read_to_string(place.path("out/report.html")).unwrap();
    assert!(page.contains("This run was a rehearsal."));
    // Neither the passer-by's face nor who it would have been.
    assert!(!page.contains("data:image/jpeg") && !page.contains("MP-0001"));
}
