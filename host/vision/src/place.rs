//! Where a view's region comes to lie in its tensor: the arithmetic of the three fits, and the checks of a view's numbers. Knows no pixels.

use crate::frame::{FrameError, bad_view};
use crate::geometry::Rect;
use crate::sample::Axis;
use crate::view::{Fit, View};

/// Most pixels of a tensor's side.
const MOST_VIEW_SIDE: u32 = 4096;

/// A view that fits its frame.
#[derive(Debug, PartialEq)]
pub(crate) struct Placed {
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    /// The frame's x of the tensor's left edge.
    pub(crate) left: f32,
    /// The frame's y of the tensor's top edge.
    pub(crate) top: f32,
}

impl View {
    /// Checks the view's sizes and region, and lays the region out. Mean, scale and element are checked elsewhere.
    ///
    /// # Errors
    /// `BadView`, `OutsideFrame`.
    pub(crate) fn place(&self, width: u32, height: u32) -> Result<Placed, FrameError> {
        let sides = 1..=MOST_VIEW_SIDE;
        if !sides.contains(&self.width) || !sides.contains(&self.height) {
            return Err(bad_view(format!(
                "a size of {} × {}, not 1 to {MOST_VIEW_SIDE} pixels",
                self.width, self.height
            )));
        }
        let whole = Rect {
            x: 0.0,
            y: 0.0,
            width: width as f32,
            height: height as f32,
        };
        let region = self.region.unwrap_or(whole);
        if !region.is_finite() || region.width <= 0.0 || region.height <= 0.0 {
            return Err(bad_view(format!(
                "a region of {} × {} at ({}, {})",
                region.width, region.height, region.x, region.y
            )));
        }
        let [x, y, region_width, region_height] =
            [region.x, region.y, region.width, region.height].map(f64::from);
        let touches =
            |start: f64, length: f64, side: u32| start < f64::from(side) && start + length > 0.0;
        if !touches(x, region_width, width) || !touches(y, region_height, height) {
            return Err(FrameError::OutsideFrame {
                x,
                y,
                region_width,
                region_height,
                width,
                height,
            });
        }

        let across = Side {
            start: x,
            length: region_width,
            wanted: f64::from(self.width),
        };
        let down = Side {
            start: y,
            length: region_height,
            wanted: f64::from(self.height),
        };
        // Output pixels to a frame pixel, the same on both axes.
        let ratio = (across.wanted / across.length).min(down.wanted / down.length);
        let (x, y) = match self.fit {
            Fit::Stretch => (across.filled(across.wanted), down.filled(down.wanted)),
            Fit::Letterbox => (across.centred(ratio), down.centred(ratio)),
            Fit::PadToMultiple if self.multiple == 0 => return Err(bad_view("a multiple of 0")),
            Fit::PadToMultiple => (
                across.padded(ratio, self.multiple)?,
                down.padded(ratio, self.multiple)?,
            ),
        };
        let corner = |axis: &Axis| (axis.start - axis.before as f64 * axis.step) as f32;
        let placed = Placed {
            left: corner(&x),
            top: corner(&y),
            x,
            y,
        };
        let numbers = [
            placed.left,
            placed.top,
            placed.x.step as f32,
            placed.y.step as f32,
        ];
        // A step that f32 rounds to 0 would lead every column to the same place.
        if numbers.iter().all(|n| n.is_finite()) && numbers[2] > 0.0 && numbers[3] > 0.0 {
            Ok(placed)
        } else {
            Err(bad_view(format!(
                "a region of {region_width} × {region_height}, which no tensor's pixels can be traced back to"
            )))
        }
    }
}

/// One axis of a region: where it starts, how long it is, and how many pixels were asked for.
struct Side {
    start: f64,
    length: f64,
    wanted: f64,
}

impl Side {
    fn axis(&self, content: f64, before: f64, side: f64) -> Axis {
        Axis {
            start: self.start,
            step: self.length / content,
            content: content as usize,
            before: before as usize,
            side: side as usize,
        }
    }

    /// The region fills all of `side` pixels.
    fn filled(&self, side: f64) -> Axis {
        self.axis(side, 0.0, side)
    }

    /// Whole pixels, at least one; where they are odd, the pixel left over comes after the picture.
    fn centred(&self, ratio: f64) -> Axis {
        let content = (self.length * ratio).round().clamp(1.0, self.wanted);
        self.axis(
            content,
            ((self.wanted - content) / 2.0).floor(),
            self.wanted,
        )
    }

    fn padded(&self, ratio: f64, multiple: u32) -> Result<Axis, FrameError> {
        // Not enlarged: a region that fits keeps its pixels, and a fraction of a pixel at its end is left to the last one.
        let content = (self.length * ratio.min(1.0))
            .round()
            .min(self.length.floor())
            .clamp(1.0, self.wanted);
        let multiple = f64::from(multiple);
        let side = (content / multiple).ceil() * multiple;
        if side > f64::from(MOST_VIEW_SIDE) {
            return Err(bad_view(format!(
                "{content} pixels padded to a multiple of {multiple} are over {MOST_VIEW_SIDE}"
            )));
        }
        Ok(self.axis(content, 0.0, side))
    }
}
