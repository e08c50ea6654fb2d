//! Maps made by hand, whose faces are known.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use overt_sdk::View;
use overt_sdk::native::Workbench;

use super::*;

/// Cells of the maps.
const ROWS: usize = 8;
const COLUMNS: usize = 16;

/// The four maps, of zeros.
struct Maps([Vec<f32>; 4]);

impl Maps {
    fn empty() -> Maps {
        Maps(PLANES.map(|planes| vec![0.0; planes as usize * ROWS * COLUMNS]))
    }

    fn set(&mut self, map: usize, plane: usize, row: usize, column: usize, value: f32) {
        self.0[map][(plane * ROWS + row) * COLUMNS + column] = value;
    }

    /// A face in a cell: height and width in pixels of the input, offset (y, x) in cells, all landmarks at one place in the box (y, x).
    fn face(
        &mut self,
        (row, column): (usize, usize),
        confidence: f32,
        sides: (f32, f32),
        offset: (f32, f32),
        mark: (f32, f32),
    ) {
        self.set(0, 0, row, column, confidence);
        self.set(1, 0, row, column, (sides.0 / STRIDE).ln());
        self.set(1, 1, row, column, (sides.1 / STRIDE).ln());
        self.set(2, 0, row, column, offset.0);
        self.set(2, 1, row, column, offset.1);
        for point in 0..5 {
            self.set(3, 2 * point, row, column, mark.0);
            self.set(3, 2 * point + 1, row, column, mark.1);
        }
    }

    /// What they decode to in a frame of 128 × 64, which the model sees at half its size.
    fn decode(&self) -> Result<Vec<Face>, DetectorError> {
        let (rows, columns) = (ROWS as u32, COLUMNS as u32);
        self.decode_shaped(PLANES.map(|planes| [1, planes, rows, columns]))
    }

    fn decode_shaped(&self, shapes: [[u32; 4]; 4]) -> Result<Vec<Face>, DetectorError> {
        let info = overt_vision::FrameInfo {
            camera: Arc::from("gate"),
            sequence: 0,
            captured_at: 0.0,
        };
        let pixels = vec![0; 128 * 64 * 3];
        let frame = Arc::new(overt_vision::Frame::from_bgr(info, 128, 64, &pixels).unwrap());
        Workbench::new().on_frame(&frame, |frame| {
            let input = frame.tensor(View::shrink_to(64, 64, 32)).unwrap();
            let maps = std::array::from_fn(|map| {
                let count: u32 = shapes[map].iter().product();
                Tensor::from_values(&shapes[map], &self.0[map][..count as usize]).unwrap()
            });
            faces(&maps, &input, &Settings::default())
        })
    }
}

#[test]
fn a_face_lies_where_its_cell_its_offset_and_its_size_say() {
    let mut maps = Maps::empty();
    maps.face((3, 5), 0.875, (16.0, 12.0), (0.25, -0.5), (0.5, 0.25));
    let faces = maps.decode().unwrap();
    assert_eq!(faces.len(), 1);
    let face = faces[0];
    assert_eq!(face.confidence, 0.875);
    // In the input: centre (4 × (5 − 0.5 + 0.5), 4 × (3 + 0.25 + 0.5)) = (20, 15), 12 × 16. In the frame everything is twice that.
    let near = |found: f32, expected: f32| assert!((found - expected).abs() < 1e-4, "{face:?}");
    near(face.bounds.x, 28.0);
    near(face.bounds.y, 14.0);
    near(face.bounds.width, 24.0);
    near(face.bounds.height, 32.0);
    for point in face.landmarks.unwrap().points() {
        near(point.x, 28.0 + 0.25 * 24.0);
        near(point.y, 14.0 + 0.5 * 32.0);
    }
}

#[test]
fn landmarks_are_read_as_y_before_x_in_their_order() {
    let mut maps = Maps::empty();
    maps.face((3, 5), 0.9, (16.0, 16.0), (0.0, 0.0), (0.0, 0.0));
    for number in 0..10 {
        maps.set(3, number, 3, 5, number as f32 / 10.0);
    }
    let face = maps.decode().unwrap()[0];
    let marks = face.landmarks.unwrap();
    let within = |point: Point| {
        (
            ((point.x - face.bounds.x) / face.bounds.width * 10.0).round(),
            ((point.y - face.bounds.y) / face.bounds.height * 10.0).round(),
        )
    };
    assert_eq!(
        marks.points().map(within),
        [(1.0, 0.0), (3.0, 2.0), (5.0, 4.0), (7.0, 6.0), (9.0, 8.0)]
    );
}

#[test]
fn what_is_less_sure_than_the_deployment_wants_is_no_face() {
    let mut maps = Maps::empty();
    maps.face((3, 5), 0.49, (16.0, 12.0), (0.0, 0.0), (0.5, 0.5));
    assert_eq!(maps.decode(), Ok(Vec::new()));
}

#[test]
fn several_faces_each_keep_their_own_numbers() {
    let mut maps = Maps::empty();
    maps.face((1, 2), 0.75, (8.0, 8.0), (0.0, 0.0), (0.5, 0.5));
    maps.face((6, 12), 0.875, (16.0, 16.0), (0.0, 0.0), (0.5, 0.5));
    let mut widths: Vec<f32> = maps
        .decode()
        .unwrap()
        .iter()
        .map(|face| face.bounds.width.round())
        .collect();
    widths.sort_by(f32::total_cmp);
    assert_eq!(widths, [16.0, 32.0]);
}

#[test]
fn numbers_that_are_none_make_no_face_that_could_leave() {
    for value in [f32::NAN, f32::INFINITY, f32::MAX] {
        for map in 1..3 {
            let mut maps = Maps::empty();
            maps.face((3, 5), 0.9, (16.0, 12.0), (0.0, 0.0), (0.5, 0.5));
            maps.set(map, 0, 3, 5, value);
            for face in maps.decode().unwrap() {
                if let Some(face) = face.within_frame(128, 64) {
                    assert!(face.bounds.is_valid(), "{face:?}");
                }
            }
        }
    }
}

#[test]
fn maps_of_another_shape_are_refused() {
    let (rows, columns) = (ROWS as u32, COLUMNS as u32);
    let right = PLANES.map(|planes| [1, planes, rows, columns]);
    let maps = Maps::empty();
    assert!(maps.decode_shaped(right).is_ok());
    let mut halved = right;
    halved[2][3] = columns / 2;
    assert_eq!(
        maps.decode_shaped(halved),
        Err(DetectorError::UnexpectedOutput)
    );
    let mut fewer = right;
    fewer[3][1] = 8;
    assert_eq!(
        maps.decode_shaped(fewer),
        Err(DetectorError::UnexpectedOutput)
    );
}
