//! What the log can say: the kinds of event with their facts, and who did it. A kind or a fact once published keeps its meaning; new ones may come.

use crate::approval::ListCounts;
use crate::exports::ExportKind;
use crate::force::{By, PeopleChange, RegisterStep};
use crate::generations::ChangeCause;
use crate::life::{JudgingRole, StepKind};
use crate::outbox::News;
use crate::published::PublishedKind;
use crate::retention::Timestamp;
use crate::runs::{CameraUsed, Counts, ModelUsed, PluginUsed, RunMode, Searched};
use crate::watchlist::Encoder;
use serde::{Deserialize, Serialize};

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Actor {
    /// The host by itself.
    Host,
    /// Somebody with access to this machine, whom the command did not ask for a name.
    Unnamed,
    /// Somebody who gave this name. Nobody has checked it.
    Named(String),
    /// Somebody who was signed in: their id and name.
    Person { id: String, name: String },
}

impl From<&By> for Actor {
    fn from(by: &By) -> Self {
        let name = by.name().to_owned();
        match by.person() {
            Some(id) => Actor::Person {
                id: id.to_owned(),
                name,
            },
            None => Actor::Named(name),
        }
    }
}

/// An event of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "facts", rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum AuditEvent {
    /// The store was made, and the log with it.
    StoreCreated { host_version: String },
    /// An older version made the store and kept no log: what was done before is not in it.
    LogBegun {
        host_version: String,
        layout: u32,
        runs: u64,
        alerts: u64,
        entries: u64,
    },
    /// An older version made the force's store and kept no log of it: what was done before is not in it.
    ForceLogBegun { host_version: String, people: u64 },
    /// Something happened to a person of the force, or they did something with their account.
    PersonChanged {
        person: Option<String>,
        change: PeopleChange,
    },
    /// The force has other rules.
    RulesAdopted {
        version: u32,
        sha256: String,
        key: String,
    },
    /// Somebody decided what a deployment consists of, by digest.
    Locked {
        deployment: String,
        lock_sha256: String,
    },
    /// A step of a deployment in the force's register.
    Registered {
        number: u32,
        by: By,
        #[serde(flatten)]
        what: RegisterStep,
    },
    /// The period of the force's rules was over for what these events say: their content went, and so did the register's entries of these numbers with the records that
    /// were kept of them. All of it was from before this moment. In the log stands the digest of each.
    ContentDestroyed {
        events: Vec<RecordRange>,
        register: Vec<RecordRange>,
        before: Timestamp,
        rules_version: u32,
        rules_sha256: String,
    },
    /// The period of the force's rules was over for a deployment's own records, whose log went so far: their files are overwritten and removed.
    RecordsDestroyed {
        deployment: String,
        head: u64,
        hash: String,
        before: Timestamp,
        rules_version: u32,
        rules_sha256: String,
    },
    /// Another version of the host opened the store.
    HostChanged { from: String, to: String },
    /// The store was opened and lacked events that it had once held: an older copy was put in its place.
    RollbackFound { number: u64, hash: String },
    /// A run began.
    RunBegun {
        run: u64,
        /// The deployment's number in the force's register; absent where it needed none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        register: Option<u32>,
        #[serde(default)]
        mode: RunMode,
        /// What was searched and why; of a search alone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        search: Option<Searched>,
        host_version: String,
        lock_sha256: Option<String>,
        plugins: Vec<PluginUsed>,
        models: Vec<ModelUsed>,
        cameras: Vec<CameraUsed>,
    },
    /// A run ended.
    RunFinished {
        run: u64,
        interrupted: bool,
        counts: Counts,
    },
    /// Other plugins serve from now on.
    GenerationChanged {
        run: u64,
        generation: u64,
        cause: ChangeCause,
        plugins: Vec<PluginUsed>,
        models: Vec<ModelUsed>,
        lock_sha256: Option<String>,
    },
    /// A plugin failed too often and is not run again.
    PluginQuarantined {
        run: u64,
        quarantine: u64,
        plugin: PluginUsed,
        cause: String,
        strikes: u32,
        calls: u32,
    },
    /// Somebody let a plugin run again.
    PluginReleased {
        quarantine: u64,
        plugin: PluginUsed,
        reason: String,
    },
    /// An alert was raised. The plugins are those of the run's generation.
    AlertRaised {
        run: u64,
        alert: u32,
        generation: u64,
        camera: String,
        track: u32,
        reference: String,
        category: String,
    },
    /// Somebody opened an alert's images.
    AlertViewed { alert: u32, role: JudgingRole },
    /// An alert came a step further: somebody judged it, its time was over, or its entry was removed or went by its retention.
    AlertStep { alert: u32, step: StepKind },
    /// It was settled which channels for action hear of an alert that an operator has passed.
    AlertRouted {
        alert: u32,
        channels: Vec<String>,
        by_default: bool,
    },
    /// Somebody had what waits delivered while no run goes on. The router is the one that was asked about passed alerts; absent where it is in quarantine.
    DeliveryBegun {
        lock_sha256: String,
        router: Option<PluginUsed>,
        /// Passed alerts that nobody had been named for.
        unrouted: u64,
        /// Messages that no channel had taken.
        waiting: u64,
    },
    /// A channel was given a message. One that may have been given to it before is marked.
    MessageDelivered {
        message: u64,
        alert: u32,
        channel: String,
        news: News,
        again: bool,
    },
    /// An image of a person sought was put on the watchlist, or put there again in its own place. Its digest is sealed with it and not here: whoever has the
    /// photograph could tell from it for ever who was sought.
    ImageEnrolled {
        reference: String,
        category: String,
        image: u32,
        replaced: bool,
        encoder: WatchlistEncoder,
    },
    /// The templates of the whole watchlist were made anew, by another encoder.
    WatchlistReEncoded {
        images: u64,
        encoder: WatchlistEncoder,
    },
    /// A person sought was taken off the watchlist.
    EntryRemoved {
        reference: String,
        category: String,
        images: u64,
        /// Why; absent in what older versions wrote.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// A person was put on the watchlist by an authorising officer, outside its review. Their images follow as events of their own.
    EntryAdded {
        reference: String,
        category: String,
        reason: String,
        authority: String,
    },
    /// An authorising officer approved the watchlist as it stood then.
    WatchlistApproved { digest: String, counts: ListCounts },
    /// Somebody asked whether a person was on the watchlist. The answer is not here: it is to go with the key of the commitments.
    MembershipAsked {
        reference: String,
        at: Option<Timestamp>,
        reason: String,
    },
    /// The period of the membership commitments was over: they and their key went.
    MembershipDestroyed {},
    /// The deployment was closed, and its whole watchlist destroyed.
    WatchlistDestroyed { entries: u64, images: u64 },
    /// What had reached the end of its retention went.
    Swept {
        watchlist_images: u64,
        watchlist_entries: u64,
        alerts: u64,
        inputs: u64,
        /// Alerts that were withdrawn: their entry went.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        withdrawn: Vec<u32>,
    },
    /// A copy of the records was made, without the keys of what is sealed.
    BackedUp {},
    /// The records were put in place from a copy of that time, which went so far. What was sealed did not come back, nor who was on the watchlist.
    Restored {
        copied_at: Timestamp,
        events: u64,
        sealed_records: u64,
        entries: u64,
    },
    /// An alert is kept past its time.
    HoldPlaced {
        hold: u64,
        alert: u32,
        reason: String,
        until: Timestamp,
    },
    /// A hold ended before its time.
    HoldEnded {
        hold: u64,
        alert: u32,
        reason: String,
    },
    /// A person who was stopped got a code by which their alert can be held. It is not in here.
    ReceiptGiven { alert: u32 },
    /// A file was written that shows faces or scores.
    Exported {
        export: u64,
        what: ExportKind,
        expires_at: Timestamp,
    },
    /// Such a file was overwritten and removed.
    ExportDestroyed { export: u64 },
    /// A document for the public was made: counts and words, no image, no score, no name of a person sought. Its digest tells it from another.
    Published {
        what: PublishedKind,
        format: String,
        sha256: String,
        /// Fields that it leaves out.
        left_out: u64,
        /// The deployment's number, where it is of one whose own store is gone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        number: Option<u64>,
        /// The period, where it is of one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<Timestamp>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<Timestamp>,
    },
    /// What was sealed in these records went, and their keys go with it: the key file is written anew under another key-encryption key.
    KeysDestroyed { records: Vec<RecordRange> },
}

/// The encoder of a template of the watchlist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct WatchlistEncoder {
    pub plugin_sha256: String,
    pub model_sha256: String,
    pub backend: String,
}

pub(crate) fn watchlist_encoder(encoder: &Encoder) -> WatchlistEncoder {
    WatchlistEncoder {
        plugin_sha256: encoder.plugin_sha256.clone(),
        model_sha256: encoder.model_sha256.clone(),
        backend: encoder.backend.clone(),
    }
}

/// Records with consecutive numbers: the first and the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordRange(pub u64, pub u64);

/// Numbers of records, as few ranges.
pub(crate) fn ranges(records: &[u64]) -> Vec<RecordRange> {
    let mut sorted = records.to_vec();
    sorted.sort_unstable();
    let mut ranges: Vec<RecordRange> = Vec::new();
    for record in sorted {
        match ranges.last_mut() {
            Some(range) if range.1.checked_add(1) == Some(record) => range.1 = record,
            _ => ranges.push(RecordRange(record, record)),
        }
    }
    ranges
}

/// An event as it stands in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Version of the format: 1.
    pub format: u32,
    /// Its number, from 1, without gaps.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// Who did it.
    pub by: Actor,
    /// The deployment.
    pub deployment: String,
    /// Hash of the event before it, or of the log's beginning.
    pub previous: String,
    /// 32 random hexadecimal digits, so that nobody can guess an event from its digest where it is left out of an export.
    pub salt: String,
    /// What happened.
    #[serde(flatten)]
    pub event: AuditEvent,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_become_as_few_ranges_as_there_are_gaps() {
        let found = ranges(&[9, 1, 2, 3, 7]);
        let expected = [RecordRange(1, 3), RecordRange(7, 7), RecordRange(9, 9)];
        assert_eq!(found, expected);
        assert!(ranges(&[]).is_empty());
    }
}
