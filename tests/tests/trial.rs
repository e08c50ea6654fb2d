//! Models that do harm when they are loaded are found out in the child process, which is ended; the host lives, and loads the next one. Under each back end.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::{Path, PathBuf};

use overt_runtime::compiler::Compiler;
use overt_runtime::trial::TrialFault;
use overt_runtime::{Runtime, RuntimeOptions};
use overt_tests::hostile::{backend, model_file, setup};
use overt_tests::models::{Bomb, bombs, sound, swelling};
use overt_vision::{Backend, Device, MODEL_MEMORY, ModelFile, OpenVino, Precision};

fn runtime(arguments: &[&str], cache: Option<&Path>) -> Runtime {
    Runtime::new(RuntimeOptions {
        compiler: Compiler {
            program: env!("CARGO_BIN_EXE_compile").into(),
            arguments: arguments.iter().map(Into::into).collect(),
        },
        cache: cache.map(PathBuf::from),
    })
    .unwrap()
}

fn openvino() -> OpenVino {
    let library = setup().file("openvino/libopenvino_c.so.2641");
    OpenVino::open(&library, Device::Cpu, Precision::F32).unwrap()
}

fn model(bytes: &[u8]) -> ModelFile {
    model_file(bytes).unwrap().1
}

fn bombs_are_ended(backend: &dyn Backend) {
    // Two seconds: the library itself takes one to be loaded.
    let runtime = runtime(&["--trial-cpu-seconds", "2"], None);
    for (name, bomb, bytes) in bombs() {
        let fault = runtime
            .try_model(&model(&bytes), MODEL_MEMORY, backend)
            .unwrap();
        let right = match bomb {
            Bomb::Memory => matches!(
                &fault,
                Some(TrialFault::Memory {
                    limit_mib: 2_048,
                    ..
                })
            ),
            Bomb::Time => matches!(&fault, Some(TrialFault::CpuTime { .. })),
        };
        assert!(right, "{name}: {fault:?}");
        let fault = fault.unwrap();
        assert!(
            fault.to_string().contains(&backend.identity().name),
            "{fault}"
        );
        assert!(!fault.mend().is_empty());
    }
    assert_eq!(
        runtime
            .try_model(&model(&sound()), MODEL_MEMORY, backend)
            .unwrap(),
        None
    );
}

#[test]
fn onnx_runtime_is_ended_over_a_model_that_takes_too_much_to_load() {
    bombs_are_ended(&backend());
}

#[test]
fn openvino_is_ended_over_a_model_that_takes_too_much_to_load() {
    bombs_are_ended(&openvino());
}

#[test]
fn a_model_is_held_to_the_memory_of_its_own_limit() {
    let runtime = runtime(&[], None);
    // 32 MiB and as much again.
    let swelling = model(&swelling(8 << 20));
    for backend in [&backend() as &dyn Backend, &openvino()] {
        let tried = |memory| runtime.try_model(&swelling, memory, backend).unwrap();
        assert_eq!(
            tried(16 << 20),
            Some(TrialFault::Memory {
                backend: backend.identity().name.clone(),
                limit_mib: 16
            })
        );
        assert_eq!(tried(256 << 20), None);
    }
}

#[test]
fn a_model_that_the_library_refuses_is_refused_with_its_words() {
    let backwards = overt_tests::models::all()
        .into_iter()
        .find(|model| model.name == "an operator that no standard has")
        .unwrap();
    let fault = runtime(&[], None)
        .try_model(&model(&backwards.bytes), MODEL_MEMORY, &backend())
        .unwrap();
    assert!(
        matches!(&fault, Some(TrialFault::Refused { cause, .. }) if cause.contains("Backdoor")),
        "{fault:?}"
    );
}

#[test]
fn a_model_is_tried_once_and_again_where_anything_is_another() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    let (sound, backend) = (model(&sound()), backend());
    let tried = |arguments: &[&str], memory| {
        runtime(arguments, Some(&cache)).try_model(&sound, memory, &backend)
    };
    assert_eq!(tried(&[], MODEL_MEMORY).unwrap(), None);
    // A child that cannot do it is not asked again.
    let broken = &["no-such-family"][..];
    assert_eq!(tried(broken, MODEL_MEMORY).unwrap(), None);
    let told = tried(broken, MODEL_MEMORY / 2).unwrap_err().to_string();
    assert!(told.contains("the trial of a model"), "{told}");
    let other = openvino();
    assert!(
        runtime(broken, Some(&cache))
            .try_model(&sound, MODEL_MEMORY, &other)
            .is_err()
    );

    // A note that somebody else wrote, or moved here from another model, is none.
    let notes: Vec<PathBuf> = std::fs::read_dir(&cache)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.file_name()
                .unwrap()
                .to_string_lossy()
                .starts_with("note-")
        })
        .collect();
    let [note] = &notes[..] else {
        panic!("{notes:?}")
    };
    let mut bytes = std::fs::read(note).unwrap();
    bytes[7] ^= 1;
    std::fs::write(note, bytes).unwrap();
    assert!(tried(broken, MODEL_MEMORY).is_err());
    assert_eq!(tried(&[], MODEL_MEMORY).unwrap(), None);
    assert_eq!(
        tried(broken, MODEL_MEMORY).unwrap(),
        None,
        "it is written anew"
    );
}
