//! A panic in a thread of a run is never silence: the run ends and says so, or goes on without the camera and says that. What panics here is the
//! caller's own `tell`, called in the very thread.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::sync::atomic::AtomicBool;
use std::sync::mpsc::channel;
use std::time::Duration;

use overt_deployment::Deployment;
use overt_pipeline::{CameraNews, Event, Finished, PipelineError};
use overt_records::RunId;
use overt_tests::rtsp::{RtspServer, TEST_PICTURE};
use support::{Place, machine_and_store};

/// Longer than anything takes on a busy machine; a run that takes so long waits for a thread that is gone.
const PATIENCE: Duration = Duration::from_secs(180);

/// What a run comes to while `tell` is called, and how many alerts are on record after it.
fn run(
    place: &Place,
    tell: impl Fn(Event<'_>) + Send + Sync + 'static,
) -> (Result<Finished, PipelineError>, usize) {
    let deployment = Deployment::read(&place.deployment()).unwrap();
    let (end, ended) = channel();
    std::thread::spawn(move || {
        let (machine, store) = machine_and_store(&deployment);
        let go_on = AtomicBool::new(false);
        let outcome = overt_pipeline::run(
            &machine,
            &deployment,
            overt_pipeline::Terms::UNLOCKED,
            &store,
            &go_on,
            overt_pipeline::control::nobody(),
            &tell,
        );
        let alerts = store.alerts(RunId(1)).unwrap().len();
        end.send((outcome, alerts)).unwrap();
    });
    ended
        .recv_timeout(PATIENCE)
        .expect("the run ends, and without a panic")
}

/// Puts a live camera that shows nothing but black in the place of the deployment's only camera.
fn black(place: &Place) -> RtspServer {
    let server = RtspServer::start(&TEST_PICTURE.replace("pattern=ball", "pattern=black"));
    let text = std::fs::read_to_string(place.deployment()).unwrap();
    let source = format!("source = \"{}\"", server.address());
    std::fs::write(
        place.deployment(),
        text.replace("file = \"video.avi\"", &source),
    )
    .unwrap();
    server
}

/// That the run went on without the camera to its end, and said so.
fn went_on_without_it(outcome: Result<Finished, PipelineError>) {
    let finished = outcome.unwrap_or_else(|error| panic!("{error}"));
    assert!(
        matches!(&finished.troubles[..], [PipelineError::CameraPanicked { camera }] if camera == "concourse"),
        "{:?}",
        finished.troubles
    );
    let frames = finished.summary.cameras[0].frames;
    assert!(frames.processed > 0, "{frames:?}");
    assert_eq!(
        frames.read,
        frames.processed + frames.dropped + frames.unseen
    );
}

#[test]
fn a_panic_in_the_decision_thread_ends_the_run_and_what_was_decided_before_it_is_committed() {
    let place = Place::with_person_a();
    place.film(400);
    let (outcome, alerts) = run(&place, |event| {
        if let Event::Progress { alerts: 1, .. } = event {
            panic!("as wanted");
        }
    });
    assert!(
        matches!(outcome, Err(PipelineError::Panicked("decision"))),
        "{:?}",
        outcome.err()
    );
    assert_eq!(alerts, 1);
}

#[test]
fn a_panic_in_the_thread_that_reads_a_file_ends_that_camera_and_is_told() {
    let place = Place::with_person_a();
    place.film_darkness(100);
    let (hear, heard) = channel();
    let (outcome, _) = run(&place, move |event| match event {
        Event::Camera {
            news: CameraNews::Alarm(_),
            ..
        } => panic!("as wanted"),
        Event::Camera { news, .. } => hear.send(news).unwrap(),
        _ => {}
    });
    went_on_without_it(outcome);
    assert_eq!(heard.iter().collect::<Vec<_>>(), [CameraNews::Broken]);
}

#[test]
fn a_panic_in_the_reader_of_a_live_camera_ends_that_camera_and_is_told() {
    let place = Place::with_person_a();
    let _server = black(&place);
    let (hear, heard) = channel();
    let (outcome, _) = run(&place, move |event| match event {
        Event::Camera {
            news: CameraNews::Alarm(_),
            ..
        } => panic!("as wanted"),
        Event::Camera {
            news: CameraNews::Broken,
            ..
        } => hear.send(()).unwrap(),
        _ => {}
    });
    went_on_without_it(outcome);
    assert_eq!(heard.iter().count(), 1);
}

#[test]
fn a_panic_in_the_thread_that_admits_a_live_cameras_frames_ends_its_reader_too() {
    let place = Place::with_person_a();
    let _server = black(&place);
    let text = std::fs::read_to_string(place.deployment()).unwrap();
    let end = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(40);
    let end = end.strftime("end = %Y-%m-%dT%H:%M:%SZ").to_string();
    let changed = text.replace("end = 2036-01-01T00:00:00Z", &end);
    assert_ne!(text, changed);
    std::fs::write(place.deployment(), changed).unwrap();
    let (outcome, _) = run(&place, |event| {
        if let Event::Camera {
            news: CameraNews::Closed,
            ..
        } = event
        {
            panic!("as wanted");
        }
    });
    went_on_without_it(outcome);
}
