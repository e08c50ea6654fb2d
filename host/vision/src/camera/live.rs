//! A live camera: a Video4Linux device, or a stream on the network. Frames come at its own pace; whoever reads too slowly gets old ones, so it is
//! read without a pause and the reader decides what is left out.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use opencv::core::Vector;
use opencv::videoio::{
    CAP_FFMPEG, CAP_PROP_OPEN_TIMEOUT_MSEC, CAP_PROP_READ_TIMEOUT_MSEC, CAP_V4L2, VideoCapture,
    VideoCaptureTraitConst,
};

use super::error::CameraError;
use super::rtsp::RtspStream;
use super::stream::{Stream, StreamFault};
use crate::frame::{Frame, FrameInfo, MOST_SIDE};

/// What a live camera is assumed to send where it does not say: frames a second.
const USUAL_FPS: f64 = 25.0;

/// Frames a second that a camera can have. Some state their clock's rate, 90,000, instead.
const POSSIBLE_FPS: std::ops::RangeInclusive<f64> = 1.0..=240.0;

/// Where a live camera is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LiveSource {
    /// The Video4Linux device `/dev/video<n>`.
    V4l2(u32),
    /// A stream on the network.
    Rtsp(RtspStream),
}

impl fmt::Display for LiveSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LiveSource::V4l2(number) => write!(f, "/dev/video{number}"),
            LiveSource::Rtsp(stream) => stream.fmt(f),
        }
    }
}

/// How long a live camera is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For an answer when it is opened.
    pub open: Duration,
    /// For the next frame. Of a stream on the network; a device has ten seconds, which is OpenCV's own limit.
    pub read: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience {
            open: Duration::from_secs(5),
            read: Duration::from_secs(5),
        }
    }
}

/// An opened live camera.
pub struct LiveCamera {
    source: LiveSource,
    stream: Stream,
}

impl LiveCamera {
    /// Opens a live camera.
    ///
    /// # Errors
    /// `Device`, `NoAnswer`, `NoStream`, `TooLarge`.
    pub fn open(source: &LiveSource, patience: Patience) -> Result<LiveCamera, CameraError> {
        let capture = match source {
            LiveSource::V4l2(number) => open_device(*number)?,
            LiveSource::Rtsp(stream) => open_stream(stream, patience)?,
        };
        let stream = Stream::new(capture).map_err(|fault| match (fault, source) {
            (StreamFault::TooLarge { width, height }, _) => CameraError::TooLarge {
                source_name: source.to_string(),
                width,
                height,
                most: MOST_SIDE,
            },
            (fault, LiveSource::V4l2(number)) => device_error(*number, fault.to_string()),
            (fault, LiveSource::Rtsp(_)) => CameraError::NoStream {
                address: source.to_string(),
                cause: fault.to_string(),
            },
        })?;
        Ok(LiveCamera {
            source: source.clone(),
            stream,
        })
    }

    /// Frames a second: what the camera states, or 25 where that cannot be.
    pub fn fps(&self) -> f64 {
        self.stream
            .fps()
            .filter(|fps| POSSIBLE_FPS.contains(fps))
            .unwrap_or(USUAL_FPS)
    }

    /// Width and height of every frame, pixels.
    pub fn size(&self) -> (u32, u32) {
        self.stream.size()
    }

    /// Waits for the next frame. `stamp` is asked once it has come.
    ///
    /// # Errors
    /// `Lost` where it does not come in time or cannot be used. The camera has to be opened anew then.
    pub fn next(&mut self, stamp: impl FnOnce() -> FrameInfo) -> Result<Frame, CameraError> {
        let lost = |cause: String| CameraError::Lost {
            source_name: self.source.to_string(),
            cause,
        };
        let pixels = match self.stream.read() {
            Ok(Some(pixels)) => pixels,
            Ok(None) => return Err(lost("none came in time, or the sender has gone".to_owned())),
            Err(fault) => return Err(lost(fault.to_string())),
        };
        let (width, height) = self.stream.size();
        Frame::from_buffer(stamp(), width, height, pixels).map_err(|error| lost(error.to_string()))
    }
}

impl fmt::Debug for LiveCamera {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (width, height) = self.size();
        write!(
            f,
            "LiveCamera({}, {width}×{height} at {})",
            self.source,
            self.fps()
        )
    }
}

fn open_device(number: u32) -> Result<VideoCapture, CameraError> {
    let device = device(number);
    // OpenCV says only that it could not; the file says why.
    if let Err(error) = std::fs::File::options()
        .read(true)
        .write(true)
        .open(&device)
    {
        let cause = match error.kind() {
            std::io::ErrorKind::NotFound => "there is no such device".to_owned(),
            std::io::ErrorKind::PermissionDenied => {
                "this user may not read it; members of the group `video` may".to_owned()
            }
            _ => error.to_string(),
        };
        return Err(device_error(number, cause));
    }
    // At most 255 in a deployment file, so it fits.
    let index = i32::try_from(number).unwrap_or(i32::MAX);
    let capture =
        VideoCapture::new(index, CAP_V4L2).map_err(|e| device_error(number, e.to_string()))?;
    match capture.is_opened() {
        Ok(true) => Ok(capture),
        _ => Err(device_error(
            number,
            "it gives no video, or another program uses it".to_owned(),
        )),
    }
}

fn device(number: u32) -> PathBuf {
    PathBuf::from(format!("/dev/video{number}"))
}

fn device_error(number: u32, cause: String) -> CameraError {
    let mut present: Vec<String> = std::fs::read_dir(Path::new("/dev"))
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter_map(|name| Some(format!("v4l2:{}", name.strip_prefix("video")?)))
        .collect();
    present.sort();
    CameraError::Device {
        device: device(number),
        cause,
        present,
    }
}

fn open_stream(stream: &RtspStream, patience: Patience) -> Result<VideoCapture, CameraError> {
    // FFmpeg tells no reason; whether anybody is there at all is found out first.
    drop(stream.connect(patience.open)?);
    let milliseconds =
        |duration: Duration| i32::try_from(duration.as_millis().max(1)).unwrap_or(i32::MAX);
    let parameters = Vector::from_slice(&[
        CAP_PROP_OPEN_TIMEOUT_MSEC,
        milliseconds(patience.open),
        CAP_PROP_READ_TIMEOUT_MSEC,
        milliseconds(patience.read),
    ]);
    match VideoCapture::from_file_with_params(stream.secret(), CAP_FFMPEG, &parameters) {
        Ok(capture) if capture.is_opened().unwrap_or(false) => Ok(capture),
        _ => Err(stream.diagnose(patience.open)),
    }
}
