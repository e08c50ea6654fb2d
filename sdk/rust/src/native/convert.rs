//! Between the contract's records and those of `overt-vision`, which have the same meaning.

use overt_vision as vision;

use crate::{
    Alignment, Channels, Element, Face, Fit, FrameError, InferenceError, Landmarks, Layout, Peak,
    PixelError, Point, Port, Rect, Template, TensorError, View,
};

pub(super) fn view(view: View) -> vision::View {
    vision::View {
        region: view.region.map(rect),
        width: view.width,
        height: view.height,
        fit: match view.fit {
            Fit::Stretch => vision::Fit::Stretch,
            Fit::Letterbox => vision::Fit::Letterbox,
            Fit::PadToMultiple => vision::Fit::PadToMultiple,
        },
        multiple: view.multiple,
        layout: layout(view.layout),
        element: element(view.element),
        channels: channels(view.channels),
        mean: view.mean.into(),
        scale: view.scale.into(),
    }
}

pub(super) fn alignment(alignment: Alignment) -> vision::Alignment {
    vision::Alignment {
        template: match alignment.template {
            Template::Arcface => vision::Template::Arcface,
        },
        size: alignment.size,
        layout: layout(alignment.layout),
        element: element(alignment.element),
        channels: channels(alignment.channels),
        mean: alignment.mean.into(),
        scale: alignment.scale.into(),
    }
}

pub(super) fn landmarks(landmarks: Landmarks) -> vision::Landmarks {
    vision::Landmarks {
        left_eye: point(landmarks.left_eye),
        right_eye: point(landmarks.right_eye),
        nose: point(landmarks.nose),
        left_mouth: point(landmarks.left_mouth),
        right_mouth: point(landmarks.right_mouth),
    }
}

impl From<vision::Face> for Face {
    fn from(face: vision::Face) -> Face {
        let back = |point: vision::Point| Point {
            x: point.x,
            y: point.y,
        };
        Face {
            bounds: Rect {
                x: face.bounds.x,
                y: face.bounds.y,
                width: face.bounds.width,
                height: face.bounds.height,
            },
            confidence: face.confidence,
            landmarks: face
                .landmarks
                .map(|marks| Landmarks::from_points(marks.points().map(back))),
        }
    }
}

impl From<Face> for vision::Face {
    fn from(face: Face) -> vision::Face {
        vision::Face {
            bounds: rect(face.bounds),
            confidence: face.confidence,
            landmarks: face.landmarks.map(landmarks),
        }
    }
}

fn rect(rect: Rect) -> vision::Rect {
    vision::Rect {
        x: rect.x,
        y: rect.y,
        width: rect.width,
        height: rect.height,
    }
}

fn point(point: Point) -> vision::Point {
    vision::Point {
        x: point.x,
        y: point.y,
    }
}

fn layout(layout: Layout) -> vision::Layout {
    match layout {
        Layout::Planar => vision::Layout::Planar,
        Layout::Interleaved => vision::Layout::Interleaved,
    }
}

pub(super) fn channels(channels: Channels) -> vision::Channels {
    match channels {
        Channels::Rgb => vision::Channels::Rgb,
        Channels::Bgr => vision::Channels::Bgr,
        Channels::Grey => vision::Channels::Grey,
    }
}

pub(super) fn element(element: Element) -> vision::Element {
    match element {
        Element::Float32 => vision::Element::Float32,
        Element::Float16 => vision::Element::Float16,
        Element::Uint8 => vision::Element::Uint8,
        Element::Int32 => vision::Element::Int32,
        Element::Int64 => vision::Element::Int64,
    }
}

pub(super) fn element_back(element: vision::Element) -> Element {
    match element {
        vision::Element::Float32 => Element::Float32,
        vision::Element::Float16 => Element::Float16,
        vision::Element::Uint8 => Element::Uint8,
        vision::Element::Int32 => Element::Int32,
        vision::Element::Int64 => Element::Int64,
    }
}

pub(super) fn peak(peak: vision::Peak) -> Peak {
    Peak {
        row: peak.row,
        column: peak.column,
        value: peak.value,
    }
}

pub(super) fn port(port: &vision::Port) -> Port {
    Port {
        name: port.name.clone(),
        element: element_back(port.element),
        shape: port.shape.clone(),
    }
}

pub(super) fn frame_error(error: vision::FrameError) -> FrameError {
    match error {
        vision::FrameError::OutsideFrame { .. } => FrameError::OutsideFrame,
        vision::FrameError::BadLandmarks { .. } => FrameError::BadLandmarks,
        vision::FrameError::OverBudget(_) => FrameError::OverBudget,
        vision::FrameError::TooMany { .. } => FrameError::TooMany,
        // The contract has no word for a fault of OpenCV's own; that no picture could be made of the view is the nearest.
        vision::FrameError::BadView { .. }
        | vision::FrameError::BadSize { .. }
        | vision::FrameError::Failed { .. } => FrameError::BadView,
    }
}

pub(super) fn pixel_error(error: vision::FrameError) -> PixelError {
    match error {
        vision::FrameError::TooMany { .. } | vision::FrameError::OverBudget(_) => {
            PixelError::TooMany
        }
        _ => PixelError::OutsideFrame,
    }
}

pub(super) fn tensor_error(error: vision::TensorError) -> TensorError {
    match error {
        vision::TensorError::BadShape { .. } => TensorError::BadShape,
        vision::TensorError::OutOfRange { .. } => TensorError::OutOfRange,
        vision::TensorError::WrongElement(_) => TensorError::WrongElement,
        vision::TensorError::OverBudget(_) => TensorError::OverBudget,
        vision::TensorError::TooMany { .. } => TensorError::TooMany,
    }
}

pub(super) fn inference_error(error: vision::InferenceError) -> InferenceError {
    match error {
        vision::InferenceError::BadInput { .. } => InferenceError::BadInput,
        vision::InferenceError::OverBudget(_) => InferenceError::OverBudget,
        // No deadline is given natively.
        vision::InferenceError::Deadline { .. } => InferenceError::Failed,
        // Nor is a plugin told in the sandbox: its call ends.
        vision::InferenceError::OverMemory(_)
        | vision::InferenceError::Library { .. }
        | vision::InferenceError::NoDevice { .. }
        | vision::InferenceError::DeviceFailed { .. }
        | vision::InferenceError::NoPrecision { .. }
        | vision::InferenceError::BadModel { .. }
        | vision::InferenceError::Failed { .. } => InferenceError::Failed,
    }
}
