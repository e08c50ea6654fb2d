//! A video file as a camera: every frame, in order, once. Read with OpenCV's FFmpeg back end. Knows no lane and no clock but the file's
//! own rate; a file is never dropped from, it waits.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use opencv::videoio::{
    CAP_FFMPEG, CAP_PROP_FRAME_COUNT, CAP_PROP_POS_MSEC, VideoCapture, VideoCaptureTraitConst,
};

use super::error::CameraError;
use super::stream::{Stream, StreamFault};
use crate::buffers::Buffer;
use crate::container::{Container, FIRST_BYTES};
use crate::frame::{Frame, FrameInfo, MOST_SIDE};

/// How far an estimated end may lie behind the last frame, seconds: rounding, and sound that goes on a little longer.
const SLACK_SECONDS: f64 = 1.0;

/// A video file as a camera.
pub struct FileCamera {
    path: PathBuf,
    camera: Arc<str>,
    stream: Stream,
    container: Container,
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
        let stream = Stream::new(capture).map_err(|fault| match fault {
            StreamFault::TooLarge { width, height } => CameraError::TooLarge {
                source_name: path.display().to_string(),
                width,
                height,
                most: MOST_SIDE,
            },
            fault => unreadable(fault.to_string()),
        })?;
        let fps = stream
            .fps()
            .ok_or_else(|| unreadable("it states no frame rate".to_owned()))?;
        let count = stream.number(CAP_PROP_FRAME_COUNT);
        let expected = (count >= 1.0 && count <= f64::from(u32::MAX)).then_some(count as u64);
        let mut camera = FileCamera {
            path: path.to_owned(),
            camera,
            stream,
            container,
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
        self.stream.size()
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
        let (width, height) = self.size();
        Frame::from_buffer(info, width, height, pixels)
            .map(Some)
            .map_err(|e| self.unreadable(e))
    }

    fn decode(&mut self) -> Result<Option<Buffer>, CameraError> {
        self.stream.read().map_err(|fault| match fault {
            StreamFault::Resized { .. } => {
                self.unreadable(format!("after {} frames {fault}", self.given))
            }
            fault => self.unreadable(fault),
        })
    }

    /// Whether the end came where the file said it would.
    fn check_end(&self) -> Result<(), CameraError> {
        let Some(expected) = self.expected.filter(|expected| self.given < *expected) else {
            return Ok(());
        };
        if !self.container.counts_frames() {
            // By time and not by number, since the rate of such a file may vary.
            let last = self.stream.number(CAP_PROP_POS_MSEC) / 1000.0;
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
            stream,
            fps,
            expected,
            given,
            ..
        } = self;
        write!(
            f,
            "FileCamera({camera}: {path:?}, {}×{} at {fps}, {given} of {expected:?} frames given)",
            stream.size().0,
            stream.size().1
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
