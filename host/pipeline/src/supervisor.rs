//! Counts how plugins do, in the order in which the decision thread takes frames, and says when one has failed too often. It knows what a call came to, not what
//! it was about.
//!
//! A plugin that fails now and then costs the frames that it failed on, and those are counted. One that keeps failing is put in quarantine: it is not run
//! again until a person says so. What that means for the run is the role's to say, and always somebody's eyes: without a router an alert goes to the
//! default desk; without any other plugin nobody can be recognised, so the cameras stop and the run says why.

use std::collections::VecDeque;

use overt_runtime::answer::AnswerFault;
use overt_runtime::{CallCause, CallError, Role};

/// Calls that are looked back on.
pub(crate) const CALLS: usize = 100;

/// Failures among them at which a plugin is put in quarantine. A frame that no model can make sense of, or a machine that was busy for a moment, is
/// one or two.
pub(crate) const STRIKES: usize = 10;

/// How one role's plugin does.
#[derive(Clone, Debug, Default)]
struct Record {
    /// Whether each of the last calls failed, the oldest first.
    recent: VecDeque<bool>,
    quarantined: bool,
}

/// How the plugins do, by role.
#[derive(Debug, Default)]
pub(crate) struct Supervisor {
    records: [Record; Role::ALL.len()],
}

/// A plugin that failed too often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Struck {
    pub(crate) role: Role,
    pub(crate) strikes: u32,
    pub(crate) calls: u32,
}

impl Supervisor {
    fn record(&mut self, role: Role) -> &mut Record {
        // `Role::ALL` is in the order of the enum.
        &mut self.records[role as usize]
    }

    /// A call gave a usable answer.
    pub(crate) fn well(&mut self, role: Role) {
        self.record(role).note(false);
    }

    /// A call failed. Says so where that was one too many. What the host or the machine did wrong strikes no plugin; nor does a proposal that the host
    /// refuses, such as one under the score floor: it is counted and harms nobody, and a threshold that is set too low should not stop the cameras.
    pub(crate) fn strike(&mut self, error: &CallError) -> Option<Struck> {
        if matches!(
            error.cause,
            CallCause::Host(_) | CallCause::Answer(AnswerFault::Refused(_))
        ) {
            return None;
        }
        let record = self.record(error.role);
        record.note(true);
        let strikes = record.strikes();
        if record.quarantined || strikes < STRIKES {
            return None;
        }
        record.quarantined = true;
        Some(Struck {
            role: error.role,
            strikes: strikes as u32,
            calls: record.recent.len() as u32,
        })
    }

    /// Whether the role's plugin is in quarantine.
    pub(crate) fn is_out(&self, role: Role) -> bool {
        self.records[role as usize].quarantined
    }

    /// Failures among the last calls of the role's plugin, and whether it is in quarantine.
    pub(crate) fn standing(&self, role: Role) -> (usize, bool) {
        let record = &self.records[role as usize];
        (record.strikes(), record.quarantined)
    }

    /// Whether nobody can be recognised any more.
    pub(crate) fn is_blind(&self) -> bool {
        Role::ALL
            .into_iter()
            .any(|role| role != Role::AlertRouter && self.is_out(role))
    }
}

impl Record {
    fn strikes(&self) -> usize {
        self.recent.iter().filter(|failed| **failed).count()
    }

    fn note(&mut self, failed: bool) {
        if self.recent.len() == CALLS {
            self.recent.pop_front();
        }
        self.recent.push_back(failed);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn error(role: Role, cause: CallCause) -> CallError {
        CallError {
            plugin: "p".into(),
            version: "0.1.0".into(),
            role,
            camera: None,
            frame: None,
            cause,
        }
    }

    #[test]
    fn the_tenth_failure_of_the_last_hundred_calls_is_one_too_many_and_is_told_once() {
        let mut supervisor = Supervisor::default();
        let failed = error(Role::Detector, CallCause::StackOverflow);
        for _ in 0..STRIKES - 1 {
            supervisor.well(Role::Detector);
            assert_eq!(supervisor.strike(&failed), None);
        }
        assert!(!supervisor.is_out(Role::Detector));
        let struck = supervisor.strike(&failed).unwrap();
        assert_eq!(
            (struck.role, struck.strikes, struck.calls),
            (Role::Detector, 10, 19)
        );
        assert_eq!(supervisor.strike(&failed), None);
        assert!(supervisor.is_out(Role::Detector) && supervisor.is_blind());
        assert!(!supervisor.is_out(Role::Encoder));
    }

    #[test]
    fn failures_that_are_long_ago_are_forgotten() {
        let mut supervisor = Supervisor::default();
        let failed = error(Role::MatcherPolicy, CallCause::OutOfFuel { fuel: 1 });
        for _ in 0..50 {
            assert_eq!(supervisor.strike(&failed), None);
            (0..12).for_each(|_| supervisor.well(Role::MatcherPolicy));
        }
    }

    #[test]
    fn what_the_host_did_wrong_or_refused_strikes_nobody_and_a_router_alone_blinds_nobody() {
        let mut supervisor = Supervisor::default();
        let host = error(Role::Encoder, CallCause::Host("no memory".into()));
        let refused = AnswerFault::Refused("under the floor".into());
        let refused = error(Role::MatcherPolicy, CallCause::Answer(refused));
        let router = error(Role::AlertRouter, CallCause::StackOverflow);
        for _ in 0..CALLS {
            assert_eq!(supervisor.strike(&host), None);
            assert_eq!(supervisor.strike(&refused), None);
            supervisor.strike(&router);
        }
        assert!(supervisor.is_out(Role::AlertRouter) && !supervisor.is_blind());
    }
}
