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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::testing::view;

    fn region(x: f32, y: f32, width: f32, height: f32) -> Option<Rect> {
        Some(Rect {
            x,
            y,
            width,
            height,
        })
    }

    /// Sides of the tensor, then left, top and the two steps.
    fn numbers(view: &View, width: u32, height: u32) -> ((usize, usize), [f32; 4]) {
        let placed = view.place(width, height).unwrap();
        (
            (placed.x.side, placed.y.side),
            [
                placed.left,
                placed.top,
                placed.x.step as f32,
                placed.y.step as f32,
            ],
        )
    }

    #[test]
    fn padding_leaves_a_frame_that_fits_as_it_is() {
        let view = view(Fit::PadToMultiple, 1280, 1280);
        assert_eq!(
            numbers(&view, 1280, 720),
            ((1280, 736), [0.0, 0.0, 1.0, 1.0])
        );
        assert_eq!(numbers(&view, 31, 1), ((32, 32), [0.0, 0.0, 1.0, 1.0]));
    }

    #[test]
    fn padding_shrinks_a_frame_that_does_not_fit() {
        let view = view(Fit::PadToMultiple, 640, 640);
        assert_eq!(
            numbers(&view, 1920, 1080),
            ((640, 384), [0.0, 0.0, 3.0, 3.0])
        );
        // 900 · 640 / 1600 = 360; 1,001 rows give 400.4, of which 400 are kept.
        assert_eq!(
            numbers(&view, 1600, 1001),
            ((640, 416), [0.0, 0.0, 2.5, 1001.0 / 400.0])
        );
    }

    #[test]
    fn a_letterboxed_picture_is_centred_and_its_margin_lies_outside_the_region() {
        let mut view = view(Fit::Letterbox, 100, 100);
        assert_eq!(
            numbers(&view, 200, 100),
            ((100, 100), [0.0, -50.0, 2.0, 2.0])
        );
        view.region = region(10.0, 20.0, 25.0, 50.0);
        assert_eq!(
            numbers(&view, 200, 100),
            ((100, 100), [10.0 - 12.5, 20.0, 0.5, 0.5])
        );
    }

    #[test]
    fn a_stretched_picture_has_a_step_for_each_axis() {
        let mut view = view(Fit::Stretch, 100, 50);
        view.region = region(-10.0, 0.5, 200.0, 200.0);
        assert_eq!(
            numbers(&view, 400, 400),
            ((100, 50), [-10.0, 0.5, 2.0, 4.0])
        );
    }

    #[test]
    fn sizes_that_are_nothing_or_too_much_are_bad_views() {
        let bad = |fit, width, height, multiple| {
            let view = View {
                multiple,
                ..view(fit, width, height)
            };
            assert!(
                matches!(view.place(640, 480), Err(FrameError::BadView { .. })),
                "{fit:?} {width} × {height}, {multiple}"
            );
        };
        for fit in [Fit::Stretch, Fit::Letterbox, Fit::PadToMultiple] {
            bad(fit, 0, 10, 1);
            bad(fit, 10, 4097, 1);
            bad(fit, u32::MAX, u32::MAX, 1);
        }
        bad(Fit::PadToMultiple, 640, 640, 0);
        bad(Fit::PadToMultiple, 640, 640, 4097);
        bad(Fit::PadToMultiple, 640, 640, u32::MAX);
        assert!(
            View {
                multiple: 4096,
                ..view(Fit::PadToMultiple, 4096, 4096)
            }
            .place(640, 480)
            .is_ok()
        );
        assert!(
            View {
                multiple: 0,
                ..view(Fit::Stretch, 10, 10)
            }
            .place(640, 480)
            .is_ok(),
            "no other fit looks at it"
        );
    }

    #[test]
    fn a_region_that_is_no_box_is_a_bad_view() {
        let place = |region| {
            View {
                region,
                ..view(Fit::Letterbox, 100, 100)
            }
            .place(640, 480)
        };
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for i in 0..4 {
                let mut numbers = [1.0; 4];
                numbers[i] = bad;
                let [x, y, width, height] = numbers;
                assert!(
                    matches!(
                        place(region(x, y, width, height)),
                        Err(FrameError::BadView { .. })
                    ),
                    "{numbers:?}"
                );
            }
        }
        assert!(matches!(
            place(region(0.0, 0.0, 0.0, 1.0)),
            Err(FrameError::BadView { .. })
        ));
        assert!(matches!(
            place(region(0.0, 0.0, 1.0, -1.0)),
            Err(FrameError::BadView { .. })
        ));
        // A margin whose corner is beyond float32, and a step that is nothing in it.
        let place = |region, width, height| {
            View {
                region,
                ..view(Fit::Letterbox, width, height)
            }
            .place(640, 480)
        };
        assert!(matches!(
            place(region(-3.3e38, -1.0, 3.4e38, 3.4e38), 4096, 1),
            Err(FrameError::BadView { .. })
        ));
        assert!(matches!(
            place(region(1.0, 1.0, 1e-45, 1e-45), 4096, 4096),
            Err(FrameError::BadView { .. })
        ));
    }

    #[test]
    fn a_region_must_touch_the_frame() {
        let place = |x, y, width, height| {
            View {
                region: region(x, y, width, height),
                ..view(Fit::Stretch, 10, 10)
            }
            .place(640, 480)
        };
        let outside = |result| {
            matches!(
                result,
                Err(FrameError::OutsideFrame {
                    width: 640,
                    height: 480,
                    ..
                })
            )
        };
        assert!(outside(place(640.0, 0.0, 10.0, 10.0)));
        assert!(outside(place(-10.0, 0.0, 10.0, 10.0)));
        assert!(outside(place(0.0, 480.0, 10.0, 10.0)));
        assert!(outside(place(0.0, -1e30, 10.0, 10.0)));
        assert!(place(-9.5, 479.5, 10.0, 10.0).is_ok());
    }

    #[test]
    fn no_view_of_any_numbers_makes_a_tensor_over_the_limit_or_panics() {
        let mut random = crate::testing::Numbers(3);
        let extremes = [
            0.0,
            1.0,
            -1.0,
            0.5,
            1e-38,
            1e38,
            -1e38,
            f32::MIN_POSITIVE,
            16_384.0,
            1e7,
            33.3,
        ];
        let mut placed = 0;
        for _ in 0..200_000 {
            let mut any = || {
                if random.below(2) == 0 {
                    extremes[random.below(11) as usize]
                } else {
                    random.between(-100.0, 800.0)
                }
            };
            let region = Some(Rect {
                x: any(),
                y: any(),
                width: any(),
                height: any(),
            });
            let fit = [Fit::Stretch, Fit::Letterbox, Fit::PadToMultiple][random.below(3) as usize];
            let sizes = [1, 2, 31, 640, 4096];
            let mut side = || sizes[random.below(5) as usize];
            let view = View {
                region,
                multiple: side(),
                ..view(fit, side(), side())
            };
            let Ok(Placed { x, y, .. }) = view.place(640, 480) else {
                continue;
            };
            placed += 1;
            for axis in [x, y] {
                assert!(
                    (1..=4096).contains(&axis.side)
                        && axis.content >= 1
                        && axis.before + axis.content <= axis.side,
                    "{view:?}: {axis:?}"
                );
            }
        }
        assert!(placed > 10_000, "{placed} views could be placed");
    }
}
