//! The detector: faces that cannot be, and calls that would not end.

use core::sync::atomic::{AtomicU32, Ordering};

use overt_sdk::{Detector, DetectorError, Face, Frame};

use crate::{
    Hostile, behaviour, endless_allocation, endless_loop, endless_recursion, greed, sound_face,
};

/// What it tries to keep from one call to the next.
static CALLS: AtomicU32 = AtomicU32::new(0);

impl Detector for Hostile {
    fn detect(frame: &Frame) -> Result<Vec<Face>, DetectorError> {
        let well = || Ok(vec![sound_face()]);
        let changed = |change: fn(&mut Face)| {
            let mut face = sound_face();
            change(&mut face);
            Ok(vec![sound_face(), face])
        };
        match behaviour(frame).as_str() {
            "answer-well" => well(),
            "loop" => endless_loop(),
            "allocate" => endless_allocation(),
            "recurse" => Ok(vec![sound_face(); endless_recursion(0) as usize]),
            "trap-every-third-frame" => {
                assert!(frame.sequence() % 3 != 2, "as asked");
                well()
            }
            "remember" => {
                let calls = CALLS.fetch_add(1, Ordering::Relaxed);
                assert_eq!(calls, 0, "it was called before, and knows");
                well()
            }
            "seventeen-faces" => Ok(vec![sound_face(); 17]),
            "million-faces" => Ok(vec![sound_face(); 1_000_000]),
            "box-of-nan" => changed(|face| face.bounds.x = f32::NAN),
            "endless-box" => changed(|face| face.bounds.width = f32::INFINITY),
            "box-without-size" => changed(|face| face.bounds.height = 0.0),
            "box-inside-out" => changed(|face| face.bounds.width = -20.0),
            "box-left-of-the-frame" => changed(|face| face.bounds.x = -100.0),
            "box-below-the-frame" => changed(|face| face.bounds.y = 1e30),
            "box-larger-than-the-frame" => changed(|face| {
                face.bounds.x = -2_000.0;
                face.bounds.width = 4_030.0;
            }),
            "confidence-of-nan" => changed(|face| face.confidence = f32::NAN),
            "confidence-of-two" => changed(|face| face.confidence = 2.0),
            "landmark-of-nan" => changed(|face| {
                if let Some(landmarks) = &mut face.landmarks {
                    landmarks.nose.y = f32::NAN;
                }
            }),
            "landmark-elsewhere" => changed(|face| {
                if let Some(landmarks) = &mut face.landmarks {
                    landmarks.nose.y = 45.0;
                }
            }),
            other => greed::detect(other, frame),
        }
    }
}
