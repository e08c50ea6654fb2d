//! What a back end is: something that loads a model and runs it on tensors. Knows no library; each back end has a file of its own.

mod identity;
pub(crate) mod onnxruntime;
pub(crate) mod openvino;
mod ports;
mod watchdog;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use overt_contract::plain;
use thiserror::Error;

use crate::budget::{Budget, OverBudget};
use crate::memory::OverMemory;
use crate::model::ModelFile;
use crate::tensor::{Element, Tensor};

pub use identity::{BackendIdentity, Precision};

/// Where a model runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// The machine's own processor, one thread a session.
    Cpu,
    /// A graphics card of NVIDIA, by its number.
    Cuda {
        /// From 0, as the driver counts them.
        index: u32,
    },
}

impl fmt::Display for Device {
    /// As the deployment file says it: `cpu`, `cuda:0`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Device::Cpu => write!(f, "cpu"),
            Device::Cuda { index } => write!(f, "cuda:{index}"),
        }
    }
}

/// An input or output of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// The name in the model.
    pub name: String,
    /// What its tensors are made of.
    pub element: Element,
    /// −1 where the model leaves a dimension open.
    pub shape: Vec<i32>,
}

/// A library that runs models, on one device. A model that cannot run there is an error: no back end falls back to another device.
pub trait Backend: Send + Sync {
    /// Which library it is, what it computes with, and where.
    fn identity(&self) -> &BackendIdentity;

    /// Where its sessions run.
    fn device(&self) -> Device;

    /// The library's file.
    fn library(&self) -> &Path;

    /// Makes a session from a model's bytes, for one worker. On a processor sessions share nothing; on a graphics card those of one model take turns.
    /// The session has at most so many bytes of `memory`, from its loading to its end.
    ///
    /// # Errors
    /// `BadModel`, `OverMemory`, `NoDevice`, `DeviceFailed`.
    fn load(&self, model: &ModelFile, memory: u64) -> Result<Box<dyn Session>, InferenceError>;
}

/// A loaded model.
pub trait Session: Send {
    /// The inputs, in the model's order.
    fn inputs(&self) -> &[Port];

    /// The outputs, in the model's order.
    fn outputs(&self) -> &[Port];

    /// Runs the model: tensors in the order of `inputs`, answers in the order of `outputs`. The answers' bytes are taken from the budget.
    ///
    /// Past `deadline` the run is told to stop, which it does between two operators: one operator that is under way ends first. An answer that
    /// comes after the deadline is the error `Deadline` too.
    ///
    /// # Errors
    /// `BadInput`, `OverBudget`, `OverMemory`, `Deadline`, `DeviceFailed`, `Failed`. The session can be used again after each.
    fn run(
        &mut self,
        inputs: &[&Tensor],
        budget: &Budget,
        deadline: Option<Instant>,
    ) -> Result<Vec<Tensor>, InferenceError>;
}

/// Why a model did not load or run. What a library says quotes names of the model, which are a stranger's; what is shown of it is plain and short.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum InferenceError {
    /// The library cannot be loaded, is too old, or another one is loaded already.
    #[error("the inference library {path} cannot be used: {cause}")]
    Library {
        /// The library's file.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// The device that was asked for is not there, or the library is not made for it.
    #[error("no device {device}: {cause}")]
    NoDevice {
        /// What was asked for.
        device: Device,
        /// What the library said.
        cause: String,
    },
    /// The device is there and does not work, most often because its memory is short.
    #[error("{device} failed: {}", plain(cause))]
    DeviceFailed {
        /// Which.
        device: Device,
        /// What the library said.
        cause: String,
    },
    /// The library or the processor does not compute with these numbers.
    #[error("{backend} does not compute with {precision} here: {cause}")]
    NoPrecision {
        /// Which library.
        backend: &'static str,
        /// What was asked for.
        precision: Precision,
        /// Why not.
        cause: String,
    },
    /// The model is not one that this library runs.
    #[error("the model cannot be loaded: {}", plain(cause))]
    BadModel {
        /// What the library said.
        cause: String,
    },
    /// The number of inputs, a shape or an element is not the model's.
    #[error("input `{}`: {found} given, the model wants {expected}", plain(input))]
    BadInput {
        /// The input's name, or the place where one is missing or too many.
        input: String,
        /// What the model wants.
        expected: String,
        /// What came.
        found: String,
    },
    /// The call's budget of host memory for tensors would be exceeded by the outputs.
    #[error(transparent)]
    OverBudget(#[from] OverBudget),
    /// The session would have more memory than it may.
    #[error(transparent)]
    OverMemory(#[from] OverMemory),
    /// The deadline passed before the answer was there.
    #[error("the deadline passed {late_ms} ms before the run ended")]
    Deadline {
        /// Milliseconds from the deadline to the end of the run.
        late_ms: u64,
    },
    /// The library failed in the middle.
    #[error("inference failed: {}", plain(cause))]
    Failed {
        /// What the library said.
        cause: String,
    },
}

/// An error with what stands behind it: of a library that cannot be loaded, the loader's own words, such as which other library is missing.
fn with_source(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
