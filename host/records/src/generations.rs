//! Generations: which plugins served in a run from when on, and who decided it or what made them change. A new encoder's templates come with its generation, in
//! the same transaction: at any moment the store holds the templates of one encoder.

use crate::audit::{self, Actor, AuditEvent};
use crate::error::RecordsError;
use crate::fault::Fault;
use crate::force::By;
use crate::live::ListChange;
use crate::payload::{self, TemplateValues};
use crate::retention::{RetentionClass, Timestamp};
use crate::runs::{ModelUsed, PluginUsed, Run, RunId};
use crate::sealed::Kind;
use crate::store::Store;
use crate::tables::{ENTRIES, GENERATIONS, RowBytes, if_there};
use crate::transaction::Change;
use crate::watchlist::{Encoder, StoredTemplate};
use redb::ReadableTable;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Why a generation came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum ChangeCause {
    /// The run began with it.
    Start,
    /// Somebody swapped plugins.
    Swap {
        /// Who.
        by: By,
        /// Why.
        reason: String,
    },
    /// A plugin was put in quarantine, and its fallback came in for it.
    Fallback {
        /// The role, for example `detector`.
        role: String,
    },
    /// Somebody changed the watchlist.
    Watchlist {
        /// Who.
        by: By,
        /// Why.
        reason: String,
        /// What.
        change: ListChange,
    },
    /// The retention of images of the watchlist was over.
    Retention {
        /// The images.
        images: u64,
        /// Entries that had no image left.
        entries: u64,
        /// The alerts that were withdrawn.
        withdrawn: Vec<u32>,
    },
}

/// A generation of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GenerationChange {
    /// The run.
    pub run: RunId,
    /// Its number in the run. Number 0 stands in the run's header and not here.
    pub number: u64,
    /// Since when.
    pub at: Timestamp,
    /// Why.
    pub cause: ChangeCause,
    /// The plugins that serve.
    pub plugins: Vec<PluginUsed>,
    /// The models that they run.
    pub models: Vec<ModelUsed>,
    /// SHA-256 of the lock that it holds to; absent: none.
    pub lock_sha256: Option<String>,
    /// The least score at which anybody may be alerted.
    pub score_floor: f32,
}

/// Every template of the watchlist, made anew and sealed already, and not yet in use. What is given up is removed by [`Store::give_up`]; what a crash leaves goes
/// with its retention.
#[derive(Debug)]
pub struct ReEncoded {
    encoder: Encoder,
    /// Records by reference and image.
    records: BTreeMap<(String, u32), u64>,
}

impl ReEncoded {
    /// How many templates there are.
    pub fn templates(&self) -> usize {
        self.records.len()
    }
}

impl GenerationChange {
    pub(crate) fn check(&self) -> Result<(), RecordsError> {
        const WHOSE: &str = "a generation";
        for plugin in &self.plugins {
            for text in [&plugin.role, &plugin.id, &plugin.version] {
                payload::name(WHOSE, text)?;
            }
            payload::digest(WHOSE, &plugin.sha256)?;
        }
        for model in &self.models {
            payload::name(WHOSE, &model.name)?;
            payload::digest(WHOSE, &model.sha256)?;
        }
        match &self.cause {
            ChangeCause::Start | ChangeCause::Retention { .. } => {}
            ChangeCause::Swap { by, reason } => {
                payload::name("who swaps plugins", by.name())?;
                payload::name("why plugins are swapped", reason)?;
            }
            ChangeCause::Fallback { role } => payload::name(WHOSE, role)?,
            ChangeCause::Watchlist { by, change, .. } => {
                payload::name("who changes the watchlist", by.name())?;
                payload::name("a watchlist entry", &change.reference)?;
            }
        }
        self.lock_sha256
            .iter()
            .try_for_each(|digest| payload::digest(WHOSE, digest))
    }
}

/// Templates that are sealed in one transaction.
const GROUP: usize = 256;

/// Seals one template under a record of its own, which ends when its image's retention does.
fn seal_one(
    change: &mut Change<'_>,
    encoder: &Encoder,
    template: &StoredTemplate,
) -> Result<u64, Fault> {
    let reference = template.reference.as_str();
    let entries = change.rows.open_table(ENTRIES)?;
    let row = entries.get(reference)?;
    let entry = row.map(|row| row.value().read()).transpose()?;
    drop(entries);
    let mut images = entry.into_iter().flat_map(|entry| entry.images);
    let Some(image) = images.find(|image| image.number == template.image) else {
        return Err(refused(format!(
            "there is no image {} of {reference}",
            template.image
        )));
    };
    let held: TemplateValues = change.open(image.template())?;
    let values = TemplateValues {
        values: template.values.clone(),
        ..held
    };
    values.check(reference, encoder.dimension)?;
    let record = change.add_record(RetentionClass::Watchlist, image.expires_at)?;
    change.seal(record, &values)?;
    Ok(record)
}

impl Run {
    /// Records that another generation serves from now on, together with the new templates where its encoder is another. When this returns it is on disk.
    ///
    /// # Errors
    /// [`RecordsError::Refused`] for a value outside its limits, and where there is not one new template for each of the watchlist's images;
    /// [`RecordsError::Full`].
    pub fn change_generation(
        &self,
        new: &GenerationChange,
        re_encoded: Option<&ReEncoded>,
    ) -> Result<(), RecordsError> {
        new.check()?;
        let run = self.id();
        self.store().change(|change| {
            if let Some(re_encoded) = re_encoded {
                let images = re_encode(change, re_encoded)?;
                let encoder = audit::watchlist_encoder(&re_encoded.encoder);
                let event = AuditEvent::WatchlistReEncoded { images, encoder };
                change.log(new.at, Actor::Host, event)?;
                change.log_destroyed_keys(new.at)?;
            }
            insert(change, run, new)
        })
    }
}

/// Puts a generation on record within a change.
pub(crate) fn insert(change: &Change<'_>, run: RunId, new: &GenerationChange) -> Result<(), Fault> {
    let mut rows = change.rows.open_table(GENERATIONS)?;
    let kept = GenerationChange { run, ..new.clone() };
    rows.insert((run.0, new.number), RowBytes::of(&kept)?)?;
    let by = match &new.cause {
        ChangeCause::Swap { by, .. } | ChangeCause::Watchlist { by, .. } => Actor::from(by),
        ChangeCause::Start | ChangeCause::Fallback { .. } | ChangeCause::Retention { .. } => {
            Actor::Host
        }
    };
    let event = AuditEvent::GenerationChanged {
        run: run.0,
        generation: new.number,
        cause: new.cause.clone(),
        plugins: new.plugins.clone(),
        models: new.models.clone(),
        lock_sha256: new.lock_sha256.clone(),
    };
    change.log(new.at, by, event)
}

/// Puts the new templates in the place of the old ones, and says how many. The old ones are gone with their records; one that was enrolled with its picture
/// goes from its table, and its key with the picture's.
fn re_encode(change: &mut Change<'_>, new: &ReEncoded) -> Result<u64, Fault> {
    let mut records = new.records.clone();
    let mut entries = BTreeMap::new();
    for row in change.rows.open_table(ENTRIES)?.iter()? {
        let (reference, entry) = row?;
        entries.insert(reference.value().to_owned(), entry.value().read()?);
    }
    for (reference, mut entry) in entries {
        for image in &mut entry.images {
            let Some(record) = records.remove(&(reference.clone(), image.number)) else {
                return Err(refused(format!(
                    "image {} of {reference} has no new template",
                    image.number
                )));
            };
            match image.template_record.replace(record) {
                Some(old) => change.remove(RetentionClass::Watchlist, old)?,
                None => {
                    let mut templates = change.rows.open_table(Kind::Template.table())?;
                    templates.remove(image.record)?;
                }
            }
            image.encoder = new.encoder.clone();
        }
        let row = RowBytes::of(&entry)?;
        change
            .rows
            .open_table(ENTRIES)?
            .insert(reference.as_str(), row)?;
    }
    match records.keys().next() {
        None => Ok(new.records.len() as u64),
        Some((reference, image)) => {
            Err(refused(format!("there is no image {image} of {reference}")))
        }
    }
}

fn refused(problem: String) -> Fault {
    RecordsError::Refused {
        what: "the watchlist, encoded anew".into(),
        problem,
    }
    .into()
}

impl Store {
    /// Seals another encoder's templates beside those in use, a few hundred in a transaction, so that nobody who commits an alert meanwhile waits for all of
    /// them. They are in use from [`Run::change_generation`] on.
    ///
    /// # Errors
    /// [`RecordsError::Refused`] for a value outside its limits or an image that is not there; [`RecordsError::Full`]. Nothing is left of them then.
    pub fn re_encode(
        &self,
        encoder: &Encoder,
        templates: &[StoredTemplate],
        now: Timestamp,
    ) -> Result<ReEncoded, RecordsError> {
        let mut sealed = ReEncoded {
            encoder: encoder.clone(),
            records: BTreeMap::new(),
        };
        for group in templates.chunks(GROUP) {
            let added = self.change(|change| {
                let mut added = Vec::with_capacity(group.len());
                for template in group {
                    let record = seal_one(change, encoder, template)?;
                    added.push(((template.reference.clone(), template.image), record));
                }
                Ok(added)
            });
            match added {
                Ok(added) => sealed.records.extend(added),
                Err(error) => {
                    self.give_up(&sealed, now)?;
                    return Err(error);
                }
            }
        }
        Ok(sealed)
    }

    /// Removes templates that are not going to be used.
    ///
    /// # Errors
    /// [`RecordsError::Full`] and the like.
    pub fn give_up(&self, templates: &ReEncoded, now: Timestamp) -> Result<(), RecordsError> {
        if templates.records.is_empty() {
            return Ok(());
        }
        self.change(|change| {
            for record in templates.records.values() {
                change.remove(RetentionClass::Watchlist, *record)?;
            }
            change.log_destroyed_keys(now)
        })
    }
    /// Every generation that came while a run went on, by run and number.
    ///
    /// # Errors
    /// [`RecordsError::Damaged`] and the like.
    pub fn generations(&self) -> Result<Vec<GenerationChange>, RecordsError> {
        self.read(|store| {
            let Some(rows) = if_there(store.rows.open_table(GENERATIONS))? else {
                return Ok(Vec::new());
            };
            let mut found = Vec::new();
            for row in rows.iter()? {
                found.push(row?.1.value().read()?);
            }
            Ok(found)
        })
    }
}
