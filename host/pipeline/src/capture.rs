//! A camera's thread: takes frames, waits for a permit, stamps the generation. A file waits and loses nothing; a live camera has a reader of its
//! own, and what it gives while no permit is free makes way for what it gives next.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;
use overt_deployment::Timestamp;
use overt_vision::{CameraError, FileCamera, Frame, LiveCamera, LiveSource};

use crate::authority::Until;
use crate::caught::{SetOnDrop, caught};
use crate::generations::Generations;
use crate::health::{CameraNews, Health, HealthRecord};
use crate::lane::Following;
use crate::live::{Came, Reader};
use crate::metrics::CameraMetrics;
use crate::newest::{Newest, Taken};
use crate::search::Photographs;
use crate::stages::{Stage, Stages};
use crate::tracker;
use crate::way::{Admitted, CameraIndex, CaptureEnd, Job, Permit, Permits, ToLane, Trouble};

/// How long the camera's thread waits for a live frame before it looks whether the run is over.
const LOOK: Duration = Duration::from_millis(100);

/// An opened camera.
pub(crate) enum Feed {
    File(FileCamera),
    Live(LiveSource, LiveCamera),
    Photographs(Photographs),
}

impl Feed {
    /// Frames a second.
    pub(crate) fn fps(&self) -> f64 {
        match self {
            Feed::File(camera) => camera.fps(),
            Feed::Live(_, camera) => camera.fps(),
            // They have no time on a camera's clock.
            Feed::Photographs(_) => 1.0,
        }
    }

    /// How the faces of its pictures belong together.
    pub(crate) fn following(&self) -> Following {
        match self {
            Feed::File(_) | Feed::Live(..) => Following::Tracks,
            Feed::Photographs(photographs) => Following::Photographs {
                every_face: photographs.every_face,
            },
        }
    }

    /// Width and height, pixels.
    pub(crate) fn size(&self) -> (u32, u32) {
        match self {
            Feed::File(camera) => camera.size(),
            Feed::Live(_, camera) => camera.size(),
            // Each has its own.
            Feed::Photographs(_) => (0, 0),
        }
    }

    /// Frames in all, where that is known.
    pub(crate) fn frames_expected(&self) -> Option<u64> {
        match self {
            Feed::File(camera) => camera.frames_expected(),
            Feed::Live(..) => None,
            Feed::Photographs(photographs) => Some(photographs.files.len() as u64),
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
    pub(crate) until: &'a Until,
    pub(crate) permits: Permits,
    pub(crate) generations: &'a Generations,
    pub(crate) jobs: Sender<Job>,
    pub(crate) lane: Sender<ToLane>,
    /// The caller's wish to stop, and the run's own.
    pub(crate) stop: [&'a AtomicBool; 2],
    pub(crate) intake: &'a Intake,
    pub(crate) stages: &'a Stages,
    pub(crate) metrics: &'a CameraMetrics,
}

impl Capture<'_> {
    /// Reads until the camera ends, the deployment's time is over, or somebody says stop. `tell` hears how the camera does. The lane hears of the end
    /// in any case, after a panic too: it waits for that.
    pub(crate) fn run(self, tell: &(dyn Fn(CameraNews) + Sync)) {
        let Capture {
            index,
            id,
            feed,
            origin,
            until,
            permits,
            generations,
            jobs,
            lane,
            stop,
            intake,
            stages,
            metrics,
        } = self;
        let mut admitted = 0;
        let mut admit = |permit, frame| {
            let job = Job::Detect(Admitted {
                camera: index,
                order: admitted,
                frame: Arc::new(frame),
                generation: generations.current(),
                permit,
            });
            let sent = jobs.send(job).is_ok();
            admitted += u32::from(sent);
            sent
        };
        let mut gate = Gate {
            permits,
            stop,
            is_over: &|| until.is_over_at(Timestamp::now()),
            admit: &mut admit,
            tell,
        };
        let (mut record, trouble) = match feed {
            Feed::File(camera) => gate.file(camera, intake, stages, metrics),
            Feed::Photographs(photographs) => gate.photographs(&photographs, intake, stages),
            Feed::Live(source, camera) => {
                let (newest, closed) = (Newest::new(), AtomicBool::new(false));
                let reader = Reader {
                    camera: id,
                    source: &source,
                    size: camera.size(),
                    origin,
                    newest: &newest,
                    stop: [stop[0], &closed],
                    read: &intake.read,
                    dropped: &intake.dropped,
                    stages,
                    metrics,
                    tell,
                };
                gate.live(reader, camera, &newest, &closed)
            }
        };
        // What came and went nowhere: a frame after the last one that was admitted, or one that a panic took along.
        let went = u64::from(admitted) + record.dropped;
        let lost = record.read.saturating_sub(went);
        record.dropped += lost;
        metrics.dropped.inc_by(lost);
        intake.dropped.fetch_add(lost, Ordering::Relaxed);
        if let Some(Trouble::Panicked) = trouble {
            // It may have been the telling that panicked.
            let _ = caught("camera", || tell(CameraNews::Broken));
        }
        // A lane that is gone ended because the run failed; there is nobody left to tell.
        let _ = lane.send(ToLane::Ended(CaptureEnd {
            admitted,
            record,
            trouble,
        }));
    }
}

/// Through which a camera's frames go on their way, in the order in which they are admitted.
struct Gate<'a> {
    permits: Permits,
    stop: [&'a AtomicBool; 2],
    /// Whether the deployment's time is over. A clock that is set back does not open it again: the camera's thread has ended then.
    is_over: &'a dyn Fn() -> bool,
    /// Sends a frame on its way. False where nobody takes it any more.
    admit: &'a mut dyn FnMut(Permit, Frame) -> bool,
    tell: &'a (dyn Fn(CameraNews) + Sync),
}

impl Gate<'_> {
    fn stopped(&self) -> bool {
        self.stop.iter().any(|stop| stop.load(Ordering::Relaxed))
    }

    /// A file: how it did, and why it did not end as it should.
    fn file(
        &mut self,
        camera: FileCamera,
        intake: &Intake,
        stages: &Stages,
        metrics: &CameraMetrics,
    ) -> (HealthRecord, Option<Trouble>) {
        let mut health = Health::new(self.tell, metrics);
        let read = caught("camera", || {
            self.every_frame(camera, intake, stages, &mut health)
        });
        let trouble = match read {
            Ok(trouble) => trouble.map(Trouble::Camera),
            Err(_) => Some(Trouble::Panicked),
        };
        (health.finish_file(), trouble)
    }

    /// Every frame of a file, each when there is a permit for it.
    fn every_frame(
        &mut self,
        mut camera: FileCamera,
        intake: &Intake,
        stages: &Stages,
        health: &mut Health<'_>,
    ) -> Option<CameraError> {
        while !self.stopped() {
            let permit = self.permits.acquire();
            if (self.is_over)() {
                (self.tell)(CameraNews::Closed);
                break;
            }
            let frame = match stages.time(Stage::Capture, || camera.next()) {
                Ok(Some(frame)) => frame,
                Ok(None) => break,
                Err(error) => return Some(error),
            };
            intake.read.fetch_add(1, Ordering::Relaxed);
            health.note(&frame);
            if !(self.admit)(permit, frame) {
                break;
            }
        }
        None
    }

    /// Photographs: every one that can be read, each when there is a permit for it. Of the others is told why not.
    fn photographs(
        &mut self,
        photographs: &Photographs,
        intake: &Intake,
        stages: &Stages,
    ) -> (HealthRecord, Option<Trouble>) {
        let mut record = HealthRecord::default();
        let read = caught("camera", || {
            for (number, file) in photographs.files.iter().enumerate() {
                if self.stopped() {
                    return;
                }
                let permit = self.permits.acquire();
                if (self.is_over)() {
                    (self.tell)(CameraNews::Closed);
                    return;
                }
                match stages.time(Stage::Capture, || photographs.open(number, file)) {
                    Ok(frame) => {
                        record.read += 1;
                        intake.read.fetch_add(1, Ordering::Relaxed);
                        if !(self.admit)(permit, frame) {
                            return;
                        }
                    }
                    // The other end lives until the search is over.
                    Err(failure) => drop(photographs.left_out.send((number, failure))),
                }
            }
        });
        (record, read.err().map(|_| Trouble::Panicked))
    }

    /// A live camera, with its reader in a thread of its own: how it did, and why it did not end as it should.
    fn live(
        &mut self,
        reader: Reader<'_>,
        camera: LiveCamera,
        newest: &Newest<Came>,
        closed: &AtomicBool,
    ) -> (HealthRecord, Option<Trouble>) {
        let mut too_slow = 0;
        let read = std::thread::scope(|scope| {
            // However this thread ends, the reader's ends with it.
            let closing = SetOnDrop(closed);
            let reader = std::thread::Builder::new()
                .name("overt-reader".to_owned())
                .spawn_scoped(scope, move || reader.run(camera))?;
            let taken = caught("camera", || self.newest_frames(newest, &mut too_slow));
            drop(closing);
            let read = reader.join();
            Ok(
                read.map_or((HealthRecord::default(), false), |(record, is_whole)| {
                    (record, is_whole && taken.is_ok())
                }),
            )
        });
        let (record, trouble) = match read {
            Ok((record, true)) => (record, None),
            Ok((record, false)) => (record, Some(Trouble::Panicked)),
            Err(error) => (HealthRecord::default(), Some(Trouble::Thread(error))),
        };
        (HealthRecord { too_slow, ..record }, trouble)
    }

    /// The newest frame of a live camera, whenever there is a permit. `too_slow` counts how often so long a time lay between two frames that nobody could be
    /// followed over it, although the camera gave frames meanwhile.
    fn newest_frames(&mut self, newest: &Newest<Came>, too_slow: &mut u64) {
        let mut permit = None;
        let mut last: Option<(u32, f64)> = None;
        while !self.stopped() {
            // First the permit, then the frame: it is the newest when it goes, and not when it began to wait.
            let held = permit.take().unwrap_or_else(|| self.permits.acquire());
            let taken = newest.take(LOOK);
            // Asked now, for both may have been waited for: nobody is looked at after the end.
            if (self.is_over)() {
                (self.tell)(CameraNews::Closed);
                return;
            }
            match taken {
                Taken::Thing(Came { frame, gaps }) => {
                    let time = frame.captured_at();
                    let missed = last.filter(|(then, _)| *then == gaps);
                    if let Some(seconds) = missed.map(|(_, last)| time - last)
                        && tracker::parts(seconds)
                    {
                        *too_slow += 1;
                        if *too_slow == 1 {
                            (self.tell)(CameraNews::TooSlow { seconds });
                        }
                    }
                    last = Some((gaps, time));
                    if !(self.admit)(held, frame) {
                        return;
                    }
                }
                Taken::Nothing => permit = Some(held),
                Taken::Closed => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::cell::Cell;
    use std::sync::Mutex;

    use overt_vision::FrameInfo;

    use super::*;

    fn came(time: f64, gaps: u32) -> Came {
        let info = FrameInfo {
            camera: Arc::from("gate"),
            sequence: 0,
            captured_at: time,
        };
        let frame = Frame::from_bgr(info, 8, 8, &[90; 8 * 8 * 3]).unwrap();
        Came { frame, gaps }
    }

    /// What becomes of a live camera's frames, each of which comes once the one before it is admitted: how many were admitted, how often the host was too
    /// slow, and what was told.
    fn taken(frames: &[(f64, u32)]) -> (usize, u64, Vec<CameraNews>) {
        let newest = Newest::new();
        let mut coming = frames.iter().map(|(time, gaps)| came(*time, *gaps));
        let mut next = || match coming.next() {
            Some(came) => drop(newest.put(came)),
            None => newest.close(),
        };
        next();
        let go_on = AtomicBool::new(false);
        let (mut admitted, told) = (0, Mutex::new(Vec::new()));
        let mut too_slow = 0;
        let mut gate = Gate {
            permits: Permits::new(1),
            stop: [&go_on, &go_on],
            is_over: &|| false,
            admit: &mut |permit, _| {
                drop(permit);
                admitted += 1;
                next();
                true
            },
            tell: &|news| told.lock().unwrap().push(news),
        };
        gate.newest_frames(&newest, &mut too_slow);
        (admitted, too_slow, told.into_inner().unwrap())
    }

    #[test]
    fn a_frame_that_was_waited_for_past_the_deployments_end_is_not_looked_at() {
        let (newest, told) = (Newest::new(), Mutex::new(Vec::new()));
        let (go_on, over) = (AtomicBool::new(false), Cell::new(false));
        let mut admitted = 0;
        let mut gate = Gate {
            permits: Permits::new(1),
            stop: [&go_on, &go_on],
            // The end comes between this question and the next, and a frame with it.
            is_over: &|| {
                newest.put(came(0.0, 0));
                over.replace(true)
            },
            admit: &mut |_, _| {
                admitted += 1;
                false
            },
            tell: &|news| told.lock().unwrap().push(news),
        };
        gate.newest_frames(&newest, &mut 0);
        assert_eq!(admitted, 0);
        assert_eq!(told.into_inner().unwrap(), [CameraNews::Closed]);
    }

    #[test]
    fn a_host_that_leaves_a_camera_for_too_long_is_told_once_and_counted() {
        let (admitted, too_slow, told) = taken(&[(0.0, 0), (0.5, 0), (2.0, 0), (2.5, 0), (4.0, 0)]);
        assert_eq!((admitted, too_slow), (5, 2));
        assert_eq!(told, [CameraNews::TooSlow { seconds: 1.5 }]);
    }

    #[test]
    fn a_camera_that_was_away_meanwhile_is_no_sign_of_a_slow_host() {
        let (_, too_slow, told) = taken(&[(0.0, 0), (0.5, 0), (9.0, 1), (9.5, 1)]);
        assert_eq!((too_slow, told), (0, Vec::new()));
    }
}
