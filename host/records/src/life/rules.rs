//! Which step may follow which, by whom and until when.

use super::Life;
use super::words::{Closed, Disposal, Judge, JudgingRole, LifeState, LimitOf, Step, StepKind};
use crate::retention::Timestamp;

/// Most bytes of a text that a step carries.
const MOST_TEXT: usize = 4096;

/// How long each judgement may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct JudgementLimits {
    /// From the alert to the operator's judgement, milliseconds.
    pub adjudication_ms: i64,
    /// From there to the engagement officer's.
    pub engagement_ms: i64,
    /// From there until it is said whether the person was found.
    pub location_ms: i64,
}

/// Why a step is not taken.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum NotAllowed {
    /// The alert is not where this step begins.
    #[error("the alert is {found:?}; this step is for one that is {expected}")]
    OutOfTurn {
        /// Where it is.
        found: LifeState,
        /// Where it had to be.
        expected: &'static str,
    },
    /// The step needs a person and has none, or the other way round.
    #[error("this step takes a person's judgement")]
    NoPerson,
    /// It is for another role.
    #[error("this step is the {expected}'s, and {name} judges as {found}")]
    OtherRole {
        /// The person.
        name: String,
        /// Their role.
        found: JudgingRole,
        /// The step's.
        expected: JudgingRole,
    },
    /// The credential was not valid at that moment.
    #[error("{name}'s credential as {role} is valid from {from:?} until {until:?}")]
    NoCredential {
        /// The person.
        name: String,
        /// Their role.
        role: JudgingRole,
        /// Since when it is valid.
        from: Timestamp,
        /// Until when.
        until: Timestamp,
    },
    /// The same person has made the other judgement.
    #[error("{name} has judged this alert before; the second judgement is another person's")]
    SamePerson {
        /// The person.
        name: String,
    },
    /// The time for it is over.
    #[error("the time for it is over: the alert has lapsed")]
    TooLate,
    /// Nobody can judge what they have not looked at.
    #[error("{name} has not opened this alert's images; a judgement is made on them")]
    NotSeen {
        /// The person.
        name: String,
    },
    /// A text is empty, too long or not printable, or a time is the wrong way round.
    #[error("{0}")]
    NotInOrder(String),
}

/// Whether a step may be taken now.
pub(super) fn allow(
    life: &Life,
    raised_at: Timestamp,
    limits: &JudgementLimits,
    step: &Step,
) -> Result<(), NotAllowed> {
    let state = life.state();
    let turn = |is: bool, expected| match is {
        true => Ok(()),
        false => Err(NotAllowed::OutOfTurn {
            found: state,
            expected,
        }),
    };
    // Before anything else: what is over is over, whoever comes.
    let now = step.at.max(life.latest(raised_at));
    let judging = |role| -> Result<&Judge, NotAllowed> {
        let judge = judge(step, role, now)?;
        match overdue(life, raised_at, limits, now) {
            Some(_) => Err(NotAllowed::TooLate),
            None => Ok(judge),
        }
    };
    match &step.kind {
        StepKind::Rejected(_) | StepKind::Passed => {
            turn(state == LifeState::Raised, "raised")?;
            let judge = judging(JudgingRole::Operator)?;
            seen(step, judge)
        }
        StepKind::NotViable | StepKind::Viable => {
            turn(state == LifeState::Passed, "passed")?;
            let judge = judging(JudgingRole::EngagementOfficer)?;
            not_the_first(life, judge)?;
            seen(step, judge)
        }
        StepKind::NotLocated | StepKind::Engaged => {
            turn(state == LifeState::Viable, "viable")?;
            not_the_first(life, judging(JudgingRole::EngagementOfficer)?)
        }
        StepKind::Confirmed { stop, .. } => {
            turn(state == LifeState::Engaged, "engaged")?;
            not_the_first(life, judging(JudgingRole::EngagementOfficer)?)?;
            text("the stop's place", &stop.place)?;
            if !stop.method.is_empty() {
                text("how the identity was checked", &stop.method)?;
            }
            in_order(stop.from, stop.to)
        }
        StepKind::Disposal(what) => {
            let confirmed = matches!(
                state,
                LifeState::Closed(Closed::ConfirmedTrue | Closed::ConfirmedFalse)
            );
            let before = life.steps().iter();
            let again = before
                .rev()
                .any(|step| matches!(step.kind, StepKind::Disposal(_)));
            turn(confirmed && !again, "confirmed and without a disposal")?;
            not_the_first(life, judge(step, JudgingRole::EngagementOfficer, now)?)?;
            match what {
                Disposal::Other(words) => text("the disposal", words),
                Disposal::ArrestFor(reason) => text("what the arrest was for", reason),
                Disposal::Arrest | Disposal::NoFurtherAction => Ok(()),
            }
        }
        StepKind::Lapsed { .. } => {
            let due = overdue(life, raised_at, limits, now).is_some();
            turn(due && step.by.is_none(), "over its time")
        }
        StepKind::Withdrawn | StepKind::WithdrawnByRetention { .. } => {
            let open = matches!(
                state,
                LifeState::Raised | LifeState::Passed | LifeState::Viable
            );
            turn(
                open && step.by.is_none(),
                "open, and nobody is engaged over it",
            )
        }
    }
}

/// The limit that a state is held to, and how long it is in milliseconds.
pub(super) fn limit(state: LifeState, limits: &JudgementLimits) -> Option<(LimitOf, i64)> {
    match state {
        LifeState::Raised => Some((LimitOf::Adjudication, limits.adjudication_ms)),
        LifeState::Passed => Some((LimitOf::Engagement, limits.engagement_ms)),
        LifeState::Viable => Some((LimitOf::Location, limits.location_ms)),
        LifeState::Engaged | LifeState::Closed(_) => None,
    }
}

/// The limit that has run out.
pub(super) fn overdue(
    life: &Life,
    raised_at: Timestamp,
    limits: &JudgementLimits,
    now: Timestamp,
) -> Option<LimitOf> {
    let (limit, allowed) = limit(life.state(), limits)?;
    let since = life.latest(raised_at).unix_ms();
    (now.unix_ms().saturating_sub(since) > allowed).then_some(limit)
}

/// Whoever takes the step, if they may in this role and have a credential for it then. `now` is never before what is on record: a clock that is set back makes no
/// credential valid again.
fn judge(step: &Step, role: JudgingRole, now: Timestamp) -> Result<&Judge, NotAllowed> {
    let judge = step.by.as_ref().ok_or(NotAllowed::NoPerson)?;
    if judge.role != role {
        return Err(NotAllowed::OtherRole {
            name: judge.name.clone(),
            found: judge.role,
            expected: role,
        });
    }
    let credential = &judge.credential;
    if now < credential.from || now >= credential.until {
        return Err(NotAllowed::NoCredential {
            name: judge.name.clone(),
            role,
            from: credential.from,
            until: credential.until,
        });
    }
    Ok(judge)
}

/// That whoever comes second is not who came first.
fn not_the_first(life: &Life, judge: &Judge) -> Result<(), NotAllowed> {
    let first = life.passed_by().map(Judge::person);
    match first == Some(judge.person()) {
        true => Err(NotAllowed::SamePerson {
            name: judge.name.clone(),
        }),
        false => Ok(()),
    }
}

/// That the images were opened before they were judged: a view of theirs is on record, and there is none of an alert that is not.
fn seen(step: &Step, judge: &Judge) -> Result<(), NotAllowed> {
    step.opened_at.map(drop).ok_or_else(|| NotAllowed::NotSeen {
        name: judge.name.clone(),
    })
}

fn text(what: &str, text: &str) -> Result<(), NotAllowed> {
    let printable = !text.trim().is_empty() && !text.chars().any(char::is_control);
    match printable && text.len() <= MOST_TEXT {
        true => Ok(()),
        false => Err(NotAllowed::NotInOrder(format!(
            "{what} is empty, over {MOST_TEXT} bytes or not printable"
        ))),
    }
}

fn in_order(from: Timestamp, to: Timestamp) -> Result<(), NotAllowed> {
    match from <= to {
        true => Ok(()),
        false => Err(NotAllowed::NotInOrder(
            "the stop ends before it begins".to_owned(),
        )),
    }
}
