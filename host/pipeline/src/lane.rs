//! A lane: one camera's results in the order of its frames, whatever order the workers finish in. It alone owns the camera's tracker, and
//! nothing that it decides depends on time or on other threads.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender};
use overt_deployment::Zone;
use overt_gallery::EncoderId;
use overt_runtime::CallError;
use overt_vision::{Face, Rect};

use crate::choice::Choice;
use crate::metrics::CameraMetrics;
use crate::stages::{Stage, Stages};
use crate::tracker::{Step, Tracker};
use crate::way::{
    Admitted, CaptureEnd, Chosen, Compared, Job, LaneEnd, Passed, Probe, ToDecision, ToLane,
    TrackSpan,
};

/// A camera's lane and what its thread needs.
pub(crate) struct Lane<'a> {
    zone: Option<Zone>,
    jobs: Sender<Job>,
    decision: Sender<ToDecision>,
    stages: &'a Stages,
    metrics: &'a CameraMetrics,
    following: Following,
    tracker: Tracker,
    /// Faces of photographs, each by itself.
    alone: u32,
    choice: Choice,
    /// The encoder that the choices were made for.
    encoder: Option<Arc<EncoderId>>,
    /// Detections that came before their turn.
    early: BTreeMap<u32, (Admitted, Result<Vec<Face>, CallError>)>,
    /// The frame whose turn it is.
    next: u32,
    /// Frames that wait for their comparison, or behind one that does; in order.
    waiting: VecDeque<Waiting>,
    in_view: InView,
    size: (u32, u32),
    last_time: f64,
}

/// How the faces of a camera's pictures belong together.
#[derive(Clone, Copy)]
pub(crate) enum Following {
    /// A passer-by is followed from frame to frame.
    Tracks,
    /// Each picture stands for itself, and so does each face of it: a track of one look, which ends with the picture.
    Photographs {
        /// Whether every face is compared; otherwise none is where a picture has not exactly one.
        every_face: bool,
    },
}

struct Waiting {
    passed: Box<Passed>,
    /// The tracks of the faces that are being compared; empty once they are.
    comparing: Vec<TrackSpan>,
}

/// Tracks in view during each second.
#[derive(Default)]
struct InView {
    seconds: Vec<u32>,
    tracks: Vec<u32>,
}

impl InView {
    fn note(&mut self, time: f64, tracks: impl Iterator<Item = u32>) {
        // A float that is too large saturates; a camera that runs for a day has 86,400 seconds.
        let second = (time.max(0.0) as usize).min(31 * 86_400);
        if second >= self.seconds.len() {
            self.seconds.resize(second + 1, 0);
            self.tracks.clear();
        }
        for track in tracks {
            if !self.tracks.contains(&track) {
                self.tracks.push(track);
                self.seconds[second] += 1;
            }
        }
    }
}

impl<'a> Lane<'a> {
    pub(crate) fn new(
        fps: f64,
        following: Following,
        zone: Option<Zone>,
        jobs: Sender<Job>,
        decision: Sender<ToDecision>,
        stages: &'a Stages,
        metrics: &'a CameraMetrics,
    ) -> Lane<'a> {
        Lane {
            zone,
            jobs,
            decision,
            stages,
            metrics,
            following,
            tracker: Tracker::new(fps),
            alone: 0,
            choice: Choice::default(),
            encoder: None,
            early: BTreeMap::new(),
            next: 0,
            waiting: VecDeque::new(),
            in_view: InView::default(),
            size: (0, 0),
            last_time: 0.0,
        }
    }

    /// Works until the camera has ended and every frame of it is through.
    pub(crate) fn run(mut self, messages: Receiver<ToLane>) {
        let mut end: Option<CaptureEnd> = None;
        for message in messages {
            match message {
                ToLane::Detected(admitted, faces) => {
                    self.early.insert(admitted.order, (admitted, faces));
                    while let Some((admitted, faces)) = self.early.remove(&self.next) {
                        self.next += 1;
                        self.take(admitted, faces);
                    }
                }
                ToLane::Compared(sequence, compared) => self.compared(sequence, compared),
                ToLane::Ended(ended) => end = Some(ended),
            }
            self.pass_on();
            if let Some(end) =
                end.take_if(|end| end.admitted == self.next && self.waiting.is_empty())
            {
                self.finish(end);
                return;
            }
        }
    }

    /// A frame's turn: track, choose, ask for comparison.
    fn take(&mut self, admitted: Admitted, faces: Result<Vec<Face>, CallError>) {
        let Admitted {
            camera,
            order: _,
            frame,
            generation,
            permit,
        } = admitted;
        let (sequence, time) = (frame.sequence(), frame.captured_at());
        self.size = (frame.width(), frame.height());
        self.last_time = time;
        let (everybody, seen) = match faces {
            Ok(faces) => (faces, Ok(())),
            Err(error) => (Vec::new(), Err(error)),
        };
        let faces: Vec<Face> = everybody
            .iter()
            .filter(|face| self.in_zone(face))
            .copied()
            .collect();
        let step = match self.following {
            Following::Tracks => self
                .stages
                .time(Stage::Track, || self.tracker.step(sequence, time, &faces)),
            Following::Photographs { every_face } if every_face || faces.len() == 1 => {
                self.each_alone(sequence, time, faces.len())
            }
            // Nobody can say who is meant.
            Following::Photographs { .. } => Step::default(),
        };
        self.metrics.tracks(self.tracks());
        self.in_view
            .note(time, step.seen.iter().map(|(_, span)| span.track));
        let encoder = generation.perception.encoder_id();
        if self
            .encoder
            .as_ref()
            .is_some_and(|before| before != encoder)
        {
            // What another encoder saw is of no more use: everybody in view is new to this one.
            self.choice = Choice::default();
        }
        self.encoder = Some(encoder.clone());
        let (mut chosen, mut comparing) = (Vec::new(), Vec::new());
        for (index, span) in &step.seen {
            let face = faces[*index];
            if self.choice.take(span.track, time, &face) {
                chosen.push(Chosen {
                    track: span.track,
                    face,
                });
                comparing.push(*span);
            }
        }
        for ended in &step.ended {
            self.choice.forget(ended.track);
        }
        if !chosen.is_empty() {
            let faces: Arc<[Rect]> = everybody.iter().map(|face| face.bounds).collect();
            let job = Job::Compare {
                camera,
                frame,
                generation: generation.clone(),
                chosen,
                faces,
            };
            if self.jobs.send(job).is_err() {
                comparing.clear();
            }
        }
        let passed = Passed {
            sequence,
            time,
            generation,
            faces: faces.len() as u64,
            seen,
            probes: Vec::new(),
            ended: step.ended,
            permit,
        };
        self.waiting.push_back(Waiting {
            passed: Box::new(passed),
            comparing,
        });
    }

    /// Each of so many faces as a track that begins and ends with this picture.
    fn each_alone(&mut self, sequence: u32, time: f64, faces: usize) -> Step {
        let mut step = Step::default();
        for index in 0..faces {
            self.alone += 1;
            let span = TrackSpan {
                track: self.alone,
                first_frame: sequence,
                last_frame: sequence,
                first_time: time,
                last_time: time,
            };
            step.seen.push((index, span));
            step.ended.push(span);
        }
        step
    }

    /// Tracks that counted so far.
    fn tracks(&self) -> u32 {
        self.tracker.tracks() + self.alone
    }

    /// Whether a face lies in the zone of recognition: its centre does.
    fn in_zone(&self, face: &Face) -> bool {
        let centre = face.bounds.centre();
        self.zone
            .as_ref()
            .is_none_or(|zone| zone.contains(centre.x, centre.y))
    }

    fn compared(&mut self, sequence: u32, compared: Compared) {
        let Some(waiting) = self
            .waiting
            .iter_mut()
            .find(|waiting| waiting.passed.sequence == sequence)
        else {
            return;
        };
        let spans = std::mem::take(&mut waiting.comparing);
        let span = |probe: &Probe| spans.iter().find(|span| span.track == probe.track).copied();
        let probes = compared.probes.into_iter();
        waiting.passed.probes = probes
            .filter_map(|probe| Some((span(&probe)?, probe)))
            .collect();
        // A face that nobody could compare is a frame that was not seen: no silent gap.
        if let Some(error) = compared.failed {
            waiting.passed.seen = Err(error);
        }
    }

    /// Hands on the frames at the head that wait for nothing.
    fn pass_on(&mut self) {
        while self
            .waiting
            .front()
            .is_some_and(|waiting| waiting.comparing.is_empty())
        {
            if let Some(waiting) = self.waiting.pop_front() {
                // The decision thread is gone only where the run failed, which it reports itself.
                let _ = self.decision.send(ToDecision::Frame(waiting.passed));
            }
        }
    }

    fn finish(self, end: CaptureEnd) {
        let tracks = u64::from(self.tracks());
        let _ = self.decision.send(ToDecision::Ended(Box::new(LaneEnd {
            open: self.tracker.finish(),
            tracks,
            in_view: self.in_view.seconds,
            width: self.size.0,
            height: self.size.1,
            record: end.record,
            seconds: self.last_time,
            trouble: end.trouble,
        })));
    }
}
