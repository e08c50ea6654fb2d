//! Tensors of a view.

use super::*;
use crate::geometry::Rect;
use crate::tensor::Element;
use crate::testing::{Numbers, noise, view};
use crate::view::Fit;

fn tensor(frame: &Frame, view: &View) -> Viewed {
    frame.tensor(view, &Budget::new(UNLIMITED)).unwrap()
}

#[test]
fn padding_a_frame_that_fits_copies_its_pixels() {
    let frame = noise(45, 33);
    let viewed = tensor(&frame, &view(Fit::PadToMultiple, 64, 64));
    assert_eq!(viewed.tensor.shape(), [1, 3, 64, 64]);
    assert_eq!(
        (viewed.left, viewed.top, viewed.x_step, viewed.y_step),
        (0.0, 0.0, 1.0, 1.0)
    );
    let values = viewed.tensor.as_f32s().unwrap();
    for (channel, y, x) in
        (0..3).flat_map(|c| (0..64).flat_map(move |y| (0..64).map(move |x| (c, y, x))))
    {
        let inside = x < 45 && y < 33;
        let wanted = if inside {
            frame.bgr()[(y * 45 + x) * 3 + 2 - channel]
        } else {
            0
        };
        assert_eq!(
            values[(channel * 64 + y) * 64 + x],
            f32::from(wanted),
            "channel {channel}, row {y}, column {x}"
        );
    }
}

#[test]
fn what_is_beyond_the_frame_is_zero_before_mean_and_scale() {
    let frame = frame(4, 4, |_, _| [200, 200, 200]);
    let region = Some(Rect {
        x: -2.0,
        y: -2.0,
        width: 8.0,
        height: 8.0,
    });
    let view = View {
        region,
        mean: [127.5; 3],
        scale: [2.0; 3],
        channels: Channels::Grey,
        ..view(Fit::Stretch, 8, 8)
    };
    let viewed = tensor(&frame, &view);
    assert_eq!((viewed.left, viewed.top), (-2.0, -2.0));
    for (at, value) in viewed.tensor.as_f32s().unwrap().iter().enumerate() {
        let inside = (2..6).contains(&(at % 8)) && (2..6).contains(&(at / 8));
        assert_eq!(*value, if inside { 145.0 } else { -255.0 }, "at {at}");
    }
}

/// The heart of the contract: every pixel of a tensor shows the place in the frame that `Viewed` says it shows.
#[test]
fn every_pixel_of_a_view_shows_the_place_that_its_numbers_say() {
    // Steep, so that a shift of half a pixel is twice what rounding can be.
    let (width, height, rise) = (62, 50, 4);
    let frame = slope(width, height, rise);
    let mut random = Numbers(42);
    let mut seen = 0;
    for round in 0..300 {
        let whole_numbers = random.below(3) == 0;
        let mut number = |least, most| {
            if whole_numbers {
                random.between(least, most).round()
            } else {
                random.between(least, most)
            }
        };
        let region = Rect {
            x: number(-20.0, 50.0),
            y: number(-20.0, 40.0),
            width: number(8.0, 90.0),
            height: number(8.0, 90.0),
        };
        let region = (round % 5 != 0).then_some(region);
        let fit = [Fit::Stretch, Fit::Letterbox, Fit::PadToMultiple][round % 3];
        let view = View {
            region,
            channels: Channels::Bgr,
            ..view(
                fit,
                8 + random.below(130) as u32,
                8 + random.below(130) as u32,
            )
        };
        let viewed = match frame.tensor(&view, &Budget::new(UNLIMITED)) {
            Err(FrameError::OutsideFrame { .. }) => continue,
            made => made.unwrap(),
        };
        let &[_, _, rows, columns] = viewed.tensor.shape() else {
            panic!("four dimensions")
        };
        let values = viewed.tensor.as_f32s().unwrap();
        // A place nearer to the edge than this is continued from the edge's pixel, or from the last block that is whole.
        let (margin_x, margin_y) = (2.0 * viewed.x_step.max(1.0), 2.0 * viewed.y_step.max(1.0));
        for (row, column) in (0..rows).flat_map(|r| (0..columns).map(move |c| (r, c))) {
            let x = viewed.left + (column as f32 + 0.5) * viewed.x_step;
            let y = viewed.top + (row as f32 + 0.5) * viewed.y_step;
            let [blue, green] =
                [0, 1].map(|channel| values[(channel * rows + row) * columns + column]);
            // Letterboxing and padding fill with black, though a frame may go on there.
            let outside = |r: Rect| {
                x < r.x - 0.01 || y < r.y - 0.01 || x > r.right() + 0.01 || y > r.bottom() + 0.01
            };
            let whole = Rect {
                x: 0.0,
                y: 0.0,
                width: width as f32,
                height: height as f32,
            };
            if outside(whole) || outside(region.unwrap_or(whole)) {
                assert_eq!(
                    (blue, green),
                    (0.0, 0.0),
                    "round {round}, row {row}, column {column} is beyond: {view:?}"
                );
            } else if x > margin_x
                && y > margin_y
                && x < width as f32 - margin_x
                && y < height as f32 - margin_y
            {
                seen += 1;
                // Averages are rounded, and then the result; warps know 32 places between two pixels.
                let near = |found: f32, at: f32| (found - (at - 0.5) * rise as f32).abs() < 1.4;
                let steps = (viewed.x_step, viewed.y_step);
                let inner = |r: Rect| {
                    x > r.x + margin_x
                        && y > r.y + margin_y
                        && x < r.right() - margin_x
                        && y < r.bottom() - margin_y
                };
                if inner(region.unwrap_or(whole)) {
                    assert!(
                        near(blue, x),
                        "round {round}: blue {blue} at x {x}, steps {steps:?}: {view:?}"
                    );
                    assert!(
                        near(green, y),
                        "round {round}: green {green} at y {y}, steps {steps:?}: {view:?}"
                    );
                }
            }
        }
    }
    assert!(seen > 30_000, "{seen} pixels were looked at");
}

#[test]
fn shrinking_leaves_no_pixel_out() {
    // Stripes of one pixel: whoever takes every second pixel sees black or white, and never the grey that it is.
    let frame = frame(256, 256, |x, _| if x % 2 == 0 { [255; 3] } else { [0; 3] });
    for side in [128, 100, 64, 50, 32, 7] {
        let viewed = tensor(&frame, &view(Fit::Stretch, side, side));
        for value in viewed.tensor.as_f32s().unwrap() {
            assert!((value - 127.5).abs() < 45.0, "{value} at a side of {side}");
        }
    }
    let viewed = tensor(&frame, &view(Fit::Stretch, 128, 128));
    assert!(
        viewed
            .tensor
            .as_f32s()
            .unwrap()
            .iter()
            .all(|value| (value - 127.5).abs() <= 0.5),
        "whole blocks are averaged exactly"
    );
}

#[test]
fn enlarging_darkens_no_border() {
    let frame = frame(3, 3, |_, _| [90, 90, 90]);
    let viewed = tensor(&frame, &view(Fit::Stretch, 64, 48));
    assert!(
        viewed
            .tensor
            .as_f32s()
            .unwrap()
            .iter()
            .all(|value| *value == 90.0)
    );
    let region = Some(Rect {
        x: 0.25,
        y: 0.25,
        width: 2.75,
        height: 2.75,
    });
    let viewed = tensor(
        &frame,
        &View {
            region,
            ..view(Fit::Stretch, 64, 48)
        },
    );
    assert!(
        viewed
            .tensor
            .as_f32s()
            .unwrap()
            .iter()
            .all(|value| *value == 90.0),
        "nor where the region is no whole pixels"
    );
}

#[test]
fn a_frame_of_one_pixel_fills_any_view() {
    let frame = frame(1, 1, |_, _| [10, 20, 30]);
    for fit in [Fit::Stretch, Fit::Letterbox] {
        let viewed = tensor(
            &frame,
            &View {
                channels: Channels::Bgr,
                ..view(fit, 16, 16)
            },
        );
        assert_eq!(viewed.x_step, 1.0 / 16.0);
        let planes: Vec<f32> = viewed
            .tensor
            .as_f32s()
            .unwrap()
            .chunks(256)
            .map(|plane| plane.iter().sum::<f32>() / 256.0)
            .collect();
        assert_eq!(planes, [10.0, 20.0, 30.0]);
    }
    let padded = tensor(
        &frame,
        &View {
            channels: Channels::Grey,
            ..view(Fit::PadToMultiple, 4096, 4096)
        },
    );
    assert_eq!(padded.tensor.shape(), [1, 1, 32, 32]);
    assert_eq!(
        padded.tensor.as_f32s().unwrap().iter().sum::<f32>(),
        f32::from(luma(&[10, 20, 30]))
    );
}

#[test]
fn frames_of_sixteen_megapixels_and_of_the_longest_side_are_seen_whole() {
    let large = frame(4800, 3600, |x, y| [(x / 20) as u8, (y / 20) as u8, 7]);
    let viewed = tensor(
        &large,
        &View {
            channels: Channels::Bgr,
            ..view(Fit::PadToMultiple, 640, 640)
        },
    );
    assert_eq!(
        (viewed.tensor.shape(), viewed.x_step),
        (&[1, 3, 480, 640][..], 7.5)
    );
    let values = viewed.tensor.as_f32s().unwrap();
    assert!(
        (values[639] - 239.0).abs() <= 1.0 && (values[2 * 480 * 640 - 1] - 179.0).abs() <= 1.0,
        "the last column and the last row"
    );
    for (width, height) in [(MOST_SIDE, 1), (1, MOST_SIDE)] {
        let long = frame(width, height, |_, _| [50; 3]);
        let viewed = tensor(&long, &view(Fit::Letterbox, 300, 300));
        assert_eq!(
            viewed
                .tensor
                .as_f32s()
                .unwrap()
                .iter()
                .filter(|v| **v == 50.0)
                .count(),
            3 * 300,
            "a line of one pixel's width"
        );
    }
}

#[test]
fn a_region_of_any_size_costs_no_more_than_the_frame_and_the_tensor() {
    let frame = noise(64, 64);
    let region = Some(Rect {
        x: -1e30,
        y: -1e30,
        width: 2e30,
        height: 2e30,
    });
    let viewed = tensor(
        &frame,
        &View {
            region,
            ..view(Fit::Stretch, 32, 32)
        },
    );
    assert!(
        viewed
            .tensor
            .as_f32s()
            .unwrap()
            .iter()
            .all(|value| *value == 0.0),
        "the frame is less than a pixel of it"
    );
    let region = Some(Rect {
        x: -1e6,
        y: -1e6,
        width: 2e6 + 64.0,
        height: 2e6 + 64.0,
    });
    let viewed = tensor(
        &frame,
        &View {
            region,
            ..view(Fit::Stretch, 1, 1)
        },
    );
    assert!(
        (viewed.tensor.as_f32s().unwrap()[0] - 127.5).abs() < 10.0,
        "all of the frame, averaged, in the pixel of its centre"
    );
}

#[test]
fn no_view_of_any_numbers_makes_a_frame_panic() {
    let frames = [noise(1, 1), noise(2, 300), noise(301, 3), noise(67, 53)];
    let mut random = Numbers(77);
    let mut made = 0;
    for round in 0..10_000 {
        let frame = &frames[round % 4];
        let extremes = [
            -0.5, -1e-7, 0.0, 1e-7, 0.5, 1.0, 2.0, 299.5, 301.0, 1e5, -1e5, 1e30,
        ];
        let mut any = || {
            if random.below(2) == 0 {
                extremes[random.below(12) as usize]
            } else {
                random.between(-30.0, 400.0)
            }
        };
        let region = Some(Rect {
            x: any(),
            y: any(),
            width: any().abs(),
            height: any().abs(),
        });
        let fit = [Fit::Stretch, Fit::Letterbox, Fit::PadToMultiple][random.below(3) as usize];
        let mut side = || [1, 2, 3, 31, 100, 150][random.below(6) as usize];
        let view = View {
            region,
            multiple: side(),
            ..view(fit, side(), side())
        };
        match frame.tensor(&view, &Budget::new(UNLIMITED)) {
            Ok(_) => made += 1,
            Err(FrameError::BadView { .. } | FrameError::OutsideFrame { .. }) => {}
            Err(other) => panic!("{other}: {view:?}"),
        }
    }
    assert!(made > 1_000, "{made} tensors were made");
}

#[test]
fn the_budget_is_asked_before_a_tensor_is_made() {
    let frame = noise(64, 64);
    let bytes = 3 * 64 * 64 * 4;
    let budget = Budget::new(bytes - 1);
    assert_eq!(
        frame
            .tensor(&view(Fit::Stretch, 64, 64), &budget)
            .unwrap_err(),
        FrameError::OverBudget(OverBudget {
            wanted: bytes,
            left: bytes - 1
        })
    );
    assert!(
        frame
            .tensor(
                &View {
                    element: Element::Float16,
                    ..view(Fit::Stretch, 64, 64)
                },
                &budget
            )
            .is_ok()
    );
}
