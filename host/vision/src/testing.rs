//! What several test modules need: numbers, pictures, small ONNX models, and the inference library. Compiled for tests only.

#![allow(clippy::unwrap_used, clippy::expect_used)]

pub(crate) mod onnx;

use std::path::{Path, PathBuf};

use crate::frame::{Frame, FrameInfo};
use crate::inference::Device;
use crate::tensor::Element;
use crate::view::{Channels, Fit, Layout, View};

/// Numbers that look random and are the same every time (xorshift).
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    /// 0 to `limit` − 1.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    /// `least` to `most`.
    pub(crate) fn between(&mut self, least: f32, most: f32) -> f32 {
        least + (most - least) * (self.below(1 << 24) as f32 / (1 << 24) as f32)
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.below(256) as u8).collect()
    }
}

/// Whose the frames of tests are.
pub(crate) fn info() -> FrameInfo {
    FrameInfo {
        camera: "gate".into(),
        sequence: 7,
        captured_at: 0.28,
    }
}

/// A frame in which every pixel is what `bgr` says of its column and row.
pub(crate) fn frame(width: u32, height: u32, bgr: impl Fn(u32, u32) -> [u8; 3]) -> Frame {
    let pixels: Vec<u8> = (0..height)
        .flat_map(|y| (0..width).map(move |x| (x, y)))
        .flat_map(|(x, y)| bgr(x, y))
        .collect();
    Frame::from_bgr(info(), width, height, &pixels).unwrap()
}

/// A frame of noise.
pub(crate) fn noise(width: u32, height: u32) -> Frame {
    let pixels = Numbers(0x2545_F491_4F6C_DD1D).bytes(width as usize * height as usize * 3);
    Frame::from_bgr(info(), width, height, &pixels).unwrap()
}

/// What ONNX Runtime's tests run on: the processor, or the graphics processor whose number `OVERT_TEST_CUDA` is.
pub(crate) fn device() -> Device {
    match std::env::var("OVERT_TEST_CUDA") {
        Ok(index) => Device::Cuda {
            index: index.parse().expect("OVERT_TEST_CUDA is a number"),
        },
        Err(_) => Device::Cpu,
    }
}

/// ONNX Runtime for that device, where set-up puts it.
pub(crate) fn library() -> PathBuf {
    let place = match device() {
        Device::Cpu => ".overt/onnxruntime/libonnxruntime.so",
        Device::Cuda { .. } => ".overt/onnxruntime-gpu/libonnxruntime.so",
    };
    set_up("OVERT_ONNXRUNTIME", place)
}

/// OpenVINO's C interface, where set-up puts it.
pub(crate) fn openvino_library() -> PathBuf {
    set_up("OVERT_OPENVINO", ".overt/openvino/libopenvino_c.so.2641")
}

fn set_up(variable: &str, place: &str) -> PathBuf {
    if let Some(path) = std::env::var_os(variable) {
        return PathBuf::from(path);
    }
    let found = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .map(|folder| folder.join(place))
        .find(|path| path.is_file());
    found.unwrap_or_else(|| {
        panic!(
            "{place} is not there: run the set-up (`make setup`), or name the library in {variable}"
        )
    })
}

/// The whole frame as planar float32 RGB, untouched by mean and scale.
pub(crate) fn view(fit: Fit, width: u32, height: u32) -> View {
    View {
        region: None,
        width,
        height,
        fit,
        multiple: 32,
        layout: Layout::Planar,
        element: Element::Float32,
        channels: Channels::Rgb,
        mean: [0.0; 3],
        scale: [1.0; 3],
    }
}
