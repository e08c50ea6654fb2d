//! What the host needs of the machine: the plugin runtime and the inference back end.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use overt_confinement::Confinement;
use overt_deployment as deployment;
use overt_runtime::compiler::Compiler;
use overt_runtime::{Runtime, RuntimeOptions};
use overt_vision::{
    Backend, BackendIdentity, Device, InferenceError, OnnxRuntime, OpenVino, Precision,
};

use crate::error::PipelineError;
use crate::metrics::Metrics;

/// What the caller knows of the machine.
#[derive(Clone, Debug)]
pub struct MachineOptions {
    /// What compiles plugins.
    pub compiler: Compiler,
    /// Where compiled plugins are kept; absent: nowhere.
    pub cache: Option<PathBuf>,
}

/// The plugin runtime and the inference back end.
pub struct Machine {
    pub(crate) runtime: Runtime,
    pub(crate) backend: Box<dyn Backend>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) confinement: Confinement,
}

impl Machine {
    /// Starts both, as the deployment's `[host]` says. A device that is not there is an error.
    pub fn start(
        deployment: &deployment::Deployment,
        options: MachineOptions,
    ) -> Result<Machine, PipelineError> {
        let backend = open_backend(&BackendChoice::of(deployment), deployment.file())?;
        let options = RuntimeOptions {
            compiler: options.compiler,
            cache: options.cache,
        };
        let runtime =
            Runtime::new(options).map_err(|cause| PipelineError::Runtime(Box::new(cause)))?;
        Ok(Machine {
            runtime,
            backend,
            metrics: Arc::new(Metrics::new()),
            confinement: Confinement::none("nobody asked for it"),
        })
    }

    /// The back end's name, version and precision.
    pub fn backend(&self) -> String {
        let BackendIdentity {
            name,
            version,
            precision,
            ..
        } = self.backend.identity();
        format!("{name} {version} {precision}")
    }

    /// The same, of a process that has shut itself in: a run tells of it in what it leaves.
    pub fn confined(self, confinement: Confinement) -> Machine {
        Machine {
            confinement,
            ..self
        }
    }

    /// How plugins and cameras do.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// The back end by its library's digest.
    pub fn backend_identity(&self) -> &BackendIdentity {
        self.backend.identity()
    }

    /// The device that models run on.
    pub fn device(&self) -> Device {
        self.backend.device()
    }
}

/// Which back end is to run the models, as `[host]` says it.
#[derive(Clone, Debug)]
pub struct BackendChoice {
    /// Which library.
    pub backend: deployment::Backend,
    /// Where it runs models.
    pub device: Device,
    /// What it computes with.
    pub precision: Precision,
    /// The library's file; absent: [`open_backend`] looks for it.
    pub library: Option<PathBuf>,
}

impl BackendChoice {
    /// As a deployment says it.
    pub fn of(deployment: &deployment::Deployment) -> BackendChoice {
        let host = &deployment.host;
        BackendChoice {
            backend: host.backend,
            device: match host.device {
                deployment::Device::Cpu => Device::Cpu,
                deployment::Device::Cuda { index } => Device::Cuda { index },
            },
            precision: match host.precision {
                deployment::Precision::F32 => Precision::F32,
                deployment::Precision::Bf16 => Precision::Bf16,
            },
            library: match host.backend {
                deployment::Backend::OnnxRuntime => host.onnxruntime.clone(),
                deployment::Backend::OpenVino => host.openvino.clone(),
            },
        }
    }

    /// A library on the processor with binary32, looked for.
    pub fn usual(backend: deployment::Backend) -> BackendChoice {
        BackendChoice {
            backend,
            device: Device::Cpu,
            precision: Precision::F32,
            library: None,
        }
    }

    /// The library's file: the one that is named, or where it is found. `beside` is the deployment file, or any place above which it may lie.
    ///
    /// # Errors
    /// `NoLibrary`.
    pub fn find(&self, beside: &Path) -> Result<PathBuf, PipelineError> {
        match &self.library {
            Some(library) => Ok(library.clone()),
            None => find_library(self, beside),
        }
    }

    /// Its name for people, the variable that names its file, the folder and the file that set-up makes.
    fn place(&self) -> (&'static str, &'static str, &'static str, &'static str) {
        match (self.backend, self.device) {
            (deployment::Backend::OnnxRuntime, Device::Cpu) => (
                "ONNX Runtime",
                "OVERT_ONNXRUNTIME",
                "onnxruntime",
                "libonnxruntime.so",
            ),
            (deployment::Backend::OnnxRuntime, Device::Cuda { .. }) => (
                "ONNX Runtime",
                "OVERT_ONNXRUNTIME",
                "onnxruntime-gpu",
                "libonnxruntime.so",
            ),
            (deployment::Backend::OpenVino, _) => (
                "OpenVINO",
                "OVERT_OPENVINO",
                "openvino",
                "libopenvino_c.so.2641",
            ),
        }
    }

    /// The library's name for people.
    pub fn name(&self) -> &'static str {
        self.place().0
    }

    /// The environment variable that names the library's file.
    pub fn variable(&self) -> &'static str {
        self.place().1
    }
}

/// Opens a back end. `beside` is the deployment file, or any place above which the library may lie.
///
/// # Errors
/// `NoLibrary`, and what the back end says of library, device and precision.
pub fn open_backend(
    choice: &BackendChoice,
    beside: &Path,
) -> Result<Box<dyn Backend>, PipelineError> {
    let library = choice.find(beside)?;
    Ok(match choice.backend {
        deployment::Backend::OnnxRuntime if choice.precision != Precision::F32 => {
            return Err(PipelineError::Inference(InferenceError::NoPrecision {
                backend: "onnxruntime",
                precision: choice.precision,
                cause: "it computes with f32".to_owned(),
            }));
        }
        deployment::Backend::OnnxRuntime => Box::new(OnnxRuntime::open(&library, choice.device)?),
        deployment::Backend::OpenVino => {
            Box::new(OpenVino::open(&library, choice.device, choice.precision)?)
        }
    })
}

/// Finds a back end's library: its variable, then its folder under `.overt/` in the folders above the deployment file, the working folder and the
/// program. The system's library folders are not searched: a library of another version would give other scores without a word.
fn find_library(choice: &BackendChoice, beside: &Path) -> Result<PathBuf, PipelineError> {
    let (name, variable, folder, file) = choice.place();
    if let Some(named) = std::env::var_os(variable) {
        return Ok(named.into());
    }
    let starts = [
        beside.canonicalize().ok(),
        std::env::current_dir().ok(),
        std::env::current_exe().ok(),
    ];
    let mut looked = Vec::new();
    for start in starts.into_iter().flatten() {
        for above in start.ancestors() {
            let library = above.join(".overt").join(folder).join(file);
            if library.is_file() {
                return Ok(library);
            }
            if !looked.contains(&library) {
                looked.push(library);
            }
        }
    }
    Err(PipelineError::NoLibrary {
        name,
        variable,
        set_up: match choice.device {
            Device::Cpu => "make setup",
            Device::Cuda { .. } => "OVERT_DEVICE=cuda make setup",
        },
        looked,
    })
}
