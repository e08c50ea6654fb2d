//! What this machine's OpenCV is, for people who look for what is missing. Nothing else in Overt depends on it.

use opencv::core::{Vector, get_version_string};
use opencv::videoio::{VideoCaptureAPIs, get_backend_name, get_backends};

/// The OpenCV that this program was started with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenCv {
    /// Its version, such as `4.6.0`.
    pub version: String,
    /// What it reads videos and cameras with, in the order in which it tries them, such as `FFMPEG`.
    pub video_backends: Vec<String>,
}

/// Asks OpenCV about itself.
pub fn opencv() -> OpenCv {
    let backends: Vector<VideoCaptureAPIs> = get_backends().unwrap_or_default();
    OpenCv {
        version: get_version_string().unwrap_or_else(|_| "unknown".to_owned()),
        video_backends: backends
            .iter()
            .filter_map(|backend| get_backend_name(backend).ok())
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opencv_knows_its_version_and_reads_videos() {
        let opencv = opencv();
        assert!(opencv.version.starts_with('4'), "{opencv:?}");
        assert!(!opencv.video_backends.is_empty(), "{opencv:?}");
    }
}
