//! Says how well a face is lit and how sharp it is, under component names of ISO/IEC 29794-5 and by formulas of its own: no implementation of that standard.
//! Of the two the lesser is the `UnifiedQualityScore`, which a deployment file may ask a least value of.

use overt_sdk::{Channels, Component, Face, Frame, Quality, QualityError, View};
use serde::Deserialize;

/// The plugin.
pub struct LightAndSharpness;

/// It has nothing to set: a score that changed with the deployment could not be compared.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {}

/// The side of the grey picture that a face is looked at in, pixels.
const SIDE: usize = 32;

/// The mean difference between neighbours at which a face is as sharp as is asked for.
const SHARP: f32 = 12.0;

impl Quality for LightAndSharpness {
    fn assess(frame: &Frame, faces: &[Face]) -> Result<Vec<Vec<Component>>, QualityError> {
        let Settings {} = overt_sdk::config()?;
        let side = SIDE as u32;
        faces
            .iter()
            .map(|face| {
                // To read a tensor that was made of a frame takes the capability `pixels`.
                let view = View::stretch(side, side).channels(Channels::Grey);
                let picture = frame.tensor(view.of(face.bounds))?.tensor;
                let grey = picture.read(0, side * side)?;
                let (light, sharpness) = (light(&grey), sharpness(&grey));
                let component = |name: &str, value: f32| Component {
                    name: name.to_owned(),
                    value,
                };
                Ok(vec![
                    component("UnifiedQualityScore", light.min(sharpness)),
                    component("LuminanceMean", light),
                    component("Sharpness", sharpness),
                ])
            })
            .collect()
    }
}

/// 100 for a mean grey value in the middle of the range, falling evenly to 0 at black and at white.
fn light(grey: &[f32]) -> f32 {
    let mean = grey.iter().sum::<f32>() / grey.len() as f32;
    (100.0 - (mean - 127.5).abs() / 1.275).clamp(0.0, 100.0)
}

/// The mean difference between neighbours in a row, in hundredths of [`SHARP`].
fn sharpness(grey: &[f32]) -> f32 {
    let rows = grey.chunks_exact(SIDE);
    let differences = rows.flat_map(|row| row.windows(2).map(|pair| (pair[1] - pair[0]).abs()));
    let count = (SIDE - 1) * SIDE;
    (100.0 * differences.sum::<f32>() / count as f32 / SHARP).clamp(0.0, 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dark_and_the_glaring_lose_light() {
        let of = |grey: f32| light(&[grey; SIDE * SIDE]);
        assert_eq!((of(0.0), of(127.5), of(255.0)), (0.0, 100.0, 0.0));
    }

    #[test]
    fn stripes_are_sharper_than_a_slope_and_a_wall_is_not_sharp() {
        let of = |grey: fn(usize) -> f32| {
            let values: Vec<f32> = (0..SIDE * SIDE).map(|at| grey(at % SIDE)).collect();
            sharpness(&values)
        };
        let (wall, slope) = (of(|_| 90.0), of(|column| 4.0 * column as f32));
        let stripes = of(|column| if column % 2 == 0 { 60.0 } else { 180.0 });
        assert_eq!((wall, stripes), (0.0, 100.0));
        assert!(slope > 0.0 && slope < 50.0, "{slope}");
    }
}
