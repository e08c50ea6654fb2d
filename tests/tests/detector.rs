//! A hostile detector: whatever it does, its error is named, and the next frame is served.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use overt_runtime::answer::AnswerFault;
use overt_runtime::{CallCause, Limits, Role, limits};
use overt_tests::hostile::Hostile;

const TENTH: Duration = Duration::from_millis(100);

/// Deadlines that no call reaches that does not go on for ever, however slow or busy the machine is.
/// A test of a deadline shortens that one, so that no other can be what ended the call.
fn limits() -> Limits {
    let ample = Duration::from_secs(60);
    Limits {
        deadline: ample,
        host_time: ample,
        inference_deadline: ample,
        faces: 16,
        ..Limits::default()
    }
}

/// The guest has a tenth of a second, and nothing else of it is short.
fn brief() -> Limits {
    Limits {
        deadline: TENTH,
        ..limits()
    }
}

fn accepted(behaviour: &str, limits: Limits) -> Hostile {
    Hostile::accept(
        env!("CARGO_BIN_EXE_compile"),
        Role::Detector,
        behaviour,
        limits,
    )
}

/// Why the call of this behaviour failed. The calls before and after it, of the same plugin, are served.
fn cause_within(limits: Limits, behaviour: &str) -> CallCause {
    let mut hostile = accepted(behaviour, limits);
    assert_eq!(hostile.detect(0).unwrap().len(), 1);
    let error = hostile.detect(1).expect_err("this call should fail");
    assert_eq!(
        (&*error.plugin, error.role),
        ("hostile-perception", Role::Detector)
    );
    assert_eq!(
        (error.camera.as_deref(), error.frame),
        (Some("gate"), Some(1))
    );
    assert_eq!(
        hostile.detect(0).unwrap().len(),
        1,
        "the next frame is served"
    );
    error.cause
}

fn cause(behaviour: &str) -> CallCause {
    cause_within(limits(), behaviour)
}

/// The call of this behaviour is served like any other.
fn is_served(behaviour: &str) {
    let mut hostile = accepted(behaviour, limits());
    for sequence in [1, 0, 2] {
        let faces = hostile
            .detect(sequence)
            .unwrap_or_else(|error| panic!("{behaviour}: {error}"));
        assert_eq!(faces.len(), 1);
    }
}

#[test]
fn a_detector_that_loops_is_cut_off_and_the_next_frame_is_served() {
    let cause = cause_within(brief(), "loop");
    assert!(
        matches!(cause, CallCause::Overrun { used_ms, limit_ms: 100 } if used_ms >= 100),
        "{cause}"
    );
}

#[test]
fn a_detector_that_calls_the_host_for_ever_is_cut_off() {
    for behaviour in [
        "call-the-host-for-ever",
        "copy-tensors-for-ever",
        "bad-input-for-ever",
    ] {
        let cause = cause_within(brief(), behaviour);
        assert!(
            matches!(cause, CallCause::Overrun { .. }),
            "{behaviour}: {cause}"
        );
    }
}

#[test]
fn a_detector_that_makes_the_host_work_for_ever_is_cut_off() {
    for behaviour in ["peaks-for-ever", "views-for-ever"] {
        // The guest's own share of such a loop is small; that it is not what ends it here is the point.
        let limits = Limits {
            host_time: TENTH,
            ..limits()
        };
        let cause = cause_within(limits, behaviour);
        assert!(
            matches!(cause, CallCause::HostTime { used_ms, limit_ms: 100 } if used_ms >= 100),
            "{behaviour}: {cause}"
        );
    }
}

#[test]
fn a_detector_that_allocates_without_end_is_cut_off() {
    let limit = Limits::default().memory;
    let cause = cause("allocate");
    assert!(
        matches!(cause, CallCause::Memory { wanted, limit: found } if found == limit && wanted > limit),
        "{cause}"
    );
}

#[test]
fn a_detector_that_recurses_without_end_is_cut_off() {
    assert_eq!(cause("recurse"), CallCause::StackOverflow);
}

#[test]
fn a_detector_that_traps_on_every_third_frame_loses_those_and_no_other() {
    let mut hostile = accepted("trap-every-third-frame", limits());
    for sequence in 0..12 {
        let answer = hostile.detect(sequence);
        match answer {
            Ok(faces) => assert!(sequence % 3 != 2 && faces.len() == 1),
            Err(error) => {
                assert_eq!(sequence % 3, 2, "{error}");
                assert_eq!(error.frame, Some(sequence));
                assert!(matches!(error.cause, CallCause::Trap(_)), "{error}");
            }
        }
    }
}

#[test]
fn a_detector_that_keeps_state_finds_none() {
    is_served("remember");
}

#[test]
fn a_detector_that_finds_more_faces_than_allowed_is_at_fault() {
    assert_eq!(
        cause("seventeen-faces"),
        CallCause::Answer(AnswerFault::TooManyFaces {
            found: 17,
            limit: 16
        })
    );
}

#[test]
fn a_detector_that_returns_a_million_faces_is_refused_before_they_are_copied() {
    let roomy = Limits {
        memory: 512 << 20,
        ..limits()
    };
    assert_eq!(
        cause_within(roomy, "million-faces"),
        CallCause::Payload {
            limit: limits::HOSTCALL_BYTES
        }
    );
    // In the memory that a plugin has without being asked, it cannot even make them.
    assert!(matches!(cause("million-faces"), CallCause::Memory { .. }));
}

#[test]
fn numbers_of_a_face_that_are_not_finite_are_faults() {
    for behaviour in [
        "box-of-nan",
        "endless-box",
        "confidence-of-nan",
        "landmark-of-nan",
    ] {
        let cause = cause(behaviour);
        assert!(
            matches!(cause, CallCause::Answer(AnswerFault::NotFinite { .. })),
            "{behaviour}: {cause}"
        );
    }
}

#[test]
fn numbers_of_a_face_out_of_their_range_are_faults() {
    for behaviour in [
        "box-without-size",
        "box-inside-out",
        "confidence-of-two",
        "landmark-elsewhere",
    ] {
        let cause = cause(behaviour);
        assert!(
            matches!(cause, CallCause::Answer(AnswerFault::OutOfRange { .. })),
            "{behaviour}: {cause}"
        );
    }
}

#[test]
fn boxes_outside_the_frame_are_faults() {
    for behaviour in [
        "box-left-of-the-frame",
        "box-below-the-frame",
        "box-larger-than-the-frame",
    ] {
        let cause = cause(behaviour);
        assert!(
            matches!(
                cause,
                CallCause::Answer(AnswerFault::OutsideFrame {
                    width: 640,
                    height: 480,
                    ..
                })
            ),
            "{behaviour}: {cause}"
        );
    }
}

#[test]
fn a_detector_that_holds_thousands_of_handles_is_cut_off() {
    for behaviour in [
        "hold-thousands-of-tensors",
        "open-a-model-thousands-of-times",
    ] {
        assert_eq!(
            cause(behaviour),
            CallCause::Handles {
                limit: limits::RESOURCES
            },
            "{behaviour}"
        );
    }
    assert_eq!(
        cause("lend-one-tensor-thousands-of-times"),
        CallCause::Handles {
            limit: limits::COMPONENT_HANDLES
        }
    );
}

#[test]
fn a_detector_that_hands_over_more_than_a_mebibyte_is_cut_off() {
    assert_eq!(
        cause("payload-over-a-mebibyte"),
        CallCause::Payload {
            limit: limits::HOSTCALL_BYTES
        }
    );
}

#[test]
fn tensors_over_the_budget_are_refused_and_the_detector_goes_on() {
    let mut hostile = accepted("tensors-over-the-budget", limits());
    assert_eq!(hostile.detect(1).unwrap().len(), 1);
}

#[test]
fn what_the_host_refuses_is_an_error_that_the_detector_sees() {
    is_served("ask-for-too-much");
    is_served("ask-for-what-is-not-there");
    is_served("open-a-model-that-is-not-declared");
}

#[test]
fn a_model_that_never_ends_is_stopped_at_its_own_deadline() {
    // The model takes five times as long as the guest may.
    let limits = Limits {
        inference_deadline: 5 * TENTH,
        ..brief()
    };
    assert_eq!(
        cause_within(limits, "run-an-endless-model"),
        CallCause::InferenceDeadline { limit_ms: 500 }
    );
}

#[test]
fn a_model_that_takes_more_memory_than_it_may_ends_the_call() {
    let limits = Limits {
        model_memory: 16 << 20,
        ..limits()
    };
    match cause_within(limits, "run-a-model-past-its-memory") {
        CallCause::ModelMemory(over) => {
            assert_eq!(over.limit, 16 << 20);
            assert!((17 << 20..64 << 20).contains(&over.wanted), "{over}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_model_that_is_run_on_a_huge_tensor_is_stopped_at_its_deadline() {
    for behaviour in [
        "run-a-model-on-a-huge-tensor",
        "run-a-model-on-a-huge-tensor-for-ever",
    ] {
        let limits = Limits {
            inference_deadline: TENTH,
            ..limits()
        };
        assert_eq!(
            cause_within(limits, behaviour),
            CallCause::InferenceDeadline { limit_ms: 100 },
            "{behaviour}"
        );
    }
}
