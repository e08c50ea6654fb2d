//! What a frame gives, measured against pictures whose right answer is known, and what it refuses.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::geometry::{Point, Rect};
use crate::tensor::Element;
use crate::testing::{Numbers, frame, info, noise, view};
use crate::view::{Fit, Layout, Template};

const UNLIMITED: u64 = u64::MAX;

fn tensor(frame: &Frame, view: &View) -> Viewed {
    frame.tensor(view, &Budget::new(UNLIMITED)).unwrap()
}

/// A frame whose value is known between pixels too: blue grows by `rise` a column, green by `rise` a row, red falls by half of both.
fn slope(width: u32, height: u32, rise: u32) -> Frame {
    assert!(width * rise <= 250 && height * rise <= 250);
    frame(width, height, |x, y| {
        [
            (x * rise) as u8,
            (y * rise) as u8,
            250 - ((x + y) * rise / 2) as u8,
        ]
    })
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
    let faces = [face_at(30.0, 30.0); 2];
    let aligned = frame.aligned(
        &faces,
        &alignment(112),
        &Budget::new(2 * 3 * 112 * 112 * 4 - 1),
    );
    assert!(matches!(aligned, Err(FrameError::OverBudget(_))));
}

#[test]
fn a_frame_has_a_size_that_its_pixels_fill() {
    let from =
        |width, height, bytes: usize| Frame::from_bgr(info(), width, height, &vec![0; bytes]);
    assert!(from(2, 3, 18).is_ok());
    for (width, height, bytes) in [
        (2, 3, 17),
        (2, 3, 19),
        (0, 3, 0),
        (3, 0, 0),
        (MOST_SIDE + 1, 1, (MOST_SIDE as usize + 1) * 3),
        (u32::MAX, u32::MAX, 3),
    ] {
        let refused = from(width, height, bytes).unwrap_err();
        assert_eq!(
            refused,
            FrameError::BadSize {
                width,
                height,
                bytes: bytes as u64
            }
        );
    }
    let frame = from(2, 3, 18).unwrap();
    assert_eq!(
        (
            frame.width(),
            frame.height(),
            frame.sequence(),
            frame.captured_at()
        ),
        (2, 3, 7, 0.28)
    );
    assert_eq!(&**frame.camera(), "gate");
}

#[test]
fn a_region_of_pixels_is_what_the_frame_holds_there() {
    let frame = noise(9, 7);
    let at = |x: usize, y: usize| -> [u8; 3] { frame.bgr().as_chunks::<3>().0[y * 9 + x] };
    let places = (2..6).flat_map(|y| (3..8).map(move |x| (x, y)));
    let bgr: Vec<u8> = places.clone().flat_map(|(x, y)| at(x, y)).collect();
    let rgb: Vec<u8> = places
        .clone()
        .flat_map(|(x, y)| at(x, y).into_iter().rev())
        .collect();
    let grey: Vec<u8> = places.map(|(x, y)| luma(&at(x, y))).collect();
    assert_eq!(frame.region(3, 2, 5, 4, Channels::Bgr).unwrap(), bgr);
    assert_eq!(frame.region(3, 2, 5, 4, Channels::Rgb).unwrap(), rgb);
    assert_eq!(frame.region(3, 2, 5, 4, Channels::Grey).unwrap(), grey);
    assert_eq!(
        frame.region(0, 0, 9, 7, Channels::Bgr).unwrap(),
        frame.bgr()
    );
}

#[test]
fn a_region_of_pixels_beyond_the_frame_or_the_limit_is_refused() {
    let frame = noise(9, 7);
    for (x, y, width, height) in [
        (5, 0, 5, 1),
        (0, 7, 1, 1),
        (0, 0, 0, 1),
        (0, 0, 1, 0),
        (u32::MAX, 0, 2, 1),
        (1, 1, u32::MAX, u32::MAX),
    ] {
        let refused = frame.region(x, y, width, height, Channels::Bgr);
        assert!(
            matches!(refused, Err(FrameError::OutsideFrame { .. })),
            "{x} {y} {width} {height}"
        );
    }
    let large = Frame::from_bgr(info(), 2048, 1024, &vec![9; 2048 * 1024 * 3]).unwrap();
    assert_eq!(
        large
            .region(0, 0, 2048, 1024, Channels::Grey)
            .unwrap()
            .len(),
        2 << 20
    );
    let refused = large.region(0, 0, 2048, 1024, Channels::Rgb).unwrap_err();
    assert_eq!(
        refused,
        FrameError::TooMany {
            asked: 6 << 20,
            most: MOST_REGION_BYTES
        }
    );
}

// Aligned faces.

/// The template by pixel index, as `wit/frames.wit` gives it, with more digits.
const TEMPLATE: [(f32, f32); 5] = [
    (38.2946, 51.6963),
    (73.5318, 51.5014),
    (56.0252, 71.7366),
    (41.5493, 92.3655),
    (70.7299, 92.2041),
];

fn landmarks(points: [(f32, f32); 5]) -> Landmarks {
    let [left_eye, right_eye, nose, left_mouth, right_mouth] = points.map(|(x, y)| Point { x, y });
    Landmarks {
        left_eye,
        right_eye,
        nose,
        left_mouth,
        right_mouth,
    }
}

/// A face whose aligned picture is the frame's own pixels from (x, y) on.
fn face_at(x: f32, y: f32) -> Landmarks {
    landmarks(TEMPLATE.map(|(tx, ty)| (tx + x + 0.5, ty + y + 0.5)))
}

fn alignment(size: u32) -> Alignment {
    Alignment {
        template: Template::Arcface,
        size,
        layout: Layout::Planar,
        element: Element::Float32,
        channels: Channels::Bgr,
        mean: [0.0; 3],
        scale: [1.0; 3],
    }
}

#[test]
fn a_face_that_lies_on_the_template_is_cut_out_pixel_by_pixel() {
    let frame = noise(200, 180);
    let faces = [
        face_at(0.0, 0.0),
        face_at(61.0, 37.0),
        face_at(-20.0, 100.0),
    ];
    let aligned = frame
        .aligned(&faces, &alignment(112), &Budget::new(UNLIMITED))
        .unwrap();
    assert_eq!(aligned.shape(), [3, 3, 112, 112]);
    let values = aligned.as_f32s().unwrap();
    for (n, (x0, y0)) in [(0i64, 0i64), (61, 37), (-20, 100)].into_iter().enumerate() {
        for (channel, y, x) in
            (0..3).flat_map(|c| (0..112).flat_map(move |y| (0..112).map(move |x| (c, y, x))))
        {
            let (fx, fy) = (x as i64 + x0, y as i64 + y0);
            let inside = (0..200).contains(&fx) && (0..180).contains(&fy);
            let wanted = if inside {
                frame.bgr()[(fy as usize * 200 + fx as usize) * 3 + channel]
            } else {
                0
            };
            assert_eq!(
                values[((n * 3 + channel) * 112 + y) * 112 + x],
                f32::from(wanted),
                "face {n}, channel {channel}, row {y}, column {x}"
            );
        }
    }
}

/// Solves `matrix` · x = `right` by elimination with pivots.
fn solve(mut matrix: [[f64; 4]; 4], mut right: [f64; 4]) -> [f64; 4] {
    for i in 0..4 {
        let pivot = (i..4)
            .max_by(|a, b| matrix[*a][i].abs().total_cmp(&matrix[*b][i].abs()))
            .unwrap();
        matrix.swap(i, pivot);
        right.swap(i, pivot);
        for j in i + 1..4 {
            let factor = matrix[j][i] / matrix[i][i];
            let row = matrix[i];
            for (value, above) in matrix[j].iter_mut().zip(row) {
                *value -= factor * above;
            }
            right[j] -= factor * right[i];
        }
    }
    for i in (0..4).rev() {
        right[i] =
            (right[i] - (i + 1..4).map(|k| matrix[i][k] * right[k]).sum::<f64>()) / matrix[i][i];
    }
    right
}

/// Another way to the same picture: the transform by the normal equations of least squares, and each pixel looked up in floating point. Template to frame, in
/// the contract's coordinates.
fn aligned_another_way(frame: &Frame, face: &Landmarks, size: usize) -> Vec<f32> {
    let ratio = size as f64 / 112.0;
    let (mut matrix, mut right) = ([[0.0; 4]; 4], [0.0; 4]);
    for (p, (tx, ty)) in face.points().iter().zip(TEMPLATE) {
        let (x, y) = (f64::from(p.x), f64::from(p.y));
        // u = a x − b y + c, v = b x + a y + d; the template's centres of pixels moved to half integers.
        let rows = [
            ([x, -y, 1.0, 0.0], f64::from(tx) * ratio + 0.5),
            ([y, x, 0.0, 1.0], f64::from(ty) * ratio + 0.5),
        ];
        for (row, wanted) in rows {
            for i in 0..4 {
                right[i] += row[i] * wanted;
                for j in 0..4 {
                    matrix[i][j] += row[i] * row[j];
                }
            }
        }
    }
    let [a, b, c, d] = solve(matrix, right);
    let pixel = |x: i64, y: i64, channel: usize| -> f64 {
        let inside = (0..i64::from(frame.width())).contains(&x)
            && (0..i64::from(frame.height())).contains(&y);
        if inside {
            f64::from(frame.bgr()[(y as usize * frame.width() as usize + x as usize) * 3 + channel])
        } else {
            0.0
        }
    };
    let mut values = Vec::new();
    for (channel, row, column) in
        (0..3).flat_map(|ch| (0..size).flat_map(move |r| (0..size).map(move |c| (ch, r, c))))
    {
        let (u, v) = (column as f64 + 0.5 - c, row as f64 + 0.5 - d);
        let determinant = a * a + b * b;
        let (x, y) = (
            (a * u + b * v) / determinant - 0.5,
            (a * v - b * u) / determinant - 0.5,
        );
        let (x0, y0) = (x.floor(), y.floor());
        let (fx, fy) = (x - x0, y - y0);
        let at = |dx: i64, dy: i64| pixel(x0 as i64 + dx, y0 as i64 + dy, channel);
        let value = at(0, 0) * (1.0 - fx) * (1.0 - fy)
            + at(1, 0) * fx * (1.0 - fy)
            + at(0, 1) * (1.0 - fx) * fy
            + at(1, 1) * fx * fy;
        values.push(value as f32);
    }
    values
}

#[test]
fn aligned_faces_agree_with_an_independent_computation() {
    let frame = slope(240, 200, 1);
    let mut random = Numbers(8);
    for size in [16, 112, 200] {
        let faces: Vec<Landmarks> = (0..12)
            .map(|_| {
                let (scale, angle) = (random.between(0.4, 1.6), random.between(-1.0, 1.0));
                let (dx, dy) = (random.between(-20.0, 130.0), random.between(-20.0, 90.0));
                let (cos, sin) = (scale * angle.cos(), scale * angle.sin());
                landmarks(TEMPLATE.map(|(x, y)| {
                    let (x, y) = (x + random.between(-4.0, 4.0), y + random.between(-4.0, 4.0));
                    (cos * x - sin * y + dx, sin * x + cos * y + dy)
                }))
            })
            .collect();
        let aligned = frame
            .aligned(&faces, &alignment(size as u32), &Budget::new(UNLIMITED))
            .unwrap();
        let each = 3 * size * size;
        for (n, (face, found)) in faces
            .iter()
            .zip(aligned.as_f32s().unwrap().chunks(each))
            .enumerate()
        {
            let wanted = aligned_another_way(&frame, face, size);
            let far = found
                .iter()
                .zip(&wanted)
                .filter(|(f, w)| (**f - **w).abs() > 0.6)
                .count();
            // Where the frame ends, a thirty-second of a pixel is up to eight levels.
            let very_far = found
                .iter()
                .zip(&wanted)
                .filter(|(f, w)| (**f - **w).abs() > 9.0)
                .count();
            assert!(
                far * 50 <= each && very_far == 0,
                "face {n} at {size}: {far} of {each} values differ by more than 0.6, {very_far} by more than 9"
            );
        }
    }
}

#[test]
fn elements_and_layouts_of_aligned_faces_are_those_asked_for() {
    let frame = noise(112, 112);
    let faces = [face_at(0.0, 0.0); 2];
    let options = Alignment {
        layout: Layout::Interleaved,
        element: Element::Uint8,
        ..alignment(112)
    };
    let aligned = frame
        .aligned(&faces, &options, &Budget::new(UNLIMITED))
        .unwrap();
    assert_eq!(
        (aligned.shape(), aligned.element()),
        (&[2, 112, 112, 3][..], Element::Uint8)
    );
    assert_eq!(aligned.read_bytes(0, 112 * 112 * 3).unwrap(), frame.bgr());
}

#[test]
fn faces_that_cannot_be_aligned_are_named() {
    let frame = noise(64, 64);
    let align = |faces: &[Landmarks], options| {
        frame
            .aligned(faces, &options, &Budget::new(UNLIMITED))
            .unwrap_err()
    };
    let good = face_at(0.0, 0.0);
    for bad in [
        landmarks([(5.0, 5.0); 5]),
        Landmarks {
            nose: Point {
                x: f32::NAN,
                y: 0.0,
            },
            ..good
        },
    ] {
        assert_eq!(
            align(&[good, bad], alignment(112)),
            FrameError::BadLandmarks { face: 1 }
        );
    }
    assert_eq!(
        align(&vec![good; 257], alignment(112)),
        FrameError::TooMany {
            asked: 257,
            most: 256
        }
    );
    for options in [
        alignment(15),
        alignment(513),
        alignment(0),
        Alignment {
            scale: [f32::NAN; 3],
            ..alignment(112)
        },
    ] {
        assert!(matches!(
            align(&[good], options),
            FrameError::BadView { .. }
        ));
    }
    assert!(matches!(
        align(&[], alignment(112)),
        FrameError::BadView { .. }
    ));
}

#[test]
fn landmarks_far_beyond_the_frame_give_black_or_an_error_and_no_panic() {
    let frame = noise(64, 64);
    let mut random = Numbers(13);
    for _ in 0..300 {
        let reach = [10.0, 1e3, 1e6, 1e12, 1e30, 3e38][random.below(6) as usize];
        let face = landmarks(
            [(); 5].map(|()| (random.between(-reach, reach), random.between(-reach, reach))),
        );
        match frame.aligned(&[face], &alignment(16), &Budget::new(UNLIMITED)) {
            Ok(aligned) => assert!(
                aligned
                    .as_f32s()
                    .unwrap()
                    .iter()
                    .all(|v| (0.0..=255.0).contains(v))
            ),
            Err(FrameError::BadLandmarks { face: 0 }) => {}
            Err(other) => panic!("{other}: {face:?}"),
        }
    }
}
