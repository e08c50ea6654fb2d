//! OpenVINO itself, on small models that are written here.
#![allow(clippy::unwrap_used)]

// Once for each back end, on purpose.
#[allow(clippy::duplicate_mod)]
#[path = "../session_tests.rs"]
mod every_back_end;

use std::fs;
use std::time::Instant;

use tempfile::TempDir;

use self::every_back_end::{add, floats, load, model, run};
use super::*;
use crate::budget::Budget;
use crate::memory::MODEL_MEMORY;
use crate::tensor::{Element, Tensor};
use crate::testing::onnx::{FLOAT, Graph, INT64, Side, constant, file, node, port};
use crate::testing::{library, openvino_library};

fn runtime() -> OpenVino {
    OpenVino::open(&openvino_library(), Device::Cpu, Precision::F32).unwrap()
}

/// `times` convolutions of 16 channels, one after the other, each about an average of what is near.
fn convolutions(times: usize) -> Graph {
    let weights: Vec<u8> = (0..16 * 16 * 9)
        .flat_map(|i| ((1.0 + (i as f32 * 0.37).sin()) / 144.0).to_le_bytes())
        .collect();
    let side = |c| {
        [
            Side::Fixed(1),
            Side::Fixed(c),
            Side::Named("h"),
            Side::Named("w"),
        ]
    };
    let names: Vec<String> = (0..=times).map(|i| format!("x{i}")).collect();
    Graph {
        node: (0..times)
            .map(|i| {
                node("Conv", &[&names[i], "w"], &[&names[i + 1]]).with_ints("pads", &[1, 1, 1, 1])
            })
            .collect(),
        initializer: vec![constant("w", FLOAT, &[16, 16, 3, 3], &weights)],
        input: vec![port("x0", FLOAT, &side(16))],
        output: vec![port(names[times].clone().leak(), FLOAT, &side(16))],
        ..Graph::default()
    }
}

#[test]
fn a_run_is_stopped_at_its_deadline_between_two_operators_and_the_session_works_on() {
    let mut session = load(convolutions(200));
    let x = floats(&[1, 16, 160, 160], &vec![0.5; 16 * 160 * 160]);
    // The quickest of three and the quickest of ten, as others may want the machine at any of these moments.
    let timed = |run: &mut dyn FnMut()| {
        let begin = Instant::now();
        run();
        begin.elapsed()
    };
    let whole = (0..3)
        .map(|_| timed(&mut || drop(run(&mut *session, &[&x]).unwrap())))
        .min()
        .unwrap();
    let stopped = (0..10)
        .map(|_| {
            timed(&mut || {
                let deadline = Instant::now() + whole / 10;
                let stopped = session
                    .run(&[&x], &Budget::unlimited(), Some(deadline))
                    .unwrap_err();
                assert!(
                    matches!(stopped, InferenceError::Deadline { .. }),
                    "{stopped}"
                );
                assert!(Instant::now() >= deadline);
            })
        })
        .min()
        .unwrap();
    assert!(
        stopped < whole * 2 / 3,
        "{stopped:?} of {whole:?}: it did not run to its end"
    );
    let passed = session.run(&[&x], &Budget::unlimited(), Some(Instant::now()));
    assert!(matches!(passed, Err(InferenceError::Deadline { .. })));
    let far = Instant::now() + std::time::Duration::from_secs(3600);
    let once = run(&mut *session, &[&x]).unwrap();
    let watched = session.run(&[&x], &Budget::unlimited(), Some(far)).unwrap();
    assert_eq!(once[0].as_f32s(), watched[0].as_f32s());
}

#[test]
fn an_answer_that_is_the_models_own_number_is_the_same_in_each_run() {
    // What OpenVINO keeps of an answer is zeroed after each run, and its weights must not be.
    let constant_answer = Graph {
        node: vec![
            node("Identity", &["w"], &["y"]),
            node("Add", &["x", "w"], &["z"]),
        ],
        initializer: vec![constant("w", FLOAT, &[1], &7f32.to_le_bytes())],
        input: vec![port("x", FLOAT, &[Side::Fixed(1)])],
        output: vec![
            port("y", FLOAT, &[Side::Fixed(1)]),
            port("z", FLOAT, &[Side::Fixed(1)]),
        ],
        ..Graph::default()
    };
    let mut session = load(constant_answer);
    for _ in 0..3 {
        let out = run(&mut *session, &[&floats(&[1], &[1.0])]).unwrap();
        let numbers: Vec<_> = out.iter().map(|t| t.as_f32s().unwrap()[0]).collect();
        assert_eq!(numbers, [7.0, 8.0]);
    }
}

#[test]
fn a_number_that_the_library_would_shorten_is_refused() {
    let same = Graph {
        node: vec![node("Identity", &["x"], &["y"])],
        input: vec![port("x", INT64, &[Side::Open])],
        output: vec![port("y", INT64, &[Side::Open])],
        ..Graph::default()
    };
    let mut session = load(same);
    let mut ran = |value: i64| {
        let x = Tensor::from_bytes(
            &[1],
            Element::Int64,
            &value.to_le_bytes(),
            &Budget::unlimited(),
        );
        run(&mut *session, &[&x.unwrap()])
    };
    assert!(ran(i64::from(i32::MAX)).is_ok());
    let refused = ran(i64::from(i32::MAX) + 1).unwrap_err();
    assert!(
        matches!(&refused, InferenceError::BadInput { input, .. } if input == "x"),
        "{refused}"
    );
}

#[test]
fn bfloat16_is_near_binary32_and_not_the_same() {
    let x = floats(
        &[1, 16, 40, 40],
        &(0..16 * 1600)
            .map(|i| (i as f32 * 0.11).cos())
            .collect::<Vec<_>>(),
    );
    let exact = run(&mut *load(convolutions(3)), &[&x]).unwrap().remove(0);
    let half = match OpenVino::open(&openvino_library(), Device::Cpu, Precision::Bf16) {
        Ok(half) => half,
        Err(refused) => {
            assert!(!processor_has_bf16());
            assert!(
                matches!(refused, InferenceError::NoPrecision { .. }),
                "{refused}"
            );
            return;
        }
    };
    assert_eq!(half.identity().arithmetic(), "openvino bf16");
    let mut session = half
        .load(&model(&file(convolutions(3))), MODEL_MEMORY)
        .unwrap();
    let near = run(&mut *session, &[&x]).unwrap().remove(0);
    let (a, b) = (exact.as_f32s().unwrap(), near.as_f32s().unwrap());
    assert_ne!(a, b, "it computed with binary32");
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter()
            .zip(b)
            .map(|(a, b)| f64::from(*a) * f64::from(*b))
            .sum()
    };
    let cosine = dot(a, b) / (dot(a, a) * dot(b, b)).sqrt();
    assert!(cosine > 0.999, "{cosine}");
}

#[test]
fn another_device_than_the_processor_is_refused() {
    let refused = OpenVino::open(
        &openvino_library(),
        Device::Cuda { index: 0 },
        Precision::F32,
    );
    assert!(matches!(refused, Err(InferenceError::NoDevice { .. })));
}

#[test]
fn the_library_says_its_version_and_is_loaded_once() {
    let first = runtime();
    let identity = first.identity();
    assert!(identity.version.starts_with("20"), "{identity}");
    assert_eq!(
        (identity.arithmetic(), identity.device.as_str()),
        ("openvino f32".to_owned(), "cpu")
    );
    assert_eq!(identity.sha256.len(), 64);
    assert_eq!(runtime().identity(), identity, "opened again");
    let folder = TempDir::new().unwrap();
    let other = folder.path().join("libopenvino_c.so");
    fs::copy(openvino_library(), &other).unwrap();
    let refused = OpenVino::open(&other, Device::Cpu, Precision::F32).unwrap_err();
    assert!(
        matches!(&refused, InferenceError::Library { path, cause } if *path == other && cause.contains("already")),
        "{refused}"
    );
}

#[test]
fn the_digest_changes_with_any_file_of_the_library_and_with_no_other() {
    let folder = TempDir::new().unwrap();
    let file = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let digest = || digest_of(&folder.path().join("libopenvino_c.so")).unwrap();
    file("libopenvino_c.so", "c");
    file("libopenvino_intel_cpu_plugin.so", "cpu");
    let before = digest();
    file("libz.so", "z");
    assert_eq!(digest(), before);
    file("libopenvino_intel_cpu_plugin.so", "cpu of another release");
    assert_ne!(digest(), before);
}

#[test]
fn a_file_that_is_no_such_library_is_named() {
    let folder = TempDir::new().unwrap();
    let text = folder.path().join("text.so");
    fs::write(&text, "not a library").unwrap();
    for path in [folder.path().join("none.so"), text.clone()] {
        let refused = OpenVino::open(&path, Device::Cpu, Precision::F32).unwrap_err();
        assert!(
            matches!(&refused, InferenceError::Library { path: named, .. } if *named == path),
            "{refused}"
        );
    }
    // What a process says that has loaded nothing yet.
    assert!(check_is_openvino(&text).is_err());
    let foreign = check_is_openvino(&library()).unwrap_err();
    assert!(foreign.contains("ov_get_openvino_version"), "{foreign}");
}

#[test]
fn a_model_of_the_contract_says_what_the_file_declares() {
    let session = load(add());
    assert_eq!(session.inputs()[0].shape, [-1, 3]);
}
