//! A detector that says what it sees, in the host's log: a way by which a face could reach a disk.

use overt_sdk::{Detector, DetectorError, Face, Frame, Point, Rect};

/// The detector.
pub struct Talks;

impl Detector for Talks {
    fn detect(frame: &Frame) -> Result<Vec<Face>, DetectorError> {
        let (width, height) = (frame.width() as f32, frame.height() as f32);
        let centre = Point {
            x: width / 2.0,
            y: height / 2.0,
        };
        let bounds = Rect::around(centre, width / 4.0, height / 4.0);
        overt_sdk::log!(info, "a face at {} {}", bounds.x, bounds.y);
        Ok(vec![Face {
            bounds,
            confidence: 1.0,
            landmarks: None,
        }])
    }
}

overt_sdk::detector!(Talks);
