//! A model that OpenVINO has compiled: the run, its end at the deadline, its outputs. Knows not how the library was loaded.
//!
//! Tensors are copied in and out: OpenVINO may hold on to what it is lent, and a copy of our own can be zeroed when the run has ended.

use std::mem::ManuallyDrop;
use std::ptr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use openvino::{CompiledModel, ElementType, InferRequest, InferenceErrorKind, Shape};

use super::OpenVino;
use crate::budget::Budget;
use crate::inference::ports::{self, Place};
use crate::inference::watchdog::{self, Stop};
use crate::inference::{InferenceError, Port, Session};
use crate::memory::Account;
use crate::model::ModelFile;
use crate::tensor::{Element, Tensor};

/// Milliseconds to wait for a run that has ended when it is waited for: without threads of its own, OpenVINO runs a model on the thread that starts it.
const PATIENCE: i64 = 3_600_000;

pub(super) struct OpenVinoSession {
    backend: OpenVino,
    model: ModelFile,
    memory: u64,
    /// Absent after a run that was refused memory: OpenVINO has the sizes of that run in mind from then on, and asks for as much in every other.
    loaded: Option<Loaded>,
    inputs: Vec<Place>,
    outputs: Vec<Place>,
    input_ports: Vec<Port>,
    output_ports: Vec<Port>,
}

/// The model, compiled.
struct Loaded {
    /// Before the model, so that it goes first.
    request: InferRequest,
    _model: CompiledModel,
    account: Account,
    /// What stops the request.
    stop: Arc<Cancel>,
}

impl OpenVinoSession {
    /// # Errors
    /// `OverMemory`; `BadModel` where OpenVINO does not take the model, and where its inputs or outputs are not those that the file declares, in its order.
    pub(super) fn new(
        backend: OpenVino,
        model: ModelFile,
        memory: u64,
        inputs: Vec<Place>,
        outputs: Vec<Place>,
    ) -> Result<OpenVinoSession, InferenceError> {
        let loaded = Loaded::new(&backend, &model, memory, &inputs, &outputs)?;
        let ports = |places: &[Place]| places.iter().map(|place| place.port.clone()).collect();
        Ok(OpenVinoSession {
            backend,
            model,
            memory,
            loaded: Some(loaded),
            input_ports: ports(&inputs),
            output_ports: ports(&outputs),
            inputs,
            outputs,
        })
    }
}

impl Loaded {
    fn new(
        backend: &OpenVino,
        model: &ModelFile,
        memory: u64,
        inputs: &[Place],
        outputs: &[Place],
    ) -> Result<Loaded, InferenceError> {
        let (mut model, account) = backend.compile(model, memory)?;
        let bad_model = |e: openvino::InferenceError| InferenceError::BadModel {
            cause: e.to_string(),
        };
        let same = |what, places: &[Place], found: usize| {
            if places.len() == found {
                return Ok(());
            }
            Err(InferenceError::BadModel {
                cause: format!(
                    "the file declares {} {what}, OpenVINO finds {found}",
                    places.len()
                ),
            })
        };
        same("inputs", inputs, model.get_input_size().map_err(bad_model)?)?;
        same(
            "outputs",
            outputs,
            model.get_output_size().map_err(bad_model)?,
        )?;
        let element = |place: &Place, found: ElementType| {
            let Port { name, element, .. } = &place.port;
            if found == element_type(*element) {
                return Ok(());
            }
            Err(InferenceError::BadModel {
                cause: format!("`{name}` is declared {element:?}, OpenVINO makes it {found:?}"),
            })
        };
        if let Some(scalar) = inputs.iter().find(|place| place.port.shape.is_empty()) {
            return Err(ports::not_of_the_contract(
                &scalar.port.name,
                "without a dimension, which OpenVINO's C interface cannot be given",
            ));
        }
        for (i, place) in inputs.iter().enumerate() {
            let node = model.get_input_by_index(i).map_err(bad_model)?;
            element(place, node.get_element_type().map_err(bad_model)?)?;
        }
        for (i, place) in outputs.iter().enumerate() {
            let node = model.get_output_by_index(i).map_err(bad_model)?;
            element(place, node.get_element_type().map_err(bad_model)?)?;
        }
        let request = account.count(|| model.create_infer_request());
        if let Some(over) = account.over() {
            return Err(InferenceError::OverMemory(over));
        }
        let request = request.map_err(bad_model)?;
        Ok(Loaded {
            stop: Arc::new(Cancel::of(&request)),
            request,
            _model: model,
            account,
        })
    }

    /// Runs the model on copies of these inputs, which fit.
    fn run(&mut self, inputs: &[&Tensor], deadline: Option<Instant>) -> Result<(), InferenceError> {
        let mut copies = Vec::with_capacity(inputs.len());
        for (i, tensor) in inputs.iter().enumerate() {
            copies.push(lend(tensor)?);
            self.request
                .set_input_tensor_by_index(i, &copies[i])
                .map_err(failed)?;
        }
        let ran = self.infer(deadline);
        for copy in &mut copies {
            copy.get_raw_data_mut().map_err(failed)?.fill(0);
        }
        if !matches!(ran, Err(InferenceError::OverMemory(_))) {
            ports::check_deadline(deadline)?;
        }
        ran
    }

    /// Runs the request on this thread, whose account it is; told to stop at the deadline, which it does between two operators.
    fn infer(&mut self, deadline: Option<Instant>) -> Result<(), InferenceError> {
        let guard = match deadline {
            Some(deadline) => {
                let watched = watchdog::watch(deadline, Arc::clone(&self.stop) as Arc<dyn Stop>);
                Some(watched.ok_or_else(|| InferenceError::Failed {
                    cause: "no thread to watch the deadline".to_owned(),
                })?)
            }
            None => None,
        };
        let Loaded {
            request, account, ..
        } = self;
        // Not `infer`, which does not say that it failed.
        let ended = account.work(|| {
            request.infer_async()?;
            request.wait(PATIENCE)
        });
        drop(guard);
        // Whatever it says of a run that was refused memory.
        match account.refused() {
            Some(over) => Err(InferenceError::OverMemory(over)),
            None => ended.map_err(failed),
        }
    }

    fn outputs(&self, places: &[Place], budget: &Budget) -> Result<Vec<Tensor>, InferenceError> {
        places
            .iter()
            .enumerate()
            .map(|(i, place)| {
                let value = self.request.get_output_tensor_by_index(i).map_err(failed)?;
                take(value, &place.port, budget)
            })
            .collect()
    }
}

/// Stops a request from another thread, which OpenVINO allows and its bindings do not: a second handle of the same request, that never frees it.
struct Cancel(Mutex<ManuallyDrop<InferRequest>>);

impl Cancel {
    /// Whoever holds it must not stop the request when that is gone. A session's is with the watchdog during its runs alone.
    fn of(request: &InferRequest) -> Cancel {
        // SAFETY: the handle is a pointer to an object of OpenVINO's, and its copy is never dropped, so the object is freed once. It is used during
        // runs alone (`watchdog::watch`, whose guard is dropped before the run is over), and the request lives longer than its runs.
        let handle = unsafe { ptr::read(request) };
        Cancel(Mutex::new(ManuallyDrop::new(handle)))
    }
}

impl Stop for Cancel {
    fn stop(&self) {
        let mut request = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A request that has not begun yet, or has ended, is not stopped; the watchdog comes again.
        let _ = request.cancel();
    }
}

impl Session for OpenVinoSession {
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
        ports::check_deadline(deadline)?;
        for (place, tensor) in self.inputs.iter().zip(inputs) {
            check_numbers(&place.port, tensor)?;
        }
        let mut loaded = match self.loaded.take() {
            Some(loaded) => loaded,
            None => Loaded::new(
                &self.backend,
                &self.model,
                self.memory,
                &self.inputs,
                &self.outputs,
            )?,
        };
        let answers = loaded
            .run(inputs, deadline)
            .and_then(|()| loaded.outputs(&self.outputs, budget));
        if !matches!(answers, Err(InferenceError::OverMemory(_))) {
            self.loaded = Some(loaded);
        }
        answers
    }
}

fn failed(e: openvino::InferenceError) -> InferenceError {
    let cause = match e.kind {
        InferenceErrorKind::InferCancelled => "it was stopped".to_owned(),
        _ => e.to_string(),
    };
    InferenceError::Failed { cause }
}

fn element_type(element: Element) -> ElementType {
    match element {
        Element::Float32 => ElementType::F32,
        Element::Float16 => ElementType::F16,
        Element::Uint8 => ElementType::U8,
        Element::Int32 => ElementType::I32,
        Element::Int64 => ElementType::I64,
    }
}

/// OpenVINO computes int64 with 32 bits on a processor, and says nothing of what it cuts off.
fn check_numbers(port: &Port, tensor: &Tensor) -> Result<(), InferenceError> {
    if port.element != Element::Int64 {
        return Ok(());
    }
    let numbers = bytemuck::cast_slice::<u8, i64>(tensor.bytes());
    match numbers
        .iter()
        .find(|number| i32::try_from(**number).is_err())
    {
        None => Ok(()),
        Some(number) => Err(InferenceError::BadInput {
            input: port.name.clone(),
            expected: "numbers of 32 bits, which is what OpenVINO computes with".to_owned(),
            found: number.to_string(),
        }),
    }
}

/// A copy of a tensor that OpenVINO can read. No side of it is 0.
fn lend(tensor: &Tensor) -> Result<openvino::Tensor, InferenceError> {
    let sides: Vec<i64> = tensor.shape().iter().map(|side| *side as i64).collect();
    let shape = Shape::new(&sides).map_err(failed)?;
    let mut copy = openvino::Tensor::new(element_type(tensor.element()), &shape).map_err(failed)?;
    copy.get_raw_data_mut()
        .map_err(failed)?
        .copy_from_slice(tensor.bytes());
    Ok(copy)
}

/// An output, copied once into a pooled buffer and then zeroed where OpenVINO keeps it for the next run.
fn take(
    mut value: openvino::Tensor,
    port: &Port,
    budget: &Budget,
) -> Result<Tensor, InferenceError> {
    let element = port.element;
    let found = value.get_element_type().map_err(failed)?;
    if found != element_type(element) {
        return Err(InferenceError::Failed {
            cause: format!("an output of {found:?}, declared {element:?}"),
        });
    }
    let sides = match port.shape[..] {
        // The C interface has no word for this shape. That it is one number, its bytes are checked for below.
        [] => Vec::new(),
        _ => {
            let shape = value.get_shape().map_err(failed)?;
            let sides = shape.get_dimensions().iter();
            sides
                .map(|side| usize::try_from(*side))
                .collect::<Result<_, _>>()
                .map_err(|e| InferenceError::Failed {
                    cause: e.to_string(),
                })?
        }
    };
    let tensor = Tensor::zeroed(sides, element, budget);
    // An empty tensor may have no address.
    if value.get_byte_size().map_err(failed)? > 0 {
        let bytes = value.get_raw_data_mut().map_err(failed)?;
        let mut tensor = tensor.inspect_err(|_| bytes.fill(0))?;
        if bytes.len() != tensor.byte_len() {
            return Err(InferenceError::Failed {
                cause: format!(
                    "an output of {} bytes, its shape says {}",
                    bytes.len(),
                    tensor.byte_len()
                ),
            });
        }
        tensor.bytes_mut().copy_from_slice(bytes);
        bytes.fill(0);
        return Ok(tensor);
    }
    Ok(tensor?)
}
