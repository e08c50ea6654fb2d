//! The components, each with its formula. Every value is 0 (useless) to 100 (best).

use overt_sdk::{Component, Landmarks, Point};

use crate::patch::Patch;

/// The variance of the Laplacian at which `Sharpness` is 50. Measured on the aligned 64 × 64 pictures of the demonstration's photographs, see
/// README.md.
const HALF_SHARP: f32 = 400.0;

/// Pixels of the frame between the eyes from which on more adds nothing.
const EYES_APART: f32 = 60.0;

/// How far the nose lies from the middle of the eyes, in distances between the eyes, in a face turned too far to be recognised.
const NOSE_ASIDE: f32 = 0.5;

/// Mean grey values between which the light is good.
const DARKEST: f32 = 70.0;
const BRIGHTEST: f32 = 185.0;

/// A component's name and value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Measure {
    pub(crate) name: &'static str,
    pub(crate) value: f32,
}

impl Measure {
    pub(crate) fn into_component(self) -> Component {
        Component {
            name: self.name.to_owned(),
            value: self.value,
        }
    }
}

/// All components of a face; the first is `UnifiedQualityScore`, the geometric mean of the four that a recogniser suffers from most,
/// so that one that is useless makes the face useless.
pub(crate) fn all(patch: &Patch, landmarks: &Landmarks) -> Vec<Measure> {
    let decisive = [
        measure("Sharpness", sharpness(patch.laplacian_variance())),
        measure("InterEyeDistance", inter_eye_distance(landmarks)),
        measure("HeadPoseYaw", head_pose_yaw(landmarks)),
        measure("LuminanceMean", luminance_mean(patch.mean())),
    ];
    let product: f32 = decisive.iter().map(|part| part.value / 100.0).product();
    let unified = measure(
        "UnifiedQualityScore",
        100.0 * product.powf(1.0 / decisive.len() as f32),
    );
    let informative = [
        measure("HeadPoseRoll", head_pose_roll(landmarks)),
        measure("DynamicRange", dynamic_range(patch.entropy())),
    ];
    [unified]
        .into_iter()
        .chain(decisive)
        .chain(informative)
        .collect()
}

/// A value outside its range, or none at all, cannot leave here.
fn measure(name: &'static str, value: f32) -> Measure {
    Measure {
        name,
        value: if value.is_nan() {
            0.0
        } else {
            value.clamp(0.0, 100.0)
        },
    }
}

/// 100 · v ÷ (v + [`HALF_SHARP`]), v the variance of the Laplacian.
fn sharpness(variance: f32) -> f32 {
    100.0 * variance / (variance + HALF_SHARP)
}

/// Pixels between the eyes in the frame, in hundredths of [`EYES_APART`].
fn inter_eye_distance(landmarks: &Landmarks) -> f32 {
    let (across, down) = eye_line(landmarks);
    100.0 * across.hypot(down) / EYES_APART
}

/// How far the nose lies aside of the middle of the eyes, along the line through them: 100 in the middle, 0 from [`NOSE_ASIDE`] distances
/// between the eyes on.
fn head_pose_yaw(landmarks: &Landmarks) -> f32 {
    let (across, down) = eye_line(landmarks);
    let squared = across * across + down * down;
    let from_left = from(landmarks.left_eye, landmarks.nose);
    let along = (from_left.0 * across + from_left.1 * down) / squared;
    100.0 * (1.0 - (along - 0.5).abs() / NOSE_ASIDE)
}

/// The squared cosine of the angle between the line through the eyes and the horizontal; 0 where it is over 90°. Alignment turns the face
/// upright again, so it has no say in the whole.
fn head_pose_roll(landmarks: &Landmarks) -> f32 {
    let (across, down) = eye_line(landmarks);
    let cosine = across / across.hypot(down);
    100.0 * cosine.max(0.0).powi(2)
}

/// 100 for a mean grey value from [`DARKEST`] to [`BRIGHTEST`], falling evenly to 0 at black and at white.
fn luminance_mean(mean: f32) -> f32 {
    100.0
        * (mean / DARKEST)
            .min((255.0 - mean) / (255.0 - BRIGHTEST))
            .min(1.0)
}

/// Entropy of the grey values, an eighth of 100 for each bit.
fn dynamic_range(entropy: f32) -> f32 {
    12.5 * entropy
}

fn eye_line(landmarks: &Landmarks) -> (f32, f32) {
    from(landmarks.left_eye, landmarks.right_eye)
}

fn from(start: Point, end: Point) -> (f32, f32) {
    (end.x - start.x, end.y - start.y)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Eyes 60 pixels apart; the nose so many pixels right of their middle.
    fn face(nose_aside: f32) -> Landmarks {
        let point = |x, y| Point { x, y };
        Landmarks {
            left_eye: point(100.0, 100.0),
            right_eye: point(160.0, 100.0),
            nose: point(130.0 + nose_aside, 135.0),
            left_mouth: point(105.0, 170.0),
            right_mouth: point(155.0, 170.0),
        }
    }

    /// A chessboard of two grey values around the middle.
    fn chess(middle: f32, contrast: f32) -> Patch {
        let values = (0..64 * 64).map(|index| {
            let light = (index / 64 + index % 64) % 2 == 0;
            middle
                + if light {
                    contrast / 2.0
                } else {
                    -contrast / 2.0
                }
        });
        Patch::new(values.collect(), 64)
    }

    fn value(name: &str, patch: &Patch, landmarks: &Landmarks) -> f32 {
        let all = all(patch, landmarks);
        all.iter()
            .find(|measure| measure.name == name)
            .unwrap()
            .value
    }

    #[test]
    fn a_frontal_sharp_large_bright_face_is_good_in_all_that_counts() {
        let patch = chess(128.0, 60.0);
        let all = all(&patch, &face(0.0));
        let unified = all[0];
        assert_eq!(unified.name, "UnifiedQualityScore");
        assert!(unified.value > 95.0, "{all:?}");
    }

    #[test]
    fn a_face_that_is_useless_in_one_way_is_useless() {
        let flat = chess(128.0, 0.0);
        assert_eq!(value("Sharpness", &flat, &face(0.0)), 0.0);
        assert_eq!(value("UnifiedQualityScore", &flat, &face(0.0)), 0.0);
        let turned = face(30.0);
        assert_eq!(
            value("UnifiedQualityScore", &chess(128.0, 60.0), &turned),
            0.0
        );
        assert_eq!(
            value("UnifiedQualityScore", &chess(255.0, 0.0), &face(0.0)),
            0.0
        );
    }

    #[test]
    fn turning_the_head_either_way_costs_the_same() {
        let patch = chess(128.0, 60.0);
        let yaw = |aside| value("HeadPoseYaw", &patch, &face(aside));
        assert_eq!(yaw(0.0), 100.0);
        assert!((yaw(15.0) - 50.0).abs() < 1e-3);
        assert!((yaw(-15.0) - 50.0).abs() < 1e-3);
        assert_eq!(yaw(70.0), 0.0);
    }

    #[test]
    fn a_head_on_its_side_keeps_its_yaw_and_loses_its_roll() {
        let upright = face(15.0);
        let turned = upright.points().map(|point| Point {
            x: -point.y,
            y: point.x,
        });
        let lying = Landmarks::from_points(turned);
        let patch = chess(128.0, 60.0);
        assert!((value("HeadPoseYaw", &patch, &lying) - 50.0).abs() < 1e-3);
        assert!(value("HeadPoseRoll", &patch, &lying) < 1e-3);
        assert_eq!(value("HeadPoseRoll", &patch, &upright), 100.0);
    }

    #[test]
    fn the_distance_between_the_eyes_counts_up_to_its_best() {
        let shrunk = |factor: f32| {
            Landmarks::from_points(face(0.0).points().map(|point| Point {
                x: point.x * factor,
                y: point.y * factor,
            }))
        };
        let patch = chess(128.0, 60.0);
        let distance = |factor| value("InterEyeDistance", &patch, &shrunk(factor));
        assert_eq!(distance(0.5), 50.0);
        assert_eq!(distance(1.0), 100.0);
        assert_eq!(distance(3.0), 100.0);
    }

    #[test]
    fn the_dark_and_the_glaring_lose_light() {
        let light = |middle| value("LuminanceMean", &chess(middle, 0.0), &face(0.0));
        assert_eq!(light(35.0), 50.0);
        assert_eq!(light(70.0), 100.0);
        assert_eq!(light(185.0), 100.0);
        assert_eq!(light(220.0), 50.0);
        assert_eq!(light(0.0), 0.0);
    }

    #[test]
    fn eyes_in_one_place_or_nowhere_give_zeros_and_no_nonsense() {
        let patch = chess(128.0, 60.0);
        for point in [
            Point { x: 5.0, y: 5.0 },
            Point {
                x: f32::NAN,
                y: 5.0,
            },
        ] {
            let nowhere = Landmarks::from_points([point; 5]);
            for measure in all(&patch, &nowhere) {
                assert!((0.0..=100.0).contains(&measure.value), "{measure:?}");
            }
            assert_eq!(value("UnifiedQualityScore", &patch, &nowhere), 0.0);
        }
    }
}
