//! From `[plugins.<role>]` of a deployment file to an accepted plugin. The order is the design's: the lock's digest, signatures, manifest, grants, models,
//! compiling; what comes later sees nothing that was refused before.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use overt_contract::Capability;
use overt_deployment::{self as deployment, Deployment, Slot, Timestamp};
use overt_runtime::self_test::SelfTested;
use overt_runtime::trust::Signature;
use overt_runtime::{
    Limits, Manifest, Plugin, PluginBytes, PluginError, PluginFile, Sessions, Terms, Trust,
    TrustedFile, agreement,
};
use overt_vision::{Backend, InferenceError, ModelFile};

use crate::error::PipelineError;
use crate::lock::Lock;
use crate::machine::Machine;
use crate::metrics::PluginMetrics;
use crate::trust::{trust, trust_time};

/// An accepted plugin with its manifest.
pub struct Loaded {
    /// The plugin.
    pub plugin: Plugin,
    /// What its vendor declares.
    pub manifest: Manifest,
    /// What it was granted and had declared.
    pub capabilities: Vec<Capability>,
    /// The signatures of keys that the deployment knows; empty where unsigned plugins may run.
    pub signatures: Vec<Signature>,
    /// Where it stands in the deployment file.
    pub slot: Slot,
    /// Under which terms.
    terms: GivenTerms,
    /// Model sessions that are ready for workers to take.
    warm: Mutex<Vec<Sessions>>,
    pub(crate) metrics: Arc<PluginMetrics>,
}

/// What the deployment file said of a plugin when it was accepted.
struct GivenTerms(deployment::Plugin);

impl GivenTerms {
    /// Whether another table gives the same, whatever file it names: what is in that file is compared by digest.
    fn is_like(&self, other: &deployment::Plugin) -> bool {
        let one = &self.0;
        (&one.grants, &one.limits, &one.config) == (&other.grants, &other.limits, &other.config)
    }
}

impl Loaded {
    /// Makes model sessions ready for so many workers, each run once: the first run of a session takes longer than the others, and no frame should wait for it.
    pub(crate) fn warm_up(
        &self,
        backend: &dyn Backend,
        workers: usize,
    ) -> Result<(), InferenceError> {
        for _ in 0..workers {
            let mut sessions = self.plugin.sessions(backend)?;
            self.plugin.warm_up(&mut sessions);
            self.warm
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(sessions);
        }
        Ok(())
    }

    /// Model sessions for a worker: warm ones where some are left.
    pub(crate) fn sessions(&self, backend: &dyn Backend) -> Result<Sessions, InferenceError> {
        let warm = self
            .warm
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        warm.map_or_else(|| self.plugin.sessions(backend), Ok)
    }
}

/// What plugins are admitted by.
pub(crate) struct Admission<'a> {
    pub(crate) machine: &'a Machine,
    pub(crate) deployment: &'a Deployment,
    lock: Option<&'a Lock>,
    pub(crate) trust: Trust,
    now: Timestamp,
    /// Plugins that serve already.
    pub(crate) before: Vec<Arc<Loaded>>,
}

/// What a plugin may use: what the deployment gives it. What its vendor declares that it needs is shown by `inspect`; only the number of
/// faces comes from there, since the deployment file has no word for it.
pub(crate) fn limits(plugin: &deployment::Plugin, manifest: &Manifest) -> Limits {
    let given = &plugin.limits;
    Limits {
        memory: given.memory,
        deadline: given.deadline,
        fuel: given.fuel,
        tensors: given.tensors,
        model_memory: given.model_memory,
        faces: manifest
            .limits
            .faces_per_frame
            .unwrap_or(Limits::default().faces),
        ..Limits::default()
    }
}

/// Where a plugin's models are: what its table of the deployment file names, and of what its manifest needs beyond that, what lies in the folder of
/// `host.models`. So one detector is swapped for another by naming another file. Whatever is read must have the manifest's digest.
pub(crate) fn model_files(
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

/// A plugin's models, read; each is the one that its manifest pins, and there is no other.
pub(crate) fn models(
    deployment: &Deployment,
    plugin: &deployment::Plugin,
    file: &PluginFile,
) -> Result<BTreeMap<String, (PathBuf, ModelFile)>, PipelineError> {
    let slot = plugin.slot();
    let mut models = BTreeMap::new();
    for (name, path) in model_files(deployment, plugin, file.manifest()) {
        let model = ModelFile::read(&path).map_err(|cause| PipelineError::Model {
            slot,
            model: name.clone(),
            cause: Box::new(cause),
        })?;
        models.insert(name, (path, model));
    }
    match agreement::models(file, &models) {
        Ok(()) => Ok(models),
        Err(cause) => Err(PipelineError::Plugin {
            slot,
            cause: Box::new(cause),
        }),
    }
}

impl<'a> Admission<'a> {
    /// By a deployment's rule over signatures, and the lock where there is one.
    pub(crate) fn of(
        machine: &'a Machine,
        deployment: &'a Deployment,
        lock: Option<&'a Lock>,
    ) -> Result<Admission<'a>, PipelineError> {
        let trust = trust(deployment)?;
        Ok(Admission {
            machine,
            deployment,
            lock,
            now: trust_time(deployment, &trust)?,
            trust,
            before: Vec::new(),
        })
    }

    /// Reads and checks a plugin's file.
    pub(crate) fn file(&self, plugin: &deployment::Plugin) -> Result<TrustedFile, PluginError> {
        let bytes = PluginBytes::read(&plugin.file)?;
        let pins = [
            self.lock
                .and_then(|lock| lock.plugin(plugin.slot()))
                .map(|locked| &locked.sha256),
            plugin.sha256.as_ref(),
        ];
        for pin in pins.into_iter().flatten() {
            bytes.expect(pin)?;
        }
        TrustedFile::admit(bytes, &self.trust, self.now)
    }

    /// Reads, checks, compiles and accepts one plugin.
    pub(crate) fn load(&self, plugin: &deployment::Plugin) -> Result<Arc<Loaded>, PipelineError> {
        let (role, slot) = (plugin.role, plugin.slot());
        let refused = |cause| PipelineError::Plugin {
            slot,
            cause: Box::new(cause),
        };
        let file = self.file(plugin).map_err(refused)?;
        let grants = plugin.grants.iter().copied().collect();
        // Before any model is read: a plugin that is refused anyhow should say so first.
        agreement::check(&file, &grants).map_err(refused)?;
        agreement::serves(&file, role).map_err(refused)?;
        let models = models(self.deployment, plugin, &file)?;
        if let Some(same) = self.before.iter().find(|before| {
            before.slot == slot
                && before.plugin.identity().sha256.as_ref() == file.sha256()
                && before.signatures == file.signatures()
                && before.terms.is_like(plugin)
                && before.plugin.models().all(|(name, sha256)| {
                    models
                        .get(name)
                        .is_some_and(|(_, model)| model.sha256() == sha256)
                })
        }) {
            return Ok(same.clone());
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
        let accepted = self.machine.runtime.accept(&file, terms).map_err(refused)?;
        let backend = &*self.machine.backend;
        let tried = self
            .machine
            .runtime
            .try_models(&accepted, file.path(), backend);
        tried.map_err(refused)?;
        let test = manifest.self_test.as_ref();
        let tested = test.map(|test| accepted.self_test(test, &*self.machine.backend));
        if let Some(SelfTested { failures, .. }) = tested
            && !failures.is_empty()
        {
            let path = file.path().to_owned();
            return Err(refused(PluginError::SelfTest { path, failures }));
        }
        // From here on: what the self-test asks is no call of a run.
        let metrics = self.machine.metrics.plugin(&accepted, slot.post);
        Ok(Arc::new(Loaded {
            plugin: accepted.observed(metrics.clone()),
            manifest,
            capabilities,
            signatures: file.signatures().to_vec(),
            slot,
            terms: GivenTerms(plugin.clone()),
            warm: Mutex::default(),
            metrics,
        }))
    }
}
