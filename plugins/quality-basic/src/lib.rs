//! The plugin `quality-basic`: how well a face from a camera can be recognised, from its landmarks and a small grey picture of it. It runs no
//! model and knows nobody.
//!
//! The components carry the names of ISO/IEC 29794-5 and measure what those names say, by simple formulas of our own, which stand with each
//! function. **It is no implementation of that standard** and its values are not comparable with one.

mod measures;
mod patch;

use measures::Measure;
use overt_sdk::{Alignment, Channels, Component, Face, Frame, Quality, QualityError};
use patch::Patch;
use serde::Deserialize;

/// Side of the aligned grey picture, pixels. Eyes are then 20 pixels apart.
const SIDE: u32 = 64;

/// The measure.
pub struct Basic;

/// It has nothing to set: a score that changed with the deployment could not be compared.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {}

impl Quality for Basic {
    fn assess(frame: &Frame, faces: &[Face]) -> Result<Vec<Vec<Component>>, QualityError> {
        let Settings {} = overt_sdk::config()?;
        let landmarks: Option<Vec<_>> = faces.iter().map(|face| face.landmarks).collect();
        let landmarks = landmarks.ok_or(QualityError::LandmarksMissing)?;
        let pictures = frame.aligned(
            &landmarks,
            Alignment::arcface(SIDE).channels(Channels::Grey),
        )?;
        let size = SIDE * SIDE;
        (0..)
            .zip(&landmarks)
            .map(|(number, landmarks)| {
                let patch = Patch::new(pictures.read(number * size, size)?, SIDE as usize);
                Ok(measures::all(&patch, landmarks)
                    .into_iter()
                    .map(Measure::into_component)
                    .collect())
            })
            .collect()
    }
}

overt_sdk::quality!(Basic);

#[cfg(test)]
mod tests;
