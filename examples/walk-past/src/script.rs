//! Who crosses when, where and how: the screenplay, and where a face is at each frame. Knows no pixel.

use crate::outlines::{Photograph, photograph};

/// Width of the video in pixels.
pub(crate) const WIDTH: i32 = 1280;
/// Height of the video in pixels.
pub(crate) const HEIGHT: i32 = 720;
/// Frames a second.
pub(crate) const FPS: f64 = 25.0;
/// Length of the video: 28 s.
pub(crate) const FRAMES: u32 = 700;

/// The person who is on the watchlist of the demonstration.
pub(crate) const SOUGHT: &str = "person-a";

/// How deep in the concourse somebody walks. Those who are nearer hide those behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Lane {
    Far,
    Middle,
    Near,
}

impl Lane {
    /// The row of the picture below which a barrier (or the picture's end) hides those who walk there.
    pub(crate) fn hidden_below(self) -> i32 {
        match self {
            Lane::Far => 400,
            Lane::Middle => 545,
            Lane::Near => HEIGHT,
        }
    }
}

/// One person crossing the picture once.
pub(crate) struct Pass {
    pub(crate) photograph: &'static str,
    pub(crate) lane: Lane,
    /// The frame at which the outline touches the picture's edge.
    pub(crate) first_frame: u32,
    /// Pixels a frame; negative walks to the left.
    pub(crate) speed: f64,
    /// Width of the face in pixels, on entering and on leaving.
    pub(crate) face_width: (f64, f64),
    /// Row of the face's centre.
    pub(crate) face_row: f64,
    /// Brightness: 1 is that of the photograph.
    pub(crate) gain: f64,
    /// How far out of focus: standard deviation in pixels.
    pub(crate) blur: f64,
}

/// Three passes of the person sought, from two photographs. In one lane, who comes later in this list is nearer.
#[rustfmt::skip]
pub(crate) const PASSES: &[Pass] = &[
    Pass { photograph: "person-b.jpg",   lane: Lane::Near,   first_frame: 0,   speed: 11.0,  face_width: (175.0, 190.0), face_row: 315.0, gain: 1.0,  blur: 0.0 },
    Pass { photograph: "person-c.png",   lane: Lane::Far,    first_frame: 50,  speed: -4.5,  face_width: (62.0, 70.0), face_row: 250.0, gain: 1.05, blur: 0.9 },
    Pass { photograph: "person-d.jpg",   lane: Lane::Middle, first_frame: 75,  speed: -5.5,  face_width: (112.0, 120.0), face_row: 326.0, gain: 0.75, blur: 0.4 },
    Pass { photograph: "person-a-2.jpg", lane: Lane::Middle, first_frame: 45,  speed: 8.0,   face_width: (112.0, 126.0), face_row: 304.0, gain: 1.0,  blur: 0.6 },
    Pass { photograph: "person-a-3.jpg", lane: Lane::Near,   first_frame: 225, speed: -10.0, face_width: (185.0, 215.0), face_row: 325.0, gain: 1.1,  blur: 0.0 },
    Pass { photograph: "person-b.jpg",   lane: Lane::Middle, first_frame: 330, speed: 8.0,   face_width: (118.0, 108.0), face_row: 300.0, gain: 1.25, blur: 1.0 },
    Pass { photograph: "person-a-3.jpg", lane: Lane::Far,    first_frame: 406, speed: 6.6,   face_width: (68.0, 76.0), face_row: 255.0, gain: 0.7,  blur: 0.7 },
    Pass { photograph: "person-d.jpg",   lane: Lane::Near,   first_frame: 428, speed: 6.6,   face_width: (180.0, 195.0), face_row: 372.0, gain: 0.9,  blur: 0.3 },
    Pass { photograph: "person-c.png",   lane: Lane::Middle, first_frame: 500, speed: 8.6,   face_width: (98.0, 104.0), face_row: 310.0, gain: 1.0,  blur: 0.3 },
];

/// Where a face is: centre and width in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Place {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) face_width: f64,
}

impl Pass {
    /// The photograph; none if the screenplay names one that is not there.
    pub(crate) fn photograph(&self) -> Option<&'static Photograph> {
        photograph(self.photograph)
    }

    /// The largest width of the face on the way, in pixels.
    pub(crate) fn largest_face_width(&self) -> f64 {
        self.face_width.0.max(self.face_width.1)
    }

    /// Where the face is at a frame: nothing before the person comes and after they have gone.
    pub(crate) fn place(&self, photograph: &Photograph, frame: u32) -> Option<Place> {
        let walked = f64::from(frame.checked_sub(self.first_frame)?) * self.speed.abs();
        let [left, _, right, _] = photograph.reach();
        let (ahead, behind) = if self.speed > 0.0 {
            (right, left)
        } else {
            (left, right)
        };
        let way = f64::from(WIDTH) + ahead * self.face_width.0 + behind * self.face_width.1;
        if walked > way {
            return None;
        }
        let face_width = self.face_width.0 + (self.face_width.1 - self.face_width.0) * walked / way;
        let from_entry = walked - ahead * self.face_width.0;
        let x = if self.speed > 0.0 {
            from_entry
        } else {
            f64::from(WIDTH) - from_entry
        };
        // A step is about two and a half faces long; the head rises and falls once a step.
        let steps = walked / (2.5 * face_width);
        let y = self.face_row + 0.03 * face_width * (std::f64::consts::TAU * steps).sin();
        Some(Place { x, y, face_width })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::outlines::PHOTOGRAPHS;

    fn places(pass: &Pass) -> Vec<Place> {
        let photograph = pass.photograph().unwrap();
        (0..FRAMES)
            .filter_map(|frame| pass.place(photograph, frame))
            .collect()
    }

    #[test]
    fn everybody_comes_from_one_edge_and_leaves_over_the_other_before_the_end() {
        for pass in PASSES {
            let photograph = pass.photograph().unwrap();
            let places = places(pass);
            let (first, last) = (places.first().unwrap(), places.last().unwrap());
            let edge = f64::from(WIDTH);
            assert!(first.x < 0.0 || first.x > edge, "{}", pass.photograph);
            assert!(
                (first.x < 0.0) == (last.x > edge) && (last.x < 0.0) == (first.x > edge),
                "{}",
                pass.photograph
            );
            assert_eq!(
                pass.place(photograph, FRAMES - 1),
                None,
                "{}",
                pass.photograph
            );
        }
    }

    #[test]
    fn no_outline_ends_above_the_barrier_that_hides_its_end() {
        for pass in PASSES {
            let [_, _, _, down] = pass.photograph().unwrap().reach();
            for place in places(pass) {
                let end = place.y + down * place.face_width;
                assert!(
                    end >= f64::from(pass.lane.hidden_below()),
                    "{} ends at {end}",
                    pass.photograph
                );
            }
        }
    }

    #[test]
    fn everybody_crosses_and_the_person_sought_does_in_two_photographs_and_three_lanes() {
        for photograph in PHOTOGRAPHS {
            assert!(
                PASSES.iter().any(|pass| pass.photograph == photograph.file),
                "{}",
                photograph.file
            );
        }
        let sought: Vec<_> = PASSES
            .iter()
            .filter(|pass| pass.photograph().unwrap().person == SOUGHT)
            .collect();
        assert_eq!(
            sought.iter().map(|pass| pass.lane).collect::<Vec<_>>(),
            [Lane::Middle, Lane::Near, Lane::Far]
        );
        let photographs: std::collections::HashSet<_> =
            sought.iter().map(|pass| pass.photograph).collect();
        assert_eq!(photographs.len(), 2);
    }

    #[test]
    fn nobody_nearer_hides_the_face_of_the_person_sought() {
        let shown: Vec<_> = PASSES
            .iter()
            .map(|pass| (pass, pass.photograph().unwrap()))
            .collect();
        for (index, (sought, face)) in shown
            .iter()
            .enumerate()
            .filter(|(_, (_, face))| face.person == SOUGHT)
        {
            let nearer = |other: usize, lane: Lane| (lane, other) > (sought.lane, index);
            let others = shown
                .iter()
                .enumerate()
                .filter(|(other, (pass, _))| nearer(*other, pass.lane));
            for (_, (pass, body)) in others {
                // Shoulders are wider than this, but lower than a face beside them.
                let [left, up, right, _] = body.reach();
                let (left, right) = (left.min(0.9), right.min(0.9));
                for frame in 0..FRAMES {
                    let places = (sought.place(face, frame), pass.place(body, frame));
                    let (Some(seen), Some(before)) = places else {
                        continue;
                    };
                    let half = seen.face_width * 0.5;
                    let beside = seen.x + half < before.x - left * before.face_width
                        || seen.x - half > before.x + right * before.face_width;
                    let above = seen.y + 0.7 * seen.face_width < before.y - up * before.face_width;
                    let outside = seen.x + half < 0.0 || seen.x - half > f64::from(WIDTH);
                    assert!(
                        beside || above || outside,
                        "{} hides {} at {frame}",
                        body.file,
                        face.file
                    );
                }
            }
        }
    }
}
