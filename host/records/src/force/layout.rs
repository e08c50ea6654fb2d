//! The tables of the force's store, and what an opening checks of them. What may stand in a plain row of it is the list of [`PlainRow`] implementations here: no
//! password and no token, only what each is checked against.

use super::Stop;
use super::attempts::Attempts;
use super::error::ForceError;
use super::events::PeopleEvent;
use super::person::PersonRow;
use super::register::RegisterEntry;
use super::retention::RegisterGone;
use super::rules::AdoptedRules;
use super::session::SessionRow;
use crate::audit::{self, Actor, Appended, AuditEvent, Log};
use crate::error::RecordsError;
use crate::fault::Fault;
use crate::keys::StoreId;
use crate::opening::{self, HOST_VERSION};
use crate::retention::Timestamp;
use crate::tables::{PlainRow, Row};
use redb::{
    Database, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition, TableHandle,
    WriteTransaction,
};
use std::path::Path;

/// The layout described here.
const SCHEMA: &str = "3";

/// The layout before: nothing of a register went. An older version, which would deal the numbers of what is gone out again, refuses what was brought up to date.
const SECOND: &str = "2";

/// The layout before that: people without an audit log, and no register.
const FIRST: &str = "1";

/// Facts of the store itself: `schema`; `store`, its id; `audit-key` and `audit-head` of its log; `latest`, the latest calendar time at which somebody signed
/// in, in milliseconds; and `rewrite`, while its file has yet to be written anew without what was destroyed. A table of another name than a deployment's, so that neither store is taken for the other.
pub(super) const FACTS: TableDefinition<&str, &str> = TableDefinition::new("force");
/// People by id.
pub(super) const PEOPLE: TableDefinition<&str, Row<PersonRow>> = TableDefinition::new("people");
/// Sessions by the SHA-256 of their token.
pub(super) const SESSIONS: TableDefinition<[u8; 32], Row<SessionRow>> =
    TableDefinition::new("sessions");
/// Failed attempts with ids that nobody has, by a few bits of a hash of the id.
pub(super) const STRANGERS: TableDefinition<u16, Row<Attempts>> = TableDefinition::new("strangers");
/// What makes these bits other ones in every store.
pub(super) const SALT: TableDefinition<(), [u8; 32]> = TableDefinition::new("salt");
/// What happened to people, by number.
pub(super) const EVENTS: TableDefinition<u64, Row<PeopleEvent>> = TableDefinition::new("events");

/// Versions of the force's rules.
pub(super) const RULES: TableDefinition<u32, Row<AdoptedRules>> = TableDefinition::new("rules");
/// The register of deployments, by number.
pub(super) const REGISTER: TableDefinition<u32, Row<RegisterEntry>> =
    TableDefinition::new("register");

/// Records of closed deployments, by number. A store has the table from its first closed deployment on.
pub(super) const RECORDS: TableDefinition<u32, &str> = TableDefinition::new("records");

/// Numbers of the register whose entries are gone by the rules' period, by the first of a range.
pub(super) const GONE: TableDefinition<u32, Row<RegisterGone>> = TableDefinition::new("gone");

/// The row of the facts that stands while the file has yet to be written anew.
pub(super) const REWRITE: &str = "rewrite";

impl PlainRow for RegisterGone {
    const NAME: &'static str = "overt-records::RegisterGone";
}

impl PlainRow for AdoptedRules {
    const NAME: &'static str = "overt-records::AdoptedRules";
}

impl PlainRow for RegisterEntry {
    const NAME: &'static str = "overt-records::RegisterEntry";
}

impl PlainRow for PersonRow {
    const NAME: &'static str = "overt-records::Person";
}

impl PlainRow for SessionRow {
    const NAME: &'static str = "overt-records::Session";
}

impl PlainRow for Attempts {
    const NAME: &'static str = "overt-records::Attempts";
}

impl PlainRow for PeopleEvent {
    const NAME: &'static str = "overt-records::PeopleEvent";
}

/// Whether the file has no table at all: a new one, or what a crash while making it leaves.
pub(super) fn is_empty(database: &Database, path: &Path) -> Result<bool, ForceError> {
    let read = || -> Result<bool, Fault> {
        let reading = database.begin_read()?;
        Ok(reading.list_tables()?.next().is_none()
            && reading.list_multimap_tables()?.next().is_none())
    };
    read().map_err(|fault| fault.at(path).into())
}

/// Makes the tables and the beginning of the log, in one transaction.
pub(super) fn create(
    database: &Database,
    path: &Path,
    salt: &[u8; 32],
    log: &Log,
    at: Timestamp,
) -> Result<(), ForceError> {
    let write = || -> Result<(), Fault> {
        let change = database.begin_write()?;
        change.open_table(SALT)?.insert((), salt)?;
        change.open_table(PEOPLE)?;
        change.open_table(SESSIONS)?;
        change.open_table(STRANGERS)?;
        change.open_table(EVENTS)?;
        begin_log(
            change,
            log,
            at,
            AuditEvent::StoreCreated {
                host_version: HOST_VERSION.to_owned(),
            },
        )
    };
    write().map_err(|fault| fault.at(path).into())
}

/// Adds what the second layout had not.
pub(super) fn upgrade_second(database: &Database, path: &Path) -> Result<(), ForceError> {
    let write = || -> Result<(), Fault> {
        let change = database.begin_write()?;
        change.open_table(GONE)?;
        change.open_table(FACTS)?.insert("schema", SCHEMA)?;
        change.commit()?;
        Ok(())
    };
    write().map_err(|fault| fault.at(path).into())
}

/// Adds what the first layout had not.
pub(super) fn upgrade(database: &Database, path: &Path, log: &Log) -> Result<(), ForceError> {
    let write = || -> Result<(), Fault> {
        let change = database.begin_write()?;
        let people = change.open_table(PEOPLE)?.len()?;
        begin_log(
            change,
            log,
            opening::clock(),
            AuditEvent::ForceLogBegun {
                host_version: HOST_VERSION.to_owned(),
                people,
            },
        )
    };
    write().map_err(|fault| fault.at(path).into())
}

/// Makes what this layout has and the first had not, says so as the log's first event, and commits.
fn begin_log(
    change: WriteTransaction,
    log: &Log,
    at: Timestamp,
    first: AuditEvent,
) -> Result<(), Fault> {
    {
        let mut facts = change.open_table(FACTS)?;
        facts.insert("schema", SCHEMA)?;
        facts.insert("store", log.identity.store.as_str())?;
    }
    change.open_table(RULES)?;
    change.open_table(REGISTER)?;
    change.open_table(GONE)?;
    audit::begin(&change, log)?;
    let appended = Appended::default();
    // The file beside may know of a log that was here before.
    appended.find_rollback(&change, log, opening::clock())?;
    appended.append(&change, log, at, Actor::Host, first)?;
    change.commit()?;
    appended.committed(log);
    Ok(())
}

/// What a force's store is found to be.
pub(super) enum Found {
    /// Of the first layout, without a log and an id.
    First,
    /// Of a layout with a log.
    WithLog {
        store: StoreId,
        /// Whether it is of the second layout yet.
        is_second: bool,
        /// Whether its file has yet to be written anew.
        rewrite: bool,
    },
}

/// Whether this is a force's store, and of which layout.
pub(super) fn check(database: &Database, path: &Path) -> Result<Found, ForceError> {
    let not_ours = |cause: &str| {
        let (path, cause) = (path.to_path_buf(), cause.to_owned());
        Fault::Records(RecordsError::NotAStore { path, cause })
    };
    let read = || -> Result<Found, Fault> {
        let reading = database.begin_read()?;
        if !reading
            .list_tables()?
            .any(|table| table.name() == FACTS.name())
        {
            return Err(not_ours("it is no store of a force's people"));
        }
        let facts = match reading.open_table(FACTS) {
            Err(redb::TableError::Storage(error)) => return Err(error.into()),
            Err(_) => return Err(not_ours("it is a redb file of another program")),
            Ok(facts) => facts,
        };
        let is_second = match facts.get("schema")? {
            Some(schema) if schema.value() == FIRST => return Ok(Found::First),
            Some(schema) if schema.value() == SECOND => true,
            Some(schema) if schema.value() == SCHEMA => false,
            Some(schema) => {
                return Err(not_ours(&format!(
                    "it has layout {:?}; this version reads layout {SCHEMA}",
                    schema.value()
                )));
            }
            None => return Err(not_ours("it does not say its layout")),
        };
        let rewrite = facts.get(REWRITE)?.is_some();
        let store = facts.get("store")?;
        match store.and_then(|store| opening::parse_id(store.value())) {
            Some(store) => Ok(Found::WithLog {
                store,
                is_second,
                rewrite,
            }),
            None => Err(not_ours("it does not say its id")),
        }
    };
    read().map_err(|fault| fault.at(path).into())
}

/// The later of this time and the latest at which somebody signed in: an expiry date that has passed has passed, even where the calendar was set back since.
pub(super) fn latest(change: &WriteTransaction, at: Timestamp) -> Result<Timestamp, Stop> {
    latest_of(&change.open_table(FACTS)?, at)
}

/// The same of a table of facts that is open already.
pub(super) fn latest_of(
    meta: &impl ReadableTable<&'static str, &'static str>,
    at: Timestamp,
) -> Result<Timestamp, Stop> {
    let seen = match meta.get("latest")? {
        None => None,
        Some(text) => Some(text.value().parse().map_err(|_| {
            Fault::Inconsistent("the time of the last sign-in is no number".to_owned())
        })?),
    };
    Ok(seen.map_or(at, |seen| at.max(Timestamp::from_unix_ms(seen))))
}

/// Keeps the time of a sign-in where it is the latest.
pub(super) fn seen(change: &WriteTransaction, at: Timestamp) -> Result<(), Stop> {
    let latest = latest(change, at)?.unix_ms().to_string();
    change
        .open_table(FACTS)?
        .insert("latest", latest.as_str())?;
    Ok(())
}

/// The store's salt.
pub(super) fn salt(change: &WriteTransaction) -> Result<[u8; 32], Stop> {
    let table = change.open_table(SALT)?;
    let salt = table.get(())?.map(|salt| salt.value());
    salt.ok_or_else(|| Fault::Inconsistent("it has no salt".to_owned()).into())
}
