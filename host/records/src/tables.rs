//! The tables of the store that hold plain rows, and the register of what is sealed. Sealed payloads themselves are in
//! the tables of `sealed.rs`.
//!
//! A plain row is JSON, so that an auditor can read it with other tools and a later version can add fields. What may
//! stand in one is the list of [`PlainRow`] implementations in this file.

use crate::alerts::StoredAlert;
use crate::approval::ListApproval;
use crate::entry::{AddedBy, ImageFacts};
use crate::exports::Export;
use crate::fault::Fault;
use crate::generations::GenerationChange;
use crate::holds::{Hold, Receipt};
use crate::judgements::View;
use crate::life::Life;
use crate::live::ListComposition;
use crate::outbox::{Delivered, Message};
use crate::quarantine::Quarantine;
use crate::retention::Timestamp;
use crate::runs::RunRecord;
use crate::watchlist::{Encoder, Removal};
use redb::{Key, ReadableTable, StorageError, TableDefinition, TableError, TypeName, Value};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::marker::PhantomData;

/// A table, or `None` where nothing was ever put into it: redb makes a table when it is first written to, and an older store may lack it.
pub(crate) fn if_there<T>(opened: Result<T, TableError>) -> Result<Option<T>, TableError> {
    match opened {
        Ok(table) => Ok(Some(table)),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What rows are numbered with, from 1 on.
pub(crate) trait Number:
    Key + for<'row> Value<SelfType<'row> = Self> + Copy + 'static
{
    const NONE: Self;
    /// The number that follows, if there is one.
    fn following(self) -> Option<Self>;
}

impl Number for u32 {
    const NONE: Self = 0;
    fn following(self) -> Option<Self> {
        self.checked_add(1)
    }
}

impl Number for u64 {
    const NONE: Self = 0;
    fn following(self) -> Option<Self> {
        self.checked_add(1)
    }
}

/// The number of a table's last row; 0 where it has none.
pub(crate) fn last_number<N: Number, V: Value + 'static>(
    rows: &impl ReadableTable<N, V>,
) -> Result<N, StorageError> {
    Ok(rows.last()?.map_or(N::NONE, |(number, _)| number.value()))
}

/// The number after `last`, for another one of `what`.
pub(crate) fn number_after<N: Number>(last: N, what: &str) -> Result<N, Fault> {
    last.following()
        .ok_or_else(|| Fault::Inconsistent(format!("there is no number left for {what}")))
}

/// The number of a table's next row, for another one of `what`: rows of such a table are never removed, or their numbers are never asked for again.
pub(crate) fn next_number<N: Number, V: Value + 'static>(
    rows: &impl ReadableTable<N, V>,
    what: &str,
) -> Result<N, Fault> {
    number_after(last_number(rows)?, what)
}

/// The layout described here. Layout 1 had no inputs of alerts, layout 2 no audit log; they are brought up to date when they are opened.
pub(crate) const SCHEMA: u32 = 3;

/// Facts of the store itself: `schema`, `deployment`, `store` (its id in hexadecimal), `audit-key`, `audit-head`, `opened-by` (version of the host).
pub(crate) const META: TableDefinition<&str, &str> = TableDefinition::new("meta");
/// Every record that has sealed payloads: its retention class, and when it has to be gone.
pub(crate) const HELD: TableDefinition<u64, (u8, i64)> = TableDefinition::new("held");
/// Watchlist entries by reference.
pub(crate) const ENTRIES: TableDefinition<&str, Row<EntryRow>> = TableDefinition::new("entries");
/// Approvals of the watchlist by number.
pub(crate) const APPROVALS: TableDefinition<u64, Row<ListApproval>> =
    TableDefinition::new("approvals");
/// Who was taken off the watchlist, and is not on it again: an alert about them that was under way comes as withdrawn.
pub(crate) const REMOVALS: TableDefinition<&str, Row<Removal>> = TableDefinition::new("removals");
/// Everybody who was on the watchlist since the first run, in counts.
pub(crate) const EVERYBODY: TableDefinition<(), Row<ListComposition>> =
    TableDefinition::new("everybody");
/// Runs by number.
pub(crate) const RUNS: TableDefinition<u64, Row<RunRecord>> = TableDefinition::new("runs");
/// Alerts by number.
pub(crate) const ALERTS: TableDefinition<u32, Row<AlertRow>> = TableDefinition::new("alerts");

/// Quarantines by number.
pub(crate) const QUARANTINES: TableDefinition<u64, Row<Quarantine>> =
    TableDefinition::new("quarantines");

/// Generations by run and number.
pub(crate) const GENERATIONS: TableDefinition<(u64, u64), Row<GenerationChange>> =
    TableDefinition::new("generations");

/// Lives of alerts, by the alert's number; one that nothing has happened to has none.
pub(crate) const LIVES: TableDefinition<u32, Row<Life>> = TableDefinition::new("lives");
/// Views of alerts' images, in order.
pub(crate) const VIEWS: TableDefinition<u64, Row<View>> = TableDefinition::new("views");

/// Holds by number.
pub(crate) const HOLDS: TableDefinition<u64, Row<Hold>> = TableDefinition::new("holds");
/// Receipts by alert.
pub(crate) const RECEIPTS: TableDefinition<u32, Row<Receipt>> = TableDefinition::new("receipts");
/// Files that left the store, by number.
pub(crate) const EXPORTS: TableDefinition<u64, Row<Export>> = TableDefinition::new("exports");
/// Messages that channels are still to be given, by number.
pub(crate) const OUTBOX: TableDefinition<u64, Row<Message>> = TableDefinition::new("outbox");
/// Messages that were delivered, by number.
pub(crate) const DELIVERED: TableDefinition<u64, Row<Delivered>> =
    TableDefinition::new("delivered");
/// Alerts that an operator has passed, by number: who was told of them.
pub(crate) const ACTIONS: TableDefinition<u32, Row<ActionRow>> = TableDefinition::new("actions");

/// How many people who were engaged were what, by whose word: counts alone (`described.rs`).
pub(crate) const DESCRIBED: TableDefinition<(&str, &str, &str), u64> =
    TableDefinition::new("described");

/// The same by the mode in which they were engaged, which comes first. What an older version counted has no mode and stays above.
pub(crate) const DESCRIBED_IN: TableDefinition<(&str, &str, &str, &str), u64> =
    TableDefinition::new("described-by-mode");

/// Lines of the audit log by number of the event.
pub(crate) const AUDIT: TableDefinition<u64, &[u8]> = TableDefinition::new("audit");

/// Signed heads of the audit log by number of the event.
pub(crate) const AUDIT_HEADS: TableDefinition<u64, &[u8]> = TableDefinition::new("audit-heads");

/// What may stand in a plain row: nothing that holds an image, a template or a score.
pub(crate) trait PlainRow: Serialize + DeserializeOwned + std::fmt::Debug {
    const NAME: &'static str;
}

impl PlainRow for ListApproval {
    const NAME: &'static str = "overt-records::ListApproval";
}

impl PlainRow for Removal {
    const NAME: &'static str = "overt-records::Removal";
}

impl PlainRow for ListComposition {
    const NAME: &'static str = "overt-records::ListComposition";
}

impl PlainRow for EntryRow {
    const NAME: &'static str = "overt-records::Entry";
}

impl PlainRow for RunRecord {
    const NAME: &'static str = "overt-records::Run";
}

impl PlainRow for Quarantine {
    const NAME: &'static str = "overt-records::Quarantine";
}

impl PlainRow for GenerationChange {
    const NAME: &'static str = "overt-records::Generation";
}

impl PlainRow for Life {
    const NAME: &'static str = "overt-records::Life";
}

impl PlainRow for View {
    const NAME: &'static str = "overt-records::View";
}

impl PlainRow for Hold {
    const NAME: &'static str = "overt-records::Hold";
}

impl PlainRow for Receipt {
    const NAME: &'static str = "overt-records::Receipt";
}

impl PlainRow for Export {
    const NAME: &'static str = "overt-records::Export";
}

impl PlainRow for Message {
    const NAME: &'static str = "overt-records::Message";
}

impl PlainRow for Delivered {
    const NAME: &'static str = "overt-records::Delivered";
}

impl PlainRow for ActionRow {
    const NAME: &'static str = "overt-records::Action";
}

impl PlainRow for AlertRow {
    const NAME: &'static str = "overt-records::Alert";
}

/// A watchlist entry.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct EntryRow {
    pub(crate) category: String,
    /// Whether the person is wanted for arrest; absent in what an older version wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) wanted: Option<bool>,
    /// Whether they were under 18 when they were enrolled; absent in what an older version wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) under_18: Option<bool>,
    /// Record of the sealed grounds; absent in what an older version wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) grounds: Option<u64>,
    /// Who added them; absent in what an older version wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) added: Option<AddedBy>,
    /// By number.
    pub(crate) images: Vec<ImageRow>,
    /// The number of the next image that is added.
    pub(crate) next_image: u32,
}

/// An image of an entry.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ImageRow {
    pub(crate) number: u32,
    /// Record of the sealed picture, and of the template that was enrolled with it.
    pub(crate) record: u64,
    /// Record of the template, where another encoder has made one since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) template_record: Option<u64>,
    pub(crate) encoder: Encoder,
    pub(crate) enrolled_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    #[serde(default)]
    pub(crate) facts: ImageFacts,
}

impl ImageRow {
    /// Record of the template that counts.
    pub(crate) fn template(&self) -> u64 {
        self.template_record.unwrap_or(self.record)
    }
}

/// An alert that was passed.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct ActionRow {
    /// The channels that are told; absent until the router was asked.
    pub(crate) channels: Option<Vec<String>>,
    /// What is kept of asking it.
    #[serde(default)]
    pub(crate) router: RouterRow,
}

/// What is kept of asking the router about a passed alert.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RouterRow {
    /// Nothing: that is still to come, its time was over already, or an older version settled it.
    #[default]
    Nothing,
    /// Nobody asked it.
    NotAsked,
    /// What it was asked and answered.
    Kept(InputsRow),
}

/// An alert.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AlertRow {
    pub(crate) stored: StoredAlert,
    /// Record of the sealed part; nothing is sealed under it any more once its retention has ended.
    pub(crate) record: u64,
    /// Its inputs; absent where none were kept, as in layout 1.
    #[serde(default)]
    pub(crate) inputs: Option<InputsRow>,
}

/// Where an alert's inputs are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct InputsRow {
    /// Record of the sealed inputs.
    pub(crate) record: u64,
    /// When they have to be gone.
    pub(crate) expires_at: Timestamp,
}

/// A row as it stands in a table: reading it can fail, for the file may be damaged.
#[derive(Debug)]
pub(crate) struct RowBytes<'a, T> {
    bytes: Cow<'a, [u8]>,
    row: PhantomData<fn() -> T>,
}

impl<T: PlainRow> RowBytes<'_, T> {
    pub(crate) fn of(row: &T) -> serde_json::Result<RowBytes<'static, T>> {
        Ok(RowBytes {
            bytes: Cow::Owned(serde_json::to_vec(row)?),
            row: PhantomData,
        })
    }

    pub(crate) fn read(&self) -> serde_json::Result<T> {
        serde_json::from_slice(&self.bytes)
    }
}

/// A column of rows, for table definitions.
#[derive(Debug)]
pub(crate) struct Row<T>(PhantomData<fn() -> T>);

impl<T: PlainRow + 'static> Value for Row<T> {
    type SelfType<'a> = RowBytes<'a, T>;
    type AsBytes<'a> = &'a [u8];

    fn fixed_width() -> Option<usize> {
        None
    }

    fn from_bytes<'a>(data: &'a [u8]) -> RowBytes<'a, T>
    where
        Self: 'a,
    {
        RowBytes {
            bytes: Cow::Borrowed(data),
            row: PhantomData,
        }
    }

    fn as_bytes<'a, 'b: 'a>(value: &'a RowBytes<'b, T>) -> &'a [u8]
    where
        Self: 'b,
    {
        &value.bytes
    }

    fn type_name() -> TypeName {
        TypeName::new(T::NAME)
    }
}
