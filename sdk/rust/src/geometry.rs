//! Arithmetic on the contract's points and boxes. Types and units are those of `wit/geometry.wit`; no frame and no model is known
//! here.

pub use crate::bindings::imports::overt::algorithm::geometry::{Face, Landmarks, Point, Rect};

impl Rect {
    /// The box of this size around a centre.
    pub fn around(centre: Point, width: f32, height: f32) -> Rect {
        Rect {
            x: centre.x - width / 2.0,
            y: centre.y - height / 2.0,
            width,
            height,
        }
    }

    /// The box between its upper left and its lower right corner.
    pub fn between(upper_left: Point, lower_right: Point) -> Rect {
        Rect {
            x: upper_left.x,
            y: upper_left.y,
            width: lower_right.x - upper_left.x,
            height: lower_right.y - upper_left.y,
        }
    }

    /// The middle of the box.
    pub fn centre(&self) -> Point {
        Point {
            x: self.x + self.width / 2.0,
            y: self.y + self.height / 2.0,
        }
    }

    /// Square pixels.
    pub fn area(&self) -> f32 {
        self.width * self.height
    }

    /// Intersection over union with another box, 0 to 1; 0 where either has no area.
    pub fn overlap(&self, other: &Rect) -> f32 {
        let width = (self.x + self.width).min(other.x + other.width) - self.x.max(other.x);
        let height = (self.y + self.height).min(other.y + other.height) - self.y.max(other.y);
        if width <= 0.0 || height <= 0.0 {
            return 0.0;
        }
        let shared = width * height;
        shared / (self.area() + other.area() - shared)
    }

    /// Whether every number is finite and both sides are greater than zero.
    pub fn is_valid(&self) -> bool {
        [self.x, self.y, self.width, self.height]
            .iter()
            .all(|value| value.is_finite())
            && self.width > 0.0
            && self.height > 0.0
    }
}

impl Landmarks {
    /// Left eye, right eye, nose, left and right corner of the mouth.
    pub fn from_points(points: [Point; 5]) -> Landmarks {
        let [left_eye, right_eye, nose, left_mouth, right_mouth] = points;
        Landmarks {
            left_eye,
            right_eye,
            nose,
            left_mouth,
            right_mouth,
        }
    }

    /// The points in the order of [`Landmarks::from_points`].
    pub fn points(&self) -> [Point; 5] {
        [
            self.left_eye,
            self.right_eye,
            self.nose,
            self.left_mouth,
            self.right_mouth,
        ]
    }
}

impl Face {
    /// The face as the contract wants it in a frame of `width` × `height` pixels, or nothing where its box has no size, is not finite, or
    /// is centred outside the frame. The confidence is brought into 0 to 1 (NaN counts as 0); landmarks that are not finite, or not all within
    /// twice the box, are left out.
    pub fn within_frame(mut self, width: u32, height: u32) -> Option<Face> {
        let centre = self.bounds.centre();
        let inside =
            (0.0..width as f32).contains(&centre.x) && (0.0..height as f32).contains(&centre.y);
        if !self.bounds.is_valid() || !inside {
            return None;
        }
        if self.confidence.is_nan() {
            self.confidence = 0.0;
        }
        self.confidence = self.confidence.clamp(0.0, 1.0);
        let near = |point: Point| {
            (point.x - centre.x).abs() <= self.bounds.width
                && (point.y - centre.y).abs() <= self.bounds.height
        };
        self.landmarks = self
            .landmarks
            .filter(|marks| marks.points().into_iter().all(near));
        Some(self)
    }
}

/// Leaves of faces that lie over one another the most confident: highest first, a face goes where its overlap with one that stays is
/// over `most_overlap` (0 to 1). Equal confidences keep their order. Faces whose confidence is NaN go.
pub fn keep_best(mut faces: Vec<Face>, most_overlap: f32) -> Vec<Face> {
    faces.retain(|face| !face.confidence.is_nan());
    faces.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    let mut kept: Vec<Face> = Vec::with_capacity(faces.len());
    for face in faces {
        let stays = kept
            .iter()
            .all(|other| other.bounds.overlap(&face.bounds) <= most_overlap);
        if stays {
            kept.push(face);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn face(x: f32, y: f32, width: f32, height: f32, confidence: f32) -> Face {
        Face {
            bounds: Rect {
                x,
                y,
                width,
                height,
            },
            confidence,
            landmarks: None,
        }
    }

    #[test]
    fn boxes_that_share_half_of_each_overlap_by_a_third() {
        let left = face(0.0, 0.0, 10.0, 10.0, 1.0).bounds;
        let right = face(5.0, 0.0, 10.0, 10.0, 1.0).bounds;
        assert!((left.overlap(&right) - 1.0 / 3.0).abs() < 1e-6);
    }

    #[test]
    fn a_box_is_the_same_by_its_corners_and_by_its_centre() {
        let point = |x, y| Point { x, y };
        let by_corners = Rect::between(point(2.0, 3.0), point(6.0, 11.0));
        assert_eq!(by_corners, Rect::around(point(4.0, 7.0), 4.0, 8.0));
    }

    #[test]
    fn boxes_that_only_touch_do_not_overlap() {
        let left = face(0.0, 0.0, 10.0, 10.0, 1.0).bounds;
        assert_eq!(left.overlap(&face(10.0, 0.0, 10.0, 10.0, 1.0).bounds), 0.0);
    }

    #[test]
    fn of_faces_over_one_another_the_most_confident_stays() {
        let kept = keep_best(
            vec![
                face(0.0, 0.0, 10.0, 10.0, 0.6),
                face(1.0, 0.0, 10.0, 10.0, 0.9),
                face(40.0, 0.0, 10.0, 10.0, 0.5),
            ],
            0.3,
        );
        let confidences: Vec<f32> = kept.iter().map(|face| face.confidence).collect();
        assert_eq!(confidences, [0.9, 0.5]);
    }

    #[test]
    fn a_face_without_a_number_for_confidence_is_dropped() {
        assert!(keep_best(vec![face(0.0, 0.0, 1.0, 1.0, f32::NAN)], 0.3).is_empty());
    }

    #[test]
    fn a_face_centred_outside_the_frame_is_refused() {
        assert!(
            face(95.0, 0.0, 10.0, 10.0, 1.0)
                .within_frame(100, 100)
                .is_none()
        );
        assert!(
            face(94.0, 0.0, 10.0, 10.0, 1.0)
                .within_frame(100, 100)
                .is_some()
        );
        assert!(
            face(-6.0, 0.0, 10.0, 10.0, 1.0)
                .within_frame(100, 100)
                .is_none()
        );
    }

    #[test]
    fn a_box_without_size_or_number_is_refused() {
        assert!(
            face(5.0, 5.0, 0.0, 10.0, 1.0)
                .within_frame(100, 100)
                .is_none()
        );
        assert!(
            face(5.0, 5.0, f32::INFINITY, 10.0, 1.0)
                .within_frame(100, 100)
                .is_none()
        );
        assert!(
            face(f32::NAN, 5.0, 1.0, 10.0, 1.0)
                .within_frame(100, 100)
                .is_none()
        );
    }

    #[test]
    fn a_confidence_is_brought_into_its_range() {
        let within = |confidence| {
            face(5.0, 5.0, 10.0, 10.0, confidence)
                .within_frame(100, 100)
                .unwrap()
                .confidence
        };
        assert_eq!(within(1.2), 1.0);
        assert_eq!(within(-0.2), 0.0);
        assert_eq!(within(f32::NAN), 0.0);
    }

    #[test]
    fn landmarks_far_from_their_box_are_left_out() {
        let at = |x| Some(Landmarks::from_points([Point { x, y: 10.0 }; 5]));
        let mut near = face(5.0, 5.0, 10.0, 10.0, 1.0);
        near.landmarks = at(19.9);
        assert!(near.within_frame(100, 100).unwrap().landmarks.is_some());
        near.landmarks = at(20.1);
        assert!(near.within_frame(100, 100).unwrap().landmarks.is_none());
        near.landmarks = at(f32::NAN);
        assert!(near.within_frame(100, 100).unwrap().landmarks.is_none());
    }
}
