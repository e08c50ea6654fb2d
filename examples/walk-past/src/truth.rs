//! What is to be seen in the video, frame by frame, as JSON: for tests, and for a person who wants to check the alerts. Knows no pixel.

use serde::Serialize;

use crate::outlines::Photograph;
use crate::script::{FPS, FRAMES, HEIGHT, PASSES, Pass, Place, SOUGHT, WIDTH};

/// The whole video.
#[derive(Debug, Serialize)]
pub(crate) struct Truth {
    width: i32,
    height: i32,
    fps: f64,
    frames: u32,
    passes: Vec<PassTruth>,
}

/// One person crossing once. Frames count from 0.
#[derive(Debug, Serialize)]
struct PassTruth {
    person: &'static str,
    /// Whether the person is on the watchlist of the demonstration.
    sought: bool,
    photograph: &'static str,
    /// The first frame in which the face's centre is in the picture, and the last.
    first_frame: u32,
    last_frame: u32,
    faces: Vec<FaceTruth>,
}

/// A face in a frame, in pixels; it may reach over the edge, and somebody nearer may hide it.
#[derive(Debug, Serialize)]
struct FaceTruth {
    frame: u32,
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

/// What the screenplay shows.
pub(crate) fn truth() -> Truth {
    let passes = PASSES
        .iter()
        .filter_map(|pass| Some(pass_truth(pass, pass.photograph()?)))
        .collect();
    Truth {
        width: WIDTH,
        height: HEIGHT,
        fps: FPS,
        frames: FRAMES,
        passes,
    }
}

fn pass_truth(pass: &Pass, photograph: &Photograph) -> PassTruth {
    let in_picture = |place: &Place| (0.0..f64::from(WIDTH)).contains(&place.x);
    let faces: Vec<FaceTruth> = (0..FRAMES)
        .filter_map(|frame| Some((frame, pass.place(photograph, frame).filter(in_picture)?)))
        .map(|(frame, place)| face_truth(frame, place, photograph))
        .collect();
    PassTruth {
        person: photograph.person,
        sought: photograph.person == SOUGHT,
        photograph: photograph.file,
        first_frame: faces.first().map_or(0, |face| face.frame),
        last_frame: faces.last().map_or(0, |face| face.frame),
        faces,
    }
}

fn face_truth(frame: u32, place: Place, photograph: &Photograph) -> FaceTruth {
    let width = place.face_width;
    let height = width * photograph.face[3] / photograph.face[2];
    let tenths = |pixels: f64| (pixels * 10.0).round() / 10.0;
    FaceTruth {
        frame,
        x: tenths(place.x - width / 2.0),
        y: tenths(place.y - height / 2.0),
        width: tenths(width),
        height: tenths(height),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pass_is_seen_whole_and_three_are_of_the_person_sought() {
        let truth = truth();
        assert_eq!(truth.passes.len(), PASSES.len());
        assert_eq!(truth.passes.iter().filter(|pass| pass.sought).count(), 3);
        for pass in &truth.passes {
            let frames = pass.last_frame - pass.first_frame + 1;
            assert_eq!(frames as usize, pass.faces.len(), "{}", pass.photograph);
            assert!(frames > 100, "{}", pass.photograph);
        }
    }
}
