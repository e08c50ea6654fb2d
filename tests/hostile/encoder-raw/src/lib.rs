//! `encoder-mobilefacenet` with one slip: it gives the model pixels from 0 to 255, as they are. The model answers without an error, and wrongly: on LFW's
//! pairs it drops from 99 % to two thirds. The self-test has to find that out.

use overt_sdk::{Alignment, Channels, Encoder, EncoderError, Face, Frame, Model, Tensor};

/// The encoder.
pub struct Raw;

impl Encoder for Raw {
    fn encode(frame: &Frame, faces: &[Face]) -> Result<Tensor, EncoderError> {
        let landmarks: Option<Vec<_>> = faces.iter().map(|face| face.landmarks).collect();
        let landmarks = landmarks.ok_or(EncoderError::LandmarksMissing)?;
        let alignment = Alignment::arcface(112).channels(Channels::Bgr);
        let input = frame.aligned(&landmarks, alignment)?;
        let outputs = Model::open("mobilefacenet")?.run(&[&input])?;
        let [templates]: [Tensor; 1] = outputs
            .try_into()
            .map_err(|_| EncoderError::UnexpectedOutput)?;
        Ok(templates)
    }
}

overt_sdk::encoder!(Raw);
