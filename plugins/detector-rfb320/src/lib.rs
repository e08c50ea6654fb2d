//! The plugin `detector-rfb320`: boxes by RFB-320, a model small enough for weak machines, and in each box five landmarks out of the 68 that a second
//! model gives. Two models where CenterFace has one; and it sees a quarter of the pixels, so it is faster and misses small faces.

mod boxes;
mod landmarks;
mod settings;

pub use settings::Settings;

use overt_sdk::{Detector, DetectorError, Face, Frame, Model};

/// The detector.
pub struct Rfb320;

impl Detector for Rfb320 {
    fn detect(frame: &Frame) -> Result<Vec<Face>, DetectorError> {
        let settings: Settings = overt_sdk::config()?;
        let mut faces = boxes::faces(frame, settings.least_confidence.get())?;
        faces.retain(|face| face.bounds.width >= settings.least_face_width.get());
        let mut faces = overt_sdk::geometry::keep_best(faces, settings.most_overlap.get());
        faces.truncate(settings.most_faces.get() as usize);
        if !faces.is_empty() {
            let model = Model::open("landmarks68")?;
            for face in &mut faces {
                face.landmarks = Some(landmarks::find(frame, &model, face.bounds)?);
            }
        }
        Ok(faces)
    }
}

overt_sdk::detector!(Rfb320);

#[cfg(test)]
mod tests;
