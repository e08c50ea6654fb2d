//! What officers and auditors ask of the records: who was on the watchlist, how the list is, the record that is published, the log, a copy. Behind one function, as the desk
//! is: it is asked through the socket of a run, or by the command that opens the store itself where no run goes on. In a run it has a thread of its own that gives way to
//! every other; what takes long or holds much is done one at a time.

use overt_deployment::Deployment;
use overt_publication::record::DeploymentRecord;
use overt_records::{
    By, EntrySummary, ForceError, GoneByRetention, Interval, MayNot, MembershipKey, Piece,
    Published, RecordsError, SignedIn, Store, Timestamp,
};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::desk::Bytes;
use crate::error::PipelineError;
use crate::list_check::{self, ListReport};
use crate::publication;
use crate::replay::{Replayed, Replayer};

/// Entries of the watchlist that are told at a time.
const ENTRIES: usize = 1_000;

/// What can be asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ask {
    /// The watchlist's entries. Anybody of the machine's user may.
    Watchlist,
    /// How the watchlist is, before and while it serves. Likewise.
    Check,
    /// Whether somebody was on the watchlist.
    Prove {
        /// Their reference.
        reference: String,
        /// When; absent: ever.
        at: Option<Timestamp>,
        /// Why it is asked.
        reason: String,
        /// The key, where somebody brings it.
        key: Option<MembershipKey>,
    },
    /// The records that are published, one for each mode, without what the register says.
    Record,
    /// That a document about the deployment is put on record.
    Publish(Published),
    /// The rows of the log. Anybody of the machine's user may.
    Log,
    /// All plain rows, for a copy. Likewise.
    Copy,
    /// Alerts once more. Likewise.
    Replay {
        /// Their numbers; none: every alert on record.
        alerts: Vec<u32>,
    },
}

/// An answer. Steps come before the last one.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Told {
    /// A step: so many images of the watchlist are compared.
    Compared {
        /// So many.
        done: u64,
        /// Of so many.
        of: u64,
    },
    /// A step: some entries of the watchlist.
    Entries(Vec<EntrySummary>),
    /// A step: some rows.
    Rows(PieceBytes),
    /// A step: an alert that was replayed.
    Replayed {
        /// What came of it.
        replayed: Box<Replayed>,
        /// Of so many.
        of: u64,
    },
    /// All its entries were told in steps; and what has gone since.
    Watchlist(GoneByRetention),
    /// How it is.
    Checked(Box<ListReport>),
    /// When somebody was on it.
    Proved(Vec<Interval>),
    /// The records.
    Record(Vec<DeploymentRecord>),
    /// It is done: all was told in steps, or what was to be put on record is.
    Done,
}

impl Told {
    /// Whether others follow.
    pub fn is_step(&self) -> bool {
        matches!(
            self,
            Self::Compared { .. } | Self::Entries(_) | Self::Rows(_) | Self::Replayed { .. }
        )
    }
}

/// Rows as they travel.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PieceBytes(Bytes);

impl PieceBytes {
    fn of(piece: &Piece) -> Result<Self, InquiryError> {
        let bytes = postcard::to_stdvec(piece).map_err(|_| InquiryError::NoRows)?;
        Ok(Self(Bytes(Zeroizing::new(bytes))))
    }

    /// The rows.
    ///
    /// # Errors
    /// [`InquiryError::NoRows`].
    pub fn piece(&self) -> Result<Piece, InquiryError> {
        postcard::from_bytes(&self.0.0).map_err(|_| InquiryError::NoRows)
    }
}

/// Why something was not answered.
#[derive(Debug, thiserror::Error)]
pub enum InquiryError {
    /// Nobody is signed in, and this takes somebody.
    #[error("nobody is signed in")]
    Nobody,
    /// Whoever asks may not.
    #[error("{0}")]
    MayNot(#[from] MayNot),
    /// Another question that takes long is being answered.
    #[error("the run is answering another long question")]
    Busy,
    /// The run is about to end.
    #[error("the run is about to end")]
    Ending,
    /// The deployment file is another one's by now.
    #[error("the deployment file is of {found} now, and {expected} runs")]
    OtherDeployment {
        /// What runs.
        expected: String,
        /// What the file says.
        found: String,
    },
    /// What travelled as rows is none.
    #[error("what came as rows of the records is none")]
    NoRows,
    /// The records.
    #[error("{0}")]
    Records(#[from] RecordsError),
    /// The force's store.
    #[error("{0}")]
    Force(Box<ForceError>),
    /// The rest.
    #[error("{0}")]
    Pipeline(#[from] Box<PipelineError>),
}

impl From<ForceError> for InquiryError {
    fn from(error: ForceError) -> Self {
        match error {
            ForceError::MayNot(cause) => cause.into(),
            ForceError::Records(cause) => Self::Records(*cause),
            error => Self::Force(Box::new(error)),
        }
    }
}

impl Ask {
    /// Whether it takes long or holds much: a run does one of them at a time.
    pub(crate) fn is_long(&self) -> bool {
        matches!(
            self,
            Self::Check | Self::Log | Self::Copy | Self::Replay { .. }
        )
    }
}

/// Does what is asked. `step` hears what comes before the answer, and says whether to go on; `replayer` is made where something is to be replayed.
///
/// # Errors
/// [`InquiryError`]; [`InquiryError::Ending`] where `step` says no.
pub fn answer(
    deployment: &Deployment,
    store: &Store,
    ask: &Ask,
    by: Option<&SignedIn>,
    now: Timestamp,
    replayer: &dyn Fn() -> Result<Replayer, PipelineError>,
    step: &dyn Fn(Told) -> bool,
) -> Result<Told, InquiryError> {
    let somebody = || by.ok_or(InquiryError::Nobody);
    Ok(match ask {
        Ask::Watchlist => {
            for some in store.watchlist().list()?.chunks(ENTRIES) {
                tell(step, Told::Entries(some.to_vec()))?;
            }
            Told::Watchlist(store.gone_by_retention()?)
        }
        Ask::Check => {
            let progress = |done, of| step(Told::Compared { done, of });
            let checked = list_check::check(deployment, store, now, &progress).map_err(Box::new)?;
            Told::Checked(Box::new(checked.ok_or(InquiryError::Ending)?))
        }
        Ask::Prove {
            reference,
            at,
            reason,
            key,
        } => {
            let by = somebody()?;
            Told::Proved(store.prove(reference, *at, reason, by, key.as_ref(), now)?)
        }
        Ask::Record => {
            By::publishing(somebody()?)?;
            Told::Record(publication::of_store(deployment, store, now)?)
        }
        Ask::Publish(published) => {
            store.note_published(published, somebody()?, now)?;
            Told::Done
        }
        Ask::Log => rows(store.rows_of_log()?, step)?,
        Ask::Copy => rows(store.rows_to_copy(now)?, step)?,
        Ask::Replay { alerts } => {
            let alerts = match alerts.is_empty() {
                true => store.alert_numbers()?,
                false => alerts.clone(),
            };
            let mut replayer = replayer().map_err(Box::new)?;
            let of = alerts.len() as u64;
            for alert in alerts {
                let replayed = replayer.replay(store, alert, now).map_err(Box::new)?;
                let replayed = Box::new(replayed);
                tell(step, Told::Replayed { replayed, of })?;
            }
            Told::Done
        }
    })
}

fn rows(pieces: Vec<Piece>, step: &dyn Fn(Told) -> bool) -> Result<Told, InquiryError> {
    for piece in pieces {
        tell(step, Told::Rows(PieceBytes::of(&piece)?))?;
    }
    Ok(Told::Done)
}

fn tell(step: &dyn Fn(Told) -> bool, told: Told) -> Result<(), InquiryError> {
    match step(told) {
        true => Ok(()),
        false => Err(InquiryError::Ending),
    }
}
