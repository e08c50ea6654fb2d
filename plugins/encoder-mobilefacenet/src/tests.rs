//! The whole plugin, natively, with the real model on the photographs of the set-up.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use detector_centerface::CenterFace;
use overt_sdk::native::{Setup, Workbench};
use overt_sdk::{EncoderError, Face, Landmarks, Point, Rect};
use overt_vision::Frame;

use crate::{DIMENSION, MobileFaceNet};

fn setup() -> Setup {
    Setup::above(env!("CARGO_MANIFEST_DIR")).unwrap()
}

fn bench() -> Workbench {
    Workbench::new().model("mobilefacenet", setup().model("mobilefacenet").unwrap())
}

/// A photograph and its face.
fn face(photograph: &str) -> (Arc<Frame>, Face) {
    let frame = setup().photograph(photograph).unwrap();
    let detector = Workbench::new().model("centerface", setup().model("centerface").unwrap());
    let face = detector.detect::<CenterFace>(&frame).unwrap()[0];
    (frame, face)
}

/// The templates of faces, one after the other.
fn encode(bench: &Workbench, frame: &Arc<Frame>, faces: &[Face]) -> Vec<f32> {
    let templates = bench.encode::<MobileFaceNet>(frame, faces).unwrap();
    assert_eq!(templates.shape(), [faces.len() as u32, DIMENSION]);
    templates.read(0, faces.len() as u32 * DIMENSION).unwrap()
}

fn template(photograph: &str) -> Vec<f32> {
    let (frame, face) = face(photograph);
    encode(&bench(), &frame, &[face])
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| -> f32 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

#[test]
fn photographs_of_one_person_are_alike_and_those_of_others_are_not() {
    let a = template("person-a-1.jpg");
    let same = cosine(&a, &template("person-a-2.jpg"));
    assert!(same > 0.55, "{same}");
    for other in ["person-b.jpg", "person-c.png", "person-d.jpg"] {
        let different = cosine(&a, &template(other));
        assert!(different < 0.3, "{other}: {different}");
    }
}

#[test]
fn a_face_has_the_same_template_alone_and_among_others() {
    let (frame, face) = face("person-c.png");
    let mut moved = face;
    moved.landmarks = moved.landmarks.map(|marks| {
        Landmarks::from_points(marks.points().map(|point| Point {
            x: point.x + 6.0,
            ..point
        }))
    });
    let bench = bench();
    let alone = encode(&bench, &frame, &[face]);
    let both = encode(&bench, &frame, &[moved, face]);
    let (first, second) = both.split_at(DIMENSION as usize);
    assert!(cosine(&alone, second) > 0.999_9);
    assert!(cosine(&alone, first) < 0.999);
}

#[test]
fn a_face_without_landmarks_is_refused_by_its_own_name() {
    let (frame, face) = face("person-c.png");
    let bare = Face {
        landmarks: None,
        ..face
    };
    assert_eq!(
        bench()
            .encode::<MobileFaceNet>(&frame, &[face, bare])
            .unwrap_err(),
        EncoderError::LandmarksMissing
    );
}

#[test]
fn landmarks_that_coincide_are_refused() {
    let frame = setup().photograph("person-c.png").unwrap();
    let nowhere = Face {
        bounds: Rect {
            x: 0.0,
            y: 0.0,
            width: 10.0,
            height: 10.0,
        },
        confidence: 1.0,
        landmarks: Some(Landmarks::from_points([Point { x: 5.0, y: 5.0 }; 5])),
    };
    assert_eq!(
        bench()
            .encode::<MobileFaceNet>(&frame, &[nowhere])
            .unwrap_err(),
        EncoderError::Refused
    );
}

#[test]
fn a_setting_that_does_not_exist_is_refused() {
    let (frame, face) = face("person-c.png");
    assert_eq!(
        bench()
            .config(r#"{"mean": 0}"#)
            .encode::<MobileFaceNet>(&frame, &[face])
            .unwrap_err(),
        EncoderError::BadConfig
    );
}
