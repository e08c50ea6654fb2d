//! ONNX Runtime itself, on small models that are written here: on the processor, or where `OVERT_TEST_CUDA` is a number, on that graphics
//! processor of NVIDIA.
#![allow(clippy::unwrap_used)]

// Once for each back end, on purpose.
#[allow(clippy::duplicate_mod)]
#[path = "../session_tests.rs"]
mod every_back_end;

use std::fs;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use self::every_back_end::{add, load, model, scalar};
use super::*;
use crate::budget::Budget;
use crate::memory::MODEL_MEMORY;
use crate::testing::onnx::{BOOL, FLOAT, Graph, INT64, constant, file, node, port};
use crate::testing::{device, library};

fn runtime() -> OnnxRuntime {
    OnnxRuntime::open(&library(), device()).unwrap()
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
fn a_device_that_is_not_there_is_an_error_and_never_the_cpu() {
    let refused = OnnxRuntime::open(&library(), Device::Cuda { index: 4096 })
        .and_then(|runtime| runtime.load(&model(&file(add())), MODEL_MEMORY).map(|_| ()));
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
        ("onnxruntime f32".to_owned(), device().to_string().as_str())
    );
    assert_eq!(first.device(), device());
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
    let cause = version_of(&text).unwrap_err();
    assert!(
        cause.contains("text.so: "),
        "the loader's own words, not only that it failed: {cause}"
    );
}

#[test]
fn the_files_that_compute_on_a_graphics_processor_are_part_of_the_librarys_digest() {
    let folder = TempDir::new().unwrap();
    let library = folder.path().join("libonnxruntime.so");
    fs::write(&library, "abc").unwrap();
    let alone = digest_of(&library).unwrap();
    assert_eq!(
        alone, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "its own file's, by which `sha256sum` knows it"
    );
    let provider = folder.path().join("libonnxruntime_providers_cuda.so");
    fs::write(&provider, "one").unwrap();
    let with_provider = digest_of(&library).unwrap();
    assert_ne!(with_provider, alone);
    fs::write(&provider, "another").unwrap();
    assert_ne!(digest_of(&library).unwrap(), with_provider);
}
