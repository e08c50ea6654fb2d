//! What the host needs of the machine: the plugin runtime and the inference back end.

use std::path::{Path, PathBuf};

use overt_deployment as deployment;
use overt_runtime::compiler::Compiler;
use overt_runtime::{Runtime, RuntimeOptions};
use overt_vision::{Backend, BackendIdentity, Device, OnnxRuntime};

use crate::error::PipelineError;

/// The variable that names the ONNX Runtime library.
pub const LIBRARY_VARIABLE: &str = "OVERT_ONNXRUNTIME";

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
}

impl Machine {
    /// Starts both, as the deployment's `[host]` says. A device that is not there is an error.
    pub fn start(
        deployment: &deployment::Deployment,
        options: MachineOptions,
    ) -> Result<Machine, PipelineError> {
        let device = match deployment.host.device {
            deployment::Device::Cpu => Device::Cpu,
            deployment::Device::Cuda { index } => Device::Cuda { index },
        };
        let library = match &deployment.host.onnxruntime {
            Some(library) => library.clone(),
            None => find_library(deployment.file(), device)?,
        };
        let backend = Box::new(OnnxRuntime::open(&library, device)?);
        let options = RuntimeOptions {
            compiler: options.compiler,
            cache: options.cache,
        };
        let runtime =
            Runtime::new(options).map_err(|cause| PipelineError::Runtime(Box::new(cause)))?;
        Ok(Machine { runtime, backend })
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

    /// The back end by its library's digest.
    pub fn backend_identity(&self) -> &BackendIdentity {
        self.backend.identity()
    }

    /// The device that models run on.
    pub fn device(&self) -> Device {
        self.backend.device()
    }
}

/// Finds the ONNX Runtime library: the variable [`LIBRARY_VARIABLE`], then `.overt/onnxruntime/` (for CUDA `.overt/onnxruntime-gpu/`) in the
/// folders above the deployment file, the working folder and the program. The system's library folders are not searched: a library of
/// another version would give other scores without a word.
pub fn find_library(deployment: &Path, device: Device) -> Result<PathBuf, PipelineError> {
    if let Some(named) = std::env::var_os(LIBRARY_VARIABLE) {
        return Ok(named.into());
    }
    let folder = match device {
        Device::Cpu => "onnxruntime",
        Device::Cuda { .. } => "onnxruntime-gpu",
    };
    let starts = [
        deployment.canonicalize().ok(),
        std::env::current_dir().ok(),
        std::env::current_exe().ok(),
    ];
    let mut looked = Vec::new();
    for start in starts.into_iter().flatten() {
        for above in start.ancestors() {
            let library = above.join(".overt").join(folder).join("libonnxruntime.so");
            if library.is_file() {
                return Ok(library);
            }
            if !looked.contains(&library) {
                looked.push(library);
            }
        }
    }
    Err(PipelineError::NoLibrary { looked })
}
