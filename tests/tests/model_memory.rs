//! What models take in memory is held, under each back end: the process stays small over models that are made to take all there is, and would not otherwise.
//! Alone in its process, whose memory is measured.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::{Duration, Instant};

use overt_tests::hostile::{backend, model_file, setup};
use overt_tests::models::{all, sound, swelling};
use overt_vision::{
    Backend, Budget, Device, InferenceError, OpenVino, Precision, Session, Tensor, memory,
};

/// What each model may have.
const MEMORY: u64 = 64 << 20;

/// What each run of the unbounded model takes.
const TAKEN: u64 = 1 << 30;

/// The most that this process had in use since it was last asked.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    let kib: u64 = number.unwrap().parse().unwrap();
    // From now on.
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    kib << 10
}

fn run(session: &mut dyn Session, limit: Duration) -> Result<Vec<Tensor>, InferenceError> {
    let number = Tensor::from_values(&[1], &[1.5], &Budget::unlimited()).unwrap();
    let budget = Budget::new(16 << 20);
    session.run(&[&number], &budget, Some(Instant::now() + limit))
}

const AMPLE: Duration = Duration::from_secs(60);

fn holds(backend: &dyn Backend) {
    let name = &backend.identity().name;
    let file = |bytes: &[u8]| model_file(bytes).unwrap().1;
    let mut sound = backend.load(&file(&sound()), MEMORY).unwrap();
    peak();
    let at_rest = peak();

    // One after the other, each as far as it comes; then eight of the worst, which are kept.
    for model in &all() {
        let Ok((_, file)) = model_file(&model.bytes) else {
            continue;
        };
        if let Ok(mut session) = backend.load(&file, MEMORY) {
            let _ = run(&mut *session, Duration::from_millis(500));
        }
    }
    let swelling = file(&swelling(TAKEN / 8));
    let mut many = Vec::new();
    for _ in 0..4 {
        for _ in 0..2 {
            // OpenVINO takes what it knows that it will need when it loads the model.
            let refused = match backend.load(&swelling, MEMORY) {
                Ok(mut session) => {
                    let refused = run(&mut *session, AMPLE).unwrap_err();
                    many.push(session);
                    refused
                }
                Err(refused) => refused,
            };
            assert!(
                matches!(&refused, InferenceError::OverMemory(over) if over.limit == MEMORY),
                "{name}: {refused}"
            );
            assert_eq!(
                run(&mut *sound, AMPLE).unwrap()[0].read(0, 1).unwrap(),
                [3.0]
            );
        }
    }
    let held = peak() - at_rest;
    drop(many);

    // The same model with all that it wants.
    let mut unbounded = backend.load(&swelling, u64::MAX).unwrap();
    run(&mut *unbounded, AMPLE).unwrap();
    drop(unbounded);
    let free = peak() - at_rest;

    println!("{name}: {} MiB held, {} MiB free", held >> 20, free >> 20);
    assert!(held < 10 * MEMORY, "{name}: {held} bytes");
    assert!(
        free > TAKEN / 2,
        "{name}: {free} bytes: this test measures nothing"
    );
}

#[test]
fn models_made_to_take_all_memory_take_what_they_may() {
    assert!(memory::is_counted());
    holds(&backend());
    let library = setup().file("openvino/libopenvino_c.so.2641");
    holds(&OpenVino::open(&library, Device::Cpu, Precision::F32).unwrap());
}
