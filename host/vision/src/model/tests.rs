//! Model files that stand alone, and those that want something else: another file, or other code.
#![allow(clippy::unwrap_used)]

use std::fs;

use tempfile::TempDir;

use super::*;
use crate::onnx::{FunctionProto, StringStringEntryProto, TrainingInfoProto};
use crate::testing::Numbers;

fn node(domain: &str, op_type: &str) -> NodeProto {
    NodeProto {
        domain: domain.into(),
        op_type: op_type.into(),
        name: "the node".into(),
        ..NodeProto::default()
    }
}

fn graph(nodes: Vec<NodeProto>) -> GraphProto {
    GraphProto {
        node: nodes,
        ..GraphProto::default()
    }
}

fn model(graph: GraphProto) -> ModelProto {
    ModelProto {
        ir_version: 8,
        graph: Some(graph),
        ..ModelProto::default()
    }
}

/// An If whose branch is this graph.
fn branch(graph: GraphProto) -> NodeProto {
    NodeProto {
        attribute: vec![AttributeProto {
            g: Some(graph),
            ..AttributeProto::default()
        }],
        ..node("", "If")
    }
}

fn external() -> TensorProto {
    let location = StringStringEntryProto {
        key: "location".into(),
        value: "/etc/passwd".into(),
    };
    TensorProto {
        name: "weights".into(),
        external_data: vec![location],
        data_location: 1,
    }
}

fn read(model: &ModelProto) -> Result<ModelFile, ModelError> {
    ModelFile::from_bytes(Path::new("m.onnx"), model.encode_to_vec())
}

#[test]
fn a_model_is_read_once_and_hashed() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("m.onnx");
    let bytes = model(graph(vec![
        node("", "Relu"),
        node("ai.onnx", "Relu"),
        node("ai.onnx.ml", "Scaler"),
    ]))
    .encode_to_vec();
    fs::write(&path, &bytes).unwrap();
    let read = ModelFile::read(&path).unwrap();
    assert_eq!(read.bytes(), bytes);
    assert_eq!(read.sha256(), hex::encode(Sha256::digest(&bytes)));
    fs::write(&path, b"changed").unwrap();
    assert_eq!(read.bytes(), bytes, "what was hashed stays");
}

#[test]
fn the_digest_is_sha_256() {
    // The FIPS 180-4 example, as a check of the function that the digest of every model goes through.
    assert_eq!(
        hex::encode(Sha256::digest(b"abc")),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
}

#[test]
fn a_tensor_in_another_file_is_refused_wherever_it_is() {
    let in_attribute = |attribute| {
        graph(vec![NodeProto {
            attribute: vec![attribute],
            ..node("", "Constant")
        }])
    };
    let sparse = || SparseTensorProto {
        values: None,
        indices: Some(external()),
    };
    let with_initializer = || GraphProto {
        initializer: vec![external()],
        ..GraphProto::default()
    };
    let with_sparse = GraphProto {
        sparse_initializer: vec![sparse()],
        ..GraphProto::default()
    };
    let function = FunctionProto {
        node: vec![branch(with_initializer())],
        ..FunctionProto::default()
    };
    let default = FunctionProto {
        attribute_proto: vec![AttributeProto {
            t: Some(external()),
            ..AttributeProto::default()
        }],
        ..FunctionProto::default()
    };
    let training = TrainingInfoProto {
        algorithm: Some(with_initializer()),
        ..TrainingInfoProto::default()
    };
    let places = [
        ("initializer", model(with_initializer())),
        ("sparse initializer", model(with_sparse)),
        (
            "constant",
            model(in_attribute(AttributeProto {
                t: Some(external()),
                ..AttributeProto::default()
            })),
        ),
        (
            "constants",
            model(in_attribute(AttributeProto {
                tensors: vec![external()],
                ..AttributeProto::default()
            })),
        ),
        (
            "sparse constant",
            model(in_attribute(AttributeProto {
                sparse_tensor: Some(sparse()),
                ..AttributeProto::default()
            })),
        ),
        (
            "sparse constants",
            model(in_attribute(AttributeProto {
                sparse_tensors: vec![sparse()],
                ..AttributeProto::default()
            })),
        ),
        (
            "branch of a branch",
            model(graph(vec![branch(graph(vec![branch(with_initializer())]))])),
        ),
        (
            "graphs",
            model(in_attribute(AttributeProto {
                graphs: vec![with_initializer()],
                ..AttributeProto::default()
            })),
        ),
        (
            "function",
            ModelProto {
                functions: vec![function],
                ..model(graph(vec![]))
            },
        ),
        (
            "default of a function",
            ModelProto {
                functions: vec![default],
                ..model(graph(vec![]))
            },
        ),
        (
            "training",
            ModelProto {
                training_info: vec![training],
                ..model(graph(vec![]))
            },
        ),
    ];
    for (place, model) in places {
        assert_eq!(
            read(&model).unwrap_err(),
            ModelError::ExternalData {
                path: "m.onnx".into(),
                tensor: "weights".into()
            },
            "{place}"
        );
    }
    let only_location = TensorProto {
        external_data: vec![],
        ..external()
    };
    let only_entries = TensorProto {
        data_location: 0,
        ..external()
    };
    for tensor in [only_location, only_entries] {
        let refused = read(&model(GraphProto {
            initializer: vec![tensor],
            ..GraphProto::default()
        }));
        assert!(
            matches!(refused, Err(ModelError::ExternalData { .. })),
            "either sign is enough"
        );
    }
}

#[test]
fn an_operator_of_another_domain_is_refused_wherever_it_is() {
    let custom = || graph(vec![node("", "Relu"), node("vendor.secret", "Backdoor")]);
    let function = FunctionProto {
        name: "F".into(),
        node: custom().node,
        ..FunctionProto::default()
    };
    let places = [
        model(custom()),
        model(graph(vec![branch(custom())])),
        ModelProto {
            functions: vec![function],
            ..model(graph(vec![]))
        },
        ModelProto {
            training_info: vec![TrainingInfoProto {
                initialization: Some(custom()),
                algorithm: None,
            }],
            ..model(graph(vec![]))
        },
    ];
    for model in places {
        let wanted = ModelError::CustomOperator {
            path: "m.onnx".into(),
            node: "the node".into(),
            operator: "Backdoor".into(),
            domain: "vendor.secret".into(),
        };
        assert_eq!(read(&model).unwrap_err(), wanted);
    }
    let nameless = NodeProto {
        name: String::new(),
        output: vec!["scores".into()],
        ..node("com.microsoft", "EPContext")
    };
    let refused = read(&model(graph(vec![nameless]))).unwrap_err();
    assert!(
        matches!(&refused, ModelError::CustomOperator { node, .. } if node == "scores"),
        "{refused}"
    );
    assert!(refused.to_string().contains("com.microsoft"));
}

#[test]
fn a_function_of_the_models_own_may_be_called_but_not_stand_in_for_the_runtimes() {
    let with_function = |domain: &str| {
        let function = FunctionProto {
            name: "Gelu".into(),
            domain: domain.into(),
            node: vec![node("", "Erf")],
            ..FunctionProto::default()
        };
        ModelProto {
            functions: vec![function],
            ..model(graph(vec![node(domain, "Gelu")]))
        }
    };
    assert!(read(&with_function("pkg.torch")).is_ok());
    for domain in [
        "com.microsoft",
        "com.microsoft.nchwc",
        "com.ms.internal.nhwc",
        "org.pytorch.aten",
    ] {
        assert!(
            matches!(
                read(&with_function(domain)),
                Err(ModelError::CustomOperator { .. })
            ),
            "{domain}"
        );
    }
}

#[test]
fn a_file_that_is_no_model_is_refused() {
    let not_onnx = |bytes: &[u8]| {
        matches!(
            ModelFile::from_bytes(Path::new("m.onnx"), bytes.to_vec()),
            Err(ModelError::NotOnnx { .. })
        )
    };
    let good = model(graph(vec![node("", "Relu")])).encode_to_vec();
    assert!(not_onnx(b""));
    assert!(not_onnx(b"version https://git-lfs"));
    assert!(not_onnx(&[0xFF; 100]));
    assert!(not_onnx(&good[..good.len() - 3]), "cut short");
    assert!(
        not_onnx(
            &ModelProto {
                ir_version: 8,
                ..ModelProto::default()
            }
            .encode_to_vec()
        ),
        "no graph"
    );
    assert!(
        not_onnx(
            &ModelProto {
                graph: Some(graph(vec![])),
                ..ModelProto::default()
            }
            .encode_to_vec()
        ),
        "no version"
    );
}

#[test]
fn graphs_nested_without_end_are_refused_and_not_followed() {
    let mut inner = graph(vec![node("vendor.secret", "Backdoor")]);
    for _ in 0..5_000 {
        inner = graph(vec![branch(inner)]);
    }
    let bytes = model(inner).encode_to_vec();
    let refused = ModelFile::from_bytes(Path::new("m.onnx"), bytes);
    assert!(
        matches!(refused, Err(ModelError::NotOnnx { .. })),
        "{refused:?}"
    );
}

#[test]
fn no_changed_file_makes_the_reader_panic() {
    let nested = model(GraphProto {
        initializer: vec![TensorProto::default()],
        ..graph(vec![branch(graph(vec![node("", "Relu")]))])
    });
    let bytes = nested.encode_to_vec();
    let mut random = Numbers(17);
    for _ in 0..20_000 {
        let mut changed = bytes.clone();
        for _ in 0..1 + random.below(3) {
            let at = random.below(changed.len() as u64) as usize;
            changed[at] = random.below(256) as u8;
        }
        // Whatever it says, it says it.
        let _ = ModelFile::from_bytes(Path::new("m.onnx"), changed);
    }
}

#[test]
fn a_file_that_is_missing_too_large_or_none_is_named() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("m.onnx");
    assert_eq!(
        ModelFile::read(&path).unwrap_err(),
        ModelError::Missing { path: path.clone() }
    );
    assert!(matches!(
        ModelFile::read(folder.path()),
        Err(ModelError::Unreadable { .. })
    ));
    let bytes = model(graph(vec![])).encode_to_vec();
    fs::write(&path, &bytes).unwrap();
    let most = bytes.len() as u64;
    assert!(ModelFile::read_at_most(&path, most).is_ok());
    assert_eq!(
        ModelFile::read_at_most(&path, most - 1).unwrap_err(),
        ModelError::TooLarge {
            path: path.clone(),
            most: most - 1
        }
    );
    // A hole of two gibibytes takes no room on the disk, and must take none in memory.
    File::create(&path).unwrap().set_len(2 << 30).unwrap();
    assert_eq!(
        ModelFile::read(&path).unwrap_err(),
        ModelError::TooLarge {
            path,
            most: MOST_MODEL_BYTES
        }
    );
}

#[test]
fn a_named_pipe_in_a_models_place_is_refused_and_nobody_waits_for_it() {
    let folder = TempDir::new().unwrap();
    let pipe = folder.path().join("m.onnx");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    assert!(matches!(
        ModelFile::read(&pipe),
        Err(ModelError::Unreadable { .. })
    ));
}
