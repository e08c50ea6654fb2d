//! ONNX Runtime as a back end, out of a shared library that is loaded when it is first opened. Knows no model in particular.
//!
//! How its sessions are set up, and why:
//!
//! - One thread for each run. A worker per core has sessions of its own, and a run that borrowed other cores would take them from other workers.
//! - The CPU memory arena is off. An arena keeps the most memory that any shape ever needed, for each session; frames, faces and hostile
//!   shapes vary. See `ARENA` for what that costs.
//! - Deterministic kernels, no TF32 on a graphics card: an alert must replay with the same score.
//! - No fall-back: a graphics card that is asked for and missing is an error when the back end is opened.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use half::f16;
use ort::environment::Environment;
use ort::logging::LogLevel;
use ort::session::builder::{AutoDevicePolicy, GraphOptimizationLevel, SessionBuilder};
use ort::session::{RunOptions, SessionInputValue};
use ort::value::{DynValue, Outlet, TensorElementType, TensorRef, ValueType};

use crate::budget::{Budget, OverBudget};
use crate::inference::watchdog::{self, Stop};
use crate::inference::{Backend, Device, InferenceError, Port, Session};
use crate::model::ModelFile;
use crate::tensor::{Element, Tensor, bytes_of};

/// Whether sessions keep an arena of CPU memory.
const ARENA: bool = false;

/// The library of this process: ONNX Runtime can be loaded once.
static LOADED: Mutex<Option<Loaded>> = Mutex::new(None);

struct Loaded {
    path: PathBuf,
    version: String,
    /// Absent where the library was loaded and its environment could not be made.
    environment: Option<Environment>,
}

/// ONNX Runtime on one device.
#[derive(Clone)]
pub struct OnnxRuntime {
    environment: Environment,
    version: String,
    device: Device,
}

impl OnnxRuntime {
    /// Loads ONNX Runtime 1.24 or later from a shared library. The library stays loaded until the process ends; opening the same one again, for the same or
    /// another device, uses it as it is.
    ///
    /// # Errors
    /// `Library` where the file is missing, is no such library, is too old, or where another file was opened before in this process;
    /// `NoDevice` where the library or the machine lacks the device.
    pub fn open(library: &Path, device: Device) -> Result<OnnxRuntime, InferenceError> {
        let (environment, version) = load(library).map_err(|cause| InferenceError::Library {
            path: library.to_owned(),
            cause,
        })?;
        let runtime = OnnxRuntime {
            environment,
            version,
            device,
        };
        // So that a device that is not there is an error now and not with the first frame.
        runtime.builder()?;
        Ok(runtime)
    }

    fn builder(&self) -> Result<SessionBuilder, InferenceError> {
        let failed = |e: String| InferenceError::Failed { cause: e };
        let builder = SessionBuilder::new(&self.environment).map_err(|e| failed(e.to_string()))?;
        let common = |builder: SessionBuilder| {
            builder
                .with_no_environment_execution_providers()?
                .with_intra_threads(1)?
                .with_inter_threads(1)?
                .with_parallel_execution(false)?
                .with_optimization_level(GraphOptimizationLevel::All)?
                .with_deterministic_compute(true)?
                .with_memory_pattern(ARENA)
        };
        let builder = common(builder).map_err(|e| failed(e.to_string()))?;
        let cpu = ort::ep::CPU::default()
            .with_arena_allocator(ARENA)
            .build()
            .error_on_failure();
        match self.device {
            Device::Cpu => {
                // `ort` asks for the most efficient device otherwise, which another library than ours might take for a graphics card.
                let set = |b: SessionBuilder| {
                    b.with_auto_device(AutoDevicePolicy::PreferCPU)?
                        .with_execution_providers([cpu])
                };
                set(builder).map_err(|e| failed(e.to_string()))
            }
            Device::Cuda { index } => {
                let missing = |cause: String| InferenceError::NoDevice {
                    device: self.device,
                    cause,
                };
                let number = i32::try_from(index).map_err(|e| missing(e.to_string()))?;
                let cuda = ort::ep::CUDA::default()
                    .with_device_id(number)
                    .with_tf32(false)
                    .build()
                    .error_on_failure();
                builder
                    .with_execution_providers([cuda, cpu])
                    .map_err(|e| missing(e.to_string()))
            }
        }
    }
}

impl fmt::Debug for OnnxRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OnnxRuntime({} on {})", self.version, self.device)
    }
}

/// The environment of the library in this process, and its version.
fn load(library: &Path) -> Result<(Environment, String), String> {
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
        return Ok((environment, loaded.version.clone()));
    }
    let version = version_of(&path)?;
    let builder = ort::init_from(&path).map_err(|e| e.to_string())?;
    let environment = builder
        .with_name("overt")
        .with_telemetry(false)
        .with_logger(Arc::new(log))
        .build();
    *loaded = Some(Loaded {
        path,
        version: version.clone(),
        environment: environment.as_ref().ok().cloned(),
    });
    Ok((environment.map_err(|e| e.to_string())?, version))
}

/// What the library says of itself, such as `1.31.1`. `ort` reads it too, but keeps it to itself.
fn version_of(path: &Path) -> Result<String, String> {
    type GetApiBase = unsafe extern "C" fn() -> *const ort::sys::OrtApiBase;
    // SAFETY: loading a library runs its initialisers. This one is the inference library that the deployment names, which `ort` loads
    // and trusts a moment later. The symbol has this type in every release of ONNX Runtime, and both pointers it leads to are to statics of the
    // library, which stays loaded while they are read.
    let version = unsafe {
        let library = libloading::Library::new(path).map_err(|e| e.to_string())?;
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
            tracing::warn!(target: "onnxruntime", place, "{message}")
        }
        _ => tracing::trace!(target: "onnxruntime", place, "{message}"),
    }
}

impl Backend for OnnxRuntime {
    fn name(&self) -> &str {
        "onnxruntime"
    }

    fn device(&self) -> Device {
        self.device
    }

    fn version(&self) -> String {
        self.version.clone()
    }

    fn load(&self, model: &ModelFile) -> Result<Box<dyn Session>, InferenceError> {
        let bad_model = |cause: String| match self.device {
            // The device is only touched when the first session is made.
            Device::Cuda { .. } if cause.contains("CUDA") => InferenceError::NoDevice {
                device: self.device,
                cause,
            },
            _ => InferenceError::BadModel { cause },
        };
        let session = self
            .builder()?
            .commit_from_memory(model.bytes())
            .map_err(|e| bad_model(e.to_string()))?;
        let inputs = session
            .inputs()
            .iter()
            .map(Place::of)
            .collect::<Result<Vec<_>, _>>()?;
        let outputs = session
            .outputs()
            .iter()
            .map(Place::of)
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Box::new(OnnxSession {
            session,
            input_ports: inputs.iter().map(|i| i.port.clone()).collect(),
            output_ports: outputs.iter().map(|o| o.port.clone()).collect(),
            inputs,
            outputs,
        }))
    }
}

/// An input or output, with the names of its open dimensions: the same name stands for the same number.
struct Place {
    port: Port,
    symbols: Vec<String>,
}

impl Place {
    fn of(outlet: &Outlet) -> Result<Place, InferenceError> {
        let name = outlet.name().to_owned();
        let bad = |what: String| InferenceError::BadModel {
            cause: format!(
                "`{name}` is {what}; inputs and outputs are tensors of float32, float16, uint8, int32 or int64"
            ),
        };
        let ValueType::Tensor {
            ty,
            shape,
            dimension_symbols,
        } = outlet.dtype()
        else {
            return Err(bad(format!("{:?}", outlet.dtype())));
        };
        let element = match ty {
            TensorElementType::Float32 => Element::Float32,
            TensorElementType::Float16 => Element::Float16,
            TensorElementType::Uint8 => Element::Uint8,
            TensorElementType::Int32 => Element::Int32,
            TensorElementType::Int64 => Element::Int64,
            other => return Err(bad(format!("a tensor of {other}"))),
        };
        // A dimension that no port can name is left open; a run with it fails in ONNX Runtime.
        let shape = shape
            .iter()
            .map(|side| {
                i32::try_from(*side)
                    .ok()
                    .filter(|side| *side >= 0)
                    .unwrap_or(-1)
            })
            .collect();
        Ok(Place {
            port: Port {
                name,
                element,
                shape,
            },
            symbols: dimension_symbols.iter().cloned().collect(),
        })
    }
}

struct OnnxSession {
    session: ort::session::Session,
    inputs: Vec<Place>,
    outputs: Vec<Place>,
    input_ports: Vec<Port>,
    output_ports: Vec<Port>,
}

/// A run that ONNX Runtime stops between two operators.
struct Run(RunOptions);

impl Stop for Run {
    fn stop(&self) {
        // Setting a flag cannot fail in a way that the run would not show.
        let _ = self.0.terminate();
    }
}

impl Session for OnnxSession {
    fn inputs(&self) -> &[Port] {
        &self.input_ports
    }

    fn outputs(&self) -> &[Port] {
        &self.output_ports
    }

    fn run(
        &mut self,
        inputs: &[&Tensor],
        budget: &Budget,
        deadline: Option<Instant>,
    ) -> Result<Vec<Tensor>, InferenceError> {
        check_inputs(&self.inputs, inputs)?;
        check_budget(&self.inputs, &self.outputs, inputs, budget)?;
        let values = inputs
            .iter()
            .map(|tensor| lend(tensor))
            .collect::<ort::Result<Vec<_>>>()
            .map_err(failed)?;
        let run = Arc::new(Run(RunOptions::new().map_err(failed)?));
        let passed =
            || deadline.and_then(|deadline| Instant::now().checked_duration_since(deadline));
        if let Some(late) = passed() {
            return Err(InferenceError::Deadline {
                late_ms: late.as_millis() as u64,
            });
        }
        let guard = match deadline {
            Some(deadline) => {
                let watched = watchdog::watch(deadline, Arc::clone(&run) as Arc<dyn Stop>);
                Some(watched.ok_or_else(|| failed("no thread to watch the deadline"))?)
            }
            None => None,
        };
        let outputs = self.session.run_with_options(values.as_slice(), &run.0);
        drop(guard);
        if let Some(late) = passed() {
            return Err(InferenceError::Deadline {
                late_ms: late.as_millis() as u64,
            });
        }
        let outputs = outputs.map_err(failed)?;
        (0..outputs.len())
            .map(|i| take(&outputs[i], budget))
            .collect()
    }
}

fn failed(cause: impl ToString) -> InferenceError {
    InferenceError::Failed {
        cause: cause.to_string(),
    }
}

/// The number of inputs, their elements and their shapes, before ONNX Runtime sees them.
fn check_inputs(places: &[Place], tensors: &[&Tensor]) -> Result<(), InferenceError> {
    if places.len() != tensors.len() {
        let input = places
            .get(tensors.len())
            .map_or_else(|| "(all)".to_owned(), |missing| missing.port.name.clone());
        return Err(InferenceError::BadInput {
            input,
            expected: format!("{} inputs", places.len()),
            found: format!("{}", tensors.len()),
        });
    }
    for (Place { port, .. }, tensor) in places.iter().zip(tensors) {
        let sides = port.shape.len() == tensor.shape().len()
            && port
                .shape
                .iter()
                .zip(tensor.shape())
                .all(|(wanted, side)| fits(*wanted, *side));
        if tensor.element() != port.element || !sides {
            let text = |element: Element, shape: String| format!("{element:?} {shape}");
            return Err(InferenceError::BadInput {
                input: port.name.clone(),
                expected: text(port.element, format!("{:?}", port.shape)),
                found: text(tensor.element(), format!("{:?}", tensor.shape())),
            });
        }
    }
    Ok(())
}

/// A side of 0 fits nothing: kernels are not made for it.
fn fits(wanted: i32, side: usize) -> bool {
    side > 0 && (wanted < 0 || usize::try_from(wanted) == Ok(side))
}

/// Refuses a run whose outputs are known to exceed the budget, before it costs anything. Outputs with a side that no input names are
/// only known afterwards.
fn check_budget(
    inputs: &[Place],
    outputs: &[Place],
    tensors: &[&Tensor],
    budget: &Budget,
) -> Result<(), OverBudget> {
    let named = |symbol: &str| {
        let sides = inputs
            .iter()
            .zip(tensors)
            .flat_map(|(place, tensor)| place.symbols.iter().zip(tensor.shape()));
        sides
            .into_iter()
            .find(|(name, _)| !symbol.is_empty() && *name == symbol)
            .map(|(_, side)| *side)
    };
    let mut wanted = 0u64;
    for Place { port, symbols } in outputs {
        let side = |(i, side): (usize, &i32)| {
            usize::try_from(*side)
                .ok()
                .or_else(|| named(symbols.get(i)?))
        };
        let shape: Option<Vec<usize>> = port.shape.iter().enumerate().map(side).collect();
        if let Some(shape) = shape {
            wanted = wanted.saturating_add(
                bytes_of(&shape, port.element).map_or(u64::MAX, |bytes| bytes as u64),
            );
        }
    }
    let left = budget.left();
    if wanted > left {
        Err(OverBudget { wanted, left })
    } else {
        Ok(())
    }
}

/// A tensor as ONNX Runtime sees it, without a copy.
fn lend<'t>(tensor: &'t Tensor) -> ort::Result<SessionInputValue<'t>> {
    let shape = tensor.shape();
    let bytes = tensor.bytes();
    Ok(match tensor.element() {
        Element::Float32 => {
            TensorRef::from_array_view((shape, bytemuck::cast_slice::<u8, f32>(bytes)))?.into()
        }
        Element::Float16 => {
            TensorRef::from_array_view((shape, bytemuck::cast_slice::<u8, f16>(bytes)))?.into()
        }
        Element::Uint8 => TensorRef::from_array_view((shape, bytes))?.into(),
        Element::Int32 => {
            TensorRef::from_array_view((shape, bytemuck::cast_slice::<u8, i32>(bytes)))?.into()
        }
        Element::Int64 => {
            TensorRef::from_array_view((shape, bytemuck::cast_slice::<u8, i64>(bytes)))?.into()
        }
    })
}

/// An output, copied once into a pooled buffer, because ONNX Runtime's own memory is not zeroed when it goes.
fn take(value: &DynValue, budget: &Budget) -> Result<Tensor, InferenceError> {
    let ValueType::Tensor { ty, shape, .. } = value.dtype() else {
        return Err(failed("an output that is no tensor"));
    };
    let shape: Vec<usize> = shape
        .iter()
        .map(|side| usize::try_from(*side))
        .collect::<Result<_, _>>()
        .map_err(failed)?;
    match ty {
        TensorElementType::Float32 => copy::<f32>(value, shape, Element::Float32, budget),
        TensorElementType::Float16 => copy::<f16>(value, shape, Element::Float16, budget),
        TensorElementType::Uint8 => copy::<u8>(value, shape, Element::Uint8, budget),
        TensorElementType::Int32 => copy::<i32>(value, shape, Element::Int32, budget),
        TensorElementType::Int64 => copy::<i64>(value, shape, Element::Int64, budget),
        other => Err(failed(format!("an output of {other}"))),
    }
}

fn copy<T>(
    value: &DynValue,
    shape: Vec<usize>,
    element: Element,
    budget: &Budget,
) -> Result<Tensor, InferenceError>
where
    T: ort::value::PrimitiveTensorElementType + bytemuck::Pod,
{
    let mut tensor = Tensor::zeroed(shape, element, budget)?;
    // An empty tensor may have no address.
    if tensor.byte_len() > 0 {
        let (_, numbers) = value.try_extract_tensor::<T>().map_err(failed)?;
        tensor
            .bytes_mut()
            .copy_from_slice(bytemuck::cast_slice(numbers));
    }
    Ok(tensor)
}
