//! Calls: nothing outlives them, they run side by side, and whatever a guest does in one, its cause has a name and the next is served.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use overt_runtime::answer::AnswerFault;
use overt_runtime::decision::Decision;
use overt_runtime::{CallCause, Limits, Role, Terms, limits};
use support::{Acts, accepted_policy, detector, frame, observation, read, runtime, terms};

/// The cause for which a policy of WAT gives no decision.
fn cause(body: &str, more: &str) -> CallCause {
    cause_within(Limits::default(), body, more)
}

fn cause_within(limits: Limits, body: &str, more: &str) -> CallCause {
    let terms = Terms {
        limits,
        ..terms(Role::MatcherPolicy)
    };
    let error = accepted_policy(body, more, terms)
        .decide(&observation())
        .expect_err("this call should fail");
    assert_eq!(&*error.plugin, "test-plugin");
    assert_eq!(error.role, Role::MatcherPolicy);
    assert_eq!(error.camera.as_deref(), Some("gate"));
    error.cause
}

#[test]
fn an_error_names_plugin_role_camera_frame_and_cause() {
    let plugin = runtime()
        .accept(
            &read(detector("unreachable", "")).unwrap(),
            terms(Role::Detector),
        )
        .unwrap();
    let mut sessions = plugin.sessions(&Acts::by(|| ())).unwrap();
    let error = plugin.detect(&frame(), &mut sessions).unwrap_err();
    assert_eq!(error.frame, Some(7));
    assert_eq!(
        error.to_string(),
        "test-plugin 1.2.3 as detector, camera gate, frame 7: trapped: wasm trap: wasm `unreachable` instruction executed"
    );
}

#[test]
fn a_guest_finds_nothing_that_it_kept() {
    // It leaves marks in its memory, in a global and in a table, and traps where it finds one.
    let body = r#"
        (if (i32.load (i32.const 60000)) (then unreachable))
        (if (global.get $mark) (then unreachable))
        (if (i32.eqz (ref.is_null (table.get $marks (i32.const 3)))) (then unreachable))
        (if (i32.gt_u (memory.size) (i32.const 1)) (then unreachable))
        (i32.store (i32.const 60000) (i32.const 1))
        (global.set $mark (i32.const 1))
        (table.set $marks (i32.const 3) (ref.func $decide))
        (drop (memory.grow (i32.const 4)))
        (i32.const 0)"#;
    let more = "(global $mark (mut i32) (i32.const 0)) (table $marks 8 funcref) (elem declare func $decide)";
    let plugin = accepted_policy(body, more, terms(Role::MatcherPolicy));
    for _ in 0..20 {
        plugin.decide(&observation()).unwrap();
    }
}

#[test]
fn a_guest_finds_nothing_that_another_plugin_left_in_memory() {
    let pages = 40;
    let fills = format!(
        "(drop (memory.grow (i32.const {pages}))) (memory.fill (i32.const 65536) (i32.const 255) (i32.const {})) unreachable",
        pages * 65_536
    );
    let looks = format!(
        r#"(local $at i32)
        (drop (memory.grow (i32.const {pages})))
        (local.set $at (i32.const 65536))
        (loop $again
            (if (i64.ne (i64.load (local.get $at)) (i64.const 0)) (then unreachable))
            (br_if $again (i32.lt_u
                (local.tee $at (i32.add (local.get $at) (i32.const 8)))
                (i32.const {}))))
        (i32.const 0)"#,
        pages * 65_536
    );
    let generous = Terms {
        limits: Limits {
            fuel: 100_000_000,
            ..Limits::default()
        },
        ..terms(Role::MatcherPolicy)
    };
    let fills = accepted_policy(&fills, "", generous.clone());
    let looks = accepted_policy(&looks, "", generous);
    for _ in 0..5 {
        assert!(matches!(
            fills.decide(&observation()).unwrap_err().cause,
            CallCause::Trap(_)
        ));
        looks.decide(&observation()).unwrap();
    }
}

#[test]
fn calls_of_one_plugin_run_side_by_side_and_do_not_touch() {
    // It counts in its memory as far as its track says, and answers with a text of that length.
    let body = r#"
        (local $count i32)
        (loop $again
            (i32.store8 (i32.add (i32.const 1024) (i32.load (i32.const 512))) (i32.const 120))
            (i32.store (i32.const 512) (i32.add (i32.load (i32.const 512)) (i32.const 1)))
            (br_if $again (i32.lt_u (i32.load (i32.const 512)) (local.get 0))))
        (i32.store (i32.const 8) (i32.const 1024))
        (i32.store (i32.const 12) (i32.load (i32.const 512)))
        (i32.const 0)"#;
    let plugin = accepted_policy(body, "", terms(Role::MatcherPolicy));
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let plugin = &plugin;
            scope.spawn(move || {
                for round in 0..100 {
                    let mut observation = observation();
                    observation.track = 1 + (thread * 37 + round) % 200;
                    let expected = "x".repeat(observation.track as usize);
                    match plugin.decide(&observation).unwrap() {
                        Decision::Ignore(reason) => assert_eq!(reason, expected),
                        other => panic!("{other:?}"),
                    }
                }
            });
        }
    });
}

#[test]
fn a_text_outside_of_memory_traps_and_is_never_read() {
    // One gigabyte, in a memory of 64 KiB.
    let cause = cause(
        "(i32.store (i32.const 12) (i32.const 1073741824)) (i32.const 0)",
        "",
    );
    assert!(
        matches!(&cause, CallCause::Trap(text) if text.contains("out of bounds")),
        "{cause}"
    );
}

#[test]
fn a_text_longer_than_one_crossing_carries_is_a_payload_fault() {
    let body = "(drop (memory.grow (i32.const 32))) (i32.store (i32.const 12) (i32.const 1048577)) (i32.const 0)";
    assert_eq!(
        cause(body, ""),
        CallCause::Payload {
            limit: limits::HOSTCALL_BYTES
        }
    );
}

#[test]
fn a_text_that_is_no_utf_8_is_a_trap() {
    let body = "(i32.store8 (i32.const 64) (i32.const 255)) (i32.store (i32.const 8) (i32.const 64)) (i32.store (i32.const 12) (i32.const 1)) (i32.const 0)";
    let cause = cause(body, "");
    assert!(
        matches!(&cause, CallCause::Trap(text) if text.contains("utf-8")),
        "{cause}"
    );
}

#[test]
fn a_text_of_control_characters_is_an_answer_that_cannot_be() {
    let body = "(i32.store8 (i32.const 64) (i32.const 27)) (i32.store (i32.const 8) (i32.const 64)) (i32.store (i32.const 12) (i32.const 1)) (i32.const 0)";
    assert!(matches!(
        cause(body, ""),
        CallCause::Answer(AnswerFault::Text { .. })
    ));
}

#[test]
fn an_answer_of_a_case_that_does_not_exist_is_a_trap() {
    for (place, value) in [(0, 2), (0, 255), (4, 3)] {
        let body = format!("(i32.store8 (i32.const {place}) (i32.const {value})) (i32.const 0)");
        let cause = cause(&body, "");
        assert!(matches!(cause, CallCause::Trap(_)), "{cause}");
    }
}

#[test]
fn an_answer_outside_of_memory_is_a_trap() {
    for place in ["65535", "-1", "3"] {
        let cause = cause(&format!("(i32.const {place})"), "");
        assert!(matches!(cause, CallCause::Trap(_)), "{place}: {cause}");
    }
}

#[test]
fn an_allocator_that_loops_or_lies_ends_its_own_call() {
    let honest = "(local.set $at";
    for (lie, expected) in [
        ("(loop $again (br $again)) (local.set $at", "out-of-fuel"),
        ("(return (i32.const -8)) (local.set $at", "trap"),
        ("(return (i32.const 1)) (local.set $at", "trap"),
        ("unreachable (local.set $at", "trap"),
    ] {
        let wat = support::policy_wat("(i32.const 0)", "").replacen(honest, lie, 1);
        let bytes = support::with_manifest(
            support::component("matcher-policy-plugin", &wat),
            &support::policy_manifest(),
        );
        let plugin = runtime()
            .accept(&read(bytes).unwrap(), terms(Role::MatcherPolicy))
            .unwrap();
        // Its camera's name has to be brought into the guest.
        let mut observation = observation();
        observation.offered = vec![overt_runtime::decision::Offer {
            category: "wanted".into(),
            image_quality: None,
        }];
        let error = plugin.decide(&observation).unwrap_err();
        assert_eq!(error.cause.name(), expected, "{lie}: {error}");
    }
}

#[test]
fn fuel_covers_what_the_host_does_for_a_policy() {
    // A megabyte in each line: the guest's own operators would last for minutes.
    let body = "(drop (memory.grow (i32.const 32))) (loop $again (call $log (i32.const 1) (i32.const 0) (i32.const 1000000)) (br $again)) unreachable";
    assert_eq!(
        cause(body, ""),
        CallCause::OutOfFuel {
            fuel: Limits::default().fuel
        }
    );

    let body = "(loop $again (global.set $next (i32.const 4096)) (call $config (i32.const 32)) (br $again)) unreachable";
    assert_eq!(
        cause_within(
            Limits {
                fuel: 1_000_000,
                ..Limits::default()
            },
            body,
            ""
        ),
        CallCause::OutOfFuel { fuel: 1_000_000 }
    );
}

#[test]
fn the_same_call_takes_the_same_fuel_every_time() {
    // The least fuel that a loop of a thousand rounds needs, found twice.
    let body = "(local $i i32) (loop $again (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 1000)))) (i32.const 0)";
    let enough = |fuel| {
        let terms = Terms {
            limits: Limits {
                fuel,
                ..Limits::default()
            },
            ..terms(Role::MatcherPolicy)
        };
        accepted_policy(body, "", terms)
            .decide(&observation())
            .is_ok()
    };
    let (mut too_little, mut least) = (1_000, 100_000);
    assert!(!enough(too_little) && enough(least));
    while least - too_little > 1 {
        let middle = (least + too_little) / 2;
        match enough(middle) {
            true => least = middle,
            false => too_little = middle,
        }
    }
    for _ in 0..10 {
        assert!(enough(least) && !enough(least - 1), "{least}");
    }
}

#[test]
fn a_plugin_called_in_another_role_is_the_hosts_fault() {
    let plugin = accepted_policy("(i32.const 0)", "", terms(Role::MatcherPolicy));
    let mut sessions = plugin.sessions(&Acts::by(|| ())).unwrap();
    let error = plugin.detect(&frame(), &mut sessions).unwrap_err();
    assert!(matches!(error.cause, CallCause::Host(_)), "{error}");
}
