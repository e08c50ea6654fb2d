//! The log of a store as an auditor takes it: read without changing anything, verified, exported with what is left out as digests, and its head signed to be
//! lodged elsewhere.

use super::chain::{self, Facts, Identity, META_HEAD, META_KEY, Tip};
use super::event::AuditEntry;
use super::file::{AuditFile, path_of};
use super::verify::{self, Header, LeftOut, LodgedHead, Origin, Verdict, Verification};
use super::{AuditEvent, AuditHead, BreakKind};
use crate::error::RecordsError;
use crate::fault::Fault;
use crate::files::At;
use crate::force::{RegisterEntry, RegisterGone, RegisterRecord};
use crate::keys::StoreId;
use crate::opening;
use crate::retention::Timestamp;
use crate::rows::Piece;
use crate::store::Store;
use crate::tables::{AUDIT, AUDIT_HEADS, META};
use redb::{Database, ReadTransaction, ReadableDatabase, ReadableTable, TableHandle};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The log of a store that is not open otherwise. Nothing is changed by reading it.
pub struct AuditLog {
    path: PathBuf,
    identity: Identity,
    own: Tip,
    /// Lines of events by number.
    events: BTreeMap<u64, Vec<u8>>,
    /// Lines of signed heads by number.
    heads: BTreeMap<u64, Vec<u8>>,
    file: Option<AuditFile>,
    /// The register's rows by number, where it is the force's log; `None` for one that cannot be read.
    register: BTreeMap<u32, Option<RegisterEntry>>,
    /// The numbers whose entries are gone, as the register says.
    register_gone: Vec<RegisterGone>,
}

/// The rows of a log as they come from whoever has the store open, and the audit file beside it.
pub struct LogRows {
    path: PathBuf,
    /// Read before the rows are: it may be behind them, and is never ahead.
    file: Option<AuditFile>,
    facts: BTreeMap<String, String>,
    events: BTreeMap<u64, Vec<u8>>,
    heads: BTreeMap<u64, Vec<u8>>,
}

impl LogRows {
    /// For the log of this store. Ask for its rows once this has returned.
    ///
    /// # Errors
    /// Whatever is wrong with the audit file.
    pub fn beside(path: &Path) -> Result<Self, RecordsError> {
        Ok(Self {
            path: path.to_path_buf(),
            file: AuditFile::read(&path_of(path))?,
            facts: BTreeMap::new(),
            events: BTreeMap::new(),
            heads: BTreeMap::new(),
        })
    }

    /// Takes some rows.
    ///
    /// # Errors
    /// [`RecordsError::Damaged`] for what are no rows of a log.
    pub fn take(&mut self, piece: Piece) -> Result<(), RecordsError> {
        let damaged = || {
            let cause = format!("{} are no rows of its log", piece.table);
            Fault::Inconsistent(cause).at(&self.path)
        };
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map_err(|_| damaged());
        let of_log = [AUDIT.name(), AUDIT_HEADS.name(), META.name()].contains(&&*piece.table);
        if !of_log {
            return Err(damaged());
        }
        for (key, value) in &piece.rows {
            if piece.table == META.name() {
                self.facts.insert(text(key)?, text(value)?);
                continue;
            }
            let number: [u8; 8] = key.as_slice().try_into().map_err(|_| damaged())?;
            let lines = match piece.table == AUDIT.name() {
                true => &mut self.events,
                false => &mut self.heads,
            };
            lines.insert(u64::from_le_bytes(number), value.clone());
        }
        Ok(())
    }

    /// The log, once all its rows were taken.
    ///
    /// # Errors
    /// [`RecordsError::ForeignDeployment`]; [`RecordsError::Damaged`].
    pub fn log(self, deployment: &str) -> Result<AuditLog, RecordsError> {
        let fact = |name| self.facts.get(name).map_or("", String::as_str);
        let found = fact("deployment");
        if found != deployment {
            return Err(RecordsError::ForeignDeployment {
                path: self.path.clone(),
                expected: deployment.to_owned(),
                found: found.to_owned(),
            });
        }
        let Some(store) = opening::parse_id(fact("store")) else {
            let cause = "it does not say which store it is";
            return Err(Fault::Inconsistent(cause.into()).at(&self.path));
        };
        self.of(deployment, &store)
    }

    fn of(self, deployment: &str, store: &StoreId) -> Result<AuditLog, RecordsError> {
        let fact = |name| self.facts.get(name).map(String::as_str);
        let Some(key) = fact(META_KEY).and_then(chain::digits) else {
            let cause = "it does not say the key of its audit log";
            return Err(Fault::Inconsistent(cause.into()).at(&self.path));
        };
        let own = chain::read_tip(fact(META_HEAD)).map_err(|fault| fault.at(&self.path))?;
        Ok(AuditLog {
            identity: Identity::of(deployment, store, key),
            own,
            events: self.events,
            heads: self.heads,
            file: self.file.filter(|file| file.store() == store),
            register: BTreeMap::new(),
            register_gone: Vec::new(),
            path: self.path,
        })
    }
}

/// Which events an export holds in full; the others stand in it as digests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// From this event on.
    pub from: Option<u64>,
    /// Up to this event.
    pub to: Option<u64>,
    /// Between the beginning and the end of this run.
    pub run: Option<u64>,
}

/// An export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// The file.
    pub text: String,
    /// Events in full.
    pub events: u64,
    /// Events that are left out.
    pub left_out: u64,
    /// Events whose content is gone by the rules' period.
    pub gone: u64,
}

impl AuditLog {
    /// Reads the log of a deployment's store.
    ///
    /// # Errors
    /// [`RecordsError::Missing`]; [`RecordsError::AlreadyOpen`]; [`RecordsError::NoAuditLog`] for a store of an older layout; whatever is wrong with its files.
    pub fn read(path: &Path, deployment: &str) -> Result<AuditLog, RecordsError> {
        if !path.try_exists().at(path)? {
            let path = path.to_path_buf();
            return Err(RecordsError::Missing { path });
        }
        let (database, store) = opening::for_audit(path, deployment)?;
        Self::of(&database, path, deployment, &store, META)
    }

    /// Reads the log of a store that is open: of this id, with its facts in this table.
    pub(crate) fn of(
        database: &Database,
        path: &Path,
        deployment: &str,
        store: &StoreId,
        facts: Facts,
    ) -> Result<AuditLog, RecordsError> {
        let mut rows = LogRows::beside(path)?;
        let mut read = || -> Result<(), Fault> {
            let reading = database.begin_read()?;
            for row in reading.open_table(facts)?.iter()? {
                let (name, text) = row?;
                let (name, text) = (name.value().to_owned(), text.value().to_owned());
                rows.facts.insert(name, text);
            }
            rows.events = lines(&reading, AUDIT)?;
            rows.heads = lines(&reading, AUDIT_HEADS)?;
            Ok(())
        };
        read().map_err(|fault| fault.at(path))?;
        rows.of(deployment, store)
    }

    /// The same with the register that it tells of.
    pub(crate) fn with_register(
        self,
        register: BTreeMap<u32, Option<RegisterEntry>>,
        register_gone: Vec<RegisterGone>,
    ) -> Self {
        Self {
            register,
            register_gone,
            ..self
        }
    }

    /// The numbers of the register whose entries are gone by the rules' period, as the log tells.
    pub fn register_gone(&self) -> Vec<RegisterGone> {
        let mut told = Vec::new();
        for entry in self.entries() {
            if let AuditEvent::ContentDestroyed {
                register,
                before,
                rules_version,
                ..
            } = entry.event
            {
                told.extend(register.into_iter().filter_map(|range| {
                    Some(RegisterGone {
                        first: range.0.try_into().ok()?,
                        last: range.1.try_into().ok()?,
                        event: entry.number,
                        at: entry.at,
                        before,
                        rules_version,
                    })
                }));
            }
        }
        told.sort_by_key(|gone| gone.first);
        told
    }

    /// The first number under which the register says something else than the log, or lacks what the log tells: somebody has changed a row. `None` where they agree.
    pub fn register_differs(&self) -> Option<u32> {
        let mut told: BTreeMap<u32, Vec<RegisterRecord>> = BTreeMap::new();
        for entry in self.entries() {
            if let AuditEvent::Registered { number, by, what } = entry.event {
                told.entry(number).or_default().push(RegisterRecord {
                    event: entry.number,
                    at: entry.at,
                    by,
                    what,
                });
            }
        }
        let gone = self.register_gone();
        let is_gone = |number: u32| gone.iter().any(|gone| gone.has(number));
        let numbers = told.keys().chain(self.register.keys()).copied();
        let mut numbers: BTreeSet<u32> = numbers.collect();
        for gone in gone.iter().chain(&self.register_gone) {
            numbers.extend(gone.first..=gone.last);
        }
        // From 1 and without gaps.
        let gap = (1..)
            .zip(&numbers)
            .find(|(expected, found)| expected != *found);
        let differs = numbers.iter().copied().find(|number| {
            let says_gone = self.register_gone.iter().any(|gone| gone.has(*number));
            if is_gone(*number) || says_gone {
                let is_there = self.register.contains_key(number) || told.contains_key(number);
                return is_there || !is_gone(*number) || !says_gone;
            }
            let row = self.register.get(number).and_then(Option::as_ref);
            !row.is_some_and(|row| {
                row.is_told_by(*number, told.get(number).map_or(&[], Vec::as_slice))
            })
        });
        gap.map(|(expected, _)| expected)
            .into_iter()
            .chain(differs)
            .min()
    }

    /// How far it goes, as it says itself.
    pub fn head(&self) -> AuditHead {
        self.own.shown()
    }

    /// Whether the audit file is there, which says how far the log went when it was last written.
    pub fn has_head_outside(&self) -> bool {
        self.file.as_ref().is_some_and(|file| file.head().is_some())
    }

    /// Verifies it against itself, the audit file beside the store, and heads that were lodged elsewhere.
    pub fn verify(&self, lodged: &[LodgedHead]) -> Verification {
        let mut lines: Vec<&[u8]> = Vec::with_capacity(self.events.len() + self.heads.len());
        for (number, line) in &self.events {
            lines.push(line);
            lines.extend(self.heads.get(number).map(Vec::as_slice));
        }
        // Signed heads of events that are not there.
        for (number, line) in &self.heads {
            if !self.events.contains_key(number) {
                lines.push(line);
            }
        }
        let outside = self.file.as_ref().and_then(AuditFile::head);
        let origin = Origin::Store {
            own: self.own,
            outside,
        };
        verify::verify(&self.identity, &origin, &lines, lodged)
    }

    /// The events as far as they can be read, by number.
    pub fn entries(&self) -> Vec<AuditEntry> {
        let read = |line: &Vec<u8>| {
            let (_, body) = chain::split_event(line)?;
            serde_json::from_slice(body).ok()
        };
        self.events.values().filter_map(read).collect()
    }

    /// The signed head, to be given to somebody else.
    ///
    /// # Errors
    /// [`RecordsError::AuditFileMissing`]; [`RecordsError::AuditBroken`]: a broken log is not vouched for.
    pub fn lodge(&self, now: Timestamp) -> Result<String, RecordsError> {
        if let Verdict::Broken(found) = self.verify(&[]).verdict {
            // That an older copy was once put in its place is in the log, and nobody can mend it.
            let is_told = found.kind == BreakKind::RolledBack && self.tells_of_rollback();
            if !is_told {
                let (path, found) = (self.path.clone(), Box::new(found));
                return Err(RecordsError::AuditBroken { path, found });
            }
        }
        self.sign(now)
    }

    fn tells_of_rollback(&self) -> bool {
        let is_told = |entry: &AuditEntry| matches!(entry.event, AuditEvent::RollbackFound { .. });
        self.entries().iter().any(is_told)
    }

    fn sign(&self, now: Timestamp) -> Result<String, RecordsError> {
        let Some(file) = &self.file else {
            return Err(RecordsError::AuditFileMissing {
                path: path_of(&self.path),
                store: self.path.clone(),
            });
        };
        let line = chain::head_line(&self.identity, file, &self.own, now);
        let line = line.map_err(|error| Fault::from(error).at(&self.path))?;
        Ok(line + "\n")
    }

    /// The events of a selection in full, the others as digests, and a signed head at the end.
    ///
    /// # Errors
    /// As [`AuditLog::lodge`]; [`RecordsError::NoSuchRun`].
    pub fn export(&self, selection: &Selection, now: Timestamp) -> Result<Exported, RecordsError> {
        let head = self.lodge(now)?;
        let (from, to) = self.span(selection)?;
        let fault = |error: serde_json::Error| Fault::from(error).at(&self.path);
        let mut text = serde_json::to_string(&Header {
            format: chain::FORMAT,
            deployment: self.identity.deployment.clone(),
            store: self.identity.store.clone(),
            key: hex::encode(self.identity.key),
            events: self.own.number,
        })
        .map_err(fault)?;
        text.push('\n');
        let (mut events, mut left_out, mut gone) = (0, 0, 0);
        for (number, line) in &self.events {
            if verify::is_gone(line) {
                text.push_str(&String::from_utf8_lossy(line));
                text.push('\n');
                gone += 1;
                self.push_head(*number, &mut text);
                continue;
            }
            let (Some((hash, body)), Ok(line)) =
                (chain::split_event(line), std::str::from_utf8(line))
            else {
                // The log was verified above.
                continue;
            };
            let entry: AuditEntry = serde_json::from_slice(body).map_err(fault)?;
            let is_asked = (from..=to).contains(number);
            // Without these nobody could verify it.
            let is_needed = matches!(
                entry.event,
                AuditEvent::RollbackFound { .. } | AuditEvent::ContentDestroyed { .. }
            );
            if is_asked || is_needed {
                text.push_str(line);
                events += 1;
            } else {
                let body_sha256 = hex::encode(chain::digest(body));
                let (number, previous) = (entry.number, entry.previous);
                let stub = LeftOut {
                    number,
                    previous,
                    body_sha256,
                };
                text.push_str(&verify::left_out_line(&hash, &stub).map_err(fault)?);
                left_out += 1;
            }
            text.push('\n');
            self.push_head(*number, &mut text);
        }
        // Where the newest event has a signed head already, that one closes the file.
        if !self.heads.contains_key(&self.own.number) {
            text.push_str(&head);
        }
        Ok(Exported {
            text,
            events,
            left_out,
            gone,
        })
    }

    /// The signed head that follows an event, where there is one.
    fn push_head(&self, number: u64, text: &mut String) {
        if let Some(Ok(line)) = self
            .heads
            .get(&number)
            .map(|line| std::str::from_utf8(line))
        {
            text.push_str(line);
            text.push('\n');
        }
    }

    /// The first and the last event that are asked for.
    fn span(&self, selection: &Selection) -> Result<(u64, u64), RecordsError> {
        let mut from = selection.from.unwrap_or(1);
        let mut to = selection.to.unwrap_or(u64::MAX);
        if let Some(wanted) = selection.run {
            let (mut begun, mut ended) = (None, u64::MAX);
            for entry in self.entries() {
                match entry.event {
                    AuditEvent::RunBegun { run, .. } if run == wanted => begun = Some(entry.number),
                    // A run that was killed ends where the next begins.
                    AuditEvent::RunBegun { .. } if begun.is_some() => {
                        ended = ended.min(entry.number - 1);
                    }
                    AuditEvent::RunFinished { run, .. } if run == wanted => {
                        ended = ended.min(entry.number);
                    }
                    _ => {}
                }
            }
            let Some(begun) = begun else {
                let (path, run) = (self.path.clone(), wanted);
                return Err(RecordsError::NoSuchRun { path, run });
            };
            (from, to) = (from.max(begun), to.min(ended));
        }
        Ok((from, to))
    }
}

impl Store {
    /// How far the audit log goes.
    ///
    /// # Errors
    /// [`RecordsError::Damaged`] and the like.
    pub fn audit_head(&self) -> Result<AuditHead, RecordsError> {
        self.read(|store| {
            let meta = store.rows.open_table(META)?;
            let text = meta.get(META_HEAD)?.map(|text| text.value().to_owned());
            Ok(chain::read_tip(text.as_deref())?.shown())
        })
    }

    /// The events that are wanted, by number: of a store that is open.
    ///
    /// # Errors
    /// [`RecordsError::Damaged`] and the like.
    pub fn audit_entries(
        &self,
        wanted: impl Fn(&AuditEvent) -> bool,
    ) -> Result<Vec<AuditEntry>, RecordsError> {
        self.read(|store| {
            let mut found = Vec::new();
            for row in store.rows.open_table(AUDIT)?.iter()? {
                let (_, line) = row?;
                // What cannot be read is for verifying to tell.
                let Some((_, body)) = chain::split_event(line.value()) else {
                    continue;
                };
                let Ok(entry) = serde_json::from_slice::<AuditEntry>(body) else {
                    continue;
                };
                if wanted(&entry.event) {
                    found.push(entry);
                }
            }
            Ok(found)
        })
    }
}

type Lines = redb::TableDefinition<'static, u64, &'static [u8]>;

fn lines(reading: &ReadTransaction, table: Lines) -> Result<BTreeMap<u64, Vec<u8>>, Fault> {
    let mut lines = BTreeMap::new();
    for row in reading.open_table(table)?.iter()? {
        let (number, line) = row?;
        lines.insert(number.value(), line.value().to_vec());
    }
    Ok(lines)
}
