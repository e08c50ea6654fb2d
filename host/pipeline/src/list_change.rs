//! Changes of the watchlist while a run goes on. Whoever is removed is gone with the answer: no later frame can match them, a track in view has lost them, what was
//! pending about them is withdrawn, and their images are destroyed. So it is with images whose retention is over. Whoever is added is encoded aside first. Each makes the next
//! generation: another gallery behind the same plugins.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use overt_deployment::{Deployment, Timestamp};
use overt_gallery::{EntryKey, Template};
use overt_records::{
    self as records, Addition, ListChange, ListChangeKind, MayNot, Removal, RetentionClass,
    SignedIn,
};

use crate::enrol::{Enrolment, ImageToEnrol, Known};
use crate::error::PipelineError;
use crate::generations::{GenerationCause, GenerationFacts, Generations};
use crate::machine::Machine;
use crate::run::milliseconds;
use crate::watchlist::images;

/// Somebody is to be taken off the watchlist.
pub struct Remove {
    /// Their reference.
    pub reference: String,
    /// Who wants it, as they stood when they asked.
    pub by: SignedIn,
    /// Why.
    pub reason: String,
}

/// Somebody is to be put on the watchlist.
pub struct Add {
    /// The photographs, with what is said of them; of one entry.
    pub images: Vec<ImageToEnrol>,
    /// Who wants it, as they stood when they asked: an authorising officer.
    pub by: SignedIn,
    /// Why.
    pub reason: String,
    /// The reference of the authority for it.
    pub authority: String,
}

/// Why the watchlist is as it was.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// Whoever asks may not.
    #[error(transparent)]
    MayNot(#[from] MayNot),
    /// A swap or another addition goes on.
    #[error("a swap or another addition goes on")]
    Busy,
    /// Another encoder came while the photographs were looked at.
    #[error("another encoder came while the photographs were looked at")]
    OtherEncoder,
    /// The run is about to end.
    #[error("the run is about to end")]
    Ending,
    /// No run goes on: whoever holds the records delivers messages.
    #[error("messages are being delivered, and nobody is put on the watchlist meanwhile")]
    Delivering,
    /// The rest.
    #[error("{0}")]
    Pipeline(#[from] PipelineError),
}

impl ListError {
    /// What the reader can do about it.
    pub fn mend(&self) -> String {
        match self {
            ListError::MayNot(cause) => cause.mend(),
            ListError::Busy => "wait until it is through".into(),
            ListError::OtherEncoder => "try again".into(),
            ListError::Ending => "try again once it has ended".into(),
            ListError::Delivering => "wait until `overt alerts deliver` has ended".into(),
            ListError::Pipeline(error) => error.mend(),
        }
    }
}

impl From<records::RecordsError> for ListError {
    fn from(error: records::RecordsError) -> Self {
        ListError::Pipeline(error.into())
    }
}

/// Somebody is off the watchlist.
#[derive(Clone, Debug)]
pub struct Gone {
    /// The generation without them; absent where no run goes on.
    pub generation: Option<GenerationFacts>,
    /// Their images, which are destroyed.
    pub images: u64,
    /// The alerts that were withdrawn.
    pub withdrawn: Vec<u32>,
}

/// What became of an addition.
pub struct Come {
    /// The generation with them; absent where no photograph was taken.
    pub generation: Option<GenerationFacts>,
    /// Photograph by photograph.
    pub enrolments: Vec<Enrolment>,
}

/// Takes somebody off in the records, where no run goes on. `None` where they are not on it.
pub(crate) fn remove_stored(
    store: &records::Store,
    wanted: &Remove,
) -> Result<Option<Gone>, ListError> {
    let removal = Removal::by(&wanted.by, &wanted.reason, now())?;
    let removed = store.watchlist().remove(&wanted.reference, &removal)?;
    Ok(removed.map(|removed| Gone {
        generation: None,
        images: removed.images as u64,
        withdrawn: removed.withdrawn,
    }))
}

/// What a change needs of the run.
pub(crate) struct Listing<'a> {
    pub(crate) machine: &'a Machine,
    pub(crate) deployment: &'a Deployment,
    pub(crate) store: &'a records::Store,
    pub(crate) run: &'a records::Run,
    pub(crate) generations: &'a Generations,
}

fn now() -> records::Timestamp {
    milliseconds(Timestamp::now())
}

impl Listing<'_> {
    /// Takes somebody off. `None` where they are not on it.
    pub(crate) fn remove(&self, wanted: &Remove) -> Result<Option<Gone>, ListError> {
        let removal = Removal::by(&wanted.by, &wanted.reason, now())?;
        let turn = self.generations.turn();
        let before = turn.current();
        let Some(index) = before.watchlist.find(&wanted.reference) else {
            // Not in the gallery. It may be in the records all the same, from an image that has expired since.
            return Ok(None);
        };
        let entry = &before.watchlist.entries[index as usize];
        let change = ListChange {
            kind: ListChangeKind::Removed,
            reference: wanted.reference.clone(),
            category: entry.category.clone(),
            images: entry.images.len() as u64,
            authority: None,
        };
        let next = before.next_with(Arc::new(before.watchlist.without(&wanted.reference)));
        let cause = GenerationCause::Watchlist {
            by: removal.by.clone(),
            reason: removal.reason.clone(),
            change,
        };
        // Challengers keep their counts, and lose the entry with the same stroke.
        for shadow in next.shadows.values() {
            shadow.forget(&wanted.reference);
        }
        let mut removed = None;
        let generation = turn.publish(next, cause, Timestamp::now(), self.run.id(), |change| {
            removed = self.run.remove_entry(&wanted.reference, &removal, change)?;
            if removed.is_none() {
                // A sweep has taken the entry from the records before this: the gallery loses it all the same.
                self.run.change_generation(change, None)?;
            }
            Ok(())
        })?;
        let (images, withdrawn) = match removed {
            Some(removed) => (removed.images as u64, removed.withdrawn),
            None => (0, self.store.withdraw(&wanted.reference, now())?),
        };
        Ok(Some(Gone {
            generation: Some(generation),
            images,
            withdrawn,
        }))
    }

    /// Destroys what has reached the end of its retention. Images of the watchlist are out of the gallery then: nobody is compared with them any more. The generation is there where
    /// any were.
    pub(crate) fn sweep(
        &self,
    ) -> Result<(records::SweepReport, Option<GenerationFacts>), PipelineError> {
        let turn = self.generations.turn();
        let since = Timestamp::now();
        let now = milliseconds(since);
        let before = turn.current();
        let mut next = before.next_with(before.watchlist.clone());
        let facts = |images: usize, people: usize, withdrawn: &[u32]| {
            let cause = GenerationCause::Retention {
                images: images as u64,
                people: people as u64,
                withdrawn: withdrawn.to_vec(),
            };
            GenerationFacts::of(&next, Some(&before), cause, since)
        };
        let of_report = |report: &records::SweepReport| {
            facts(
                report.watchlist_images,
                report.watchlist_entries,
                &report.withdrawn,
            )
        };
        let report = self
            .run
            .sweep(now, &|report| of_report(report).record(self.run.id()))?;
        let mut gone = before.watchlist.past(now);
        let facts = match (report.images.is_empty(), gone.is_empty()) {
            (true, true) => return Ok((report, None)),
            (false, _) => of_report(&report),
            // A sweep that failed once it was on record has taken them from the records: the gallery loses them all the same.
            (true, false) => {
                let left = before.watchlist.without_images(&gone);
                let facts = facts(
                    gone.values().map(BTreeSet::len).sum(),
                    before.watchlist.entries.len() - left.entries.len(),
                    &[],
                );
                self.run
                    .change_generation(&facts.record(self.run.id()), None)?;
                facts
            }
        };
        for (reference, numbers) in images(report.images.iter().cloned()) {
            gone.entry(reference).or_default().extend(numbers);
        }
        // Challengers keep their counts, and lose the images with the same stroke.
        for shadow in next.shadows.values() {
            shadow.lose(&gone);
        }
        next.watchlist = Arc::new(before.watchlist.without_images(&gone));
        drop(before);
        Ok((report, Some(turn.put(next, facts))))
    }

    /// Puts somebody on.
    pub(crate) fn add(&self, wanted: Add, over: &AtomicBool) -> Result<Come, ListError> {
        let Add {
            images,
            by,
            reason,
            authority,
        } = wanted;
        let addition = Addition::by(&by, &reason, &authority)?;
        let looked_with = self.generations.current();
        let perception = &looked_with.perception;
        let mut known = Known::of(self.deployment, self.store, perception, &images)?;
        let (mut seen, mut new) = (Vec::new(), Vec::new());
        // One by one: the same photograph twice is one image.
        for image in images {
            let by = &addition.by;
            let mut one = known.see(self.machine, perception, 1, vec![image], by, over, &|_| {})?;
            new.append(&mut one.new);
            seen.push(one);
        }
        let answered = |mut stored: std::vec::IntoIter<records::Enrolled>| {
            let seen = seen.into_iter();
            seen.flat_map(|one| {
                let own = if one.is_new() { stored.next() } else { None };
                one.answered(own.into_iter().collect())
            })
            .collect()
        };
        let Some(first) = new.first() else {
            return Ok(Come {
                generation: None,
                enrolments: answered(Vec::new().into_iter()),
            });
        };
        let (reference, category) = (first.reference.clone(), first.category.clone());
        let turn = self.generations.turn();
        let before = turn.current();
        let encoder = &before.perception.encoder_id;
        if *encoder != perception.encoder_id {
            return Err(ListError::OtherEncoder);
        }
        let templates = new.iter().map(|image| {
            let template = Template::new(encoder, &image.template);
            let refused = |cause| PipelineError::Template {
                reference: reference.clone(),
                cause,
            };
            let key = EntryKey::from(reference.as_str());
            Ok((key, template.map_err(refused)?))
        });
        let templates = templates.collect::<Result<Vec<_>, PipelineError>>()?;
        let listed = self.store.watchlist().list()?;
        let entry = listed
            .into_iter()
            .find(|entry| entry.reference == reference);
        let first_image = entry.map_or(0, |entry| entry.next_image);
        let since = Timestamp::now();
        let retention = self.store.settings().retention;
        let expires_at = retention.expires(RetentionClass::Watchlist, milliseconds(since));
        let watchlist = before.watchlist.with(
            &reference,
            &category,
            first_image,
            &new,
            expires_at,
            templates,
        )?;
        let next = before.next_with(Arc::new(watchlist));
        let change = ListChange {
            kind: ListChangeKind::Added,
            reference,
            category,
            images: new.len() as u64,
            authority: Some(authority),
        };
        let cause = GenerationCause::Watchlist {
            by: addition.by.clone(),
            reason,
            change,
        };
        let mut stored = Vec::new();
        let generation = turn.publish(next, cause, since, self.run.id(), |change| {
            stored = self.run.add_images(&new, &addition, change)?;
            Ok(())
        })?;
        Ok(Come {
            generation: Some(generation),
            enrolments: answered(stored.into_iter()),
        })
    }
}
