//! Photographs: reading, cropping, and writing as JPEG.

use crate::frame::Frame;
use crate::geometry::Rect;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why a photograph was not read, or not written.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum StillError {
    /// There is no such file.
    #[error("{path}: there is no such file")]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file, or the picture in it, is larger than the host reads.
    #[error("too large: {found} {unit}, at most {most}")]
    TooLarge {
        /// How large.
        found: u64,
        /// Bytes or pixels.
        unit: &'static str,
        /// The limit.
        most: u64,
    },
    /// Neither JPEG nor PNG.
    #[error("neither a JPEG nor a PNG picture")]
    UnknownFormat,
    /// Corrupt, cut short, or unreadable.
    #[error("cannot be read: {cause}")]
    Unreadable {
        /// What is wrong with it.
        cause: String,
    },
    /// Pixels that could not be written as JPEG.
    #[error("cannot be written as JPEG: {cause}")]
    Unwritable {
        /// What is wrong.
        cause: String,
    },
}

/// Reads a photograph.
pub fn read_still(path: &Path) -> Result<Frame, StillError> {
    Err(StillError::Missing {
        path: path.to_owned(),
    })
}

/// Decodes a photograph.
pub fn decode_still(bytes: &[u8]) -> Result<Frame, StillError> {
    let _ = bytes;
    Err(StillError::UnknownFormat)
}

/// BGR rows as JPEG; quality 1 to 100.
pub fn encode_jpeg(
    bgr: &[u8],
    width: u32,
    height: u32,
    quality: u8,
) -> Result<Vec<u8>, StillError> {
    let _ = (bgr, width, height, quality);
    Err(StillError::Unwritable {
        cause: String::new(),
    })
}

/// The whole pixels of a box, cut at the frame's edge: width, height, BGR rows. Width and height are 0 where the box does not touch the frame.
pub fn crop(frame: &Frame, bounds: Rect) -> (u32, u32, Vec<u8>) {
    let _ = (frame, bounds);
    (0, 0, Vec::new())
}
