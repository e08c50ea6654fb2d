//! Runs: what took part, how it ended, and the commit of what was decided. About everybody who raised no alert a run
//! leaves numbers and nothing else.

use crate::alerts::{AlertState, NewAlert, StoredAlert};
use crate::audit::{Actor, AuditEvent};
use crate::error::RecordsError;
use crate::fault::Fault;
use crate::force::{By, Mode};
use crate::inputs::SealedInputs;
use crate::judgements::withdraw_one;
use crate::live::{ListComposition, ListSizes, begin_everybody, composition, size};
use crate::outbox;
use crate::payload;
use crate::retention::{RetentionClass, Timestamp};
use crate::store::Store;
use crate::tables::{ALERTS, AlertRow, InputsRow, RUNS, RowBytes, next_number};
use crate::transaction::Change;
use crate::watchlist::withdrawal_of;
use redb::ReadableTable;
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

/// What a run is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunMode {
    /// People are sought, and alerts are raised. What was recorded before there were rehearsals was live.
    #[default]
    Live,
    /// It tries out cameras, plugins and limits: it raises no alert and tells nobody of one. It only counts those that it would have raised.
    Rehearsal,
    /// A search of stored images.
    Retrospective,
    /// A search of one photograph that an officer took.
    Operator,
}

impl RunMode {
    /// Its name in what a run leaves.
    pub fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Rehearsal => "rehearsal",
            Self::Retrospective => "retrospective",
            Self::Operator => "operator",
        }
    }

    /// The one of this name.
    pub(crate) fn named(name: &str) -> Option<RunMode> {
        [
            Self::Live,
            Self::Rehearsal,
            Self::Retrospective,
            Self::Operator,
        ]
        .into_iter()
        .find(|mode| mode.name() == name)
    }

    /// How faces are searched; a rehearsal searches for nobody.
    pub fn mode(self) -> Option<Mode> {
        match self {
            Self::Live => Some(Mode::Live),
            Self::Rehearsal => None,
            Self::Retrospective => Some(Mode::Retrospective),
            Self::Operator => Some(Mode::Operator),
        }
    }

    /// Whether photographs are searched, and nobody walks past.
    pub fn is_search(self) -> bool {
        matches!(self, Self::Retrospective | Self::Operator)
    }
}

impl From<Mode> for RunMode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Live => Self::Live,
            Mode::Retrospective => Self::Retrospective,
            Mode::Operator => Self::Operator,
        }
    }
}

/// What a search was of, and why. Who made it stands in the run's header; for one photograph, that is who took it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Searched {
    /// Why.
    pub reason: String,
    /// How many photographs were given.
    pub photographs: u64,
    /// Whether every face of a photograph was compared; otherwise that of a photograph with one face alone.
    pub every_face: bool,
    /// Where they were taken.
    pub place: String,
    /// When, at the earliest.
    pub taken_from: Timestamp,
    /// When, at the latest.
    pub taken_to: Timestamp,
    /// Where stored images come from; absent for a photograph that an officer took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub footage: Option<Footage>,
}

/// Where stored images come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Footage {
    /// What they are out of, such as the camera of a shop.
    pub source: String,
    /// Whose they are.
    pub owner: String,
}

/// The longest text about a search, characters.
const SEARCH_TEXT: usize = 500;

impl Searched {
    fn check(&self, mode: RunMode, at: Timestamp) -> Result<(), RecordsError> {
        let refused = |problem: String| RecordsError::Refused {
            what: "the search".to_owned(),
            problem,
        };
        let mut texts = vec![("reason", &self.reason), ("place", &self.place)];
        if let Some(footage) = &self.footage {
            texts.extend([("source", &footage.source), ("owner", &footage.owner)]);
        }
        for (name, text) in texts {
            if text.trim().is_empty() || text.chars().count() > SEARCH_TEXT {
                return Err(refused(format!(
                    "its {name} has to be 1 to {SEARCH_TEXT} characters"
                )));
            }
            if text.chars().any(char::is_control) {
                return Err(refused(format!("its {name} has control characters")));
            }
        }
        if self.taken_from > self.taken_to {
            return Err(refused(
                "what it searches was taken until before it was taken from".to_owned(),
            ));
        }
        if self.taken_to > at {
            return Err(refused("what it searches is of the future".to_owned()));
        }
        if self.footage.is_some() != (mode == RunMode::Retrospective) {
            return Err(refused(
                "stored images have a source and an owner, and an officer's photograph has none"
                    .to_owned(),
            ));
        }
        if mode == RunMode::Retrospective && !self.every_face {
            return Err(refused(
                "of stored images every face is compared".to_owned(),
            ));
        }
        if mode == RunMode::Operator && self.photographs != 1 {
            return Err(refused(format!(
                "an officer takes one photograph, and here are {}",
                self.photographs
            )));
        }
        Ok(())
    }
}

/// What is known when a run begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunHeader {
    /// Id of the deployment; the store's own.
    pub deployment: String,
    /// When it began.
    pub started_at: Timestamp,
    /// What it is for.
    #[serde(default)]
    pub mode: RunMode,
    /// The deployment's number in the force's register; absent for a rehearsal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub register: Option<u32>,
    /// Who started it; absent where nobody was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_by: Option<By>,
    /// What was searched and why; of a search alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<Searched>,
    /// Version of the host.
    pub host_version: String,
    /// SHA-256 of the lock that it held to; absent: it ran without one, or was recorded before there were any.
    #[serde(default)]
    pub lock_sha256: Option<String>,
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
    /// Went all their way, through healthy plugins.
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
    /// Alerts that a rehearsal would have raised if it had been live.
    #[serde(default)]
    pub withheld: u64,
    /// Calls of a plugin that ended in an error.
    pub plugin_errors: u64,
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
    /// The watchlist's sizes; absent in what an older version wrote.
    #[serde(default)]
    pub watchlist: Option<ListSizes>,
    /// Who was on it when the run began, in counts; absent in what an older version wrote.
    #[serde(default)]
    pub composition: Option<ListComposition>,
}

/// A run that goes on. Made by [`Store::begin_run`].
pub struct Run {
    store: Store,
    id: RunId,
    mode: RunMode,
}

impl Run {
    /// Its number.
    pub fn id(&self) -> RunId {
        self.id
    }

    /// What it is for.
    pub fn mode(&self) -> RunMode {
        self.mode
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// The number that the next alert has to have.
    ///
    /// # Errors
    /// [`RecordsError::Io`] and the like.
    pub fn next_alert_number(&self) -> Result<u32, RecordsError> {
        self.store
            .read(|store| next_number(&store.rows.open_table(ALERTS)?, "an alert"))
    }

    /// Commits a group of alerts and the run's counts so far: all of them or none. When this returns they are on disk,
    /// and no kill loses them. The answer names the alerts that are withdrawn as they come: their entry was removed while they were under way, or the image that they rest on
    /// has reached the end of its retention by `now`, whether a sweep has been there or not.
    ///
    /// # Errors
    /// [`RecordsError::Rehearsal`] for any alert of a run that raises none; [`RecordsError::AlertNumber`] unless the numbers go on from [`Run::next_alert_number`] without a gap;
    /// [`RecordsError::Refused`] for a value outside its limits; [`RecordsError::Full`].
    pub fn commit_decisions(
        &self,
        alerts: &[NewAlert],
        counts: &Counts,
        now: Timestamp,
    ) -> Result<Vec<u32>, RecordsError> {
        if self.mode == RunMode::Rehearsal && !alerts.is_empty() {
            return Err(RecordsError::Rehearsal { run: self.id.0 });
        }
        for alert in alerts {
            alert.check()?;
        }
        let retention = self.store.settings().retention;
        self.store.change(|change| {
            let mut withdrawn = Vec::new();
            for new in alerts {
                let expected = next_number(&change.rows.open_table(ALERTS)?, "an alert")?;
                let found = new.alert.number;
                if found != expected {
                    return Err(RecordsError::AlertNumber { expected, found }.into());
                }
                let expires_at = retention.expires(RetentionClass::Alerts, new.alert.raised_at);
                let record = change.add_record(RetentionClass::Alerts, expires_at)?;
                change.seal(record, &new.payload)?;
                let inputs = match &new.inputs {
                    None => None,
                    Some(inputs) => {
                        let class = RetentionClass::Inputs;
                        let expires_at = retention.expires(class, new.alert.raised_at);
                        let record = change.add_record(class, expires_at)?;
                        change.seal(record, &SealedInputs::of(&new.alert, inputs))?;
                        Some(InputsRow { record, expires_at })
                    }
                };
                let stored = StoredAlert {
                    alert: new.alert.clone(),
                    run: self.id,
                    state: AlertState::Raised,
                    expires_at,
                };
                let row = RowBytes::of(&AlertRow {
                    stored,
                    record,
                    inputs,
                })?;
                change.rows.open_table(ALERTS)?.insert(found, row)?;
                let event = AuditEvent::AlertRaised {
                    run: self.id.0,
                    alert: found,
                    generation: new.alert.generation,
                    camera: new.alert.camera.clone(),
                    track: new.alert.track,
                    reference: new.alert.reference.clone(),
                    category: new.alert.category.clone(),
                };
                change.log(new.alert.raised_at, Actor::Host, event)?;
                outbox::raised(change, &new.alert)?;
                // A clock that is set back lengthens nobody's day.
                let at = now.max(new.alert.raised_at);
                if let Some(kind) = withdrawal_of(change, &new.alert.reference, new.image, at)? {
                    withdraw_one(change, found, &|_| true, &kind, at)?;
                    withdrawn.push(found);
                }
            }
            self.update(change, |run| run.counts = *counts)?;
            Ok(withdrawn)
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
            let end = size(change)?;
            self.update(change, |run| {
                if let Some(sizes) = &mut run.watchlist {
                    sizes.is_now(end);
                }
                run.counts = *counts;
                run.finished_at = Some(now);
                run.outcome = match interrupted {
                    true => RunOutcome::Interrupted,
                    false => RunOutcome::Finished,
                };
            })?;
            let event = AuditEvent::RunFinished {
                run: self.id.0,
                interrupted,
                counts: *counts,
            };
            change.log(now, Actor::Host, event)
        })
    }

    pub(crate) fn update(
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
        let is_whole = match &self.search {
            Some(search) => {
                search.check(self.mode, self.started_at)?;
                self.mode.is_search() && self.started_by.is_some() && self.register.is_some()
            }
            None => !self.mode.is_search(),
        };
        if !is_whole {
            return Err(RecordsError::Refused {
                what: "the run".to_owned(),
                problem: "a search says what it searches and why, who made it and under which number of the register; a run says nothing of the kind".to_owned(),
            });
        }
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

impl Store {
    /// Begins a run.
    ///
    /// # Errors
    /// [`RecordsError::ForeignDeployment`] where the header names another deployment; [`RecordsError::Refused`] for a
    /// value outside its limits; [`RecordsError::Full`].
    pub fn begin_run(&self, header: &RunHeader) -> Result<Run, RecordsError> {
        header.check(self)?;
        let id = self.change(|change| {
            let on_it = composition(change)?;
            begin_everybody(change, header.mode, &on_it)?;
            let mut runs = change.rows.open_table(RUNS)?;
            let number = next_number(&runs, "a run")?;
            let run = RunRecord {
                id: RunId(number),
                header: header.clone(),
                counts: Counts::default(),
                outcome: RunOutcome::Unfinished,
                finished_at: None,
                watchlist: Some(ListSizes::at_start(size(change)?)),
                composition: Some(on_it),
            };
            runs.insert(number, RowBytes::of(&run)?)?;
            let event = AuditEvent::RunBegun {
                run: number,
                register: header.register,
                mode: header.mode,
                search: header.search.clone(),
                host_version: header.host_version.clone(),
                lock_sha256: header.lock_sha256.clone(),
                plugins: header.plugins.clone(),
                models: header.models.clone(),
                cameras: header.cameras.clone(),
            };
            let by = header.started_by.as_ref();
            let by = by.map_or(Actor::Unnamed, Actor::from);
            change.log(header.started_at, by, event)?;
            Ok(run.id)
        })?;
        let store = self.clone();
        let mode = header.mode;
        Ok(Run { store, id, mode })
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
}
