//! A video file as a camera: every frame, in order, once. Read with OpenCV's FFmpeg back end. Knows no lane and no clock but the file's
//! own rate; a file is never dropped from, it waits.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use opencv::core::MatTraitConst;
use opencv::videoio::{
    CAP_FFMPEG, CAP_PROP_FPS, CAP_PROP_FRAME_COUNT, CAP_PROP_FRAME_HEIGHT, CAP_PROP_FRAME_WIDTH,
    CAP_PROP_POS_MSEC, VideoCapture, VideoCaptureTrait, VideoCaptureTraitConst,
};
use thiserror::Error;

use crate::buffers::Buffer;
use crate::container::{Container, FIRST_BYTES};
use crate::frame::{Frame, FrameInfo, MOST_SIDE, size_in_bytes};
use crate::mat;

/// How far an estimated end may lie behind the last frame, seconds: rounding, and sound that goes on a little longer.
const SLACK_SECONDS: f64 = 1.0;

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
    #[error("{path}: frames of {width} × {height} pixels, at most {most} a side")]
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
pub struct FileCamera {
    path: PathBuf,
    camera: Arc<str>,
    capture: VideoCapture,
    container: Container,
    size: (u32, u32),
    fps: f64,
    expected: Option<u64>,
    /// The first frame, from when the file was opened until it is asked for.
    first: Option<Buffer>,
    /// Frames given so far.
    given: u64,
    ended: bool,
}

impl FileCamera {
    /// Opens a video file and decodes its first frame, which is kept for [`FileCamera::next`].
    ///
    /// # Errors
    /// `Missing`, `Unreadable`, `Empty`, `TooLarge`.
    pub fn open(path: &Path, camera: Arc<str>) -> Result<FileCamera, CameraError> {
        mat::keep_to_one_thread();
        let unreadable = |cause: String| CameraError::Unreadable {
            path: path.to_owned(),
            cause,
        };
        let container = container_of(path)?;
        // An absolute path, so that FFmpeg does not take the start of a name for a protocol.
        let absolute = path.canonicalize().map_err(|e| unreadable(e.to_string()))?;
        if absolute.as_os_str().as_encoded_bytes().contains(&0) {
            return Err(unreadable("its name holds a NUL".to_owned()));
        }
        let capture = VideoCapture::from_file(&absolute, CAP_FFMPEG)
            .map_err(|e| unreadable(e.to_string()))?;
        if !capture.is_opened().unwrap_or(false) {
            return Err(unreadable(
                "FFmpeg finds no video stream that it can decode".to_owned(),
            ));
        }
        let number = |property| capture.get(property).unwrap_or(0.0);
        let (width, height) = (number(CAP_PROP_FRAME_WIDTH), number(CAP_PROP_FRAME_HEIGHT));
        if width > f64::from(MOST_SIDE) || height > f64::from(MOST_SIDE) {
            return Err(CameraError::TooLarge {
                path: path.to_owned(),
                width: width as u64,
                height: height as u64,
                most: MOST_SIDE,
            });
        }
        let size = (width as u32, height as u32);
        if size_in_bytes(size.0, size.1).is_none() {
            return Err(unreadable(format!("frames of {width} × {height} pixels")));
        }
        let fps = number(CAP_PROP_FPS);
        if !(fps.is_finite() && fps > 0.0) {
            return Err(unreadable("it states no frame rate".to_owned()));
        }
        let count = number(CAP_PROP_FRAME_COUNT);
        let expected = (count >= 1.0 && count <= f64::from(u32::MAX)).then_some(count as u64);
        let mut camera = FileCamera {
            path: path.to_owned(),
            camera,
            capture,
            container,
            size,
            fps,
            expected,
            first: None,
            given: 0,
            ended: false,
        };
        camera.first = camera.decode()?;
        if camera.first.is_none() {
            return Err(CameraError::Empty {
                path: path.to_owned(),
            });
        }
        Ok(camera)
    }

    /// How many frames the file says it holds: counted in AVI and MP4, estimated from duration and rate elsewhere; absent where it says
    /// nothing.
    pub fn frames_expected(&self) -> Option<u64> {
        self.expected
    }

    /// Frames a second, greater than zero.
    pub fn fps(&self) -> f64 {
        self.fps
    }

    /// Width and height of every frame, pixels.
    pub fn size(&self) -> (u32, u32) {
        self.size
    }

    /// The next frame, or nothing after the last. `captured_at` is the frame's number divided by the rate, so that it is the same
    /// in every run.
    ///
    /// # Errors
    /// `CutShort` once, in place of the end; `Unreadable` where the stream fails in another way, such as frames that change their size. After
    /// an error there is nothing more.
    #[allow(
        clippy::should_implement_trait,
        reason = "an iterator of results says less well that an error ends it"
    )]
    pub fn next(&mut self) -> Result<Option<Frame>, CameraError> {
        if self.ended {
            return Ok(None);
        }
        let pixels = match self.first.take() {
            Some(pixels) => Some(pixels),
            None => self.decode().inspect_err(|_| self.ended = true)?,
        };
        let Some(pixels) = pixels else {
            self.ended = true;
            return self.check_end().map(|()| None);
        };
        let sequence = u32::try_from(self.given)
            .map_err(|_| self.unreadable("more frames than can be counted"))?;
        self.given += 1;
        let info = FrameInfo {
            camera: Arc::clone(&self.camera),
            sequence,
            captured_at: f64::from(sequence) / self.fps,
        };
        Frame::from_buffer(info, self.size.0, self.size.1, pixels)
            .map(Some)
            .map_err(|e| self.unreadable(e))
    }

    /// Decodes one frame straight into a pooled buffer; nothing at the end.
    fn decode(&mut self) -> Result<Option<Buffer>, CameraError> {
        let (width, height) = (self.size.0 as usize, self.size.1 as usize);
        let mut pixels = Buffer::zeroed(width * height * mat::PIXEL);
        let place = pixels.as_ptr();
        let mut target =
            mat::to_write(&mut pixels, width, height).map_err(|e| self.unreadable(e))?;
        if !self
            .capture
            .read(&mut target)
            .map_err(|e| self.unreadable(e))?
        {
            return Ok(None);
        }
        // OpenCV takes other memory where the frame does not fit ours.
        if target.data() != place {
            let size = target.size().map_err(|e| self.unreadable(e))?;
            let (was, now) = (
                format!("{width} × {height}"),
                format!("{} × {}", size.width, size.height),
            );
            return Err(self.unreadable(format!(
                "after {} frames their size changes from {was} to {now}",
                self.given
            )));
        }
        drop(target);
        Ok(Some(pixels))
    }

    /// Whether the end came where the file said it would.
    fn check_end(&self) -> Result<(), CameraError> {
        let Some(expected) = self.expected.filter(|expected| self.given < *expected) else {
            return Ok(());
        };
        if !self.container.counts_frames() {
            // By time and not by number, since the rate of such a file may vary.
            let last = self.capture.get(CAP_PROP_POS_MSEC).unwrap_or(0.0) / 1000.0;
            if last + SLACK_SECONDS >= expected as f64 / self.fps {
                return Ok(());
            }
        }
        Err(CameraError::CutShort {
            path: self.path.clone(),
            read: self.given,
            expected,
        })
    }

    fn unreadable(&self, cause: impl ToString) -> CameraError {
        CameraError::Unreadable {
            path: self.path.clone(),
            cause: cause.to_string(),
        }
    }
}

impl fmt::Debug for FileCamera {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FileCamera {
            path,
            camera,
            size,
            fps,
            expected,
            given,
            ..
        } = self;
        write!(
            f,
            "FileCamera({camera}: {path:?}, {}×{} at {fps}, {given} of {expected:?} frames given)",
            size.0, size.1
        )
    }
}

/// Looks at the start of the file before FFmpeg does.
fn container_of(path: &Path) -> Result<Container, CameraError> {
    let unreadable = |cause: String| CameraError::Unreadable {
        path: path.to_owned(),
        cause,
    };
    let metadata = path.metadata().map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => CameraError::Missing {
            path: path.to_owned(),
        },
        _ => unreadable(e.to_string()),
    })?;
    if !metadata.is_file() {
        return Err(unreadable("not a file".to_owned()));
    }
    let mut first = Vec::with_capacity(FIRST_BYTES);
    let file = File::open(path).map_err(|e| unreadable(e.to_string()))?;
    file.take(FIRST_BYTES as u64)
        .read_to_end(&mut first)
        .map_err(|e| unreadable(e.to_string()))?;
    if first.is_empty() {
        return Err(unreadable("the file is empty".to_owned()));
    }
    Container::of(&first)
        .ok_or_else(|| unreadable(format!("the file is none of {}", Container::NAMES)))
}

#[cfg(test)]
mod tests;
