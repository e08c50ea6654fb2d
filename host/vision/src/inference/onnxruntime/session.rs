//! A model that ONNX Runtime has loaded: its ports, the checks before a run, the run, its outputs. Knows neither how the library
//! was loaded nor on which device it runs.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use half::f16;
use ort::session::{RunOptions, SessionInputValue};
use ort::value::{DynValue, Outlet, TensorElementType, TensorRef, ValueType};

use super::by_shape::ByShape;
use super::card;
use crate::budget::Budget;
use crate::inference::ports::{self, Place};
use crate::inference::watchdog::{self, Stop};
use crate::inference::{Device, InferenceError, Port, Session};
use crate::tensor::{Element, Tensor};

/// What ONNX Runtime says of an input or output.
fn place_of(outlet: &Outlet) -> Result<Place, InferenceError> {
    let name = outlet.name().to_owned();
    let bad = |what: String| ports::not_of_the_contract(outlet.name(), &what);
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

/// Inputs of more bytes than this are out of the ordinary: a 1080p frame in float32 is 25 MB, 64 aligned faces are 10 MB.
const LARGE_INPUT_BYTES: usize = 32 << 20;

pub(super) struct OnnxSession {
    /// Perhaps other workers' as well.
    sessions: Arc<Mutex<ByShape>>,
    device: Device,
    /// The arenas to give back after a large run, in ONNX Runtime's spelling.
    arenas: String,
    inputs: Vec<Place>,
    outputs: Vec<Place>,
    input_ports: Vec<Port>,
    output_ports: Vec<Port>,
}

impl OnnxSession {
    /// # Errors
    /// `BadModel` where a port is no tensor of an element that the contract has.
    pub(super) fn new(
        sessions: Arc<Mutex<ByShape>>,
        device: Device,
    ) -> Result<OnnxSession, InferenceError> {
        let places =
            |outlets: &[Outlet]| outlets.iter().map(place_of).collect::<Result<Vec<_>, _>>();
        let (inputs, outputs) = {
            let sessions = lock(&sessions);
            let any = sessions.any();
            (places(any.inputs())?, places(any.outputs())?)
        };
        let ports = |places: &[Place]| places.iter().map(|place| place.port.clone()).collect();
        let arenas = match device {
            Device::Cpu => "cpu:0".to_owned(),
            Device::Cuda { index } => format!("cpu:0;gpu:{index}"),
        };
        Ok(OnnxSession {
            arenas,
            input_ports: ports(&inputs),
            output_ports: ports(&outputs),
            sessions,
            device,
            inputs,
            outputs,
        })
    }
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
        ports::check_inputs(&self.inputs, inputs)?;
        ports::check_budget(&self.inputs, &self.outputs, inputs, budget)?;
        let values = inputs
            .iter()
            .map(|tensor| lend(tensor))
            .collect::<ort::Result<Vec<_>>>()
            .map_err(failed)?;
        let mut options = RunOptions::new().map_err(failed)?;
        let bytes: usize = inputs.iter().map(|tensor| tensor.byte_len()).sum();
        if bytes > LARGE_INPUT_BYTES {
            options
                .set("memory.enable_memory_arena_shrinkage", &self.arenas)
                .map_err(failed)?;
        }
        let run = Arc::new(Run(options));
        let shapes = inputs.iter().map(|tensor| tensor.shape().to_vec());
        let mut sessions = lock(&self.sessions);
        sessions.ready()?;
        let account = sessions.account().clone();
        let session = sessions.of(shapes.collect());
        ports::check_deadline(deadline)?;
        let guard = match deadline {
            Some(deadline) => {
                let watched = watchdog::watch(deadline, Arc::clone(&run) as Arc<dyn Stop>);
                Some(watched.ok_or_else(|| failed("no thread to watch the deadline"))?)
            }
            None => None,
        };
        let ran = account.work(|| session.run_with_options(values.as_slice(), &run.0));
        drop(guard);
        let over = account.refused();
        let ran = ran.map(|outputs| {
            let answers = ports::check_deadline(deadline).and_then(|()| {
                (0..outputs.len())
                    .map(|i| take(&outputs[i], budget))
                    .collect()
            });
            // The library's memory goes back to the account that it was taken from.
            account.work(|| drop(outputs));
            answers
        });
        ran.unwrap_or_else(|error| {
            if over.is_some() {
                sessions.is_overfull();
            }
            ports::check_deadline(deadline)?;
            if let Some(over) = over {
                return Err(InferenceError::OverMemory(over));
            }
            let of_card = card::failed(self.device, &error.to_string());
            Err(of_card.unwrap_or_else(|| failed(error)))
        })
    }
}

/// A run that panicked left nothing behind in them.
fn lock(sessions: &Mutex<ByShape>) -> MutexGuard<'_, ByShape> {
    sessions.lock().unwrap_or_else(PoisonError::into_inner)
}

fn failed(cause: impl ToString) -> InferenceError {
    InferenceError::Failed {
        cause: cause.to_string(),
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
