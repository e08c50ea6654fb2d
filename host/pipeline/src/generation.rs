//! A generation: plugins, models, watchlist and configuration that belong together. Immutable; a frame meets the generation that admitted it
//! and no other.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use overt_deployment::{Deployment, Role};
use overt_gallery::EncoderId;
use overt_records as records;
use sha2::{Digest, Sha256};

use crate::admission::{Admission, Loaded};
use crate::calibration::{Calibration, CalibrationFacts};
use crate::error::PipelineError;
use crate::lock::LockFile;
use crate::machine::Machine;
use crate::re_encode::{Encoded, re_encode};
use crate::shadow::Shadow;
use crate::stills;
use crate::watchlist::Watchlist;

/// The plugins that see: what enrolment needs.
#[derive(Clone)]
pub struct Perception {
    /// Finds faces.
    pub detector: Arc<Loaded>,
    /// Makes templates.
    pub encoder: Arc<Loaded>,
    /// Measures quality, where the deployment has such a plugin.
    pub quality: Option<Arc<Loaded>>,
    pub(crate) encoder_id: Arc<EncoderId>,
}

/// What comes in for another plugin once that is in quarantine.
#[derive(Clone)]
pub(crate) struct Fallback {
    pub(crate) loaded: Arc<Loaded>,
    /// What the score floor rests on while it serves, where the authority names a calibration.
    calibration: Option<CalibrationFacts>,
}

/// Everything that a frame meets.
#[derive(Clone)]
pub struct Generation {
    /// From 0, which the run began with.
    pub(crate) number: u64,
    pub(crate) perception: Perception,
    pub(crate) policy: Arc<Loaded>,
    pub(crate) router: Arc<Loaded>,
    /// Who comes in for whom.
    pub(crate) fallbacks: BTreeMap<Role, Fallback>,
    /// Who is asked the same, and decides nothing.
    pub(crate) shadows: BTreeMap<Role, Arc<Shadow>>,
    pub(crate) watchlist: Arc<Watchlist>,
    /// The least score at which anybody may be alerted.
    pub(crate) score_floor: f32,
    /// What the score floor rests on, where the authority names a calibration.
    pub(crate) calibration: Option<CalibrationFacts>,
    /// SHA-256 of the lock that it holds to.
    pub(crate) lock_sha256: Option<String>,
}

impl Perception {
    /// Loads the plugins that see.
    pub fn load(machine: &Machine, deployment: &Deployment) -> Result<Perception, PipelineError> {
        Self::admit(&Admission::of(machine, deployment, None)?)
    }

    fn admit(admission: &Admission<'_>) -> Result<Perception, PipelineError> {
        let (machine, plugins) = (admission.machine, &admission.deployment.plugins);
        let mut errors = Vec::new();
        let mut take = |plugin| {
            admission
                .load(plugin)
                .map_err(|error| errors.push(error))
                .ok()
        };
        let detector = take(&plugins.detector);
        let encoder = take(&plugins.encoder);
        let quality = plugins.quality.as_ref().map(take);
        match (detector, encoder, quality) {
            (Some(detector), Some(encoder), None) => Ok(Self::of(machine, detector, encoder, None)),
            (Some(detector), Some(encoder), Some(Some(quality))) => {
                Ok(Self::of(machine, detector, encoder, Some(quality)))
            }
            _ => Err(PipelineError::together(errors)),
        }
    }

    fn of(
        machine: &Machine,
        detector: Arc<Loaded>,
        encoder: Arc<Loaded>,
        quality: Option<Arc<Loaded>>,
    ) -> Perception {
        let digests: Vec<&str> = encoder.plugin.models().map(|(_, sha256)| sha256).collect();
        let model = match digests[..] {
            // One model is known by its own digest, so that it can be found on its card; several by the digest of their digests.
            [only] => only.to_owned(),
            _ => hex::encode(Sha256::digest(digests.concat())),
        };
        let identity = encoder.plugin.identity();
        let encoder_id = EncoderId {
            plugin_id: identity.id.to_string(),
            plugin: identity.content.to_string(),
            model,
            backend: machine.backend_identity().arithmetic(),
            // An accepted encoder has its facts: the manifest is refused without them.
            dimension: encoder
                .plugin
                .encoder()
                .map_or(0, |facts| facts.dimension as usize),
        };
        Perception {
            detector,
            encoder,
            quality,
            encoder_id: Arc::new(encoder_id),
        }
    }

    /// The same with another plugin in the place of the detector or of the quality plugin.
    fn with(&self, loaded: &Arc<Loaded>) -> Perception {
        let mut perception = self.clone();
        match loaded.slot.role {
            Role::Detector => perception.detector = loaded.clone(),
            Role::Quality => perception.quality = Some(loaded.clone()),
            Role::Encoder | Role::MatcherPolicy | Role::AlertRouter => {}
        }
        perception
    }

    /// The encoder as the gallery knows it.
    pub fn encoder_id(&self) -> &Arc<EncoderId> {
        &self.encoder_id
    }

    /// The encoder as records name it.
    pub fn encoder(&self) -> records::Encoder {
        records::Encoder {
            plugin_id: self.encoder_id.plugin_id.clone(),
            plugin_sha256: self.encoder_id.plugin.clone(),
            model_sha256: self.encoder_id.model.clone(),
            backend: self.encoder_id.backend.clone(),
            dimension: self.encoder_id.dimension as u32,
        }
    }
}

/// A generation's plugins before it has its watchlist.
pub(crate) struct Admitted {
    pub(crate) perception: Perception,
    policy: Arc<Loaded>,
    router: Arc<Loaded>,
    fallbacks: BTreeMap<Role, Arc<Loaded>>,
    shadows: BTreeMap<Role, Arc<Loaded>>,
}

/// What a generation is made of, and by what.
pub(crate) struct Making<'a> {
    pub(crate) machine: &'a Machine,
    pub(crate) deployment: &'a Deployment,
    pub(crate) lock: Option<&'a LockFile>,
    pub(crate) store: &'a records::Store,
    /// Threads that may encode a watchlist.
    pub(crate) workers: usize,
    /// The one that serves.
    pub(crate) before: Option<&'a Generation>,
    /// Whether nobody needs it any more.
    pub(crate) is_over: &'a (dyn Fn() -> bool + Sync),
    /// Hears how many watchlist images are encoded anew, of how many.
    pub(crate) encoding: &'a (dyn Fn(u64, u64) + Sync),
}

impl Making<'_> {
    /// Reads, checks, compiles and tests every plugin of the deployment: those of the lock, where there is one. All that is wrong with them is reported at once.
    /// One that the generation before has already, in the same place and under the same terms, is taken over with its models as they are loaded.
    pub(crate) fn admit(&self) -> Result<Admitted, PipelineError> {
        let lock = self.lock.map(|lock| &lock.lock);
        let mut admission = Admission::of(self.machine, self.deployment, lock)?;
        if let Some(before) = self.before {
            admission.before = before.all().cloned().collect();
        }
        let mut errors = Vec::new();
        let mut keep = |error| match error {
            PipelineError::Several(several) => errors.extend(several),
            one => errors.push(one),
        };
        let plugins = &self.deployment.plugins;
        let perception = Perception::admit(&admission).map_err(&mut keep).ok();
        let policy = admission
            .load(&plugins.matcher_policy)
            .map_err(&mut keep)
            .ok();
        let router = admission
            .load(&plugins.alert_router)
            .map_err(&mut keep)
            .ok();
        let (mut fallbacks, mut shadows) = (BTreeMap::new(), BTreeMap::new());
        for plugin in plugins.iter() {
            for (other, of) in [
                (&plugin.fallback, &mut fallbacks),
                (&plugin.shadow, &mut shadows),
            ] {
                let Some(other) = other else { continue };
                if let Ok(loaded) = admission.load(other).map_err(&mut keep) {
                    of.insert(plugin.role, loaded);
                }
            }
        }
        match (perception, policy, router) {
            (Some(perception), Some(policy), Some(router)) if errors.is_empty() => Ok(Admitted {
                perception,
                policy,
                router,
                fallbacks,
                shadows,
            }),
            _ => Err(PipelineError::together(errors)),
        }
    }

    /// The watchlist through these plugins, from the stored pictures; `None` where it is over.
    pub(crate) fn encode(&self, perception: &Perception) -> Result<Option<Encoded>, PipelineError> {
        re_encode(
            self.machine,
            self.store,
            perception,
            self.workers,
            self.is_over,
            self.encoding,
        )
    }

    /// The generation, with a watchlist that its encoder made; `None` where it is over.
    pub(crate) fn generation(
        &self,
        number: u64,
        admitted: Admitted,
        watchlist: Arc<Watchlist>,
    ) -> Result<Option<Generation>, PipelineError> {
        let Admitted {
            perception,
            policy,
            router,
            fallbacks,
            shadows,
        } = admitted;
        let authority = &self.deployment.authority;
        let lock = self.lock.map(|lock| &lock.lock);
        let facts = |path: &Option<PathBuf>,
                     locked: Option<&String>,
                     perception: &Perception|
         -> Result<Option<CalibrationFacts>, PipelineError> {
            let calibration = calibration(self.machine, perception, path.as_ref(), locked)?;
            let people = watchlist.entries.len() as u64;
            let floor = authority.score_floor;
            Ok(calibration.map(|(path, calibration)| calibration.facts(path, floor, people)))
        };
        let locked = lock.and_then(|lock| lock.authority.calibration.as_ref());
        let calibration = facts(&authority.calibration, locked, &perception)?;
        let fallbacks = fallbacks.into_iter().map(|(role, loaded)| {
            let path = match (&calibration, role) {
                (Some(_), Role::Detector) => &self.deployment.plugins.detector.fallback,
                _ => &None,
            };
            let calibration = match path {
                // Another detector shows the encoder other faces; nobody has measured how often that errs at the floor.
                Some(plugin) if plugin.calibration.is_none() => {
                    return Err(PipelineError::FallbackUncalibrated { slot: loaded.slot });
                }
                Some(plugin) => {
                    let locked = lock.and_then(|lock| lock.plugin(plugin.slot()));
                    let locked = locked.and_then(|locked| locked.calibration.as_ref());
                    facts(&plugin.calibration, locked, &perception.with(&loaded))?
                }
                None => calibration.clone(),
            };
            let fallback = Fallback {
                loaded,
                calibration,
            };
            Ok((role, fallback))
        });
        let fallbacks = fallbacks.collect::<Result<_, _>>()?;
        let mut challengers = BTreeMap::new();
        for (role, loaded) in shadows {
            let serving = match role {
                Role::Detector => Some(&perception.detector),
                Role::Encoder => Some(&perception.encoder),
                Role::Quality => perception.quality.as_ref(),
                Role::MatcherPolicy => Some(&policy),
                Role::AlertRouter => Some(&router),
            };
            // The deployment file has challengers only where somebody serves.
            let Some(serving) = serving else { continue };
            let Some(shadow) = self.shadow(&perception, &watchlist, serving, loaded)? else {
                return Ok(None);
            };
            challengers.insert(role, shadow);
        }
        Ok(Some(Generation {
            fallbacks,
            shadows: challengers,
            number,
            perception,
            policy,
            router,
            watchlist,
            score_floor: authority.score_floor,
            calibration,
            lock_sha256: self.lock.map(|lock| lock.sha256.clone()),
        }))
    }

    /// A challenger; an encoder with the watchlist as it encodes it. One that is asked already, beside the same plugin and the same watchlist, goes on with its
    /// counts. `None` where it is over.
    fn shadow(
        &self,
        perception: &Perception,
        watchlist: &Arc<Watchlist>,
        serving: &Arc<Loaded>,
        loaded: Arc<Loaded>,
    ) -> Result<Option<Arc<Shadow>>, PipelineError> {
        let role = loaded.slot.role;
        let had = self.before.filter(|before| {
            let served = before.plugin(role);
            Arc::ptr_eq(&before.watchlist, watchlist)
                && served.is_some_and(|served| Arc::ptr_eq(served, serving))
        });
        if let Some(shadow) = had.and_then(|before| before.shadows.get(&role))
            && Arc::ptr_eq(&shadow.loaded, &loaded)
        {
            return Ok(Some(shadow.clone()));
        }
        let plugins = self.deployment.plugins.iter();
        let every = plugins
            .filter(|plugin| plugin.role == role)
            .find_map(|plugin| plugin.shadow.as_ref())
            .map_or(1, |shadow| shadow.every);
        if role != Role::Encoder {
            return Ok(Some(Arc::new(Shadow::new(loaded, serving, every, None, 0))));
        }
        let challenging = Perception::of(
            self.machine,
            perception.detector.clone(),
            loaded.clone(),
            None,
        );
        let Some(encoded) = self.encode(&challenging)? else {
            return Ok(None);
        };
        let watchlist = Watchlist::of(
            challenging.encoder_id(),
            self.deployment,
            self.store,
            &encoded.templates,
        )?;
        Ok(Some(Arc::new(Shadow::new(
            loaded,
            serving,
            every,
            Some(Arc::new(watchlist)),
            encoded.failures.len() as u64,
        ))))
    }
}

impl Generation {
    /// The generation that a run begins with.
    pub fn load(
        machine: &Machine,
        deployment: &Deployment,
        lock: Option<&LockFile>,
        store: &records::Store,
    ) -> Result<Generation, PipelineError> {
        let making = Making {
            machine,
            deployment,
            lock,
            store,
            workers: stills::workers(deployment),
            before: None,
            is_over: &|| false,
            encoding: &|_, _| {},
        };
        let admitted = making.admit()?;
        let Perception { encoder_id, .. } = &admitted.perception;
        let stored_as = admitted.perception.encoder();
        let watchlist = Watchlist::load(encoder_id, &stored_as, deployment, store)?;
        let generation = making.generation(0, admitted, Arc::new(watchlist))?;
        // It is never over.
        generation.ok_or(PipelineError::Panicked("photographs"))
    }

    /// The plugins that serve, in the order of a frame's way.
    pub fn plugins(&self) -> impl Iterator<Item = &Arc<Loaded>> {
        let Perception {
            detector,
            encoder,
            quality,
            ..
        } = &self.perception;
        [
            Some(detector),
            Some(encoder),
            quality.as_ref(),
            Some(&self.policy),
            Some(&self.router),
        ]
        .into_iter()
        .flatten()
    }

    /// The plugin that serves in a role.
    pub(crate) fn plugin(&self, role: Role) -> Option<&Arc<Loaded>> {
        self.plugins().find(|loaded| loaded.slot.role == role)
    }

    /// Every plugin: those that serve, those that may come in for them, and their challengers.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Loaded>> {
        let fallbacks = self.fallbacks.values().map(|fallback| &fallback.loaded);
        let shadows = self.shadows.values().map(|shadow| &shadow.loaded);
        self.plugins().chain(fallbacks).chain(shadows)
    }

    /// The challenger in a role that is asked about this frame.
    pub(crate) fn shadow(&self, role: Role, sequence: u32) -> Option<&Arc<Shadow>> {
        let shadow = self.shadows.get(&role);
        shadow.filter(|shadow| shadow.looks_at(sequence))
    }

    /// The plugins whose model sessions a worker has ready.
    pub(crate) fn with_models(&self) -> impl Iterator<Item = &Arc<Loaded>> {
        self.all()
            .filter(|loaded| loaded.plugin.models().next().is_some())
    }

    /// The next generation, with another watchlist of the same encoder.
    pub(crate) fn next_with(&self, watchlist: Arc<Watchlist>) -> Generation {
        Generation {
            number: self.number + 1,
            watchlist,
            ..self.clone()
        }
    }

    /// The next generation, in which the fallback serves; `None` where there is none.
    pub(crate) fn fallen_back(&self, role: Role) -> Option<Generation> {
        let mut next = self.clone();
        // What has come in has nobody else to come in for it.
        let Fallback {
            loaded,
            calibration,
        } = next.fallbacks.remove(&role)?;
        next.number += 1;
        if let Some(shadow) = self.shadows.get(&role) {
            next.shadows.insert(role, Arc::new(shadow.beside(&loaded)));
        }
        if role == Role::Detector {
            // Of every other role the floor rests on what it rested on, which may be another detector's that has come in before.
            next.calibration = calibration;
        }
        match role {
            Role::Detector | Role::Quality => next.perception = self.perception.with(&loaded),
            Role::MatcherPolicy => next.policy = loaded,
            Role::AlertRouter => next.router = loaded,
            // The deployment file allows it no fallback.
            Role::Encoder => return None,
        }
        Some(next)
    }
}

/// A calibration, if it is one of what runs.
fn calibration(
    machine: &Machine,
    perception: &Perception,
    path: Option<&PathBuf>,
    locked: Option<&String>,
) -> Result<Option<(PathBuf, Calibration)>, PipelineError> {
    let Some(path) = path else {
        return Ok(None);
    };
    let refused = |cause| PipelineError::Calibration {
        path: path.clone(),
        cause,
    };
    let locked = locked.map(String::as_str);
    let calibration = Calibration::read_locked(path, locked).map_err(refused)?;
    calibration
        .check(perception, machine.backend_identity())
        .map_err(refused)?;
    Ok(Some((path.clone(), calibration)))
}
