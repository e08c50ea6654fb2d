//! The figures of a run while it goes on: they add up to what the run leaves, tell nothing of anybody, and whoever asks badly holds nothing up.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use overt_deployment::Deployment;
use overt_pipeline::control;
use overt_tests::rtsp::{RtspServer, TEST_PICTURE};
use serde_json::Value;
use support::openmetrics::{Samples, ask, scrape};
use support::running::Running;
use support::{Place, machine_and_store, set_up};

/// Lets the place's deployment serve its metrics, at a port that is free now.
fn served(place: &Place) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    place.change(
        "[host]\n",
        &format!("[host]\nmetrics = \"127.0.0.1:{port}\"\n"),
    );
    port
}

fn summary(place: &Place) -> Value {
    serde_json::from_slice(&std::fs::read(place.path("out/summary.json")).unwrap()).unwrap()
}

/// The figures of all cameras.
fn frames(samples: &Samples) -> [f64; 4] {
    ["read", "processed", "dropped", "unseen"]
        .map(|what| samples.sum(&format!("overt_camera_frames_{what}_total"), &[]))
}

#[test]
fn figures_can_be_read_while_a_run_goes_on_and_name_nobody() {
    let place = Place::with_person_a();
    place.film(300);
    let port = served(&place);
    let mut running = Running::start(&place);
    let told = running.await_line("Metrics at");
    assert!(
        told.contains(&format!("http://127.0.0.1:{port}/metrics")),
        "{told}"
    );
    let (mut last, mut asked, mut seen) = (None::<Samples>, 0, 0.0f64);
    while let Some(samples) = scrape(port) {
        if let Some(last) = &last {
            samples.follows(last);
        }
        let [read, processed, dropped, unseen] = frames(&samples);
        // What is under way has been read and is not through.
        assert!(processed + dropped + unseen <= read, "{samples:?}");
        let labels = [
            "camera", "cause", "le", "plugin", "post", "role", "stage", "version",
        ];
        assert!(samples.labels().is_subset(&BTreeSet::from(labels)));
        let words = samples.words();
        let about = |word: &&&str| {
            [
                "MP-0001",
                "missing",
                "wanted",
                "score",
                "reference",
                "category",
            ]
            .iter()
            .any(|person| word.contains(person))
        };
        assert_eq!(words.iter().find(about), None);
        seen = seen.max(processed);
        asked += 1;
        last = Some(samples);
    }
    let ended = running.ended();
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    assert!(asked > 1 && seen > 0.0, "{asked} {seen}");
    let (summary, last) = (summary(&place), last.unwrap());
    assert_eq!(summary["frames"]["processed"], 300);
    assert!(frames(&last)[1] <= 300.0);
    assert!(last.sum("overt_process_resident_memory_bytes", &[]) > 1e6);
    assert!(last.sum("overt_plugin_memory_peak_bytes", &[("role", "detector")]) > 65_535.0);
    assert!(last.sum("overt_plugin_fuel_peak", &[("role", "matcher-policy")]) > 0.0);
    assert_eq!(
        last.sum("overt_plugin_fuel_peak", &[("role", "detector")]),
        0.0
    );
}

#[test]
fn the_figures_at_the_end_are_those_of_the_summary() {
    let place = Place::with_person_a();
    place.film(60);
    // Fails from its second frame on, until it is put in quarantine.
    place.hostile_detector("", "box-of-nan");
    let deployment = Deployment::read(&place.deployment()).unwrap();
    let (machine, store) = machine_and_store(&deployment);
    let go_on = AtomicBool::new(false);
    let summary = overt_pipeline::run(
        &machine,
        &deployment,
        overt_pipeline::Terms::UNLOCKED,
        &store,
        &go_on,
        control::nobody(),
        &|_| {},
    )
    .unwrap()
    .summary;
    let samples = Samples::parse(&machine.metrics().render().unwrap());
    let [read, processed, dropped, unseen] = frames(&samples);
    assert_eq!(
        (read, processed, dropped, unseen),
        (
            summary.frames.read as f64,
            summary.frames.processed as f64,
            summary.frames.dropped as f64,
            summary.frames.unseen as f64
        )
    );
    assert!(unseen >= 10.0 && read == processed + dropped + unseen);
    assert_eq!(samples.sum("overt_faces_total", &[]), summary.faces as f64);
    assert_eq!(
        samples.sum("overt_tracks_total", &[]),
        summary.tracks as f64
    );
    assert_eq!(
        samples.sum("overt_alerts_total", &[]),
        summary.alerts.len() as f64
    );
    let failed: u64 = summary
        .plugin_errors
        .iter()
        .map(|errors| errors.count)
        .sum();
    let of = [("plugin", "hostile-perception"), ("role", "detector")];
    let cause = [of[0], of[1], ("cause", "answer")];
    assert!(failed >= 10);
    assert_eq!(
        samples.sum("overt_plugin_errors_total", &cause),
        failed as f64
    );
    assert_eq!(samples.sum("overt_plugin_errors_total", &[]), failed as f64);
    // The same labels as of its calls, so that the one can be divided by the other.
    let serving = [of[0], of[1], ("post", "serving")];
    assert_eq!(
        samples.sum("overt_plugin_errors_total", &serving),
        failed as f64
    );
    // Those that were under way when it was put in quarantine as well.
    assert_eq!(samples.sum("overt_plugin_strikes", &of), failed as f64);
    assert_eq!(samples.sum("overt_plugin_quarantined", &of), 1.0);
    assert_eq!(samples.sum("overt_plugin_quarantined", &[]), 1.0);
    let calls = samples.sum("overt_plugin_calls_total", &of);
    assert_eq!(
        calls,
        read - dropped,
        "every frame that went its way was looked at"
    );
    assert_eq!(
        samples.sum("overt_plugin_call_duration_seconds_count", &of),
        calls
    );
    for (stage, ms) in &summary.stages_ms {
        let seconds = samples.sum("overt_stage_duration_seconds_total", &[("stage", stage)]);
        let per_frame = seconds * 1e3 / processed.max(1.0);
        assert!((per_frame - ms).abs() <= 1e-9 * ms.max(1.0), "{stage}");
    }
}

#[test]
fn what_a_challenger_fails_is_counted_as_its_own() {
    let place = Place::with_person_a();
    place.film(60);
    place.unsigned();
    let challenger = set_up("hostile/hostile-decision.wasm");
    place.change(
        "[[channel]]\nname = \"desk-1\"",
        &format!("[plugins.matcher-policy.shadow]\nfile = {challenger:?}\ngrants = [\"log\"]\n[plugins.matcher-policy.shadow.config]\nbehaviour = \"trap\"\n\n[[channel]]\nname = \"desk-1\""),
    );
    let deployment = Deployment::read(&place.deployment()).unwrap();
    let (machine, store) = machine_and_store(&deployment);
    overt_pipeline::run(
        &machine,
        &deployment,
        overt_pipeline::Terms::UNLOCKED,
        &store,
        &AtomicBool::new(false),
        control::nobody(),
        &|_| {},
    )
    .unwrap();
    let samples = Samples::parse(&machine.metrics().render().unwrap());
    let of = [
        ("role", "matcher-policy"),
        ("post", "shadow"),
        ("cause", "trap"),
    ];
    assert_eq!(samples.sum("overt_plugin_errors_total", &of), 10.0);
    assert_eq!(samples.sum("overt_plugin_errors_total", &[]), 10.0);
    assert_eq!(samples.sum("overt_plugin_calls_total", &of[..2]), 10.0);
}

#[test]
fn a_camera_that_goes_away_is_away_until_it_is_back_and_its_last_frame_grows_old() {
    let place = Place::with_person_a();
    let port = served(&place);
    let server = RtspServer::start(TEST_PICTURE);
    let (address, rtsp) = (server.address(), server.port());
    place.change("file = \"video.avi\"", &format!("source = \"{address}\""));
    let mut running = Running::start(&place);
    let of = [("camera", "concourse")];
    let away = || scrape(port).unwrap().sum("overt_camera_away", &of);
    let age = || {
        let samples = scrape(port).unwrap();
        samples.sum("overt_camera_last_frame_age_seconds", &of)
    };
    running.await_line("Started");
    assert_eq!(away(), 0.0);
    drop(server);
    running.await_line("CAMERA concourse is away");
    until(|| away() == 1.0);
    let once = age();
    until(|| age() > once);
    let _server = RtspServer::start_with(rtsp, TEST_PICTURE, None);
    running.await_line("CAMERA concourse is back");
    until(|| away() == 0.0);
    until(|| age() < once);
    let ended = running.interrupt();
    assert_eq!(ended.status, Some(130), "{}", ended.err);
}

/// Waits for something that comes sooner or later.
fn until(mut is: impl FnMut() -> bool) {
    for _ in 0..600 {
        if is() {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("it never came");
}

#[test]
fn whoever_asks_slowly_too_much_or_not_at_all_holds_no_frame_up_and_is_sent_away() {
    let place = Place::with_person_a();
    let port = served(&place);
    let server = RtspServer::start(TEST_PICTURE);
    let address = server.address();
    place.change("file = \"video.avi\"", &format!("source = \"{address}\""));
    let mut running = Running::start(&place);
    running.await_line("Started");
    let connect = || {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        stream
    };
    // More than are let in at a time: some say nothing, some half a request, some ask and do not listen.
    let mut idle: Vec<TcpStream> = (0..12)
        .map(|index| {
            let mut stream = connect();
            let said: &[u8] = match index % 3 {
                0 => b"",
                1 => b"GET /metrics HTTP/1.1\r\nHost: h",
                _ => b"GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n",
            };
            stream.write_all(said).unwrap();
            stream
        })
        .collect();
    let processed = || {
        let samples = scrape(port).unwrap();
        samples.sum("overt_camera_frames_processed_total", &[])
    };
    // Behind them there is a place for who asks well, and frames have gone their way meanwhile.
    let before = processed();
    until(|| processed() > before);
    for stream in &mut idle {
        // Sent away: whatever came, the connection has an end.
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
    }
    let long = format!(
        "GET /metrics HTTP/1.1\r\nHost: here\r\nX-Long: {}\r\n\r\n",
        "x".repeat(64 << 10)
    );
    // Refused before it is read to its end, so the client may not get as far as the answer.
    if let Some(answer) = ask(port, &long) {
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 431"),
            "{answer}"
        );
    }
    let many = format!("GET /metrics HTTP/1.1\r\n{}\r\n", "X-A: b\r\n".repeat(100));
    let answer = ask(port, &many).unwrap();
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    for (request, status) in [
        ("GET / HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 404"),
        ("POST /metrics HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 405"),
        ("\u{1}\u{2}\r\n\r\n", "HTTP/1.1 400"),
    ] {
        let answer = ask(port, request).unwrap();
        assert!(answer.starts_with(status), "{request:?}: {answer}");
    }
    let before = processed();
    until(|| processed() > before);
    assert!(running.goes_on());
    let ended = running.interrupt();
    assert_eq!(ended.status, Some(130), "{}", ended.err);
    let frames = &summary(&place)["frames"];
    let count = |key: &str| frames[key].as_u64().unwrap();
    assert_eq!(
        count("read"),
        count("processed") + count("dropped") + count("unseen")
    );
}

#[test]
fn a_port_that_somebody_else_has_is_told_before_anything_runs() {
    let place = Place::with_person_a();
    place.film(10);
    let port = served(&place);
    let _taken = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let ended = place.run();
    assert_eq!(ended.status, Some(1), "{}", ended.err);
    assert!(
        ended
            .err
            .contains("the metrics cannot be served at 127.0.0.1:")
            && ended.err.contains("choose another port"),
        "{}",
        ended.err
    );
}
