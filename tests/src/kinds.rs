//! Every behaviour of the hostile plugins in every role, under limits that make none take long, and how a call of it ends. The soak goes round them; the tests
//! beside look at each more closely.

use std::time::Duration;

use overt_runtime::{CallError, Limits, Role};

use crate::hostile::Hostile;

/// A behaviour in a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// The role.
    pub role: Role,
    /// The behaviour.
    pub behaviour: &'static str,
    /// How a call ends: the short name of its cause, or `served`.
    pub ends: &'static str,
}

const DETECTOR: [(&str, &str); 39] = [
    ("answer-well", "served"),
    ("loop", "overrun"),
    ("allocate", "memory"),
    ("recurse", "stack-overflow"),
    ("trap-every-third-frame", "trap"),
    ("remember", "served"),
    ("seventeen-faces", "answer"),
    ("million-faces", "memory"),
    ("box-of-nan", "answer"),
    ("endless-box", "answer"),
    ("box-without-size", "answer"),
    ("box-inside-out", "answer"),
    ("box-left-of-the-frame", "answer"),
    ("box-below-the-frame", "answer"),
    ("box-larger-than-the-frame", "answer"),
    ("confidence-of-nan", "answer"),
    ("confidence-of-two", "answer"),
    ("landmark-of-nan", "answer"),
    ("landmark-elsewhere", "answer"),
    ("hold-thousands-of-tensors", "handles"),
    ("open-a-model-thousands-of-times", "handles"),
    ("lend-one-tensor-thousands-of-times", "handles"),
    ("tensors-over-the-budget", "served"),
    ("payload-over-a-mebibyte", "payload"),
    ("ask-for-too-much", "served"),
    ("ask-for-what-is-not-there", "served"),
    ("open-a-model-that-is-not-declared", "served"),
    ("call-the-host-for-ever", "overrun"),
    ("copy-tensors-for-ever", "overrun"),
    ("peaks-for-ever", "host-time"),
    ("views-for-ever", "host-time"),
    ("bad-input-for-ever", "overrun"),
    ("run-an-endless-model", "inference-deadline"),
    ("run-a-model-past-its-memory", "model-memory"),
    ("run-a-model-on-a-huge-tensor", "refused"),
    (
        "run-a-model-on-a-huge-tensor-for-ever",
        "inference-deadline",
    ),
    // What no plugin has: it panics.
    ("no-such-behaviour", "trap"),
    ("", "trap"),
    ("answer-well ", "trap"),
];

const ENCODER: [(&str, &str); 11] = [
    ("answer-well", "served"),
    ("loop", "overrun"),
    ("template-of-nan", "answer"),
    ("endless-template", "answer"),
    ("zero-template", "answer"),
    ("longer-template", "answer"),
    ("one-template-too-few", "answer"),
    ("one-template-too-many", "answer"),
    ("flat-template", "answer"),
    ("template-of-bytes", "answer"),
    ("pixels-as-template", "answer"),
];

const QUALITY: [(&str, &str); 12] = [
    ("answer-well", "served"),
    ("loop", "overrun"),
    ("quality-of-nan", "answer"),
    ("quality-of-101", "answer"),
    ("quality-below-zero", "answer"),
    ("name-twice", "answer"),
    ("name-of-a-command", "answer"),
    ("name-of-65-letters", "answer"),
    ("no-name", "answer"),
    ("thirty-three-components", "answer"),
    ("one-list-too-few", "answer"),
    ("thousand-lists", "answer"),
];

const POLICY: [(&str, &str); 24] = [
    ("loop", "out-of-fuel"),
    ("allocate", "memory"),
    ("recurse", "stack-overflow"),
    ("trap", "trap"),
    ("remember", "served"),
    ("gigabyte-reason", "memory"),
    ("two-megabyte-reason", "payload"),
    ("reason-of-257-bytes", "answer"),
    ("unprintable-reason", "answer"),
    ("reason-turned-round", "answer"),
    ("reason-that-hides", "answer"),
    ("reason-of-two-lines", "answer"),
    ("alert-whoever-it-is", "served"),
    ("alert-at-every-look", "served"),
    // Here it is the camera's first second, and nobody was alerted.
    ("alert-for-two-seconds-then-trap", "served"),
    ("alert-then-trap", "served"),
    ("foreign-letters", "answer"),
    ("error-of-257-bytes", "answer"),
    ("honest-error", "refused"),
    ("not-offered", "answer"),
    ("far-from-offered", "answer"),
    ("log-without-end", "served"),
    ("log-megabytes", "out-of-fuel"),
    ("ask-for-config-without-end", "out-of-fuel"),
];

const ROUTER: [(&str, &str); 9] = [
    ("loop", "out-of-fuel"),
    ("trap", "trap"),
    ("seventeen-routes", "answer"),
    ("thousand-routes", "answer"),
    ("one-desk-twice", "answer"),
    ("unprintable-channel", "answer"),
    ("long-channel", "answer"),
    ("unprintable-error", "answer"),
    // Here nobody has passed anything.
    ("trap-once-passed", "served"),
];

/// All of them.
pub fn all() -> Vec<Kind> {
    let of = |role, list: &[(&'static str, &'static str)]| {
        let kinds = list.iter().map(move |(behaviour, ends)| Kind {
            role,
            behaviour,
            ends,
        });
        kinds.collect::<Vec<_>>()
    };
    [
        of(Role::Detector, &DETECTOR),
        of(Role::Encoder, &ENCODER),
        of(Role::Quality, &QUALITY),
        of(Role::MatcherPolicy, &POLICY),
        of(Role::AlertRouter, &ROUTER),
    ]
    .concat()
}

/// Limits under which each kind ends within milliseconds.
pub fn limits(kind: &Kind) -> Limits {
    const MIB: u64 = 1 << 20;
    let limits = Limits {
        memory: 16 * MIB,
        deadline: Duration::from_millis(4),
        host_time: Duration::from_millis(4),
        inference_deadline: Duration::from_millis(4),
        model_memory: 256 * MIB,
        fuel: 4_000_000,
        tensors: 32 * MIB,
        faces: 16,
    };
    let ample = Duration::from_secs(20);
    match kind.behaviour {
        // Their own work is not what ends them.
        "loop" | "call-the-host-for-ever" | "copy-tensors-for-ever" | "bad-input-for-ever" => {
            limits
        }
        "peaks-for-ever" | "views-for-ever" => Limits {
            deadline: ample,
            ..limits
        },
        "run-an-endless-model" | "run-a-model-on-a-huge-tensor-for-ever" => Limits {
            deadline: ample,
            host_time: ample,
            ..limits
        },
        // The model wants as much as the tensor that it is given has: 24 MiB.
        "run-a-model-past-its-memory" => Limits {
            deadline: ample,
            host_time: ample,
            inference_deadline: ample,
            model_memory: 16 * MIB,
            ..limits
        },
        _ => Limits {
            deadline: ample,
            host_time: ample,
            inference_deadline: ample,
            fuel: 400_000_000,
            ..limits
        },
    }
}

/// Faces that encoders and quality measures are asked about.
const FACES: usize = 3;

/// Calls a plugin of this kind as it is told to misbehave, and then so that it answers well. Gives how the first ended.
///
/// # Panics
/// Where the second is not served.
pub fn call(hostile: &mut Hostile, kind: &Kind) -> Result<(), CallError> {
    // The third frame and odd alerts are those at which they misbehave.
    let (first, second) = match kind.role {
        Role::Detector => (hostile.detect(2).map(drop), hostile.detect(0).map(drop)),
        Role::Encoder => (
            hostile.encode(2, FACES).map(drop),
            hostile.encode(0, FACES).map(drop),
        ),
        Role::Quality => (
            hostile.assess(2, FACES).map(drop),
            hostile.assess(0, FACES).map(drop),
        ),
        Role::MatcherPolicy => (
            hostile.decide(false).map(drop),
            hostile.decide(true).map(drop),
        ),
        Role::AlertRouter => (hostile.route(1).map(drop), hostile.route(2).map(drop)),
    };
    if let Err(error) = second {
        panic!("{kind:?}: the next call is not served: {error}");
    }
    first
}

/// The short name of how a call ended.
pub fn ending(outcome: &Result<(), CallError>) -> &'static str {
    match outcome {
        Ok(()) => "served",
        Err(error) => error.cause.name(),
    }
}
