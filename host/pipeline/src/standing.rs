//! How the alerts of a run stand by now, for the policy: a new proposal may depend on whether an earlier alert about the same person is still open. It is told by the desk
//! and read by the decision thread, which then need not ask the store for each decision.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use overt_records::LifeState;
use overt_runtime::decision::AlertState;

/// Alerts that are not as they were raised.
#[derive(Debug, Default)]
pub(crate) struct Standing(Mutex<BTreeMap<u32, AlertState>>);

impl Standing {
    /// How an alert stands.
    pub(crate) fn of(&self, alert: u32) -> AlertState {
        let known = self.lock().get(&alert).copied();
        known.unwrap_or(AlertState::Raised)
    }

    /// Notes a state that is on record.
    pub(crate) fn note(&self, alert: u32, state: LifeState) {
        let state = match state {
            LifeState::Raised => AlertState::Raised,
            LifeState::Passed | LifeState::Viable | LifeState::Engaged => AlertState::Passed,
            LifeState::Closed(_) => AlertState::Closed,
        };
        self.lock().insert(alert, state);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u32, AlertState>> {
        // Each change is one insertion.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use overt_records::{Closed, LifeState};

    use super::*;

    #[test]
    fn an_alert_is_raised_until_it_is_judged_and_passed_until_it_has_ended() {
        let standing = Standing::default();
        assert_eq!(standing.of(1), AlertState::Raised);
        for (state, expected) in [
            (LifeState::Passed, AlertState::Passed),
            (LifeState::Engaged, AlertState::Passed),
            (LifeState::Closed(Closed::Lapsed), AlertState::Closed),
        ] {
            standing.note(1, state);
            assert_eq!(standing.of(1), expected);
        }
        assert_eq!(standing.of(2), AlertState::Raised);
    }
}
