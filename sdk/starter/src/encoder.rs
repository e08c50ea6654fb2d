//! Makes a template of a face's own grey values: aligned, shrunk to 16 × 16, less their mean. The cosine of two such templates is their normalised
//! cross-correlation, the oldest measure of how alike two pictures are. It runs no model, and light and pose move it more than the person does: a place to
//! begin, and no more.

use overt_sdk::{Alignment, Channels, Encoder, EncoderError, Face, Frame, Tensor};
use serde::Deserialize;

/// The plugin.
pub struct GreyPatch;

/// It has nothing to set: what would change a template makes it another encoder.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {}

/// The side of the aligned picture, pixels.
const SIDE: u32 = 16;

/// Numbers in a template; `dimension` in plugin.toml says the same.
const DIMENSION: u32 = SIDE * SIDE;

impl Encoder for GreyPatch {
    fn encode(frame: &Frame, faces: &[Face]) -> Result<Tensor, EncoderError> {
        let Settings {} = overt_sdk::config()?;
        let landmarks: Option<Vec<_>> = faces.iter().map(|face| face.landmarks).collect();
        let landmarks = landmarks.ok_or(EncoderError::LandmarksMissing)?;
        // The host aligns all faces at once. To read a tensor that was made of a frame takes the capability `pixels`.
        let alignment = Alignment::arcface(SIDE).channels(Channels::Grey);
        let pictures = frame.aligned(&landmarks, alignment)?;
        let count = landmarks.len() as u32;
        let mut templates = Vec::new();
        for picture in pictures
            .read(0, count * DIMENSION)?
            .chunks(DIMENSION as usize)
        {
            templates.extend(template(picture).ok_or(EncoderError::UnexpectedOutput)?);
        }
        Ok(Tensor::from_values(&[count, DIMENSION], &templates)?)
    }
}

/// The grey values less their mean; nothing where they are all the same, for then there is nothing to compare.
fn template(grey: &[f32]) -> Option<Vec<f32>> {
    let mean = grey.iter().sum::<f32>() / grey.len() as f32;
    let values: Vec<f32> = grey.iter().map(|value| value - mean).collect();
    values
        .iter()
        .any(|value| value.abs() > 0.5)
        .then_some(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cosine(a: &[f32], b: &[f32]) -> f32 {
        let dot = |a: &[f32], b: &[f32]| -> f32 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
        dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
    }

    #[test]
    fn a_darker_picture_of_the_same_has_the_same_direction() {
        let bright: Vec<f32> = (0..256)
            .map(|index| 60.0 + (index % 7) as f32 * 20.0)
            .collect();
        let dark: Vec<f32> = bright.iter().map(|value| value / 2.0).collect();
        let (bright, dark) = (template(&bright), template(&dark));
        let alike = bright
            .zip(dark)
            .map(|(bright, dark)| cosine(&bright, &dark));
        assert!(alike.is_some_and(|alike| alike > 0.9999), "{alike:?}");
    }

    #[test]
    fn a_picture_of_one_grey_has_no_template() {
        assert_eq!(template(&[128.0; 256]), None);
    }
}
