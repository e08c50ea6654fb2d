//! Which faces of a track are compared with the watchlist. Encoding every face of every frame would cost most of the machine and add
//! little: a passer-by's neighbouring frames are nearly the same picture.

use std::collections::HashMap;

use overt_vision::Face;

/// Faces narrower than this hold too little for any encoder: pixels of the frame.
const LEAST_WIDTH: f32 = 20.0;

/// Seconds between two probes of a track, where the later face is about as good as the best so far.
const INTERVAL: f64 = 0.2;

/// Seconds after which the next face is taken however good it is.
const PATIENCE: f64 = 0.6;

/// A face of this part of the best merit so far is about as good.
const ABOUT_AS_GOOD: f32 = 0.8;

struct Taken {
    time: f64,
    best: f32,
}

/// A camera's choices; one entry a track.
#[derive(Default)]
pub(crate) struct Choice {
    tracks: HashMap<u32, Taken>,
}

/// How much a face promises: large, sure and frontal is best. Its size in pixels, weighted by the detector's confidence and by how centred the
/// nose is between the eyes.
fn merit(face: &Face) -> f32 {
    let size = face.bounds.width.min(face.bounds.height);
    let frontal = face.landmarks.map_or(1.0, |points| {
        let eyes = (points.right_eye.x - points.left_eye.x).abs().max(1.0);
        let middle = (points.right_eye.x + points.left_eye.x) / 2.0;
        (1.0 - (points.nose.x - middle).abs() / eyes).clamp(0.1, 1.0)
    });
    size * face.confidence * frontal
}

impl Choice {
    /// Whether this face of a track is to be compared.
    pub(crate) fn take(&mut self, track: u32, time: f64, face: &Face) -> bool {
        if face.bounds.width < LEAST_WIDTH {
            return false;
        }
        let merit = merit(face);
        let Some(taken) = self.tracks.get_mut(&track) else {
            self.tracks.insert(track, Taken { time, best: merit });
            return true;
        };
        let waited = time - taken.time;
        // A hair of tolerance, or frames at exactly the interval's multiples would depend on rounding.
        let due = waited + 1e-6
            >= if merit >= ABOUT_AS_GOOD * taken.best {
                INTERVAL
            } else {
                PATIENCE
            };
        if due {
            *taken = Taken {
                time,
                best: taken.best.max(merit),
            };
        }
        due
    }

    /// Forgets a track that ended.
    pub(crate) fn forget(&mut self, track: u32) {
        self.tracks.remove(&track);
    }
}

#[cfg(test)]
mod tests {
    use overt_vision::Rect;

    use super::*;

    fn face(width: f32) -> Face {
        Face {
            bounds: Rect {
                x: 0.0,
                y: 0.0,
                width,
                height: width * 1.3,
            },
            confidence: 1.0,
            landmarks: None,
        }
    }

    #[test]
    fn an_even_walk_is_probed_five_times_a_second() {
        let mut choice = Choice::default();
        let taken = (0..100)
            .filter(|frame| choice.take(1, f64::from(*frame) / 25.0, &face(80.0)))
            .count();
        assert_eq!(taken, 20);
    }

    #[test]
    fn a_worse_face_waits_longer_and_a_tiny_one_is_never_taken() {
        let mut choice = Choice::default();
        assert!(choice.take(1, 0.0, &face(100.0)));
        assert!(!choice.take(1, 0.3, &face(50.0)));
        assert!(choice.take(1, 0.7, &face(50.0)));
        assert!(!choice.take(2, 0.0, &face(10.0)));
    }

    #[test]
    fn a_forgotten_track_begins_anew() {
        let mut choice = Choice::default();
        assert!(choice.take(1, 0.0, &face(100.0)));
        choice.forget(1);
        assert!(choice.take(1, 0.01, &face(100.0)));
    }
}
