//! ONNX Runtime as a back end.

use crate::inference::{Backend, Device, InferenceError, Session};
use crate::model::ModelFile;
use std::path::Path;

/// ONNX Runtime as a back end.
#[derive(Debug)]
pub struct OnnxRuntime {
    device: Device,
}

impl OnnxRuntime {
    /// Loads the library.
    pub fn open(library: &Path, device: Device) -> Result<OnnxRuntime, InferenceError> {
        let _ = device;
        Err(InferenceError::Library {
            path: library.to_owned(),
            cause: String::new(),
        })
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
        String::new()
    }
    fn load(&self, model: &ModelFile) -> Result<Box<dyn Session>, InferenceError> {
        let _ = model;
        Err(InferenceError::Failed {
            cause: String::new(),
        })
    }
}
