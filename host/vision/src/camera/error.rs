//! Why a camera gives no frames, or no more.

use std::path::PathBuf;

use thiserror::Error;

#[cfg(doc)]
use crate::frame::MOST_SIDE;

/// Why a camera gives no frames, or no more.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum CameraError {
    /// There is no such file.
    #[error("{path}: there is no such file")]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file is there and cannot be used as a video.
    #[error("{path}: cannot be read as a video: {cause}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// A video without a frame that can be decoded.
    #[error("{path}: a video without a single readable frame")]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The file ended before the end that its container states, or frames in the middle could not be decoded. It comes after the last
    /// frame, in place of the end.
    #[error(
        "{path}: cut short or damaged: {read} frames could be read, the file says it holds {expected}"
    )]
    CutShort {
        /// The file.
        path: PathBuf,
        /// Frames that were read.
        read: u64,
        /// Frames that the container promises.
        expected: u64,
    },
    /// Frames with a side over [`MOST_SIDE`].
    #[error("{source_name}: frames of {width} × {height} pixels, at most {most} a side")]
    TooLarge {
        /// The file, the device or the address.
        source_name: String,
        /// Pixels.
        width: u64,
        /// Pixels.
        height: u64,
        /// Most pixels of a side.
        most: u32,
    },
    /// There is no such device, or it may not be used.
    #[error("{device}: {cause}; the devices here: {}", if present.is_empty() { "none".to_owned() } else { present.join(", ") })]
    Device {
        /// The device, such as `/dev/video0`.
        device: PathBuf,
        /// What is wrong with it.
        cause: String,
        /// The video devices that are there.
        present: Vec<String>,
    },
    /// Nobody answers at an address.
    #[error("{address}: nobody answers: {cause}")]
    NoAnswer {
        /// The address, without a password.
        address: String,
        /// Why not.
        cause: String,
    },
    /// Somebody answers at an address, and there is no video to be had.
    #[error("{address}: no video: {cause}")]
    NoStream {
        /// The address, without a password.
        address: String,
        /// Why not.
        cause: String,
    },
    /// A camera that was away gives pictures of another size than before.
    #[error(
        "{source_name}: it is back with pictures of {} × {} pixels, not of {} × {} as before",
        now.0, now.1, was.0, was.1
    )]
    OtherSize {
        /// The device or the address, without a password.
        source_name: String,
        /// Width and height now, pixels.
        now: (u32, u32),
        /// Width and height before, pixels.
        was: (u32, u32),
    },
    /// A camera that gave frames gives none any more.
    #[error("{source_name}: no more frames: {cause}")]
    Lost {
        /// The device or the address, without a password.
        source_name: String,
        /// What happened.
        cause: String,
    },
}
