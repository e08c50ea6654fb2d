//! Handles: used after they were given back, given back twice, made up, or of another kind; kept beyond the call; handed out as an answer. Each ends
//! the call, and the next frame is served.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use overt_runtime::{CallCause, Plugin, Role};
use support::{Acts, component, frame, manifest, read, runtime, terms, with_manifest};

const FRAMES: &str = "overt:algorithm/frames@0.1.0";
const TENSORS: &str = "overt:algorithm/tensors@0.1.0";

/// A role of WAT whose function has this body. `$width`, `$drop-frame`, `$shape`, `$element`, `$drop-tensor` and `$make` are imported; `$make`
/// gives a tensor of one number.
fn wat(function: &str, body: &str) -> String {
    format!(
        r#"(module
        (import "{FRAMES}" "[method]frame.width" (func $width (param i32) (result i32)))
        (import "{FRAMES}" "[resource-drop]frame" (func $drop-frame (param i32)))
        (import "{TENSORS}" "[static]tensor.from-values" (func $from-values (param i32 i32 i32 i32 i32)))
        (import "{TENSORS}" "[method]tensor.element" (func $element (param i32) (result i32)))
        (import "{TENSORS}" "[resource-drop]tensor" (func $drop-tensor (param i32)))
        (memory (export "memory") 1)
        (data (i32.const 512) "\01\00\00\00")
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096))
        (func $make (result i32)
            ;; The shape [1], and whatever number stands there.
            (call $from-values (i32.const 512) (i32.const 1) (i32.const 512) (i32.const 1) (i32.const 256))
            (if (i32.load8_u (i32.const 256)) (then unreachable))
            (i32.load (i32.const 260)))
        (func (export "{function}") {body}))"#
    )
}

fn detector(body: &str) -> Plugin {
    let body = format!("(param $frame i32) (result i32) (local $t i32) {body}");
    let wat = wat("overt:algorithm/detector@0.1.0#detect", &body);
    let manifest = manifest(Role::Detector, "[capabilities]\nframes = true\n");
    let bytes = with_manifest(component("detector-plugin", &wat), &manifest);
    runtime()
        .accept(&read(bytes).unwrap(), terms(Role::Detector))
        .unwrap()
}

/// What the trap says that ends a call of this body, twice.
fn trap(body: &str) -> String {
    let plugin = detector(body);
    let mut sessions = plugin.sessions(&Acts::by(|| ())).unwrap();
    let mut cause = || match plugin.detect(&frame(), &mut sessions).unwrap_err().cause {
        CallCause::Trap(text) => text,
        other => panic!("{body}: {other}"),
    };
    let first = cause();
    assert_eq!(first, cause(), "the next call finds what this one found");
    let sound = detector("(call $drop-frame (local.get $frame)) (i32.const 1024)");
    assert!(
        sound.detect(&frame(), &mut sessions).unwrap().is_empty(),
        "the next frame is served"
    );
    first
}

#[test]
fn a_handle_that_was_given_back_is_none() {
    for body in [
        "(call $drop-frame (local.get $frame)) (drop (call $width (local.get $frame))) (i32.const 1024)",
        "(call $drop-frame (local.get $frame)) (call $drop-frame (local.get $frame)) (i32.const 1024)",
        "(local.set $t (call $make)) (call $drop-tensor (local.get $t)) (drop (call $element (local.get $t))) (i32.const 1024)",
        "(local.set $t (call $make)) (call $drop-tensor (local.get $t)) (call $drop-tensor (local.get $t)) (i32.const 1024)",
    ] {
        let text = trap(body);
        assert!(text.contains("handle"), "{body}: {text}");
    }
}

#[test]
fn a_handle_that_was_made_up_is_none() {
    for number in ["0", "1000", "-1", "2147483647", "268435455"] {
        for call in [
            "(drop (call $width (i32.const N)))",
            "(call $drop-frame (i32.const N))",
            "(drop (call $element (i32.const N)))",
        ] {
            let text = trap(&format!("{} (i32.const 1024)", call.replace('N', number)));
            assert!(text.contains("handle"), "{call} {number}: {text}");
        }
    }
}

#[test]
fn a_tensor_is_no_frame_and_a_frame_no_tensor() {
    for body in [
        "(drop (call $width (call $make))) (i32.const 1024)",
        "(drop (call $element (local.get $frame))) (i32.const 1024)",
        "(call $drop-frame (call $make)) (i32.const 1024)",
        "(call $drop-tensor (local.get $frame)) (i32.const 1024)",
    ] {
        let text = trap(body);
        assert!(text.contains("handle"), "{body}: {text}");
    }
}

#[test]
fn a_handle_whose_place_was_given_to_another_is_that_other_and_no_way_to_the_first() {
    // The new tensor takes the old one's number. That is the guest's own mistake, and harms nobody.
    let plugin = detector(
        "(local.set $t (call $make)) (call $drop-tensor (local.get $t)) (drop (call $make)) (drop (call $element (local.get $t))) (call $drop-frame (local.get $frame)) (i32.const 1024)",
    );
    let mut sessions = plugin.sessions(&Acts::by(|| ())).unwrap();
    assert!(plugin.detect(&frame(), &mut sessions).unwrap().is_empty());
}

#[test]
fn a_frame_that_is_kept_beyond_the_call_ends_it() {
    let text = trap("(i32.const 1024)");
    assert!(text.contains("borrow"), "{text}");
}

#[test]
fn tensors_that_are_kept_are_gone_with_the_call() {
    let plugin = detector(
        "(drop (call $make)) (drop (call $make)) (call $drop-frame (local.get $frame)) (i32.const 1024)",
    );
    let mut sessions = plugin.sessions(&Acts::by(|| ())).unwrap();
    for _ in 0..300 {
        plugin.detect(&frame(), &mut sessions).unwrap();
    }
}

#[test]
fn an_encoder_answers_with_a_tensor_that_it_holds_or_not_at_all() {
    let answers = |handle: &str| {
        let body = format!(
            "(param $frame i32) (param i32 i32) (result i32) (local $t i32) (local.set $t (call $make)) {handle} (i32.store (i32.const 1028)) (call $drop-frame (local.get $frame)) (i32.const 1024)"
        )
        .replace("(i32.store (i32.const 1028))", "(local.set $t) (i32.store (i32.const 1028) (local.get $t))");
        let manifest = manifest(Role::Encoder, "[capabilities]\nframes = true\n");
        let wat = wat("overt:algorithm/encoder@0.1.0#encode", &body);
        let bytes = with_manifest(component("encoder-plugin", &wat), &manifest);
        let plugin = runtime()
            .accept(&read(bytes).unwrap(), terms(Role::Encoder))
            .unwrap();
        let mut sessions = plugin.sessions(&Acts::by(|| ())).unwrap();
        plugin
            .encode(&frame(), &[], &mut sessions)
            .unwrap_err()
            .cause
    };
    // One number is no template; but it is a tensor.
    assert!(matches!(answers("(local.get $t)"), CallCause::Answer(_)));
    for handle in [
        "(call $drop-tensor (local.get $t)) (local.get $t)",
        "(i32.const 77)",
        "(local.get $frame)",
    ] {
        assert!(matches!(answers(handle), CallCause::Trap(_)), "{handle}");
    }
}
