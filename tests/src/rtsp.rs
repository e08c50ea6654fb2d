//! A camera on the network: GStreamer's RTSP server in a process of its own, on the loopback interface. It can be killed and started again at
//! the same port, like a camera whose cable somebody pulls.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A moving test picture of 320 × 240, 15 frames a second, as H.264.
pub const TEST_PICTURE: &str = "videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=240,framerate=15/1 \
     ! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=15 ! rtph264pay name=pay0 pt=96";

/// An RTSP server; it dies with this value.
pub struct RtspServer {
    child: Child,
    port: u16,
}

impl RtspServer {
    /// Starts a server at any free port. `pipeline` ends in a payloader named `pay0`.
    pub fn start(pipeline: &str) -> RtspServer {
        RtspServer::start_with(0, pipeline, None)
    }

    /// Starts a server at this port, for one user with a password where it wants one.
    pub fn start_with(port: u16, pipeline: &str, credentials: Option<(&str, &str)>) -> RtspServer {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("rtsp-server.py");
        let mut command = Command::new("/usr/bin/python3");
        command
            .arg(script)
            .arg(port.to_string())
            .arg(pipeline)
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        if let Some((user, password)) = credentials {
            command.arg(user).arg(password);
        }
        let mut child = command
            .spawn()
            .expect("Debian's Python starts: run `make setup-tests`");
        let mut line = String::new();
        let output = child.stdout.take().expect("it is piped");
        BufReader::new(output).read_line(&mut line).unwrap();
        let port = line
            .trim()
            .strip_prefix("port ")
            .and_then(|port| port.parse().ok());
        let port = port.unwrap_or_else(|| {
            let _ = child.kill();
            panic!(
                "the RTSP server does not start; its reason stands above: run `make setup-tests`"
            )
        });
        RtspServer { child, port }
    }

    /// The port at which it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address of its stream.
    pub fn address(&self) -> String {
        format!("rtsp://127.0.0.1:{}/live", self.port)
    }
}

impl Drop for RtspServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A pipeline that plays a Motion JPEG video at its own pace, as H.264.
pub fn playing(video: &Path) -> String {
    let video: PathBuf = video.canonicalize().expect("the video is there");
    format!(
        "filesrc location=\"{}\" ! avidemux ! jpegdec ! videoconvert ! video/x-raw,format=I420 ! identity sync=true \
         ! x264enc tune=zerolatency speed-preset=ultrafast bitrate=8000 key-int-max=25 ! rtph264pay name=pay0 pt=96",
        video.display()
    )
}
