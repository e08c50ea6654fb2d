//! Counts how plugins do, in the order in which the decision thread takes frames, and says when one has failed too often. It knows what a call came to, not what
//! it was about.
//!
//! A plugin that fails now and then costs the frames that it failed on, and those are counted. One that keeps failing is put in quarantine: it is not run
//! again until a person says so. Its fallback comes in for it, where the deployment names one. Where it names none, what that means for the run is the
//! role's to say, and always somebody's eyes: without a router an alert goes to the default desk; without any other plugin nobody can be recognised, so
//! the cameras stop and the run says why.

use std::collections::VecDeque;
use std::sync::Arc;

use overt_runtime::answer::AnswerFault;
use overt_runtime::{CallCause, CallError, PluginIdentity, Role};

use crate::failures::AskedRouter;

/// Calls that are looked back on.
pub(crate) const CALLS: usize = 100;

/// Failures among them at which a plugin is put in quarantine. A frame that no model can make sense of, or a machine that was busy for a moment, is
/// one or two.
pub(crate) const STRIKES: usize = 10;

/// Whether each of the last calls failed, the oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recent(VecDeque<bool>);

impl Recent {
    /// Notes a call. True where there are too many failures among the last ones.
    pub(crate) fn note(&mut self, failed: bool) -> bool {
        if self.0.len() == CALLS {
            self.0.pop_front();
        }
        self.0.push_back(failed);
        self.strikes() >= STRIKES
    }

    fn strikes(&self) -> usize {
        self.0.iter().filter(|failed| **failed).count()
    }
}

/// Which plugin: its file, and what is signed of it. The same content under other signatures is the same plugin, and does as it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Digests {
    /// SHA-256 of its file.
    pub(crate) file: Arc<str>,
    /// SHA-256 of its content.
    pub(crate) content: Arc<str>,
}

impl From<&PluginIdentity> for Digests {
    fn from(identity: &PluginIdentity) -> Self {
        Self {
            file: identity.sha256.clone(),
            content: identity.content.clone(),
        }
    }
}

/// How one plugin does in its role.
#[derive(Debug)]
struct Record {
    role: Role,
    /// SHA-256 of its content.
    content: Arc<str>,
    recent: Recent,
    quarantined: bool,
}

/// How the plugins do. One that was swapped for another or has made way for its fallback keeps its record: frames that it is to see may be under way.
#[derive(Debug, Default)]
pub(crate) struct Supervisor {
    records: Vec<Record>,
}

/// A plugin that failed too often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Struck {
    pub(crate) role: Role,
    pub(crate) plugin: Digests,
    pub(crate) strikes: u32,
    pub(crate) calls: u32,
}

impl Supervisor {
    fn record(&mut self, role: Role, content: &Arc<str>) -> &mut Record {
        let is_it = |record: &Record| record.role == role && record.content == *content;
        let place = self.records.iter().position(is_it).unwrap_or_else(|| {
            self.records.push(Record {
                role,
                content: content.clone(),
                recent: Recent::default(),
                quarantined: false,
            });
            self.records.len() - 1
        });
        &mut self.records[place]
    }

    /// A call gave a usable answer. `content`: SHA-256 of the plugin's.
    pub(crate) fn well(&mut self, role: Role, content: &Arc<str>) {
        self.record(role, content).recent.note(false);
    }

    /// A call failed. Says so where that was one too many. What the host or the machine did wrong strikes no plugin; nor does a proposal that the host
    /// refuses, such as one under the score floor: it is counted and harms nobody, and a threshold that is set too low should not stop the cameras.
    pub(crate) fn strike(&mut self, plugin: &Digests, error: &CallError) -> Option<Struck> {
        if matches!(
            error.cause,
            CallCause::Host(_) | CallCause::Answer(AnswerFault::Refused(_))
        ) {
            return None;
        }
        let record = self.record(error.role, &plugin.content);
        if !record.recent.note(true) || record.quarantined {
            return None;
        }
        record.quarantined = true;
        Some(Struck {
            role: error.role,
            plugin: plugin.clone(),
            strikes: record.recent.strikes() as u32,
            calls: record.recent.0.len() as u32,
        })
    }

    /// A call of the router about a passed alert, which another thread has made.
    pub(crate) fn heed(&mut self, asked: &AskedRouter) -> Option<Struck> {
        match &asked.failed {
            Some(error) => self.strike(&asked.plugin, error),
            None => {
                self.well(Role::AlertRouter, &asked.plugin.content);
                None
            }
        }
    }

    /// Whether this plugin is in quarantine.
    pub(crate) fn is_out(&self, role: Role, content: &str) -> bool {
        self.standing(role, content).1
    }

    /// Failures among the last calls of this plugin, and whether it is in quarantine.
    pub(crate) fn standing(&self, role: Role, content: &str) -> (usize, bool) {
        let is_it = |record: &&Record| record.role == role && *record.content == *content;
        let record = self.records.iter().find(is_it);
        record.map_or((0, false), |record| {
            (record.recent.strikes(), record.quarantined)
        })
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

    /// A plugin, signed by two.
    fn plugin(name: &str) -> Digests {
        Digests {
            file: format!("{name}, signed twice").into(),
            content: name.into(),
        }
    }

    #[test]
    fn the_tenth_failure_of_the_last_hundred_calls_is_one_too_many_and_is_told_once() {
        let mut supervisor = Supervisor::default();
        let failed = error(Role::Detector, CallCause::StackOverflow);
        let (one, other) = (plugin("one"), plugin("other"));
        for _ in 0..STRIKES - 1 {
            supervisor.well(Role::Detector, &one.content);
            assert_eq!(supervisor.strike(&one, &failed), None);
        }
        assert!(!supervisor.is_out(Role::Detector, &one.content));
        let struck = supervisor.strike(&one, &failed).unwrap();
        assert_eq!((struck.role, &struck.plugin), (Role::Detector, &one));
        assert_eq!((struck.strikes, struck.calls), (10, 19));
        assert_eq!(supervisor.strike(&one, &failed), None);
        assert!(supervisor.is_out(Role::Detector, &one.content));
        // Another signature makes no other plugin of it.
        let signed_again = Digests {
            file: "one, signed once more".into(),
            ..one.clone()
        };
        assert!(supervisor.is_out(Role::Detector, &signed_again.content));
        assert_eq!(supervisor.strike(&signed_again, &failed), None);
        // The same file in another role, and the plugin that comes in for it, are others.
        assert!(!supervisor.is_out(Role::Quality, &one.content));
        assert_eq!(supervisor.strike(&other, &failed), None);
        assert!(!supervisor.is_out(Role::Detector, &other.content));
    }

    #[test]
    fn a_router_is_one_plugin_whether_it_is_asked_about_new_alerts_or_about_passed_ones() {
        let mut supervisor = Supervisor::default();
        let failed = error(Role::AlertRouter, CallCause::StackOverflow);
        let router = plugin("router");
        let asked = |failed| AskedRouter {
            plugin: router.clone(),
            failed,
        };
        for _ in 0..STRIKES - 1 {
            assert_eq!(supervisor.heed(&asked(None)), None);
            assert_eq!(supervisor.heed(&asked(Some(failed.clone()))), None);
        }
        let struck = supervisor.strike(&router, &failed).unwrap();
        assert_eq!((struck.strikes, struck.calls), (10, 19));
        assert!(supervisor.is_out(Role::AlertRouter, &router.content));
    }

    #[test]
    fn failures_that_are_long_ago_are_forgotten() {
        let mut supervisor = Supervisor::default();
        let failed = error(Role::MatcherPolicy, CallCause::OutOfFuel { fuel: 1 });
        for _ in 0..50 {
            assert_eq!(supervisor.strike(&plugin("one"), &failed), None);
            (0..12).for_each(|_| supervisor.well(Role::MatcherPolicy, &plugin("one").content));
        }
    }

    #[test]
    fn what_the_host_did_wrong_or_refused_strikes_nobody() {
        let mut supervisor = Supervisor::default();
        let host = error(Role::Encoder, CallCause::Host("no memory".into()));
        let refused = AnswerFault::Refused("under the floor".into());
        let refused = error(Role::MatcherPolicy, CallCause::Answer(refused));
        for _ in 0..CALLS {
            assert_eq!(supervisor.strike(&plugin("one"), &host), None);
            assert_eq!(supervisor.strike(&plugin("one"), &refused), None);
        }
    }
}
