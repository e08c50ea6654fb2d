//! An entry of the register: its steps, and the rules of their order. Knows no table and no clock of its own.
//!
//! ```text
//! planned ─► authorised ─► extended*, runs ─► closed
//!    │           └──────► cancelled ─────────► closed
//!    └─► refused, cancelled
//! ```

use super::super::signed_in::By;
use super::terms::{Mode, Terms};
use crate::retention::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Where a deployment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RegisterState {
    /// It has a number, and nobody has decided.
    Planned,
    /// It may run within its window.
    Authorised,
    /// It may not.
    Refused,
    /// It may no more.
    Cancelled,
    /// It is over, and what it held is destroyed.
    Closed,
}

impl RegisterState {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Authorised => "authorised",
            Self::Refused => "refused",
            Self::Cancelled => "cancelled",
            Self::Closed => "closed",
        }
    }
}

impl fmt::Display for RegisterState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Something that happened to a deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum RegisterStep {
    /// It was planned, on these terms.
    Planned {
        /// The terms.
        terms: Box<Terms>,
    },
    /// It was authorised, on the terms of its plan.
    Authorised {
        /// The officer's rank.
        rank: String,
        /// Reference of the written authority.
        reference: String,
        /// Whether it was urgent.
        urgent: bool,
        /// Version of the force's rules then.
        rules_version: u32,
        /// Their SHA-256.
        rules_sha256: String,
    },
    /// It was not.
    Refused {
        /// Why.
        reason: String,
    },
    /// Its window ends later.
    Extended {
        /// When.
        until: Timestamp,
        /// The officer's rank.
        rank: String,
        /// Reference of the written authority.
        reference: String,
        /// Why.
        reason: String,
    },
    /// It may run no more.
    Cancelled {
        /// Why.
        reason: String,
    },
    /// A run began.
    RunBegun {
        /// Its number among the deployment's, from 1.
        run: u32,
        /// How faces are searched in it. A live run does not say so: what is on record from before there were searches was live.
        #[serde(default = "live", skip_serializing_if = "is_live")]
        mode: Mode,
        /// SHA-256 of the lock that it held to.
        lock_sha256: String,
    },
    /// A run ended.
    RunEnded {
        /// Its number.
        run: u32,
        /// Whether somebody ended it before its cameras did.
        interrupted: bool,
    },
    /// It was closed, and what it held was destroyed.
    Closed {
        /// SHA-256 of the certificate of deletion.
        certificate_sha256: String,
        /// SHA-256 of the record that is kept of it; absent where an older version closed it and kept none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        record_sha256: Option<String>,
    },
}

impl RegisterStep {
    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Planned { .. } => "planned",
            Self::Authorised { .. } => "authorised",
            Self::Refused { .. } => "refused",
            Self::Extended { .. } => "extended",
            Self::Cancelled { .. } => "cancelled",
            Self::RunBegun { .. } => "run-begun",
            Self::RunEnded { .. } => "run-ended",
            Self::Closed { .. } => "closed",
        }
    }
}

fn live() -> Mode {
    Mode::Live
}

fn is_live(mode: &Mode) -> bool {
    *mode == Mode::Live
}

/// A step on record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisterRecord {
    /// The event of the force's log that says the same.
    pub event: u64,
    /// When.
    pub at: Timestamp,
    /// Who; for the end of a run, whoever started it.
    pub by: By,
    /// What.
    #[serde(flatten)]
    pub what: RegisterStep,
}

/// A deployment in the register: made by adding steps that the rules of their order allow, and in no other way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisterEntry {
    number: u32,
    terms: Terms,
    planned_by: By,
    steps: Vec<RegisterRecord>,
}

/// Who authorised it, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Authorisation<'e> {
    /// The officer.
    pub by: &'e By,
    /// Their rank then.
    pub rank: &'e str,
    /// Reference of the written authority.
    pub reference: &'e str,
    /// Whether it was urgent.
    pub urgent: bool,
    /// When.
    pub at: Timestamp,
}

/// A run in the register.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RegisteredRun<'e> {
    /// Its number among the deployment's.
    pub run: u32,
    /// How faces are searched in it.
    pub mode: Mode,
    /// Who started it.
    pub by: &'e By,
    /// When it began.
    pub begun: Timestamp,
    /// When it ended; absent while it goes on, and where the process was killed.
    pub ended: Option<Timestamp>,
    /// SHA-256 of its lock.
    pub lock_sha256: &'e str,
}

/// A step that is not for a deployment where it stands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutOfTurn {
    /// It is in another state.
    #[error("deployment {number} is {state}, and so cannot be {step}")]
    State {
        /// Its number.
        number: u32,
        /// Its state.
        state: RegisterState,
        /// The step.
        step: &'static str,
    },
    /// Its window is over, or has not begun.
    #[error("the window of deployment {number} is from {start} to {until}, and it is {now}")]
    Window {
        /// Its number.
        number: u32,
        /// When it begins.
        start: Timestamp,
        /// When it ends.
        until: Timestamp,
        /// The time.
        now: Timestamp,
    },
    /// It would not be extended by it.
    #[error("deployment {number} is authorised until {until} already")]
    NotLater {
        /// Its number.
        number: u32,
        /// When it ends.
        until: Timestamp,
    },
    /// No such run goes on.
    #[error("deployment {number} has no run {run} that goes on")]
    NoRun {
        /// Its number.
        number: u32,
        /// The run.
        run: u32,
    },
}

impl RegisterEntry {
    /// A plan.
    pub(super) fn plan(number: u32, terms: Terms, event: u64, at: Timestamp, by: By) -> Self {
        let planned = RegisterStep::Planned {
            terms: Box::new(terms.clone()),
        };
        Self {
            number,
            terms,
            planned_by: by.clone(),
            steps: vec![RegisterRecord {
                event,
                at,
                by,
                what: planned,
            }],
        }
    }

    /// Its number in the register, from 1, without gaps.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The terms of its plan, which its authority fixed.
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// Who planned it.
    pub fn planned_by(&self) -> &By {
        &self.planned_by
    }

    /// What happened to it, oldest first.
    pub fn steps(&self) -> &[RegisterRecord] {
        &self.steps
    }

    /// Where it stands.
    pub fn state(&self) -> RegisterState {
        let mut state = RegisterState::Planned;
        for record in &self.steps {
            state = match record.what {
                RegisterStep::Authorised { .. } => RegisterState::Authorised,
                RegisterStep::Refused { .. } => RegisterState::Refused,
                RegisterStep::Cancelled { .. } => RegisterState::Cancelled,
                RegisterStep::Closed { .. } => RegisterState::Closed,
                _ => state,
            };
        }
        state
    }

    /// Whether nothing can come of it any more: it is closed, refused, or cancelled before it ever ran. What ran has to be closed.
    pub fn has_ended(&self) -> bool {
        match self.state() {
            RegisterState::Closed | RegisterState::Refused => true,
            RegisterState::Cancelled => self.runs().is_empty(),
            RegisterState::Planned | RegisterState::Authorised => false,
        }
    }

    /// Until when it is authorised, or planned.
    pub fn until(&self) -> Timestamp {
        let extended = self
            .steps
            .iter()
            .rev()
            .find_map(|record| match record.what {
                RegisterStep::Extended { until, .. } => Some(until),
                _ => None,
            });
        extended.unwrap_or(self.terms.end)
    }

    /// Who authorised it, if somebody did.
    pub fn authorisation(&self) -> Option<Authorisation<'_>> {
        self.steps.iter().find_map(|record| match &record.what {
            RegisterStep::Authorised {
                rank,
                reference,
                urgent,
                ..
            } => Some(Authorisation {
                by: &record.by,
                rank,
                reference,
                urgent: *urgent,
                at: record.at,
            }),
            _ => None,
        })
    }

    /// SHA-256 of the record that is kept of it, once it is closed.
    pub fn record_sha256(&self) -> Option<&str> {
        self.steps.iter().find_map(|record| match &record.what {
            RegisterStep::Closed { record_sha256, .. } => record_sha256.as_deref(),
            _ => None,
        })
    }

    /// Its runs, oldest first.
    pub fn runs(&self) -> Vec<RegisteredRun<'_>> {
        let mut runs: Vec<RegisteredRun<'_>> = Vec::new();
        for record in &self.steps {
            match &record.what {
                RegisterStep::RunBegun {
                    run,
                    mode,
                    lock_sha256,
                } => runs.push(RegisteredRun {
                    run: *run,
                    mode: *mode,
                    by: &record.by,
                    begun: record.at,
                    ended: None,
                    lock_sha256,
                }),
                RegisterStep::RunEnded { run, .. } => {
                    if let Some(found) = runs.iter_mut().find(|found| found.run == *run) {
                        found.ended = Some(record.at);
                    }
                }
                _ => {}
            }
        }
        runs
    }

    /// Whether a live run may go on at this moment; `latest` is the latest that any clock here has shown, so that one which is set back lengthens no window.
    pub fn is_open_at(&self, now: Timestamp, latest: Timestamp) -> bool {
        self.state() == RegisterState::Authorised
            && self.terms.start <= now
            && now.max(latest) < self.until()
    }

    /// Whether it may search in a mode.
    pub fn allows(&self, mode: Mode) -> bool {
        self.terms.modes.contains(&mode)
    }

    /// Whether a step is for it now.
    pub(super) fn allow(
        &self,
        step: &RegisterStep,
        now: Timestamp,
        latest: Timestamp,
    ) -> Result<(), OutOfTurn> {
        let (state, number) = (self.state(), self.number);
        use RegisterState as State;
        let is_in_turn = match step {
            RegisterStep::Planned { .. } => false,
            RegisterStep::Authorised { .. } | RegisterStep::Refused { .. } => {
                state == State::Planned
            }
            RegisterStep::Cancelled { .. } => matches!(state, State::Planned | State::Authorised),
            RegisterStep::Extended { .. } | RegisterStep::RunBegun { .. } => {
                state == State::Authorised
            }
            RegisterStep::RunEnded { .. } => true,
            RegisterStep::Closed { .. } => matches!(state, State::Authorised | State::Cancelled),
        };
        if !is_in_turn {
            let step = step.name();
            return Err(OutOfTurn::State {
                number,
                state,
                step,
            });
        }
        let (start, until) = (self.terms.start, self.until());
        let outside = |now| OutOfTurn::Window {
            number,
            start,
            until,
            now,
        };
        match step {
            // Nothing is authorised in hindsight, and nothing is extended that is over.
            RegisterStep::Authorised { .. } | RegisterStep::Extended { .. }
                if now.max(latest) >= until =>
            {
                Err(outside(now.max(latest)))
            }
            RegisterStep::Extended { until: later, .. } if *later <= until => {
                Err(OutOfTurn::NotLater { number, until })
            }
            RegisterStep::RunBegun { .. } if !self.is_open_at(now, latest) => Err(outside(now)),
            RegisterStep::RunEnded { run, .. } => {
                let runs = self.runs();
                let goes_on = runs.iter().any(|r| r.run == *run && r.ended.is_none());
                match goes_on {
                    true => Ok(()),
                    false => Err(OutOfTurn::NoRun { number, run: *run }),
                }
            }
            _ => Ok(()),
        }
    }

    /// Whether it is what these events of the log come to.
    pub(crate) fn is_told_by(&self, number: u32, told: &[RegisterRecord]) -> bool {
        let planned = match told.first().map(|record| &record.what) {
            Some(RegisterStep::Planned { terms }) => **terms == self.terms,
            _ => false,
        };
        let planner = told
            .first()
            .is_some_and(|record| record.by == self.planned_by);
        self.number == number && planned && planner && self.steps == told
    }

    pub(super) fn add(&mut self, record: RegisterRecord) {
        self.steps.push(record);
    }
}
