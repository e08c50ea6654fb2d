//! A run shuts itself in, whole, with every thread of it, and does all that it does from inside: plugins are compiled, models loaded, alerts raised and written.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::path::Path;

use overt_tests::rtsp::{RtspServer, playing};
use serde_json::{Value, json};
use support::running::Running;
use support::{Place, overt};

/// Whether this kernel can shut a process in; where it cannot, a test of it has nothing to look at, and says so.
fn can_be_shut_in() -> bool {
    let possible = overt_confinement::possible();
    if !possible.is_whole() {
        eprintln!("skipped: {possible}");
    }
    possible.is_whole()
}

fn summary(place: &Place) -> Value {
    serde_json::from_slice(&std::fs::read(place.path("out/summary.json")).unwrap()).unwrap()
}

fn whole(summary: &Value) {
    let confinement = &summary["confinement"];
    assert_eq!(
        (&confinement["files"], &confinement["network"]),
        (&json!(true), &json!(true)),
        "{confinement}"
    );
    assert!(confinement["landlock_abi"].as_u64().unwrap() >= 4);
    assert_eq!(confinement["reason"], Value::Null);
}

#[test]
fn plugins_are_compiled_and_alerts_raised_from_inside_and_the_cache_is_kept() {
    if !can_be_shut_in() {
        return;
    }
    let place = Place::with_person_a();
    place.film(40);
    place.change("[host]\n", "[host]\nconfine = \"required\"\n");
    // A cache of its own, with nothing in it.
    let ended = place
        .runs()
        .arg(place.deployment())
        .env("XDG_CACHE_HOME", place.path("cache"))
        .output()
        .unwrap();
    let ended = support::Ended::from(ended);
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    assert!(
        ended.err.contains("Shut in: files and ports, by Landlock "),
        "{}",
        ended.err
    );
    let summary = summary(&place);
    whole(&summary);
    assert_eq!(summary["alerts"].as_array().unwrap().len(), 1);
    let kept: Vec<String> = std::fs::read_dir(place.path("cache/overt/compiled"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(
        kept.len() > 7,
        "the key, and a file for each plugin: {kept:?}"
    );
    let tried = kept.iter().filter(|name| name.starts_with("note-")).count();
    assert_eq!(tried, 2, "both models were tried from inside: {kept:?}");
    let page = std::fs::read_to_string(place.path("out/report.html")).unwrap();
    assert!(page.contains("files and ports, by Landlock "));
}

#[test]
fn a_live_camera_is_opened_and_opened_again_from_inside_by_threads_that_are_all_shut_in() {
    if !can_be_shut_in() {
        return;
    }
    let place = Place::with_person_a();
    let video = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../out/demo/walk-past.avi");
    let server = RtspServer::start(&playing(&video));
    let (address, port) = (server.address(), server.port());
    place.change("file = \"video.avi\"", &format!("source = \"{address}\""));
    place.change("[host]\n", "[host]\nconfine = \"required\"\n");
    let mut running = Running::start(&place);
    running.await_line("ALERT 1 for desk-2: MP-0001");
    // The kernel shows no domain; but a thread has this mark from the thread that shut itself in, and then its domain as well.
    let mut threads = 0;
    for task in std::fs::read_dir(format!("/proc/{}/task", running.id())).unwrap() {
        let status = std::fs::read_to_string(task.unwrap().path().join("status")).unwrap();
        assert!(status.contains("NoNewPrivs:\t1\n"), "{status}");
        threads += 1;
    }
    assert!(threads > 5, "{threads}");
    drop(server);
    running.await_line("CAMERA concourse is away");
    let _server = RtspServer::start_with(port, &playing(&video), None);
    running.await_line("CAMERA concourse is back");
    let ended = running.interrupt();
    assert_eq!(ended.status, Some(130), "{}", ended.err);
    whole(&summary(&place));
}

#[test]
fn the_inference_library_reports_to_nobody() {
    let cache = tempfile::tempdir().unwrap();
    // A command that is not shut in, so that nothing but the library's own setting keeps it from it.
    let ended = overt()
        .arg("doctor")
        .env("XDG_CACHE_HOME", cache.path())
        .env("HOME", cache.path())
        .output()
        .unwrap();
    let ended = support::Ended::from(ended);
    assert!(ended.out.contains("onnxruntime"), "{}", ended.out);
    // The identifier that it reports under.
    let left: Vec<_> = std::fs::read_dir(cache.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn openvino_finds_its_parts_from_inside() {
    if !can_be_shut_in() {
        return;
    }
    let place = Place::new();
    place.film(20);
    place.change(
        "[host]\n",
        "[host]\nbackend = \"openvino\"\nconfine = \"required\"\n",
    );
    place.enrol_person_a();
    // A cache of its own, so that the models are tried from inside as well.
    let ended = place
        .runs()
        .arg(place.deployment())
        .env("XDG_CACHE_HOME", place.path("cache"))
        .output()
        .unwrap();
    let ended = support::Ended::from(ended);
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    let summary = summary(&place);
    whole(&summary);
    assert!(summary["backend"].as_str().unwrap().starts_with("openvino"));
    assert_eq!(summary["frames"]["processed"], 20);
}
