//! The bytes of the log: how an event's line is made, hashed and chained, how a head is signed, and how both are appended in a transaction. Knows no kind of event.
//!
//! A line is JSON of a fixed beginning, so that what is hashed or signed can be cut out of it as it stands:
//! `{"hash":"…64…","event":{…}}` and `{"signature":"…128…","head":{…}}`.

use super::AuditHead;
use super::event::{Actor, AuditEntry, AuditEvent};
use super::file::AuditFile;
use crate::cipher;
use crate::error::RecordsError;
use crate::fault::Fault;
use crate::keys::StoreId;
use crate::retention::Timestamp;
use crate::tables::{AUDIT, AUDIT_HEADS};
use ed25519_compact::{PublicKey, Signature};
use redb::{ReadableTable, TableDefinition, WriteTransaction};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::cell::Cell;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Version of the format.
pub(crate) const FORMAT: u32 = 1;
/// A signed head follows every so many events.
pub(crate) const CHECKPOINT_EVERY: u64 = 64;
/// The row of the store's facts that says how far the log goes.
pub(crate) const META_HEAD: &str = "audit-head";
/// The row of them with the public key.
pub(crate) const META_KEY: &str = "audit-key";

const BEGIN: &[u8] = b"overt audit begin v1\0";
const EVENT: &[u8] = b"overt audit event v1\0";
const HEAD: &[u8] = b"overt audit head v1\0";

/// The table of a store's facts of itself, with the rows [`META_HEAD`] and [`META_KEY`].
pub(crate) type Facts = TableDefinition<'static, &'static str, &'static str>;

/// SHA-256.
pub(crate) type Hash = [u8; 32];

/// A log's newest event: its number and hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tip {
    pub(crate) number: u64,
    pub(crate) hash: Hash,
}

impl Tip {
    /// As it stands in its row.
    fn text(&self) -> String {
        format!("{} {}", self.number, hex::encode(self.hash))
    }

    pub(crate) fn parse(text: &str) -> Option<Tip> {
        let (number, hash) = text.split_once(' ')?;
        Some(Tip {
            number: number.parse().ok()?,
            hash: digits(hash)?,
        })
    }

    pub(crate) fn shown(&self) -> AuditHead {
        AuditHead {
            events: self.number,
            hash: hex::encode(self.hash),
        }
    }
}

/// Bytes from lower-case hexadecimal digits, and from nothing else.
pub(crate) fn digits<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    let mut bytes = [0; N];
    hex::decode_to_slice(text, &mut bytes).ok()?;
    Some(bytes)
}

/// Whose log it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) deployment: String,
    /// The store's id, 32 hexadecimal digits.
    pub(crate) store: String,
    /// The public key.
    pub(crate) key: [u8; 32],
}

impl Identity {
    pub(crate) fn of(deployment: &str, store: &StoreId, key: [u8; 32]) -> Identity {
        Identity {
            deployment: deployment.to_owned(),
            store: hex::encode(store),
            key,
        }
    }

    /// What the first event names as the one before it.
    pub(crate) fn genesis(&self) -> Hash {
        Sha256::new()
            .chain_update(BEGIN)
            .chain_update(&self.store)
            .chain_update(b"\0")
            .chain_update(&self.deployment)
            .finalize()
            .into()
    }
}

/// The hash of an event: of the one before it and of its own body's digest, so that the chain can be followed past a body that is left out.
pub(crate) fn event_hash(previous: &Hash, body_digest: &Hash) -> Hash {
    Sha256::new()
        .chain_update(EVENT)
        .chain_update(previous)
        .chain_update(body_digest)
        .finalize()
        .into()
}

/// SHA-256 of a body.
pub(crate) fn digest(body: &[u8]) -> Hash {
    Sha256::digest(body).into()
}

/// The line of an event.
pub(crate) fn event_line(hash: &Hash, body: &str) -> String {
    format!(r#"{{"hash":"{}","event":{body}}}"#, hex::encode(hash))
}

/// The hash and the body, as they stand in an event's line.
pub(crate) fn split_event(line: &[u8]) -> Option<(Hash, &[u8])> {
    let rest = line.strip_prefix(br#"{"hash":""#)?;
    let (hash, rest) = rest.split_at_checked(64)?;
    let body = rest.strip_prefix(br#"","event":"#)?.strip_suffix(b"}")?;
    Some((digits(std::str::from_utf8(hash).ok()?)?, body))
}

/// The hash in a line of an event, whether its body stands there or its digest alone.
fn hash_of(line: &[u8]) -> Option<Hash> {
    let rest = line.strip_prefix(br#"{"hash":""#)?;
    digits(std::str::from_utf8(rest.get(..64)?).ok()?)
}

/// A head as it is signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Head {
    pub(crate) format: u32,
    pub(crate) deployment: String,
    pub(crate) store: String,
    pub(crate) key: String,
    pub(crate) number: u64,
    pub(crate) hash: String,
    pub(crate) at: i64,
}

fn head_message(body: &[u8]) -> Vec<u8> {
    [HEAD, body].concat()
}

/// The signed line of a head.
pub(crate) fn head_line(
    identity: &Identity,
    file: &AuditFile,
    tip: &Tip,
    at: Timestamp,
) -> serde_json::Result<String> {
    let body = serde_json::to_string(&Head {
        format: FORMAT,
        deployment: identity.deployment.clone(),
        store: identity.store.clone(),
        key: hex::encode(identity.key),
        number: tip.number,
        hash: hex::encode(tip.hash),
        at: at.unix_ms(),
    })?;
    let signature = file.sign(&head_message(body.as_bytes()));
    Ok(format!(
        r#"{{"signature":"{}","head":{body}}}"#,
        hex::encode(signature)
    ))
}

/// A head out of its line, whose signature is by the key that it names itself. `None` where anything is wrong with it.
pub(crate) fn read_head(line: &[u8]) -> Option<(Head, Tip)> {
    let rest = line.strip_prefix(br#"{"signature":""#)?;
    let (signature, rest) = rest.split_at_checked(128)?;
    let body = rest.strip_prefix(br#"","head":"#)?.strip_suffix(b"}")?;
    let signature: [u8; 64] = digits(std::str::from_utf8(signature).ok()?)?;
    let head: Head = serde_json::from_slice(body).ok()?;
    let key: [u8; 32] = digits(&head.key)?;
    if head.format != FORMAT {
        return None;
    }
    PublicKey::new(key)
        .verify(head_message(body), &Signature::new(signature))
        .ok()?;
    let tip = Tip {
        number: head.number,
        hash: digits(&head.hash)?,
    };
    Some((head, tip))
}

/// The log of an open store: a deployment's, or the force's.
pub(crate) struct Log {
    pub(crate) identity: Identity,
    pub(crate) file: Mutex<AuditFile>,
    /// Where the store keeps its facts.
    pub(crate) facts: Facts,
}

impl Log {
    pub(crate) fn file(&self) -> MutexGuard<'_, AuditFile> {
        // Its fields change together, after the write.
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes outside redb how far the log goes. Where that fails the head outside stays behind, which it may.
    pub(crate) fn note(&self, tip: &Tip) {
        self.note_as(tip, true);
    }

    fn note_as(&self, tip: &Tip, sync: bool) {
        let _: Result<(), RecordsError> = self.file().note(tip, sync);
    }

    /// How far the log goes, in this transaction.
    pub(crate) fn tip(&self, rows: &WriteTransaction) -> Result<Tip, Fault> {
        let meta = rows.open_table(self.facts)?;
        let text = meta.get(META_HEAD)?.map(|text| text.value().to_owned());
        read_tip(text.as_deref())
    }
}

/// How far the log goes, by its row.
pub(crate) fn read_tip(text: Option<&str>) -> Result<Tip, Fault> {
    text.and_then(Tip::parse)
        .ok_or_else(|| Fault::Inconsistent("it does not say how far its audit log goes".into()))
}

/// Makes the log's tables, and its beginning, in the transaction that makes the store or brings it up to date.
pub(crate) fn begin(rows: &WriteTransaction, log: &Log) -> Result<(), Fault> {
    let identity = &log.identity;
    rows.open_table(AUDIT)?;
    rows.open_table(AUDIT_HEADS)?;
    let start = Tip {
        number: 0,
        hash: identity.genesis(),
    };
    let mut meta = rows.open_table(log.facts)?;
    meta.insert(META_KEY, hex::encode(identity.key).as_str())?;
    meta.insert(META_HEAD, start.text().as_str())?;
    Ok(())
}

/// Whether the log holds the event of a head that was noted before.
fn holds(rows: &WriteTransaction, tip: &Tip) -> Result<bool, Fault> {
    let events = rows.open_table(AUDIT)?;
    let line = events.get(tip.number)?;
    let hash = line.and_then(|line| hash_of(line.value()));
    Ok(hash == Some(tip.hash))
}

/// What a transaction has appended.
#[derive(Default)]
pub(crate) struct Appended {
    tip: Cell<Option<Tip>>,
    has_checkpoint: Cell<bool>,
}

impl Appended {
    /// Appends an event. It stands if the transaction is committed, and only then.
    pub(crate) fn append(
        &self,
        rows: &WriteTransaction,
        log: &Log,
        at: Timestamp,
        by: Actor,
        event: AuditEvent,
    ) -> Result<(), Fault> {
        let before = match self.tip.get() {
            Some(tip) => tip,
            None => log.tip(rows)?,
        };
        let Some(number) = before.number.checked_add(1) else {
            return Err(Fault::Inconsistent("the audit log is full".into()));
        };
        let ends_a_run = matches!(event, AuditEvent::RunFinished { .. });
        let salt: [u8; 16] = cipher::random()?;
        let body = serde_json::to_string(&AuditEntry {
            format: FORMAT,
            number,
            at,
            by,
            deployment: log.identity.deployment.clone(),
            previous: hex::encode(before.hash),
            salt: hex::encode(salt),
            event,
        })?;
        let tip = Tip {
            number,
            hash: event_hash(&before.hash, &digest(body.as_bytes())),
        };
        let line = event_line(&tip.hash, &body);
        rows.open_table(AUDIT)?.insert(number, line.as_bytes())?;
        rows.open_table(log.facts)?
            .insert(META_HEAD, tip.text().as_str())?;
        if ends_a_run || number % CHECKPOINT_EVERY == 0 {
            let line = head_line(&log.identity, &log.file(), &tip, at)?;
            rows.open_table(AUDIT_HEADS)?
                .insert(number, line.as_bytes())?;
            self.has_checkpoint.set(true);
        }
        self.tip.set(Some(tip));
        Ok(())
    }

    /// Compares the log with the head that was noted outside redb. A store that lacks the event of that head is an older copy: the log says so from then on.
    pub(crate) fn find_rollback(
        &self,
        rows: &WriteTransaction,
        log: &Log,
        at: Timestamp,
    ) -> Result<(), Fault> {
        let outside = log.file().head();
        if let Some(lost) = outside
            && !holds(rows, &lost)?
        {
            let found = AuditEvent::RollbackFound {
                number: lost.number,
                hash: lost.shown().hash,
            };
            self.append(rows, log, at, Actor::Host, found)?;
        }
        Ok(())
    }

    /// The number of the newest event that it appended.
    pub(crate) fn number(&self) -> u64 {
        self.tip.get().map_or(0, |tip| tip.number)
    }

    /// How far the log goes with what was appended here.
    pub(crate) fn head(&self, rows: &WriteTransaction, log: &Log) -> Result<AuditHead, Fault> {
        let tip = match self.tip.get() {
            Some(tip) => tip,
            None => log.tip(rows)?,
        };
        Ok(tip.shown())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.tip.get().is_none()
    }

    /// Notes the new head outside redb, once the transaction is committed. Where that fails the head outside stays behind, which it may.
    pub(crate) fn committed(&self, log: &Log) {
        if let Some(tip) = self.tip.get() {
            log.note_as(&tip, self.has_checkpoint.get());
        }
    }
}
