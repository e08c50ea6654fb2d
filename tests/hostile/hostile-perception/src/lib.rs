//! A detector, an encoder and a quality measure that do what no plugin may do. Which it is, their configuration says:
//! `{"behaviour": "loop"}`. A camera's first frame is answered well, so that a test sees that the next call is served.

mod detector;
mod encoder;
mod greed;
mod quality;

use core::hint::black_box;

use overt_sdk::{Face, Frame, Landmarks, Point, Rect};
use serde::Deserialize;

/// The plugin, in all its roles.
pub struct Hostile;

#[derive(Deserialize)]
struct Settings {
    behaviour: String,
}

/// The behaviour that the configuration asks for.
fn behaviour(frame: &Frame) -> String {
    if frame.sequence() == 0 {
        return "answer-well".into();
    }
    match overt_sdk::config::<Settings>() {
        Ok(settings) => settings.behaviour,
        Err(error) => panic!("{error}"),
    }
}

/// A face that breaks no rule in any frame of 64 × 48 pixels or more.
fn sound_face() -> Face {
    let point = |x, y| Point { x, y };
    Face {
        bounds: Rect {
            x: 10.0,
            y: 10.0,
            width: 20.0,
            height: 20.0,
        },
        confidence: 0.9,
        landmarks: Some(Landmarks {
            left_eye: point(15.0, 16.0),
            right_eye: point(25.0, 16.0),
            nose: point(20.0, 20.0),
            left_mouth: point(16.0, 25.0),
            right_mouth: point(24.0, 25.0),
        }),
    }
}

fn endless_loop() -> ! {
    let mut turns = 0u64;
    loop {
        turns = black_box(turns.wrapping_add(1));
    }
}

#[allow(unconditional_recursion)]
fn endless_recursion(depth: u64) -> u64 {
    // Nothing that has an address: the compiler would keep it on a stack in the plugin's memory, which would end before the engine's.
    endless_recursion(depth.wrapping_add(1)).rotate_left(7) ^ depth
}

fn endless_allocation() -> ! {
    loop {
        black_box(vec![1u8; 1 << 20].leak());
    }
}

overt_sdk::detector!(Hostile);
overt_sdk::encoder!(Hostile);
overt_sdk::quality!(Hostile);
