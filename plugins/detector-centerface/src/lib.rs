//! The plugin `detector-centerface`: faces and five landmarks by CenterFace (Xu et al. 2020, arXiv:1911.03599), an anchor-free detector
//! whose model sees the frame as a grid of cells, four pixels wide and high.

mod decode;
mod settings;

pub use settings::Settings;

use overt_sdk::{Detector, DetectorError, Face, Frame, Model, Tensor, View};

/// Both sides of the model's input are multiples of it.
const MULTIPLE: u32 = 32;

/// The detector.
pub struct CenterFace;

impl Detector for CenterFace {
    fn detect(frame: &Frame) -> Result<Vec<Face>, DetectorError> {
        let settings: Settings = overt_sdk::config()?;
        let longest = settings.longest_side.get();
        // RGB, 0 to 255, no mean: the model's own first layer normalises.
        let input = frame.tensor(View::shrink_to(longest, longest, MULTIPLE))?;
        let outputs = Model::open("centerface")?.run(&[&input.tensor])?;
        let maps: [Tensor; 4] = outputs
            .try_into()
            .map_err(|_| DetectorError::UnexpectedOutput)?;
        let faces = decode::faces(&maps, &input, &settings)?
            .into_iter()
            .filter_map(|face| face.within_frame(frame.width(), frame.height()))
            .filter(|face| face.bounds.width >= settings.least_face_width.get())
            .collect();
        let mut faces = overt_sdk::geometry::keep_best(faces, settings.most_overlap.get());
        faces.truncate(settings.most_faces.get() as usize);
        Ok(faces)
    }
}

overt_sdk::detector!(CenterFace);

#[cfg(test)]
mod tests;
