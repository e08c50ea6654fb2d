//! A detector in under 60 lines: RFB-320, a small model that gives 4,420 scored boxes for a picture of 320 × 240.
use overt_sdk::config::Number;
use overt_sdk::{Detector, DetectorError, Face, Frame, Model, Rect, Tensor, View};

struct Rfb320;

#[derive(serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct Settings {
    least_confidence: Number<0, 1>,
}

impl Default for Settings {
    fn default() -> Self {
        let least_confidence = const { Number::new(0.7) };
        Settings { least_confidence }
    }
}

impl Detector for Rfb320 {
    fn detect(frame: &Frame) -> Result<Vec<Face>, DetectorError> {
        let settings: Settings = overt_sdk::config()?;
        let view = View::letterbox(320, 240).normalised(127.0, 1.0 / 128.0);
        let input = frame.tensor(view)?;
        let outputs = Model::open("rfb320")?.run(&[&input.tensor])?;
        let [scores, boxes]: [Tensor; 2] = outputs
            .try_into()
            .map_err(|_| DetectorError::UnexpectedOutput)?;
        let scores = scores.read(0, 4_420 * 2)?;
        let boxes = boxes.read(0, 4_420 * 4)?;
        let (scores, boxes) = (scores.as_chunks().0, boxes.as_chunks().0);
        let faces = std::iter::zip(scores, boxes)
            .filter(|([_, face], _)| *face >= settings.least_confidence.get())
            .filter_map(|([_, face], [left, top, right, bottom])| {
                let upper_left = input.to_frame(left * 320.0, top * 240.0);
                let lower_right = input.to_frame(right * 320.0, bottom * 240.0);
                let face = Face {
                    bounds: Rect::between(upper_left, lower_right),
                    confidence: *face,
                    landmarks: None,
                };
                face.within_frame(frame.width(), frame.height())
            })
            .collect();
        let mut faces = overt_sdk::geometry::keep_best(faces, 0.3);
        faces.truncate(256);
        Ok(faces)
    }
}

overt_sdk::detector!(Rfb320);

#[cfg(test)]
mod tests;
