//! Pixels: without the capability `pixels`, the numbers of a tensor made of a frame stay in the host, whichever way a guest asks.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use overt_runtime::{CallCause, Plugin, PluginError, Role};
use support::{
    Acts, component, frame, manifest, not_accepted, read, runtime, terms, with_manifest,
};

/// A detector that makes a tensor of the frame (1 × 1, at 64 + 4 in memory) and then asks one thing of it, whose answer lies at 128: 0 at
/// 128 and well, or the error's number at 132. It traps with an integer overflow where the answer is well, and with a division by zero
/// where the tensor is withheld.
fn asks(question: &str) -> Vec<u8> {
    let frames = "overt:algorithm/frames@0.1.0";
    let tensors = "overt:algorithm/tensors@0.1.0";
    let wat = format!(
        r#"(module
        (import "{frames}" "[method]frame.tensor" (func $tensor (param i32 i32)))
        (import "{tensors}" "[method]tensor.read" (func $read (param i32 i32 i32 i32)))
        (import "{tensors}" "[method]tensor.read-bytes" (func $read-bytes (param i32 i32 i32 i32)))
        (import "{tensors}" "[method]tensor.peaks" (func $peaks (param i32 i32 f32 i32 i32)))
        (import "{tensors}" "[method]tensor.gather" (func $gather (param i32 i32 i32 i32)))
        (memory (export "memory") 1)
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096))
        (func (export "overt:algorithm/detector@0.1.0#detect") (param i32) (result i32)
            (local $made i32)
            ;; The arguments: the frame; no region; 1 × 1; stretch; multiple 1; planar float32 RGB; mean 0; scale 1.
            (i32.store (i32.const 0) (local.get 0))
            (i32.store (i32.const 24) (i32.const 1))
            (i32.store (i32.const 28) (i32.const 1))
            (i32.store (i32.const 36) (i32.const 1))
            (f32.store (i32.const 56) (f32.const 1))
            (f32.store (i32.const 60) (f32.const 1))
            (f32.store (i32.const 64) (f32.const 1))
            (call $tensor (i32.const 0) (i32.const 96))
            (if (i32.load8_u (i32.const 96)) (then unreachable))
            (local.set $made (i32.load (i32.const 100)))
            {question}
            (if (i32.eqz (i32.load8_u (i32.const 128)))
                (then (drop (i32.div_s (i32.const 0x80000000) (i32.const -1)))))
            (if (i32.eq (i32.load8_u (i32.const 132)) (i32.const 5))
                (then (drop (i32.div_s (i32.const 1) (i32.const 0)))))
            unreachable))"#
    );
    component("detector-plugin", &wat)
}

/// Every way to a tensor's numbers.
const QUESTIONS: [&str; 4] = [
    "(call $read (local.get $made) (i32.const 0) (i32.const 1) (i32.const 128))",
    "(call $read-bytes (local.get $made) (i32.const 0) (i32.const 1) (i32.const 128))",
    "(call $peaks (local.get $made) (i32.const 0) (f32.const 0) (i32.const 1) (i32.const 128))",
    "(call $gather (local.get $made) (i32.const 200) (i32.const 1) (i32.const 128))",
];

fn bytes(question: &str, capabilities: &str) -> Vec<u8> {
    let manifest = manifest(Role::Detector, &format!("[capabilities]\n{capabilities}\n"));
    with_manifest(asks(question), &manifest)
}

fn cause(plugin: &Plugin) -> String {
    let mut sessions = plugin.sessions(&Acts::by(|| ())).unwrap();
    match plugin.detect(&frame(), &mut sessions).unwrap_err().cause {
        CallCause::Trap(text) => text,
        other => panic!("{other}"),
    }
}

#[test]
fn numbers_of_a_frame_are_withheld_from_a_plugin_without_the_capability() {
    for question in QUESTIONS {
        let file = read(bytes(question, "frames = true")).unwrap();
        // Granted all the same, which gives nothing that is not declared.
        let plugin = runtime().accept(&file, terms(Role::Detector)).unwrap();
        let text = cause(&plugin);
        assert!(text.contains("divide by zero"), "{question}: {text}");
    }
}

#[test]
fn numbers_of_a_frame_are_read_with_the_capability() {
    for question in QUESTIONS {
        let file = read(bytes(question, "frames = true\npixels = true")).unwrap();
        let plugin = runtime().accept(&file, terms(Role::Detector)).unwrap();
        let text = cause(&plugin);
        assert!(text.contains("overflow"), "{question}: {text}");
    }
}

#[test]
fn the_capability_pixels_has_to_be_granted_although_nothing_imports_it() {
    let mut terms = terms(Role::Detector);
    terms.grants.remove(&overt_runtime::Capability::Pixels);
    let error = not_accepted(bytes(QUESTIONS[0], "frames = true\npixels = true"), terms);
    assert!(matches!(
        error,
        PluginError::NotGranted {
            capability: overt_runtime::Capability::Pixels,
            ..
        }
    ));
}
