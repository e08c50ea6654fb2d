//! A camera's thread: takes frames, waits for a permit, stamps the generation. A file waits and loses nothing; a live camera has a reader of its
//! own, and what it gives while no permit is free makes way for what it gives next.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use crossbeam_channel::Sender;
use overt_deployment::Timestamp;
use overt_vision::{CameraError, FileCamera, Frame, LiveCamera, LiveSource};

use crate::generation::Generation;
use crate::health::{CameraNews, Health, HealthRecord};
use crate::live::Reader;
use crate::newest::{Newest, Taken};
use crate::stages::{Stage, Stages};
use crate::way::{Admitted, CameraIndex, CaptureEnd, Job, Permits, ToLane};

/// How long the camera's thread waits for a live frame before it looks whether the run is over.
const LOOK: Duration = Duration::from_millis(100);

/// An opened camera.
pub(crate) enum Feed {
    File(FileCamera),
    Live(LiveSource, LiveCamera),
}

impl Feed {
    /// Frames a second.
    pub(crate) fn fps(&self) -> f64 {
        match self {
            Feed::File(camera) => camera.fps(),
            Feed::Live(_, camera) => camera.fps(),
        }
    }

    /// Width and height, pixels.
    pub(crate) fn size(&self) -> (u32, u32) {
        match self {
            Feed::File(camera) => camera.size(),
            Feed::Live(_, camera) => camera.size(),
        }
    }

    /// Frames in all, where that is known.
    pub(crate) fn frames_expected(&self) -> Option<u64> {
        match self {
            Feed::File(camera) => camera.frames_expected(),
            Feed::Live(..) => None,
        }
    }
}

/// Frames of all cameras, counted where they come in.
#[derive(Default)]
pub(crate) struct Intake {
    pub(crate) read: AtomicU64,
    pub(crate) dropped: AtomicU64,
}

/// A camera and what its thread needs.
pub(crate) struct Capture<'a> {
    pub(crate) index: CameraIndex,
    pub(crate) id: Arc<str>,
    pub(crate) feed: Feed,
    /// When the run began, the zero of its live cameras' times.
    pub(crate) origin: Instant,
    /// When the deployment's time is over.
    pub(crate) until: Timestamp,
    pub(crate) permits: Permits,
    pub(crate) generation: &'a ArcSwap<Generation>,
    pub(crate) jobs: Sender<Job>,
    pub(crate) lane: Sender<ToLane>,
    /// The caller's wish to stop, and the run's own.
    pub(crate) stop: [&'a AtomicBool; 2],
    pub(crate) intake: &'a Intake,
    pub(crate) stages: &'a Stages,
}

/// Hands frames on, in the order in which they are admitted.
struct Admission<'a> {
    index: CameraIndex,
    permits: Permits,
    generation: &'a ArcSwap<Generation>,
    jobs: Sender<Job>,
    until: Timestamp,
    admitted: u32,
}

impl Admission<'_> {
    /// Whether the deployment's time is over. A clock that is set back does not open it again: the camera's thread has ended then.
    fn is_over(&self) -> bool {
        Timestamp::now() >= self.until
    }

    /// Waits for a permit and sends the frame on its way. False where nobody takes it any more.
    fn admit(&mut self, permit: crate::way::Permit, frame: Frame) -> bool {
        let admitted = Admitted {
            camera: self.index,
            order: self.admitted,
            frame: Arc::new(frame),
            generation: self.generation.load_full(),
            permit,
        };
        self.admitted += 1;
        self.jobs.send(Job::Detect(admitted)).is_ok()
    }
}

impl Capture<'_> {
    /// Reads until the camera ends, the deployment's time is over, or somebody says stop. `tell` hears how the camera does.
    pub(crate) fn run(self, tell: &(dyn Fn(CameraNews) + Sync)) {
        let Capture {
            index,
            id,
            feed,
            origin,
            until,
            permits,
            generation,
            jobs,
            lane,
            stop,
            intake,
            stages,
        } = self;
        let mut admission = Admission {
            index,
            permits,
            generation,
            jobs,
            until,
            admitted: 0,
        };
        let (record, trouble) = match feed {
            Feed::File(camera) => file(camera, &mut admission, stop, intake, stages, tell),
            Feed::Live(source, camera) => {
                let newest = Newest::new();
                let closed = AtomicBool::new(false);
                let reader = Reader {
                    camera: id.clone(),
                    source: &source,
                    origin,
                    newest: &newest,
                    stop: [stop[0], &closed],
                    read: &intake.read,
                    dropped: &intake.dropped,
                    stages,
                    tell,
                };
                let record = std::thread::scope(|scope| {
                    let reader = scope.spawn(move || reader.run(camera));
                    live(&newest, &mut admission, stop, tell);
                    closed.store(true, Ordering::Relaxed);
                    reader.join()
                });
                // A frame that came after the last one was taken.
                let mut record = record.unwrap_or_else(|_| {
                    tracing::error!(%id, "the reader of a camera panicked; this is a fault of Overt");
                    HealthRecord::default()
                });
                if let Taken::Thing(_) = newest.take(Duration::ZERO) {
                    intake.dropped.fetch_add(1, Ordering::Relaxed);
                    record.dropped += 1;
                }
                (record, None)
            }
        };
        // A lane that is gone ended because the run failed; there is nobody left to tell.
        let _ = lane.send(ToLane::Ended(CaptureEnd {
            admitted: admission.admitted,
            record,
            trouble,
        }));
    }
}

fn stopped(stop: [&AtomicBool; 2]) -> bool {
    stop.iter().any(|stop| stop.load(Ordering::Relaxed))
}

/// Every frame of a file, each when there is a permit for it.
fn file(
    mut camera: FileCamera,
    admission: &mut Admission<'_>,
    stop: [&AtomicBool; 2],
    intake: &Intake,
    stages: &Stages,
    tell: &(dyn Fn(CameraNews) + Sync),
) -> (HealthRecord, Option<CameraError>) {
    let mut health = Health::new(tell);
    let mut trouble = None;
    while !stopped(stop) {
        let permit = admission.permits.acquire();
        if admission.is_over() {
            tell(CameraNews::Closed);
            break;
        }
        let frame = match stages.time(Stage::Capture, || camera.next()) {
            Ok(Some(frame)) => frame,
            Ok(None) => break,
            Err(error) => {
                trouble = Some(error);
                break;
            }
        };
        intake.read.fetch_add(1, Ordering::Relaxed);
        health.note(&frame);
        if !admission.admit(permit, frame) {
            break;
        }
    }
    (health.finish_file(), trouble)
}

/// The newest frame of a live camera, whenever there is a permit.
fn live(
    newest: &Newest<Frame>,
    admission: &mut Admission<'_>,
    stop: [&AtomicBool; 2],
    tell: &(dyn Fn(CameraNews) + Sync),
) {
    let mut permit = None;
    while !stopped(stop) {
        if admission.is_over() {
            tell(CameraNews::Closed);
            return;
        }
        // First the permit, then the frame: it is the newest when it goes, and not when it began to wait.
        let held = permit.take().unwrap_or_else(|| admission.permits.acquire());
        match newest.take(LOOK) {
            Taken::Thing(frame) => {
                if !admission.admit(held, frame) {
                    return;
                }
            }
            Taken::Nothing => permit = Some(held),
            Taken::Closed => return,
        }
    }
}
