//! Compute: work that a guest finds outside of a plain loop, such as in bulk operators, in start functions, after its answer, or in the engine itself. It is
//! charged to the call that asked for it.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::time::Duration;

use overt_runtime::{CallCause, Limits, PluginError, Role, Terms};
use support::{
    Acts, accepted_policy, detector, frame, not_accepted, observation, policy, policy_beside,
    policy_manifest, read, runtime, terms, with_manifest,
};

const ALL_FUEL: CallCause = CallCause::OutOfFuel { fuel: 10_000_000 };

/// Why a policy with this body gives no decision, after which another plugin decides.
fn cause(body: &str, more: &str) -> CallCause {
    let plugin = accepted_policy(body, more, terms(Role::MatcherPolicy));
    let error = plugin
        .decide(&observation())
        .expect_err("this call should fail");
    let next = accepted_policy("(i32.const 0)", "", terms(Role::MatcherPolicy));
    next.decide(&observation()).unwrap();
    error.cause
}

#[test]
fn operators_that_work_on_megabytes_take_fuel_for_each_byte() {
    for operator in [
        "(memory.fill (i32.const 65536) (i32.const 255) (i32.const 33554432))",
        "(memory.copy (i32.const 65536) (i32.const 0) (i32.const 33554432))",
        "(table.fill $t (i32.const 0) (ref.null func) (i32.const 90000))",
        "(table.copy $t $t (i32.const 0) (i32.const 1) (i32.const 80000))",
        "(drop (memory.grow (i32.const 0)))",
        "(drop (table.grow $t (ref.null func) (i32.const 1)))",
    ] {
        let body = format!(
            "(drop (memory.grow (i32.const 512))) (loop $again {operator} (br $again)) unreachable"
        );
        assert_eq!(
            cause(&body, "(table $t 90000 funcref)"),
            ALL_FUEL,
            "{operator}"
        );
    }
}

#[test]
fn functions_that_call_each_other_in_their_last_step_use_no_stack_and_all_their_fuel() {
    let more = "(func $f (result i32) (return_call $g)) (func $g (result i32) (return_call $f))";
    assert_eq!(cause("(return_call $f)", more), ALL_FUEL);
}

#[test]
fn functions_that_call_each_other_use_up_the_stack() {
    let more = "(func $f (param i32) (result i32) (i32.add (i32.const 1) (call $g (local.get 0)))) (func $g (param i32) (result i32) (i32.add (i32.const 1) (call $f (local.get 0))))";
    assert_eq!(
        cause("(call $f (i32.const 0))", more),
        CallCause::StackOverflow
    );
}

#[test]
fn what_a_guest_does_after_its_answer_belongs_to_the_call() {
    let after = |body: &str| {
        cause(
            "(i32.const 0)",
            &format!(
                r#"(func (export "cabi_post_overt:algorithm/matcher-policy@0.1.0#decide") (param i32) {body})"#
            ),
        )
    };
    assert_eq!(after("(loop $again (br $again))"), ALL_FUEL);
    assert!(matches!(after("unreachable"), CallCause::Trap(_)));
    // The component model lets nobody call out there.
    let calls = after("(call $config (i32.const 32))");
    assert!(
        matches!(&calls, CallCause::Trap(text) if text.contains("cannot leave")),
        "{calls}"
    );
}

#[test]
fn a_start_function_takes_its_fuel_from_every_call() {
    let count = |turns: u32| {
        format!(
            "(local $i i32) (local.set $i (i32.const {turns})) (loop $again (br_if $again (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))"
        )
    };
    let start = format!("(func $start {}) (start $start)", count(300_000));
    let body = format!("{} (i32.const 0)", count(300_000));
    let within = |fuel| {
        let limits = Limits {
            fuel,
            ..Limits::default()
        };
        let plugin = accepted_policy(
            &body,
            &start,
            Terms {
                limits,
                ..terms(Role::MatcherPolicy)
            },
        );
        plugin
            .decide(&observation())
            .map(drop)
            .map_err(|error| error.cause)
    };
    // Either alone would do with less.
    assert_eq!(
        within(2_000_000),
        Err(CallCause::OutOfFuel { fuel: 2_000_000 })
    );
    assert_eq!(within(4_000_000), Ok(()));
}

#[test]
fn a_start_function_that_recurses_or_allocates_without_end_is_named_when_the_plugin_is_accepted() {
    for (start, says) in [
        ("(func $start (call $start) (call $start))", "stack"),
        (
            "(func $start (loop $again (drop (memory.grow (i32.const 16))) (br $again)))",
            "bytes of memory",
        ),
    ] {
        for bytes in [
            policy("(i32.const 0)", &format!("{start} (start $start)")),
            detector("(i32.const 0)", &format!("{start} (start $start)")),
        ] {
            let file = read(bytes).unwrap();
            let role = file.manifest().plugin.roles[0];
            let error = runtime().accept(&file, terms(role)).err().unwrap();
            assert!(
                matches!(&error, PluginError::Contract { cause, .. } if cause.contains(says)),
                "{error}"
            );
        }
    }
}

#[test]
fn an_allocator_that_calls_the_host_back_ends_its_own_call() {
    let wat = support::policy_wat("(i32.const 0)", "").replacen(
        "(local.set $at",
        "(call $config (i32.const 32)) (local.set $at",
        1,
    );
    let bytes = with_manifest(
        support::component("matcher-policy-plugin", &wat),
        &policy_manifest(),
    );
    let plugin = runtime()
        .accept(&read(bytes).unwrap(), terms(Role::MatcherPolicy))
        .unwrap();
    let mut observation = observation();
    observation.offered = vec![overt_runtime::decision::Offer {
        category: "wanted".into(),
        image_quality: None,
    }];
    let error = plugin.decide(&observation).unwrap_err();
    assert!(matches!(error.cause, CallCause::Trap(_)), "{error}");
}

/// Two components, of which one hands the other a text of 15 million characters for ever. The engine copies it, which takes no fuel.
fn handing_over(from: &str, to: &str) -> String {
    format!(
        r#"(component
        (component $takes
            (core module $m (memory (export "memory") 1)
                (func (export "realloc") (param i32 i32 i32 i32) (result i32)
                    (drop (memory.grow (i32.sub (i32.const 480) (memory.size))))
                    (i32.const 0))
                (func (export "take") (param i32 i32)))
            (core instance $i (instantiate $m))
            (func (export "take") (param "a" string)
                (canon lift (core func $i "take") (memory (core memory $i "memory"))
                    (realloc (core func $i "realloc")) string-encoding={to})))
        (component $gives
            (import "take" (func $take (param "a" string)))
            (core module $memory (memory (export "memory") 480))
            (core instance $memory (instantiate $memory))
            (core func $take (canon lower (func $take)
                (memory (core memory $memory "memory")) string-encoding={from}))
            (core module $m (import "" "take" (func $take (param i32 i32)))
                (func $start (loop $again
                    (call $take (i32.const 0) (i32.const 15000000)) (br $again)))
                (start $start))
            (core instance $t (export "take" (func $take)))
            (core instance (instantiate $m (with "" (instance $t)))))
        (instance $takes (instantiate $takes))
        (instance (instantiate $gives (with "take" (func $takes "take")))))"#
    )
}

#[test]
fn work_of_the_engine_that_takes_no_fuel_is_still_the_plugins_fault() {
    for (from, to) in [
        ("utf8", "utf8"),
        ("utf8", "utf16"),
        ("utf16", "utf8"),
        ("latin1+utf16", "utf8"),
    ] {
        let mut terms = terms(Role::MatcherPolicy);
        terms.limits.fuel = 1_000_000;
        let error = not_accepted(policy_beside(&handing_over(from, to)), terms);
        // Not the backstop's 5 s, which blame the host.
        assert!(
            matches!(&error, PluginError::Contract { cause, .. } if cause.contains("its deadline is 700 ms")),
            "{from} {to}: {error}"
        );
    }
}

#[test]
fn a_policy_that_only_computes_is_given_time_for_all_of_its_fuel() {
    // Divisions, which are among the dearest operators, for more than the time that is given whatever the fuel.
    let body = "(local $i i32) (loop $again (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.div_u (i32.const 7) (i32.sub (i32.const 8) (i32.and (local.get 0) (i32.const 1)))))) (i32.const 1000000000)))) (i32.const 0)";
    let limits = Limits {
        fuel: 20_000_000_000,
        ..Limits::default()
    };
    let plugin = accepted_policy(
        body,
        "",
        Terms {
            limits,
            ..terms(Role::MatcherPolicy)
        },
    );
    plugin.decide(&observation()).unwrap();
}

#[test]
fn a_detector_that_fills_its_memory_for_ever_is_cut_off_at_its_deadline() {
    let limits = Limits {
        deadline: Duration::from_millis(50),
        ..Limits::default()
    };
    let body = "(drop (memory.grow (i32.const 512))) (loop $again (memory.fill (i32.const 65536) (i32.const 255) (i32.const 33554432)) (br $again)) unreachable";
    let plugin = runtime()
        .accept(
            &read(detector(body, "")).unwrap(),
            Terms {
                limits,
                ..terms(Role::Detector)
            },
        )
        .unwrap();
    let mut sessions = plugin.sessions(&Acts::by(|| ())).unwrap();
    let error = plugin.detect(&frame(), &mut sessions).unwrap_err();
    assert!(
        matches!(
            error.cause,
            CallCause::Overrun {
                used_ms: 50..5_000,
                limit_ms: 50
            }
        ),
        "{error}"
    );
}
