//! A video file as a camera.

use crate::frame::Frame;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error;

/// Why a camera gives no (more) frames.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum CameraError {
    /// There is no such file.
    #[error("{path}: there is no such file")]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file is there and cannot be used.
    #[error("{path}: not a video that can be read: {cause}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// A video without a frame.
    #[error("{path}: holds no frame")]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The file ended before its time.
    #[error("{path}: cut short or damaged: {read} of {expected} frames could be read")]
    CutShort {
        /// The file.
        path: PathBuf,
        /// Frames that were read.
        read: u64,
        /// Frames that the container promises.
        expected: u64,
    },
    /// Frames with a side over [`crate::MOST_SIDE`].
    #[error("{path}: frames of {width} × {height}, at most {most} a side")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Pixels.
        width: u64,
        /// Pixels.
        height: u64,
        /// Most pixels of a side.
        most: u32,
    },
}

/// A video file as a camera.
#[derive(Debug)]
pub struct FileCamera {}

impl FileCamera {
    /// Opens.
    pub fn open(path: &Path, camera: Arc<str>) -> Result<FileCamera, CameraError> {
        let _ = camera;
        Err(CameraError::Missing {
            path: path.to_owned(),
        })
    }
    /// Frames.
    pub fn frames_expected(&self) -> Option<u64> {
        None
    }
    /// Frames per second.
    pub fn fps(&self) -> f64 {
        0.0
    }
    /// Width and height.
    pub fn size(&self) -> (u32, u32) {
        (0, 0)
    }
    /// The next frame.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Result<Option<Frame>, CameraError> {
        Ok(None)
    }
}
