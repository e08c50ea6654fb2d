//! Judgements of alerts on record: who looked, who judged, what came of it. Each is one transaction, and what cannot be derived from a committed one cannot be
//! had: a [`PassedAlert`] is proof that a person decided.

use crate::alerts::Alert;
use crate::audit::{Actor, AuditEvent};
use crate::error::RecordsError;
use crate::fault::Fault;
use crate::life::{
    Disposal, Judge, JudgementLimits, Life, LifeState, NotAllowed, Reject, Step, StepKind, Stop,
};
use crate::outbox;
use crate::retention::Timestamp;
use crate::store::Store;
use crate::tables::{ALERTS, LIVES, RowBytes, VIEWS, if_there, next_number};
use crate::transaction::Change;
use redb::ReadableTable;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// That somebody opened an alert's images: kept for the record of every view of a face.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// The alert.
    pub alert: u32,
    /// Who.
    pub by: Judge,
    /// When.
    pub at: Timestamp,
}

/// An alert's images as they are judged: first on the images, without the score.
pub struct AlertView {
    /// The alert.
    pub alert: Alert,
    /// The passer-by's face as JPEG.
    pub probe: Zeroizing<Vec<u8>>,
    /// Where the alert is in its life.
    pub state: LifeState,
}

/// A first judgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Adjudication {
    /// It goes on to an engagement officer.
    Pass,
    /// It ends here.
    Reject(Reject),
}

/// What the engagement officer reports, in the order of the alert's life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Report {
    /// Not worth engaging, on the spot.
    NotViable,
    /// Worth engaging.
    Viable,
    /// The person was not found.
    NotLocated,
    /// An officer speaks to the person.
    Engaged,
    /// The stop is over.
    Confirmed {
        /// Whether it was the person sought.
        correct: bool,
        /// The stop.
        stop: Stop,
    },
    /// What came of it.
    Disposal(Disposal),
}

/// An alert that an operator has passed: proof, made from the committed judgement and in no other way. What acts on an alert demands one.
#[derive(Clone, Debug, PartialEq)]
pub struct PassedAlert {
    alert: Alert,
    by: Judge,
    at: Timestamp,
}

impl PassedAlert {
    /// The alert.
    pub fn alert(&self) -> &Alert {
        &self.alert
    }

    /// The operator.
    pub fn by(&self) -> &Judge {
        &self.by
    }

    /// When it was passed.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    pub(crate) fn of(alert: Alert, life: &Life) -> Option<PassedAlert> {
        let is_pass = |step: &&Step| matches!(step.kind, StepKind::Passed);
        let step = life.steps().iter().find(is_pass)?;
        Some(PassedAlert {
            alert,
            by: step.by.clone()?,
            at: step.at,
        })
    }
}

/// An alert with its life so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LivingAlert {
    /// The alert.
    pub alert: Alert,
    /// Its life.
    pub life: Life,
}

/// Why a judgement is not on record.
#[derive(Debug, thiserror::Error)]
pub enum JudgementError {
    /// The rules do not allow it.
    #[error("alert {alert}: {cause}")]
    NotAllowed {
        /// The alert.
        alert: u32,
        /// Why not.
        cause: NotAllowed,
    },
    /// The records.
    #[error("{0}")]
    Records(#[from] RecordsError),
}

impl Store {
    /// Opens an alert's images to somebody who judges, and keeps that they were seen. Without the score: that is shown once they have judged
    /// ([`Store::score_after_judgement`]). `None` where the images are gone.
    ///
    /// # Errors
    /// [`RecordsError::NoSuchAlert`] and the like.
    pub fn view(
        &self,
        alert: u32,
        by: &Judge,
        now: Timestamp,
    ) -> Result<Option<AlertView>, RecordsError> {
        self.known(alert)?;
        let Some(payload) = self.alert_payload(alert)? else {
            return Ok(None);
        };
        self.change(|change| {
            let mut views = change.rows.open_table(VIEWS)?;
            let number = next_number(&views, "a look at an alert")?;
            let view = View {
                alert,
                by: by.clone(),
                at: now,
            };
            views.insert(number, RowBytes::of(&view)?)?;
            let role = by.role;
            change.log(now, actor(by), AuditEvent::AlertViewed { alert, role })
        })?;
        let LivingAlert { alert, life } = self.known(alert)?;
        Ok(Some(AlertView {
            alert,
            probe: payload.crop,
            state: life.state(),
        }))
    }

    /// The first judgement. When this returns it is on disk, and a second submission of the same judgement by the same person changes nothing and
    /// answers the same.
    ///
    /// # Errors
    /// [`JudgementError::NotAllowed`]. An alert whose time is over lapses then.
    pub fn adjudicate(
        &self,
        alert: u32,
        by: &Judge,
        adjudication: Adjudication,
        limits: &JudgementLimits,
        now: Timestamp,
    ) -> Result<Option<PassedAlert>, JudgementError> {
        let kind = match adjudication {
            Adjudication::Pass => StepKind::Passed,
            Adjudication::Reject(reject) => StepKind::Rejected(reject),
        };
        let living = self.step(alert, by, kind, limits, now)?;
        Ok(match adjudication {
            Adjudication::Pass => PassedAlert::of(living.alert, &living.life),
            Adjudication::Reject(_) => None,
        })
    }

    /// The second judgement and what follows it. Likewise.
    ///
    /// # Errors
    /// [`JudgementError::NotAllowed`].
    pub fn report(
        &self,
        alert: u32,
        by: &Judge,
        report: Report,
        limits: &JudgementLimits,
        now: Timestamp,
    ) -> Result<LivingAlert, JudgementError> {
        let kind = match report {
            Report::NotViable => StepKind::NotViable,
            Report::Viable => StepKind::Viable,
            Report::NotLocated => StepKind::NotLocated,
            Report::Engaged => StepKind::Engaged,
            Report::Confirmed { correct, stop } => StepKind::Confirmed { correct, stop },
            Report::Disposal(what) => StepKind::Disposal(what),
        };
        self.step(alert, by, kind, limits, now)
    }

    /// Lets every alert lapse whose time is over; their numbers.
    ///
    /// # Errors
    /// [`RecordsError::Full`] and the like.
    pub fn lapse(
        &self,
        limits: &JudgementLimits,
        now: Timestamp,
    ) -> Result<Vec<u32>, RecordsError> {
        let due = |living: &LivingAlert| {
            let raised_at = living.alert.raised_at;
            living.life.lapse(raised_at, limits, now).is_some()
        };
        // Looking first costs no write transaction where nothing is due, which is most of the time.
        if !self.living()?.iter().any(due) {
            return Ok(Vec::new());
        }
        self.change(|change| {
            let mut lapsed = Vec::new();
            for number in numbers(change)? {
                let mut living = living_in(change, number)?;
                let raised_at = living.alert.raised_at;
                if let Some(step) = living.life.lapse(raised_at, limits, now) {
                    add(change, &mut living, limits, step)?;
                    lapsed.push(number);
                }
            }
            Ok(lapsed)
        })
    }

    /// Withdraws every alert about an entry that was removed, unless an officer speaks to the person already; their numbers.
    ///
    /// # Errors
    /// [`RecordsError::Full`] and the like.
    pub fn withdraw(&self, reference: &str, now: Timestamp) -> Result<Vec<u32>, RecordsError> {
        let is_about = |of: &str| of == reference;
        self.change(|change| withdraw(change, &is_about, &StepKind::Withdrawn, now))
    }

    /// An alert's score, for somebody who has judged it; `None` for anybody else, and once it is gone.
    ///
    /// # Errors
    /// [`RecordsError::NoSuchAlert`] and the like.
    pub fn score_after_judgement(
        &self,
        alert: u32,
        by: &Judge,
    ) -> Result<Option<f32>, RecordsError> {
        let living = self.known(alert)?;
        let has_judged = living.life.steps().iter().any(|step| {
            step.by
                .as_ref()
                .is_some_and(|judge| judge.person == by.person)
        });
        match has_judged {
            true => Ok(self.alert_payload(alert)?.map(|payload| payload.score)),
            false => Ok(None),
        }
    }

    /// An alert that an operator has passed, as committed; `None` of any other.
    ///
    /// # Errors
    /// [`RecordsError::NoSuchAlert`].
    pub fn passed(&self, alert: u32) -> Result<Option<PassedAlert>, RecordsError> {
        let living = self.known(alert)?;
        Ok(PassedAlert::of(living.alert, &living.life))
    }

    /// An alert with its life.
    ///
    /// # Errors
    /// [`RecordsError::NoSuchAlert`].
    pub fn living_alert(&self, alert: u32) -> Result<LivingAlert, RecordsError> {
        self.known(alert)
    }

    /// Every alert with its life, by number.
    ///
    /// # Errors
    /// [`RecordsError::Damaged`] and the like.
    pub fn living(&self) -> Result<Vec<LivingAlert>, RecordsError> {
        self.read(|store| {
            let alerts = store.rows.open_table(ALERTS)?;
            let lives = if_there(store.rows.open_table(LIVES))?;
            let mut found = Vec::new();
            for row in alerts.iter()? {
                let (number, row) = row?;
                let alert = row.value().read()?.stored.alert;
                let life = match &lives {
                    Some(lives) => lives.get(number.value())?,
                    None => None,
                };
                let life = life.map(|life| life.value().read()).transpose()?;
                found.push(LivingAlert {
                    alert,
                    life: life.unwrap_or_default(),
                });
            }
            Ok(found)
        })
    }

    /// Every view of an alert's images, in order.
    ///
    /// # Errors
    /// [`RecordsError::Damaged`] and the like.
    pub fn views(&self) -> Result<Vec<View>, RecordsError> {
        self.read(|store| {
            let Some(views) = if_there(store.rows.open_table(VIEWS))? else {
                return Ok(Vec::new());
            };
            let mut found = Vec::new();
            for row in views.iter()? {
                found.push(row?.1.value().read()?);
            }
            Ok(found)
        })
    }

    fn known(&self, number: u32) -> Result<LivingAlert, RecordsError> {
        self.read(|store| {
            let alerts = store.rows.open_table(ALERTS)?;
            let Some(row) = alerts.get(number)? else {
                return Err(self.no_such_alert(number).into());
            };
            let life = match if_there(store.rows.open_table(LIVES))? {
                Some(lives) => lives.get(number)?.map(|life| life.value().read()),
                None => None,
            };
            Ok(LivingAlert {
                alert: row.value().read()?.stored.alert,
                life: life.transpose()?.unwrap_or_default(),
            })
        })
    }

    pub(crate) fn no_such_alert(&self, number: u32) -> RecordsError {
        RecordsError::NoSuchAlert {
            path: self.path().to_path_buf(),
            number,
        }
    }

    /// A person's step, in one transaction: read, allowed, written.
    fn step(
        &self,
        alert: u32,
        by: &Judge,
        kind: StepKind,
        limits: &JudgementLimits,
        now: Timestamp,
    ) -> Result<LivingAlert, JudgementError> {
        let done = self.change(|change| {
            let mut living = living_in(change, alert)?;
            let last = living.life.steps().last();
            if last.is_some_and(|last| last.by.as_ref() == Some(by) && last.kind == kind) {
                // The same once more, by the same person: a finger that pressed twice, or an answer that was lost on its way.
                return Ok(Ok(living));
            }
            let raised_at = living.alert.raised_at;
            if let Some(lapsed) = living.life.lapse(raised_at, limits, now) {
                add(change, &mut living, limits, lapsed)?;
                return Ok(Err(NotAllowed::TooLate));
            }
            let step = Step {
                at: now,
                by: Some(by.clone()),
                opened_at: opened_by(change, alert, by)?,
                kind,
            };
            let mut next = living.life.clone();
            if let Err(cause) = next.add(raised_at, limits, step) {
                return Ok(Err(cause));
            }
            living.life = next;
            write(change, &living)?;
            Ok(Ok(living))
        })?;
        done.map_err(|cause| JudgementError::NotAllowed { alert, cause })
    }
}

/// For steps that no limit has a say in.
const NO_LIMITS: JudgementLimits = JudgementLimits {
    adjudication_ms: i64::MAX,
    engagement_ms: i64::MAX,
    location_ms: i64::MAX,
};

/// Withdraws, within a change, what is under way about entries of these references; the alerts' numbers. `kind` is the step by which it is.
pub(crate) fn withdraw(
    change: &Change<'_>,
    is_about: &dyn Fn(&str) -> bool,
    kind: &StepKind,
    now: Timestamp,
) -> Result<Vec<u32>, Fault> {
    let mut withdrawn = Vec::new();
    for number in numbers(change)? {
        if withdraw_one(change, number, is_about, kind, now)? {
            withdrawn.push(number);
        }
    }
    Ok(withdrawn)
}

/// The same of one alert; whether it was.
pub(crate) fn withdraw_one(
    change: &Change<'_>,
    number: u32,
    is_about: &dyn Fn(&str) -> bool,
    kind: &StepKind,
    now: Timestamp,
) -> Result<bool, Fault> {
    let mut living = living_in(change, number)?;
    let open = matches!(
        living.life.state(),
        LifeState::Raised | LifeState::Passed | LifeState::Viable
    );
    if !open || !is_about(&living.alert.reference) {
        return Ok(false);
    }
    let step = Step {
        at: now,
        by: None,
        opened_at: None,
        kind: kind.clone(),
    };
    add(change, &mut living, &NO_LIMITS, step)?;
    Ok(true)
}

fn numbers(change: &Change<'_>) -> Result<Vec<u32>, Fault> {
    let alerts = change.rows.open_table(ALERTS)?;
    let numbers = alerts
        .iter()?
        .map(|row| row.map(|(number, _)| number.value()));
    Ok(numbers.collect::<Result<_, _>>()?)
}

pub(crate) fn living_in(change: &Change<'_>, number: u32) -> Result<LivingAlert, Fault> {
    let alerts = change.rows.open_table(ALERTS)?;
    let Some(row) = alerts.get(number)? else {
        return Err(change.no_such_alert(number));
    };
    let lives = change.rows.open_table(LIVES)?;
    let life = lives
        .get(number)?
        .map(|life| life.value().read())
        .transpose()?;
    Ok(LivingAlert {
        alert: row.value().read()?.stored.alert,
        life: life.unwrap_or_default(),
    })
}

/// Adds a step that time or the watchlist makes; the caller has seen that the rules allow it.
fn add(
    change: &Change<'_>,
    living: &mut LivingAlert,
    limits: &JudgementLimits,
    step: Step,
) -> Result<(), Fault> {
    let added = living.life.add(living.alert.raised_at, limits, step);
    added.map_err(|cause| Fault::Inconsistent(format!("a step that was due is not: {cause}")))?;
    write(change, living)
}

/// Writes a life whose last step is new, that step into the audit log, and what channels have to hear of it into the outbox.
fn write(change: &Change<'_>, living: &LivingAlert) -> Result<(), Fault> {
    let alert = living.alert.number;
    let mut lives = change.rows.open_table(LIVES)?;
    lives.insert(alert, RowBytes::of(&living.life)?)?;
    let Some(step) = living.life.steps().last() else {
        return Ok(());
    };
    let event = AuditEvent::AlertStep {
        alert,
        step: step.kind.clone(),
    };
    let by = step.by.as_ref().map_or(Actor::Host, actor);
    change.log(step.at, by, event)?;
    outbox::of_step(change, &living.alert, step)
}

fn actor(judge: &Judge) -> Actor {
    Actor::Person {
        id: judge.person.clone(),
        name: judge.name.clone(),
    }
}

/// When this person opened the alert's images last.
fn opened_by(change: &Change<'_>, alert: u32, by: &Judge) -> Result<Option<Timestamp>, Fault> {
    let views = change.rows.open_table(VIEWS)?;
    let mut opened = None;
    for row in views.iter()? {
        let view = row?.1.value().read()?;
        if view.alert == alert && view.by.person == by.person && view.by.role == by.role {
            opened = Some(view.at);
        }
    }
    Ok(opened)
}

#[cfg(test)]
pub(crate) mod tests;
