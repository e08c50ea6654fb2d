//! Points, boxes and faces, in the unit and origin of `wit/geometry.wit`: pixels of the full frame, from the top-left corner of
//! the top-left pixel, so that the first pixel is centred on (0.5, 0.5). Knows no frame and no limit.

/// A position in a frame, pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Grows to the right.
    pub x: f32,
    /// Grows down.
    pub y: f32,
}

impl Point {
    /// Neither coordinate is NaN or infinite.
    pub fn is_finite(&self) -> bool {
        self.x.is_finite() && self.y.is_finite()
    }
}

/// An axis-parallel box: the half-open ranges [x, x + width) and [y, y + height), pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rect {
    /// The left edge.
    pub x: f32,
    /// The top edge.
    pub y: f32,
    /// Greater than zero in a valid box.
    pub width: f32,
    /// Greater than zero in a valid box.
    pub height: f32,
}

impl Rect {
    /// Width times height, square pixels.
    pub fn area(&self) -> f32 {
        self.width * self.height
    }

    /// The point in the middle.
    pub fn centre(&self) -> Point {
        Point {
            x: self.x + self.width / 2.0,
            y: self.y + self.height / 2.0,
        }
    }

    /// The edge at x + width.
    pub fn right(&self) -> f32 {
        self.x + self.width
    }

    /// The edge at y + height.
    pub fn bottom(&self) -> f32 {
        self.y + self.height
    }

    /// No number of it is NaN or infinite.
    pub fn is_finite(&self) -> bool {
        self.x.is_finite()
            && self.y.is_finite()
            && self.width.is_finite()
            && self.height.is_finite()
    }

    /// Intersection over union (Jaccard index), 0 to 1: 1 for equal boxes, 0 for boxes that do not overlap, are empty or hold NaN.
    pub fn iou(&self, other: &Rect) -> f32 {
        let width = self.right().min(other.right()) - self.x.max(other.x);
        let height = self.bottom().min(other.bottom()) - self.y.max(other.y);
        // `min` and `max` pass over NaN.
        if !(self.is_finite() && other.is_finite() && width > 0.0 && height > 0.0) {
            return 0.0;
        }
        let shared = width * height;
        let whole = self.area() + other.area() - shared;
        if whole > 0.0 {
            (shared / whole).clamp(0.0, 1.0)
        } else {
            0.0
        }
    }
}

/// Five points of a face. Left and right are those of the picture, not of the person.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Landmarks {
    /// The eye further left in the picture of an upright face.
    pub left_eye: Point,
    /// The eye further right.
    pub right_eye: Point,
    /// The tip of the nose.
    pub nose: Point,
    /// The corner of the mouth further left.
    pub left_mouth: Point,
    /// The corner of the mouth further right.
    pub right_mouth: Point,
}

impl Landmarks {
    /// Left eye, right eye, nose, left and right corner of the mouth: the order of five-point templates.
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

/// One face that a detector found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Face {
    /// The box around the face; it may reach beyond the frame.
    pub bounds: Rect,
    /// How sure the detector is that this is a face, 0 to 1.
    pub confidence: f32,
    /// Absent where the detector gives none.
    pub landmarks: Option<Landmarks>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rect(x: f32, y: f32, width: f32, height: f32) -> Rect {
        Rect {
            x,
            y,
            width,
            height,
        }
    }

    #[test]
    fn the_overlap_of_two_boxes_is_intersection_over_union() {
        let a = rect(0.0, 0.0, 10.0, 10.0);
        assert_eq!(a.iou(&a), 1.0);
        assert_eq!(a.iou(&rect(5.0, 0.0, 10.0, 10.0)), 50.0 / 150.0);
        assert_eq!(
            a.iou(&rect(10.0, 0.0, 10.0, 10.0)),
            0.0,
            "boxes that only touch share nothing"
        );
    }

    #[test]
    fn the_overlap_with_a_nonsense_box_is_zero() {
        let a = rect(0.0, 0.0, 10.0, 10.0);
        for b in [
            rect(f32::NAN, 0.0, 1.0, 1.0),
            rect(2.0, 2.0, -1.0, -1.0),
            rect(0.0, 0.0, 0.0, 0.0),
            rect(0.0, f32::INFINITY, 1.0, 1.0),
        ] {
            assert_eq!(a.iou(&b), 0.0, "{b:?}");
            assert_eq!(b.iou(&a), 0.0, "{b:?}");
        }
    }

    #[test]
    fn edges_and_centre_follow_from_origin_and_size() {
        let a = rect(2.0, 3.0, 4.0, 6.0);
        assert_eq!((a.right(), a.bottom(), a.area()), (6.0, 9.0, 24.0));
        assert_eq!(a.centre(), Point { x: 4.0, y: 6.0 });
        assert!(a.is_finite() && !rect(0.0, 0.0, f32::NAN, 1.0).is_finite());
    }
}
