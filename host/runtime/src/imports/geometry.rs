//! The interface `geometry`: types alone. The conversions to the host's own types.

use overt_vision as vision;

use crate::contract::imports::geometry::{Face, Host, Landmarks, Point, Rect};
use crate::sandbox::Call;

impl Host for Call {}

fn point(point: Point) -> vision::Point {
    vision::Point {
        x: point.x,
        y: point.y,
    }
}

fn guest_point(point: vision::Point) -> Point {
    Point {
        x: point.x,
        y: point.y,
    }
}

impl From<Rect> for vision::Rect {
    fn from(rect: Rect) -> vision::Rect {
        vision::Rect {
            x: rect.x,
            y: rect.y,
            width: rect.width,
            height: rect.height,
        }
    }
}

impl From<vision::Rect> for Rect {
    fn from(rect: vision::Rect) -> Rect {
        Rect {
            x: rect.x,
            y: rect.y,
            width: rect.width,
            height: rect.height,
        }
    }
}

impl From<Landmarks> for vision::Landmarks {
    fn from(landmarks: Landmarks) -> vision::Landmarks {
        vision::Landmarks {
            left_eye: point(landmarks.left_eye),
            right_eye: point(landmarks.right_eye),
            nose: point(landmarks.nose),
            left_mouth: point(landmarks.left_mouth),
            right_mouth: point(landmarks.right_mouth),
        }
    }
}

impl From<vision::Landmarks> for Landmarks {
    fn from(landmarks: vision::Landmarks) -> Landmarks {
        Landmarks {
            left_eye: guest_point(landmarks.left_eye),
            right_eye: guest_point(landmarks.right_eye),
            nose: guest_point(landmarks.nose),
            left_mouth: guest_point(landmarks.left_mouth),
            right_mouth: guest_point(landmarks.right_mouth),
        }
    }
}

impl From<Face> for vision::Face {
    fn from(face: Face) -> vision::Face {
        vision::Face {
            bounds: face.bounds.into(),
            confidence: face.confidence,
            landmarks: face.landmarks.map(Into::into),
        }
    }
}

impl From<vision::Face> for Face {
    fn from(face: vision::Face) -> Face {
        Face {
            bounds: face.bounds.into(),
            confidence: face.confidence,
            landmarks: face.landmarks.map(Into::into),
        }
    }
}
