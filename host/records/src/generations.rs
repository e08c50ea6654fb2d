//! Generations: which plugins served in a run from when on, and who decided it or what made them change. A new encoder's templates come with its generation, in
//! the same transaction: at any moment the store holds the templates of one encoder.

use crate::error::RecordsError;
use crate::fault::Fault;
use crate::force::By;
use crate::payload::{self, Picture, TemplateValues};
use crate::retention::{RetentionClass, Timestamp};
use crate::runs::{ModelUsed, PluginUsed, Run, RunId};
use crate::store::Store;
use crate::tables::{ENTRIES, GENERATIONS, ImageRow, RowBytes};
use crate::transaction::Change;
use crate::watchlist::{Encoder, StoredTemplate};
use redb::{ReadableTable, TableError};
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

/// Every template of the watchlist, made anew.
#[derive(Clone)]
pub struct ReEncoded {
    /// By this encoder.
    pub encoder: Encoder,
    /// One for each image. Category and quality are not looked at: they stay as they are.
    pub templates: Vec<StoredTemplate>,
}

impl GenerationChange {
    fn check(&self) -> Result<(), RecordsError> {
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
            ChangeCause::Start => {}
            ChangeCause::Swap { by, reason } => {
                payload::name("who swaps plugins", by.name())?;
                payload::name("why plugins are swapped", reason)?;
            }
            ChangeCause::Fallback { role } => payload::name(WHOSE, role)?,
        }
        self.lock_sha256
            .iter()
            .try_for_each(|digest| payload::digest(WHOSE, digest))
    }
}

impl Run {
    /// Records that another generation serves from now on, together with the new templates where its encoder is another. When this returns it is on disk.
    ///
    /// # Errors
    /// [`RecordsError::Refused`] for a value outside its limits, and where the templates are not those of the watchlist's images, one for each;
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
                re_encode(change, re_encoded)?;
            }
            let mut rows = change.rows.open_table(GENERATIONS)?;
            let kept = GenerationChange { run, ..new.clone() };
            rows.insert((run.0, new.number), RowBytes::of(&kept)?)?;
            Ok(())
        })
    }
}

/// Replaces every template. Each image gets a new record, and so a new key: the old template is gone for good with the old one's.
fn re_encode(change: &mut Change<'_>, new: &ReEncoded) -> Result<(), Fault> {
    let refused = |problem: String| -> Fault {
        RecordsError::Refused {
            what: "the watchlist, encoded anew".into(),
            problem,
        }
        .into()
    };
    let mut templates: BTreeMap<(String, u32), &StoredTemplate> = BTreeMap::new();
    for template in &new.templates {
        templates.insert((template.reference.clone(), template.image), template);
    }
    let mut entries = BTreeMap::new();
    for row in change.rows.open_table(ENTRIES)?.iter()? {
        let (reference, entry) = row?;
        entries.insert(reference.value().to_owned(), entry.value().read()?);
    }
    for (reference, mut entry) in entries {
        for image in &mut entry.images {
            let Some(template) = templates.remove(&(reference.clone(), image.number)) else {
                return Err(refused(format!(
                    "image {} of {reference} has no new template",
                    image.number
                )));
            };
            let picture: Picture = change.open(image.record)?;
            let held: TemplateValues = change.open(image.record)?;
            let values = TemplateValues {
                values: template.values.clone(),
                ..held
            };
            values.check(&reference, new.encoder.dimension)?;
            let record = change.add_record(RetentionClass::Watchlist, image.expires_at)?;
            change.seal(record, &picture)?;
            change.seal(record, &values)?;
            change.remove(RetentionClass::Watchlist, image.record)?;
            *image = ImageRow {
                number: image.number,
                record,
                encoder: new.encoder.clone(),
                enrolled_at: image.enrolled_at,
                expires_at: image.expires_at,
            };
        }
        let row = RowBytes::of(&entry)?;
        change
            .rows
            .open_table(ENTRIES)?
            .insert(reference.as_str(), row)?;
    }
    match templates.keys().next() {
        None => Ok(()),
        Some((reference, image)) => {
            Err(refused(format!("there is no image {image} of {reference}")))
        }
    }
}

impl Store {
    /// Every generation that came while a run went on, by run and number.
    ///
    /// # Errors
    /// [`RecordsError::Damaged`] and the like.
    pub fn generations(&self) -> Result<Vec<GenerationChange>, RecordsError> {
        self.read(|store| {
            let rows = match store.rows.open_table(GENERATIONS) {
                Ok(rows) => rows,
                // A store from before there were any.
                Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
                Err(error) => return Err(error.into()),
            };
            let mut found = Vec::new();
            for row in rows.iter()? {
                found.push(row?.1.value().read()?);
            }
            Ok(found)
        })
    }
}
