//! What `make setup` puts into `.overt`: the inference library, models and photographs, for native tests on real parts.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use overt_vision::{
    Backend, Device, Frame, InferenceError, MODEL_MEMORY, ModelError, ModelFile, OnnxRuntime,
    Session, StillError,
};

/// The folder `.overt`.
#[derive(Clone, Debug)]
pub struct Setup {
    folder: PathBuf,
}

/// Why something of the set-up cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// No folder above has an `.overt`.
    #[error("there is no `.overt` in {} or above it: run `make setup`", .from.display())]
    Missing {
        /// Where the search began.
        from: PathBuf,
    },
    /// A model's file cannot be used.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The library cannot be used, or the model not with it.
    #[error(transparent)]
    Inference(#[from] InferenceError),
    /// A photograph cannot be used.
    #[error(transparent)]
    Still(#[from] StillError),
}

impl Setup {
    /// The nearest `.overt`, in this folder or above it; give it `env!("CARGO_MANIFEST_DIR")`.
    pub fn above(from: impl AsRef<Path>) -> Result<Setup, SetupError> {
        let from = from.as_ref();
        from.ancestors()
            .map(|above| above.join(".overt"))
            .find(|folder| folder.is_dir())
            .map(|folder| Setup { folder })
            .ok_or_else(|| SetupError::Missing { from: from.into() })
    }

    /// A file of the set-up, such as `models/centerface.onnx`.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A session of `models/{name}.onnx` on the processor. The variable `OVERT_ONNXRUNTIME` names another library than the
    /// set-up's.
    pub fn model(&self, name: &str) -> Result<Box<dyn Session>, SetupError> {
        let library = std::env::var_os("OVERT_ONNXRUNTIME")
            .map_or_else(|| self.file("onnxruntime/libonnxruntime.so"), PathBuf::from);
        let model = ModelFile::read(&self.file(&format!("models/{name}.onnx")))?;
        Ok(OnnxRuntime::open(&library, Device::Cpu)?.load(&model, MODEL_MEMORY)?)
    }

    /// `photographs/{name}` as a frame.
    pub fn photograph(&self, name: &str) -> Result<Arc<Frame>, SetupError> {
        let frame = overt_vision::read_still(&self.file("photographs").join(name))?;
        Ok(Arc::new(frame))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn where_nothing_is_set_up_the_error_says_how_to() {
        let error = Setup::above("/proc/self").unwrap_err();
        assert_eq!(
            error.to_string(),
            "there is no `.overt` in /proc/self or above it: run `make setup`"
        );
    }
}
