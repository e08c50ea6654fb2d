//! The similarity transform that brings five landmarks of a face onto a template: S. Umeyama, "Least-squares estimation of transformation
//! parameters between two point patterns", IEEE TPAMI 13(4), 1991, in its closed form for two dimensions. Knows no pixels.
//!
//! **The half pixel.** The template and the transforms of its published users (InsightFace's `norm_crop`: scikit-image's
//! `SimilarityTransform`, then OpenCV's `warpAffine`) count pixels by their index: the first pixel's centre is (0, 0). The contract's landmarks count
//! from the pixel's corner: its centre is (0.5, 0.5). So half a pixel is taken off the landmarks, and the result is the
//! index-to-index transform that `warpAffine` wants. Other sizes multiply the template by size ÷ 112, as `norm_crop` does, without a shift.

use crate::geometry::{Landmarks, Point};
use crate::view::Template;

/// Left eye, right eye, nose, left and right corner of the mouth in a picture of 112 × 112, by pixel index. From InsightFace
/// (`insightface/utils/face_align.py`), which aligned the training data of the ArcFace family with it.
const ARCFACE: [(f64, f64); 5] = [
    (38.2946, 51.6963),
    (73.5318, 51.5014),
    (56.0252, 71.7366),
    (41.5493, 92.3655),
    (70.7299, 92.2041),
];

/// The side of the picture that the template is made for.
const ARCFACE_SIDE: f64 = 112.0;

/// Landmarks that spread less than this many pixels (root of the summed squared distances from their mean) are one point.
const LEAST_SPREAD: f64 = 1e-3;

/// Rotation, uniform scale and translation: x' = a·x − b·y + x0, y' = b·x + a·y + y0, from frame to template, by pixel index.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Similarity {
    pub(crate) a: f64,
    pub(crate) b: f64,
    pub(crate) x0: f64,
    pub(crate) y0: f64,
}

impl Similarity {
    /// The transform that brings these landmarks onto the template with the least sum of squared distances; a reflection is not among
    /// those tried. Nothing where the landmarks are not finite, coincide, or fit no template better than a point.
    pub(crate) fn of(landmarks: &Landmarks, template: Template, size: u32) -> Option<Similarity> {
        let Template::Arcface = template;
        let points = landmarks.points();
        if !points.iter().all(Point::is_finite) {
            return None;
        }
        let ratio = f64::from(size) / ARCFACE_SIDE;
        let from = points.map(|p| (f64::from(p.x) - 0.5, f64::from(p.y) - 0.5));
        let onto = ARCFACE.map(|(x, y)| (x * ratio, y * ratio));
        let ((from_x, from_y), (onto_x, onto_y)) = (mean(&from), mean(&onto));

        // With points as complex numbers around their means: (a + ib) = Σ conj(from)·onto ÷ Σ |from|².
        let (mut spread, mut same, mut turned) = (0.0, 0.0, 0.0);
        for ((px, py), (qx, qy)) in from.into_iter().zip(onto) {
            let (px, py, qx, qy) = (px - from_x, py - from_y, qx - onto_x, qy - onto_y);
            spread += px * px + py * py;
            same += px * qx + py * qy;
            turned += px * qy - py * qx;
        }
        if spread.is_nan() || spread.sqrt() <= LEAST_SPREAD {
            return None;
        }
        let (a, b) = (same / spread, turned / spread);
        let similarity = Similarity {
            a,
            b,
            x0: onto_x - a * from_x + b * from_y,
            y0: onto_y - b * from_x - a * from_y,
        };
        // Landmarks so far apart, or so evenly against the template, that the face is a point give no transform that could be inverted.
        let invertible =
            similarity.determinant().is_normal() && (a * a + b * b).sqrt() > f64::EPSILON;
        (invertible && similarity.x0.is_finite() && similarity.y0.is_finite()).then_some(similarity)
    }

    fn determinant(&self) -> f64 {
        self.a * self.a + self.b * self.b
    }

    /// The rows of the matrix, frame to template.
    pub(crate) fn rows(&self) -> [[f64; 3]; 2] {
        [[self.a, -self.b, self.x0], [self.b, self.a, self.y0]]
    }
}

fn mean(points: &[(f64, f64); 5]) -> (f64, f64) {
    let n = points.len() as f64;
    (
        points.iter().map(|p| p.0).sum::<f64>() / n,
        points.iter().map(|p| p.1).sum::<f64>() / n,
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::testing::Numbers;

    fn landmarks(points: [(f64, f64); 5]) -> Landmarks {
        let [left_eye, right_eye, nose, left_mouth, right_mouth] = points.map(|(x, y)| Point {
            x: x as f32,
            y: y as f32,
        });
        Landmarks {
            left_eye,
            right_eye,
            nose,
            left_mouth,
            right_mouth,
        }
    }

    fn apply(s: &Similarity, (x, y): (f64, f64)) -> (f64, f64) {
        let [[a, b, c], [d, e, f]] = s.rows();
        (a * x + b * y + c, d * x + e * y + f)
    }

    /// Sum of squared distances from where the transform brings the landmarks (by pixel index) to the template.
    fn cost(s: &Similarity, points: &[(f64, f64); 5], ratio: f64) -> f64 {
        let distance = |(p, q): (&(f64, f64), &(f64, f64))| {
            let (x, y) = apply(s, *p);
            (x - q.0 * ratio).powi(2) + (y - q.1 * ratio).powi(2)
        };
        points.iter().zip(&ARCFACE).map(distance).sum()
    }

    #[test]
    fn landmarks_on_the_template_need_no_transform_but_the_half_pixel() {
        let there = landmarks(ARCFACE.map(|(x, y)| (x + 0.5, y + 0.5)));
        let s = Similarity::of(&there, Template::Arcface, 112).unwrap();
        for (found, wanted) in [(s.a, 1.0), (s.b, 0.0), (s.x0, 0.0), (s.y0, 0.0)] {
            assert!((found - wanted).abs() < 1e-5, "{s:?}");
        }
        let double = Similarity::of(&there, Template::Arcface, 224).unwrap();
        assert!(
            (double.a - 2.0).abs() < 1e-5 && double.x0.abs() < 1e-4,
            "{double:?}"
        );
    }

    #[test]
    fn a_turned_scaled_and_shifted_template_is_turned_back() {
        let (scale, angle, dx, dy) = (2.5f64, 0.7f64, 40.0, -13.0);
        let moved = ARCFACE.map(|(x, y)| {
            (
                scale * (angle.cos() * x - angle.sin() * y) + dx + 0.5,
                scale * (angle.sin() * x + angle.cos() * y) + dy + 0.5,
            )
        });
        let s = Similarity::of(&landmarks(moved), Template::Arcface, 112).unwrap();
        for ((x, y), wanted) in moved.iter().zip(ARCFACE) {
            let found = apply(&s, (x - 0.5, y - 0.5));
            assert!(
                (found.0 - wanted.0).abs() < 1e-4 && (found.1 - wanted.1).abs() < 1e-4,
                "{found:?} {wanted:?}"
            );
        }
    }

    #[test]
    fn no_similarity_nearby_fits_better() {
        let mut random = Numbers(11);
        for size in [16, 112, 512] {
            let ratio = f64::from(size) / ARCFACE_SIDE;
            for _ in 0..50 {
                let points = [(); 5].map(|()| {
                    (
                        f64::from(random.between(0.0, 300.0)),
                        f64::from(random.between(0.0, 300.0)),
                    )
                });
                let given = landmarks(points.map(|(x, y)| (x + 0.5, y + 0.5)));
                let best = Similarity::of(&given, Template::Arcface, size).unwrap();
                let least = cost(&best, &points, ratio);
                for step in [1e-3, -1e-3] {
                    let near = |da, db, dx, dy| Similarity {
                        a: best.a + da,
                        b: best.b + db,
                        x0: best.x0 + dx,
                        y0: best.y0 + dy,
                    };
                    for other in [
                        near(step, 0.0, 0.0, 0.0),
                        near(0.0, step, 0.0, 0.0),
                        near(0.0, 0.0, step, 0.0),
                        near(0.0, 0.0, 0.0, step),
                    ] {
                        assert!(
                            cost(&other, &points, ratio) > least,
                            "{other:?} fits better than {best:?}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn a_mirrored_face_is_not_mirrored_back() {
        let mirrored = landmarks(ARCFACE.map(|(x, y)| (112.0 - x, y)));
        let s = Similarity::of(&mirrored, Template::Arcface, 112).unwrap();
        assert!(s.determinant() > 0.0);
        // The eyes are still in the order of the picture that came in.
        assert!(
            apply(&s, (112.0 - ARCFACE[0].0, ARCFACE[0].1)).0
                > apply(&s, (112.0 - ARCFACE[1].0, ARCFACE[1].1)).0
        );
    }

    #[test]
    fn landmarks_without_an_alignment_have_none() {
        let none = |points| Similarity::of(&landmarks(points), Template::Arcface, 112).is_none();
        assert!(none([(5.0, 5.0); 5]));
        assert!(none([
            (f64::NAN, 5.0),
            (1.0, 2.0),
            (3.0, 4.0),
            (5.0, 6.0),
            (7.0, 8.0)
        ]));
        assert!(none([
            (f64::INFINITY, 5.0),
            (1.0, 2.0),
            (3.0, 4.0),
            (5.0, 6.0),
            (7.0, 8.0)
        ]));
        assert!(
            none([
                (0.0, 0.0),
                (0.0001, 0.0),
                (0.0, 0.0001),
                (0.0, 0.0),
                (0.0, 0.0)
            ]),
            "a tenth of a thousandth of a pixel"
        );
        let huge = landmarks([
            (1e38, -1e38),
            (-1e38, 1e38),
            (1e38, 1e38),
            (0.0, 0.0),
            (-1e38, -1e38),
        ]);
        assert!(
            Similarity::of(&huge, Template::Arcface, 112).is_none_or(|s| s
                .rows()
                .as_flattened()
                .iter()
                .all(|n| n.is_finite()))
        );
    }
}
