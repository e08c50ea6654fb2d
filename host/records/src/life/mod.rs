//! An alert's life after it was raised: who judged it and how, and in which one state it ended. These are the rules; they know no table and no clock of their
//! own. Two people, one after the other, stand between the software and a stop, and no order of steps leads past them.
//!
//! ```text
//! raised ─► operator: reject │ pass ─► engagement officer: not viable │ viable
//!        ─► not located │ engaged ─► confirmed true │ confirmed false ─► disposal
//! until an officer speaks to the person, in time: lapsed │ withdrawn (the entry was removed, or its retention was over)
//! ```
//!
//! Once somebody is engaged there was a stop, and a stop has an outcome: such an alert neither lapses nor is withdrawn.

mod rules;
mod words;

pub use rules::{JudgementLimits, NotAllowed};
pub use words::{
    Closed, Disposal, IdentityCheck, Judge, JudgingRole, LifeState, LimitOf, Reject, RetentionOf,
    Step, StepKind, Stop,
};

use crate::retention::Timestamp;
use serde::{Deserialize, Serialize};

/// The steps of an alert's life, oldest first. Made by adding steps that the rules allow, and in no other way.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Life {
    steps: Vec<Step>,
}

impl Life {
    /// What happened, oldest first.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Where it is.
    pub fn state(&self) -> LifeState {
        let mut state = LifeState::Raised;
        for step in &self.steps {
            state = state.after(&step.kind);
        }
        state
    }

    /// Who passed it, if somebody did.
    pub fn passed_by(&self) -> Option<&Judge> {
        self.judge_of(|kind| matches!(kind, StepKind::Passed))
    }

    /// When it lapses unless somebody judges it; `None` where it waits for nobody.
    pub fn lapses_at(&self, raised_at: Timestamp, limits: &JudgementLimits) -> Option<Timestamp> {
        let (_, allowed) = rules::limit(self.state(), limits)?;
        let since = self.latest(raised_at).unix_ms();
        Some(Timestamp::from_unix_ms(since.saturating_add(allowed)))
    }

    /// Who called it viable, if somebody did.
    pub fn viable_by(&self) -> Option<&Judge> {
        self.judge_of(|kind| matches!(kind, StepKind::Viable))
    }

    fn judge_of(&self, is_it: impl Fn(&StepKind) -> bool) -> Option<&Judge> {
        let step = self.steps.iter().find(|step| is_it(&step.kind))?;
        step.by.as_ref()
    }

    /// The newest time on it. A clock that is set back does not make a later step earlier.
    fn latest(&self, raised_at: Timestamp) -> Timestamp {
        let times = self.steps.iter().map(|step| step.at);
        times.fold(raised_at, Timestamp::max)
    }

    /// Adds a step, if the rules allow it; says why not, and changes nothing, if they do not.
    ///
    /// # Errors
    /// [`NotAllowed`].
    pub(crate) fn add(
        &mut self,
        raised_at: Timestamp,
        limits: &JudgementLimits,
        step: Step,
    ) -> Result<LifeState, NotAllowed> {
        rules::allow(self, raised_at, limits, &step)?;
        self.steps.push(step);
        Ok(self.state())
    }

    /// The step by which it lapses at this time, if its time is over.
    pub(crate) fn lapse(
        &self,
        raised_at: Timestamp,
        limits: &JudgementLimits,
        now: Timestamp,
    ) -> Option<Step> {
        let now = now.max(self.latest(raised_at));
        let limit = rules::overdue(self, raised_at, limits, now)?;
        Some(Step {
            at: now,
            by: None,
            opened_at: None,
            kind: StepKind::Lapsed { limit },
        })
    }
}

#[cfg(test)]
mod tests;
