//! Frames, cameras, tensors and inference: everything in Overt that touches a pixel.
//!
//! A [`FileCamera`] gives [`Frame`]s; a frame gives [`Tensor`]s; a [`Session`] of a [`Backend`] turns tensors into tensors. The
//! words and units are those of the contract (`wit/geometry.wit`, `wit/frames.wit`, `wit/tensors.wit`).
//!
//! This crate knows no plugin, no watchlist and no policy. It keeps nothing: buffers that held pixels or templates are zeroed when they
//! are given back.

mod about;
mod align;
mod budget;
mod buffers;
mod camera;
mod container;
mod convert;
mod frame;
mod geometry;
mod inference;
mod mat;
pub mod memory;
mod model;
mod onnx;
mod peaks;
mod place;
mod sample;
mod still;
mod tensor;
pub mod test_card;
#[cfg(test)]
mod testing;
mod view;

pub use about::{OpenCv, opencv};
pub use budget::{Budget, OverBudget};
pub use camera::{
    CameraError, FileCamera, LiveCamera, LiveSource, Patience, PictureFault, PictureWatch,
    RtspStream,
};
pub use frame::{Frame, FrameError, FrameInfo, MOST_ALIGNED_FACES, MOST_REGION_BYTES, MOST_SIDE};
pub use geometry::{Face, Landmarks, Point, Rect};
pub use inference::onnxruntime::OnnxRuntime;
pub use inference::openvino::OpenVino;
pub use inference::{Backend, BackendIdentity, Device, InferenceError, Port, Precision, Session};
pub use memory::{MODEL_MEMORY, OverMemory};
pub use model::{MOST_MODEL_BYTES, ModelError, ModelFile};
pub use peaks::{MOST_PEAKS, Peak};
pub use still::{StillError, crop, decode_still, encode_jpeg, read_still};
pub use tensor::{Element, MOST_DIMENSIONS, MOST_VALUES, Tensor, TensorError};
pub use view::{Alignment, Channels, Fit, Layout, Template, View, Viewed};
