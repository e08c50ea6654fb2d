//! The plain rows of a store on their way to somewhere else: all of them for a copy, those of the log for an auditor. Sealed payloads are in no way among them.
//!
//! They are read in one snapshot and quickly, without keeping anybody from writing; what takes long, writing or sending them, happens when the store is let go of. So
//! a run can hand them out while its frames go on.

use crate::audit::{Actor, AuditEvent};
use crate::error::RecordsError;
use crate::fault::Fault;
use crate::membership::MEMBERS;
use crate::retention::Timestamp;
use crate::sealed::Kind;
use crate::store::Store;
use crate::tables::{
    ACTIONS, ALERTS, APPROVALS, AUDIT, AUDIT_HEADS, DELIVERED, DESCRIBED, DESCRIBED_IN, ENTRIES,
    EVERYBODY, EXPORTS, GENERATIONS, HELD, HOLDS, LIVES, META, OUTBOX, QUARANTINES, RECEIPTS,
    REMOVALS, RUNS, VIEWS, if_there,
};
use crate::transaction::Change;
use redb::{
    Key, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition, TableHandle, Value,
    WriteTransaction,
};
use serde::{Deserialize, Serialize};

/// A piece has about so many bytes.
const PIECE: usize = 1 << 20;

/// Some rows of one table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// The table's name.
    pub(crate) table: String,
    /// Keys and values, as redb has them.
    pub(crate) rows: Vec<(Vec<u8>, Vec<u8>)>,
}

/// Something that is done with each table of plain rows.
trait EachTable {
    fn table<K: Key + 'static, V: Value + 'static>(
        &mut self,
        table: TableDefinition<'static, K, V>,
    ) -> Result<(), Fault>;
}

/// Every table of plain rows.
fn each(what: &mut impl EachTable) -> Result<(), Fault> {
    what.table(META)?;
    what.table(HELD)?;
    what.table(ENTRIES)?;
    what.table(APPROVALS)?;
    what.table(REMOVALS)?;
    what.table(EVERYBODY)?;
    what.table(RUNS)?;
    what.table(ALERTS)?;
    what.table(QUARANTINES)?;
    what.table(GENERATIONS)?;
    what.table(LIVES)?;
    what.table(VIEWS)?;
    what.table(HOLDS)?;
    what.table(RECEIPTS)?;
    what.table(EXPORTS)?;
    what.table(OUTBOX)?;
    what.table(DELIVERED)?;
    what.table(ACTIONS)?;
    what.table(DESCRIBED)?;
    what.table(DESCRIBED_IN)?;
    what.table(MEMBERS)?;
    what.table(AUDIT)?;
    what.table(AUDIT_HEADS)
}

/// The tables that the log is in.
const LOG: [&str; 3] = ["meta", "audit", "audit-heads"];

/// Reads tables into pieces.
struct Reader<'r> {
    reading: &'r ReadTransaction,
    log_alone: bool,
    /// Names of the tables that were met.
    met: Vec<String>,
    pieces: Vec<Piece>,
}

impl EachTable for Reader<'_> {
    fn table<K: Key + 'static, V: Value + 'static>(
        &mut self,
        table: TableDefinition<'static, K, V>,
    ) -> Result<(), Fault> {
        let name = table.name();
        self.met.push(name.to_owned());
        if self.log_alone && !LOG.contains(&name) {
            return Ok(());
        }
        let Some(table) = if_there(self.reading.open_table(table))? else {
            return Ok(());
        };
        let (mut rows, mut bytes) = (Vec::new(), 0);
        for row in table.iter()? {
            let (key, value) = row?;
            let key = K::as_bytes(&key.value()).as_ref().to_vec();
            let value = V::as_bytes(&value.value()).as_ref().to_vec();
            bytes += key.len() + value.len();
            rows.push((key, value));
            if bytes >= PIECE {
                let rows = std::mem::take(&mut rows);
                self.pieces.push(piece(name, rows));
                bytes = 0;
            }
        }
        // An empty one is there as well.
        self.pieces.push(piece(name, rows));
        Ok(())
    }
}

fn piece(table: &str, rows: Vec<(Vec<u8>, Vec<u8>)>) -> Piece {
    let table = table.to_owned();
    Piece { table, rows }
}

/// Puts a piece into the table that it is of.
struct Writer<'w> {
    change: &'w WriteTransaction,
    piece: &'w Piece,
    is_known: bool,
}

impl EachTable for Writer<'_> {
    fn table<K: Key + 'static, V: Value + 'static>(
        &mut self,
        table: TableDefinition<'static, K, V>,
    ) -> Result<(), Fault> {
        if table.name() != self.piece.table {
            return Ok(());
        }
        self.is_known = true;
        let mut table = self.change.open_table(table)?;
        for (key, value) in &self.piece.rows {
            table.insert(K::from_bytes(key), V::from_bytes(value))?;
        }
        Ok(())
    }
}

impl Piece {
    /// Puts the rows where they belong.
    pub(crate) fn put(&self, change: &WriteTransaction) -> Result<(), Fault> {
        let mut writer = Writer {
            change,
            piece: self,
            is_known: false,
        };
        each(&mut writer)?;
        match writer.is_known {
            true => Ok(()),
            false => Err(unknown(&self.table)),
        }
    }
}

fn unknown(table: &str) -> Fault {
    Fault::Inconsistent(format!("the table {table} is none that is known"))
}

impl Store {
    /// All plain rows, for a copy. That they were given out is on record.
    ///
    /// # Errors
    /// [`RecordsError::Full`] and the like.
    pub fn rows_to_copy(&self, now: Timestamp) -> Result<Vec<Piece>, RecordsError> {
        self.change(|change: &mut Change<'_>| {
            change.log(now, Actor::Host, AuditEvent::BackedUp {})
        })?;
        self.rows(false)
    }

    /// The rows of the log, for [`crate::LogRows`].
    ///
    /// # Errors
    /// [`RecordsError::Damaged`] and the like.
    pub fn rows_of_log(&self) -> Result<Vec<Piece>, RecordsError> {
        self.rows(true)
    }

    fn rows(&self, log_alone: bool) -> Result<Vec<Piece>, RecordsError> {
        self.with_database(|database| {
            let reading = database.begin_read()?;
            let mut reader = Reader {
                reading: &reading,
                log_alone,
                met: Vec::new(),
                pieces: Vec::new(),
            };
            each(&mut reader)?;
            // Nothing is left out of a copy because it is newer than the list above.
            for table in reading.list_tables()? {
                let is_known = |known: &String| known == table.name();
                let is_sealed = |kind: &Kind| kind.table().name() == table.name();
                if !reader.met.iter().any(is_known) && !Kind::ALL.iter().any(is_sealed) {
                    return Err(unknown(table.name()));
                }
            }
            Ok(reader.pieces)
        })
    }
}
