//! The reader of a live camera: reads without a pause, keeps the newest frame for whoever takes it, and when the camera goes away tries again,
//! each time after a longer wait, until it is back or the run is over.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use overt_vision::{CameraError, Frame, FrameInfo, LiveCamera, LiveSource, Patience};

use crate::caught::caught;
use crate::health::{CameraNews, Health, HealthRecord};
use crate::metrics::CameraMetrics;
use crate::newest::Newest;
use crate::stages::{Stage, Stages};
use crate::tracker;

/// The first wait before a camera is tried again. Each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// The longest wait: a camera whose cable is put back is back within half a minute.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// A camera that gave frames for so long is one that works: the next wait is the first again. One that comes and goes at once stays one
/// that is waited for.
const STEADY: Duration = Duration::from_secs(10);

/// How often somebody who waits looks whether the run is over.
const LOOK: Duration = Duration::from_millis(50);

/// Waits that grow.
#[derive(Debug)]
pub(crate) struct BackOff {
    next: Duration,
}

impl BackOff {
    pub(crate) fn new() -> BackOff {
        BackOff { next: FIRST_WAIT }
    }

    /// The next wait.
    pub(crate) fn wait(&mut self) -> Duration {
        let wait = self.next;
        self.next = (2 * wait).min(LONGEST_WAIT);
        wait
    }

    /// The camera gave frames for so long.
    pub(crate) fn worked(&mut self, duration: Duration) {
        if duration >= STEADY {
            self.next = FIRST_WAIT;
        }
    }
}

/// A frame that came.
pub(crate) struct Came {
    pub(crate) frame: Frame,
    /// How often until then the camera gave nothing for so long that nobody could be followed over it.
    pub(crate) gaps: u32,
}

/// The reader of a live camera.
pub(crate) struct Reader<'a> {
    pub(crate) camera: Arc<str>,
    pub(crate) source: &'a LiveSource,
    /// The size of its first picture, pixels. The zone of recognition was held against that, and a camera that is back has to keep it.
    pub(crate) size: (u32, u32),
    /// When the run began: the zero of its live cameras' times.
    pub(crate) origin: Instant,
    pub(crate) newest: &'a Newest<Came>,
    pub(crate) stop: [&'a AtomicBool; 2],
    pub(crate) read: &'a AtomicU64,
    pub(crate) dropped: &'a AtomicU64,
    pub(crate) stages: &'a Stages,
    pub(crate) metrics: &'a CameraMetrics,
    pub(crate) tell: &'a (dyn Fn(CameraNews) + Sync),
}

/// What a reader has had so far.
#[derive(Default)]
struct Had {
    sequence: u32,
    gaps: u32,
    last: Option<f64>,
}

impl Reader<'_> {
    fn stopped(&self) -> bool {
        self.stop.iter().any(|stop| stop.load(Ordering::Relaxed))
    }

    /// Reads from the opened camera until the run is over, and closes the place for the newest frame. False where that was because of a panic.
    pub(crate) fn run(self, opened: LiveCamera) -> (HealthRecord, bool) {
        let mut health = Health::new(self.tell, self.metrics);
        let read = caught("reader", || self.follow(opened, &mut health));
        // Whoever waits for a frame waits no longer.
        self.newest.close();
        let record = health.finish(self.origin.elapsed().as_secs_f64());
        (record, read.is_ok())
    }

    /// Reads, and opens the camera again whenever it is lost, until the run is over.
    fn follow(&self, opened: LiveCamera, health: &mut Health<'_>) {
        let mut back_off = BackOff::new();
        let mut had = Had::default();
        let mut camera = Some(opened);
        while !self.stopped() {
            let Some(mut working) = camera.take() else {
                break;
            };
            let since = Instant::now();
            let lost = self.read(&mut working, &mut had, health);
            // Closed before it is opened again: a device is one program's at a time.
            drop(working);
            let Some(lost) = lost else { break };
            back_off.worked(since.elapsed());
            camera = self.reopen(lost, &mut back_off, health);
        }
    }

    /// Reads until the camera is lost, or the run over.
    fn read(
        &self,
        camera: &mut LiveCamera,
        had: &mut Had,
        health: &mut Health<'_>,
    ) -> Option<CameraError> {
        while !self.stopped() {
            let stamp = || FrameInfo {
                camera: self.camera.clone(),
                sequence: had.sequence,
                captured_at: self.origin.elapsed().as_secs_f64(),
            };
            let frame = match self.stages.time(Stage::Capture, || camera.next(stamp)) {
                Ok(frame) => frame,
                Err(error) => return Some(error),
            };
            // At 240 frames a second it would take 200 days; the run is over long before.
            had.sequence = had.sequence.saturating_add(1);
            let time = frame.captured_at();
            if had.last.is_some_and(|last| tracker::parts(time - last)) {
                had.gaps += 1;
            }
            had.last = Some(time);
            self.read.fetch_add(1, Ordering::Relaxed);
            health.note(&frame);
            let gaps = had.gaps;
            if self.newest.put(Came { frame, gaps }).is_some() {
                self.dropped.fetch_add(1, Ordering::Relaxed);
                health.dropped();
            }
        }
        None
    }

    /// Tries until the camera is back. Nothing where the run is over first.
    fn reopen(
        &self,
        lost: CameraError,
        back_off: &mut BackOff,
        health: &mut Health<'_>,
    ) -> Option<LiveCamera> {
        let mut cause = lost;
        loop {
            let wait = back_off.wait();
            health.lost(self.origin.elapsed().as_secs_f64(), cause, wait);
            let until = Instant::now() + wait;
            while Instant::now() < until {
                if self.stopped() {
                    return None;
                }
                std::thread::sleep(LOOK);
            }
            match LiveCamera::open(self.source, Patience::default()) {
                // Faces would be looked for in another part of the place than the one that was authorised.
                Ok(camera) if camera.size() != self.size => {
                    cause = CameraError::OtherSize {
                        source_name: self.source.to_string(),
                        now: camera.size(),
                        was: self.size,
                    };
                }
                Ok(camera) => {
                    health.back(self.origin.elapsed().as_secs_f64());
                    return Some(camera);
                }
                Err(error) => cause = error,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::mpsc::channel;

    use overt_tests::rtsp::{RtspServer, TEST_PICTURE};
    use overt_vision::RtspStream;

    use super::*;
    use crate::caught::SetOnDrop;

    #[test]
    fn a_camera_that_comes_back_with_pictures_of_another_size_stays_away_and_is_told_why() {
        let server = RtspServer::start(TEST_PICTURE);
        let port = server.port();
        let source = LiveSource::Rtsp(RtspStream::new("127.0.0.1", port, "/live", None));
        let patience = Patience {
            open: Duration::from_secs(10),
            read: Duration::from_secs(2),
        };
        let camera = LiveCamera::open(&source, patience).unwrap();
        let (hear, heard) = channel();
        let (newest, stages) = (Newest::new(), Stages::default());
        let (go_on, stop) = (AtomicBool::new(false), AtomicBool::new(false));
        let (read, dropped) = (AtomicU64::new(0), AtomicU64::new(0));
        let reader = Reader {
            camera: Arc::from("gate"),
            source: &source,
            size: camera.size(),
            origin: Instant::now(),
            newest: &newest,
            stop: [&go_on, &stop],
            read: &read,
            dropped: &dropped,
            stages: &stages,
            metrics: &CameraMetrics::alone(),
            tell: &move |news| hear.send(news).unwrap(),
        };
        drop(server);
        let larger = TEST_PICTURE.replace("width=320,height=240", "width=640,height=480");
        let _server = RtspServer::start_with(port, &larger, None);
        let record = std::thread::scope(|scope| {
            let stopping = SetOnDrop(&stop);
            let reading = scope.spawn(move || reader.run(camera).0);
            // Nothing on a busy machine takes so long.
            let other = heard.iter().take(50).find(|news| match news {
                CameraNews::Away { cause, .. } => {
                    matches!(cause, CameraError::OtherSize { .. })
                }
                other => panic!("{other:?}"),
            });
            drop(stopping);
            let Some(CameraNews::Away { cause, .. }) = other else {
                panic!("it was never told");
            };
            assert!(
                cause
                    .to_string()
                    .ends_with("pictures of 640 × 480 pixels, not of 320 × 240 as before"),
                "{cause}"
            );
            reading.join().unwrap()
        });
        assert_eq!((record.outages, record.kept_outages[0].to), (1, None));
    }

    #[test]
    fn waits_double_up_to_half_a_minute_and_start_again_after_steady_work() {
        let mut back_off = BackOff::new();
        let waits: Vec<u64> = (0..7).map(|_| back_off.wait().as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30]);
        back_off.worked(Duration::from_secs(2));
        assert_eq!(back_off.wait().as_secs(), 30);
        back_off.worked(STEADY);
        assert_eq!(back_off.wait().as_secs(), 1);
    }
}
