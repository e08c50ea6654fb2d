//! Live cameras: a real RTSP server that comes, goes and asks for a password; a device where there is one.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;
use std::time::Duration;

use overt_tests::rtsp::{RtspServer, TEST_PICTURE};
use overt_vision::{CameraError, FrameInfo, LiveCamera, LiveSource, Patience, RtspStream};

/// Longer than a server takes that has to share a busy machine.
const PATIENCE: Patience = Patience {
    open: Duration::from_secs(60),
    read: Duration::from_secs(10),
};

fn stamp(sequence: u32) -> impl FnOnce() -> FrameInfo {
    move || FrameInfo {
        camera: Arc::from("gate"),
        sequence,
        captured_at: f64::from(sequence),
    }
}

fn stream(port: u16, path: &str, credentials: Option<(&str, &str)>) -> LiveSource {
    LiveSource::Rtsp(RtspStream::new("127.0.0.1", port, path, credentials))
}

#[test]
fn a_stream_gives_moving_pictures_of_its_size_until_its_server_goes_and_again_when_it_is_back() {
    let server = RtspServer::start(TEST_PICTURE);
    let port = server.port();
    let source = stream(port, "/live", None);
    let mut camera = LiveCamera::open(&source, PATIENCE).unwrap();
    assert_eq!((camera.size(), camera.fps()), ((320, 240), 15.0));
    let frames: Vec<_> = (0..20)
        .map(|sequence| camera.next(stamp(sequence)).unwrap())
        .collect();
    assert_eq!((frames[7].sequence(), frames[7].width()), (7, 320));
    // The ball moves; something of it shows.
    assert!(frames[0].bgr() != frames[19].bgr());
    assert!(frames[19].bgr().iter().any(|value| *value > 200));

    drop(server);
    // What is under way may still come; then it is told.
    let error = (20..400)
        .find_map(|sequence| camera.next(stamp(sequence)).err())
        .expect("a server that is gone sends no more");
    assert!(matches!(error, CameraError::Lost { .. }), "{error}");
    let error = LiveCamera::open(&source, PATIENCE).unwrap_err();
    assert!(
        matches!(&error, CameraError::NoAnswer { cause, .. } if cause.contains("refused")),
        "{error}"
    );

    let _server = RtspServer::start_with(port, TEST_PICTURE, None);
    let mut camera = LiveCamera::open(&source, PATIENCE).unwrap();
    assert!(camera.next(stamp(0)).is_ok());
}

#[test]
fn a_path_where_nothing_is_and_a_password_that_is_missing_or_wrong_are_told_apart() {
    let server = RtspServer::start_with(0, TEST_PICTURE, Some(("operator", "p@ss:word/1")));
    let open = |path: &str, credentials| {
        LiveCamera::open(&stream(server.port(), path, credentials), PATIENCE)
    };
    let cause = |result: Result<LiveCamera, CameraError>| match result.unwrap_err() {
        CameraError::NoStream { address, cause } => {
            assert!(!address.contains("operator") && !address.contains("word"));
            cause
        }
        other => panic!("{other}"),
    };
    assert!(cause(open("/live", None)).contains("wants a user and a password"));
    assert!(cause(open("/live", Some(("operator", "wrong")))).contains("refuses this user"));
    assert!(cause(open("/elsewhere", None)).contains("nothing at this path"));
    let mut camera = open("/live", Some(("operator", "p@ss:word/1"))).unwrap();
    assert!(camera.next(stamp(0)).is_ok());
}

#[test]
fn an_address_that_takes_connections_and_says_nothing_is_given_up_in_time() {
    // It listens and never accepts: the kernel completes the connection, nobody speaks.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let source = stream(listener.local_addr().unwrap().port(), "/live", None);
    let patience = Patience {
        open: Duration::from_secs(1),
        read: Duration::from_secs(1),
    };
    let error = LiveCamera::open(&source, patience).unwrap_err();
    assert!(
        matches!(&error, CameraError::NoStream { cause, .. } if cause.contains("no RTSP server")),
        "{error}"
    );
}

#[test]
fn a_device_that_is_not_there_is_told_with_those_that_are() {
    let error = LiveCamera::open(&LiveSource::V4l2(250), PATIENCE).unwrap_err();
    assert!(
        matches!(&error, CameraError::Device { device, cause, .. }
            if device.ends_with("video250") && cause.contains("no such device")),
        "{error}"
    );
}

#[test]
fn the_first_device_gives_frames() {
    let Some(number) =
        (0..64).find(|number| std::fs::File::open(format!("/dev/video{number}")).is_ok())
    else {
        println!("skipped: this machine has no video device that this user may read");
        return;
    };
    match LiveCamera::open(&LiveSource::V4l2(number), PATIENCE) {
        Ok(mut camera) => {
            let frame = camera.next(stamp(0)).unwrap();
            assert_eq!((frame.width(), frame.height()), camera.size());
        }
        // A device for metadata or output is a device too.
        Err(error) => println!("skipped: /dev/video{number} is no camera: {error}"),
    }
}
