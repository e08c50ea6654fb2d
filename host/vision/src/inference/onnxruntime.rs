//! ONNX Runtime as a back end, out of a shared library that is loaded when it is first opened. Knows no model in particular.
//!
//! How its sessions are set up, and why:
//!
//! - One thread for each run. A worker per core has sessions of its own, and a run that borrowed other cores would take them from other workers.
//! - A session keeps its working memory in an arena: without one, CenterFace on a 720p frame spends as long on getting pages from the kernel (100 ms) as
//!   on half of its arithmetic. A run with inputs over 32 MiB gives the arena back when it ends, so that one odd view does not cost
//!   memory for good. The planner of memory patterns is off: it remembers every shape it ever saw, and saves nothing measurable.
//! - Deterministic kernels, no TF32 on a graphics card: an alert must replay with the same score.
//! - On a graphics card, a session for each of the shapes that come often; `by_shape` says why.
//! - On a graphics card the workers take turns at the same sessions. With sessions of their own, each planned for itself: on an H100 the
//!   demonstration went slower with every worker (60, 46, 26 frames a second with one, two, four), and each took 600 MiB of the card's memory.
//! - No fall-back: a graphics card that is asked for and missing is an error when the back end is opened.

mod by_shape;
mod card;
mod session;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use ort::environment::Environment;
use ort::ep::ExecutionProviderDispatch;
use ort::ep::cuda::ConvAlgorithmSearch;
use ort::logging::LogLevel;
use ort::session::builder::{AutoDevicePolicy, GraphOptimizationLevel, SessionBuilder};
use overt_contract::plain;

use self::by_shape::ByShape;
use self::session::OnnxSession;
use crate::inference::identity::{
    BackendIdentity, Precision, sha256_of_file, sha256_of_files_beside,
};
use crate::inference::{Backend, Device, InferenceError, Session, with_source};
use crate::memory::Account;
use crate::model::ModelFile;

/// The name in deployment files and identities.
const NAME: &str = "onnxruntime";

/// Sessions of one model on a graphics card, each for other shapes; each takes some 50 MiB of the card's memory.
const SESSIONS_ON_A_CARD: usize = 8;

/// The library of this process: ONNX Runtime can be loaded once.
static LOADED: Mutex<Option<Loaded>> = Mutex::new(None);

/// A model's SHA-256, and the memory that it may have.
type Which = (String, u64);

struct Loaded {
    path: PathBuf,
    version: String,
    /// SHA-256 of the library's file when it was loaded.
    sha256: String,
    /// Absent where the library was loaded and its environment could not be made.
    environment: Option<Environment>,
}

/// ONNX Runtime on one device.
#[derive(Clone)]
pub struct OnnxRuntime {
    library: PathBuf,
    environment: Environment,
    identity: BackendIdentity,
    device: Device,
    /// The sessions on a graphics card that are in use, by their model's SHA-256 and the memory that they may have.
    on_card: Arc<Mutex<HashMap<Which, Weak<Mutex<ByShape>>>>>,
}

impl OnnxRuntime {
    /// Loads ONNX Runtime 1.24 or later from a shared library. The library stays loaded until the process ends; opening the same one again, for the same or
    /// another device, uses it as it is.
    ///
    /// # Errors
    /// `Library` where the file is missing, is no such library, is too old, or where another file was opened before in this process;
    /// `NoDevice` where the library or the machine lacks the device.
    pub fn open(library: &Path, device: Device) -> Result<OnnxRuntime, InferenceError> {
        let (environment, version, sha256) =
            load(library).map_err(|cause| InferenceError::Library {
                path: library.to_owned(),
                cause,
            })?;
        let runtime = OnnxRuntime {
            library: library.to_owned(),
            environment,
            identity: BackendIdentity {
                name: NAME.to_owned(),
                version,
                precision: Precision::F32,
                device: device.to_string(),
                sha256,
            },
            device,
            on_card: Arc::default(),
        };
        // So that a device that is not there is an error now and not with the first frame.
        runtime.builder()?;
        Ok(runtime)
    }

    /// The sessions of a model, at most so many, with so much memory together. They hold what makes further ones, and not each other.
    fn sessions(
        &self,
        model: &ModelFile,
        most: usize,
        memory: u64,
    ) -> Result<ByShape, InferenceError> {
        let runtime = OnnxRuntime {
            on_card: Arc::default(),
            ..self.clone()
        };
        let model = model.clone();
        let make = move |account: &Account| runtime.session(&model, account);
        ByShape::new(Box::new(make), most, Account::new(memory))
    }

    fn session(
        &self,
        model: &ModelFile,
        account: &Account,
    ) -> Result<ort::session::Session, InferenceError> {
        let refused = |cause: String| match self.device {
            // The device is only touched when the first session is made.
            Device::Cuda { .. } if cause.contains("CUDA") => InferenceError::NoDevice {
                device: self.device,
                cause: card::gist(&cause).to_owned(),
            },
            _ => InferenceError::BadModel { cause },
        };
        let mut builder = self.builder()?;
        let session = account.work(|| builder.commit_from_memory(model.bytes()));
        let over = account.refused();
        session.map_err(|error| {
            if let Some(over) = over {
                return InferenceError::OverMemory(over);
            }
            let cause = error.to_string();
            card::failed(self.device, &cause).unwrap_or_else(|| refused(cause))
        })
    }

    fn builder(&self) -> Result<SessionBuilder, InferenceError> {
        let failed = |e: ort::Error| InferenceError::Failed {
            cause: e.to_string(),
        };
        let builder = common(&self.environment).map_err(failed)?;
        match self.device {
            Device::Cpu => on_cpu(builder).map_err(failed),
            Device::Cuda { index } => {
                on_cuda(builder, index).map_err(|e| InferenceError::NoDevice {
                    device: self.device,
                    cause: card::gist(&e.to_string()).to_owned(),
                })
            }
        }
    }
}

/// What sessions on every device have in common.
fn common(environment: &Environment) -> ort::Result<SessionBuilder> {
    let builder = SessionBuilder::new(environment)?
        .with_no_environment_execution_providers()?
        .with_intra_threads(1)?
        .with_inter_threads(1)?
        .with_parallel_execution(false)?
        .with_optimization_level(GraphOptimizationLevel::All)?
        .with_deterministic_compute(true)?
        .with_memory_pattern(false)?;
    Ok(builder)
}

fn on_cpu(builder: SessionBuilder) -> ort::Result<SessionBuilder> {
    // `ort` asks for the most efficient device otherwise, which another library than ours might take for a graphics card.
    Ok(builder
        .with_auto_device(AutoDevicePolicy::PreferCPU)?
        .with_execution_providers([cpu()])?)
}

fn on_cuda(builder: SessionBuilder, index: u32) -> ort::Result<SessionBuilder> {
    let number = i32::try_from(index).map_err(ort::Error::wrap)?;
    // The search by trial may settle on another algorithm, and so on other last digits, each time.
    let cuda = ort::ep::CUDA::default()
        .with_device_id(number)
        .with_tf32(false)
        .with_conv_algorithm_search(ConvAlgorithmSearch::Heuristic)
        .build()
        .error_on_failure();
    Ok(builder.with_execution_providers([cuda, cpu()])?)
}

fn cpu() -> ExecutionProviderDispatch {
    ort::ep::CPU::default()
        .with_arena_allocator(true)
        .build()
        .error_on_failure()
}

impl fmt::Debug for OnnxRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OnnxRuntime({})", self.identity)
    }
}

/// What the files begin with by which the library computes on other devices. It loads them by itself, out of its own folder.
const PROVIDERS: &str = "libonnxruntime_providers_";

/// SHA-256 of the library; with providers beside it, of all of them: on a graphics processor it is they that compute.
fn digest_of(library: &Path) -> Result<String, String> {
    let own = library.file_name().and_then(|name| name.to_str());
    let mut provides = false;
    let several = sha256_of_files_beside(library, |name| {
        let provider = name.starts_with(PROVIDERS);
        provides |= provider;
        provider || Some(name) == own
    })?;
    match provides {
        true => Ok(several),
        false => sha256_of_file(library).map_err(|e| e.to_string()),
    }
}

/// The environment of the library in this process, its version, and its file's digest.
fn load(library: &Path) -> Result<(Environment, String, String), String> {
    let path = library.canonicalize().map_err(|e| e.to_string())?;
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(loaded) = loaded.as_ref() {
        if loaded.path != path {
            return Err(format!(
                "another one is loaded in this process already: {}",
                loaded.path.display()
            ));
        }
        let environment = loaded
            .environment
            .clone()
            .ok_or("it failed when it was loaded before")?;
        return Ok((environment, loaded.version.clone(), loaded.sha256.clone()));
    }
    let sha256 = digest_of(&path)?;
    no_telemetry();
    let version = version_of(&path)?;
    let builder = ort::init_from(&path).map_err(|e| e.to_string())?;
    let environment = builder
        .with_name("overt")
        // By itself too late: the library has reported that it started by then.
        .with_telemetry(false)
        .with_logger(Arc::new(log))
        .build();
    *loaded = Some(Loaded {
        path,
        version: version.clone(),
        sha256: sha256.clone(),
        environment: environment.as_ref().ok().cloned(),
    });
    Ok((environment.map_err(|e| e.to_string())?, version, sha256))
}

/// Keeps the library from reporting to its maker, which its official builds do by themselves: that it was started, on what machine, under an identifier that
/// they keep in the user's cache folder. It heeds this variable alone, and only when it is loaded.
fn no_telemetry() {
    // SAFETY: Rust code reads the environment under the lock that this takes. C code does not; but this is done once for a process, under the lock of `LOADED`,
    // when its inference library is loaded: before there is a session, and so before any thread works with one. Tested by
    // `the_inference_library_reports_to_nobody`.
    unsafe { std::env::set_var("ORT_DISABLE_TELEMETRY", "1") };
}

/// What the library says of itself, such as `1.31.1`. `ort` reads it too, but keeps it to itself.
fn version_of(path: &Path) -> Result<String, String> {
    type GetApiBase = unsafe extern "C" fn() -> *const ort::sys::OrtApiBase;
    // SAFETY: loading a library runs its initialisers. This one is the inference library that the deployment names, which `ort` loads
    // and trusts a moment later. The symbol has this type in every release of ONNX Runtime, and both pointers it leads to are to statics of the
    // library, which stays loaded while they are read.
    let version = unsafe {
        let library = libloading::Library::new(path).map_err(|e| with_source(&e))?;
        let get_api_base = library
            .get::<GetApiBase>(b"OrtGetApiBase")
            .map_err(|_| "it is not ONNX Runtime: it has no `OrtGetApiBase`".to_owned())?;
        let base = get_api_base();
        let base = base.as_ref().ok_or("it gives no API")?;
        let version = (base.GetVersionString)();
        if version.is_null() {
            return Err("it gives no version".to_owned());
        }
        std::ffi::CStr::from_ptr(version)
            .to_string_lossy()
            .into_owned()
    };
    Ok(version)
}

/// ONNX Runtime's own lines, which speak of graphs and libraries and never of the numbers in a tensor.
fn log(level: LogLevel, _category: &str, _id: &str, place: &str, message: &str) {
    match level {
        LogLevel::Fatal | LogLevel::Error => {
            tracing::warn!(target: "onnxruntime", place, "{}", plain(message))
        }
        _ => tracing::trace!(target: "onnxruntime", place, "{message}"),
    }
}

impl Backend for OnnxRuntime {
    fn identity(&self) -> &BackendIdentity {
        &self.identity
    }

    fn device(&self) -> Device {
        self.device
    }

    fn library(&self) -> &Path {
        &self.library
    }

    fn load(&self, model: &ModelFile, memory: u64) -> Result<Box<dyn Session>, InferenceError> {
        let sessions = match self.device {
            Device::Cpu => Arc::new(Mutex::new(self.sessions(model, 1, memory)?)),
            Device::Cuda { .. } => {
                let mut on_card = self.on_card.lock().unwrap_or_else(PoisonError::into_inner);
                let which = (model.sha256().to_owned(), memory);
                match on_card.get(&which).and_then(Weak::upgrade) {
                    Some(sessions) => sessions,
                    None => {
                        let made = self.sessions(model, SESSIONS_ON_A_CARD, memory)?;
                        let made = Arc::new(Mutex::new(made));
                        on_card.retain(|_, sessions| sessions.strong_count() > 0);
                        on_card.insert(which, Arc::downgrade(&made));
                        made
                    }
                }
            }
        };
        Ok(Box::new(OnnxSession::new(sessions, self.device)?))
    }
}
