//! What a model takes and gives, and the checks that every back end makes before a run. Knows no library.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use prost::Message as _;

use crate::budget::{Budget, OverBudget};
use crate::inference::{InferenceError, Port};
use crate::model::ModelFile;
use crate::onnx::{DimensionProto, ModelProto, NodeProto, ValueInfoProto};
use crate::tensor::{Element, Tensor, bytes_of};

/// An input or output, with the names of its open dimensions: the same name stands for the same number.
pub(super) struct Place {
    pub(super) port: Port,
    pub(super) symbols: Vec<String>,
}

/// Inputs and outputs as the model's file declares them. Inputs with a value in the file are its weights.
///
/// # Errors
/// `BadModel` where a port is no tensor of an element that the contract has.
pub(super) fn declared(model: &ModelFile) -> Result<(Vec<Place>, Vec<Place>), InferenceError> {
    let graph = ModelProto::decode(model.bytes())
        .ok()
        .and_then(|model| model.graph)
        .ok_or_else(|| InferenceError::BadModel {
            cause: "it has no graph".to_owned(),
        })?;
    let weights: HashSet<&str> = graph
        .initializer
        .iter()
        .map(|tensor| tensor.name.as_str())
        .collect();
    let inputs = graph
        .input
        .iter()
        .filter(|input| !weights.contains(input.name.as_str()));
    Ok((
        inputs.map(place_of).collect::<Result<_, _>>()?,
        graph
            .output
            .iter()
            .map(place_of)
            .collect::<Result<_, _>>()?,
    ))
}

/// Whether a model has a node that repeats a graph of its own, which may be without end.
pub(super) fn repeats(model: &ModelFile) -> bool {
    fn any(nodes: &[NodeProto]) -> bool {
        nodes.iter().any(|node| {
            let graphs = node
                .attribute
                .iter()
                .flat_map(|attribute| attribute.g.iter().chain(&attribute.graphs));
            matches!(node.op_type.as_str(), "Loop" | "Scan")
                || graphs.into_iter().any(|graph| any(&graph.node))
        })
    }
    // What does not decode was refused when it was read.
    ModelProto::decode(model.bytes()).is_ok_and(|model| {
        model.graph.iter().any(|graph| any(&graph.node))
            || model.functions.iter().any(|function| any(&function.node))
    })
}

fn place_of(value: &ValueInfoProto) -> Result<Place, InferenceError> {
    let bad = |what: &str| not_of_the_contract(&value.name, what);
    let tensor = value.r#type.as_ref().and_then(|t| t.tensor_type.as_ref());
    let tensor = tensor.ok_or_else(|| bad("no tensor"))?;
    let element = match tensor.elem_type {
        1 => Element::Float32,
        2 => Element::Uint8,
        6 => Element::Int32,
        7 => Element::Int64,
        10 => Element::Float16,
        other => return Err(bad(&format!("a tensor of ONNX's data type {other}"))),
    };
    let shape = tensor.shape.as_ref().ok_or_else(|| bad("of no shape"))?;
    let side = |side: &DimensionProto| {
        side.dim_value
            .and_then(|side| i32::try_from(side).ok())
            .filter(|side| *side >= 0)
            .unwrap_or(-1)
    };
    Ok(Place {
        port: Port {
            name: value.name.clone(),
            element,
            shape: shape.dim.iter().map(side).collect(),
        },
        symbols: shape
            .dim
            .iter()
            .map(|side| side.dim_param.clone().unwrap_or_default())
            .collect(),
    })
}

/// A port that no tensor of the contract fits.
pub(super) fn not_of_the_contract(name: &str, what: &str) -> InferenceError {
    InferenceError::BadModel {
        cause: format!(
            "`{name}` is {what}; inputs and outputs are tensors of float32, float16, uint8, int32 or int64"
        ),
    }
}

/// # Errors
/// `Deadline` where it has passed.
pub(super) fn check_deadline(deadline: Option<Instant>) -> Result<(), InferenceError> {
    match deadline.and_then(|deadline| Instant::now().checked_duration_since(deadline)) {
        Some(late) => Err(InferenceError::Deadline {
            late_ms: late.as_millis() as u64,
        }),
        None => Ok(()),
    }
}

/// The number of inputs, their elements and their shapes, before the library sees them.
pub(super) fn check_inputs(places: &[Place], tensors: &[&Tensor]) -> Result<(), InferenceError> {
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
    check_symbols(places, tensors)
}

/// A name stands for one number in a run. A library may compute on where it does not: OpenVINO adds 2 rows to 5 and answers with none.
fn check_symbols(places: &[Place], tensors: &[&Tensor]) -> Result<(), InferenceError> {
    let mut sides = HashMap::new();
    for (place, tensor) in places.iter().zip(tensors) {
        for (symbol, side) in place.symbols.iter().zip(tensor.shape()) {
            if symbol.is_empty() {
                continue;
            }
            let first = *sides.entry(symbol.as_str()).or_insert(*side);
            if first != *side {
                return Err(InferenceError::BadInput {
                    input: place.port.name.clone(),
                    expected: format!("{first} for `{symbol}`, as in an input before it"),
                    found: side.to_string(),
                });
            }
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
pub(super) fn check_budget(
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
