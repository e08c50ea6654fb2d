//! Runs on live cameras: the demonstration's video from a real RTSP server that goes away and comes back, beside a file.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::path::Path;

use overt_tests::rtsp::{RtspServer, TEST_PICTURE, playing};
use serde_json::Value;
use support::Place;
use support::running::Running;

fn summary(place: &Place) -> Value {
    serde_json::from_slice(&std::fs::read(place.path("out/summary.json")).unwrap()).unwrap()
}

/// Puts `lines` in the place of the deployment's only camera's source.
fn source(place: &Place, lines: &str) {
    let text = std::fs::read_to_string(place.deployment()).unwrap();
    let changed = text.replace("file = \"video.avi\"", lines);
    assert_ne!(text, changed);
    std::fs::write(place.deployment(), changed).unwrap();
}

fn walk_past() -> std::path::PathBuf {
    let video = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../out/demo/walk-past.avi");
    assert!(
        video.is_file(),
        "the demonstration's video is missing: run `make test`"
    );
    video
}

fn adds_up(frames: &Value) {
    let count = |key: &str| frames[key].as_u64().unwrap();
    assert_eq!(
        count("read"),
        count("processed") + count("dropped") + count("unseen"),
        "{frames}"
    );
}

#[test]
fn a_person_who_is_sought_raises_an_alert_on_a_camera_that_goes_away_and_comes_back() {
    let place = Place::with_person_a();
    let server = RtspServer::start(&playing(&walk_past()));
    let port = server.port();
    source(&place, &format!("source = \"{}\"", server.address()));
    let mut running = Running::start(&place);
    running.await_line("ALERT 1 for desk-2: MP-0001");
    drop(server);
    let away = running.await_line("CAMERA concourse is away");
    assert!(away.contains("Trying again in 1 s"), "{away}");
    let again = running.await_line("CAMERA concourse is away");
    assert!(
        again.contains("nobody answers") && again.contains("Trying again in 2 s"),
        "{again}"
    );
    let _server = RtspServer::start_with(port, &playing(&walk_past()), None);
    running.await_line("CAMERA concourse is back");
    // It begins anew there, so the same person comes by again.
    running.await_line("ALERT 2 for desk-2: MP-0001");
    let ended = running.interrupt();
    assert_eq!(ended.status, Some(130), "{}", ended.out);
    assert!(ended.out.contains("away 1 times"), "{}", ended.out);
    let summary = summary(&place);
    adds_up(&summary["frames"]);
    let camera = &summary["cameras"][0];
    adds_up(&camera["frames"]);
    assert_eq!(camera["source"], "rtsp");
    assert_eq!(camera["outage_count"], 1);
    let outage = &camera["outages"][0];
    assert!(
        outage["to"].as_f64().unwrap() - outage["from"].as_f64().unwrap() >= 1.0,
        "{outage}"
    );
    assert!(camera["last_frame_age"].as_f64().unwrap() < 5.0, "{camera}");
}

#[test]
fn a_live_camera_does_not_hold_up_another_and_a_slow_machine_drops_its_oldest_frames() {
    let place = Place::with_person_a();
    place.film(40);
    // One permit's worth of frames is looked at in the time in which dozens come.
    let fast = TEST_PICTURE.replace(
        "width=320,height=240,framerate=15/1",
        "width=1280,height=720,framerate=60/1",
    );
    let server = RtspServer::start(&fast);
    let text = std::fs::read_to_string(place.deployment()).unwrap();
    let camera = format!(
        "[[camera]]\nid = \"gate\"\nkind = \"fixed\"\nowner = \"The force\"\nsource = \"{}\"\n\n[[camera]]",
        server.address()
    );
    let text = text
        .replacen("[[camera]]", &camera, 1)
        .replace("cameras = 1 ", "cameras = 2 ")
        .replace("device = \"cpu\"", "device = \"cpu\"\nworkers = 1");
    std::fs::write(place.deployment(), text).unwrap();
    let mut running = Running::start(&place);
    running.await_line("ALERT 1 for desk-2: MP-0001");
    // Away, and the file behind it goes on to its end.
    drop(server);
    running.await_line("CAMERA gate is away");
    let ended = running.interrupt();
    let summary = summary(&place);
    let (gate, concourse) = (&summary["cameras"][0], &summary["cameras"][1]);
    assert_eq!(
        (&gate["id"], &concourse["id"]),
        (&"gate".into(), &"concourse".into())
    );
    for camera in [gate, concourse] {
        adds_up(&camera["frames"]);
    }
    assert!(gate["frames"]["dropped"].as_u64().unwrap() > 0, "{gate}");
    assert_eq!(concourse["frames"]["dropped"], 0);
    assert!(ended.out.contains("camera gate:"), "{}", ended.out);
}

#[test]
fn a_live_camera_is_read_no_further_when_the_deployments_time_is_over() {
    let place = Place::with_person_a();
    let server = RtspServer::start(TEST_PICTURE);
    source(&place, &format!("source = \"{}\"", server.address()));
    let text = std::fs::read_to_string(place.deployment()).unwrap();
    let end = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(40);
    let end = end.strftime("end = %Y-%m-%dT%H:%M:%SZ").to_string();
    let changed = text.replace("end = 2036-01-01T00:00:00Z", &end);
    assert_ne!(text, changed);
    std::fs::write(place.deployment(), changed).unwrap();
    let ended = place.run();
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    assert!(
        ended.err.contains("camera concourse is read no further"),
        "{}",
        ended.err
    );
    let summary = summary(&place);
    adds_up(&summary["frames"]);
    assert!(summary["frames"]["processed"].as_u64().unwrap() > 0);
    assert_eq!(summary["interrupted"], false);
}

#[test]
fn an_address_that_nobody_answers_and_a_device_that_is_not_there_are_told_together() {
    let place = Place::with_person_a();
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    source(
        &place,
        &format!(
            "source = \"rtsp://127.0.0.1:{port}/live\"\n\n[[camera]]\nid = \"van\"\nkind = \"vehicle\"\nowner = \"The force\"\nsource = \"v4l2:250\"\n"
        ),
    );
    let text = std::fs::read_to_string(place.deployment()).unwrap();
    std::fs::write(
        place.deployment(),
        text.replace("cameras = 1 ", "cameras = 2 "),
    )
    .unwrap();
    let ended = place.run();
    assert_eq!(ended.status, Some(1), "{}", ended.err);
    for told in [
        "camera concourse: rtsp://127.0.0.1:",
        "nobody answers: the connection is refused",
        "check the address and the port",
        "camera van: /dev/video250: there is no such device",
    ] {
        assert!(ended.err.contains(told), "{told}: {}", ended.err);
    }
}

#[test]
fn credentials_that_others_can_read_are_refused_and_never_shown() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::with_person_a();
    source(
        &place,
        "source = \"rtsp://127.0.0.1:1/live\"\ncredentials = \"gate.credentials\"",
    );
    let file = place.path("gate.credentials");
    let refused = |told: &str| {
        let ended = place.run();
        assert_eq!(ended.status, Some(1), "{}", ended.err);
        assert!(ended.err.contains(told), "{}", ended.err);
        assert!(!ended.err.contains("s3cret") && !ended.out.contains("s3cret"));
    };
    std::fs::write(&file, "op:s3cret\n").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    refused("others than its owner may read it");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    refused("nobody answers");
    for (text, told) in [
        ("s3cret\n".to_owned(), "not `user:password`"),
        (
            format!("op:s3cret{}", "x".repeat(2_000)),
            "longer than 1024 bytes",
        ),
    ] {
        std::fs::write(&file, text).unwrap();
        refused(told);
    }
}

#[test]
fn a_camera_that_the_file_does_not_name_is_not_run_and_one_that_it_names_is_run_alone() {
    let place = Place::with_person_a();
    place.film(10);
    let with = |camera: &str| {
        let deployment = place.deployment();
        let mut command = place.runs();
        command.args([deployment.as_os_str(), "--camera".as_ref(), camera.as_ref()]);
        support::Ended::from(command.output().unwrap())
    };
    let ended = with("backdoor");
    assert_eq!(ended.status, Some(1), "{}", ended.err);
    assert!(
        ended.err.contains("no camera `backdoor`") && ended.err.contains("concourse"),
        "{}",
        ended.err
    );
    let ended = with("concourse");
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    assert_eq!(summary(&place)["cameras"].as_array().unwrap().len(), 1);
}

#[test]
fn a_zone_outside_the_picture_is_refused_and_faces_outside_a_zone_are_not_compared() {
    let place = Place::with_person_a();
    place.film(40);
    let text = std::fs::read_to_string(place.deployment()).unwrap();
    let zone = |corners: &str| {
        let file = "file = \"video.avi\"\n";
        assert!(text.contains(file));
        let text = text.replace(file, &format!("{file}zone = {corners}\n"));
        std::fs::write(place.deployment(), text).unwrap();
        place.run()
    };
    let ended = zone("[[0, 0], [641, 0], [0, 480]]");
    assert_eq!(ended.status, Some(1), "{}", ended.err);
    assert!(
        ended
            .err
            .contains("reaches beyond its picture of 640 × 480"),
        "{}",
        ended.err
    );
    // The face is in the left half; a triangle on the right does not hold it.
    let ended = zone("[[639, 0], [640, 480], [600, 480]]");
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    let found = summary(&place);
    assert_eq!(
        (&found["faces"], &found["alerts"]),
        (&0.into(), &serde_json::json!([]))
    );
    assert!(
        found["stages_ms"]["encode"].as_f64().unwrap() == 0.0,
        "{found}"
    );
    let ended = zone("[[0, 0], [600, 0], [600, 480], [0, 480]]");
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    assert_eq!(summary(&place)["alerts"].as_array().unwrap().len(), 1);
}
