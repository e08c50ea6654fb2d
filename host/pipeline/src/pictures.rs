//! Pictures for an alert: the probe's crop, and frames in which everybody but the alert's face is blurred.
//!
//! A face that raises no alert is held here for the time of its track and in memory alone; every buffer is wiped when it is dropped.

use std::sync::Arc;

use overt_vision::{
    Budget, Channels, Element, Fit, Frame, FrameError, FrameInfo, Layout, Rect, View, crop,
    encode_jpeg,
};

use crate::report::{Picture, StripFrame};

/// Width of a strip's frame in pixels.
const STILL_WIDTH: u32 = 640;

/// JPEG quality of all pictures.
const JPEG_QUALITY: u8 = 88;

/// How much around a face a crop shows, in parts of the face's size on each side.
const CROP_MARGIN: f32 = 0.45;

/// How much around the alert's face a strip leaves clear.
const CLEAR_MARGIN: f32 = 0.15;

/// Least side of a blur cell in pixels of the still.
const LEAST_CELL: usize = 16;

/// Blur cells that the widest face may keep across its width. Four by five averages show a skin tone and a hair line, and nobody.
const CELLS_OF_A_FACE: f32 = 4.0;

/// A frame, smaller.
pub(crate) struct Still {
    frame: Frame,
    /// Pixels of the still for one of the frame.
    scale: f32,
    faces: Arc<[Rect]>,
}

fn grown(rect: Rect, margin: f32) -> Rect {
    Rect {
        x: rect.x - rect.width * margin,
        y: rect.y - rect.height * margin,
        width: rect.width * (1.0 + 2.0 * margin),
        height: rect.height * (1.0 + 2.0 * margin),
    }
}

fn info(frame: &Frame) -> FrameInfo {
    FrameInfo {
        camera: frame.camera().clone(),
        sequence: frame.sequence(),
        captured_at: frame.captured_at(),
    }
}

/// A face with its surroundings, cut at the frame's edge.
pub(crate) fn face_crop(frame: &Frame, face: Rect) -> Result<Frame, FrameError> {
    let (width, height, pixels) = crop(frame, grown(face, CROP_MARGIN));
    let pixels = zeroize::Zeroizing::new(pixels);
    Frame::from_bgr(info(frame), width, height, &pixels)
}

/// A picture as JPEG.
pub(crate) fn jpeg(frame: &Frame) -> Option<Picture> {
    match encode_jpeg(frame.bgr(), frame.width(), frame.height(), JPEG_QUALITY) {
        Ok(jpeg) => Some(Picture {
            jpeg,
            width: frame.width(),
            height: frame.height(),
        }),
        Err(error) => {
            tracing::warn!(%error, "a picture cannot be made");
            None
        }
    }
}

impl Still {
    /// The number of the frame that it shows.
    pub(crate) fn sequence(&self) -> u32 {
        self.frame.sequence()
    }

    /// A smaller copy of a frame. `faces`: the boxes of everybody in it.
    pub(crate) fn of(frame: &Frame, faces: Arc<[Rect]>) -> Result<Still, FrameError> {
        let width = STILL_WIDTH.min(frame.width());
        let scale = width as f32 / frame.width() as f32;
        let height = ((frame.height() as f32 * scale).round() as u32).max(1);
        let view = View {
            region: None,
            width,
            height,
            fit: Fit::Stretch,
            multiple: 1,
            layout: Layout::Interleaved,
            element: Element::Uint8,
            channels: Channels::Bgr,
            mean: [0.0; 3],
            scale: [1.0; 3],
        };
        let viewed = frame.tensor(&view, &Budget::unlimited())?;
        // 640 columns of at most 16,384 rows hold more values than one read gives; rows are read in portions.
        let mut pixels = zeroize::Zeroizing::new(Vec::with_capacity(viewed.tensor.byte_len()));
        let rows_at_once = overt_vision::MOST_VALUES as u32 / (width * 3);
        for row in (0..height).step_by(rows_at_once.max(1) as usize) {
            let rows = rows_at_once.max(1).min(height - row);
            let part = viewed.tensor.read_bytes(row * width * 3, rows * width * 3);
            let part = part.map_err(|error| FrameError::Failed {
                cause: error.to_string(),
            })?;
            pixels.extend_from_slice(&zeroize::Zeroizing::new(part));
        }
        Ok(Still {
            frame: Frame::from_bgr(info(frame), width, height, &pixels)?,
            scale,
            faces,
        })
    }

    /// The frame for a strip: sharp inside the alert's face, blurred everywhere else. What the detector did not find is blurred too, and so
    /// is another face that reaches into the clear part.
    pub(crate) fn strip(&self, alert: Rect) -> Option<StripFrame> {
        let (width, height) = (self.frame.width() as usize, self.frame.height() as usize);
        let scaled = |rect: Rect| Rect {
            x: rect.x * self.scale,
            y: rect.y * self.scale,
            width: rect.width * self.scale,
            height: rect.height * self.scale,
        };
        let face = scaled(alert);
        let clear = scaled(grown(alert, CLEAR_MARGIN));
        let others: Vec<Rect> = self
            .faces
            .iter()
            .filter(|other| other.iou(&alert) < 0.5)
            .map(|other| scaled(*other))
            .collect();
        let inside = |rect: &Rect, x: f32, y: f32| {
            (rect.x..rect.right()).contains(&x) && (rect.y..rect.bottom()).contains(&y)
        };
        let widest = others.iter().map(|other| other.width).fold(0.0, f32::max);
        let cell = LEAST_CELL.max((widest / CELLS_OF_A_FACE).ceil() as usize);
        let mut pixels = blurred(self.frame.bgr(), width, height, cell);
        for y in 0..height {
            for x in 0..width {
                let (centre_x, centre_y) = (x as f32 + 0.5, y as f32 + 0.5);
                let sharp = inside(&clear, centre_x, centre_y)
                    && !others.iter().any(|other| inside(other, centre_x, centre_y));
                if sharp {
                    let at = (y * width + x) * 3;
                    pixels[at..at + 3].copy_from_slice(&self.frame.bgr()[at..at + 3]);
                }
            }
        }
        let blurred = Frame::from_bgr(
            info(&self.frame),
            self.frame.width(),
            self.frame.height(),
            &pixels,
        )
        .ok()?;
        Some(StripFrame {
            sequence: self.frame.sequence(),
            time: self.frame.captured_at(),
            picture: jpeg(&blurred)?,
            face: (face.x, face.y, face.width, face.height),
        })
    }
}

/// Blurs by averaging over cells and interpolating between their centres. The averages are all that is left, so nothing can be sharpened
/// back.
fn blurred(pixels: &[u8], width: usize, height: usize, cell: usize) -> Vec<u8> {
    let (columns, rows) = (width.div_ceil(cell), height.div_ceil(cell));
    let mut cells = vec![[0.0f32; 3]; columns * rows];
    for row in 0..rows {
        for column in 0..columns {
            let (xs, ys) = (
                column * cell..((column + 1) * cell).min(width),
                row * cell..((row + 1) * cell).min(height),
            );
            let count = (xs.len() * ys.len()) as f32;
            let mean = &mut cells[row * columns + column];
            for y in ys {
                for x in xs.clone() {
                    for channel in 0..3 {
                        mean[channel] += f32::from(pixels[(y * width + x) * 3 + channel]) / count;
                    }
                }
            }
        }
    }
    // The two cells around a position and how far it lies towards the second.
    let around = |position: usize, cells: usize| {
        let place = ((position as f32 + 0.5) / cell as f32 - 0.5).clamp(0.0, (cells - 1) as f32);
        let first = place as usize;
        (first, (first + 1).min(cells - 1), place - first as f32)
    };
    let mut blurred = vec![0; pixels.len()];
    for y in 0..height {
        let (top, bottom, down) = around(y, rows);
        for x in 0..width {
            let (left, right, along) = around(x, columns);
            for channel in 0..3 {
                let at = |row: usize, column: usize| cells[row * columns + column][channel];
                let upper = at(top, left) * (1.0 - along) + at(top, right) * along;
                let lower = at(bottom, left) * (1.0 - along) + at(bottom, right) * along;
                blurred[(y * width + x) * 3 + channel] =
                    (upper * (1.0 - down) + lower * down).round() as u8;
            }
        }
    }
    blurred
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn chequered(width: u32, height: u32) -> Frame {
        let pixels: Vec<u8> = (0..width * height)
            .flat_map(|at| {
                [if (at % width + at / width).is_multiple_of(2) {
                    255
                } else {
                    0
                }; 3]
            })
            .collect();
        Frame::from_bgr(
            FrameInfo {
                camera: "gate".into(),
                sequence: 7,
                captured_at: 0.28,
            },
            width,
            height,
            &pixels,
        )
        .unwrap()
    }

    #[test]
    fn a_blur_leaves_no_detail_of_the_original() {
        let frame = chequered(64, 48);
        assert!(
            blurred(frame.bgr(), 64, 48, LEAST_CELL)
                .iter()
                .all(|value| (120..=136).contains(value))
        );
    }

    #[test]
    fn a_strip_is_sharp_in_the_alerts_face_alone() {
        let face = Rect {
            x: 16.0,
            y: 16.0,
            width: 16.0,
            height: 16.0,
        };
        let other = Rect {
            x: 26.0,
            y: 16.0,
            width: 16.0,
            height: 16.0,
        };
        let still = Still::of(&chequered(64, 48), Arc::new([face, other])).unwrap();
        let strip = still.strip(face).unwrap();
        let shown = overt_vision::decode_still(&strip.picture.jpeg).unwrap();
        let contrast = |xs: std::ops::Range<usize>, ys: std::ops::Range<usize>| {
            let values = ys
                .flat_map(|y| xs.clone().map(move |x| (y * 64 + x) * 3))
                .map(|at| shown.bgr()[at]);
            let (least, most) = values.fold((255, 0), |(least, most), value| {
                (value.min(least), value.max(most))
            });
            most - least
        };
        assert!(contrast(17..25, 17..31) > 150, "the alert's face is sharp");
        assert!(contrast(30..42, 17..31) < 60, "the other face is blurred");
        assert!(contrast(48..64, 32..48) < 60, "the rest is blurred");
        assert_eq!(strip.sequence, 7);
    }
}
