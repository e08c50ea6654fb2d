//! ONNX Runtime itself, on small models that are written here.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::*;
use crate::budget::{Budget, OverBudget};
use crate::inference::Port;
use crate::tensor::{Element, Tensor};
use crate::testing::library;
use crate::testing::onnx::{
    BOOL, FLOAT, FLOAT16, Graph, INT32, INT64, Side, UINT8, constant, file, node, port,
};

fn runtime() -> OnnxRuntime {
    OnnxRuntime::open(&library(), Device::Cpu).unwrap()
}

fn model(bytes: &[u8]) -> ModelFile {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("m.onnx");
    fs::write(&path, bytes).unwrap();
    ModelFile::read(&path).unwrap()
}

fn load(graph: Graph) -> Box<dyn Session> {
    runtime().load(&model(&file(graph))).unwrap()
}

fn floats(shape: &[u32], values: &[f32]) -> Tensor {
    Tensor::from_values(shape, values, &Budget::unlimited()).unwrap()
}

fn run(session: &mut dyn Session, inputs: &[&Tensor]) -> Result<Vec<Tensor>, InferenceError> {
    session.run(inputs, &Budget::unlimited(), None)
}

/// sum = a + b, of n × 3.
fn add() -> Graph {
    let shape = [Side::Named("n"), Side::Fixed(3)];
    Graph {
        node: vec![node("Add", &["a", "b"], &["sum"])],
        input: vec![port("a", FLOAT, &shape), port("b", FLOAT, &shape)],
        output: vec![port("sum", FLOAT, &shape)],
        ..Graph::default()
    }
}

/// y = x of one element, of any shape of one dimension.
fn identity(data_type: i32) -> Graph {
    Graph {
        node: vec![node("Identity", &["x"], &["y"])],
        input: vec![port("x", data_type, &[Side::Open])],
        output: vec![port("y", data_type, &[Side::Open])],
        ..Graph::default()
    }
}

/// Counts `times` up by one, one operator after the other.
fn count(times: i64) -> Graph {
    let scalar = |name: &str, data_type| port(name, data_type, &[]);
    let body = Graph {
        name: "body".into(),
        node: vec![
            node("Identity", &["go"], &["go_on"]),
            node("Add", &["value", "one"], &["next"]),
        ],
        initializer: vec![constant("one", FLOAT, &[], &1f32.to_le_bytes())],
        input: vec![
            scalar("i", INT64),
            scalar("go", BOOL),
            scalar("value", FLOAT),
        ],
        output: vec![scalar("go_on", BOOL), scalar("next", FLOAT)],
    };
    Graph {
        node: vec![node("Loop", &["times", "", "start"], &["end"]).with_graph("body", body)],
        initializer: vec![constant("times", INT64, &[], &times.to_le_bytes())],
        input: vec![scalar("start", FLOAT)],
        output: vec![scalar("end", FLOAT)],
        ..Graph::default()
    }
}

/// A tensor without a dimension, which only a model can make.
fn scalar(value: f32) -> Tensor {
    let squeeze = Graph {
        node: vec![node("Squeeze", &["x"], &["y"])],
        input: vec![port("x", FLOAT, &[Side::Fixed(1)])],
        output: vec![port("y", FLOAT, &[])],
        ..Graph::default()
    };
    run(&mut *load(squeeze), &[&floats(&[1], &[value])])
        .unwrap()
        .remove(0)
}

#[test]
fn a_model_says_what_it_takes_and_gives() {
    let session = load(add());
    let wanted = |name: &str| Port {
        name: name.into(),
        element: Element::Float32,
        shape: vec![-1, 3],
    };
    assert_eq!(session.inputs(), [wanted("a"), wanted("b")]);
    assert_eq!(session.outputs(), [wanted("sum")]);
}

#[test]
fn a_model_computes() {
    let mut session = load(add());
    for rows in [1u32, 2, 700] {
        let values: Vec<f32> = (0..rows * 3).map(|i| i as f32).collect();
        let a = floats(&[rows, 3], &values);
        let out = run(&mut *session, &[&a, &a]).unwrap();
        assert_eq!(out.len(), 1);
        assert_eq!(out[0].shape(), [rows as usize, 3]);
        assert_eq!(
            out[0].as_f32s().unwrap(),
            values.iter().map(|v| v * 2.0).collect::<Vec<_>>()
        );
    }
}

#[test]
fn every_element_of_the_contract_goes_in_and_comes_out() {
    let bytes: Vec<u8> = (0..32).collect();
    let elements = [
        (FLOAT, Element::Float32),
        (FLOAT16, Element::Float16),
        (UINT8, Element::Uint8),
        (INT32, Element::Int32),
        (INT64, Element::Int64),
    ];
    for (data_type, element) in elements {
        let mut session = load(identity(data_type));
        assert_eq!(
            (session.inputs()[0].element, session.outputs()[0].element),
            (element, element)
        );
        let n = (bytes.len() / element.size()) as u32;
        let x = Tensor::from_bytes(&[n], element, &bytes, &Budget::unlimited()).unwrap();
        let y = run(&mut *session, &[&x]).unwrap();
        assert_eq!(y[0].read_bytes(0, n).unwrap(), bytes, "{element:?}");
    }
}

#[test]
fn an_element_that_the_contract_lacks_is_refused_when_loading() {
    let refused = runtime().load(&model(&file(identity(BOOL)))).err().unwrap();
    assert!(
        matches!(&refused, InferenceError::BadModel { cause } if cause.contains("`x`")),
        "{refused}"
    );
}

#[test]
fn a_scalar_and_an_empty_answer_are_tensors_too() {
    assert_eq!(scalar(4.5).shape(), [0usize; 0]);
    assert_eq!(scalar(4.5).read(0, 1).unwrap(), [4.5]);
    let places = Graph {
        node: vec![node("NonZero", &["x"], &["y"])],
        input: vec![port("x", FLOAT, &[Side::Open])],
        output: vec![port("y", INT64, &[Side::Fixed(1), Side::Open])],
        ..Graph::default()
    };
    let mut session = load(places);
    let found = run(&mut *session, &[&floats(&[3], &[0.0, 7.0, 8.0])])
        .unwrap()
        .remove(0);
    assert_eq!(
        (found.shape(), found.element()),
        (&[1, 2][..], Element::Int64)
    );
    let nothing = run(&mut *session, &[&floats(&[3], &[0.0; 3])])
        .unwrap()
        .remove(0);
    assert_eq!((nothing.shape(), nothing.byte_len()), (&[1, 0][..], 0));
    let nothing = Tensor::zeroed(vec![0], Element::Int64, &Budget::unlimited()).unwrap();
    let refused = run(&mut *load(identity(INT64)), &[&nothing]).err().unwrap();
    assert!(
        matches!(refused, InferenceError::BadInput { .. }),
        "but no model is given one: {refused}"
    );
}

#[test]
fn inputs_that_are_not_the_models_are_refused_by_name() {
    let mut session = load(add());
    let good = floats(&[2, 3], &[0.0; 6]);
    let wide = floats(&[2, 4], &[0.0; 8]);
    let flat = floats(&[6], &[0.0; 6]);
    let bytes = Tensor::from_bytes(&[2, 3], Element::Uint8, &[0; 6], &Budget::unlimited()).unwrap();
    let mut refused = |inputs: &[&Tensor]| match run(&mut *session, inputs) {
        Err(InferenceError::BadInput { input, .. }) => input,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(&[]), "a");
    assert_eq!(refused(&[&good]), "b");
    assert_eq!(refused(&[&good, &good, &good]), "(all)");
    assert_eq!(refused(&[&wide, &good]), "a");
    assert_eq!(refused(&[&good, &flat]), "b");
    assert_eq!(refused(&[&good, &bytes]), "b");
    // Each fits by itself, and together they do not: only ONNX Runtime can tell.
    let tall = floats(&[5, 3], &[0.0; 15]);
    let together = run(&mut *session, &[&good, &tall]);
    assert!(
        matches!(
            together,
            Err(InferenceError::Failed { .. } | InferenceError::BadInput { .. })
        ),
        "{together:?}"
    );
    assert!(
        run(&mut *session, &[&good, &good]).is_ok(),
        "and the session works on"
    );
}

#[test]
fn outputs_over_the_budget_are_refused_and_what_they_take_is_charged() {
    let mut session = load(add());
    let a = floats(&[2, 3], &[1.0; 6]);
    let budget = Budget::new(40);
    let refused = session.run(&[&a, &a], &Budget::new(23), None).unwrap_err();
    assert_eq!(
        refused,
        InferenceError::OverBudget(OverBudget {
            wanted: 24,
            left: 23
        }),
        "known before the run by the name `n`"
    );
    session.run(&[&a, &a], &budget, None).unwrap();
    assert_eq!(budget.left(), 16);
    assert!(matches!(
        session.run(&[&a, &a], &budget, None),
        Err(InferenceError::OverBudget(_))
    ));

    let mut session = load(identity(FLOAT));
    let x = floats(&[6], &[1.0; 6]);
    let refused = session.run(&[&x], &Budget::new(23), None).unwrap_err();
    assert_eq!(
        refused,
        InferenceError::OverBudget(OverBudget {
            wanted: 24,
            left: 23
        }),
        "known after the run only"
    );
}

#[test]
fn a_run_that_would_go_on_is_stopped_at_its_deadline_and_the_session_works_on() {
    // Some minutes, if nobody stopped it.
    let mut session = load(count(1_000_000_000));
    let start = scalar(0.0);
    for _ in 0..2 {
        let deadline = Instant::now() + Duration::from_millis(30);
        let stopped = session
            .run(&[&start], &Budget::unlimited(), Some(deadline))
            .unwrap_err();
        assert!(
            matches!(stopped, InferenceError::Deadline { .. }),
            "{stopped}"
        );
        assert!(Instant::now() >= deadline);
    }
    let mut short = load(count(1000));
    let out = short
        .run(
            &[&start],
            &Budget::unlimited(),
            Some(Instant::now() + Duration::from_secs(3600)),
        )
        .unwrap();
    assert_eq!(
        out[0].read(0, 1).unwrap(),
        [1000.0],
        "a deadline far away changes nothing"
    );
}

#[test]
fn a_deadline_that_has_passed_is_one_before_anything_runs() {
    let mut session = load(count(1_000_000_000));
    let passed = Instant::now();
    assert!(matches!(
        session.run(&[&scalar(0.0)], &Budget::unlimited(), Some(passed)),
        Err(InferenceError::Deadline { .. })
    ));
}

#[test]
fn the_same_input_gives_the_same_bits() {
    // A convolution of 16 channels, in sessions of their own.
    let weights: Vec<u8> = (0..16 * 3 * 3 * 3)
        .flat_map(|i| ((i as f32 * 0.37).sin()).to_le_bytes())
        .collect();
    let convolution = || Graph {
        node: vec![node("Conv", &["x", "w"], &["y"]).with_ints("pads", &[1, 1, 1, 1])],
        initializer: vec![constant("w", FLOAT, &[16, 3, 3, 3], &weights)],
        input: vec![port(
            "x",
            FLOAT,
            &[
                Side::Fixed(1),
                Side::Fixed(3),
                Side::Named("h"),
                Side::Named("w"),
            ],
        )],
        output: vec![port(
            "y",
            FLOAT,
            &[
                Side::Fixed(1),
                Side::Fixed(16),
                Side::Named("h"),
                Side::Named("w"),
            ],
        )],
        ..Graph::default()
    };
    let values: Vec<f32> = (0..3 * 50 * 70).map(|i| (i as f32 * 0.11).cos()).collect();
    let x = floats(&[1, 3, 50, 70], &values);
    let once = run(&mut *load(convolution()), &[&x]).unwrap().remove(0);
    let again = run(&mut *load(convolution()), &[&x]).unwrap().remove(0);
    assert_eq!(once.shape(), [1, 16, 50, 70]);
    assert_eq!(once.as_f32s(), again.as_f32s());
    // One value worked out by hand: row 10, column 20, channel 5.
    let weight = |i: usize| ((5 * 27 + i) as f32 * 0.37).sin();
    let at = |c: usize, dy: usize, dx: usize| values[(c * 50 + 9 + dy) * 70 + 19 + dx];
    let wanted: f32 = (0..27)
        .map(|i| weight(i) * at(i / 9, i / 3 % 3, i % 3))
        .sum();
    let found = once.as_f32s().unwrap()[(5 * 50 + 10) * 70 + 20];
    assert!((found - wanted).abs() < 1e-4, "{found} {wanted}");
}

#[test]
fn a_run_with_large_inputs_is_a_run_like_any_other() {
    // 40 MiB: over the size from which a run gives its working memory back.
    let values = 10 << 20;
    let mut session = load(identity(FLOAT));
    let x = floats(&[values as u32], &vec![0.5; values]);
    for _ in 0..2 {
        let y = run(&mut *session, &[&x]).unwrap();
        assert_eq!(
            (y[0].shape(), y[0].read(values as u32 - 1, 1).unwrap()),
            (&[values][..], vec![0.5])
        );
    }
}

#[test]
fn what_onnx_runtime_cannot_load_is_a_bad_model() {
    let unknown = Graph {
        node: vec![node("NoSuchOperator", &["a", "b"], &["sum"])],
        ..add()
    };
    let dangling = Graph {
        node: vec![node("Add", &["a", "c"], &["sum"])],
        ..add()
    };
    for graph in [unknown, dangling] {
        let refused = runtime().load(&model(&file(graph))).err().unwrap();
        assert!(
            matches!(refused, InferenceError::BadModel { .. }),
            "{refused}"
        );
    }
}

#[test]
fn a_device_that_is_not_there_is_an_error_and_never_the_cpu() {
    let refused = OnnxRuntime::open(&library(), Device::Cuda { index: 4096 })
        .and_then(|runtime| runtime.load(&model(&file(add()))).map(|_| ()));
    let error = refused.unwrap_err();
    assert!(
        matches!(
            error,
            InferenceError::NoDevice {
                device: Device::Cuda { index: 4096 },
                ..
            }
        ),
        "{error}"
    );
    assert!(error.to_string().contains("cuda:4096"));
}

#[test]
fn the_library_says_its_version_and_is_loaded_once() {
    let first = runtime();
    let identity = first.identity();
    assert!(identity.version.starts_with("1."), "{identity}");
    assert_eq!(
        (identity.arithmetic(), identity.device.as_str()),
        ("onnxruntime f32".to_owned(), "cpu")
    );
    assert_eq!(first.device(), Device::Cpu);
    let digest = hex::encode(sha2::Digest::finalize(
        <sha2::Sha256 as sha2::Digest>::new_with_prefix(fs::read(library()).unwrap()),
    ));
    assert_eq!(identity.sha256, digest, "the digest of the file itself");
    let folder = TempDir::new().unwrap();
    let other = folder.path().join("libonnxruntime.so");
    fs::copy(library(), &other).unwrap();
    let refused = OnnxRuntime::open(&other, Device::Cpu).unwrap_err();
    assert!(
        matches!(&refused, InferenceError::Library { path, cause } if *path == other && cause.contains("already")),
        "{refused}"
    );
    assert_eq!(
        runtime().identity(),
        first.identity(),
        "the same file may be opened again"
    );
}

#[test]
fn a_file_that_is_no_such_library_is_named() {
    let folder = TempDir::new().unwrap();
    let missing = folder.path().join("none.so");
    let text = folder.path().join("text.so");
    fs::write(&text, "not a library").unwrap();
    for path in [missing, text.clone()] {
        let refused = OnnxRuntime::open(&path, Device::Cpu).unwrap_err();
        assert!(
            matches!(&refused, InferenceError::Library { path: named, .. } if *named == path),
            "{refused}"
        );
    }
    // What a process says that has loaded nothing yet.
    assert!(version_of(&text).is_err());
}
