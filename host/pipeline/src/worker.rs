//! A worker: one of several equal threads that run perception plugins and search. Each has model sessions of its own, since a session
//! serves one call at a time.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Weak};

use crossbeam_channel::{Receiver, Sender, never, select_biased};
use overt_gallery::Template;
use overt_runtime::{CallCause, CallError, Plugin, Sessions};
use overt_vision::{Backend, Face, Frame, InferenceError, Rect};

use crate::admission::Loaded;
use crate::generation::Generation;
use crate::pictures::{Still, face_crop};
use crate::stages::{Stage, Stages};
use crate::way::{Chosen, Compared, Job, Probe, ToLane};

/// Candidates that a search returns for a probe.
const CANDIDATES: usize = 10;

/// A worker and what its thread needs.
pub(crate) struct Worker<'a> {
    backend: &'a dyn Backend,
    stages: &'a Stages,
    lanes: Vec<Sender<ToLane>>,
    /// Model sessions by plugin. Those of a plugin that no generation has any more go with its last frame.
    sessions: Vec<(Weak<Loaded>, Sessions)>,
}

impl<'a> Worker<'a> {
    /// Loads the models; the slow part, before the first frame is read.
    pub(crate) fn new(
        generation: &Generation,
        backend: &'a dyn Backend,
        stages: &'a Stages,
        lanes: Vec<Sender<ToLane>>,
    ) -> Result<Worker<'a>, InferenceError> {
        let ready = |loaded: &Arc<Loaded>| {
            let sessions = loaded.sessions(backend)?;
            Ok::<_, InferenceError>((Arc::downgrade(loaded), sessions))
        };
        Ok(Worker {
            backend,
            stages,
            lanes,
            sessions: generation
                .with_models()
                .map(ready)
                .collect::<Result<_, _>>()?,
        })
    }

    /// Works until both queues are closed. Comparing comes before detecting: it lets a frame go that holds memory and a permit.
    pub(crate) fn run(mut self, mut compare: Receiver<Job>, mut detect: Receiver<Job>) {
        let mut open = 2;
        while open > 0 {
            select_biased! {
                recv(compare) -> job => match job {
                    Ok(job) => self.work(job),
                    Err(_) => { compare = never(); open -= 1; }
                },
                recv(detect) -> job => match job {
                    Ok(job) => self.work(job),
                    Err(_) => { detect = never(); open -= 1; }
                },
            }
        }
    }

    fn work(&mut self, job: Job) {
        // A lane that is gone ended because the run failed; its answers are of no more use.
        match job {
            Job::Detect(admitted) => {
                let generation = admitted.generation.clone();
                let detector = &generation.perception.detector;
                let faces = self.guarded(&detector.plugin, &admitted.frame, |worker| {
                    worker.with_sessions(detector, &admitted.frame, |worker, sessions| {
                        worker.stages.time(Stage::Detect, || {
                            detector.plugin.detect(&admitted.frame, sessions)
                        })
                    })
                });
                let _ = self.lanes[admitted.camera].send(ToLane::Detected(admitted, faces));
            }
            Job::Compare {
                camera,
                frame,
                generation,
                chosen,
                faces,
            } => {
                let encoder = &generation.perception.encoder.plugin;
                let compared = self.guarded(encoder, &frame, |worker| {
                    worker.compare(&frame, &generation, chosen, faces)
                });
                let compared = compared.unwrap_or_else(|error| Compared {
                    failed: Some(error),
                    ..Compared::default()
                });
                let _ = self.lanes[camera].send(ToLane::Compared(frame.sequence(), compared));
            }
        }
    }

    /// Turns a panic of the host's own code into an error of this one frame: a lane waits for every frame, and one that never came back
    /// would stop its camera in silence.
    fn guarded<T>(
        &mut self,
        plugin: &Plugin,
        frame: &Frame,
        work: impl FnOnce(&mut Worker<'a>) -> Result<T, CallError>,
    ) -> Result<T, CallError> {
        std::panic::catch_unwind(AssertUnwindSafe(|| work(self))).unwrap_or_else(|_| {
            Err(host_failed(
                plugin,
                frame,
                &"a thread panicked; this is a fault of Overt",
            ))
        })
    }

    /// Does something with this worker's sessions of a plugin; they are made where it has none. A panic takes them along, and the next call has fresh ones.
    fn with_sessions<T>(
        &mut self,
        loaded: &Arc<Loaded>,
        frame: &Frame,
        work: impl FnOnce(&mut Worker<'a>, &mut Sessions) -> Result<T, CallError>,
    ) -> Result<T, CallError> {
        let own = Arc::downgrade(loaded);
        let place = self.sessions.iter().position(|(of, _)| of.ptr_eq(&own));
        let mut sessions = match place {
            Some(place) => self.sessions.swap_remove(place).1,
            None => loaded
                .sessions(self.backend)
                .map_err(|error| host_failed(&loaded.plugin, frame, &error))?,
        };
        let done = work(self, &mut sessions);
        self.sessions.retain(|(of, _)| of.strong_count() > 0);
        self.sessions.push((own, sessions));
        done
    }

    /// Compares a frame's chosen faces with the watchlist. Faces without landmarks go by themselves: an encoder that needs them refuses the
    /// whole call, and the others should not suffer for that.
    fn compare(
        &mut self,
        frame: &Arc<Frame>,
        generation: &Generation,
        chosen: Vec<Chosen>,
        faces: Arc<[Rect]>,
    ) -> Result<Compared, CallError> {
        let encoder = &generation.perception.encoder.plugin;
        let still = self.stages.time(Stage::Picture, || Still::of(frame, faces));
        let still = Arc::new(still.map_err(|error| host_failed(encoder, frame, &error))?);
        let (full, bare): (Vec<Chosen>, Vec<Chosen>) = chosen
            .into_iter()
            .partition(|chosen| chosen.face.landmarks.is_some());
        let mut compared = Compared::default();
        for group in [full, bare] {
            for chosen in group.chunks(overt_runtime::limits::ENCODED) {
                match self.compare_group(frame, generation, chosen, &still) {
                    Ok(probes) => compared.probes.extend(probes),
                    Err(error) => compared.failed = compared.failed.or(Some(error)),
                }
            }
        }
        Ok(compared)
    }

    /// Assesses, encodes and searches faces that go through the plugins together.
    fn compare_group(
        &mut self,
        frame: &Arc<Frame>,
        generation: &Generation,
        chosen: &[Chosen],
        still: &Arc<Still>,
    ) -> Result<Vec<Probe>, CallError> {
        let perception = &generation.perception;
        let asked: Vec<Face> = chosen.iter().map(|chosen| chosen.face).collect();
        let quality = match &perception.quality {
            Some(quality) => self.with_sessions(quality, frame, |worker, sessions| {
                worker.stages.time(Stage::Assess, || {
                    quality.plugin.assess(frame, &asked, sessions)
                })
            })?,
            None => vec![Vec::new(); asked.len()],
        };
        let encoder = &perception.encoder;
        let templates = self.with_sessions(encoder, frame, |worker, sessions| {
            worker.stages.time(Stage::Encode, || {
                encoder.plugin.encode(frame, &asked, sessions)
            })
        })?;
        let (encoder, stages) = (&encoder.plugin, self.stages);
        // The answer was checked: float32, [faces, dimension].
        let rows = templates
            .as_f32s()
            .unwrap_or_default()
            .chunks_exact(perception.encoder_id.dimension);
        let failed = |error: &dyn std::fmt::Display| host_failed(encoder, frame, error);
        let mut probes = Vec::with_capacity(chosen.len());
        for ((chosen, quality), row) in chosen.iter().zip(quality).zip(rows) {
            let hits = stages.time(Stage::Search, || {
                let template =
                    Template::new(&perception.encoder_id, row).map_err(|error| failed(&error))?;
                let hits = generation.watchlist.gallery.search(&template, CANDIDATES);
                hits.map_err(|error| failed(&error))
            })?;
            let crop = stages.time(Stage::Picture, || face_crop(frame, chosen.face.bounds));
            probes.push(Probe {
                track: chosen.track,
                face: chosen.face,
                quality,
                hits,
                crop: crop.map_err(|error| failed(&error))?,
                still: still.clone(),
            });
        }
        Ok(probes)
    }
}

/// An error of the host's own, in the form in which it travels to the lane.
fn host_failed(plugin: &Plugin, frame: &Frame, error: &dyn std::fmt::Display) -> CallError {
    let identity = plugin.identity();
    CallError {
        plugin: identity.id.clone(),
        version: identity.version.clone(),
        role: plugin.role(),
        camera: Some(frame.camera().clone()),
        frame: Some(frame.sequence()),
        cause: CallCause::Host(error.to_string()),
    }
}
