//! A hostile router: it names few desks, each once, in plain text.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use overt_runtime::answer::AnswerFault;
use overt_runtime::{CallCause, Limits, Role};
use overt_tests::hostile::Hostile;

/// Why the alert was not routed. The next alert is, by the same plugin.
fn cause(behaviour: &str) -> CallCause {
    let hostile = Hostile::accept(
        env!("CARGO_BIN_EXE_compile"),
        Role::AlertRouter,
        behaviour,
        Limits::default(),
    );
    let error = hostile.route(1).expect_err("this call should fail");
    assert_eq!(
        (&*error.plugin, error.role),
        ("hostile-decision", Role::AlertRouter)
    );
    let routes = hostile.route(2).unwrap();
    assert_eq!(routes.len(), 1);
    assert_eq!(routes[0].channel, "desk-1");
    error.cause
}

#[test]
fn a_router_that_loops_is_cut_off_and_the_next_alert_is_routed() {
    assert_eq!(cause("loop"), CallCause::OutOfFuel { fuel: 10_000_000 });
}

#[test]
fn a_router_that_panics_is_a_trap() {
    assert!(matches!(cause("trap"), CallCause::Trap(_)));
}

#[test]
fn a_router_that_names_seventeen_routes_is_at_fault() {
    for (behaviour, found) in [("seventeen-routes", 17), ("thousand-routes", 1_000)] {
        assert_eq!(
            cause(behaviour),
            CallCause::Answer(AnswerFault::Count {
                what: "routes",
                expected: "at most 16".into(),
                found
            })
        );
    }
}

#[test]
fn a_desk_that_is_named_twice_is_a_fault() {
    assert_eq!(
        cause("one-desk-twice"),
        CallCause::Answer(AnswerFault::RouteTwice { index: 2 })
    );
}

#[test]
fn channels_and_messages_are_plain_text() {
    for behaviour in ["unprintable-channel", "long-channel", "unprintable-error"] {
        let cause = cause(behaviour);
        assert!(
            matches!(cause, CallCause::Answer(AnswerFault::Text { .. })),
            "{behaviour}: {cause}"
        );
    }
}
