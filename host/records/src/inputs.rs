//! The inputs of an alert's plugin calls: bounded bytes, sealed with the alert under a key and a limit of their own. What they mean is not known here.
//!
//! They are bound to the alert that they belong to: its plain row is sealed with them as it was committed. So a changed row is found out, and rows
//! that change places are.

use crate::alerts::Alert;
use crate::error::RecordsError;
use crate::payload;
use crate::retention::Timestamp;
use crate::sealed::{Kind, Sealable};
use crate::store::Store;
use crate::tables::{ALERTS, AlertRow, HELD};
use serde::{Serialize, Serializer};
use zeroize::Zeroizing;

/// Most bytes of an alert's inputs.
const MOST_INPUTS: usize = 4 << 20;

/// What an alert's plugins were asked and answered, as bytes.
#[derive(Clone, PartialEq)]
pub struct AlertInputs {
    /// At most 4 MiB.
    pub bytes: Zeroizing<Vec<u8>>,
}

/// What the store has of an alert's inputs.
#[derive(Clone, PartialEq)]
pub enum HeldInputs {
    /// All of it.
    Held(AlertInputs),
    /// Their time is over, and nothing can bring them back.
    Expired {
        /// Since when.
        at: Timestamp,
    },
    /// None were kept with this alert.
    NeverKept,
}

impl AlertInputs {
    pub(crate) fn check(&self, whose: &str) -> Result<(), RecordsError> {
        payload::at_most(whose, "bytes of inputs", self.bytes.len(), MOST_INPUTS)
    }
}

/// As sealed: the alert's plain row as JSON, and the bytes.
pub(crate) struct SealedInputs {
    alert: Alert,
    bytes: Zeroizing<Vec<u8>>,
}

impl SealedInputs {
    pub(crate) fn of(alert: &Alert, inputs: &AlertInputs) -> Self {
        Self {
            alert: alert.clone(),
            bytes: inputs.bytes.clone(),
        }
    }
}

/// Bytes in one piece: a list would be written number by number.
struct Whole<'a>(&'a [u8]);

impl Serialize for Whole<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl Sealable for SealedInputs {
    const KIND: Kind = Kind::Inputs;

    fn encode(&self) -> Result<Zeroizing<Vec<u8>>, RecordsError> {
        let alert = serde_json::to_vec(&self.alert).map_err(|error| RecordsError::Refused {
            what: format!("alert {}", self.alert.number),
            problem: error.to_string(),
        })?;
        payload::encode(&(Whole(&alert), Whole(&self.bytes)))
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (alert, bytes): (&[u8], &[u8]) = payload::decode(bytes)?;
        Some(Self {
            alert: serde_json::from_slice(alert).ok()?,
            bytes: Zeroizing::new(bytes.to_vec()),
        })
    }
}

impl Store {
    /// The number of every alert, whichever run raised it. Its row need not be readable.
    ///
    /// # Errors
    /// [`RecordsError::Damaged`] and the like.
    pub fn alert_numbers(&self) -> Result<Vec<u32>, RecordsError> {
        self.read(|store| {
            let alerts = store.rows.open_table(ALERTS)?;
            let numbers: Result<_, redb::StorageError> = redb::ReadableTable::iter(&alerts)?
                .map(|row| row.map(|(number, _)| number.value()))
                .collect();
            Ok(numbers?)
        })
    }

    /// An alert by its number.
    ///
    /// # Errors
    /// [`RecordsError::NoSuchAlert`]; [`RecordsError::Damaged`] where its row cannot be read.
    pub fn alert(&self, number: u32) -> Result<crate::StoredAlert, RecordsError> {
        self.read(|store| {
            let alerts = store.rows.open_table(ALERTS)?;
            match alerts.get(number)? {
                Some(row) => Ok(row.value().read()?.stored),
                None => {
                    let path = self.path().to_path_buf();
                    Err(RecordsError::NoSuchAlert { path, number }.into())
                }
            }
        })
    }

    /// What an alert's plugins were asked.
    ///
    /// # Errors
    /// [`RecordsError::NoSuchAlert`]; [`RecordsError::Altered`] where they are not what was stored, are gone before their time, or belong to
    /// another alert than the one on record; [`RecordsError::Damaged`] where the alert's row cannot be read.
    pub fn alert_inputs(&self, number: u32, now: Timestamp) -> Result<HeldInputs, RecordsError> {
        self.read(|store| {
            let alerts = store.rows.open_table(ALERTS)?;
            let Some(row) = alerts.get(number)? else {
                let path = self.path().to_path_buf();
                return Err(RecordsError::NoSuchAlert { path, number }.into());
            };
            let AlertRow { stored, inputs, .. } = row.value().read()?;
            let Some(inputs) = inputs else {
                return Ok(HeldInputs::NeverKept);
            };
            let record = inputs.record;
            if let Some(sealed) = store.open::<SealedInputs>(record)?
                && sealed.alert == stored.alert
            {
                let SealedInputs { bytes, .. } = sealed;
                return Ok(HeldInputs::Held(AlertInputs { bytes }));
            }
            let is_held = store.rows.open_table(HELD)?.get(record)?.is_some();
            if !is_held && now >= inputs.expires_at {
                let at = inputs.expires_at;
                return Ok(HeldInputs::Expired { at });
            }
            let path = self.path().to_path_buf();
            Err(RecordsError::Altered { path, record }.into())
        })
    }
}
