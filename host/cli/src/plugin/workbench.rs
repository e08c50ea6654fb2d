//! A plugin on its vendor's machine, ready to be called in the very sandbox of a force: what `overt plugin test` and `overt plugin bench` share. Everything
//! that it declares is granted, whoever signed it, and what it logs is shown.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use clap::Args;
use overt_deployment::{Backend as Library, Capability};
use overt_pipeline::machine::{BackendChoice, open_backend};
use overt_runtime::manifest::Manifest;
use overt_runtime::{
    Limits, Plugin, PluginFile, Role, Runtime, RuntimeOptions, Terms, TrustedFile,
};
use overt_vision::{
    Backend, BackendIdentity, Device, InferenceError, ModelFile, Precision, Session,
};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::failure::Failure;
use crate::{confine, machine, models};

/// What both commands are told.
#[derive(Args)]
pub(super) struct WorkbenchArguments {
    /// The plugin file
    pub(super) plugin: PathBuf,
    /// The folder with its models, NAME.onnx each
    #[arg(long, default_value = models::FOLDER)]
    models: PathBuf,
    /// Which library runs the models: onnxruntime or openvino
    #[arg(long, default_value = "onnxruntime", value_parser = library)]
    backend: Library,
    /// What it computes with: f32 or bf16
    #[arg(long, default_value = "f32", value_parser = precision)]
    precision: Precision,
}

impl WorkbenchArguments {
    /// What runs the models.
    fn choice(&self) -> BackendChoice {
        BackendChoice {
            precision: self.precision,
            ..BackendChoice::usual(self.backend)
        }
    }
}

fn library(text: &str) -> Result<Library, String> {
    match text {
        "onnxruntime" => Ok(Library::OnnxRuntime),
        "openvino" => Ok(Library::OpenVino),
        _ => Err("expected onnxruntime or openvino".into()),
    }
}

fn precision(text: &str) -> Result<Precision, String> {
    match text {
        "f32" => Ok(Precision::F32),
        "bf16" => Ok(Precision::Bf16),
        _ => Err("expected f32 or bf16".into()),
    }
}

/// A plugin file with all that calls to it need.
pub(super) struct Workbench {
    pub(super) file: TrustedFile,
    pub(super) backend: Box<dyn Backend>,
    runtime: Runtime,
    models: BTreeMap<String, (PathBuf, ModelFile)>,
}

impl Workbench {
    /// Shuts the process in first, but for what it is to read: anybody's plugin and anybody's model are tried here. So it has to come before any thread.
    pub(super) fn open(
        arguments: &WorkbenchArguments,
        more: &[PathBuf],
    ) -> Result<Workbench, Failure> {
        let mut read = vec![arguments.plugin.clone(), arguments.models.clone()];
        read.extend_from_slice(more);
        // Where there is none, whoever needs it says so.
        let library = arguments.choice().find(&arguments.plugin).ok();
        confine::confine_alone(library.as_deref(), &read);
        let options = RuntimeOptions {
            compiler: machine::compiler()?,
            cache: machine::cache_folder(),
        };
        let file = TrustedFile::unsigned(PluginFile::read(&arguments.plugin)?);
        let (models, backend) = needs(&file, arguments)?;
        Ok(Workbench {
            file,
            backend,
            runtime: Runtime::new(options)?,
            models,
        })
    }

    /// Another plugin on the same runtime and back end, such as a detector that finds the faces for an encoder.
    pub(super) fn other(
        &self,
        plugin: &Path,
        arguments: &WorkbenchArguments,
    ) -> Result<Workbench, Failure> {
        let file = TrustedFile::unsigned(PluginFile::read(plugin)?);
        let (models, backend) = needs(&file, arguments)?;
        Ok(Workbench {
            file,
            backend,
            runtime: self.runtime.clone(),
            models,
        })
    }

    pub(super) fn manifest(&self) -> &Manifest {
        self.file.manifest()
    }

    /// The library that runs its models; nothing where it has none.
    pub(super) fn backend_name(&self) -> Option<String> {
        let has_models = !self.manifest().models.is_empty();
        has_models.then(|| self.backend.identity().to_string())
    }

    /// The plugin in one of its roles, with everything granted that it declares.
    pub(super) fn accept(
        &self,
        role: Role,
        limits: Limits,
        config: String,
    ) -> Result<Plugin, Failure> {
        let grants: BTreeSet<Capability> = self.manifest().capabilities.declared().collect();
        let terms = Terms {
            role,
            grants,
            limits,
            config,
            models: self.models.clone(),
        };
        let plugin = self.runtime.try_out(&self.file, terms)?;
        self.runtime
            .try_models(&plugin, self.file.path(), &*self.backend)?;
        Ok(plugin)
    }
}

/// The plugin's models and what runs them. Who has a plugin without a model needs no inference library.
#[expect(clippy::type_complexity, reason = "as `Terms` has it")]
fn needs(
    file: &TrustedFile,
    arguments: &WorkbenchArguments,
) -> Result<(BTreeMap<String, (PathBuf, ModelFile)>, Box<dyn Backend>), Failure> {
    let declared = &file.manifest().models;
    if declared.is_empty() {
        return Ok((BTreeMap::new(), Box::new(NoModels::new())));
    }
    let backend = open_backend(&arguments.choice(), &arguments.plugin)?;
    let mut models = BTreeMap::new();
    for declared in declared {
        let path = arguments.models.join(format!("{}.onnx", declared.name));
        let model = ModelFile::read(&path).map_err(|error| {
            Failure::new(
                error.to_string(),
                "name its folder with `--models`, or fetch Overt's own with `overt models fetch`",
            )
        })?;
        models.insert(declared.name.clone(), (path, model));
    }
    Ok((models, backend))
}

/// What stands in a back end's place where a plugin runs no model.
struct NoModels(BackendIdentity);

impl NoModels {
    fn new() -> NoModels {
        NoModels(BackendIdentity {
            name: "none".into(),
            version: String::new(),
            precision: Precision::F32,
            device: Device::Cpu.to_string(),
            sha256: String::new(),
        })
    }
}

impl Backend for NoModels {
    fn identity(&self) -> &BackendIdentity {
        &self.0
    }

    fn device(&self) -> Device {
        Device::Cpu
    }

    fn library(&self) -> &Path {
        Path::new("")
    }

    fn load(&self, _: &ModelFile, _: u64) -> Result<Box<dyn Session>, InferenceError> {
        Err(InferenceError::BadModel {
            cause: "the plugin's manifest names no model".into(),
        })
    }
}

/// Shows what plugins log, on standard error, for as long as what it gives is held.
pub(super) fn show_log() -> impl Drop {
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new("overt::plugin=debug"))
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_target(false)
        .without_time()
        .log_internal_errors(false)
        .set_default()
}
