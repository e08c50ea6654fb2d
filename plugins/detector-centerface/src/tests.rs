//! The whole plugin, natively, with the real model on the photographs of the set-up.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use overt_sdk::native::{Setup, Workbench};
use overt_sdk::{DetectorError, Face};

use crate::CenterFace;

fn setup() -> Setup {
    Setup::above(env!("CARGO_MANIFEST_DIR")).unwrap()
}

fn bench(config: &str) -> Workbench {
    Workbench::new()
        .config(config)
        .model("centerface", setup().model("centerface").unwrap())
}

fn detect(config: &str, photograph: &str) -> Vec<Face> {
    let frame = setup().photograph(photograph).unwrap();
    bench(config).detect::<CenterFace>(&frame).unwrap()
}

#[test]
fn a_portrait_has_one_face_with_its_eyes_above_its_mouth() {
    for photograph in ["person-a-1.jpg", "person-b.jpg", "person-c.png"] {
        let faces = detect("{}", photograph);
        assert_eq!(faces.len(), 1, "{photograph}: {faces:?}");
        let marks = faces[0].landmarks.unwrap();
        assert!(marks.left_eye.x < marks.nose.x && marks.nose.x < marks.right_eye.x);
        assert!(marks.left_mouth.x < marks.right_mouth.x);
        assert!(marks.left_eye.y < marks.nose.y && marks.nose.y < marks.left_mouth.y);
        assert!(faces[0].confidence > 0.6, "{photograph}: {faces:?}");
    }
}

#[test]
fn a_face_lies_at_the_same_place_whatever_size_the_model_sees() {
    let large = detect(r#"{"longest-side": 640}"#, "person-c.png");
    let small = detect(r#"{"longest-side": 320}"#, "person-c.png");
    assert_eq!((large.len(), small.len()), (1, 1));
    let overlap = large[0].bounds.overlap(&small[0].bounds);
    assert!(overlap > 0.7, "{overlap}: {large:?} {small:?}");
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
        let faces = bench("{}").detect::<CenterFace>(&Arc::new(frame));
        assert_eq!(faces, Ok(Vec::new()), "{width} x {height}");
    }
}

#[test]
fn a_configuration_that_cannot_be_used_is_an_error() {
    let frame = setup().photograph("person-c.png").unwrap();
    for config in [r#"{"least-confidence": 2}"#, r#"{"confidence": 0.5}"#, "{"] {
        assert_eq!(
            bench(config).detect::<CenterFace>(&frame),
            Err(DetectorError::BadConfig)
        );
    }
}

#[test]
fn without_its_model_or_with_another_it_gives_an_error_and_no_face() {
    let frame = setup().photograph("person-c.png").unwrap();
    assert_eq!(
        Workbench::new().detect::<CenterFace>(&frame),
        Err(DetectorError::Refused)
    );
    let other = Workbench::new().model("centerface", setup().model("mobilefacenet").unwrap());
    assert_eq!(
        other.detect::<CenterFace>(&frame),
        Err(DetectorError::Refused)
    );
}

#[test]
fn more_tensors_than_the_budget_allows_are_an_error() {
    let frame = setup().photograph("person-c.png").unwrap();
    assert_eq!(
        bench("{}").budget(1_000_000).detect::<CenterFace>(&frame),
        Err(DetectorError::Refused)
    );
}
