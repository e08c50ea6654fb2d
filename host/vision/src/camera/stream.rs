//! An opened stream of OpenCV: frames of one size, decoded straight into pooled buffers. It knows neither files nor networks.

use opencv::core::MatTraitConst;
use opencv::videoio::{
    CAP_PROP_FPS, CAP_PROP_FRAME_HEIGHT, CAP_PROP_FRAME_WIDTH, VideoCapture, VideoCaptureTrait,
    VideoCaptureTraitConst,
};
use thiserror::Error;

use crate::buffers::Buffer;
use crate::frame::{MOST_SIDE, size_in_bytes};
use crate::mat;

/// Why a stream cannot be used, or no longer.
#[derive(Clone, Debug, Error, PartialEq)]
pub(super) enum StreamFault {
    /// A side is over [`MOST_SIDE`] pixels.
    #[error("frames of {width} × {height} pixels")]
    TooLarge { width: u64, height: u64 },
    /// No frame has this size.
    #[error("frames of {width} × {height} pixels")]
    NoSize { width: f64, height: f64 },
    /// The frames change their size.
    #[error("their size changes from {} × {} to {} × {}", was.0, was.1, now.0, now.1)]
    Resized { was: (u32, u32), now: (i32, i32) },
    /// OpenCV failed.
    #[error("{0}")]
    OpenCv(String),
}

impl From<opencv::Error> for StreamFault {
    fn from(error: opencv::Error) -> StreamFault {
        StreamFault::OpenCv(error.to_string())
    }
}

/// An opened stream.
pub(super) struct Stream {
    capture: VideoCapture,
    size: (u32, u32),
}

impl Stream {
    /// Takes an opened capture; its size is what it states.
    pub(super) fn new(capture: VideoCapture) -> Result<Stream, StreamFault> {
        mat::keep_to_one_thread();
        let mut stream = Stream {
            capture,
            size: (0, 0),
        };
        let (width, height) = (
            stream.number(CAP_PROP_FRAME_WIDTH),
            stream.number(CAP_PROP_FRAME_HEIGHT),
        );
        if width > f64::from(MOST_SIDE) || height > f64::from(MOST_SIDE) {
            return Err(StreamFault::TooLarge {
                width: width as u64,
                height: height as u64,
            });
        }
        stream.size = (width as u32, height as u32);
        match size_in_bytes(stream.size.0, stream.size.1) {
            Some(_) => Ok(stream),
            None => Err(StreamFault::NoSize { width, height }),
        }
    }

    /// A property; 0 where the stream does not say.
    pub(super) fn number(&self, property: i32) -> f64 {
        self.capture.get(property).unwrap_or(0.0)
    }

    /// Frames a second, where the stream states a number that can be.
    pub(super) fn fps(&self) -> Option<f64> {
        let fps = self.number(CAP_PROP_FPS);
        (fps.is_finite() && fps > 0.0).then_some(fps)
    }

    /// Width and height of every frame, pixels.
    pub(super) fn size(&self) -> (u32, u32) {
        self.size
    }

    /// Decodes one frame straight into a pooled buffer; nothing at the end, or where a live stream's patience is over.
    pub(super) fn read(&mut self) -> Result<Option<Buffer>, StreamFault> {
        let (width, height) = (self.size.0 as usize, self.size.1 as usize);
        let mut pixels = Buffer::zeroed(width * height * mat::PIXEL);
        let place = pixels.as_ptr();
        let mut target = mat::to_write(&mut pixels, width, height)?;
        if !self.capture.read(&mut target)? {
            return Ok(None);
        }
        // OpenCV takes other memory where the frame does not fit ours.
        if target.data() != place {
            let now = target.size()?;
            return Err(StreamFault::Resized {
                was: self.size,
                now: (now.width, now.height),
            });
        }
        drop(target);
        Ok(Some(pixels))
    }
}
