//! The plugin `encoder-mobilefacenet`: a template of 512 numbers for each face, by a MobileFaceNet (Chen et al. 2018,
//! arXiv:1804.07573) on faces aligned to the ArcFace template.

use overt_sdk::{Alignment, Channels, Encoder, EncoderError, Face, Frame, Model, Tensor};
use serde::Deserialize;

/// Side of the picture that the model wants, pixels.
const SIDE: u32 = 112;

/// Numbers in a template.
const DIMENSION: u32 = 512;

/// Pixels are taken from 0 to 255 into −1 to 1. Given as they are, the model answers without an error, and wrongly.
const MEAN: f32 = 127.5;
const SCALE: f32 = 1.0 / 128.0;

/// The encoder.
pub struct MobileFaceNet;

/// It has nothing to set: what would change a template makes it another encoder.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {}

impl Encoder for MobileFaceNet {
    fn encode(frame: &Frame, faces: &[Face]) -> Result<Tensor, EncoderError> {
        let Settings {} = overt_sdk::config()?;
        let landmarks: Option<Vec<_>> = faces.iter().map(|face| face.landmarks).collect();
        let landmarks = landmarks.ok_or(EncoderError::LandmarksMissing)?;
        let alignment = Alignment::arcface(SIDE)
            .channels(Channels::Bgr)
            .normalised(MEAN, SCALE);
        let input = frame.aligned(&landmarks, alignment)?;
        let outputs = Model::open("mobilefacenet")?.run(&[&input])?;
        let [templates]: [Tensor; 1] = outputs
            .try_into()
            .map_err(|_| EncoderError::UnexpectedOutput)?;
        if templates.shape() != [landmarks.len() as u32, DIMENSION] {
            return Err(EncoderError::UnexpectedOutput);
        }
        Ok(templates)
    }
}

overt_sdk::encoder!(MobileFaceNet);

#[cfg(test)]
mod tests;
