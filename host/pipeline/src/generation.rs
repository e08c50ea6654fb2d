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
}

impl Admitted {
    /// Reads, checks, compiles and tests every plugin of a deployment: those of the lock, where there is one. All that is wrong with them is reported at once.
    /// One that `before` has already, in the same place and under the same terms, is taken over with its models as they are loaded.
    pub(crate) fn load(
        machine: &Machine,
        deployment: &Deployment,
        lock: Option<&LockFile>,
        before: Option<&Generation>,
    ) -> Result<Admitted, PipelineError> {
        let mut admission = Admission::of(machine, deployment, lock.map(|lock| &lock.lock))?;
        admission.before = before.map_or_else(Vec::new, |before| before.all().cloned().collect());
        let mut errors = Vec::new();
        let mut keep = |error| match error {
            PipelineError::Several(several) => errors.extend(several),
            one => errors.push(one),
        };
        let perception = Perception::admit(&admission).map_err(&mut keep).ok();
        let policy = admission
            .load(&deployment.plugins.matcher_policy)
            .map_err(&mut keep)
            .ok();
        let router = admission
            .load(&deployment.plugins.alert_router)
            .map_err(&mut keep)
            .ok();
        let mut fallbacks = BTreeMap::new();
        for plugin in deployment.plugins.iter() {
            let Some(fallback) = &plugin.fallback else {
                continue;
            };
            if let Ok(loaded) = admission.load(fallback).map_err(&mut keep) {
                fallbacks.insert(plugin.role, loaded);
            }
        }
        match (perception, policy, router) {
            (Some(perception), Some(policy), Some(router)) if errors.is_empty() => Ok(Admitted {
                perception,
                policy,
                router,
                fallbacks,
            }),
            _ => Err(PipelineError::together(errors)),
        }
    }

    /// The generation, with a watchlist that its encoder made.
    pub(crate) fn generation(
        self,
        number: u64,
        machine: &Machine,
        deployment: &Deployment,
        lock: Option<&LockFile>,
        watchlist: Arc<Watchlist>,
    ) -> Result<Generation, PipelineError> {
        let Admitted {
            perception,
            policy,
            router,
            fallbacks,
        } = self;
        let floor = deployment.authority.score_floor;
        let facts = |path: &Option<PathBuf>,
                     perception: &Perception|
         -> Result<Option<CalibrationFacts>, PipelineError> {
            let calibration = calibration(machine, perception, path.as_ref())?;
            let people = watchlist.entries.len() as u64;
            Ok(calibration.map(|(path, calibration)| calibration.facts(path, floor, people)))
        };
        let calibration = facts(&deployment.authority.calibration, &perception)?;
        let fallbacks = fallbacks.into_iter().map(|(role, loaded)| {
            let path = match (&calibration, role) {
                (Some(_), Role::Detector) => &deployment.plugins.detector.fallback,
                _ => &None,
            };
            let calibration = match path {
                // Another detector shows the encoder other faces; nobody has measured how often that errs at the floor.
                Some(plugin) if plugin.calibration.is_none() => {
                    return Err(PipelineError::FallbackUncalibrated { slot: loaded.slot });
                }
                Some(plugin) => facts(&plugin.calibration, &perception.with(&loaded))?,
                None => calibration.clone(),
            };
            let fallback = Fallback {
                loaded,
                calibration,
            };
            Ok((role, fallback))
        });
        Ok(Generation {
            fallbacks: fallbacks.collect::<Result<_, _>>()?,
            number,
            perception,
            policy,
            router,
            watchlist,
            score_floor: floor,
            calibration,
            lock_sha256: lock.map(|lock| lock.sha256.clone()),
        })
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
        let admitted = Admitted::load(machine, deployment, lock, None)?;
        let Perception { encoder_id, .. } = &admitted.perception;
        let stored_as = admitted.perception.encoder();
        let watchlist = Watchlist::load(encoder_id, &stored_as, deployment, store)?;
        admitted.generation(0, machine, deployment, lock, Arc::new(watchlist))
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

    /// Every plugin: those that serve, and those that may come in for them.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Loaded>> {
        let fallbacks = self.fallbacks.values().map(|fallback| &fallback.loaded);
        self.plugins().chain(fallbacks)
    }

    /// The plugins whose model sessions a worker has ready.
    pub(crate) fn with_models(&self) -> impl Iterator<Item = &Arc<Loaded>> {
        self.all()
            .filter(|loaded| loaded.plugin.models().next().is_some())
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
        match role {
            Role::Detector | Role::Quality => next.perception = self.perception.with(&loaded),
            Role::MatcherPolicy => next.policy = loaded,
            Role::AlertRouter => next.router = loaded,
            // The deployment file allows it no fallback.
            Role::Encoder => return None,
        }
        next.calibration = calibration;
        Some(next)
    }
}

/// A calibration, if it is one of what runs.
fn calibration(
    machine: &Machine,
    perception: &Perception,
    path: Option<&PathBuf>,
) -> Result<Option<(PathBuf, Calibration)>, PipelineError> {
    let Some(path) = path else {
        return Ok(None);
    };
    let refused = |cause| PipelineError::Calibration {
        path: path.clone(),
        cause,
    };
    let calibration = Calibration::read(path).map_err(refused)?;
    calibration
        .check(perception, machine.backend_identity())
        .map_err(refused)?;
    Ok(Some((path.clone(), calibration)))
}
