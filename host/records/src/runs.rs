//! Runs and the alerts they raised. Nothing about a face that raised no alert is ever stored here: only counts.

use crate::error::RecordsError;
use crate::fault::Fault;
use crate::payload::{self, AlertPayload};
use crate::retention::{RetentionClass, Timestamp};
use crate::store::Store;
use crate::tables::{ALERTS, AlertRow, RUNS, Row, RowBytes};
use crate::transaction::Change;
use redb::ReadableTable;
use serde::{Deserialize, Serialize};

/// Most channels that one alert may be routed to.
const MOST_ROUTES: usize = 64;

/// A run's number in its store, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub u64);

/// A plugin that a run uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginUsed {
    /// The role it serves, for example `detector`.
    pub role: String,
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of its file, 64 lower-case hexadecimal digits.
    pub sha256: String,
}

/// A model that a run uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelUsed {
    /// Its name in the manifest of its plugin.
    pub name: String,
    /// SHA-256 of its file, 64 lower-case hexadecimal digits.
    pub sha256: String,
}

/// A camera that a run reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CameraUsed {
    /// Its id in the deployment file.
    pub id: String,
    /// Its kind: fixed, vehicle, handheld or body-worn.
    pub kind: String,
}

/// What is known when a run begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunHeader {
    /// Id of the deployment; the store's own.
    pub deployment: String,
    /// When it began.
    pub started_at: Timestamp,
    /// Version of the host.
    pub host_version: String,
    /// The plugins, by role.
    pub plugins: Vec<PluginUsed>,
    /// The models.
    pub models: Vec<ModelUsed>,
    /// The cameras.
    pub cameras: Vec<CameraUsed>,
}

/// Frames of a run by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameCounts {
    /// Taken from a camera.
    pub read: u64,
    /// Looked at by a healthy detector.
    pub processed: u64,
    /// Left out because a newer one was there.
    pub dropped: u64,
    /// Taken, but seen by no healthy plugin.
    pub unseen: u64,
}

/// What a run leaves about everybody who raised no alert: numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Frames.
    pub frames: FrameCounts,
    /// Detections.
    pub faces: u64,
    /// Distinct passers-by on one camera.
    pub tracks: u64,
    /// Faces compared with the watchlist.
    pub probes: u64,
    /// Alerts raised.
    pub alerts: u64,
    /// Calls of a plugin that ended in an error.
    pub plugin_errors: u64,
}

/// How urgently a person should look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Priority {
    Low,
    Normal,
    High,
}

/// Where an alert is in its life. Only `Raised` is written by this version: nothing here can make an alert pass, for that
/// takes a person's recorded judgement.
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
    /// What is sealed and kept for the deployment's limit.
    pub payload: AlertPayload,
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

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunOutcome {
    /// It goes on, or it was killed.
    Unfinished,
    /// It came to its end.
    Finished,
    /// Somebody stopped it, and it ended in order.
    Interrupted,
}

/// A run on record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Its number.
    pub id: RunId,
    /// What was known when it began.
    pub header: RunHeader,
    /// Its counts, as of the last commit.
    pub counts: Counts,
    /// How it ended.
    pub outcome: RunOutcome,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// A run that goes on. Made by [`Store::begin_run`].
pub struct Run {
    store: Store,
    id: RunId,
}

impl Run {
    /// Its number.
    pub fn id(&self) -> RunId {
        self.id
    }

    /// The number that the next alert has to have.
    ///
    /// # Errors
    /// [`RecordsError::Io`] and the like.
    pub fn next_alert_number(&self) -> Result<u32, RecordsError> {
        self.store
            .read(|store| next_number(&store.rows.open_table(ALERTS)?))
    }

    /// Commits a group of alerts and the run's counts so far: all of them or none. When this returns they are on disk,
    /// and no kill loses them.
    ///
    /// # Errors
    /// [`RecordsError::AlertNumber`] unless the numbers go on from [`Run::next_alert_number`] without a gap;
    /// [`RecordsError::Refused`] for a value outside its limits; [`RecordsError::Full`].
    pub fn commit_decisions(
        &self,
        alerts: &[NewAlert],
        counts: &Counts,
    ) -> Result<(), RecordsError> {
        for alert in alerts {
            alert.check()?;
        }
        let retention = self.store.settings().retention;
        self.store.change(|change| {
            for new in alerts {
                let expected = next_number(&change.rows.open_table(ALERTS)?)?;
                let found = new.alert.number;
                if found != expected {
                    return Err(RecordsError::AlertNumber { expected, found }.into());
                }
                let expires_at = retention.expires(RetentionClass::Alerts, new.alert.raised_at);
                let payload = change.seal(&new.payload, expires_at)?;
                let stored = StoredAlert {
                    alert: new.alert.clone(),
                    run: self.id,
                    state: AlertState::Raised,
                    expires_at,
                };
                let row = RowBytes::of(&AlertRow { stored, payload })?;
                change.rows.open_table(ALERTS)?.insert(found, row)?;
            }
            self.update(change, |run| run.counts = *counts)
        })
    }

    /// Ends the run.
    ///
    /// # Errors
    /// As [`Run::commit_decisions`].
    pub fn finish(
        self,
        counts: &Counts,
        interrupted: bool,
        now: Timestamp,
    ) -> Result<(), RecordsError> {
        self.store.change(|change| {
            self.update(change, |run| {
                run.counts = *counts;
                run.finished_at = Some(now);
                run.outcome = match interrupted {
                    true => RunOutcome::Interrupted,
                    false => RunOutcome::Finished,
                };
            })
        })
    }

    fn update(
        &self,
        change: &Change<'_>,
        update: impl FnOnce(&mut RunRecord),
    ) -> Result<(), Fault> {
        let mut runs = change.rows.open_table(RUNS)?;
        let found = runs.get(self.id.0)?.map(|row| row.value().read());
        let Some(run) = found else {
            return Err(Fault::Inconsistent(format!("run {} is gone", self.id.0)));
        };
        let mut run = run?;
        update(&mut run);
        runs.insert(self.id.0, RowBytes::of(&run)?)?;
        Ok(())
    }
}

impl NewAlert {
    fn check(&self) -> Result<(), RecordsError> {
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
        self.payload.check(&whose)
    }
}

impl RunHeader {
    fn check(&self, store: &Store) -> Result<(), RecordsError> {
        let expected = &store.settings().deployment;
        if self.deployment != *expected {
            return Err(RecordsError::ForeignDeployment {
                path: store.path().to_path_buf(),
                expected: self.deployment.clone(),
                found: expected.clone(),
            });
        }
        payload::name("the host's version", &self.host_version)?;
        for plugin in &self.plugins {
            for text in [&plugin.role, &plugin.id, &plugin.version] {
                payload::name("a plugin of the run", text)?;
            }
            payload::digest("a plugin of the run", &plugin.sha256)?;
        }
        for model in &self.models {
            payload::name("a model of the run", &model.name)?;
            payload::digest("a model of the run", &model.sha256)?;
        }
        for camera in &self.cameras {
            for text in [&camera.id, &camera.kind] {
                payload::name("a camera of the run", text)?;
            }
        }
        Ok(())
    }
}

/// Alerts are numbered from 1 and never removed, so the last row says the next number.
fn next_number(alerts: &impl ReadableTable<u32, Row<AlertRow>>) -> Result<u32, Fault> {
    let last = alerts.last()?.map_or(0, |(number, _)| number.value());
    last.checked_add(1)
        .ok_or_else(|| Fault::Inconsistent("there is no alert number left".into()))
}

impl Store {
    /// Begins a run.
    ///
    /// # Errors
    /// [`RecordsError::ForeignDeployment`] where the header names another deployment; [`RecordsError::Refused`] for a
    /// value outside its limits; [`RecordsError::Full`].
    pub fn begin_run(&self, header: &RunHeader) -> Result<Run, RecordsError> {
        header.check(self)?;
        let id = self.change(|change| {
            let mut runs = change.rows.open_table(RUNS)?;
            let last = runs.last()?.map_or(0, |(number, _)| number.value());
            let Some(number) = last.checked_add(1) else {
                return Err(Fault::Inconsistent("there is no run number left".into()));
            };
            let run = RunRecord {
                id: RunId(number),
                header: header.clone(),
                counts: Counts::default(),
                outcome: RunOutcome::Unfinished,
                finished_at: None,
            };
            runs.insert(number, RowBytes::of(&run)?)?;
            Ok(run.id)
        })?;
        let store = self.clone();
        Ok(Run { store, id })
    }

    /// Every run, oldest first.
    ///
    /// # Errors
    /// [`RecordsError::Damaged`] and the like.
    pub fn runs(&self) -> Result<Vec<RunRecord>, RecordsError> {
        self.read(|store| {
            let runs = store.rows.open_table(RUNS)?;
            let mut found = Vec::new();
            for run in runs.iter()? {
                found.push(run?.1.value().read()?);
            }
            Ok(found)
        })
    }

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
            store.open(row.value().read()?.payload)
        })
    }
}
