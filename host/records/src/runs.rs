//! Runs and the alerts they raised. Nothing about a face that raised no alert is ever stored here: only counts.

use crate::error::RecordsError;
use crate::payload::AlertPayload;
use crate::retention::Timestamp;
use crate::store::Store;
use serde::{Deserialize, Serialize};

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
        todo!()
    }

    /// Commits a group of alerts and the run's counts so far: all of them or none. When this returns they are on disk,
    /// and no kill loses them.
    ///
    /// # Errors
    /// [`RecordsError::AlertNumber`] unless the numbers go on from [`Run::next_alert_number`] without a gap;
    /// [`RecordsError::Refused`] for a value outside its limits; [`RecordsError::Full`].
    pub fn commit_decisions(
        &self,
        _alerts: &[NewAlert],
        _counts: &Counts,
    ) -> Result<(), RecordsError> {
        todo!()
    }

    /// Ends the run.
    ///
    /// # Errors
    /// As [`Run::commit_decisions`].
    pub fn finish(
        self,
        _counts: &Counts,
        _interrupted: bool,
        _now: Timestamp,
    ) -> Result<(), RecordsError> {
        todo!()
    }
}

impl Store {
    /// Begins a run.
    ///
    /// # Errors
    /// [`RecordsError::ForeignDeployment`] where the header names another deployment; [`RecordsError::Full`].
    pub fn begin_run(&self, _header: &RunHeader) -> Result<Run, RecordsError> {
        let _ = |store, id| Run { store, id };
        todo!()
    }

    /// Every run, oldest first.
    ///
    /// # Errors
    /// [`RecordsError::Damaged`] and the like.
    pub fn runs(&self) -> Result<Vec<RunRecord>, RecordsError> {
        todo!()
    }

    /// The alerts of a run, by number.
    ///
    /// # Errors
    /// [`RecordsError::NoSuchRun`].
    pub fn alerts(&self, _run: RunId) -> Result<Vec<StoredAlert>, RecordsError> {
        todo!()
    }

    /// What an alert rests on; `None` once its retention has ended.
    ///
    /// # Errors
    /// [`RecordsError::NoSuchAlert`]; [`RecordsError::Altered`] where it is not what was stored.
    pub fn alert_payload(&self, _number: u32) -> Result<Option<AlertPayload>, RecordsError> {
        todo!()
    }
}
