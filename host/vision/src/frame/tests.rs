//! What a frame gives, measured against pictures whose right answer is known, and what it refuses.
#![allow(clippy::unwrap_used)]

mod aligned;
mod pixels;
mod views;

use super::*;
use crate::testing::frame;

const UNLIMITED: u64 = u64::MAX;

/// A frame whose value is known between pixels too: blue grows by `rise` a column, green by `rise` a row, red falls by half of both.
fn slope(width: u32, height: u32, rise: u32) -> Frame {
    assert!(width * rise <= 250 && height * rise <= 250);
    frame(width, height, |x, y| {
        [
            (x * rise) as u8,
            (y * rise) as u8,
            250 - ((x + y) * rise / 2) as u8,
        ]
    })
}
