//! The desk: everything that people do with alerts, behind one function. It is asked through the socket of a run, by the command that opens the store itself where no run
//! goes on, and by whatever else shows alerts to people. Who asks is somebody who is signed in; a name that was typed gets nowhere.

pub use base64_bytes::Bytes;
use overt_deployment::{Deployment, Judgement};
use overt_records::{
    self as records, Actor, Adjudication, Described, DescribedCount, Disposal, ExportKind, Force,
    ForceError, JudgementError, JudgementLimits, JudgingRole, LifeState, LivingAlert, MayNot,
    Message, PassedAlert, RecordsError, Report, RetentionClass, RunMode, Searched, SignedIn,
    Timestamp,
};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

use crate::standing::Standing;

mod base64_bytes;

/// Most pictures of an entry that are shown beside a probe.
const MOST_PICTURES: usize = 16;

/// Most bytes of them together: they travel in one answer.
const MOST_PICTURE_BYTES: usize = 32 << 20;

/// What can be asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ask {
    /// Alerts, open ones first.
    List(Filter),
    /// An alert's images. That they were opened is on record.
    View {
        /// The alert.
        alert: u32,
        /// As whom; absent: in the role that the alert waits for, or else the other.
        role: Option<JudgingRole>,
        /// Where a file with the images is going to be, as an absolute path: it is put on record as one that left the store, and destroyed when the alert's images have
        /// to be gone. Absent: no file is made.
        file: Option<PathBuf>,
    },
    /// The first judgement, an operator's.
    Judge {
        /// The alert.
        alert: u32,
        /// Which.
        adjudication: Adjudication,
    },
    /// The second judgement and what follows it, an engagement officer's.
    Report {
        /// The alert.
        alert: u32,
        /// What.
        report: Report,
    },
    /// Messages that no channel has taken yet.
    Outbox,
    /// Counts a person who was engaged, apart from everything else.
    Describe(Described),
    /// How many people who were engaged were what.
    Described,
}

/// Which alerts are listed. What is absent asks for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// Only those that have not ended.
    pub open: bool,
    /// Only those in this state, by its word.
    pub state: Option<String>,
    /// Only those of this category.
    pub category: Option<String>,
    /// Only those of this camera.
    pub camera: Option<String>,
}

/// An answer.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Told {
    /// Alerts.
    List(Vec<Listed>),
    /// An alert's images.
    View(Box<Viewed>),
    /// What was judged or reported is on record.
    Judged(Box<Judged>),
    /// What is not delivered.
    Outbox {
        /// The messages, in order.
        messages: Vec<Message>,
        /// The key that messages are signed with, 64 hexadecimal digits.
        key: String,
        /// Whether whoever answers delivers them now: a live run does, and a rehearsal does not.
        goes_out: bool,
    },
    /// How many people who were engaged were what.
    Described(Vec<DescribedCount>),
}

/// An alert in a list: without face and score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Listed {
    /// The alert with its life.
    pub living: LivingAlert,
    /// When it lapses unless somebody judges it.
    pub lapses_at: Option<Timestamp>,
    /// The channels for action that were told; absent where it was not passed, or that is still to be settled.
    pub acting: Option<Vec<String>>,
    /// What was searched; absent where a camera saw the face.
    pub search: Option<SearchOf>,
}

/// The search that an alert comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchOf {
    /// Of stored images, or of a photograph that an officer took.
    pub mode: RunMode,
    /// What it was of.
    pub searched: Searched,
}

impl Listed {
    /// Where it is.
    pub fn state(&self) -> LifeState {
        self.living.life.state()
    }
}

/// An alert's images, as they are judged.
#[derive(Debug, Serialize, Deserialize)]
pub struct Viewed {
    /// The alert.
    pub listed: Listed,
    /// In which role it was opened.
    pub role: JudgingRole,
    /// The passer-by's face as JPEG.
    pub probe: Bytes,
    /// The entry's images as JPEG; none where it is not on the watchlist any more.
    pub pictures: Vec<Bytes>,
    /// What whoever has judged it may see.
    pub after: Option<After>,
}

/// What is shown once somebody has judged, and to nobody before: images first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct After {
    /// The best score.
    pub score: f32,
    /// What the policy said that its proposal rests on. It can name scores.
    pub reason: String,
}

/// A judgement that is on record.
#[derive(Debug, Serialize, Deserialize)]
pub struct Judged {
    /// The alert.
    pub listed: Listed,
    /// What is shown after it; absent where it is gone.
    pub after: Option<After>,
    /// Whether whoever answers tells channels of it now: a live run does, and a rehearsal does not.
    pub goes_out: bool,
}

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// The rules do not allow it.
    #[error("{0}")]
    Judgement(#[from] JudgementError),
    /// Whoever asks may not.
    #[error("{0}")]
    MayNot(#[from] MayNot),
    /// The images have reached the end of their retention.
    #[error("alert {alert}: its images are gone; their retention has ended")]
    Gone {
        /// The alert.
        alert: u32,
    },
    /// An arrest was for something that the force's rules do not list.
    #[error("`{reason}` is none of what an arrest may be for by the force's rules: {}", allowed.join(", "))]
    NoSuchReason {
        /// What was said.
        reason: String,
        /// The closed list; not empty.
        allowed: Vec<String>,
    },
    /// The force's rules list nothing.
    #[error("the force's rules do not say what an arrest may be for")]
    NoReasons,
    /// The force's store.
    #[error("{0}")]
    Force(Box<ForceError>),
    /// The records.
    #[error("{0}")]
    Records(#[from] RecordsError),
}

impl DeskError {
    /// What the reader can do about it.
    pub fn mend(&self) -> String {
        use records::NotAllowed;
        let text = match self {
            Self::MayNot(cause) => return cause.mend(),
            Self::Records(RecordsError::Refused { .. }) => "correct it",
            Self::Records(RecordsError::NoSuchAlert { .. }) => {
                "`overt alerts list` shows the alerts that there are"
            }
            Self::Records(_) | Self::Judgement(JudgementError::Records(_)) => {
                "check the disk that the records are on"
            }
            Self::Gone { .. } => "nobody can judge it any more",
            Self::NoSuchReason { .. } => "give one of these, or leave it out",
            Self::NoReasons => {
                "leave it out, or have an authorising officer adopt rules that do: `arrest-reasons`"
            }
            Self::Force(cause) => return cause.mend(),
            Self::Judgement(JudgementError::NotAllowed { cause, .. }) => match cause {
                NotAllowed::OutOfTurn { .. } => {
                    "`overt alerts list` says where each alert is and who comes next"
                }
                NotAllowed::NoPerson => "sign in: `overt sign-in ID`",
                NotAllowed::OtherRole { .. } => "somebody who has the role judges it",
                NotAllowed::NoCredential { .. } => {
                    "an authorising officer puts a credential on record: `overt people credential add`"
                }
                NotAllowed::SamePerson { .. } => {
                    "another engagement officer takes it from here: two people stand between an alert and a stop"
                }
                NotAllowed::TooLate => {
                    "nobody acts on it; the limits stand under [judgement] in the deployment file"
                }
                NotAllowed::NotSeen { .. } => "open it first: `overt alerts show`",
                NotAllowed::NotInOrder(_) => "correct it, and report it again",
            },
        };
        text.to_owned()
    }
}

/// The deployment's limits as the records have them.
pub fn limits(judgement: &Judgement) -> JudgementLimits {
    // Days at most.
    let milliseconds = |limit: std::time::Duration| limit.as_millis() as i64;
    JudgementLimits {
        adjudication_ms: milliseconds(judgement.adjudicate),
        engagement_ms: milliseconds(judgement.engage),
        location_ms: milliseconds(judgement.locate),
    }
}

/// The desk of a deployment.
pub struct Desk<'a> {
    store: &'a records::Store,
    limits: JudgementLimits,
    /// The force's store.
    force: PathBuf,
    standing: Option<&'a Standing>,
    goes_out: bool,
}

impl<'a> Desk<'a> {
    /// Over the records of a deployment in which no run goes on.
    pub fn new(store: &'a records::Store, deployment: &Deployment) -> Desk<'a> {
        Desk {
            store,
            limits: limits(&deployment.judgement),
            force: deployment.host.force.clone(),
            standing: None,
            goes_out: false,
        }
    }

    /// While what waits is delivered without a run.
    pub(crate) fn delivering(store: &'a records::Store, deployment: &Deployment) -> Desk<'a> {
        Desk {
            goes_out: true,
            ..Desk::new(store, deployment)
        }
    }

    /// Of a run, which hears how its alerts stand. `goes_out`: whether it tells channels anything.
    pub(crate) fn of_run(
        store: &'a records::Store,
        deployment: &Deployment,
        standing: &'a Standing,
        goes_out: bool,
    ) -> Desk<'a> {
        Desk {
            standing: Some(standing),
            goes_out,
            ..Desk::new(store, deployment)
        }
    }

    /// Does what is asked. What is over its time has lapsed before anything else is looked at.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn answer(&self, ask: &Ask, by: &SignedIn, now: Timestamp) -> Result<Told, DeskError> {
        self.lapse(now)?;
        match ask {
            Ask::List(filter) => self.list(filter).map(Told::List),
            Ask::View { alert, role, file } => {
                let viewed = self.view(*alert, *role, file.as_deref(), by, now)?;
                Ok(Told::View(Box::new(viewed)))
            }
            Ask::Judge {
                alert,
                adjudication,
            } => {
                let judge = by.judging(JudgingRole::Operator)?;
                self.store
                    .adjudicate(*alert, &judge, *adjudication, &self.limits, now)?;
                Ok(Told::Judged(Box::new(self.judged(*alert, &judge)?)))
            }
            Ask::Report { alert, report } => {
                let judge = by.judging(JudgingRole::EngagementOfficer)?;
                if let Report::Disposal(Disposal::ArrestFor(reason)) = report {
                    self.check_reason(reason)?;
                }
                self.store
                    .report(*alert, &judge, report.clone(), &self.limits, now)?;
                Ok(Told::Judged(Box::new(self.judged(*alert, &judge)?)))
            }
            Ask::Describe(person) => {
                let judge = by.judging(JudgingRole::EngagementOfficer)?;
                self.store.describe(person, &judge)?;
                Ok(Told::Described(self.store.described()?))
            }
            Ask::Described => Ok(Told::Described(self.store.described()?)),
            Ask::Outbox => Ok(Told::Outbox {
                messages: self.store.outbox()?,
                key: self.store.audit_key(),
                goes_out: self.goes_out,
            }),
        }
    }

    /// Lets every alert lapse whose time is over.
    ///
    /// # Errors
    /// [`RecordsError::Full`] and the like.
    pub fn lapse(&self, now: Timestamp) -> Result<(), RecordsError> {
        for alert in self.store.lapse(&self.limits, now)? {
            self.note(alert, LifeState::Closed(records::Closed::Lapsed));
        }
        Ok(())
    }

    /// Has the policy hear of what others have done to alerts: a withdrawal, for one.
    pub(crate) fn refresh(&self) -> Result<(), RecordsError> {
        for living in self.store.living()? {
            self.note(living.alert.number, living.life.state());
        }
        Ok(())
    }

    /// Alerts that were passed and wait for somebody to be named.
    pub(crate) fn unrouted(&self) -> Result<Vec<PassedAlert>, RecordsError> {
        self.store.unrouted()
    }

    /// That an arrest may be for this, by the force's rules as they are now.
    fn check_reason(&self, reason: &str) -> Result<(), DeskError> {
        let allowed = match Force::at(&self.force).rules() {
            Err(ForceError::Missing { .. }) => None,
            adopted => adopted.map_err(|error| DeskError::Force(Box::new(error)))?,
        };
        let allowed = allowed.map_or_else(Vec::new, |adopted| adopted.rules.arrest_reasons);
        match allowed.iter().any(|one| one == reason) {
            true => Ok(()),
            false if allowed.is_empty() => Err(DeskError::NoReasons),
            false => Err(DeskError::NoSuchReason {
                reason: reason.to_owned(),
                allowed,
            }),
        }
    }

    fn note(&self, alert: u32, state: LifeState) {
        if let Some(standing) = self.standing {
            standing.note(alert, state);
        }
    }

    fn list(&self, filter: &Filter) -> Result<Vec<Listed>, DeskError> {
        let is = |wanted: &Option<String>, found: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted == found)
        };
        let mut found = Vec::new();
        for living in self.store.living()? {
            let (alert, state) = (&living.alert, living.life.state());
            let wanted = !(filter.open && state.is_closed())
                && is(&filter.state, state.name())
                && is(&filter.category, &alert.category)
                && is(&filter.camera, &alert.camera);
            if wanted {
                found.push(self.listed(living)?);
            }
        }
        // Stable: by number within each.
        found.sort_by_key(|listed| listed.state().is_closed());
        Ok(found)
    }

    fn listed(&self, living: LivingAlert) -> Result<Listed, RecordsError> {
        let LivingAlert { alert, life } = &living;
        Ok(Listed {
            lapses_at: life.lapses_at(alert.raised_at, &self.limits),
            acting: match life.passed_by() {
                Some(_) => self.store.acting_channels(alert.number)?,
                None => None,
            },
            search: self
                .store
                .search_of(alert.number)?
                .map(|(mode, searched)| SearchOf { mode, searched }),
            living,
        })
    }

    fn view(
        &self,
        alert: u32,
        role: Option<JudgingRole>,
        file: Option<&Path>,
        by: &SignedIn,
        now: Timestamp,
    ) -> Result<Viewed, DeskError> {
        let living = self.store.living_alert(alert)?;
        let judge = match role {
            Some(role) => by.judging(role)?,
            None => {
                let (first, second) = match living.life.state() {
                    LifeState::Raised => (JudgingRole::Operator, JudgingRole::EngagementOfficer),
                    _ => (JudgingRole::EngagementOfficer, JudgingRole::Operator),
                };
                // Where neither will do, what is told is about the role that the alert waits for.
                by.judging(first)
                    .or_else(|refused| by.judging(second).map_err(|_| refused))?
            }
        };
        let gone = DeskError::Gone { alert };
        let view = self.store.view(alert, &judge, now)?.ok_or(gone)?;
        if let Some(file) = file {
            let by = Actor::Person {
                id: judge.person().to_owned(),
                name: judge.name().to_owned(),
            };
            let retention = self.store.settings().retention;
            let expires_at = retention.expires(RetentionClass::Alerts, view.alert.raised_at);
            self.store
                .export(file, ExportKind::Alert, by, expires_at, now)?;
        }
        let watchlist = self.store.watchlist();
        let reference = &view.alert.reference;
        let (mut pictures, mut bytes) = (Vec::new(), 0);
        for image in watchlist
            .images_of(reference)?
            .into_iter()
            .take(MOST_PICTURES)
        {
            let Some(picture) = watchlist.picture(reference, image)? else {
                continue;
            };
            bytes += picture.jpeg.len();
            if bytes <= MOST_PICTURE_BYTES {
                pictures.push(Bytes(picture.jpeg));
            }
        }
        Ok(Viewed {
            listed: self.listed(living)?,
            role: judge.role(),
            probe: Bytes(view.probe),
            pictures,
            after: self.after(alert, &judge)?,
        })
    }

    fn judged(&self, alert: u32, judge: &records::Judge) -> Result<Judged, DeskError> {
        let living = self.store.living_alert(alert)?;
        self.note(alert, living.life.state());
        Ok(Judged {
            listed: self.listed(living)?,
            after: self.after(alert, judge)?,
            goes_out: self.goes_out,
        })
    }

    fn after(&self, alert: u32, judge: &records::Judge) -> Result<Option<After>, RecordsError> {
        let Some(score) = self.store.score_after_judgement(alert, judge)? else {
            return Ok(None);
        };
        let payload = self.store.alert_payload(alert)?;
        Ok(payload.map(|payload| After {
            score,
            reason: payload.reason.to_string(),
        }))
    }
}
