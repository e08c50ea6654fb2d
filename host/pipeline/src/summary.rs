//! What a run comes to: the numbers of `summary.json`. Its shape is published as `summary.schema.json` beside this crate's manifest. It holds no image, no template
//! and no score of anybody who raised no alert.

use std::collections::BTreeMap;

use overt_confinement::Confinement;
use overt_deployment::{self as deployment, Role};
use overt_records as records;
use overt_runtime::trust::{Signature, Standing};
use serde::Serialize;

use crate::admission::Loaded;
use crate::authority::Authorised;
use crate::generations::{GenerationCause, GenerationFacts};
use crate::health::HealthRecord;
use crate::shadow::ShadowReport;

/// `summary.json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// What the run was for: `live` or `rehearsal`.
    pub mode: &'static str,
    /// Under whose authority, as the force's register has it; absent where nobody authorised the run.
    pub authority: Option<Authorised>,
    /// Frames by what became of them, all cameras together.
    pub frames: Frames,
    /// The cameras, in the deployment file's order.
    pub cameras: Vec<Camera>,
    /// Faces that the detector found inside the zones of recognition.
    pub faces: u64,
    /// Tracks: passers-by as far as the tracker could tell them apart.
    pub tracks: u64,
    /// Alerts, in the order in which they were raised.
    pub alerts: Vec<Alert>,
    /// Alerts that a rehearsal would have raised if it had been live.
    pub withheld: u64,
    /// Processed frames per second of wall-clock time, all cameras together.
    pub fps: f64,
    /// Milliseconds by stage: all the time that all threads spent in it, divided by the processed frames.
    pub stages_ms: BTreeMap<String, f64>,
    /// The library that ran the models, its version and what it computed with, such as `onnxruntime 1.24.1 f32`.
    pub backend: String,
    /// What the models ran on: `cpu` or `cuda:0`.
    pub device: String,
    /// Every plugin that served, in the order of a frame's way and of the generations.
    pub plugins: Vec<PluginUsed>,
    /// The models that they ran.
    pub models: Vec<ModelUsed>,
    /// Failed plugin calls, one item for each plugin, role and cause.
    pub plugin_errors: Vec<PluginErrors>,
    /// Plugins that failed too often and were put in quarantine.
    pub quarantines: Vec<Quarantine>,
    /// The channels, in the deployment file's order, and how many messages each was given.
    pub channels: Vec<Channel>,
    /// What served from when on: the first is what the run began with.
    pub generations: Vec<Generation>,
    /// How large the watchlist was, and who changed it while the run went on.
    pub watchlist: Watchlist,
    /// Challengers that were asked the same and decided nothing: how often they agreed.
    pub shadows: Vec<ShadowReport>,
    /// SHA-256 of the lock that the run began with; absent: nobody had decided what runs.
    pub lock_sha256: Option<String>,
    /// Whether plugins ran whoever had made them.
    pub unsigned: bool,
    /// Whether and how far the process had shut itself in.
    pub confinement: Confinement,
    /// How far the records' audit log goes with the run's end, and its hash there: who notes it can tell an older copy of the records.
    pub audit: records::AuditHead,
    /// Whether somebody ended the run before its cameras did.
    pub interrupted: bool,
}

/// How large the watchlist was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Watchlist {
    /// When the run began.
    pub start: ListSize,
    /// Who was on it then, by category.
    pub categories: BTreeMap<String, u64>,
    /// Those of them who were not wanted for arrest, by category.
    pub not_wanted: BTreeMap<String, u64>,
    /// People under 18 then.
    pub under_18: u64,
    /// Images then, by source; `not recorded` among them.
    pub sources: BTreeMap<String, u64>,
    /// When it had most people.
    pub largest: ListSize,
    /// When the run ended.
    pub end: ListSize,
    /// Who came and went meanwhile, oldest first.
    pub changes: Vec<ListChange>,
    /// What went meanwhile because its retention was over.
    pub expired: Expired,
}

/// What went from the watchlist because its retention was over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Expired {
    /// Images.
    pub images: u64,
    /// People of whom there was no other.
    pub people: u64,
    /// Alerts that were withdrawn for it.
    pub withdrawn: u64,
}

impl Expired {
    /// What went by these generations, of which each that is for it says so. `withdrawn` alerts were withdrawn, by a sweep or as they came.
    fn of(generations: &[GenerationFacts], withdrawn: u64) -> Expired {
        let mut expired = Expired {
            withdrawn,
            ..Expired::default()
        };
        for facts in generations {
            if let GenerationCause::Retention { images, people, .. } = &facts.cause {
                expired.images += images;
                expired.people += people;
            }
        }
        expired
    }
}

/// How large a watchlist is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ListSize {
    /// Entries.
    pub people: u64,
    /// Their images.
    pub images: u64,
}

/// Somebody who came or went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ListChange {
    /// When; RFC 3339.
    pub at: String,
    /// Who did it: name and, in brackets, id.
    pub by: String,
    /// Why, in their words.
    pub reason: String,
    /// `added` or `removed`.
    pub change: &'static str,
    /// The entry.
    pub reference: String,
    /// Its category.
    pub category: String,
    /// Its images that came or went.
    pub images: u64,
    /// The reference of the authority by which it was added.
    pub authority: Option<String>,
    /// The generation with that change.
    pub generation: u64,
}

impl Watchlist {
    pub(crate) fn of(
        sizes: records::ListSizes,
        composition: records::ListComposition,
        generations: &[GenerationFacts],
        withdrawn_by_retention: u64,
    ) -> Watchlist {
        let size = |size: records::ListSize| ListSize {
            people: size.people,
            images: size.images,
        };
        let change = |facts: &GenerationFacts| match &facts.cause {
            GenerationCause::Watchlist { by, reason, change } => Some(ListChange {
                at: facts.since.to_string(),
                by: by.to_string(),
                reason: reason.clone(),
                change: change.kind.name(),
                reference: change.reference.clone(),
                category: change.category.clone(),
                images: change.images,
                authority: change.authority.clone(),
                generation: facts.number,
            }),
            _ => None,
        };
        Watchlist {
            start: size(sizes.start),
            categories: composition.categories,
            not_wanted: composition.not_wanted,
            under_18: composition.under_18,
            sources: composition.sources,
            largest: size(sizes.largest),
            end: size(sizes.end),
            changes: generations.iter().filter_map(change).collect(),
            expired: Expired::of(generations, withdrawn_by_retention),
        }
    }
}

/// Frames by what became of them. `read` = `processed` + `dropped` + `unseen` once a run has ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Frames {
    /// Came from a camera.
    pub read: u64,
    /// Went all their way.
    pub processed: u64,
    /// Given up for a newer frame of a live camera.
    pub dropped: u64,
    /// No healthy plugin saw them.
    pub unseen: u64,
}

/// A camera: its frames and how it did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Camera {
    /// Its id in the deployment file.
    pub id: String,
    /// Where its frames came from: `file`, `v4l2` or `rtsp`.
    pub source: &'static str,
    /// Its frames.
    pub frames: Frames,
    /// Age of its last frame when the run ended, seconds of the host's clock; absent where none came. A live camera that does well is under a
    /// second.
    pub last_frame_age: Option<f64>,
    /// How often the host left it for so long between two frames that nobody could be followed from one to the next, although it gave frames.
    pub too_slow_count: u64,
    /// How often it went away.
    pub outage_count: u64,
    /// The first hundred of these times.
    pub outages: Vec<Outage>,
    /// How often its picture showed nothing.
    pub alarm_count: u64,
    /// The first hundred of these times.
    pub alarms: Vec<PictureAlarm>,
}

/// A time in which a camera was away.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outage {
    /// Seconds in the camera's time.
    pub from: f64,
    /// Seconds in the camera's time; absent where it was still away at the end.
    pub to: Option<f64>,
    /// Why it went.
    pub cause: String,
}

/// A time in which a camera's picture showed nothing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PictureAlarm {
    /// `frozen`, `dark` or `covered`.
    pub fault: &'static str,
    /// Seconds in the camera's time.
    pub from: f64,
    /// Seconds in the camera's time; absent where it still did at the end.
    pub to: Option<f64>,
}

impl Camera {
    /// What is on record of a camera, with its processed and unseen frames.
    pub(crate) fn of(
        camera: &deployment::Camera,
        record: &HealthRecord,
        (processed, unseen): (u64, u64),
    ) -> Camera {
        Camera {
            id: camera.id.clone(),
            source: camera.source.kind(),
            frames: Frames {
                read: record.read,
                processed,
                dropped: record.dropped,
                unseen,
            },
            last_frame_age: record.last_frame_age,
            too_slow_count: record.too_slow,
            outage_count: record.outages,
            outages: record
                .kept_outages
                .iter()
                .map(|outage| Outage {
                    from: outage.from,
                    to: outage.to,
                    cause: outage.cause.clone(),
                })
                .collect(),
            alarm_count: record.alarms,
            alarms: record
                .kept_alarms
                .iter()
                .map(|alarm| PictureAlarm {
                    fault: alarm.fault.name(),
                    from: alarm.from,
                    to: alarm.to,
                })
                .collect(),
        }
    }
}

/// One alert.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Alert {
    /// The watchlist entry's reference.
    pub reference: String,
    /// The entry's category.
    pub category: String,
    /// The camera's id.
    pub camera: String,
    /// The track's number on that camera, from 1.
    pub track: u32,
    /// The best score of the entry on this track, a cosine, −1 to 1; absent where it stays sealed in the records.
    pub score: Option<f32>,
    /// The sequence number of the track's first frame.
    pub first_frame: u32,
    /// The sequence number of the track's last frame.
    pub last_frame: u32,
    /// What the policy said that its proposal rests on; absent where it stays sealed in the records, for it can name scores.
    pub reason: Option<String>,
}

/// A plugin that ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PluginUsed {
    /// The role that it filled.
    pub role: Role,
    /// The id in its manifest.
    pub id: String,
    /// The version in its manifest.
    pub version: String,
    /// SHA-256 of the plugin file, 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// Who has signed it, of the keys that the deployment trusts: `acme-2026 (vendor)`.
    pub signed_by: Vec<String>,
}

/// A model that ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ModelUsed {
    /// The id of the plugin that ran it.
    pub plugin: String,
    /// Its name in that plugin's manifest.
    pub name: String,
    /// SHA-256 of the model file, 64 lower-case hexadecimal digits.
    pub sha256: String,
}

/// A plugin that was put in quarantine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Quarantine {
    /// Its id.
    pub plugin: String,
    /// The role in which it failed.
    pub role: String,
    /// The kind of the last failure, such as `overrun`.
    pub cause: String,
    /// Failures.
    pub strikes: u32,
    /// Of so many calls.
    pub calls: u32,
}

impl Quarantine {
    pub(crate) fn of(quarantine: &records::Quarantine) -> Quarantine {
        Quarantine {
            plugin: quarantine.plugin.id.clone(),
            role: quarantine.plugin.role.clone(),
            cause: quarantine.cause.clone(),
            strikes: quarantine.strikes,
            calls: quarantine.calls,
        }
    }
}

/// A channel and its messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Channel {
    /// Its name in the deployment file.
    pub name: String,
    /// `review` or `action`.
    pub purpose: &'static str,
    /// `console`, `file` or `webhook`.
    pub kind: &'static str,
    /// Messages that it took in this run.
    pub delivered: u64,
    /// Messages that it has not taken, of this run and of earlier ones: they are sent in the next.
    pub waiting: u64,
}

/// What served from some moment on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Generation {
    /// From 0.
    pub number: u64,
    /// Since when frames were admitted to it; RFC 3339.
    pub since: String,
    /// Why it came: `start`, `swap`, `fallback`, `watchlist` or `retention`.
    pub cause: &'static str,
    /// Who swapped plugins or changed the watchlist: name and, in brackets, id.
    pub by: Option<String>,
    /// Why, in their words.
    pub reason: Option<String>,
    /// The role whose plugin was put in quarantine.
    pub role: Option<Role>,
    /// The roles in which another plugin served than before, or the same under other terms.
    pub changed: Vec<Role>,
    /// SHA-256 of the files of the plugins that served, in the order of a frame's way.
    pub plugins: Vec<String>,
    /// SHA-256 of the lock that it held to; absent: nobody had decided what runs.
    pub lock_sha256: Option<String>,
}

impl Generation {
    pub(crate) fn of(facts: &GenerationFacts) -> Generation {
        let (cause, by, reason, role) = match &facts.cause {
            GenerationCause::Start => ("start", None, None, None),
            GenerationCause::Swap { by, reason } => {
                ("swap", Some(by.to_string()), Some(reason.clone()), None)
            }
            GenerationCause::Fallback { role } => ("fallback", None, None, Some(*role)),
            GenerationCause::Watchlist { by, reason, .. } => (
                "watchlist",
                Some(by.to_string()),
                Some(reason.clone()),
                None,
            ),
            GenerationCause::Retention { .. } => ("retention", None, None, None),
        };
        Generation {
            number: facts.number,
            since: facts.since.to_string(),
            cause,
            by,
            reason,
            role,
            changed: facts.changed.clone(),
            plugins: facts
                .plugins
                .iter()
                .map(|plugin| plugin.sha256.clone())
                .collect(),
            lock_sha256: facts.lock_sha256.clone(),
        }
    }
}

impl PluginUsed {
    pub(crate) fn of(loaded: &Loaded) -> PluginUsed {
        let identity = loaded.plugin.identity();
        let counts = |signature: &&Signature| signature.standing == Standing::Counts;
        let signatures = loaded.signatures.iter().filter(counts);
        PluginUsed {
            role: loaded.plugin.role(),
            id: identity.id.to_string(),
            version: identity.version.to_string(),
            sha256: identity.sha256.to_string(),
            signed_by: signatures.map(ToString::to_string).collect(),
        }
    }
}

impl ModelUsed {
    pub(crate) fn of(loaded: &Loaded) -> impl Iterator<Item = ModelUsed> {
        loaded.plugin.models().map(|(name, sha256)| ModelUsed {
            plugin: loaded.plugin.identity().id.to_string(),
            name: name.to_owned(),
            sha256: sha256.to_owned(),
        })
    }
}

/// Calls of one plugin that failed for one cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PluginErrors {
    /// The plugin's id.
    pub plugin: String,
    /// The role in which it was called.
    pub role: Role,
    /// Why it failed, in words.
    pub cause: String,
    /// How often.
    pub count: u64,
    /// The camera of the first such call.
    pub camera: String,
    /// The sequence number of the frame of the first such call.
    pub frame: u32,
}
