//! What travels between the threads.
//!
//! Every channel here is unbounded, and yet none grows without end: a frame holds a [`Permit`] from the moment it is read until the decision
//! thread has done with it, and a camera has few of them.

use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded};
use overt_gallery::Hit;
use overt_runtime::CallError;
use overt_vision::{CameraError, Face, Frame, Rect};

use crate::error::PipelineError;
use crate::generation::Generation;
use crate::health::HealthRecord;
use crate::pictures::Still;

/// A camera's place in the deployment file.
pub(crate) type CameraIndex = usize;

/// The right to be under way, one of few that a camera has. It goes back when it is dropped.
pub(crate) struct Permit(Receiver<()>);

impl Drop for Permit {
    fn drop(&mut self) {
        // The token was put there when this permit was made; there is one to take.
        let _ = self.0.try_recv();
    }
}

/// The permits of one camera.
pub(crate) struct Permits {
    give: Sender<()>,
    take: Receiver<()>,
}

impl Permits {
    pub(crate) fn new(most: usize) -> Permits {
        let (give, take) = bounded(most);
        Permits { give, take }
    }

    /// Waits until one is free. This is the only backpressure there is.
    pub(crate) fn acquire(&self) -> Permit {
        // Cannot fail: `self` holds the other end.
        let _ = self.give.send(());
        Permit(self.take.clone())
    }
}

/// A frame that was read and admitted to a generation.
pub(crate) struct Admitted {
    pub(crate) camera: CameraIndex,
    /// Counts the camera's admitted frames from 0, without a gap; a frame's own number counts the dropped ones too.
    pub(crate) order: u32,
    pub(crate) frame: Arc<Frame>,
    pub(crate) generation: Arc<Generation>,
    pub(crate) permit: Permit,
}

/// A face that the lane chose to be compared.
#[derive(Clone, Copy)]
pub(crate) struct Chosen {
    pub(crate) track: u32,
    pub(crate) face: Face,
}

/// Work for any worker.
pub(crate) enum Job {
    /// Find the faces of a frame.
    Detect(Admitted),
    /// Compare chosen faces of a frame with the watchlist.
    Compare {
        camera: CameraIndex,
        frame: Arc<Frame>,
        generation: Arc<Generation>,
        chosen: Vec<Chosen>,
        /// The boxes of all faces in the frame, for what has to be blurred.
        faces: Arc<[Rect]>,
    },
}

/// What a lane hears.
pub(crate) enum ToLane {
    /// A frame's faces, or why there are none to be had. In any order.
    Detected(Admitted, Result<Vec<Face>, CallError>),
    /// The comparison of a frame's chosen faces. In any order.
    Compared(u32, Compared),
    /// The camera gives no more frames.
    Ended(CaptureEnd),
}

/// What became of a frame's chosen faces.
#[derive(Default)]
pub(crate) struct Compared {
    pub(crate) probes: Vec<Probe>,
    /// Why some face, or every face, could not be compared.
    pub(crate) failed: Option<CallError>,
}

/// How a camera ended.
pub(crate) struct CaptureEnd {
    /// Frames that were sent on their way.
    pub(crate) admitted: u32,
    pub(crate) record: HealthRecord,
    pub(crate) trouble: Option<Trouble>,
}

/// Why a camera did not end as it should.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    /// What it gave cannot be used, or ended too soon.
    #[error("{0}")]
    Camera(#[from] CameraError),
    /// The thread that was to read it cannot be started.
    #[error("the thread that reads it cannot be started: {0}")]
    Thread(#[from] std::io::Error),
    /// The thread that read it panicked.
    #[error(
        "the host's thread that reads it panicked; this is a fault of Overt, not of the camera"
    )]
    Panicked,
}

impl Trouble {
    /// As an error of the run, with the camera's id.
    pub(crate) fn of(self, camera: &str) -> PipelineError {
        let camera = camera.to_owned();
        match self {
            Trouble::Camera(cause) => PipelineError::Camera { camera, cause },
            Trouble::Thread(error) => PipelineError::Thread(error),
            Trouble::Panicked => PipelineError::CameraPanicked { camera },
        }
    }
}

/// A face that was compared. Its template is gone already.
pub(crate) struct Probe {
    pub(crate) track: u32,
    pub(crate) face: Face,
    pub(crate) quality: Vec<(String, f32)>,
    pub(crate) hits: Vec<Hit>,
    /// The face with its surroundings, in case of an alert.
    pub(crate) crop: Frame,
    /// The frame, smaller, in case of an alert.
    pub(crate) still: Arc<Still>,
}

/// What is known of a track by its boxes alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct TrackSpan {
    pub(crate) track: u32,
    pub(crate) first_frame: u32,
    pub(crate) last_frame: u32,
    pub(crate) first_time: f64,
    pub(crate) last_time: f64,
}

/// A frame that went all its way through its lane, in order.
pub(crate) struct Passed {
    pub(crate) sequence: u32,
    pub(crate) time: f64,
    pub(crate) generation: Arc<Generation>,
    /// Faces in the zone of recognition.
    pub(crate) faces: u64,
    /// Why no healthy plugin saw the frame, or some face of it.
    pub(crate) seen: Result<(), CallError>,
    /// The probes of this frame, each with its track as it stands now.
    pub(crate) probes: Vec<(TrackSpan, Probe)>,
    /// Tracks that ended with this frame.
    pub(crate) ended: Vec<TrackSpan>,
    pub(crate) permit: Permit,
}

/// What the decision thread hears from a lane, in order.
pub(crate) enum ToDecision {
    Frame(Box<Passed>),
    Ended(Box<LaneEnd>),
}

/// What a lane leaves.
pub(crate) struct LaneEnd {
    /// Tracks that were open when the camera ended.
    pub(crate) open: Vec<TrackSpan>,
    /// Tracks in all.
    pub(crate) tracks: u64,
    pub(crate) in_view: Vec<u32>,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) record: HealthRecord,
    pub(crate) seconds: f64,
    pub(crate) trouble: Option<Trouble>,
}
