//! The whole plugin, natively, with the real models on the photographs of the set-up.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use overt_sdk::native::{Setup, Workbench};
use overt_sdk::{DetectorError, Face};

use crate::Rfb320;

fn setup() -> Setup {
    Setup::above(env!("CARGO_MANIFEST_DIR")).unwrap()
}

fn bench(config: &str) -> Workbench {
    Workbench::new()
        .config(config)
        .model("rfb320", setup().model("rfb320").unwrap())
        .model("landmarks68", setup().model("landmarks68").unwrap())
}

fn detect(config: &str, photograph: &str) -> Vec<Face> {
    let frame = setup().photograph(photograph).unwrap();
    bench(config).detect::<Rfb320>(&frame).unwrap()
}

#[test]
fn a_portrait_has_one_face_with_its_eyes_above_its_mouth_within_its_box() {
    for photograph in ["person-a-1.jpg", "person-b.jpg", "person-c.png"] {
        let faces = detect("{}", photograph);
        assert_eq!(faces.len(), 1, "{photograph}: {faces:?}");
        let (bounds, marks) = (faces[0].bounds, faces[0].landmarks.unwrap());
        assert!(marks.left_eye.x < marks.nose.x && marks.nose.x < marks.right_eye.x);
        assert!(marks.left_mouth.x < marks.right_mouth.x);
        assert!(marks.left_eye.y < marks.nose.y && marks.nose.y < marks.left_mouth.y);
        for point in marks.points() {
            assert!((bounds.x..bounds.x + bounds.width).contains(&point.x));
            assert!((bounds.y..bounds.y + bounds.height).contains(&point.y));
        }
    }
}

/// Points that a second implementation found (Python with OpenCV's resize and ONNX Runtime on the same crops), and those of CenterFace, whose
/// model is another, both say where a face's features are.
#[test]
fn its_landmarks_are_where_another_model_sees_them() {
    for photograph in [
        "person-a-1.jpg",
        "person-a-2.jpg",
        "person-b.jpg",
        "person-c.png",
    ] {
        let faces = detect("{}", photograph);
        let frame = setup().photograph(photograph).unwrap();
        let other = Workbench::new()
            .model("centerface", setup().model("centerface").unwrap())
            .detect::<detector_centerface::CenterFace>(&frame)
            .unwrap();
        let (mine, other) = (faces[0].landmarks.unwrap(), other[0].landmarks.unwrap());
        let eyes = (other.right_eye.x - other.left_eye.x).abs();
        for (mine, other) in mine.points().iter().zip(other.points()) {
            let away = (mine.x - other.x).hypot(mine.y - other.y) / eyes;
            assert!(away < 0.2, "{photograph}: {away} of the eyes' distance");
        }
    }
}

#[test]
fn a_deployment_can_leave_out_small_and_unsure_faces() {
    assert_eq!(detect(r#"{"least-confidence": 1}"#, "person-c.png"), []);
    assert_eq!(detect(r#"{"least-face-width": 4000}"#, "person-c.png"), []);
}

#[test]
fn an_empty_picture_of_any_size_has_no_face() {
    for (width, height) in [(1, 1), (33, 1), (640, 480), (2000, 30)] {
        let info = overt_vision::FrameInfo {
            camera: Arc::from("gate"),
            sequence: 0,
            captured_at: 0.0,
        };
        let pixels = vec![127; width as usize * height as usize * 3];
        let frame = overt_vision::Frame::from_bgr(info, width, height, &pixels).unwrap();
        let faces = bench("{}").detect::<Rfb320>(&Arc::new(frame));
        assert_eq!(faces, Ok(Vec::new()), "{width} x {height}");
    }
}

#[test]
fn a_configuration_that_cannot_be_used_is_an_error() {
    let frame = setup().photograph("person-c.png").unwrap();
    for config in [
        r#"{"least-confidence": 2}"#,
        r#"{"longest-side": 640}"#,
        "{",
    ] {
        assert_eq!(
            bench(config).detect::<Rfb320>(&frame),
            Err(DetectorError::BadConfig)
        );
    }
}

#[test]
fn without_either_model_or_with_another_it_gives_an_error_and_no_face() {
    let frame = setup().photograph("person-c.png").unwrap();
    let model = |name: &str| setup().model(name).unwrap();
    let benches = [
        Workbench::new(),
        Workbench::new().model("rfb320", model("rfb320")),
        Workbench::new().model("landmarks68", model("landmarks68")),
        bench("{}").model("landmarks68", model("mobilefacenet")),
        bench("{}").model("rfb320", model("mobilefacenet")),
    ];
    for bench in benches {
        assert_eq!(bench.detect::<Rfb320>(&frame), Err(DetectorError::Refused));
    }
}
