//! What of WebAssembly a plugin may use: 2.0 and components, and nothing whose results differ between machines, that shares memory, that waits, or that the
//! limits of a call do not count.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use overt_runtime::{PluginError, Role};
use support::{accepted_policy, observation, policy_manifest, read, terms, with_manifest};

/// What reading a component of this WAT says, with a manifest.
fn reading(component: &str) -> Result<(), PluginError> {
    let bytes = wat::parse_str(component).expect(component);
    read(with_manifest(bytes, &policy_manifest())).map(drop)
}

/// The same of a core module, within a component.
fn reading_module(module: &str) -> Result<(), PluginError> {
    reading(&format!("(component (core module {module}))"))
}

#[test]
fn what_webassembly_has_beyond_2_0_is_refused_in_a_module() {
    for (feature, module) in [
        ("threads", "(memory 1 1 shared)"),
        (
            "threads",
            "(memory 1) (func (result i32) (i32.atomic.load (i32.const 0)))",
        ),
        ("memory64", "(memory i64 1)"),
        ("memory64", "(table i64 1 funcref)"),
        ("custom page sizes", "(memory 1 (pagesize 1))"),
        (
            "relaxed SIMD",
            "(func (param v128 v128 v128) (result v128)
                (f32x4.relaxed_madd (local.get 0) (local.get 1) (local.get 2)))",
        ),
        ("garbage collection", "(type (struct (field i32)))"),
        ("garbage collection", "(func (param i31ref))"),
        (
            "function references",
            "(type $f (func)) (func (param (ref $f)))",
        ),
        ("exceptions", "(tag)"),
        ("exceptions", "(func (param exnref))"),
        (
            "wide arithmetic",
            "(func (param i64 i64 i64 i64) (result i64 i64)
                (i64.add128 (local.get 0) (local.get 1) (local.get 2) (local.get 3)))",
        ),
        ("stack switching", "(type $f (func)) (type (cont $f))"),
    ] {
        let error = reading_module(module).expect_err(feature);
        assert!(
            matches!(error, PluginError::Malformed { .. }),
            "{feature}: {error}"
        );
    }
}

#[test]
fn what_components_have_beyond_the_contract_is_refused() {
    for (feature, component) in [
        ("async", "(type (func async))"),
        ("async", "(core func (canon task.cancel))"),
        ("async", "(core func (canon backpressure.inc))"),
        (
            "async",
            "(type $s (stream u8)) (core func (canon stream.new $s))",
        ),
        ("async", "(type (future u8))"),
        ("threads", "(core func (canon thread.index))"),
        ("error context", "(type error-context)"),
        ("values", "(import \"v\" (value string))"),
        ("lists of fixed length", "(type (list u8 4))"),
        ("maps", "(type (map string u8))"),
    ] {
        let error = reading(&format!("(component {component})")).expect_err(feature);
        assert!(
            matches!(error, PluginError::Malformed { .. }),
            "{feature}: {error}"
        );
    }
}

#[test]
fn what_ordinary_toolchains_use_is_read() {
    for module in [
        "(memory 1) (memory 1)",
        "(func (param v128) (result v128) (f32x4.sqrt (local.get 0)))",
        "(func $f (return_call $f))",
        "(memory 1) (func (memory.copy (i32.const 0) (i32.const 8) (i32.const 8)))",
        "(global i32 (i32.add (i32.const 1) (i32.const 2)))",
        "(func (param externref))",
    ] {
        reading_module(module).unwrap();
    }
}

/// Traps unless these 32 bits of a NaN that arithmetic made are those of the canonical one, so that every machine decides alike.
#[test]
fn a_nan_that_a_decision_plugin_makes_has_the_same_bits_everywhere() {
    for nan in [
        // 0/0, a NaN with a payload that goes through a sum, and the difference of infinities; processors answer with signs and payloads of their own.
        "(i32.reinterpret_f32 (f32.div (f32.const 0) (f32.const 0)))",
        "(i32.reinterpret_f32 (f32.add (f32.const nan:0x200001) (f32.const 1)))",
        "(i32.reinterpret_f32 (f32.sub (f32.const inf) (f32.const inf)))",
        "(i32.reinterpret_f32 (f32.sqrt (f32.const -1)))",
        "(i32x4.extract_lane 0 (f32x4.div (v128.const f32x4 0 0 0 0) (v128.const f32x4 0 0 0 0)))",
        "(i32x4.extract_lane 0 (f32x4.min (v128.const f32x4 -nan -nan -nan -nan) (v128.const f32x4 1 1 1 1)))",
    ] {
        let body = format!(
            "(if (i32.ne {nan} (i32.const 0x7fc00000)) (then (unreachable))) (i32.const 0)"
        );
        let plugin = accepted_policy(&body, "", terms(Role::MatcherPolicy));
        plugin.decide(&observation()).expect(nan);
    }
}

#[test]
fn growth_beyond_what_a_memory_or_table_declares_is_answered_with_no_and_charged_to_nobody() {
    // Two thousand times 64 KiB would be twice the limit.
    let body = "(local $n i32)
        (loop $again
            (if (i32.ne (memory.grow (i32.const 1)) (i32.const -1)) (then (unreachable)))
            (if (i32.ne (table.grow (ref.null func) (i32.const 1000)) (i32.const -1)) (then (unreachable)))
            (local.set $n (i32.add (local.get $n) (i32.const 1)))
            (br_if $again (i32.lt_u (local.get $n) (i32.const 2000))))
        (i32.const 0)";
    let wat = support::policy_wat(body, "(table 1 1 funcref)").replace(
        "(memory (export \"memory\") 1)",
        "(memory (export \"memory\") 1 1)",
    );
    let bytes = with_manifest(
        support::component("matcher-policy-plugin", &wat),
        &policy_manifest(),
    );
    let plugin = support::runtime()
        .accept(&read(bytes).unwrap(), terms(Role::MatcherPolicy))
        .unwrap();
    plugin.decide(&observation()).unwrap();
}
