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
    for what in ["files", "network", "calls"] {
        assert_eq!(confinement[what], json!(true), "{confinement}");
    }
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
        assert!(is_closed(&status), "{status}");
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

/// Runs a command to its end, and says whether it had shut itself in meanwhile: whether its files and ports were closed, and its sockets with them.
fn is_shut_in_by_and_by(mut command: std::process::Command) -> (support::Ended, bool) {
    let mut child = command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut shut_in = false;
    while child.try_wait().unwrap().is_none() {
        shut_in |= has_closed(child.id());
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    (child.wait_with_output().unwrap().into(), shut_in)
}

/// Whether a process that goes on has shut itself in.
fn has_closed(process: u32) -> bool {
    is_closed(&std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default())
}

/// Whether the kernel says so of a process or thread: files and ports were given up, and calls by one filter when it shut itself in and by one when its sockets were open.
fn is_closed(status: &str) -> bool {
    status.contains("NoNewPrivs:\t1\n") && status.contains("Seccomp_filters:\t2\n")
}

#[test]
fn whatever_else_opens_photographs_models_or_plugins_is_shut_in_too() {
    if !can_be_shut_in() {
        return;
    }
    let place = Place::new();
    place.film(20);
    place.change("[host]\n", "[host]\nconfine = \"required\"\n");
    let list = place.list(&[("MP-0001", "missing-person", &support::photograph("a-1.jpg"))]);
    let mut enrol = place.overt_as("anna");
    enrol
        .args(["watchlist", "enrol"])
        .arg(place.deployment())
        .arg(list);
    let (ended, shut_in) = is_shut_in_by_and_by(enrol);
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    assert!(shut_in, "enrol: {}", ended.err);
    assert_eq!(place.run().status, Some(0));

    let mut replay = overt();
    replay.args(["audit", "replay"]).arg(place.deployment());
    let (ended, shut_in) = is_shut_in_by_and_by(replay);
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    assert!(shut_in, "replay: {}", ended.err);

    for (number, file) in [("0001", "a-1.jpg"), ("0002", "a-2.jpg")] {
        let folder = place.path("images/A");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::copy(
            support::photograph(file),
            folder.join(format!("A_{number}.jpg")),
        )
        .unwrap();
    }
    std::fs::create_dir_all(place.path("images/B")).unwrap();
    std::fs::copy(
        support::photograph("b.jpg"),
        place.path("images/B/B_0001.jpg"),
    )
    .unwrap();
    std::fs::write(place.path("pairs.txt"), "1\nA 1 2\nA 1 B 1\n").unwrap();
    let mut evaluate = overt();
    evaluate
        .args(["evaluate", "verification", "--deployment"])
        .arg(place.deployment())
        .arg("--pairs")
        .arg(place.path("pairs.txt"))
        .arg("--images")
        .arg(place.path("images"))
        .arg("--json")
        .arg(place.path("result/figures.json"));
    let (ended, shut_in) = is_shut_in_by_and_by(evaluate);
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    assert!(shut_in, "evaluate: {}", ended.err);

    let mut test = overt();
    test.args(["plugin", "test", "--models"])
        .arg(support::set_up("models"))
        .arg(support::set_up("plugins/encoder-mobilefacenet.wasm"));
    let (ended, shut_in) = is_shut_in_by_and_by(test);
    assert_eq!(ended.status, Some(0), "{}{}", ended.out, ended.err);
    assert!(shut_in, "test: {}", ended.err);
}

/// The compiler's own process, whoever has started it: what a component makes of a compiler reaches nothing.
#[test]
fn the_process_that_compiles_a_plugin_is_shut_in_before_it_reads_a_byte_of_it() {
    if !can_be_shut_in() {
        return;
    }
    let mut compiler = overt()
        .args(["compile", "perception"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    // It waits for its component, which does not come.
    while !has_closed(compiler.id()) {
        assert!(compiler.try_wait().unwrap().is_none(), "it has ended, open");
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    compiler.kill().unwrap();
    compiler.wait().unwrap();
}
