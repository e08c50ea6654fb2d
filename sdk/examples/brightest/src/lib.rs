//! Two roles in one plugin, without a model: as a detector it takes the brightest spots of the frame for faces, as a quality measure it says how
//! bright each is. It recognises nothing; it shows how a plugin has several roles, and it is quick to run in tests. It computes with
//! pixels, so it declares the capability `pixels`.

use overt_sdk::{
    Channels, Component, Detector, DetectorError, Face, Frame, Quality, QualityError, Rect, View,
};

/// The plugin, in both its roles.
pub struct Brightest;

/// Cells that the frame is divided into, each way.
const CELLS: u32 = 16;

/// The least grey value of a spot.
const BRIGHT: f32 = 200.0;

impl Detector for Brightest {
    fn detect(frame: &Frame) -> Result<Vec<Face>, DetectorError> {
        let grid = frame.tensor(View::stretch(CELLS, CELLS).channels(Channels::Grey))?;
        let spots = grid.tensor.peaks(0, BRIGHT, 16)?;
        let faces = spots.iter().filter_map(|spot| {
            let corner = grid.to_frame(spot.column as f32, spot.row as f32);
            let face = Face {
                bounds: Rect {
                    x: corner.x,
                    y: corner.y,
                    width: grid.x_step,
                    height: grid.y_step,
                },
                confidence: spot.value / 255.0,
                landmarks: None,
            };
            face.within_frame(frame.width(), frame.height())
        });
        Ok(faces.collect())
    }
}

impl Quality for Brightest {
    fn assess(frame: &Frame, faces: &[Face]) -> Result<Vec<Vec<Component>>, QualityError> {
        let view = View::stretch(1, 1).channels(Channels::Grey);
        faces
            .iter()
            .map(|face| {
                let mean = frame.tensor(view.of(face.bounds))?.tensor.read(0, 1)?;
                let [mean] = mean[..] else {
                    return Err(QualityError::UnexpectedOutput);
                };
                let grid = View::stretch(CELLS, CELLS).channels(Channels::Grey);
                let grid = frame.tensor(grid.of(face.bounds))?.tensor;
                let (least, greatest) = grid.least_and_greatest(0, CELLS * CELLS)?;
                let component = |name: &str, grey: f32| Component {
                    name: name.into(),
                    value: (grey / 2.55).clamp(0.0, 100.0),
                };
                Ok(vec![
                    component("LuminanceMean", mean),
                    component("DynamicRange", greatest - least),
                ])
            })
            .collect()
    }
}

overt_sdk::detector!(Brightest);
overt_sdk::quality!(Brightest);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;

    use overt_sdk::native::Workbench;

    use super::*;

    #[test]
    fn a_white_spot_on_black_is_found_and_is_bright() {
        let mut pixels = vec![0; 64 * 64 * 3];
        for row in 8..12 {
            pixels[(row * 64 + 20) * 3..(row * 64 + 24) * 3].fill(255);
        }
        let info = overt_vision::FrameInfo {
            camera: Arc::from("gate"),
            sequence: 0,
            captured_at: 0.0,
        };
        let frame = Arc::new(overt_vision::Frame::from_bgr(info, 64, 64, &pixels).unwrap());
        let bench = Workbench::new().pixels();
        let faces = bench.detect::<Brightest>(&frame).unwrap();
        assert_eq!(faces.len(), 1, "{faces:?}");
        assert_eq!((faces[0].bounds.x, faces[0].bounds.y), (20.0, 8.0));
        let quality = bench.assess::<Brightest>(&frame, &faces).unwrap();
        assert!(quality[0][0].value > 99.0, "{quality:?}");
        assert!(
            quality[0][1].value < 1.0,
            "all of the spot is white: {quality:?}"
        );
    }
}
