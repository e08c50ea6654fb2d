//! Aligned faces.

use super::*;
use crate::geometry::Point;
use crate::tensor::Element;
use crate::testing::{Numbers, noise};
use crate::view::{Layout, Template};

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

#[test]
fn the_budget_is_asked_before_faces_are_aligned() {
    let frame = noise(64, 64);
    let faces = [face_at(30.0, 30.0); 2];
    let aligned = frame.aligned(
        &faces,
        &alignment(112),
        &Budget::new(2 * 3 * 112 * 112 * 4 - 1),
    );
    assert!(matches!(aligned, Err(FrameError::OverBudget(_))));
}
