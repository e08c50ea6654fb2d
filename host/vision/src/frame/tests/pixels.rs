//! A frame's size, and bytes of a region.

use super::*;
use crate::testing::{info, noise};

#[test]
fn a_frame_has_a_size_that_its_pixels_fill() {
    let from =
        |width, height, bytes: usize| Frame::from_bgr(info(), width, height, &vec![0; bytes]);
    assert!(from(2, 3, 18).is_ok());
    for (width, height, bytes) in [
        (2, 3, 17),
        (2, 3, 19),
        (0, 3, 0),
        (3, 0, 0),
        (MOST_SIDE + 1, 1, (MOST_SIDE as usize + 1) * 3),
        (u32::MAX, u32::MAX, 3),
    ] {
        let refused = from(width, height, bytes).unwrap_err();
        assert_eq!(
            refused,
            FrameError::BadSize {
                width,
                height,
                bytes: bytes as u64
            }
        );
    }
    let frame = from(2, 3, 18).unwrap();
    assert_eq!(
        (
            frame.width(),
            frame.height(),
            frame.sequence(),
            frame.captured_at()
        ),
        (2, 3, 7, 0.28)
    );
    assert_eq!(&**frame.camera(), "gate");
}

#[test]
fn a_region_of_pixels_is_what_the_frame_holds_there() {
    let frame = noise(9, 7);
    let at = |x: usize, y: usize| -> [u8; 3] { frame.bgr().as_chunks::<3>().0[y * 9 + x] };
    let places = (2..6).flat_map(|y| (3..8).map(move |x| (x, y)));
    let bgr: Vec<u8> = places.clone().flat_map(|(x, y)| at(x, y)).collect();
    let rgb: Vec<u8> = places
        .clone()
        .flat_map(|(x, y)| at(x, y).into_iter().rev())
        .collect();
    let grey: Vec<u8> = places.map(|(x, y)| luma(&at(x, y))).collect();
    assert_eq!(frame.region(3, 2, 5, 4, Channels::Bgr).unwrap(), bgr);
    assert_eq!(frame.region(3, 2, 5, 4, Channels::Rgb).unwrap(), rgb);
    assert_eq!(frame.region(3, 2, 5, 4, Channels::Grey).unwrap(), grey);
    assert_eq!(
        frame.region(0, 0, 9, 7, Channels::Bgr).unwrap(),
        frame.bgr()
    );
}

#[test]
fn a_region_of_pixels_beyond_the_frame_or_the_limit_is_refused() {
    let frame = noise(9, 7);
    for (x, y, width, height) in [
        (5, 0, 5, 1),
        (0, 7, 1, 1),
        (0, 0, 0, 1),
        (0, 0, 1, 0),
        (u32::MAX, 0, 2, 1),
        (1, 1, u32::MAX, u32::MAX),
    ] {
        let refused = frame.region(x, y, width, height, Channels::Bgr);
        assert!(
            matches!(refused, Err(FrameError::OutsideFrame { .. })),
            "{x} {y} {width} {height}"
        );
    }
    let large = Frame::from_bgr(info(), 2048, 1024, &vec![9; 2048 * 1024 * 3]).unwrap();
    assert_eq!(
        large
            .region(0, 0, 2048, 1024, Channels::Grey)
            .unwrap()
            .len(),
        2 << 20
    );
    let refused = large.region(0, 0, 2048, 1024, Channels::Rgb).unwrap_err();
    assert_eq!(
        refused,
        FrameError::TooMany {
            asked: 6 << 20,
            most: MOST_REGION_BYTES
        }
    );
}
