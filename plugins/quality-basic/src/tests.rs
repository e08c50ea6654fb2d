//! The whole plugin, natively, on the photographs of the set-up.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use detector_centerface::CenterFace;
use overt_sdk::native::{Setup, Workbench};
use overt_sdk::{Face, QualityError};
use overt_vision::{Frame, FrameInfo};

use crate::Basic;

fn setup() -> Setup {
    Setup::above(env!("CARGO_MANIFEST_DIR")).unwrap()
}

fn face(frame: &Arc<Frame>) -> Face {
    let detector = Workbench::new().model("centerface", setup().model("centerface").unwrap());
    detector.detect::<CenterFace>(frame).unwrap()[0]
}

/// The value of a component of the one face.
fn value(name: &str, frame: &Arc<Frame>, face: Face) -> f32 {
    let faces = Workbench::new()
        .pixels()
        .assess::<Basic>(frame, &[face])
        .unwrap();
    assert_eq!(faces.len(), 1);
    let component = faces[0].iter().find(|component| component.name == name);
    component.unwrap().value
}

/// The frame with each pixel the mean of those around it, so many each way.
fn blurred(frame: &Frame, reach: usize) -> Arc<Frame> {
    changed(frame, |pixels, width, height| {
        let mean = |row: usize, column: usize, channel: usize| {
            let rows = row.saturating_sub(reach)..(row + reach + 1).min(height);
            let columns = column.saturating_sub(reach)..(column + reach + 1).min(width);
            let count = (rows.len() * columns.len()) as u32;
            let sum: u32 = rows
                .flat_map(|row| columns.clone().map(move |column| (row, column)))
                .map(|(row, column)| u32::from(pixels[(row * width + column) * 3 + channel]))
                .sum();
            (sum / count) as u8
        };
        (0..height)
            .flat_map(|row| (0..width).map(move |column| (row, column)))
            .flat_map(|(row, column)| [0, 1, 2].map(|channel| mean(row, column, channel)))
            .collect()
    })
}

fn changed(frame: &Frame, change: impl Fn(&[u8], usize, usize) -> Vec<u8>) -> Arc<Frame> {
    let (width, height) = (frame.width(), frame.height());
    let info = FrameInfo {
        camera: Arc::from("gate"),
        sequence: 0,
        captured_at: 0.0,
    };
    let pixels = change(frame.bgr(), width as usize, height as usize);
    Arc::new(Frame::from_bgr(info, width, height, &pixels).unwrap())
}

#[test]
fn portraits_are_good() {
    for photograph in ["person-a-1.jpg", "person-b.jpg", "person-c.png"] {
        let frame = setup().photograph(photograph).unwrap();
        let unified = value("UnifiedQualityScore", &frame, face(&frame));
        assert!(unified > 60.0, "{photograph}: {unified}");
    }
}

#[test]
fn blur_costs_sharpness_and_the_whole() {
    let frame = setup().photograph("person-c.png").unwrap();
    let face = face(&frame);
    let blurred = blurred(&frame, 6);
    for name in ["Sharpness", "UnifiedQualityScore"] {
        let (before, after) = (value(name, &frame, face), value(name, &blurred, face));
        assert!(after < before - 10.0, "{name}: {before} {after}");
    }
}

#[test]
fn the_more_blur_the_less_sharpness_and_the_less_light_the_less_luminance() {
    let frame = setup().photograph("person-c.png").unwrap();
    let face = face(&frame);
    let sharpness: Vec<f32> = [0, 1, 2, 4, 8]
        .map(|reach| value("Sharpness", &blurred(&frame, reach), face))
        .into();
    assert!(
        sharpness.is_sorted_by(|one, other| one > other),
        "{sharpness:?}"
    );
    let luminance: Vec<f32> = [3u8, 4, 6, 8, 16]
        .map(|part| {
            let dark = changed(&frame, |pixels, _, _| {
                pixels.iter().map(|value| value / part).collect()
            });
            value("LuminanceMean", &dark, face)
        })
        .into();
    assert!(
        luminance.is_sorted_by(|one, other| one > other),
        "{luminance:?}"
    );
}

#[test]
fn darkness_costs_light_and_the_whole() {
    let frame = setup().photograph("person-c.png").unwrap();
    let face = face(&frame);
    let dark = changed(&frame, |pixels, _, _| {
        pixels.iter().map(|value| value / 8).collect()
    });
    for name in ["LuminanceMean", "UnifiedQualityScore", "DynamicRange"] {
        let (before, after) = (value(name, &frame, face), value(name, &dark, face));
        assert!(after < before - 10.0, "{name}: {before} {after}");
    }
}

#[test]
fn each_face_has_its_components_in_the_order_given_and_no_name_twice() {
    let frame = setup().photograph("person-c.png").unwrap();
    let face = face(&frame);
    let mut far = face;
    far.landmarks = far.landmarks.map(|marks| {
        overt_sdk::Landmarks::from_points(marks.points().map(|point| overt_sdk::Point {
            x: point.x / 4.0,
            y: point.y / 4.0,
        }))
    });
    let faces = Workbench::new()
        .pixels()
        .assess::<Basic>(&frame, &[face, far])
        .unwrap();
    let apart = |components: &[overt_sdk::Component]| {
        let found = components.iter().find(|c| c.name == "InterEyeDistance");
        found.unwrap().value
    };
    assert!(apart(&faces[0]) > apart(&faces[1]));
    let mut names: Vec<&str> = faces[0].iter().map(|c| c.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), faces[0].len());
}

#[test]
fn a_face_without_landmarks_or_a_setting_that_does_not_exist_is_refused() {
    let frame = setup().photograph("person-c.png").unwrap();
    let bare = Face {
        landmarks: None,
        ..face(&frame)
    };
    assert_eq!(
        Workbench::new().pixels().assess::<Basic>(&frame, &[bare]),
        Err(QualityError::LandmarksMissing)
    );
    assert_eq!(
        Workbench::new()
            .pixels()
            .config(r#"{"strict": true}"#)
            .assess::<Basic>(&frame, &[bare]),
        Err(QualityError::BadConfig)
    );
}
