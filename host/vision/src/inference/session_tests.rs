//! What every back end does alike, on small models that are written here. Each back end's tests include this file as a module of theirs
//! and say in `runtime` which back end it is.

use std::fs;

use tempfile::TempDir;

use super::runtime;
use crate::budget::{Budget, OverBudget};
use crate::inference::{Backend, InferenceError, Port, Session};
use crate::memory::MODEL_MEMORY;
use crate::model::ModelFile;
use crate::tensor::{Element, Tensor};
use crate::testing::onnx::{
    BOOL, FLOAT, FLOAT16, Graph, INT32, INT64, Side, UINT8, constant, file, node, port,
};

pub(super) fn model(bytes: &[u8]) -> ModelFile {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("m.onnx");
    fs::write(&path, bytes).unwrap();
    ModelFile::read(&path).unwrap()
}

pub(super) fn load(graph: Graph) -> Box<dyn Session> {
    runtime().load(&model(&file(graph)), MODEL_MEMORY).unwrap()
}

pub(super) fn floats(shape: &[u32], values: &[f32]) -> Tensor {
    Tensor::from_values(shape, values, &Budget::unlimited()).unwrap()
}

pub(super) fn run(
    session: &mut dyn Session,
    inputs: &[&Tensor],
) -> Result<Vec<Tensor>, InferenceError> {
    session.run(inputs, &Budget::unlimited(), None)
}

/// sum = a + b, of n × 3.
pub(super) fn add() -> Graph {
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

/// A tensor without a dimension, which only a model can make.
pub(super) fn scalar(value: f32) -> Tensor {
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
        // A back end may compute int64 with 32 bits.
        let bytes = match element {
            Element::Int64 => (-2i64..2).flat_map(i64::to_le_bytes).collect(),
            _ => bytes.clone(),
        };
        let n = (bytes.len() / element.size()) as u32;
        let x = Tensor::from_bytes(&[n], element, &bytes, &Budget::unlimited()).unwrap();
        let y = run(&mut *session, &[&x]).unwrap();
        assert_eq!(y[0].read_bytes(0, n).unwrap(), bytes, "{element:?}");
    }
}

#[test]
fn an_element_that_the_contract_lacks_is_refused_when_loading() {
    let refused = runtime()
        .load(&model(&file(identity(BOOL))), MODEL_MEMORY)
        .err()
        .unwrap();
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
    // Each fits by itself, and together they do not.
    let tall = floats(&[5, 3], &[0.0; 15]);
    let together = run(&mut *session, &[&good, &tall]);
    assert!(
        matches!(&together, Err(InferenceError::BadInput { input, .. }) if input == "b"),
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
fn f32_is_computed_with_all_of_its_bits() {
    // A sum of 64 times 1 + 2⁻¹², which the ten bits of NVIDIA's TF32 and the seven of bf16 round to 1; f32 holds it and the sum exactly.
    const CHANNELS: u64 = 64;
    let value = 1.0 + 2f32.powi(-12);
    let ones: Vec<u8> = (0..CHANNELS * CHANNELS)
        .flat_map(|_| 1f32.to_le_bytes())
        .collect();
    let square = [Side::Fixed(CHANNELS as i64), Side::Fixed(CHANNELS as i64)];
    let product = Graph {
        node: vec![node("MatMul", &["x", "w"], &["y"])],
        initializer: vec![constant("w", FLOAT, &[64, 64], &ones)],
        input: vec![port("x", FLOAT, &square)],
        output: vec![port("y", FLOAT, &square)],
        ..Graph::default()
    };
    let picture = [1, CHANNELS as i64, 32, 32].map(Side::Fixed);
    let convolution = Graph {
        node: vec![node("Conv", &["x", "w"], &["y"])],
        initializer: vec![constant("w", FLOAT, &[64, 64, 1, 1], &ones)],
        input: vec![port("x", FLOAT, &picture)],
        output: vec![port("y", FLOAT, &picture)],
        ..Graph::default()
    };
    for (graph, shape) in [(product, &[64, 64][..]), (convolution, &[1, 64, 32, 32])] {
        let count: u32 = shape.iter().product();
        let x = floats(shape, &vec![value; count as usize]);
        let y = run(&mut *load(graph), &[&x]).unwrap().remove(0);
        assert!(
            y.as_f32s()
                .unwrap()
                .iter()
                .all(|found| *found == CHANNELS as f32 * value),
            "{:?}",
            y.as_f32s().unwrap()[0]
        );
    }
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
fn what_the_library_cannot_load_is_a_bad_model() {
    let unknown = Graph {
        node: vec![node("NoSuchOperator", &["a", "b"], &["sum"])],
        ..add()
    };
    let dangling = Graph {
        node: vec![node("Add", &["a", "c"], &["sum"])],
        ..add()
    };
    for graph in [unknown, dangling] {
        let refused = runtime()
            .load(&model(&file(graph)), MODEL_MEMORY)
            .err()
            .unwrap();
        assert!(
            matches!(refused, InferenceError::BadModel { .. }),
            "{refused}"
        );
    }
}

/// y = the greatest of x, when it stands there so often: an answer of four bytes, and much more on the way to it.
fn expanded(times: i64) -> Graph {
    Graph {
        node: vec![
            node("Expand", &["x", "shape"], &["many"]),
            node("Sin", &["many"], &["sines"]),
            node("ReduceMax", &["sines"], &["y"]),
        ],
        initializer: vec![constant("shape", INT64, &[1], &times.to_le_bytes())],
        input: vec![port("x", FLOAT, &[Side::Fixed(1)])],
        output: vec![port("y", FLOAT, &[Side::Fixed(1)])],
        ..Graph::default()
    }
}

#[test]
fn a_run_that_wants_more_memory_than_it_may_have_is_refused_and_the_session_works_on() {
    let sizes = Graph {
        node: vec![
            node("Expand", &["x", "shape"], &["many"]),
            node("Sin", &["many"], &["sines"]),
            node("ReduceMax", &["sines"], &["y"]),
        ],
        input: vec![
            port("x", FLOAT, &[Side::Fixed(1)]),
            port("shape", INT64, &[Side::Fixed(1)]),
        ],
        output: vec![port("y", FLOAT, &[Side::Fixed(1)])],
        ..Graph::default()
    };
    let mut session = runtime().load(&model(&file(sizes)), 64 << 20).unwrap();
    let x = floats(&[1], &[0.0]);
    let mut run = |count: i64| {
        let count = count.to_le_bytes();
        let shape = Tensor::from_bytes(&[1], Element::Int64, &count, &Budget::unlimited());
        run(&mut *session, &[&x, &shape.unwrap()])
    };
    for _ in 0..3 {
        assert_eq!(run(1 << 20).unwrap()[0].as_f32s().unwrap(), [0.0]);
        // 1 GiB.
        match run(1 << 28) {
            Err(InferenceError::OverMemory(over)) => {
                assert_eq!(over.limit, 64 << 20);
                assert!(over.wanted > 1 << 30, "{over}");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn memory_that_runs_out_at_any_moment_is_an_error_and_no_more() {
    let x = floats(&[1], &[0.0]);
    let (mut refused, mut served) = (0, 0);
    for limit in (0..100).map(|step| step * (400 << 10)) {
        match runtime().load(&model(&file(expanded(1 << 22))), limit) {
            Err(error) => {
                assert!(matches!(error, InferenceError::OverMemory(_)), "{error}");
                refused += 1;
            }
            Ok(mut session) => match run(&mut *session, &[&x]) {
                Err(InferenceError::OverMemory(over)) => {
                    assert_eq!(over.limit, limit);
                    refused += 1;
                }
                Ok(_) => served += 1,
                Err(other) => panic!("{limit}: {other}"),
            },
        }
    }
    assert!(refused > 10 && served > 10, "{refused} {served}");
}

#[test]
fn a_real_model_that_gets_too_little_at_any_moment_is_an_error_and_no_more() {
    let models = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.overt/models");
    let sizes = [
        ("centerface", [1, 3, 256, 320]),
        ("mobilefacenet", [3, 3, 112, 112]),
        ("rfb320", [1, 3, 240, 320]),
    ];
    for (name, shape) in sizes {
        let model = ModelFile::read(&models.join(format!("{name}.onnx"))).unwrap();
        let count: u32 = shape.iter().product();
        let x = floats(&shape, &vec![1.0; count as usize]);
        let (mut refused, mut served) = (0, 0);
        for limit in (1..60).step_by(3).map(|step| step * (1 << 20)) {
            let loaded = runtime().load(&model, limit);
            match loaded.and_then(|mut session| run(&mut *session, &[&x])) {
                Err(error) => {
                    assert!(matches!(error, InferenceError::OverMemory(_)), "{error}");
                    refused += 1;
                }
                Ok(_) => served += 1,
            }
        }
        assert!(refused > 2 && served > 3, "{name}: {refused} {served}");
    }
}

/// Days of frames: what a run leaves on its session's account, be it a few bytes, would come to the limit some night, and a plugin that did nothing wrong would be out.
#[test]
fn runs_without_number_leave_nothing_on_the_account() {
    const ROWS: u32 = 20_000;
    // As `add`, but that only the library finds out where the rows of the two are not as many.
    let open = [Side::Open, Side::Fixed(3)];
    let graph = Graph {
        input: vec![port("a", FLOAT, &open), port("b", FLOAT, &open)],
        output: vec![port("sum", FLOAT, &open)],
        ..add()
    };
    // A few runs' worth: where each run left 1 KiB it would be used up.
    let mut session = runtime().load(&model(&file(graph)), 16 << 20).unwrap();
    let many = floats(&[ROWS, 3], &vec![1.0; ROWS as usize * 3]);
    let few = floats(&[7, 3], &[1.0; 21]);
    for round in 0..20_000 {
        let input = if round % 1_000 == 0 { &many } else { &few };
        run(&mut *session, &[input, input]).unwrap();
        // What the library complains of leaves nothing either.
        if round % 100 == 0 {
            let error = run(&mut *session, &[&many, &few]).map(|_| ()).unwrap_err();
            assert!(matches!(error, InferenceError::Failed { .. }), "{error}");
        }
    }
    run(&mut *session, &[&many, &many]).unwrap();
}
