//! Hostile models: each is refused or ended with an error that says a fact and can be shown, and the next model loads and computes.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::{Duration, Instant};

use overt_tests::hostile::{backend, model_file};
use overt_tests::models::{HostileModel, Sentinel, all, sound};
use overt_vision::{Backend, Budget, InferenceError, Tensor};

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
    let mut session = match backend.load(&file) {
        Ok(session) => session,
        Err(error) => {
            assert!(
                matches!(error, InferenceError::BadModel { .. }),
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

fn the_next_model_works(backend: &dyn Backend) {
    let (_, file) = model_file(&sound()).unwrap();
    let mut session = backend.load(&file).unwrap();
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
        assert!(
            text.len() < 4_000,
            "{}: {} bytes are said",
            model.name,
            text.len()
        );
        assert!(
            !text
                .chars()
                .any(|character| character.is_control() && character != '\n'),
            "{}: {text:?}",
            model.name
        );
    }
}
