//! A model file: read once, hashed, and found to stand alone, so that the digest covers everything that the model computes with. Knows
//! no back end: whether it can run is the back end's to say.

mod order;

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use overt_contract::plain;
use prost::Message;
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::onnx::{
    AttributeProto, GraphProto, ModelProto, NodeProto, SparseTensorProto, TensorProto,
};

/// Most bytes of a model file.
pub const MOST_MODEL_BYTES: u64 = 1 << 30;

/// The domains of the ONNX standard: the operators that every runtime brings along, and the classical learners.
const STANDARD_DOMAINS: [&str; 3] = ["", "ai.onnx", "ai.onnx.ml"];

/// The highest version of a set of operators. The standard has reached 26 in ten years.
const MOST_VERSION: i64 = 1_000;

/// Where a runtime keeps operators of its own, one of which (`EPContext`) reads another file. A function that a model brings along
/// cannot stand in for one of these.
const RUNTIME_DOMAINS: [&str; 3] = ["com.microsoft", "com.ms.", "org.pytorch"];

/// Why a model file is refused.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum ModelError {
    /// There is no such file.
    #[error("{path}: there is no such file")]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file is there and the system cannot read it.
    #[error("{path}: cannot be read: {cause}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: String,
    },
    /// Larger than the limit.
    #[error("{path}: over {most} bytes")]
    TooLarge {
        /// The file.
        path: PathBuf,
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
        "{path}: tensor `{}` keeps its numbers in another file, which the model's digest does not cover; save the model as one file",
        plain(tensor)
    )]
    ExternalData {
        /// The file.
        path: PathBuf,
        /// The tensor's name.
        tensor: String,
    },
    /// Nodes that wait for each other. OpenVINO was seen to take such a model in for ever, and all memory with it.
    #[error(
        "{path}: node `{}` needs its own answer before it can give one",
        plain(node)
    )]
    Circle {
        /// The file.
        path: PathBuf,
        /// The name of one of them, or its first output where it has none.
        node: String,
    },
    /// A node whose operator is not of the ONNX standard, so that it would need code beside the model.
    #[error(
        "{path}: node `{}` wants operator `{}` of the domain `{}`; only operators of the ONNX standard run",
        plain(node),
        plain(operator),
        plain(domain)
    )]
    CustomOperator {
        /// The file.
        path: PathBuf,
        /// The node's name, or its first output where it has none.
        node: String,
        /// The operator's name.
        operator: String,
        /// The operator's domain.
        domain: String,
    },
}

/// An ONNX model, read once: what was hashed is what runs. Cheap to clone.
#[derive(Clone)]
pub struct ModelFile {
    bytes: Arc<[u8]>,
    sha256: String,
}

impl ModelFile {
    /// Reads a model of at most [`MOST_MODEL_BYTES`].
    ///
    /// # Errors
    /// Each of [`ModelError`].
    pub fn read(path: &Path) -> Result<ModelFile, ModelError> {
        ModelFile::read_at_most(path, MOST_MODEL_BYTES)
    }

    fn read_at_most(path: &Path, most: u64) -> Result<ModelFile, ModelError> {
        let unreadable = |cause: String| ModelError::Unreadable {
            path: path.to_owned(),
            cause,
        };
        // Without waiting: a named pipe would wait for somebody to write, and whoever reads it for them.
        let mut how = File::options();
        how.read(true).custom_flags(libc::O_NONBLOCK);
        let file = how.open(path).map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => ModelError::Missing {
                path: path.to_owned(),
            },
            _ => unreadable(e.to_string()),
        })?;
        let metadata = file.metadata().map_err(|e| unreadable(e.to_string()))?;
        if !metadata.is_file() {
            return Err(unreadable("not a file".to_owned()));
        }
        let too_large = || ModelError::TooLarge {
            path: path.to_owned(),
            most,
        };
        if metadata.len() > most {
            return Err(too_large());
        }
        let mut bytes = Vec::with_capacity(metadata.len() as usize);
        // One more than allowed, so that a file that grows meanwhile is found out.
        file.take(most + 1)
            .read_to_end(&mut bytes)
            .map_err(|e| unreadable(e.to_string()))?;
        if bytes.len() as u64 > most {
            return Err(too_large());
        }
        ModelFile::from_bytes(path, bytes)
    }

    /// Checks a model that was read from `path`.
    ///
    /// # Errors
    /// `NotOnnx`, `ExternalData`, `Circle`, `CustomOperator`.
    pub fn from_bytes(path: &Path, bytes: Vec<u8>) -> Result<ModelFile, ModelError> {
        let not_onnx = |cause: String| ModelError::NotOnnx {
            path: path.to_owned(),
            cause,
        };
        let model = ModelProto::decode(bytes.as_slice()).map_err(|e| not_onnx(e.to_string()))?;
        if model.ir_version < 1 || model.graph.is_none() {
            return Err(not_onnx("it has no version or no graph".to_owned()));
        }
        // OpenVINO counts up to it: a thousand million took minutes.
        if let Some(set) = model
            .opset_import
            .iter()
            .find(|set| set.version > MOST_VERSION)
        {
            return Err(not_onnx(format!(
                "it wants version {} of the standard's operators",
                set.version
            )));
        }
        check(&model).map_err(|fault| match fault {
            Fault::ExternalData(tensor) => ModelError::ExternalData {
                path: path.to_owned(),
                tensor,
            },
            Fault::Circle(node) => ModelError::Circle {
                path: path.to_owned(),
                node,
            },
            Fault::CustomOperator {
                node,
                operator,
                domain,
            } => ModelError::CustomOperator {
                path: path.to_owned(),
                node,
                operator,
                domain,
            },
        })?;
        let sha256 = hex::encode(Sha256::digest(&bytes));
        Ok(ModelFile {
            bytes: bytes.into(),
            sha256,
        })
    }

    /// The file's SHA-256: 64 lower-case hexadecimal digits.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The file's bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for ModelFile {
    /// Not the bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "ModelFile({} bytes, sha256 {})",
            self.bytes.len(),
            self.sha256
        )
    }
}

/// What keeps a model from standing alone.
enum Fault {
    ExternalData(String),
    Circle(String),
    CustomOperator {
        node: String,
        operator: String,
        domain: String,
    },
}

/// Everything of a model that may hold a node or a tensor. Recursion is as deep as the file's messages, and protobuf readers
/// refuse more than a hundred levels.
fn check(model: &ModelProto) -> Result<(), Fault> {
    // A model may define functions in a domain of its own; their nodes are checked like any others.
    let own = model
        .functions
        .iter()
        .map(|f| (f.domain.as_str(), f.name.as_str()));
    let own: Vec<(&str, &str)> = own
        .filter(|(domain, _)| {
            !RUNTIME_DOMAINS
                .iter()
                .any(|theirs| domain.starts_with(theirs))
        })
        .collect();
    let training = model
        .training_info
        .iter()
        .flat_map(|t| t.initialization.iter().chain(&t.algorithm));
    for graph in model.graph.iter().chain(training) {
        check_graph(graph, &own)?;
    }
    for function in &model.functions {
        check_nodes(&function.node, &own)?;
        function
            .attribute_proto
            .iter()
            .try_for_each(|a| check_attribute(a, &own))?;
    }
    Ok(())
}

fn check_graph(graph: &GraphProto, own: &[(&str, &str)]) -> Result<(), Fault> {
    graph.initializer.iter().try_for_each(check_tensor)?;
    graph.sparse_initializer.iter().try_for_each(check_sparse)?;
    check_nodes(&graph.node, own)
}

fn check_nodes(nodes: &[NodeProto], own: &[(&str, &str)]) -> Result<(), Fault> {
    if let Some(node) = order::circle(nodes) {
        return Err(Fault::Circle(node));
    }
    for node in nodes {
        if !STANDARD_DOMAINS.contains(&node.domain.as_str())
            && !own.contains(&(&node.domain, &node.op_type))
        {
            return Err(Fault::CustomOperator {
                node: order::name_of(node),
                operator: node.op_type.clone(),
                domain: node.domain.clone(),
            });
        }
        node.attribute
            .iter()
            .try_for_each(|a| check_attribute(a, own))?;
    }
    Ok(())
}

fn check_attribute(attribute: &AttributeProto, own: &[(&str, &str)]) -> Result<(), Fault> {
    attribute
        .t
        .iter()
        .chain(&attribute.tensors)
        .try_for_each(check_tensor)?;
    attribute
        .sparse_tensor
        .iter()
        .chain(&attribute.sparse_tensors)
        .try_for_each(check_sparse)?;
    attribute
        .g
        .iter()
        .chain(&attribute.graphs)
        .try_for_each(|graph| check_graph(graph, own))
}

fn check_sparse(tensor: &SparseTensorProto) -> Result<(), Fault> {
    tensor
        .values
        .iter()
        .chain(&tensor.indices)
        .try_for_each(check_tensor)
}

fn check_tensor(tensor: &TensorProto) -> Result<(), Fault> {
    if tensor.data_location != 0 || !tensor.external_data.is_empty() {
        return Err(Fault::ExternalData(tensor.name.clone()));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
