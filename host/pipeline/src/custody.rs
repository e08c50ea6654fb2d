//! What is kept, for how long and why: sweeps, holds, receipts and files that left the records, behind one function. It is asked as the desk is: through the socket of a run,
//! or by the command that opens the store itself where no run goes on.

use std::path::PathBuf;

use overt_records::{
    Export, Hold, NoReceiptCode, ReceiptCode, RecordsError, Retained, Retention, SignedIn, Store,
    SweepReport, Timestamp,
};
use serde::{Deserialize, Serialize};

use crate::error::PipelineError;

/// What can be asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ask {
    /// What is kept. Anybody of the machine's user may: it names nobody.
    Kept,
    /// That what is over its time goes now. A run answers it by itself, for its gallery loses what goes. Likewise: it destroys only what has to be gone.
    Sweep,
    /// That an alert is kept past its time.
    Hold {
        /// Which.
        of: HoldOf,
        /// Why.
        reason: String,
        /// Until when.
        until: Timestamp,
    },
    /// That a hold ends.
    EndHold {
        /// Which.
        hold: u64,
        /// Why.
        reason: String,
    },
    /// A code for the person who was stopped over an alert.
    Receipt {
        /// The alert.
        alert: u32,
    },
}

/// What a hold is on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HoldOf {
    /// The alert of this number.
    Alert(u32),
    /// The alert of whoever has this code, as they wrote it.
    Receipt(String),
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Told {
    /// What is kept.
    Kept(Kept),
    /// What went.
    Swept(Swept),
    /// The hold, as it is on record now.
    Hold(Box<Hold>),
    /// The code. It is told once.
    Receipt(String),
}

/// What is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// The deployment's limits.
    pub limits: Limits,
    /// Sealed records by class.
    pub retained: Vec<Retained>,
    /// Holds, those that have ended too.
    pub holds: Vec<Hold>,
    /// Files that are still there.
    pub exports: Vec<Export>,
}

/// Hours that each class is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Limits {
    pub alerts_hours: u32,
    pub inputs_hours: u32,
    pub watchlist_hours: u32,
}

impl From<Retention> for Limits {
    fn from(retention: Retention) -> Self {
        Self {
            alerts_hours: retention.alerts_hours,
            inputs_hours: retention.inputs_hours,
            watchlist_hours: retention.watchlist_hours,
        }
    }
}

/// What a sweep destroyed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Swept {
    pub watchlist_images: u64,
    pub watchlist_entries: u64,
    /// Alerts that were withdrawn: their entry went.
    #[serde(default)]
    pub withdrawn: Vec<u32>,
    pub alerts: u64,
    pub inputs: u64,
    pub exports: u64,
    /// Files that should be gone and could not be removed.
    pub exports_left: Vec<PathBuf>,
}

impl From<SweepReport> for Swept {
    fn from(report: SweepReport) -> Self {
        Self {
            watchlist_images: report.watchlist_images as u64,
            watchlist_entries: report.watchlist_entries as u64,
            withdrawn: report.withdrawn,
            alerts: report.alerts as u64,
            inputs: report.inputs as u64,
            exports: report.exports as u64,
            exports_left: report
                .exports_left
                .into_iter()
                .map(|(path, _)| path)
                .collect(),
        }
    }
}

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum CustodyError {
    /// Nobody is signed in, and this takes somebody.
    #[error("nobody is signed in")]
    Nobody,
    /// The text is no code.
    #[error("{0}")]
    NoCode(#[from] NoReceiptCode),
    /// No receipt of this deployment has this code.
    #[error("no receipt of this deployment has this code")]
    UnknownCode,
    /// The records.
    #[error("{0}")]
    Records(#[from] RecordsError),
    /// The run that has them.
    #[error("{0}")]
    Run(Box<PipelineError>),
}

impl CustodyError {
    /// What the reader can do about it.
    pub fn mend(&self) -> String {
        match self {
            Self::Nobody => "sign in: `overt sign-in ID`".to_owned(),
            Self::Run(error) => error.mend(),
            Self::NoCode(_) => "write it as it stands on the receipt".to_owned(),
            Self::UnknownCode => {
                "compare it with the receipt, and ask the deployment that the receipt names"
                    .to_owned()
            }
            Self::Records(RecordsError::MayNot(cause)) => cause.mend(),
            Self::Records(RecordsError::NoSuchAlert { .. }) => {
                "`overt alerts list` shows the alerts that there are".to_owned()
            }
            Self::Records(RecordsError::Refused { .. }) => "correct it".to_owned(),
            Self::Records(_) => "check the disk that the records are on".to_owned(),
        }
    }
}

/// Does what is asked.
///
/// # Errors
/// [`CustodyError`].
pub fn answer(
    store: &Store,
    ask: &Ask,
    by: Option<&SignedIn>,
    now: Timestamp,
) -> Result<Told, CustodyError> {
    let somebody = || by.ok_or(CustodyError::Nobody);
    Ok(match ask {
        Ask::Kept => Told::Kept(Kept {
            limits: store.settings().retention.into(),
            retained: store.retained()?,
            holds: store.holds()?,
            exports: {
                let mut exports = store.exports()?;
                exports.retain(|export| export.destroyed.is_none());
                exports
            },
        }),
        Ask::Sweep => Told::Swept(store.sweep(now)?.into()),
        Ask::Hold { of, reason, until } => {
            let by = somebody()?;
            let alert = match of {
                HoldOf::Alert(alert) => *alert,
                HoldOf::Receipt(text) => {
                    let code: ReceiptCode = text.parse()?;
                    store.alert_of(&code)?.ok_or(CustodyError::UnknownCode)?
                }
            };
            Told::Hold(Box::new(store.hold(alert, reason, *until, by, now)?))
        }
        Ask::EndHold { hold, reason } => {
            Told::Hold(Box::new(store.end_hold(*hold, reason, somebody()?, now)?))
        }
        Ask::Receipt { alert } => {
            Told::Receipt(store.receipt(*alert, somebody()?, now)?.to_string())
        }
    })
}
