//! A generation: plugins, models, gallery and configuration that belong together. Immutable; a frame meets the generation that admitted it
//! and no other.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use overt_contract::Capability;
use overt_deployment::{self as deployment, Deployment};
use overt_gallery::{EncoderId, EntryKey, Gallery, Template};
use overt_records as records;
use overt_runtime::Terms;
use overt_runtime::{Limits, Manifest, Plugin, PluginFile};
use overt_vision::ModelFile;
use sha2::{Digest, Sha256};

use crate::calibration::{Calibration, CalibrationFacts};
use crate::error::PipelineError;
use crate::machine::Machine;

/// An accepted plugin with its manifest.
pub struct Loaded {
    /// The plugin.
    pub plugin: Plugin,
    /// What its vendor declares.
    pub manifest: Manifest,
    /// What it was granted and had declared.
    pub capabilities: Vec<Capability>,
}

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

/// What a plugin may use: what the deployment gives it. What its vendor declares that it needs is shown by `inspect`; only the number of
/// faces comes from there, since the deployment file has no word for it.
fn limits(plugin: &deployment::Plugin, manifest: &Manifest) -> Limits {
    let given = &plugin.limits;
    Limits {
        memory: given.memory,
        deadline: given.deadline,
        fuel: given.fuel,
        tensors: given.tensors,
        faces: manifest
            .limits
            .faces_per_frame
            .unwrap_or(Limits::default().faces),
        ..Limits::default()
    }
}

/// Where a plugin's models are: what its table of the deployment file names, and of what its manifest needs beyond that, what lies in the folder of
/// `host.models`. So one detector is swapped for another by naming another file. Whatever is read must have the manifest's digest.
fn model_files(
    deployment: &Deployment,
    plugin: &deployment::Plugin,
    manifest: &Manifest,
) -> BTreeMap<String, PathBuf> {
    let mut files = plugin.models.clone();
    if let Some(folder) = &deployment.host.models {
        for model in &manifest.models {
            files
                .entry(model.name.clone())
                .or_insert_with(|| folder.join(format!("{}.onnx", model.name)));
        }
    }
    files
}

/// Reads, checks, compiles and accepts one plugin.
fn load(
    machine: &Machine,
    deployment: &Deployment,
    plugin: &deployment::Plugin,
) -> Result<Loaded, PipelineError> {
    let role = plugin.role;
    let refused = |cause| PipelineError::Plugin {
        role,
        cause: Box::new(cause),
    };
    let file = PluginFile::read(&plugin.file).map_err(refused)?;
    if let Some(expected) = plugin
        .sha256
        .as_ref()
        .filter(|expected| *expected != file.sha256())
    {
        let (path, found) = (file.path().to_owned(), file.sha256().to_owned());
        return Err(refused(overt_runtime::PluginError::Digest {
            path,
            expected: expected.clone(),
            found,
        }));
    }
    let grants = plugin.grants.iter().copied().collect();
    // Before any model is read: a plugin that is refused anyhow should say so first.
    overt_runtime::agreement::check(&file, &grants).map_err(refused)?;
    let mut models = BTreeMap::new();
    for (name, path) in model_files(deployment, plugin, file.manifest()) {
        let model = ModelFile::read(&path).map_err(|cause| PipelineError::Model {
            role,
            model: name.clone(),
            cause: Box::new(cause),
        })?;
        models.insert(name, (path, model));
    }
    let manifest = file.manifest().clone();
    let capabilities = manifest
        .capabilities
        .declared()
        .filter(|capability| grants.contains(capability))
        .collect();
    let terms = Terms {
        role,
        grants,
        limits: limits(plugin, &manifest),
        config: plugin.config.clone(),
        models,
    };
    let plugin = machine.runtime.accept(&file, terms).map_err(refused)?;
    Ok(Loaded {
        plugin,
        manifest,
        capabilities,
    })
}

/// All of several results, or all of their errors.
fn together(errors: Vec<PipelineError>) -> PipelineError {
    let mut errors = errors;
    match errors.len() {
        1 => errors.remove(0),
        _ => PipelineError::Several(errors),
    }
}

impl Perception {
    /// Loads the plugins that see.
    pub fn load(machine: &Machine, deployment: &Deployment) -> Result<Perception, PipelineError> {
        let plugins = &deployment.plugins;
        let mut errors = Vec::new();
        let mut take = |plugin| {
            load(machine, deployment, plugin)
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
            _ => Err(together(errors)),
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
            plugin: identity.sha256.to_string(),
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
    /// Loads plugins and gallery. All that is wrong with the plugins is reported at once.
    pub fn load(
        machine: &Machine,
        deployment: &Deployment,
        store: &records::Store,
    ) -> Result<Generation, PipelineError> {
        let mut errors = Vec::new();
        let mut keep = |error| match error {
            PipelineError::Several(several) => errors.extend(several),
            one => errors.push(one),
        };
        let perception = Perception::load(machine, deployment)
            .map_err(&mut keep)
            .ok();
        let policy = load(machine, deployment, &deployment.plugins.matcher_policy)
            .map_err(&mut keep)
            .ok();
        let router = load(machine, deployment, &deployment.plugins.alert_router)
            .map_err(&mut keep)
            .ok();
        let (Some(perception), Some(policy), Some(router)) = (perception, policy, router) else {
            return Err(together(errors));
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
