//! Changes of the watchlist while a run goes on: each is one transaction with the generation that it makes, and with the sizes that have to be told: at the run's
//! start, at its largest, at its end.

use crate::entry::ImageFacts;
use crate::error::RecordsError;
use crate::fault::Fault;
use crate::force::{By, MayNot, PersonRole, SignedIn};
use crate::generations::{self, GenerationChange};
use crate::membership::acting_as_any;
use crate::retention::{SweepReport, Timestamp};
use crate::runs::{Run, RunMode};
use crate::store::Store;
use crate::tables::{ENTRIES, EVERYBODY, EntryRow, RUNS, RowBytes, if_there};
use crate::transaction::Change;
use crate::watchlist::{self, Addition, Enrolled, NewImage, Removal, Removed};
use redb::ReadableTable;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Who may take somebody off the watchlist: it has to be quick, and harms nobody who is not sought.
const MAY_REMOVE: [PersonRole; 2] = [PersonRole::AuthorisingOfficer, PersonRole::SystemEngineer];

/// How large a watchlist is.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct ListSize {
    /// Entries.
    pub people: u64,
    /// Their images.
    pub images: u64,
}

/// The sizes of the watchlist of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListSizes {
    /// When the run began.
    pub start: ListSize,
    /// When it had most people, and most images among those times.
    pub largest: ListSize,
    /// Now, and when the run ended once it has.
    pub end: ListSize,
}

impl ListSizes {
    pub(crate) fn at_start(size: ListSize) -> Self {
        Self {
            start: size,
            largest: size,
            end: size,
        }
    }

    pub(crate) fn is_now(&mut self, size: ListSize) {
        self.largest = self.largest.max(size);
        self.end = size;
    }
}

/// What was changed of the watchlist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListChange {
    /// Whether somebody came or went.
    pub kind: ListChangeKind,
    /// The entry.
    pub reference: String,
    /// Its category.
    pub category: String,
    /// Its images that came or went.
    pub images: u64,
    /// The reference of the authority by which it was added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<String>,
}

/// Whether somebody came or went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ListChangeKind {
    /// Came.
    Added,
    /// Went.
    Removed,
}

impl ListChangeKind {
    /// Its name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
        }
    }
}

/// Who was on the watchlist at a time, in counts that outlive it: forces are asked for them. Reasons are not among them: they are words about people, and go
/// with the entry; the category says why.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListComposition {
    /// People by category.
    pub categories: BTreeMap<String, u64>,
    /// Those of them who are not wanted for arrest, by category.
    pub not_wanted: BTreeMap<String, u64>,
    /// People who are wanted for arrest. With those who are not they are everybody, but for what an older version enrolled without saying.
    #[serde(default)]
    pub wanted: u64,
    /// People under 18.
    pub under_18: u64,
    /// Images by source; `not recorded` among them.
    pub sources: BTreeMap<String, u64>,
}

/// Who is on the watchlist within a change, in counts.
pub(crate) fn composition(change: &Change<'_>) -> Result<ListComposition, Fault> {
    let mut found = ListComposition::default();
    for row in change.rows.open_table(ENTRIES)?.iter()? {
        let entry = row?.1.value().read()?;
        found.add_person(&entry);
        for image in &entry.images {
            found.add_image(&image.facts);
        }
    }
    Ok(found)
}

impl ListComposition {
    /// How many people.
    pub fn people(&self) -> u64 {
        self.categories.values().sum()
    }

    /// How many images.
    pub fn images(&self) -> u64 {
        self.sources.values().sum()
    }

    /// One person more, without images.
    pub(crate) fn add_person(&mut self, entry: &EntryRow) {
        let category = entry.category.clone();
        match entry.wanted {
            Some(false) => *self.not_wanted.entry(category.clone()).or_default() += 1,
            Some(true) => self.wanted += 1,
            None => {}
        }
        *self.categories.entry(category).or_default() += 1;
        self.under_18 += u64::from(entry.under_18 == Some(true));
    }

    /// One image more.
    pub(crate) fn add_image(&mut self, facts: &ImageFacts) {
        let source = facts.source.as_ref().map(ToString::to_string);
        let source = source.unwrap_or_else(|| NOT_RECORDED.to_owned());
        *self.sources.entry(source).or_default() += 1;
    }
}

/// Everybody so far, within a change; `None` before the first run.
pub(crate) fn everybody(change: &Change<'_>) -> Result<Option<ListComposition>, Fault> {
    let table = change.rows.open_table(EVERYBODY)?;
    let row = table.get(())?;
    Ok(row.map(|row| row.value().read()).transpose()?)
}

/// Keeps who was on the watchlist so far.
pub(crate) fn keep_everybody(change: &Change<'_>, now: &ListComposition) -> Result<(), Fault> {
    let row = RowBytes::of(now)?;
    change.rows.open_table(EVERYBODY)?.insert((), row)?;
    Ok(())
}

/// Counts from here on, if this is the first run that is no rehearsal, or the first rehearsal before any: what was only rehearsed is no part of another record.
pub(crate) fn begin_everybody(
    change: &Change<'_>,
    mode: RunMode,
    now: &ListComposition,
) -> Result<(), Fault> {
    let mut ran = false;
    for row in change.rows.open_table(RUNS)?.iter()? {
        ran |= row?.1.value().read()?.header.mode != RunMode::Rehearsal;
    }
    let is_first = mode != RunMode::Rehearsal && !ran;
    if is_first || everybody(change)?.is_none() {
        keep_everybody(change, now)?;
    }
    Ok(())
}

impl Store {
    /// Everybody who was on the watchlist at any time from the first run on that was no rehearsal, in counts; in a store that had only rehearsals, from the first of them on. Somebody
    /// who was taken off and put on again is counted twice. `None` before that, and where an older version ran it.
    ///
    /// # Errors
    /// [`RecordsError::Damaged`] and the like.
    pub fn everybody(&self) -> Result<Option<ListComposition>, RecordsError> {
        self.read(|store| {
            let Some(table) = if_there(store.rows.open_table(EVERYBODY))? else {
                return Ok(None);
            };
            let row = table.get(())?;
            Ok(row.map(|row| row.value().read()).transpose()?)
        })
    }
}

/// Stands for the source of an image of which it was not said.
const NOT_RECORDED: &str = "not recorded";

/// How large the watchlist is within a change.
pub(crate) fn size(change: &Change<'_>) -> Result<ListSize, Fault> {
    let mut size = ListSize::default();
    for row in change.rows.open_table(ENTRIES)?.iter()? {
        size.people += 1;
        size.images += row?.1.value().read()?.images.len() as u64;
    }
    Ok(size)
}

impl Removal {
    /// By somebody who may: an authorising officer or a system engineer.
    ///
    /// # Errors
    /// [`MayNot`].
    pub fn by(who: &SignedIn, reason: &str, at: Timestamp) -> Result<Removal, MayNot> {
        Ok(Removal {
            by: acting_as_any(who, &MAY_REMOVE)?,
            reason: reason.to_owned(),
            at,
        })
    }
}

impl Addition {
    /// By somebody who may: an authorising officer.
    ///
    /// # Errors
    /// [`MayNot`].
    pub fn by(who: &SignedIn, reason: &str, authority: &str) -> Result<Addition, MayNot> {
        Ok(Addition {
            by: who.acting_as(PersonRole::AuthorisingOfficer)?,
            reason: reason.to_owned(),
            authority: authority.to_owned(),
        })
    }
}

impl By {
    /// Somebody who enrols: a system engineer.
    ///
    /// # Errors
    /// [`MayNot`].
    pub fn enrolling(who: &SignedIn) -> Result<By, MayNot> {
        who.acting_as(PersonRole::SystemEngineer)
    }
}

impl Run {
    /// The watchlist's sizes so far.
    ///
    /// # Errors
    /// [`RecordsError::Damaged`] and the like.
    pub fn list_sizes(&self) -> Result<ListSizes, RecordsError> {
        let runs = self.store().runs()?;
        let own = runs.into_iter().find(|run| run.id == self.id());
        Ok(own.and_then(|run| run.watchlist).unwrap_or_default())
    }

    /// Removes an entry while the run goes on: with its images, their keys, the alerts about it that are under way, and the generation without it, in one
    /// transaction. `None`, and nothing is written, where nobody of this reference is on the watchlist.
    ///
    /// # Errors
    /// [`RecordsError::Refused`] for a value outside its limits; [`RecordsError::Full`].
    pub fn remove_entry(
        &self,
        reference: &str,
        removal: &Removal,
        generation: &GenerationChange,
    ) -> Result<Option<Removed>, RecordsError> {
        removal.check()?;
        generation.check()?;
        let store = self.store();
        store.change(|change| {
            let Some(removed) = watchlist::remove(store, change, reference, removal)? else {
                return Ok(None);
            };
            self.changed(change, generation)?;
            Ok(Some(removed))
        })
    }

    /// Adds images while the run goes on, with the generation that has them, in one transaction.
    ///
    /// # Errors
    /// As [`Watchlist::enrol`](crate::Watchlist::enrol).
    pub fn add_images(
        &self,
        images: &[NewImage],
        addition: &Addition,
        generation: &GenerationChange,
    ) -> Result<Vec<Enrolled>, RecordsError> {
        watchlist::check_all(
            images,
            Some(addition),
            generation.at,
            self.store().approval_under(),
        )?;
        generation.check()?;
        let store = self.store();
        store.change(|change| {
            let now = generation.at;
            let enrolled = watchlist::enrol(store, change, images, Some(addition), now)?;
            self.changed(change, generation)?;
            Ok(enrolled)
        })
    }

    /// Sweeps while the run goes on, as [`Store::sweep`] does; where images of the watchlist go, then with the generation that is without them, in the same transaction.
    ///
    /// # Errors
    /// As [`Store::sweep`].
    pub fn sweep(
        &self,
        now: Timestamp,
        generation: &dyn Fn(&SweepReport) -> GenerationChange,
    ) -> Result<SweepReport, RecordsError> {
        self.store().sweep_with(now, |change, report| {
            let generation = generation(report);
            generation.check()?;
            self.changed(change, &generation)
        })
    }

    fn changed(&self, change: &Change<'_>, generation: &GenerationChange) -> Result<(), Fault> {
        let now = size(change)?;
        self.update(change, |run| {
            run.watchlist
                .get_or_insert_with(|| ListSizes::at_start(now))
                .is_now(now);
        })?;
        generations::insert(change, self.id(), generation)
    }
}
