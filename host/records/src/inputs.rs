//! The inputs of an alert's plugin calls: bounded bytes, sealed with the alert under a key and a limit of their own. What they mean is not known here.
//!
//! They are bound to the alert that they belong to: its plain row is sealed with them as it was committed. So a changed row is found out, and rows
//! that change places are.
//!
//! What the router is asked once an operator has passed the alert comes later, and is sealed as a record of its own. It goes when the others go.

use crate::alerts::Alert;
use crate::error::RecordsError;
use crate::fault::Fault;
use crate::payload;
use crate::retention::{RetentionClass, Timestamp};
use crate::sealed::{Kind, Sealable};
use crate::store::Store;
use crate::tables::{ACTIONS, ALERTS, AlertRow, HELD, InputsRow, RouterRow, if_there};
use crate::transaction::{Change, Reading};
use redb::ReadableTable;
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

/// Who hears of an alert that was passed, and what the router was asked about it.
#[derive(Clone, PartialEq)]
pub struct SettledAction {
    /// The channels for action.
    pub channels: Vec<String>,
    /// What the router was asked and answered; absent where nobody asked it.
    pub inputs: Option<HeldInputs>,
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
            let numbers: Result<_, redb::StorageError> = alerts
                .iter()?
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
            match inputs {
                Some(inputs) => self.held_inputs(store, &stored.alert, inputs, now),
                None => Ok(HeldInputs::NeverKept),
            }
        })
    }

    /// Who hears of an alert that was passed, and what the router was asked about it; `None` where it was not passed, or that is still to be settled.
    ///
    /// # Errors
    /// As [`Store::alert_inputs`].
    pub fn settled_action(
        &self,
        number: u32,
        now: Timestamp,
    ) -> Result<Option<SettledAction>, RecordsError> {
        self.read(|store| {
            let Some(actions) = if_there(store.rows.open_table(ACTIONS))? else {
                // A store from before anybody could pass an alert.
                return Ok(None);
            };
            let found = actions.get(number)?.map(|row| row.value().read());
            let Some(action) = found.transpose()? else {
                return Ok(None);
            };
            let Some(channels) = action.channels else {
                return Ok(None);
            };
            let alerts = store.rows.open_table(ALERTS)?;
            let Some(row) = alerts.get(number)? else {
                return Err(Fault::Inconsistent(format!("alert {number} is gone")));
            };
            let alert = row.value().read()?.stored.alert;
            let inputs = match action.router {
                RouterRow::NotAsked => None,
                RouterRow::Nothing => Some(HeldInputs::NeverKept),
                RouterRow::Kept(inputs) => Some(self.held_inputs(store, &alert, inputs, now)?),
            };
            Ok(Some(SettledAction { channels, inputs }))
        })
    }

    fn held_inputs(
        &self,
        store: &Reading<'_>,
        alert: &Alert,
        inputs: InputsRow,
        now: Timestamp,
    ) -> Result<HeldInputs, Fault> {
        let record = inputs.record;
        if let Some(sealed) = store.open::<SealedInputs>(record)?
            && sealed.alert == *alert
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
    }
}

/// Seals what the router was asked about a passed alert, in the change that says who hears of it. It goes when the alert's other inputs go, and before its score
/// does; what would have to be gone already is not kept.
pub(crate) fn keep_action(
    change: &mut Change<'_>,
    store: &Store,
    number: u32,
    inputs: &AlertInputs,
    now: Timestamp,
) -> Result<Option<InputsRow>, Fault> {
    let alerts = change.rows.open_table(ALERTS)?;
    let found = alerts.get(number)?.map(|row| row.value().read());
    let Some(AlertRow {
        stored,
        inputs: others,
        ..
    }) = found.transpose()?
    else {
        return Err(store.no_such_alert(number).into());
    };
    drop(alerts);
    let class = RetentionClass::Inputs;
    let expires_at = match others {
        Some(others) => others.expires_at,
        None => (store.settings().retention).expires(class, stored.alert.raised_at),
    };
    let expires_at = expires_at.min(stored.expires_at);
    if expires_at <= now {
        return Ok(None);
    }
    let record = change.add_record(class, expires_at)?;
    change.seal(record, &SealedInputs::of(&stored.alert, inputs))?;
    Ok(Some(InputsRow { record, expires_at }))
}
