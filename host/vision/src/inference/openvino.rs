//! OpenVINO as a back end, out of a shared library that is loaded when it is first opened. Knows no model in particular.
//!
//! How its models are compiled, and why:
//!
//! - No stream, and so no thread beside the one that runs the model: a worker per core has models of its own, what a run takes in memory counts for the model whose run
//!   it is, and no answer has to be handed from thread to thread. One thread where it would have more.
//! - The numbers are what the deployment asks for. OpenVINO alone would take bfloat16 wherever the processor has it, without a word.
//! - A model that repeats a part of itself is refused: all of its turns are one step, and a run is stopped between steps only.
//! - Compiled kernels are kept for a few shapes only: a plugin that asks for another shape with each frame would grow the host otherwise.

mod session;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use openvino::{CompiledModel, Core, DeviceType, RwPropertyKey};

use self::session::OpenVinoSession;
use crate::inference::identity::{BackendIdentity, Precision, sha256_of_files_beside};
use crate::inference::{Backend, Device, InferenceError, Session, ports, with_source};
use crate::memory::Account;
use crate::model::ModelFile;

/// The name in deployment files and identities.
const NAME: &str = "openvino";

/// Shapes that a model's compiled kernels are kept for.
const SHAPES_KEPT: &str = "64";

/// What each of OpenVINO's files, and those of its threads, begins with.
const PARTS: [&str; 2] = ["libopenvino", "libtbb"];

/// The library of this process: OpenVINO's functions can be loaded once.
static LOADED: Mutex<Option<Loaded>> = Mutex::new(None);

#[derive(Clone)]
struct Loaded {
    path: PathBuf,
    version: String,
    /// SHA-256 over the library's files when it was loaded.
    sha256: String,
}

/// OpenVINO on the processor, with one precision.
#[derive(Clone)]
pub struct OpenVino {
    library: PathBuf,
    /// Compiling changes the core; running does not touch it.
    core: Arc<Mutex<Core>>,
    identity: BackendIdentity,
}

impl OpenVino {
    /// Loads OpenVINO 2025.1 or later from its C interface, `libopenvino_c.so`; the rest of OpenVINO is looked for beside it. The library stays
    /// loaded until the process ends; opening the same one again uses it as it is.
    ///
    /// # Errors
    /// `Library` where the file is missing, is no such library, is too old, or where another file was opened before in this process; `NoDevice` for
    /// any device but the processor; `NoPrecision` for bfloat16 on a processor that does not compute with it.
    pub fn open(
        library: &Path,
        device: Device,
        precision: Precision,
    ) -> Result<OpenVino, InferenceError> {
        if device != Device::Cpu {
            return Err(InferenceError::NoDevice {
                device,
                cause: "OpenVINO runs models on the processor here".to_owned(),
            });
        }
        if precision == Precision::Bf16 && !processor_has_bf16() {
            return Err(InferenceError::NoPrecision {
                backend: NAME,
                precision,
                cause: "the processor has no AVX512_BF16".to_owned(),
            });
        }
        let unusable = |cause: String| InferenceError::Library {
            path: library.to_owned(),
            cause,
        };
        let Loaded {
            version, sha256, ..
        } = load(library).map_err(unusable)?;
        Ok(OpenVino {
            library: library.to_owned(),
            core: Arc::new(Mutex::new(core(precision).map_err(unusable)?)),
            identity: BackendIdentity {
                name: NAME.to_owned(),
                version,
                precision,
                device: device.to_string(),
                sha256,
            },
        })
    }

    /// Compiles a model, and says on which account it stands.
    fn compile(
        &self,
        model: &ModelFile,
        memory: u64,
    ) -> Result<(CompiledModel, Account), InferenceError> {
        let account = Account::new(memory);
        let mut core = self.core();
        // Its readers do not look whether they got the memory that they asked for. What loading may take is for the trial of the model to see, in a process
        // that may end (`host/runtime/src/trial.rs`).
        let compiled = account.count(|| {
            let read = core.read_model_from_buffer(model.bytes(), None)?;
            core.compile_model(&read, DeviceType::CPU)
        });
        drop(core);
        if let Some(over) = account.over() {
            return Err(InferenceError::OverMemory(over));
        }
        let compiled = compiled.map_err(|error| InferenceError::BadModel {
            cause: error.to_string(),
        })?;
        Ok((compiled, account))
    }

    /// A panic elsewhere leaves the core as it was.
    fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether this processor computes with bfloat16: by AVX512_BF16, which every processor with AMX has too. OpenVINO would take the
/// format on others as well, and convert back and forth: slower than binary32, and no more exact.
fn processor_has_bf16() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::is_x86_feature_detected!("avx512bf16");
    #[cfg(not(target_arch = "x86_64"))]
    return false;
}

/// A core whose models compute as this file's first lines say.
fn core(precision: Precision) -> Result<Core, String> {
    let mut core = Core::new().map_err(|e| e.to_string())?;
    let properties = [
        (RwPropertyKey::HintInferencePrecision, precision.to_string()),
        (RwPropertyKey::NumStreams, "0".to_owned()),
        (RwPropertyKey::InferenceNumThreads, "1".to_owned()),
        (RwPropertyKey::HintEnableCpuPinning, "NO".to_owned()),
        (
            RwPropertyKey::Other("CPU_RUNTIME_CACHE_CAPACITY".into()),
            SHAPES_KEPT.to_owned(),
        ),
    ];
    for (key, value) in properties {
        core.set_property(&DeviceType::CPU, &key, &value)
            .map_err(|e| e.to_string())?;
    }
    Ok(core)
}

/// The library of this process, which is this one or none yet.
fn load(library: &Path) -> Result<Loaded, String> {
    let path = library.canonicalize().map_err(|e| e.to_string())?;
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(loaded) = loaded.as_ref() {
        if loaded.path != path {
            return Err(format!(
                "another one is loaded in this process already: {}",
                loaded.path.display()
            ));
        }
        return Ok(loaded.clone());
    }
    let sha256 = digest_of(&path)?;
    check_is_openvino(&path)?;
    openvino_sys::library::load_from(path.clone())?;
    let now = Loaded {
        path,
        version: openvino::version().build_number,
        sha256,
    };
    Ok(loaded.insert(now).clone())
}

/// The bindings panic at the first function that a library lacks, so whether it is OpenVINO has to be known before.
fn check_is_openvino(path: &Path) -> Result<(), String> {
    // SAFETY: loading a library runs its initialisers. This one is the inference library that the deployment names, which the bindings
    // load and trust a moment later. The symbol is looked for and not called, so its type does not matter.
    let library = unsafe {
        let library = libloading::Library::new(path).map_err(|e| with_source(&e))?;
        library
            .get::<unsafe extern "C" fn()>(b"ov_get_openvino_version")
            .map_err(|_| {
                "it is not OpenVINO's C interface: it has no `ov_get_openvino_version`".to_owned()
            })?;
        library
    };
    // It stays: what its initialisers started does not bear being unloaded and loaded again.
    std::mem::forget(library);
    Ok(())
}

/// SHA-256 of OpenVINO's files in the library's folder.
fn digest_of(library: &Path) -> Result<String, String> {
    sha256_of_files_beside(library, |name| {
        PARTS.iter().any(|part| name.starts_with(part))
    })
}

impl Backend for OpenVino {
    fn identity(&self) -> &BackendIdentity {
        &self.identity
    }

    fn device(&self) -> Device {
        Device::Cpu
    }

    fn library(&self) -> &Path {
        &self.library
    }

    fn load(&self, model: &ModelFile, memory: u64) -> Result<Box<dyn Session>, InferenceError> {
        let (inputs, outputs) = ports::declared(model)?;
        if ports::repeats(model) {
            return Err(InferenceError::BadModel {
                cause: "it has a Loop or a Scan, which OpenVINO runs as one step that no deadline ends; run it with ONNX Runtime".to_owned(),
            });
        }
        let session = OpenVinoSession::new(self.clone(), model.clone(), memory, inputs, outputs)?;
        Ok(Box::new(session))
    }
}

impl fmt::Debug for OpenVino {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OpenVino({})", self.identity)
    }
}
