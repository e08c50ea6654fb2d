//! Tries models: one that was never loaded on this machine with this back end is loaded and run once in the child process first, where it can take time and memory
//! from nobody else. Knows no plugin file.
//!
//! A library that loads a model computes whatever does not depend on the inputs, which may be anything, and knows no deadline. What came well out of it is written down
//! beside the compiled plugins, under the same authentication code, so that a model is tried once.
//!
//! The trial is on the processor, for a graphics card too: what a library does with a model when it loads it, it does there.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::time::{Duration, Instant};

use overt_vision::{
    Backend, Budget, Device, Element, InferenceError, MOST_MODEL_BYTES, ModelFile, OnnxRuntime,
    OpenVino, Port, Precision, Session, Tensor, memory,
};
use rustix::process::{Resource, Signal, getpid, kill_process};

use crate::child::{self, ChildLimits, MODEL, PANICKED};
use crate::engine::Runtime;
use crate::error::PluginError;
use crate::limits;
use crate::plugin::Plugin;

/// Exit statuses of the child beside 0: the library refuses the model; it would take more memory than it may; the library itself cannot be used.
const REFUSED: i32 = 3;
const OVER_MEMORY: i32 = 4;
const NO_LIBRARY: i32 = 5;

/// What a side that a model leaves open is for the run of the trial: the first is most often a number of pictures.
const OPEN_SIDES: [usize; 2] = [1, 64];

/// Inputs over this are not made for the run of the trial.
const MOST_INPUT_BYTES: u64 = 256 << 20;

/// Why a model is not used on this machine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrialFault {
    /// The library does not take it.
    #[error("cannot be loaded by {backend}: {cause}")]
    Refused {
        /// Which library.
        backend: String,
        /// What it says.
        cause: String,
    },
    /// Its weights, or a run of the smallest size, take more than [`crate::Limits::model_memory`].
    #[error("takes more memory in {backend} than it may: {limit_mib} MiB")]
    Memory {
        /// Which library.
        backend: String,
        /// The limit.
        limit_mib: u64,
    },
    /// It took more CPU time than [`limits::TRIAL_CPU`].
    #[error("was not loaded by {backend} within {seconds} s of CPU time")]
    CpuTime {
        /// Which library.
        backend: String,
        /// The limit.
        seconds: u64,
    },
    /// It took longer than [`limits::TRIAL_TIME`].
    #[error("was not loaded by {backend} within {seconds} s")]
    Time {
        /// Which library.
        backend: String,
        /// The limit.
        seconds: u64,
    },
    /// The library crashed over it.
    #[error("ends {backend}: the process that tried it was ended by signal {signal}")]
    Crashed {
        /// Which library.
        backend: String,
        /// By the system's number.
        signal: i32,
    },
}

impl TrialFault {
    /// What the reader can do about it.
    pub fn mend(&self) -> &'static str {
        match self {
            TrialFault::Refused { .. } => {
                "ask the plugin's vendor which back end and release the model is made for"
            }
            TrialFault::Memory { .. } => {
                "if the force agrees that a model may take more in each worker, raise `model-memory-mib` in the `limits` of the plugin; a model that no limit is enough for is made to do harm"
            }
            TrialFault::CpuTime { .. } | TrialFault::Time { .. } | TrialFault::Crashed { .. } => {
                "do not use it here: ask the plugin's vendor, and say which back end, precision and device this machine runs; `overt doctor` names them"
            }
        }
    }
}

impl Runtime {
    /// Tries the models of an accepted plugin that were not tried before with this back end and this limit of memory. `path` is the plugin's, for messages.
    ///
    /// # Errors
    /// `ModelTrial`; `Engine` where the child or the library fails by itself.
    pub fn try_models(
        &self,
        plugin: &Plugin,
        path: &Path,
        backend: &dyn Backend,
    ) -> Result<(), PluginError> {
        for (name, model) in &plugin.inner.models {
            let tried = self.try_model(model, plugin.inner.limits.model_memory, backend)?;
            if let Some(fault) = tried {
                return Err(PluginError::ModelTrial {
                    path: path.to_owned(),
                    model: name.clone(),
                    fault,
                });
            }
        }
        Ok(())
    }

    /// Tries a model that may have so much memory, unless it was tried before and nothing was wrong with it.
    ///
    /// # Errors
    /// `Engine` where the child or the library fails by itself.
    pub fn try_model(
        &self,
        model: &ModelFile,
        memory: u64,
        backend: &dyn Backend,
    ) -> Result<Option<TrialFault>, PluginError> {
        let of = subject(model, backend, memory);
        let cache = self.inner.cache.as_ref();
        if cache.is_some_and(|cache| cache.is_noted(&of)) {
            return Ok(None);
        }
        let began = Instant::now();
        let fault = self.try_now(model, memory, backend)?;
        let seconds = began.elapsed().as_secs_f64();
        tracing::debug!(
            sha256 = model.sha256(),
            seconds,
            ?fault,
            "a model was tried"
        );
        if let (None, Some(cache)) = (&fault, cache) {
            cache.note(&of);
        }
        Ok(fault)
    }

    fn try_now(
        &self,
        model: &ModelFile,
        memory: u64,
        backend: &dyn Backend,
    ) -> Result<Option<TrialFault>, PluginError> {
        let identity = backend.identity();
        let (precision, bytes) = (identity.precision.to_string(), memory.to_string());
        let arguments: [&OsStr; 5] = [
            MODEL.as_ref(),
            identity.name.as_ref(),
            precision.as_ref(),
            bytes.as_ref(),
            backend.library().as_os_str(),
        ];
        let compiler = &self.inner.compiler;
        // The library may need others, from where the loader was told to look.
        let ended = compiler.run(&arguments, &["LD_LIBRARY_PATH"], model.bytes(), 0);
        let host = |cause: String| PluginError::Engine {
            cause: format!(
                "the trial of a model in {}: {cause}",
                compiler.program.display()
            ),
        };
        let ended = ended.map_err(host)?;
        let backend = identity.name.clone();
        const XCPU: i32 = Signal::XCPU.as_raw();
        const ALARM: i32 = Signal::ALARM.as_raw();
        const ABORT: i32 = Signal::ABORT.as_raw();
        const KILL: i32 = Signal::KILL.as_raw();
        Ok(match (ended.status.code(), ended.status.signal()) {
            (Some(0), _) => None,
            (Some(REFUSED), _) => Some(TrialFault::Refused {
                backend,
                cause: ended.message,
            }),
            // A library that is refused memory where it did not think of it aborts; the machine's own shortage kills.
            (Some(OVER_MEMORY), _) | (_, Some(ABORT | KILL)) => Some(TrialFault::Memory {
                backend,
                limit_mib: memory >> 20,
            }),
            (_, Some(XCPU)) => Some(TrialFault::CpuTime {
                backend,
                seconds: limits::TRIAL_CPU.as_secs(),
            }),
            (_, Some(ALARM)) => Some(TrialFault::Time {
                backend,
                seconds: limits::TRIAL_TIME.as_secs(),
            }),
            (_, Some(signal)) => Some(TrialFault::Crashed { backend, signal }),
            (Some(PANICKED | NO_LIBRARY), None) => return Err(host(ended.message)),
            _ => {
                return Err(host(format!(
                    "ended with {}: {}",
                    ended.status, ended.message
                )));
            }
        })
    }
}

/// What a verdict is about: all that it depends on.
fn subject(model: &ModelFile, backend: &dyn Backend, memory: u64) -> String {
    let identity = backend.identity();
    format!(
        "model {} {} {} {} {} {} memory {memory} host {}",
        model.sha256(),
        identity.name,
        identity.version,
        identity.precision,
        identity.device,
        identity.sha256,
        env!("CARGO_PKG_VERSION"),
    )
}

/// The child's side: limits itself, loads the model that it reads from standard input, runs it once, and gives the exit status.
pub(crate) fn serve(arguments: &[OsString], limits: ChildLimits) -> i32 {
    let arguments: Vec<_> = arguments
        .iter()
        .map(|text| text.to_string_lossy())
        .collect();
    let tried = match &arguments[..] {
        [backend, precision, memory, library] => match memory.parse() {
            Ok(memory) => Asked::of(backend, precision, memory, Path::new(&**library)),
            Err(_) => None,
        },
        _ => None,
    };
    let Some(asked) = tried else {
        eprintln!("expected BACKEND PRECISION BYTES LIBRARY");
        return 2;
    };
    match asked.serve(limits.trial_cpu) {
        Ok(()) => 0,
        Err((status, message)) => {
            // What is left of memory may not be enough to say it.
            let _ = writeln!(std::io::stderr(), "{message}");
            status
        }
    }
}

/// What the child is asked for.
struct Asked<'a> {
    onnxruntime: bool,
    precision: Precision,
    memory: u64,
    library: &'a Path,
}

impl Asked<'_> {
    fn of<'a>(backend: &str, precision: &str, memory: u64, library: &'a Path) -> Option<Asked<'a>> {
        Some(Asked {
            onnxruntime: match backend {
                "onnxruntime" => true,
                "openvino" => false,
                _ => return None,
            },
            precision: match precision {
                "f32" => Precision::F32,
                "bf16" => Precision::Bf16,
                _ => return None,
            },
            memory,
            library,
        })
    }

    fn serve(&self, cpu: Duration) -> Result<(), (i32, String)> {
        let bytes = child::input(MOST_MODEL_BYTES).map_err(|cause| (NO_LIBRARY, cause))?;
        let model = ModelFile::from_bytes(Path::new("standard input"), bytes)
            .map_err(|error| (REFUSED, error.to_string()))?;
        let backend = self
            .open()
            .map_err(|error| (NO_LIBRARY, error.to_string()))?;
        // Some libraries load with threads of their own, whose memory counts for no account. Memory that can be written, and not address space: of that
        // each thread reserves some, and there are as many as the machine has cores.
        let most = self.memory.saturating_add(limits::TRIAL_MEMORY);
        let most = most.saturating_add(4 * model.bytes().len() as u64);
        child::limit(cpu, (Resource::Data, most)).map_err(|cause| (NO_LIBRARY, cause))?;
        end_at(limits::TRIAL_TIME);
        let mut session = backend.load(&model, self.memory).map_err(fault)?;
        match run_once(&mut *session) {
            Err(error @ InferenceError::OverMemory(_)) => Err(fault(error)),
            // Inputs of these sizes may mean nothing to it, and the time of its runs is bounded in each. What was looked for is what ends a process.
            _ => Ok(()),
        }
    }

    fn open(&self) -> Result<Box<dyn Backend>, InferenceError> {
        let device = Device::Cpu;
        Ok(match self.onnxruntime {
            true => Box::new(OnnxRuntime::open(self.library, device)?),
            false => Box::new(OpenVino::open(self.library, device, self.precision)?),
        })
    }
}

fn fault(error: InferenceError) -> (i32, String) {
    let over = matches!(error, InferenceError::OverMemory(_)) || memory::was_short();
    let message = match &error {
        InferenceError::BadModel { cause } => cause.clone(),
        error => error.to_string(),
    };
    (if over { OVER_MEMORY } else { REFUSED }, message)
}

/// Ends this process after a time, whatever it does then, with a signal of its own.
fn end_at(time: Duration) {
    let ends = std::thread::Builder::new().spawn(move || {
        std::thread::sleep(time);
        let _ = kill_process(getpid(), Signal::ALARM);
    });
    // Without a thread the CPU time remains.
    drop(ends);
}

/// Runs the model on zeros of the sizes that it declares.
fn run_once(session: &mut dyn Session) -> Result<(), InferenceError> {
    let budget = Budget::new(MOST_INPUT_BYTES);
    let inputs: Result<Vec<Tensor>, _> = session
        .inputs()
        .iter()
        .map(|port| zeros(port, &budget))
        .collect();
    let Ok(inputs) = inputs else {
        return Ok(());
    };
    let deadline = Instant::now() + limits::TRIAL_RUN;
    let inputs: Vec<&Tensor> = inputs.iter().collect();
    session.run(&inputs, &Budget::unlimited(), Some(deadline))?;
    Ok(())
}

fn zeros(port: &Port, budget: &Budget) -> Result<Tensor, overt_vision::TensorError> {
    let sides: Vec<u32> = port
        .shape
        .iter()
        .enumerate()
        .map(|(place, side)| match u32::try_from(*side) {
            Ok(side) => side,
            Err(_) => OPEN_SIDES[usize::from(place > 0)] as u32,
        })
        .collect();
    let count = sides
        .iter()
        .fold(1u64, |all, side| all.saturating_mul(u64::from(*side)));
    let bytes = match port.element {
        Element::Uint8 => 1,
        Element::Float16 => 2,
        Element::Float32 | Element::Int32 => 4,
        Element::Int64 => 8,
    };
    // Refused by the budget where it is too much, before anything is made.
    let bytes = count.saturating_mul(bytes);
    let bytes = vec![
        0;
        if bytes > MOST_INPUT_BYTES {
            0
        } else {
            bytes as usize
        }
    ];
    Tensor::from_bytes(&sides, port.element, &bytes, budget)
}
