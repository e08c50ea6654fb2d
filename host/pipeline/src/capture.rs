//! A camera's thread: reads frames, waits for a permit, stamps the generation. A file blocks and loses nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arc_swap::ArcSwap;
use crossbeam_channel::Sender;
use overt_vision::{Face, FileCamera, Rect};

use crate::generation::Generation;
use crate::stages::{Stage, Stages};
use crate::way::{Admitted, CameraIndex, CaptureEnd, Job, Permits, ToLane};

/// A camera and what its thread needs.
pub(crate) struct Capture<'a> {
    pub(crate) index: CameraIndex,
    pub(crate) camera: FileCamera,
    pub(crate) permits: Permits,
    pub(crate) generation: &'a ArcSwap<Generation>,
    pub(crate) jobs: Sender<Job>,
    pub(crate) lane: Sender<ToLane>,
    /// The caller's wish to stop, and the run's own.
    pub(crate) stop: [&'a AtomicBool; 2],
    pub(crate) read: &'a AtomicU64,
    pub(crate) stages: &'a Stages,
}

impl Capture<'_> {
    /// Reads until the camera ends or somebody says stop.
    pub(crate) fn run(mut self) {
        let mut frames = 0;
        let mut trouble = None;
        while !self.stop.iter().any(|stop| stop.load(Ordering::Relaxed)) {
            let permit = self.permits.acquire();
            let frame = match self.stages.time(Stage::Capture, || self.camera.next()) {
                Ok(Some(frame)) => frame,
                Ok(None) => break,
                Err(error) => {
                    trouble = Some(error);
                    break;
                }
            };
            frames += 1;
            self.read.fetch_add(1, Ordering::Relaxed);
            let admitted = Admitted {
                camera: self.index,
                frame: Arc::new(frame),
                generation: self.generation.load_full(),
                permit,
            };
            if self.jobs.send(Job::Detect(admitted)).is_err() {
                break;
            }
        }
        // A lane that is gone ended because the run failed; there is nobody left to tell.
        let _ = self
            .lane
            .send(ToLane::Ended(CaptureEnd { frames, trouble }));
    }
}

/// Whether a face lies in the zone of recognition: its centre does.
pub(crate) fn in_zone(face: &Face, zone: Option<Rect>) -> bool {
    let Some(zone) = zone else { return true };
    let centre = face.bounds.centre();
    (zone.x..zone.right()).contains(&centre.x) && (zone.y..zone.bottom()).contains(&centre.y)
}
