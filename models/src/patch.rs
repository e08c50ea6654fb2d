//! The changes that a card asks for in a model's file, made in the file's own bytes so that the result is the same everywhere.
//! Knows the part of ONNX's `onnx.proto` that names inputs, outputs and weights, and no operator.
//!
//! The numbers of the fields are those of `onnx.proto3` of ONNX 1.x, where they are frozen.

use serde::Deserialize;

use crate::wire::{self, Field, Value, WireError};

/// One change.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Patch {
    /// Takes the names of the weights out of the graph's inputs, where exporters before ONNX 1.4 had to list them. As inputs they could
    /// be given anew with every run, so a back end may not fold them.
    WeightsAreNotInputs {},
    /// Gives an input or output another shape.
    Shape {
        /// The name of the input or output.
        port: String,
        /// A length, or a name for a side of any length.
        dims: Vec<Dim>,
    },
    /// Gives an int64 weight, such as the target of a `Reshape`, other values.
    Integers {
        /// The name of the weight.
        weight: String,
        /// Its values; it becomes a vector of this many.
        values: Vec<i64>,
    },
    /// Makes float32 weights nearer to zero than this zero. What they add to a sum of numbers near 1 is lost in its last bit; but products with
    /// them are subnormal numbers, each of which takes some processors a hundred times as long as any other.
    TinyWeightsAreZero {
        /// The least magnitude that stays.
        under: f32,
    },
}

/// One side of a shape.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Dim {
    /// Fixed.
    Length(u32),
    /// Any length; equal names are equal lengths.
    Open(String),
}

/// Why a model cannot be changed as its card says.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum PatchError {
    /// The file is no ONNX model.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// A part that every ONNX model of this kind has is not there, or there twice.
    #[error("the model has {found} of what must be there once: {what}")]
    NotOnce {
        /// What was looked for.
        what: String,
        /// How often it was found.
        found: usize,
    },
    /// The weight that is to be changed holds no int64 values.
    #[error("the weight {weight:?} has element type {found}, and only int64 (7) can be changed")]
    NotInteger {
        /// The weight's name.
        weight: String,
        /// ONNX's number of its element type.
        found: u64,
    },
    /// A float32 weight whose values are not written in one piece.
    #[error(
        "a float32 weight holds {found} bytes of values in one piece, expected a multiple of 4"
    )]
    Scattered {
        /// Bytes in one piece.
        found: usize,
    },
}

mod number {
    pub(super) const MODEL_GRAPH: u32 = 7;
    pub(super) const GRAPH_INITIALIZER: u32 = 5;
    pub(super) const GRAPH_INPUT: u32 = 11;
    pub(super) const GRAPH_OUTPUT: u32 = 12;
    pub(super) const VALUE_NAME: u32 = 1;
    pub(super) const VALUE_TYPE: u32 = 2;
    pub(super) const TYPE_TENSOR: u32 = 1;
    pub(super) const TENSOR_TYPE_SHAPE: u32 = 2;
    pub(super) const SHAPE_DIM: u32 = 1;
    pub(super) const DIM_VALUE: u32 = 1;
    pub(super) const DIM_PARAM: u32 = 2;
    pub(super) const TENSOR_DIMS: u32 = 1;
    pub(super) const TENSOR_ELEMENT: u32 = 2;
    pub(super) const TENSOR_FLOATS: u32 = 4;
    pub(super) const TENSOR_INT64S: u32 = 7;
    pub(super) const TENSOR_NAME: u32 = 8;
    pub(super) const TENSOR_RAW: u32 = 9;
}

const ELEMENT_FLOAT32: u64 = 1;
const ELEMENT_INT64: u64 = 7;

/// The model with all changes made, in order. The same model and changes give the same bytes on every machine.
pub fn apply(model: &[u8], patches: &[Patch]) -> Result<Vec<u8>, PatchError> {
    let mut bytes = model.to_vec();
    for patch in patches {
        bytes = edit_only(&bytes, number::MODEL_GRAPH, "a graph", |graph| {
            apply_to_graph(graph, patch)
        })?;
    }
    Ok(bytes)
}

fn apply_to_graph(graph: &[u8], patch: &Patch) -> Result<Vec<u8>, PatchError> {
    match patch {
        Patch::WeightsAreNotInputs {} => without_weights_in_inputs(graph),
        Patch::Shape { port, dims } => {
            let is_port = |field: &Field| {
                (field.number == number::GRAPH_INPUT || field.number == number::GRAPH_OUTPUT)
                    && has_name(field, number::VALUE_NAME, port)
            };
            edit(
                graph,
                &format!("an input or output {port:?}"),
                is_port,
                |value| with_shape(value, dims),
            )
        }
        Patch::Integers { weight, values } => {
            let is_weight = |field: &Field| {
                field.number == number::GRAPH_INITIALIZER
                    && has_name(field, number::TENSOR_NAME, weight)
            };
            edit(
                graph,
                &format!("a weight {weight:?}"),
                is_weight,
                |tensor| with_integers(tensor, weight, values),
            )
        }
        Patch::TinyWeightsAreZero { under } => without_tiny_weights(graph, *under),
    }
}

fn without_tiny_weights(graph: &[u8], under: f32) -> Result<Vec<u8>, PatchError> {
    let mut fields = wire::read(graph)?;
    for field in &mut fields {
        if field.number != number::GRAPH_INITIALIZER {
            continue;
        }
        let Some(tensor) = field.bytes() else {
            continue;
        };
        let mut parts = wire::read(tensor)?;
        if element_of(&parts) != Some(ELEMENT_FLOAT32) {
            continue;
        }
        for part in &mut parts {
            if ![number::TENSOR_RAW, number::TENSOR_FLOATS].contains(&part.number) {
                continue;
            }
            let bytes = part.bytes().unwrap_or_default();
            let (values, rest) = bytes.as_chunks::<4>();
            if values.is_empty() || !rest.is_empty() {
                let found = bytes.len();
                return Err(PatchError::Scattered { found });
            }
            let kept = |bytes: &[u8; 4]| match f32::from_le_bytes(*bytes).abs() < under {
                true => [0; 4],
                false => *bytes,
            };
            part.value = Value::Made(values.iter().flat_map(kept).collect());
        }
        let changed = wire::write(&parts);
        field.value = Value::Made(changed);
    }
    Ok(wire::write(&fields))
}

/// ONNX's number of a tensor's element type.
fn element_of(tensor: &[Field]) -> Option<u64> {
    tensor.iter().find_map(|field| match field.value {
        Value::Varint(element) if field.number == number::TENSOR_ELEMENT => Some(element),
        _ => None,
    })
}

fn without_weights_in_inputs(graph: &[u8]) -> Result<Vec<u8>, PatchError> {
    let fields = wire::read(graph)?;
    let weights: std::collections::HashSet<Vec<u8>> = fields
        .iter()
        .filter(|field| field.number == number::GRAPH_INITIALIZER)
        .filter_map(|field| name_of(field, number::TENSOR_NAME))
        .collect();
    let is_weight = |field: &Field| {
        field.number == number::GRAPH_INPUT
            && name_of(field, number::VALUE_NAME).is_some_and(|name| weights.contains(&name))
    };
    let kept: Vec<Field> = fields
        .into_iter()
        .filter(|field| !is_weight(field))
        .collect();
    Ok(wire::write(&kept))
}

/// A `ValueInfoProto` with another shape; element type and documentation stay.
fn with_shape(value: &[u8], dims: &[Dim]) -> Result<Vec<u8>, PatchError> {
    let dims: Vec<Field> = dims
        .iter()
        .map(|dim| match dim {
            Dim::Length(length) => Field::varint(number::DIM_VALUE, u64::from(*length)),
            Dim::Open(name) => Field::made(number::DIM_PARAM, name.clone().into_bytes()),
        })
        .map(|dim| Field::made(number::SHAPE_DIM, wire::write(&[dim])))
        .collect();
    let shape = wire::write(&dims);
    edit_only(value, number::VALUE_TYPE, "a type", |value_type| {
        edit_only(
            value_type,
            number::TYPE_TENSOR,
            "a tensor's type",
            |tensor_type| {
                edit_only(tensor_type, number::TENSOR_TYPE_SHAPE, "a shape", |_| {
                    Ok(shape.clone())
                })
            },
        )
    })
}

/// A `TensorProto` of int64 with other values, as a vector.
fn with_integers(tensor: &[u8], weight: &str, values: &[i64]) -> Result<Vec<u8>, PatchError> {
    let mut fields = wire::read(tensor)?;
    let element = element_of(&fields);
    if element != Some(ELEMENT_INT64) {
        return Err(PatchError::NotInteger {
            weight: weight.to_owned(),
            found: element.unwrap_or(0),
        });
    }
    fields.retain(|field| {
        ![
            number::TENSOR_DIMS,
            number::TENSOR_INT64S,
            number::TENSOR_RAW,
        ]
        .contains(&field.number)
    });
    fields.insert(0, Field::varint(number::TENSOR_DIMS, values.len() as u64));
    fields.push(Field::made(
        number::TENSOR_RAW,
        values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect(),
    ));
    Ok(wire::write(&fields))
}

fn edit_only(
    message: &[u8],
    number: u32,
    what: &str,
    change: impl Fn(&[u8]) -> Result<Vec<u8>, PatchError>,
) -> Result<Vec<u8>, PatchError> {
    edit(message, what, |field| field.number == number, change)
}

/// Changes the one message-valued field that `wanted` picks.
fn edit(
    message: &[u8],
    what: &str,
    wanted: impl Fn(&Field) -> bool,
    change: impl Fn(&[u8]) -> Result<Vec<u8>, PatchError>,
) -> Result<Vec<u8>, PatchError> {
    let mut fields = wire::read(message)?;
    let mut found = 0;
    for field in fields.iter_mut().filter(|field| wanted(field)) {
        if let Some(bytes) = field.bytes() {
            field.value = Value::Made(change(bytes)?);
            found += 1;
        }
    }
    if found == 1 {
        Ok(wire::write(&fields))
    } else {
        Err(PatchError::NotOnce {
            what: what.to_owned(),
            found,
        })
    }
}

fn has_name(field: &Field, number: u32, name: &str) -> bool {
    name_of(field, number).is_some_and(|found| found == name.as_bytes())
}

fn name_of(field: &Field, number: u32) -> Option<Vec<u8>> {
    let fields = wire::read(field.bytes()?).ok()?;
    fields
        .iter()
        .find(|field| field.number == number)
        .and_then(Field::bytes)
        .map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn text(number: u32, text: &str) -> Field<'static> {
        Field::made(number, text.as_bytes().to_vec())
    }

    fn message(number: u32, fields: &[Field]) -> Field<'static> {
        Field::made(number, wire::write(fields))
    }

    /// A `ValueInfoProto` of float32 with one fixed side of 10, and a field from a later ONNX.
    fn port(number: u32, name: &str) -> Field<'static> {
        let dim = message(number::SHAPE_DIM, &[Field::varint(number::DIM_VALUE, 10)]);
        let tensor_type = message(
            number::TYPE_TENSOR,
            &[
                Field::varint(1, 1),
                message(number::TENSOR_TYPE_SHAPE, &[dim]),
            ],
        );
        message(
            number,
            &[
                text(number::VALUE_NAME, name),
                message(number::VALUE_TYPE, &[tensor_type]),
                text(90, "later"),
            ],
        )
    }

    fn weight(name: &str, element: u64, values: &[i64]) -> Field<'static> {
        let raw = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        message(
            number::GRAPH_INITIALIZER,
            &[
                Field::varint(number::TENSOR_DIMS, values.len() as u64),
                Field::varint(number::TENSOR_ELEMENT, element),
                text(number::TENSOR_NAME, name),
                Field::made(number::TENSOR_RAW, raw),
            ],
        )
    }

    fn model(graph: &[Field]) -> Vec<u8> {
        wire::write(&[
            Field::varint(1, 4),
            message(number::MODEL_GRAPH, graph),
            text(99, "unknown"),
        ])
    }

    #[test]
    fn weights_leave_the_inputs_and_nothing_else_does() {
        let before = model(&[
            port(number::GRAPH_INPUT, "picture"),
            port(number::GRAPH_INPUT, "w"),
            weight("w", 7, &[1]),
            port(number::GRAPH_OUTPUT, "w"),
        ]);
        let after = model(&[
            port(number::GRAPH_INPUT, "picture"),
            weight("w", 7, &[1]),
            port(number::GRAPH_OUTPUT, "w"),
        ]);
        assert_eq!(
            apply(&before, &[Patch::WeightsAreNotInputs {}]).unwrap(),
            after
        );
    }

    #[test]
    fn a_shape_changes_and_the_fields_that_we_do_not_know_stay() {
        let before = model(&[port(number::GRAPH_INPUT, "picture")]);
        let dims = vec![Dim::Length(1), Dim::Open("height".to_owned())];
        let after = apply(
            &before,
            &[Patch::Shape {
                port: "picture".to_owned(),
                dims,
            }],
        )
        .unwrap();
        let text = String::from_utf8_lossy(&after);
        assert!(
            text.contains("height") && text.contains("later") && text.contains("unknown"),
            "{text:?}"
        );
        let again = vec![Dim::Length(10)];
        assert_eq!(
            apply(
                &after,
                &[Patch::Shape {
                    port: "picture".to_owned(),
                    dims: again
                }]
            )
            .unwrap(),
            before
        );
    }

    #[test]
    fn an_integer_weight_takes_other_values() {
        let patch = Patch::Integers {
            weight: "target".to_owned(),
            values: vec![-1, 512],
        };
        let after = apply(&model(&[weight("target", 7, &[1])]), &[patch]).unwrap();
        assert_eq!(after, model(&[weight("target", 7, &[-1, 512])]));
    }

    #[test]
    fn a_float_weight_is_not_overwritten_with_integers() {
        let patch = Patch::Integers {
            weight: "target".to_owned(),
            values: vec![1],
        };
        let error = apply(&model(&[weight("target", 1, &[1])]), &[patch]).unwrap_err();
        assert_eq!(
            error,
            PatchError::NotInteger {
                weight: "target".to_owned(),
                found: 1
            }
        );
    }

    /// A float32 weight, its values in the field of that number.
    fn floats(field: u32, values: &[f32]) -> Field<'static> {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes());
        message(
            number::GRAPH_INITIALIZER,
            &[
                Field::varint(number::TENSOR_ELEMENT, ELEMENT_FLOAT32),
                text(number::TENSOR_NAME, "w"),
                Field::made(field, bytes.collect()),
            ],
        )
    }

    #[test]
    fn tiny_weights_become_zero_and_all_others_keep_their_bits() {
        let patch = [Patch::TinyWeightsAreZero { under: 1e-15 }];
        let tiny = f32::MIN_POSITIVE / 4.0;
        for field in [number::TENSOR_RAW, number::TENSOR_FLOATS] {
            let before = model(&[
                floats(field, &[1.0, tiny, -9e-16, 1e-15, -0.5, f32::NAN, -tiny]),
                weight("target", 7, &[1]),
            ]);
            let after = model(&[
                floats(field, &[1.0, 0.0, 0.0, 1e-15, -0.5, f32::NAN, 0.0]),
                weight("target", 7, &[1]),
            ]);
            assert_eq!(apply(&before, &patch).unwrap(), after);
            assert_eq!(apply(&after, &patch).unwrap(), after);
        }
        let odd = message(
            number::GRAPH_INITIALIZER,
            &[
                Field::varint(number::TENSOR_ELEMENT, ELEMENT_FLOAT32),
                Field::made(number::TENSOR_RAW, vec![0; 5]),
            ],
        );
        assert_eq!(
            apply(&model(&[odd]), &patch),
            Err(PatchError::Scattered { found: 5 })
        );
    }

    #[test]
    fn a_name_that_is_not_there_or_there_twice_is_an_error() {
        let patch = || Patch::Shape {
            port: "picture".to_owned(),
            dims: vec![Dim::Length(1)],
        };
        let found = |graph: &[Field]| match apply(&model(graph), &[patch()]) {
            Err(PatchError::NotOnce { found, .. }) => found,
            other => panic!("{other:?}"),
        };
        assert_eq!(found(&[port(number::GRAPH_INPUT, "other")]), 0);
        assert_eq!(
            found(&[
                port(number::GRAPH_INPUT, "picture"),
                port(number::GRAPH_OUTPUT, "picture")
            ]),
            2
        );
    }

    #[test]
    fn bytes_that_are_no_model_are_an_error() {
        assert!(matches!(
            apply(b"<html>404</html>", &[Patch::WeightsAreNotInputs {}]),
            Err(PatchError::Wire(_))
        ));
        assert!(matches!(
            apply(b"", &[Patch::WeightsAreNotInputs {}]),
            Err(PatchError::NotOnce { .. })
        ));
    }
}
