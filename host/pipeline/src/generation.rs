//! A generation: plugins, models, gallery and configuration that belong together. Immutable; a frame meets the generation that admitted it
//! and no other.

use std::path::PathBuf;
use std::sync::Arc;

use overt_deployment::Deployment;
use overt_gallery::{EncoderId, EntryKey, Gallery, Template};
use overt_records as records;
use sha2::{Digest, Sha256};

use crate::admission::{Admission, Loaded};
use crate::calibration::{Calibration, CalibrationFacts};
use crate::error::PipelineError;
use crate::lock::Lock;
use crate::machine::Machine;

/// The plugins that see: what enrolment needs.
pub struct Perception {
    /// Finds faces.
    pub detector: Loaded,
    /// Makes templates.
    pub encoder: Loaded,
    /// Measures quality, where the deployment has such a plugin.
    pub quality: Option<Loaded>,
    pub(crate) encoder_id: Arc<EncoderId>,
}

/// A watchlist entry as the pipeline knows it; the index is the gallery's.
pub(crate) struct Entry {
    pub(crate) reference: String,
    pub(crate) category: String,
    /// Unified quality of the best image.
    pub(crate) quality: Option<f32>,
    /// The images' numbers in the records, in the gallery's order.
    pub(crate) images: Vec<u32>,
}

/// Everything that a frame meets.
pub struct Generation {
    pub(crate) number: u64,
    pub(crate) perception: Perception,
    pub(crate) policy: Loaded,
    pub(crate) router: Loaded,
    pub(crate) gallery: Gallery,
    pub(crate) entries: Vec<Entry>,
    /// What the score floor rests on, where the authority names a calibration.
    pub(crate) calibration: Option<CalibrationFacts>,
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
        detector: Loaded,
        encoder: Loaded,
        quality: Option<Loaded>,
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

impl Generation {
    /// Loads plugins and gallery: those of the lock, where there is one. All that is wrong with the plugins is reported at once.
    pub fn load(
        machine: &Machine,
        deployment: &Deployment,
        lock: Option<&Lock>,
        store: &records::Store,
    ) -> Result<Generation, PipelineError> {
        let admission = Admission::of(machine, deployment, lock)?;
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
        let (Some(perception), Some(policy), Some(router)) = (perception, policy, router) else {
            return Err(PipelineError::together(errors));
        };
        let calibration = calibration(machine, &perception, deployment)?;
        let (gallery, entries) = gallery(&perception, deployment, store)?;
        let calibration = calibration.map(|(path, calibration)| {
            let floor = deployment.authority.score_floor;
            calibration.facts(path, floor, entries.len() as u64)
        });
        Ok(Generation {
            number: 0,
            perception,
            policy,
            router,
            gallery,
            entries,
            calibration,
        })
    }

    /// The plugins in the order of a frame's way.
    pub fn plugins(&self) -> impl Iterator<Item = &Loaded> {
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
}

/// The calibration that the authority names, if it is one of what runs.
fn calibration(
    machine: &Machine,
    perception: &Perception,
    deployment: &Deployment,
) -> Result<Option<(PathBuf, Calibration)>, PipelineError> {
    let Some(path) = &deployment.authority.calibration else {
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

/// The watchlist of a store as a gallery, and its entries in the gallery's order.
fn gallery(
    perception: &Perception,
    deployment: &Deployment,
    store: &records::Store,
) -> Result<(Gallery, Vec<Entry>), PipelineError> {
    let stored = store.watchlist().templates(&perception.encoder())?;
    if stored.is_empty() {
        return Err(PipelineError::EmptyWatchlist {
            records: store.path().to_owned(),
        });
    }
    let mut entries: Vec<Entry> = Vec::new();
    let mut templates = Vec::with_capacity(stored.len());
    for image in &stored {
        if !deployment.watchlist.categories.contains(&image.category) {
            return Err(PipelineError::UnknownCategory {
                reference: image.reference.clone(),
                category: image.category.clone(),
            });
        }
        let template = Template::new(&perception.encoder_id, &image.values).map_err(|cause| {
            PipelineError::Template {
                reference: image.reference.clone(),
                cause,
            }
        })?;
        templates.push((EntryKey::from(image.reference.as_str()), template));
        // Templates come by reference, so an entry's images stand together, as in the gallery.
        match entries
            .last_mut()
            .filter(|entry| entry.reference == image.reference)
        {
            Some(entry) => {
                entry.images.push(image.image);
                entry.quality = better(entry.quality, image.quality);
            }
            None => entries.push(Entry {
                reference: image.reference.clone(),
                category: image.category.clone(),
                quality: image.quality,
                images: vec![image.image],
            }),
        }
    }
    let most = deployment.authority.watchlist_size;
    if entries.len() > most as usize {
        return Err(PipelineError::WatchlistTooLarge {
            entries: entries.len(),
            most,
        });
    }
    Ok((
        Gallery::new(perception.encoder_id.clone(), templates)?,
        entries,
    ))
}

fn better(one: Option<f32>, other: Option<f32>) -> Option<f32> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.max(other)),
        (one, other) => one.or(other),
    }
}
