//! How a camera does: when it was away, and when its picture showed nothing. Told when it changes, and kept for the summary. It knows no person.

use std::time::{Duration, Instant};

use overt_vision::{CameraError, Frame, PictureFault, PictureWatch};

use crate::metrics::CameraMetrics;

/// Outages and alarms that are kept one by one; more are counted.
const KEPT: usize = 100;

/// What there is to be told about a camera.
#[derive(Clone, Debug, PartialEq)]
pub enum CameraNews {
    /// It gives no frames any more, or still does not.
    Away {
        /// Why.
        cause: CameraError,
        /// When it is tried again.
        retry_in: Duration,
    },
    /// It gives frames again.
    Back {
        /// Seconds for which it was away.
        seconds: f64,
    },
    /// Its picture shows nothing.
    Alarm(PictureFault),
    /// Its picture shows something again.
    AlarmOver {
        /// What was wrong.
        fault: PictureFault,
        /// Seconds for which the alarm lasted.
        seconds: f64,
    },
    /// The host leaves it for so long between two frames that nobody can be followed from one to the next, although it gives frames. Told once.
    TooSlow {
        /// Seconds between the two frames.
        seconds: f64,
    },
    /// The host's own thread that reads it panicked: it is read no further.
    Broken,
    /// The deployment's time is over: it is read no further.
    Closed,
}

/// A time in which a camera was away.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Outage {
    /// Seconds, in the camera's time.
    pub(crate) from: f64,
    /// Seconds; absent where it lasted to the end.
    pub(crate) to: Option<f64>,
    /// Why it went.
    pub(crate) cause: String,
}

/// A time in which a camera's picture showed nothing.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Alarm {
    pub(crate) fault: PictureFault,
    /// Seconds, in the camera's time.
    pub(crate) from: f64,
    /// Seconds; absent where it lasted to the end.
    pub(crate) to: Option<f64>,
}

/// What is on record of how a camera did.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct HealthRecord {
    /// Frames that came.
    pub(crate) read: u64,
    /// Frames that made way for newer ones.
    pub(crate) dropped: u64,
    /// How often the host left it for so long between two frames that nobody could be followed.
    pub(crate) too_slow: u64,
    /// How often the camera went away, and the first of these times.
    pub(crate) outages: u64,
    pub(crate) kept_outages: Vec<Outage>,
    /// How often its picture showed nothing, and the first of these times.
    pub(crate) alarms: u64,
    pub(crate) kept_alarms: Vec<Alarm>,
    /// Age of the last frame when the run ended, seconds. Absent where none came.
    pub(crate) last_frame_age: Option<f64>,
}

/// How a camera does.
pub(crate) struct Health<'a> {
    tell: &'a (dyn Fn(CameraNews) + Sync),
    metrics: &'a CameraMetrics,
    watch: PictureWatch,
    pub(crate) record: HealthRecord,
    alarm: Option<(PictureFault, f64)>,
    away_since: Option<f64>,
    last_frame: Option<(f64, Instant)>,
}

impl<'a> Health<'a> {
    pub(crate) fn new(
        tell: &'a (dyn Fn(CameraNews) + Sync),
        metrics: &'a CameraMetrics,
    ) -> Health<'a> {
        Health {
            tell,
            metrics,
            watch: PictureWatch::default(),
            record: HealthRecord::default(),
            alarm: None,
            away_since: None,
            last_frame: None,
        }
    }

    /// A frame came.
    pub(crate) fn note(&mut self, frame: &Frame) {
        self.record.read += 1;
        self.metrics.came();
        self.last_frame = Some((frame.captured_at(), Instant::now()));
        let fault = self.watch.note(frame);
        self.alarm(fault, frame.captured_at());
    }

    /// A frame made way for a newer one.
    pub(crate) fn dropped(&mut self) {
        self.record.dropped += 1;
        self.metrics.dropped.inc();
    }

    fn alarm(&mut self, fault: Option<PictureFault>, time: f64) {
        if self.alarm.map(|(fault, _)| fault) == fault {
            return;
        }
        if let Some((over, from)) = self.alarm.take() {
            if let Some(kept) = self
                .record
                .kept_alarms
                .last_mut()
                .filter(|kept| kept.to.is_none())
            {
                kept.to = Some(time);
            }
            (self.tell)(CameraNews::AlarmOver {
                fault: over,
                seconds: time - from,
            });
        }
        if let Some(fault) = fault {
            self.alarm = Some((fault, time));
            self.record.alarms += 1;
            if self.record.kept_alarms.len() < KEPT {
                self.record.kept_alarms.push(Alarm {
                    fault,
                    from: time,
                    to: None,
                });
            }
            (self.tell)(CameraNews::Alarm(fault));
        }
    }

    /// The camera went, or was tried again in vain.
    pub(crate) fn lost(&mut self, time: f64, cause: CameraError, retry_in: Duration) {
        self.metrics.away(true);
        if self.away_since.is_none() {
            // What its last picture showed is no news while there is none.
            self.alarm(None, time);
            self.watch.restart();
            self.away_since = Some(time);
            self.record.outages += 1;
            if self.record.kept_outages.len() < KEPT {
                self.record.kept_outages.push(Outage {
                    from: time,
                    to: None,
                    cause: cause.to_string(),
                });
            }
        }
        (self.tell)(CameraNews::Away { cause, retry_in });
    }

    /// The camera is there again.
    pub(crate) fn back(&mut self, time: f64) {
        let Some(since) = self.away_since.take() else {
            return;
        };
        self.metrics.away(false);
        if let Some(kept) = self
            .record
            .kept_outages
            .last_mut()
            .filter(|kept| kept.to.is_none())
        {
            kept.to = Some(time);
        }
        (self.tell)(CameraNews::Back {
            seconds: time - since,
        });
    }

    /// The run is over. `now` is the end in the camera's time.
    pub(crate) fn finish(mut self, now: f64) -> HealthRecord {
        self.record.last_frame_age = self.last_frame.map(|(time, _)| (now - time).max(0.0));
        self.record
    }

    /// The run is over for a file, whose time is its own: the age is that of the host's clock.
    pub(crate) fn finish_file(mut self) -> HealthRecord {
        self.record.last_frame_age = self
            .last_frame
            .map(|(_, since)| since.elapsed().as_secs_f64());
        self.record
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::{Arc, Mutex};

    use overt_vision::FrameInfo;

    use super::*;

    fn frame(time: f64, grey: u8) -> Frame {
        let info = FrameInfo {
            camera: Arc::from("gate"),
            sequence: 0,
            captured_at: time,
        };
        Frame::from_bgr(info, 64, 48, &vec![grey; 64 * 48 * 3]).unwrap()
    }

    fn lost() -> CameraError {
        CameraError::Lost {
            source_name: "rtsp://gate:554".into(),
            cause: "gone".into(),
        }
    }

    #[test]
    fn an_outage_is_one_however_often_it_is_tried_and_an_alarm_ends_with_it() {
        let told = Mutex::new(Vec::new());
        let tell = |news| told.lock().unwrap().push(news);
        let metrics = CameraMetrics::alone();
        let mut health = Health::new(&tell, &metrics);
        for index in 0..50 {
            health.note(&frame(f64::from(index) / 10.0, 5));
        }
        health.lost(5.0, lost(), Duration::from_secs(1));
        health.lost(7.0, lost(), Duration::from_secs(2));
        health.back(9.5);
        let record = health.finish(10.0);
        assert_eq!((record.outages, record.alarms, record.read), (1, 1, 50));
        assert_eq!(
            record.kept_outages,
            [Outage {
                from: 5.0,
                to: Some(9.5),
                cause: lost().to_string()
            }]
        );
        assert_eq!(
            record.kept_alarms,
            [Alarm {
                fault: PictureFault::Dark,
                from: 3.0,
                to: Some(5.0)
            }]
        );
        assert!((record.last_frame_age.unwrap() - 5.1).abs() < 1e-9);
        let told: Vec<_> = told
            .lock()
            .unwrap()
            .iter()
            .map(|news| match news {
                CameraNews::Away { .. } => "away",
                CameraNews::Back { .. } => "back",
                CameraNews::Alarm(_) => "alarm",
                CameraNews::AlarmOver { .. } => "over",
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(told, ["alarm", "over", "away", "away", "back"]);
    }

    #[test]
    fn a_camera_that_comes_and_goes_all_day_is_counted_and_not_kept_without_end() {
        let tell = |_| {};
        let metrics = CameraMetrics::alone();
        let mut health = Health::new(&tell, &metrics);
        for index in 0..1_000 {
            let time = f64::from(index);
            health.lost(time, lost(), Duration::from_secs(1));
            health.back(time + 0.5);
        }
        assert_eq!(
            (health.record.outages, health.record.kept_outages.len()),
            (1_000, KEPT)
        );
        assert!(
            health
                .record
                .kept_outages
                .iter()
                .all(|kept| kept.to.is_some())
        );
    }
}
