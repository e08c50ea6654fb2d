//! Hostile models: each is refused or ended with an error that says a fact and can be shown, and the next model loads and computes.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::{Duration, Instant};

use overt_tests::hostile::{backend, model_file, setup};
use overt_tests::models::{HostileModel, Sentinel, all, sound};
use overt_vision::{Backend, Budget, Device, InferenceError, OpenVino, Precision, Tensor};

/// Bytes that a model may have.
const MEMORY: u64 = 64 << 20;

/// Bytes that a call may have in tensors.
const BUDGET: u64 = 16 << 20;

fn numbers() -> Tensor {
    Tensor::from_values(&[1], &[1.5], &Budget::unlimited()).unwrap()
}

/// What became of a model: who sent it away, and with which words.
fn sent_away_by(backend: &dyn Backend, model: &HostileModel) -> Option<(Sentinel, String)> {
    let file = match model_file(&model.bytes) {
        Ok((_, file)) => file,
        Err(error) => return Some((Sentinel::Reader, error.to_string())),
    };
    let mut session = match backend.load(&file, MEMORY) {
        Ok(session) => session,
        Err(error) => {
            assert!(
                matches!(
                    error,
                    InferenceError::BadModel { .. } | InferenceError::OverMemory(_)
                ),
                "{}: {error}",
                model.name
            );
            return Some((Sentinel::Library, error.to_string()));
        }
    };
    let budget = Budget::new(BUDGET);
    let deadline = Instant::now() + Duration::from_millis(100);
    match session.run(&[&numbers()], &budget, Some(deadline)) {
        Ok(answers) => {
            let bytes: usize = answers.iter().map(Tensor::byte_len).sum();
            assert_eq!(
                budget.left() + bytes as u64,
                BUDGET,
                "{}: what it answers is charged",
                model.name
            );
            None
        }
        Err(error) => Some((Sentinel::Run, error.to_string())),
    }
}

fn is_readable(text: &str, name: &str) {
    assert!(text.len() < 4_000, "{name}: {} bytes are said", text.len());
    let odd = text.chars().find(|odd| odd.is_control() && *odd != '\n');
    assert_eq!(odd, None, "{name}: {text:?}");
}

fn the_next_model_works(backend: &dyn Backend) {
    let (_, file) = model_file(&sound()).unwrap();
    let mut session = backend.load(&file, MEMORY).unwrap();
    let answers = session
        .run(&[&numbers()], &Budget::new(BUDGET), None)
        .unwrap();
    assert_eq!(answers[0].read(0, 1).unwrap(), [3.0]);
}

#[test]
fn hostile_models_are_sent_away_with_a_fact_and_the_next_one_works() {
    let backend = backend();
    let models = all();
    assert!(models.len() > 30);
    for model in &models {
        let said = sent_away_by(&backend, model);
        the_next_model_works(&backend);
        let by = said.as_ref().map(|(by, _)| *by);
        let right = match model.sentinel {
            Sentinel::Nobody => true,
            Sentinel::Either => matches!(by, Some(Sentinel::Reader | Sentinel::Library)),
            wanted => by == Some(wanted),
        };
        let text = said.map(|(_, text)| text).unwrap_or_default();
        assert!(right, "{}: {by:?}: {text}", model.name);
        is_readable(&text, &model.name);
    }
}

#[test]
fn hostile_models_do_openvino_no_harm_either() {
    let library = setup().file("openvino/libopenvino_c.so.2641");
    let backend = OpenVino::open(&library, Device::Cpu, Precision::F32).unwrap();
    let mut sent_away = 0;
    for model in &all() {
        let said = sent_away_by(&backend, model);
        // Loading is slow here, and the reader of files knows no library.
        if !matches!(said, Some((Sentinel::Reader, _))) {
            the_next_model_works(&backend);
        }
        sent_away += usize::from(said.is_some());
        // It makes sense of some that ONNX Runtime refuses, such as one value made twice.
        if model.sentinel == Sentinel::Reader {
            assert_eq!(
                said.map(|(by, _)| by),
                Some(Sentinel::Reader),
                "{}",
                model.name
            );
        } else if let Some((_, text)) = said {
            is_readable(&text, &model.name);
        }
    }
    assert!(sent_away > 30, "{sent_away}");
}
