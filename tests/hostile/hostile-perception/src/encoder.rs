//! The encoder: templates that cannot be.

use overt_sdk::{Channels, Element, Encoder, EncoderError, Face, Frame, Layout, Tensor, View};

use crate::{Hostile, behaviour, endless_loop};

/// The manifest's.
const DIMENSION: usize = 8;

impl Encoder for Hostile {
    fn encode(frame: &Frame, faces: &[Face]) -> Result<Tensor, EncoderError> {
        let rows = faces.len();
        let templates = |rows: usize, dimension: usize, value: fn(usize) -> f32| {
            let values: Vec<f32> = (0..rows * dimension).map(value).collect();
            Tensor::from_values(&[rows as u32, dimension as u32], &values)
        };
        Ok(match behaviour(frame).as_str() {
            "answer-well" => templates(rows, DIMENSION, |index| 1.0 + index as f32)?,
            "loop" => endless_loop(),
            "template-of-nan" => {
                templates(
                    rows,
                    DIMENSION,
                    |index| if index == 3 { f32::NAN } else { 1.0 },
                )?
            }
            "endless-template" => templates(rows, DIMENSION, |_| f32::NEG_INFINITY)?,
            "zero-template" => {
                templates(
                    rows,
                    DIMENSION,
                    |index| if index < DIMENSION { 1.0 } else { 0.0 },
                )?
            }
            "longer-template" => templates(rows, DIMENSION + 1, |_| 1.0)?,
            "one-template-too-few" => templates(rows - 1, DIMENSION, |_| 1.0)?,
            "one-template-too-many" => templates(rows + 1, DIMENSION, |_| 1.0)?,
            "flat-template" => {
                let values = vec![1.0; rows * DIMENSION];
                Tensor::from_values(&[values.len() as u32], &values)?
            }
            "template-of-bytes" => {
                let values = vec![1; rows * DIMENSION];
                let shape = [rows as u32, DIMENSION as u32];
                Tensor::from_bytes(&shape, Element::Uint8, &values)?
            }
            "pixels-as-template" => {
                let view = View::stretch(DIMENSION as u32, rows as u32)
                    .channels(Channels::Grey)
                    .layout(Layout::Interleaved);
                frame.tensor(view)?.tensor
            }
            other => panic!("no such behaviour: {other}"),
        })
    }
}
