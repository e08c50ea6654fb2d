//! The test card: a drawn head and shoulders on grey, on which plugins show that they still do what their vendor saw them do. It is nobody's face, needs no
//! file, and is the same bytes on every machine: it is drawn with sums, products and quotients of binary64 alone, which IEEE 754 rounds alike everywhere.

use std::sync::Arc;

use crate::frame::{Frame, FrameError, FrameInfo};
use crate::geometry::{Face, Landmarks, Point, Rect};

/// The card's size in pixels.
pub const WIDTH: u32 = 640;
/// See [`WIDTH`].
pub const HEIGHT: u32 = 480;

/// The middle of the head.
const MIDDLE: (f64, f64) = (320.0, 230.0);

/// The measure of the head that all others are parts of, pixels.
const UNIT: f64 = 50.0;

/// Blue, green, red, 0 to 255.
type Colour = [f64; 3];

const HAIR: Colour = [25.0, 30.0, 40.0];
const LINE: Colour = [40.0, 45.0, 60.0];

/// An ellipse with a soft edge. Places and sizes in [`UNIT`]s from the middle of the head.
struct Stroke {
    at: (f64, f64),
    radii: (f64, f64),
    /// How far the edge reaches to either side, as a part of the radius.
    soft: f64,
    /// How much of what lies under it is covered, 0 to 1.
    cover: f64,
    colour: Colour,
}

const fn stroke(
    at: (f64, f64),
    radii: (f64, f64),
    soft: f64,
    cover: f64,
    colour: Colour,
) -> Stroke {
    Stroke {
        at,
        radii,
        soft,
        cover,
        colour,
    }
}

const SHOULDERS: Stroke = stroke((0.0, 2.9), (2.0, 1.5), 0.05, 1.0, [60.0, 50.0, 50.0]);
const NECK: Stroke = stroke((0.0, 1.3), (0.5, 0.8), 0.08, 1.0, [120.0, 145.0, 190.0]);
const BACK_HAIR: Stroke = stroke((0.0, -0.2), (0.98, 1.22), 0.06, 1.0, HAIR);
/// Its colour is that of the skin in full light.
const FACE: Stroke = stroke((0.0, 0.05), (0.8, 1.08), 0.06, 1.0, [135.0, 165.0, 215.0]);
const FRINGE: Stroke = stroke((0.0, -0.95), (0.75, 0.38), 0.1, 1.0, HAIR);

/// What stands on both sides of the face, drawn on the right and then mirrored.
const PAIRS: [Stroke; 7] = [
    // Socket, white, iris, lid, brow.
    stroke((0.33, -0.12), (0.24, 0.16), 0.5, 0.5, [90.0, 110.0, 150.0]),
    stroke(
        (0.33, -0.12),
        (0.155, 0.075),
        0.15,
        1.0,
        [225.0, 228.0, 230.0],
    ),
    stroke((0.33, -0.12), (0.075, 0.078), 0.15, 1.0, LINE),
    stroke((0.33, -0.19), (0.17, 0.025), 0.4, 1.0, LINE),
    stroke((0.33, -0.36), (0.21, 0.045), 0.4, 1.0, [30.0, 40.0, 55.0]),
    // Nostril, side of the nose.
    stroke((0.10, 0.33), (0.05, 0.03), 0.5, 0.6, [60.0, 80.0, 120.0]),
    stroke((0.15, 0.2), (0.06, 0.3), 0.6, 0.35, [95.0, 120.0, 165.0]),
];

/// What stands in the middle of the face.
const SINGLES: [Stroke; 5] = [
    // Ridge and base of the nose, lips, the line between them, the shadow under them.
    stroke((0.0, 0.1), (0.05, 0.32), 0.6, 0.35, [165.0, 195.0, 240.0]),
    stroke((0.0, 0.37), (0.14, 0.04), 0.6, 0.7, [90.0, 115.0, 160.0]),
    stroke((0.0, 0.62), (0.27, 0.085), 0.25, 1.0, [105.0, 105.0, 170.0]),
    stroke((0.0, 0.61), (0.25, 0.018), 0.4, 1.0, [50.0, 50.0, 90.0]),
    stroke((0.0, 0.77), (0.2, 0.05), 0.6, 0.4, [100.0, 125.0, 170.0]),
];

impl Stroke {
    fn mirrored(&self) -> Stroke {
        Stroke {
            at: (-self.at.0, self.at.1),
            ..*self
        }
    }

    /// How much of a pixel it covers, 0 to 1.
    fn covers(&self, x: f64, y: f64) -> f64 {
        let across = (x - MIDDLE.0 - self.at.0 * UNIT) / (self.radii.0 * UNIT);
        let down = (y - MIDDLE.1 - self.at.1 * UNIT) / (self.radii.1 * UNIT);
        let distance = across * across + down * down;
        self.cover * ((1.0 + self.soft - distance) / (2.0 * self.soft)).clamp(0.0, 1.0)
    }
}

fn mix(under: Colour, over: Colour, cover: f64) -> Colour {
    std::array::from_fn(|index| under[index] * (1.0 - cover) + over[index] * cover)
}

fn pixel(x: f64, y: f64) -> Colour {
    let slope = x / f64::from(WIDTH) * 30.0 - 15.0;
    let mut colour = [120.0 + slope, 115.0 + slope, 110.0 + slope];
    let put = |colour: &mut Colour, stroke: &Stroke| {
        *colour = mix(*colour, stroke.colour, stroke.covers(x, y));
    };
    for stroke in [&SHOULDERS, &NECK, &BACK_HAIR] {
        put(&mut colour, stroke);
    }
    // The face is lit from the front and darker towards its edge.
    let face = FACE.covers(x, y);
    let across = (x - MIDDLE.0) / (0.8 * UNIT);
    let down = (y - MIDDLE.1) / (1.1 * UNIT);
    let light = 1.0 - 0.25 * (across * across + 0.4 * (down * down)).clamp(0.0, 1.0);
    colour = mix(colour, FACE.colour.map(|part| part * light), face);
    colour = mix(colour, FRINGE.colour, FRINGE.covers(x, y) * face);
    for pair in &PAIRS {
        put(&mut colour, &pair.mirrored());
        put(&mut colour, pair);
    }
    for single in &SINGLES {
        put(&mut colour, single);
    }
    colour
}

/// The card as a frame of the camera `test-card`.
///
/// # Errors
/// [`FrameError`] where there is no memory for it.
pub fn frame() -> Result<Frame, FrameError> {
    let mut pixels = Vec::with_capacity(3 * (WIDTH * HEIGHT) as usize);
    for y in 0..HEIGHT {
        for x in 0..WIDTH {
            let colour = pixel(f64::from(x), f64::from(y));
            pixels.extend(colour.map(|part| part.clamp(0.0, 255.0) as u8));
        }
    }
    let info = FrameInfo {
        camera: Arc::from("test-card"),
        sequence: 0,
        captured_at: 0.0,
    };
    Frame::from_bgr(info, WIDTH, HEIGHT, &pixels)
}

/// The drawn face: what an encoder and a quality measure are asked about.
pub fn face() -> Face {
    let at = |(x, y): (f64, f64)| Point {
        x: (MIDDLE.0 + x * UNIT) as f32,
        y: (MIDDLE.1 + y * UNIT) as f32,
    };
    Face {
        bounds: Rect {
            x: (MIDDLE.0 - 0.8 * UNIT) as f32,
            y: (MIDDLE.1 - 1.03 * UNIT) as f32,
            width: (1.6 * UNIT) as f32,
            height: (2.16 * UNIT) as f32,
        },
        confidence: 1.0,
        landmarks: Some(Landmarks {
            left_eye: at((-0.33, -0.12)),
            right_eye: at((0.33, -0.12)),
            nose: at((0.0, 0.34)),
            left_mouth: at((-0.25, 0.62)),
            right_mouth: at((0.25, 0.62)),
        }),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn the_card_is_the_same_bytes_everywhere() {
        let card = frame().unwrap();
        assert_eq!((card.width(), card.height()), (WIDTH, HEIGHT));
        // Self-tests of plugins hold for this picture and no other: who changes it breaks every plugin that has one.
        assert_eq!(
            hex::encode(Sha256::digest(card.bgr())),
            "990d66e831c303a196c5bdbba0d74e2a25d35fa245b3d28b0326b99cbcb7bd4c"
        );
    }
}
