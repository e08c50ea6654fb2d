//! A hostile policy: it can name nobody whom the search did not offer, write nothing that harms a reader, and hold nobody up.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use overt_runtime::answer::AnswerFault;
use overt_runtime::decision::Decision;
use overt_runtime::{CallCause, Limits, Role, limits};
use overt_tests::hostile::Hostile;

fn accepted(behaviour: &str, limits: Limits) -> Hostile {
    Hostile::accept(
        env!("CARGO_BIN_EXE_compile"),
        Role::MatcherPolicy,
        behaviour,
        limits,
    )
}

fn cause_within(limits: Limits, behaviour: &str) -> CallCause {
    let hostile = accepted(behaviour, limits);
    let error = hostile.decide(false).expect_err("this call should fail");
    assert_eq!(
        (&*error.plugin, error.role),
        ("hostile-decision", Role::MatcherPolicy)
    );
    assert_eq!((error.camera.as_deref(), error.frame), (Some("gate"), None));
    assert!(
        matches!(hostile.decide(true).unwrap(), Decision::Hold(reason) if reason == "well"),
        "the next call is served"
    );
    error.cause
}

/// Why the call of this behaviour failed. The next call of the same plugin is served.
fn cause(behaviour: &str) -> CallCause {
    cause_within(Limits::default(), behaviour)
}

#[test]
fn a_policy_that_loops_is_cut_off_and_the_next_call_is_served() {
    assert_eq!(cause("loop"), CallCause::OutOfFuel { fuel: 10_000_000 });
}

#[test]
fn a_policy_that_is_cut_off_is_cut_off_at_the_same_fuel_every_time() {
    let limits = Limits {
        fuel: 123_456,
        ..Limits::default()
    };
    for _ in 0..3 {
        assert_eq!(
            cause_within(limits.clone(), "loop"),
            CallCause::OutOfFuel { fuel: 123_456 }
        );
    }
}

#[test]
fn a_policy_with_fuel_for_days_is_ended_all_the_same_and_the_host_takes_the_blame() {
    let days = Limits {
        fuel: 1 << 60,
        ..Limits::default()
    };
    let cause = cause_within(days, "loop");
    assert!(
        matches!(&cause, CallCause::Host(text) if text.contains("5 s")),
        "{cause}"
    );
}

#[test]
fn a_policy_that_calls_the_host_for_ever_is_cut_off() {
    for behaviour in ["log-megabytes", "ask-for-config-without-end"] {
        assert_eq!(
            cause(behaviour),
            CallCause::OutOfFuel { fuel: 10_000_000 },
            "{behaviour}"
        );
    }
}

#[test]
fn a_policy_that_allocates_without_end_is_cut_off() {
    let roomy = Limits {
        fuel: 1_000_000_000,
        ..Limits::default()
    };
    let limit = roomy.memory;
    let cause = cause_within(roomy, "allocate");
    assert!(
        matches!(cause, CallCause::Memory { wanted, limit: found } if found == limit && wanted > limit),
        "{cause}"
    );
}

#[test]
fn a_policy_that_recurses_without_end_is_cut_off() {
    assert_eq!(cause("recurse"), CallCause::StackOverflow);
}

#[test]
fn a_policy_that_panics_is_a_trap() {
    assert!(matches!(cause("trap"), CallCause::Trap(text) if text.contains("unreachable")));
}

#[test]
fn a_policy_that_keeps_state_finds_none() {
    let hostile = accepted("remember", Limits::default());
    for _ in 0..3 {
        let decision = hostile.decide(false).unwrap();
        assert!(matches!(decision, Decision::Hold(reason) if reason == "nothing found"));
    }
}

#[test]
fn a_reason_of_a_gigabyte_or_of_two_megabytes_is_never_copied() {
    assert!(matches!(cause("gigabyte-reason"), CallCause::Memory { .. }));
    assert_eq!(
        cause("two-megabyte-reason"),
        CallCause::Payload {
            limit: limits::HOSTCALL_BYTES
        }
    );
}

#[test]
fn reasons_that_are_too_long_or_not_printable_are_faults() {
    for behaviour in [
        "reason-of-257-bytes",
        "unprintable-reason",
        "reason-turned-round",
        "reason-that-hides",
        "reason-of-two-lines",
        "foreign-letters",
        "error-of-257-bytes",
    ] {
        let cause = cause(behaviour);
        assert!(
            matches!(cause, CallCause::Answer(AnswerFault::Text { .. })),
            "{behaviour}: {cause}"
        );
        let text = cause.to_string();
        assert!(text.len() < 200 && text.bytes().all(|byte| !byte.is_ascii_control()));
    }
}

#[test]
fn an_error_within_the_contract_keeps_its_words() {
    assert_eq!(
        cause("honest-error"),
        CallCause::Refused {
            code: "failed",
            message: "no idea".into()
        }
    );
}

#[test]
fn an_entry_that_was_not_offered_cannot_be_named() {
    for (behaviour, index) in [("not-offered", 2), ("far-from-offered", u32::MAX)] {
        assert_eq!(
            cause(behaviour),
            CallCause::Answer(AnswerFault::NotOffered { index, offered: 2 })
        );
    }
}

#[test]
fn ten_thousand_lines_of_log_are_dropped_and_the_call_is_served() {
    let hostile = accepted("log-without-end", Limits::default());
    let decision = hostile.decide(false).unwrap();
    assert!(matches!(decision, Decision::Hold(reason) if reason == "logged"));
}
