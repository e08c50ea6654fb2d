//! The policy.

use core::sync::atomic::{AtomicU32, Ordering};

use overt_sdk::bindings::matcher_policy::exports::overt::algorithm::matcher_policy::Guest;
use overt_sdk::log::{Level, write};
use overt_sdk::{Decision, Observation, PolicyError, Priority, Proposal};

use crate::{Hostile, behaviour, endless_allocation, endless_loop, endless_recursion};

/// What it tries to keep from one call to the next.
static CALLS: AtomicU32 = AtomicU32::new(0);

impl Guest for Hostile {
    fn decide(observation: Observation) -> Result<Decision, PolicyError> {
        let offered = observation.offered.len() as u32;
        let alert = |offered, reason: &str| {
            Ok(Decision::Alert(Proposal {
                offered,
                priority: Priority::High,
                reason: reason.into(),
            }))
        };
        if observation.ended {
            return Ok(Decision::Hold("well".into()));
        }
        match behaviour().as_str() {
            "loop" => endless_loop(),
            "allocate" => endless_allocation(),
            "recurse" => Ok(Decision::Hold(endless_recursion(0).to_string())),
            "trap" => panic!("as asked"),
            "remember" => {
                let calls = CALLS.fetch_add(1, Ordering::Relaxed);
                assert_eq!(calls, 0, "it was called before, and knows");
                Ok(Decision::Hold("nothing found".into()))
            }
            "gigabyte-reason" => Ok(Decision::Hold("x".repeat(1 << 30))),
            "two-megabyte-reason" => Ok(Decision::Hold("x".repeat(2 << 20))),
            "reason-of-257-bytes" => alert(0, &"x".repeat(257)),
            "unprintable-reason" => alert(0, "\u{1b}[2J"),
            "reason-turned-round" => alert(0, "abc \u{202e} cba"),
            "reason-that-hides" => alert(0, "no\u{200b}thing"),
            "reason-of-two-lines" => Ok(Decision::Hold("held\nALERT 1 for desk-1".into())),
            "alert-whoever-it-is" => alert(0, "the first will do"),
            // It does well for two seconds of the camera's time.
            "alert-for-two-seconds-then-trap" if observation.time < 2.0 => {
                alert(0, "the first will do")
            }
            "alert-for-two-seconds-then-trap" => panic!("as asked"),
            // And this one until it has had its way with anybody.
            "alert-then-trap" if observation.raised.is_empty() => alert(0, "the first will do"),
            "alert-then-trap" => panic!("as asked"),
            "foreign-letters" => Ok(Decision::Ignore("gesehen: Zoë".into())),
            "error-of-257-bytes" => Err(PolicyError::failed("x".repeat(257))),
            "honest-error" => Err(PolicyError::failed("no idea")),
            "alert-at-every-look" => alert(0, "a guess"),
            "not-offered" => alert(offered, "a guess"),
            "far-from-offered" => alert(u32::MAX, "a guess"),
            "log-without-end" => {
                for line in 0..10_000 {
                    write(Level::Warn, &format!("line {line} \u{1b}[2J\n"));
                }
                Ok(Decision::Hold("logged".into()))
            }
            "log-megabytes" => loop {
                write(Level::Warn, &"x".repeat(900_000));
            },
            "ask-for-config-without-end" => loop {
                behaviour();
            },
            other => panic!("no such behaviour: {other}"),
        }
    }
}
