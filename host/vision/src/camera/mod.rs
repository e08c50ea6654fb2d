//! Cameras: a [`FileCamera`] gives every frame of a video once, a [`LiveCamera`] gives what a device or a camera on the network sends, at its
//! own pace. Both are read with OpenCV. Who waits for whom, and what is left out, is the pipeline's business.

mod error;
mod file;
mod live;
mod rtsp;
mod stream;
mod watch;

pub use error::CameraError;
pub use file::FileCamera;
pub use live::{LiveCamera, LiveSource, Patience};
pub use rtsp::RtspStream;
pub use watch::{PictureFault, PictureWatch};
