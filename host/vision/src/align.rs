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
        if !(spread.sqrt() > LEAST_SPREAD) {
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
