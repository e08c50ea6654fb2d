//! From RFB-320's 4,420 scored boxes to boxes in the frame. (The SDK's example `detector-boxes` shows the same few lines, as a walk through.)

use overt_sdk::{DetectorError, Face, Frame, Model, Rect, Tensor, View};

/// The picture that the model sees, pixels.
const WIDTH: u32 = 320;
const HEIGHT: u32 = 240;

/// Boxes that it scores.
const BOXES: u32 = 4_420;

/// Every box that is sure enough, within the frame; boxes may still overlap.
pub(crate) fn faces(frame: &Frame, least_confidence: f32) -> Result<Vec<Face>, DetectorError> {
    // At the frame's own ratio: the model was made for faces that are not squeezed.
    let view = View::letterbox(WIDTH, HEIGHT).normalised(127.0, 1.0 / 128.0);
    let input = frame.tensor(view)?;
    let outputs = Model::open("rfb320")?.run(&[&input.tensor])?;
    let [scores, boxes]: [Tensor; 2] = outputs
        .try_into()
        .map_err(|_| DetectorError::UnexpectedOutput)?;
    if scores.shape() != [1, BOXES, 2] || boxes.shape() != [1, BOXES, 4] {
        return Err(DetectorError::UnexpectedOutput);
    }
    let scores = scores.read(0, BOXES * 2)?;
    let boxes = boxes.read(0, BOXES * 4)?;
    // Pairs of (no face, face), and edges in widths and heights of the picture.
    let (scores, boxes) = (scores.as_chunks::<2>().0, boxes.as_chunks::<4>().0);
    Ok(scores
        .iter()
        .zip(boxes)
        .filter(|([_, face], _)| *face >= least_confidence)
        .filter_map(|([_, face], [left, top, right, bottom])| {
            let place = |x: &f32, y: &f32| input.to_frame(x * WIDTH as f32, y * HEIGHT as f32);
            Face {
                bounds: Rect::between(place(left, top), place(right, bottom)),
                // Sums of soft maxima may pass 1 by a rounding.
                confidence: face.min(1.0),
                landmarks: None,
            }
            .within_frame(frame.width(), frame.height())
        })
        .collect())
}
