//! The sealed payload: the only form in which images, templates, crops and scores reach a table. Knows nothing of what
//! they mean.
//!
//! The type carries the rule. A table of payloads is a `TableDefinition<u64, SealedPayload>`, a `SealedPayload` is made
//! by [`SealedPayload::seal`] alone, and what may be sealed implements [`Sealable`] and no other way to be serialised.

use crate::cipher::{self, Key, NotAuthentic};
use crate::error::RecordsError;
use crate::keys::StoreId;
use crate::retention::RetentionClass;
use redb::{TableDefinition, TypeName, Value};
use std::borrow::Cow;
use zeroize::Zeroizing;

/// A table of sealed payloads.
pub(crate) type SealedTable = TableDefinition<'static, u64, SealedPayload<'static>>;

/// What kind of thing is sealed; each has a table of its own. The payloads of one record share its key: a watchlist image
/// is one record with a picture and a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Picture,
    Template,
    Alert,
    Inputs,
    Grounds,
}

impl Kind {
    pub(crate) const ALL: [Self; 5] = [
        Self::Picture,
        Self::Template,
        Self::Alert,
        Self::Inputs,
        Self::Grounds,
    ];

    pub(crate) const fn class(self) -> RetentionClass {
        match self {
            Self::Picture | Self::Template | Self::Grounds => RetentionClass::Watchlist,
            Self::Alert => RetentionClass::Alerts,
            Self::Inputs => RetentionClass::Inputs,
        }
    }

    const fn table_name(self) -> &'static str {
        match self {
            Self::Picture => "sealed-pictures",
            Self::Template => "sealed-templates",
            Self::Alert => "sealed-alerts",
            Self::Inputs => "sealed-inputs",
            Self::Grounds => "sealed-grounds",
        }
    }

    pub(crate) const fn table(self) -> SealedTable {
        SealedTable::new(self.table_name())
    }
}

/// What may be sealed.
pub(crate) trait Sealable: Sized {
    const KIND: Kind;

    /// The bytes to be sealed, in a buffer that is zeroed when dropped.
    fn encode(&self) -> Result<Zeroizing<Vec<u8>>, RecordsError>;

    /// The inverse; `None` where the bytes are no such thing.
    fn decode(bytes: &[u8]) -> Option<Self>;
}

/// Encrypted and authenticated bytes, bound to the store, table, record and retention class that they were sealed for.
#[derive(Debug)]
pub(crate) struct SealedPayload<'a>(Cow<'a, [u8]>);

impl SealedPayload<'_> {
    /// Seals a payload under its record's own key.
    pub(crate) fn seal<T: Sealable>(
        payload: &T,
        key: &Key,
        store: &StoreId,
        record: u64,
    ) -> Result<SealedPayload<'static>, RecordsError> {
        let sealed = cipher::seal(key, &payload.encode()?, &binding(T::KIND, store, record))?;
        Ok(SealedPayload(Cow::Owned(sealed)))
    }

    /// Opens it again.
    pub(crate) fn open<T: Sealable>(
        &self,
        key: &Key,
        store: &StoreId,
        record: u64,
    ) -> Result<T, NotAuthentic> {
        let bytes = cipher::open(key, &self.0, &binding(T::KIND, store, record))?;
        T::decode(&bytes).ok_or(NotAuthentic)
    }
}

/// The associated data of a payload. Lengths are fixed or last, so no two places give the same bytes.
fn binding(kind: Kind, store: &StoreId, record: u64) -> Vec<u8> {
    let mut bytes = b"payload\0".to_vec();
    bytes.extend_from_slice(store);
    bytes.extend_from_slice(&record.to_le_bytes());
    bytes.push(kind.class().code());
    bytes.extend_from_slice(kind.table_name().as_bytes());
    bytes
}

impl Value for SealedPayload<'static> {
    type SelfType<'a> = SealedPayload<'a>;
    type AsBytes<'a> = &'a [u8];

    fn fixed_width() -> Option<usize> {
        None
    }

    fn from_bytes<'a>(data: &'a [u8]) -> SealedPayload<'a>
    where
        Self: 'a,
    {
        SealedPayload(Cow::Borrowed(data))
    }

    fn as_bytes<'a, 'b: 'a>(value: &'a SealedPayload<'b>) -> &'a [u8]
    where
        Self: 'b,
    {
        &value.0
    }

    fn type_name() -> TypeName {
        TypeName::new("overt-records::SealedPayload")
    }
}
