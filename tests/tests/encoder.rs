//! A hostile encoder and a hostile quality measure: what they answer is checked before anybody compares it with a watchlist.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use overt_runtime::answer::AnswerFault;
use overt_runtime::{CallCause, Limits, Role};
use overt_tests::hostile::Hostile;

const FACES: usize = 3;

fn accepted(role: Role, behaviour: &str) -> Hostile {
    // Of what goes on for ever a tenth of a second is enough; what ends by itself is never cut off, however slow the machine is.
    let deadline = match behaviour {
        "loop" => Duration::from_millis(100),
        _ => Duration::from_secs(60),
    };
    let limits = Limits {
        deadline,
        host_time: Duration::from_secs(60),
        inference_deadline: Duration::from_secs(60),
        ..Limits::default()
    };
    Hostile::accept(env!("CARGO_BIN_EXE_compile"), role, behaviour, limits)
}

/// Why no template came. The next call of the same plugin is served.
fn no_template(behaviour: &str) -> CallCause {
    let mut hostile = accepted(Role::Encoder, behaviour);
    let error = hostile.encode(1, FACES).expect_err("this call should fail");
    assert_eq!(error.role, Role::Encoder);
    assert_eq!(hostile.encode(0, FACES).unwrap().shape(), [FACES, 8]);
    error.cause
}

/// Why no quality came; likewise.
fn no_quality(behaviour: &str) -> CallCause {
    let mut hostile = accepted(Role::Quality, behaviour);
    let error = hostile.assess(1, FACES).expect_err("this call should fail");
    assert_eq!(error.role, Role::Quality);
    assert_eq!(hostile.assess(0, FACES).unwrap().len(), FACES);
    error.cause
}

#[test]
fn an_encoder_that_loops_is_cut_off_and_the_next_call_is_served() {
    assert!(matches!(no_template("loop"), CallCause::Overrun { .. }));
}

#[test]
fn templates_that_are_not_finite_are_faults() {
    for behaviour in ["template-of-nan", "endless-template"] {
        let cause = no_template(behaviour);
        assert!(
            matches!(cause, CallCause::Answer(AnswerFault::NotFinite { .. })),
            "{behaviour}: {cause}"
        );
    }
}

#[test]
fn a_template_of_zeros_is_a_fault() {
    assert_eq!(
        no_template("zero-template"),
        CallCause::Answer(AnswerFault::ZeroTemplate { face: 1 })
    );
}

#[test]
fn templates_of_another_shape_or_element_are_faults() {
    for behaviour in [
        "longer-template",
        "one-template-too-few",
        "one-template-too-many",
        "flat-template",
        "template-of-bytes",
        "pixels-as-template",
    ] {
        let cause = no_template(behaviour);
        assert!(
            matches!(cause, CallCause::Answer(AnswerFault::TemplateShape { .. })),
            "{behaviour}: {cause}"
        );
    }
}

#[test]
fn a_quality_measure_that_loops_is_cut_off_and_the_next_call_is_served() {
    assert!(matches!(no_quality("loop"), CallCause::Overrun { .. }));
}

#[test]
fn quality_values_that_cannot_be_are_faults() {
    assert!(matches!(
        no_quality("quality-of-nan"),
        CallCause::Answer(AnswerFault::NotFinite { .. })
    ));
    for behaviour in ["quality-of-101", "quality-below-zero"] {
        let cause = no_quality(behaviour);
        assert!(
            matches!(cause, CallCause::Answer(AnswerFault::OutOfRange { .. })),
            "{behaviour}: {cause}"
        );
    }
}

#[test]
fn names_of_quality_components_carry_nothing_else() {
    for (behaviour, component) in [
        ("name-twice", 1),
        ("name-of-a-command", 0),
        ("name-of-65-letters", 0),
        ("no-name", 0),
    ] {
        assert_eq!(
            no_quality(behaviour),
            CallCause::Answer(AnswerFault::ComponentName { face: 0, component }),
            "{behaviour}"
        );
    }
}

#[test]
fn another_number_of_quality_values_than_asked_for_is_a_fault() {
    for behaviour in [
        "thirty-three-components",
        "one-list-too-few",
        "thousand-lists",
    ] {
        let cause = no_quality(behaviour);
        assert!(
            matches!(cause, CallCause::Answer(AnswerFault::Count { .. })),
            "{behaviour}: {cause}"
        );
    }
}
