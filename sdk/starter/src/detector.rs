//! Finds faces by their contrasts alone: eyes are darker than cheeks and than the bridge of the nose between them, and a mouth is darker than the nose (after
//! Viola and Jones, 2001). It runs no model. It misses turned faces and takes other things for faces: a place to begin, and no more.

use overt_sdk::config::Number;
use overt_sdk::{
    Channels, Detector, DetectorError, Face, Frame, Landmarks, Point, Rect, View, geometry,
};
use serde::Deserialize;

/// The plugin.
pub struct Contrasts;

/// What a force may set, under `[plugins.detector.config]`. A wrong value is an error that names it.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct Settings {
    /// How strong the weakest contrast of a face has to be, in standard deviations of its grey values.
    least_contrast: Number<0, 4>,
}

impl Default for Settings {
    fn default() -> Self {
        let least_contrast = const { Number::new(0.5) };
        Settings { least_contrast }
    }
}

/// The size that a frame is shrunk to, pixels.
const WIDTH: u32 = 160;
const HEIGHT: u32 = 120;

/// The narrowest face, in pixels of the shrunk frame, and how much wider the next size is.
const NARROWEST: f64 = 20.0;
const WIDER: f64 = 1.25;

/// The most faces in an answer; `faces-per-frame` in plugin.toml says the same.
const MOST_FACES: usize = 64;

impl Detector for Contrasts {
    fn detect(frame: &Frame) -> Result<Vec<Face>, DetectorError> {
        let settings: Settings = overt_sdk::config()?;
        // The host shrinks the frame. To read a tensor that was made of a frame takes the capability `pixels`.
        let view = View::shrink_to(WIDTH, HEIGHT, 1).channels(Channels::Grey);
        let small = frame.tensor(view)?;
        let [1, 1, height, width] = small.tensor.shape()[..] else {
            return Err(DetectorError::UnexpectedOutput);
        };
        let grey = small.tensor.read(0, width * height)?;
        let windows = find(
            &grey,
            width as usize,
            f64::from(settings.least_contrast.get()),
        );
        let faces = windows.iter().filter_map(|window| {
            let at = |across: f64, down: f64| -> Point {
                let (x, y) = window.at(across, down);
                small.to_frame(x as f32, y as f32)
            };
            let face = Face {
                bounds: Rect::between(at(0.0, 0.0), at(1.0, 1.0)),
                confidence: (window.contrast / 2.0) as f32,
                // Where a face of this size has them, and not where they were seen.
                landmarks: Some(Landmarks {
                    left_eye: at(0.27, 0.36),
                    right_eye: at(0.73, 0.36),
                    nose: at(0.5, 0.6),
                    left_mouth: at(0.33, 0.8),
                    right_mouth: at(0.67, 0.8),
                }),
            };
            face.within_frame(frame.width(), frame.height())
        });
        let mut faces = geometry::keep_best(faces.collect(), 0.2);
        faces.truncate(MOST_FACES);
        Ok(faces)
    }
}

/// A square of the shrunk frame in which the contrasts are those of a face.
#[derive(Debug)]
struct Window {
    left: f64,
    top: f64,
    side: f64,
    /// The weakest of its contrasts, in standard deviations.
    contrast: f64,
}

impl Window {
    /// The point at these parts of its side.
    fn at(&self, across: f64, down: f64) -> (f64, f64) {
        (self.left + across * self.side, self.top + down * self.side)
    }
}

/// Every square of every size in which the weakest contrast is strong enough.
fn find(grey: &[f32], width: usize, least: f64) -> Vec<Window> {
    let height = grey.len() / width.max(1);
    let sums = Sums::of(grey, width, |value| value);
    let squares = Sums::of(grey, width, |value| value * value);
    let mut found = Vec::new();
    let mut side = NARROWEST;
    while side <= width.min(height) as f64 {
        let step = (side / 12.0).max(1.0) as usize;
        for top in (0..=height - side as usize).step_by(step) {
            for left in (0..=width - side as usize).step_by(step) {
                let mut window = Window {
                    left: left as f64,
                    top: top as f64,
                    side,
                    contrast: 0.0,
                };
                window.contrast = contrast(&window, &sums, &squares);
                if window.contrast >= least {
                    found.push(window);
                }
            }
        }
        side *= WIDER;
    }
    found
}

/// The weakest contrast of a window.
fn contrast(window: &Window, sums: &Sums, squares: &Sums) -> f64 {
    let mean = |left, top, right, bottom| sums.mean(window, left, top, right, bottom);
    let whole = mean(0.0, 0.0, 1.0, 1.0);
    let variance = squares.mean(window, 0.0, 0.0, 1.0, 1.0) - whole * whole;
    // What has hardly any contrast is a wall.
    let deviation = variance.max(0.0).sqrt().max(8.0);
    let (left_eye, right_eye) = (mean(0.12, 0.25, 0.40, 0.45), mean(0.60, 0.25, 0.88, 0.45));
    let (left_cheek, right_cheek) = (mean(0.14, 0.5, 0.38, 0.7), mean(0.62, 0.5, 0.86, 0.7));
    let bridge = mean(0.42, 0.25, 0.58, 0.45);
    let (nose, mouth) = (mean(0.4, 0.45, 0.6, 0.62), mean(0.3, 0.74, 0.7, 0.88));
    let contrasts = [
        left_cheek - left_eye,
        right_cheek - right_eye,
        bridge - left_eye,
        bridge - right_eye,
        1.5 * (nose - mouth),
    ];
    contrasts.into_iter().fold(f64::INFINITY, f64::min) / deviation
}

/// The sum of everything above and left of each pixel, by which the mean of any rectangle takes four readings.
struct Sums {
    width: usize,
    sums: Vec<f64>,
}

impl Sums {
    fn of(grey: &[f32], width: usize, value: impl Fn(f64) -> f64) -> Sums {
        let height = grey.len() / width.max(1);
        let mut sums = vec![0.0; (width + 1) * (height + 1)];
        for (row, line) in grey.chunks_exact(width.max(1)).enumerate() {
            let mut of_row = 0.0;
            for (column, grey) in line.iter().enumerate() {
                of_row += value(f64::from(*grey));
                let above = sums[row * (width + 1) + column + 1];
                sums[(row + 1) * (width + 1) + column + 1] = above + of_row;
            }
        }
        Sums { width, sums }
    }

    /// The mean of a part of a window, which lies within the picture.
    fn mean(&self, window: &Window, left: f64, top: f64, right: f64, bottom: f64) -> f64 {
        let (x0, y0) = window.at(left, top);
        let (x1, y1) = window.at(right, bottom);
        let (x0, y0, x1, y1) = (x0 as usize, y0 as usize, x1 as usize, y1 as usize);
        let sum = |x: usize, y: usize| self.sums[y * (self.width + 1) + x];
        let area = ((x1 - x0) * (y1 - y0)).max(1);
        (sum(x1, y1) - sum(x1, y0) - sum(x0, y1) + sum(x0, y0)) / area as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A grey picture with dark rectangles in it: left, top, width, height.
    fn picture(dark: &[(usize, usize, usize, usize)]) -> Vec<f32> {
        let mut grey = vec![180.0; 160 * 120];
        for (left, top, width, height) in dark {
            for row in *top..top + height {
                grey[row * 160 + left..row * 160 + left + width].fill(40.0);
            }
        }
        grey
    }

    #[test]
    fn two_eyes_over_a_mouth_are_a_face() {
        let eyes_and_mouth = [(46, 31, 11, 7), (64, 31, 11, 7), (52, 50, 16, 5)];
        let found = find(&picture(&eyes_and_mouth), 160, 0.5);
        let best = found
            .iter()
            .max_by(|a, b| a.contrast.total_cmp(&b.contrast));
        let middle = best.map(|best| best.at(0.5, 0.36));
        assert!(
            middle.is_some_and(|(x, y)| (x - 60.5).abs() < 4.0 && (y - 34.5).abs() < 4.0),
            "{middle:?}"
        );
    }

    #[test]
    fn a_wall_and_a_lone_spot_are_no_face() {
        assert_eq!(find(&picture(&[]), 160, 0.5).len(), 0);
        assert_eq!(find(&picture(&[(70, 50, 20, 20)]), 160, 0.5).len(), 0);
    }

    #[test]
    fn a_picture_smaller_than_any_face_has_none() {
        assert_eq!(find(&[180.0; 12], 4, 0.5).len(), 0);
        assert_eq!(find(&[], 0, 0.5).len(), 0);
    }
}
