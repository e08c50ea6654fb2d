//! Alerts on record: what stays, and what is sealed and expires. Who judged an alert is not known here.

use crate::error::RecordsError;
use crate::inputs::AlertInputs;
use crate::payload::{self, AlertPayload};
use crate::retention::Timestamp;
use crate::runs::{RunId, RunMode, Searched};
use crate::store::Store;
use crate::tables::{ALERTS, RUNS};
use redb::ReadableTable;
use serde::{Deserialize, Serialize};

/// Most channels that one alert may be routed to.
const MOST_ROUTES: usize = 64;

/// How urgently a person should look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Priority {
    Low,
    Normal,
    High,
}

/// Where an alert was when its row was written: `Raised`, for a row is written once. Where it is now says its life ([`crate::LivingAlert`]): no change of this field can
/// make an alert pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AlertState {
    /// Nobody has judged it yet.
    Raised,
    /// An operator passed it on.
    Passed,
    /// It ended.
    Closed,
}

/// An alert without score and face.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// Its number in the store, from 1, without gaps.
    pub number: u32,
    /// The watchlist entry that it concerns.
    pub reference: String,
    /// The entry's category.
    pub category: String,
    /// The camera.
    pub camera: String,
    /// The track's number on that camera, from 1.
    pub track: u32,
    /// Seconds since the camera's first frame.
    pub time: f64,
    /// When it was raised.
    pub raised_at: Timestamp,
    /// Sequence number of the track's first frame.
    pub first_frame: u32,
    /// Sequence number of the track's newest frame when the alert was raised.
    pub last_frame: u32,
    /// The run's generation that raised it: which plugins served. 0 in what was stored before there were others.
    #[serde(default)]
    pub generation: u64,
    /// How urgently a person should look.
    pub priority: Priority,
    /// Ids of the channels that were told.
    pub routes: Vec<String>,
}

/// An alert to be committed.
#[derive(Clone, PartialEq)]
pub struct NewAlert {
    /// What stays on record.
    pub alert: Alert,
    /// The image that it rests on, by its number in the entry: an alert that rests on one that is not on the watchlist, or whose day is past, is withdrawn as it comes.
    pub image: u32,
    /// What is sealed and kept for the deployment's limit.
    pub payload: AlertPayload,
    /// What its plugins were asked, sealed with a limit of its own; absent: the alert never replays.
    pub inputs: Option<AlertInputs>,
}

/// An alert on record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredAlert {
    /// The alert.
    pub alert: Alert,
    /// The run that raised it.
    pub run: RunId,
    /// Where it is in its life.
    pub state: AlertState,
    /// When its sealed part has to be gone.
    pub expires_at: Timestamp,
}

impl NewAlert {
    pub(crate) fn check(&self) -> Result<(), RecordsError> {
        let alert = &self.alert;
        let whose = format!("alert {}", alert.number);
        for text in [&alert.reference, &alert.category, &alert.camera] {
            payload::name(&whose, text)?;
        }
        if alert.routes.len() > MOST_ROUTES {
            return Err(RecordsError::Refused {
                problem: format!(
                    "{} routes, and {MOST_ROUTES} is the most",
                    alert.routes.len()
                ),
                what: whose,
            });
        }
        for route in &alert.routes {
            payload::name(&whose, route)?;
        }
        payload::seconds(&whose, alert.time)?;
        if let Some(inputs) = &self.inputs {
            inputs.check(&whose)?;
        }
        self.payload.check(&whose)
    }
}

impl Store {
    /// The alerts of a run, by number.
    ///
    /// # Errors
    /// [`RecordsError::NoSuchRun`].
    pub fn alerts(&self, run: RunId) -> Result<Vec<StoredAlert>, RecordsError> {
        self.read(|store| {
            if store.rows.open_table(RUNS)?.get(run.0)?.is_none() {
                let (path, run) = (self.path().to_path_buf(), run.0);
                return Err(RecordsError::NoSuchRun { path, run }.into());
            }
            let alerts = store.rows.open_table(ALERTS)?;
            let mut found = Vec::new();
            for alert in alerts.iter()? {
                let stored = alert?.1.value().read()?.stored;
                if stored.run == run {
                    found.push(stored);
                }
            }
            Ok(found)
        })
    }

    /// The search that raised an alert, and in which mode; `None` where it was no search.
    ///
    /// # Errors
    /// [`RecordsError::NoSuchAlert`].
    pub fn search_of(&self, number: u32) -> Result<Option<(RunMode, Searched)>, RecordsError> {
        self.read(|store| {
            let Some(row) = store.rows.open_table(ALERTS)?.get(number)? else {
                let path = self.path().to_path_buf();
                return Err(RecordsError::NoSuchAlert { path, number }.into());
            };
            let run = row.value().read()?.stored.run;
            let Some(row) = store.rows.open_table(RUNS)?.get(run.0)? else {
                return Ok(None);
            };
            let header = row.value().read()?.header;
            Ok(header.search.map(|search| (header.mode, search)))
        })
    }

    /// What an alert rests on; `None` once its retention has ended.
    ///
    /// # Errors
    /// [`RecordsError::NoSuchAlert`]; [`RecordsError::Altered`] where it is not what was stored.
    pub fn alert_payload(&self, number: u32) -> Result<Option<AlertPayload>, RecordsError> {
        self.read(|store| {
            let alerts = store.rows.open_table(ALERTS)?;
            let Some(row) = alerts.get(number)? else {
                let path = self.path().to_path_buf();
                return Err(RecordsError::NoSuchAlert { path, number }.into());
            };
            store.open(row.value().read()?.record)
        })
    }
}
