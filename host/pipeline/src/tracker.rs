//! Joins the detections of one passer-by on one camera: ByteTrack (Zhang et al., 2022) over boxes. No picture and no template is used, and
//! no number outlives the track or crosses cameras.

use overt_vision::Face;
use trackforge::trackers::byte_track::{ByteTrack, ByteTrackParams};
use trackforge::trackers::common::CommonParams;

use crate::way::TrackSpan;

/// Seconds after which a passer-by who is not seen has left.
const LOST_AFTER: f64 = 0.8;

/// A hair of tolerance: times are sequence numbers divided by a rate.
const ROUNDING: f64 = 1e-6;

/// Whether so many seconds between two frames part a passer-by from who stood there before.
pub(crate) fn parts(gap: f64) -> bool {
    gap > LOST_AFTER + ROUNDING
}

/// Frames in which a passer-by has to be seen to count. A single false detection is then nobody.
const LEAST_SIGHTINGS: u32 = 3;

/// A passer-by who is in view.
struct Known {
    id: u64,
    sightings: u32,
    first_frame: u32,
    first_time: f64,
    last_frame: u32,
    last_time: f64,
    /// The track's public number, given once it counts.
    number: Option<u32>,
}

/// A camera's tracker.
pub(crate) struct Tracker {
    tracker: ByteTrack,
    parameters: ByteTrackParams,
    known: Vec<Known>,
    last_time: f64,
    numbers: u32,
}

/// What a frame changed.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Step {
    /// Faces that belong to a track that counts: index into the frame's faces, and the track.
    pub(crate) seen: Vec<(usize, TrackSpan)>,
    /// Tracks that ended.
    pub(crate) ended: Vec<TrackSpan>,
}

impl Known {
    fn span(&self) -> Option<TrackSpan> {
        Some(TrackSpan {
            track: self.number?,
            first_frame: self.first_frame,
            last_frame: self.last_frame,
            first_time: self.first_time,
            last_time: self.last_time,
        })
    }
}

impl Tracker {
    /// A tracker for a camera of so many frames a second.
    pub(crate) fn new(fps: f64) -> Tracker {
        let fps = if fps.is_finite() && fps > 0.0 {
            fps
        } else {
            25.0
        };
        let lost_after_frames = (LOST_AFTER * fps).round().clamp(2.0, 250.0) as u32;
        let parameters = ByteTrackParams {
            common: CommonParams {
                max_age: lost_after_frames as usize,
                min_hits: LEAST_SIGHTINGS as usize,
            },
            // The detector's own threshold decides what a face is; here they only rank.
            track_thresh: 0.5,
            det_thresh: 0.5,
            // Faces are small and move by a large part of their size from frame to frame: an overlap of a tenth is enough.
            match_thresh: 0.9,
            second_match_thresh: 0.7,
        };
        Tracker {
            tracker: ByteTrack::from_params(parameters),
            parameters,
            known: Vec::new(),
            last_time: f64::NEG_INFINITY,
            numbers: 0,
        }
    }

    /// Tracks that counted so far.
    pub(crate) fn tracks(&self) -> u32 {
        self.numbers
    }

    /// Takes a frame's faces. A frame that nobody saw is given as no faces: time goes on.
    pub(crate) fn step(&mut self, sequence: u32, time: f64, faces: &[Face]) -> Step {
        let detections = faces
            .iter()
            .map(|face| {
                (
                    [
                        face.bounds.x,
                        face.bounds.y,
                        face.bounds.width,
                        face.bounds.height,
                    ],
                    face.confidence,
                    0,
                )
            })
            .collect();
        let mut step = Step::default();
        if parts(time - self.last_time) {
            // The camera was away: whoever stands there now need not be who stood there then. ByteTrack counts frames and cannot know.
            step.ended
                .extend(self.known.drain(..).filter_map(|known| known.span()));
            self.tracker = ByteTrack::from_params(self.parameters);
        }
        self.last_time = time;
        for track in self.tracker.update(detections) {
            let Some(face) = track.det_ind.filter(|face| *face < faces.len()) else {
                continue;
            };
            let position = self
                .known
                .iter()
                .position(|known| known.id == track.track_id);
            let position = position.unwrap_or_else(|| {
                self.known.push(Known {
                    id: track.track_id,
                    sightings: 0,
                    first_frame: sequence,
                    first_time: time,
                    last_frame: sequence,
                    last_time: time,
                    number: None,
                });
                self.known.len() - 1
            });
            let known = &mut self.known[position];
            known.sightings += 1;
            known.last_frame = sequence;
            known.last_time = time;
            if known.sightings >= LEAST_SIGHTINGS && known.number.is_none() {
                self.numbers += 1;
                known.number = Some(self.numbers);
            }
            step.seen.extend(known.span().map(|span| (face, span)));
        }
        step.seen.sort_by_key(|(face, _)| *face);
        self.known.retain(|known| {
            let stays = !parts(time - known.last_time);
            if !stays {
                step.ended.extend(known.span());
            }
            stays
        });
        step
    }

    /// The tracks that are open when the camera ends.
    pub(crate) fn finish(self) -> Vec<TrackSpan> {
        self.known.iter().filter_map(Known::span).collect()
    }
}

#[cfg(test)]
mod tests {
    use overt_vision::Rect;

    use super::*;

    fn face(x: f32, y: f32) -> Face {
        Face {
            bounds: Rect {
                x,
                y,
                width: 60.0,
                height: 80.0,
            },
            confidence: 0.9,
            landmarks: None,
        }
    }

    /// Tracks that count, by the frames in which they were seen.
    fn walk(frames: impl IntoIterator<Item = Vec<Face>>) -> (Vec<Vec<u32>>, Vec<TrackSpan>) {
        let mut tracker = Tracker::new(25.0);
        let (mut seen, mut ended) = (Vec::new(), Vec::new());
        for (sequence, faces) in frames.into_iter().enumerate() {
            let step = tracker.step(sequence as u32, sequence as f64 / 25.0, &faces);
            seen.push(step.seen.iter().map(|(_, span)| span.track).collect());
            ended.extend(step.ended);
        }
        ended.extend(tracker.finish());
        (seen, ended)
    }

    #[test]
    fn one_passer_by_is_one_track() {
        let (seen, ended) = walk((0..100).map(|frame| vec![face(frame as f32 * 12.0, 100.0)]));
        assert!(seen[2..].iter().all(|tracks| tracks == &[1]), "{seen:?}");
        assert_eq!(ended.len(), 1);
        assert_eq!((ended[0].first_frame, ended[0].last_frame), (0, 99));
    }

    #[test]
    fn a_gap_shorter_than_the_limit_does_not_split_a_track_and_a_longer_one_does() {
        let with_gap = |gap: std::ops::Range<usize>| {
            walk((0..120).map(|frame| {
                if gap.contains(&frame) {
                    vec![]
                } else {
                    vec![face(100.0 + frame as f32, 100.0)]
                }
            }))
            .1
            .len()
        };
        assert_eq!(with_gap(40..50), 1);
        assert_eq!(with_gap(40..80), 2);
    }

    #[test]
    fn nobody_is_carried_over_a_time_in_which_the_camera_was_away() {
        let mut tracker = Tracker::new(25.0);
        let mut ended = Vec::new();
        for sequence in 0..20u32 {
            // Frame 10 comes five seconds after frame 9, with somebody at the very same place.
            let time = f64::from(sequence) / 25.0 + if sequence < 10 { 0.0 } else { 5.0 };
            ended.extend(tracker.step(sequence, time, &[face(100.0, 100.0)]).ended);
        }
        assert_eq!((ended.len(), ended[0].last_frame), (1, 9));
        assert_eq!(tracker.tracks(), 2);
        assert_eq!(tracker.finish().len(), 1);
    }

    #[test]
    fn dropped_frames_do_not_split_a_track() {
        let mut tracker = Tracker::new(25.0);
        for sequence in (0..100u32).step_by(4) {
            let step = tracker.step(
                sequence,
                f64::from(sequence) / 25.0,
                &[face(sequence as f32 * 3.0, 100.0)],
            );
            assert!(step.ended.is_empty());
        }
        assert_eq!(tracker.tracks(), 1);
    }

    #[test]
    fn two_people_side_by_side_are_two_tracks_in_the_order_of_their_faces() {
        let (seen, ended) = walk((0..50).map(|frame| {
            vec![
                face(frame as f32 * 8.0, 50.0),
                face(900.0 - frame as f32 * 8.0, 400.0),
            ]
        }));
        assert_eq!(seen[10], [1, 2]);
        assert_eq!(ended.len(), 2);
    }

    #[test]
    fn a_single_false_detection_is_nobody() {
        let (seen, ended) = walk((0..60).map(|frame| {
            if frame == 20 {
                vec![face(300.0, 300.0)]
            } else {
                vec![]
            }
        }));
        assert!(seen.iter().all(Vec::is_empty));
        assert!(ended.is_empty());
    }
}
