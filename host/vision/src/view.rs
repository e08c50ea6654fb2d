//! What a tensor is to be made of, with the meaning of `wit/frames.wit`. Plain data: the checks stand where it is used.

use crate::geometry::Rect;
use crate::tensor::{Element, Tensor};

/// How a region becomes a picture of the wanted size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// Exactly `width` × `height`; the ratio may change.
    Stretch,
    /// The ratio stays; the picture is centred and the rest is filled with zeros (before mean and scale).
    Letterbox,
    /// The ratio stays; the picture is shrunk, never enlarged, to lie within `width` × `height`, and filled with zeros to the right and
    /// below until both sides are multiples of `multiple`.
    PadToMultiple,
}

/// The order of a tensor's dimensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// [n, channels, height, width].
    Planar,
    /// [n, height, width, channels].
    Interleaved,
}

/// The colours of a tensor or of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channels {
    /// Red, green, blue.
    Rgb,
    /// Blue, green, red.
    Bgr,
    /// ITU-R BT.601 luma, one channel.
    Grey,
}

impl Channels {
    /// 3, or 1 for grey.
    pub fn count(self) -> usize {
        match self {
            Channels::Rgb | Channels::Bgr => 3,
            Channels::Grey => 1,
        }
    }
}

/// What a tensor is to be made of. Each value is (pixel − mean) × scale, per channel in the order of `channels` (grey uses the
/// first), from pixels of 0 to 255. With uint8, mean must be 0 and scale 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// Absent: the whole frame. What reaches beyond the frame is zeros.
    pub region: Option<Rect>,
    /// 1 to 4,096 pixels.
    pub width: u32,
    /// 1 to 4,096 pixels.
    pub height: u32,
    /// How the region fills width × height.
    pub fit: Fit,
    /// Used by [`Fit::PadToMultiple`] alone; 1 or more. The padded sides must not exceed 4,096.
    pub multiple: u32,
    /// The order of dimensions; the batch is 1.
    pub layout: Layout,
    /// Float32, float16 or uint8.
    pub element: Element,
    /// The colours and their order.
    pub channels: Channels,
    /// Subtracted from 0 to 255.
    pub mean: [f32; 3],
    /// Multiplied afterwards.
    pub scale: [f32; 3],
}

/// A tensor, and how to get from its picture back to the frame: x = left + column × x_step, y = top + row × y_step.
///
/// `column` and `row` are positions in the tensor's picture, counted as everywhere in the contract: from the top-left *corner* of
/// its first pixel, which is centred on (0.5, 0.5). So an untouched frame has left = top = 0 and both steps 1; the centre of the tensor's pixel
/// i lies at left + (i + 0.5) × x_step; and a letterboxed picture has a negative left or top.
#[derive(Debug)]
pub struct Viewed {
    /// [1, channels, rows, columns] or [1, rows, columns, channels].
    pub tensor: Tensor,
    /// The frame's x of the tensor's left edge.
    pub left: f32,
    /// The frame's y of the tensor's top edge.
    pub top: f32,
    /// Frame pixels to a column.
    pub x_step: f32,
    /// Frame pixels to a row.
    pub y_step: f32,
}

/// Where the five points of an aligned face come to lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Template {
    /// The ArcFace template for 112 × 112; other sizes scale it. See `align.rs` for its numbers and the half pixel.
    Arcface,
}

/// What aligned faces are made of; the fields as in [`View`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Alignment {
    /// Where the points come to lie.
    pub template: Template,
    /// Side of the square, 16 to 512 pixels.
    pub size: u32,
    /// The order of dimensions; the batch is the number of faces.
    pub layout: Layout,
    /// Float32, float16 or uint8.
    pub element: Element,
    /// The colours and their order.
    pub channels: Channels,
    /// Subtracted from 0 to 255.
    pub mean: [f32; 3],
    /// Multiplied afterwards.
    pub scale: [f32; 3],
}
