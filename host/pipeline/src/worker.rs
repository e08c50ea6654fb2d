//! A worker: one of several equal threads that run perception plugins and search. Each has model sessions of its own, since a session
//! serves one call at a time.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Weak};

use crossbeam_channel::{Receiver, Sender, never, select_biased};
use overt_gallery::{Hit, Template};
use overt_runtime::{CallCause, CallError, Plugin, Role, Sessions};
use overt_vision::{Backend, Face, Frame, InferenceError, Rect, Tensor};

use crate::admission::Loaded;
use crate::generation::Generation;
use crate::pictures::{Still, face_crop};
use crate::shadow::{self, Shadow};
use crate::stages::{Stage, Stages};
use crate::watchlist::Watchlist;
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
                let shadow = generation.shadow(Role::Detector, admitted.frame.sequence());
                let compared = shadow.zip(faces.as_ref().ok());
                let compared =
                    compared.map(|(shadow, faces)| (shadow, faces.clone(), admitted.frame.clone()));
                let _ = self.lanes[admitted.camera].send(ToLane::Detected(admitted, faces));
                if let Some((shadow, faces, frame)) = compared {
                    self.detect_in_shadow(shadow, &frame, &faces);
                }
            }
            Job::Compare {
                camera,
                frame,
                generation,
                chosen,
                faces,
            } => {
                let encoder = &generation.perception.encoder.plugin;
                let shadows = [Role::Encoder, Role::Quality]
                    .map(|role| generation.shadow(role, frame.sequence()));
                let asked = match shadows {
                    [None, None] => Vec::new(),
                    _ => chosen.clone(),
                };
                let compared = self.guarded(encoder, &frame, |worker| {
                    worker.compare(&frame, &generation, chosen, faces)
                });
                let compared = compared.unwrap_or_else(|error| Compared {
                    failed: Some(error),
                    ..Compared::default()
                });
                let served = match asked.is_empty() {
                    true => Vec::new(),
                    false => Served::of(&generation, &asked, &compared),
                };
                let _ = self.lanes[camera].send(ToLane::Compared(frame.sequence(), compared));
                let [encoder, quality] = shadows;
                if let Some(shadow) = encoder {
                    self.encode_in_shadow(shadow, &generation, &frame, &served);
                }
                if let Some(shadow) = quality {
                    self.assess_in_shadow(shadow, &frame, &served);
                }
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

    /// Asks a challenger for the faces of a frame.
    fn detect_in_shadow(&mut self, shadow: &Arc<Shadow>, frame: &Arc<Frame>, faces: &[Face]) {
        let loaded = &shadow.loaded;
        let found = shadow.ask(|| {
            self.guarded(&loaded.plugin, frame, |worker| {
                worker.with_sessions(loaded, frame, |worker, sessions| {
                    worker
                        .stages
                        .time(Stage::Shadow, || loaded.plugin.detect(frame, sessions))
                })
            })
        });
        if let Some(found) = found {
            shadow.faces(faces, &found);
        }
    }

    /// Asks a challenger for templates of faces, and compares what its search finds. Like those that serve, faces without landmarks go by themselves.
    fn encode_in_shadow(
        &mut self,
        shadow: &Arc<Shadow>,
        generation: &Generation,
        frame: &Arc<Frame>,
        served: &[Served],
    ) {
        let (loaded, Some(watchlist)) = (&shadow.loaded, shadow.watchlist()) else {
            return;
        };
        let (full, bare): (Vec<&Served>, Vec<&Served>) = served
            .iter()
            .partition(|served| served.face.landmarks.is_some());
        for group in [full, bare] {
            for group in group.chunks(overt_runtime::limits::ENCODED) {
                let faces: Vec<Face> = group.iter().map(|served| served.face).collect();
                let found = shadow.ask(|| {
                    self.guarded(&loaded.plugin, frame, |worker| {
                        worker.with_sessions(loaded, frame, |worker, sessions| {
                            worker.stages.time(Stage::Shadow, || {
                                let templates = loaded.plugin.encode(frame, &faces, sessions)?;
                                search(&watchlist, &templates, &loaded.plugin, frame)
                            })
                        })
                    })
                });
                for (served, hits) in group.iter().zip(found.unwrap_or_default()) {
                    let best = served.best.as_ref();
                    shadow.search(
                        best.map(|(reference, score)| (&**reference, *score)),
                        shadow::best(&watchlist, &hits),
                        generation.score_floor,
                    );
                }
            }
        }
    }

    /// Asks a challenger for the quality of faces.
    fn assess_in_shadow(&mut self, shadow: &Arc<Shadow>, frame: &Arc<Frame>, served: &[Served]) {
        let loaded = &shadow.loaded;
        for group in served.chunks(overt_runtime::limits::ENCODED) {
            let faces: Vec<Face> = group.iter().map(|served| served.face).collect();
            let found = shadow.ask(|| {
                self.guarded(&loaded.plugin, frame, |worker| {
                    worker.with_sessions(loaded, frame, |worker, sessions| {
                        worker.stages.time(Stage::Shadow, || {
                            loaded.plugin.assess(frame, &faces, sessions)
                        })
                    })
                })
            });
            for (served, measured) in group.iter().zip(found.unwrap_or_default()) {
                shadow.quality(&served.quality, &measured);
            }
        }
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
        let found = stages.time(Stage::Search, || {
            search(&generation.watchlist, &templates, encoder, frame)
        })?;
        let failed = |error: &dyn std::fmt::Display| host_failed(encoder, frame, error);
        let mut probes = Vec::with_capacity(chosen.len());
        for ((chosen, quality), hits) in chosen.iter().zip(quality).zip(found) {
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

/// What the plugins that serve said of a face, for as long as a challenger is asked about it.
struct Served {
    face: Face,
    quality: Vec<(String, f32)>,
    /// Reference and score of the best candidate.
    best: Option<(Arc<str>, f32)>,
}

impl Served {
    fn of(generation: &Generation, asked: &[Chosen], compared: &Compared) -> Vec<Served> {
        let mut served = Vec::new();
        for chosen in asked {
            // One that could not be compared is nothing to compare with.
            let probe = compared
                .probes
                .iter()
                .find(|probe| probe.track == chosen.track);
            let Some(probe) = probe else { continue };
            let best = shadow::best(&generation.watchlist, &probe.hits);
            served.push(Served {
                face: chosen.face,
                quality: probe.quality.clone(),
                best: best.map(|(reference, score)| (reference.into(), score)),
            });
        }
        served
    }
}

/// The candidates of every template of an encoder's answer.
fn search(
    watchlist: &Watchlist,
    templates: &Tensor,
    encoder: &Plugin,
    frame: &Frame,
) -> Result<Vec<Vec<Hit>>, CallError> {
    let failed = |error: &dyn std::fmt::Display| host_failed(encoder, frame, error);
    let id = watchlist.encoder();
    // The answer was checked: float32, [faces, dimension].
    let rows = templates
        .as_f32s()
        .unwrap_or_default()
        .chunks_exact(id.dimension);
    rows.map(|row| {
        let template = Template::new(id, row).map_err(|error| failed(&error))?;
        let hits = watchlist.gallery.search(&template, CANDIDATES);
        hits.map_err(|error| failed(&error))
    })
    .collect()
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
