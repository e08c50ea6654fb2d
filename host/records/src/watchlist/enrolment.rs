//! How images come to be on the watchlist, within one change: with their entry's grounds, sealed, logged, and counted among the members.

use super::{Addition, Enrolled, NewImage, entry_of, remove_image};
use crate::audit::{self, Actor, AuditEvent};
use crate::entry::{AddedBy, Grounds, is_text};
use crate::error::RecordsError;
use crate::fault::Fault;
use crate::live;
use crate::payload::{self, TemplateValues};
use crate::retention::{RetentionClass, Timestamp};
use crate::store::Store;
use crate::tables::{ENTRIES, EntryRow, ImageRow, REMOVALS, RowBytes};
use crate::transaction::Change;

/// Most images of one entry: enrolling one more compares it with all of them.
const MOST_IMAGES: usize = 256;

/// What is asked of images before anything is written.
pub(crate) fn check_all(
    images: &[NewImage],
    addition: Option<&Addition>,
    now: Timestamp,
    approval_under: u8,
) -> Result<(), RecordsError> {
    for image in images {
        image.check(now, approval_under)?;
    }
    let Some(Addition {
        reason, authority, ..
    }) = addition
    else {
        return Ok(());
    };
    for (what, text) in [
        ("why somebody is added", reason),
        ("the authority", authority),
    ] {
        if !is_text(text) {
            return Err(RecordsError::Refused {
                what: what.into(),
                problem: "it is empty, too long or not printable".into(),
            });
        }
    }
    Ok(())
}

/// Enrols images within a change.
pub(crate) fn enrol(
    store: &Store,
    change: &mut Change<'_>,
    images: &[NewImage],
    addition: Option<&Addition>,
    now: Timestamp,
) -> Result<Vec<Enrolled>, Fault> {
    let retention = store.settings().retention;
    let expires_at = retention.expires(RetentionClass::Watchlist, now);
    let members = store.members_to_join(change, now)?;
    let mut answers = Vec::with_capacity(images.len());
    let mut everybody = live::everybody(change)?;
    for image in images {
        let is_new = everybody.is_some() && entry_of(change, &image.reference)?.is_none();
        if let Some(Addition {
            by,
            reason,
            authority,
        }) = addition
            && entry_of(change, &image.reference)?.is_none()
        {
            let event = AuditEvent::EntryAdded {
                reference: image.reference.clone(),
                category: image.category.clone(),
                reason: reason.clone(),
                authority: authority.clone(),
            };
            change.log(now, Actor::from(by), event)?;
        }
        let answer = enrol_one(change, image, addition, now, expires_at)?;
        if let Some(everybody) = &mut everybody {
            if is_new && let Some(entry) = entry_of(change, &image.reference)? {
                everybody.add_person(&entry);
            }
            if answer == Enrolled::Added {
                everybody.add_image(&image.facts);
            }
        }
        answers.push(answer);
        members.joined(change, &image.reference, now, expires_at)?;
        change
            .rows
            .open_table(REMOVALS)?
            .remove(image.reference.as_str())?;
    }
    if let Some(everybody) = &everybody {
        live::keep_everybody(change, everybody)?;
    }
    change.log_destroyed_keys(now)?;
    Ok(answers)
}

/// Enrols one image within a change.
fn enrol_one(
    change: &mut Change<'_>,
    image: &NewImage,
    addition: Option<&Addition>,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<Enrolled, Fault> {
    let mut entry = entry_of(change, &image.reference)?.unwrap_or_else(|| EntryRow {
        category: image.category.clone(),
        wanted: None,
        under_18: None,
        grounds: None,
        added: None,
        images: Vec::new(),
        next_image: 0,
    });
    if entry.category != image.category {
        return Err(Fault::Records(RecordsError::CategoryDiffers {
            reference: image.reference.clone(),
            held: entry.category,
            given: image.category.clone(),
        }));
    }
    renew_grounds(change, &mut entry, image, now, expires_at)?;
    entry.added.get_or_insert_with(|| AddedBy {
        by: Actor::from(&image.by),
        reason: addition.map(|addition| addition.reason.clone()),
        authority: addition.map(|addition| addition.authority.clone()),
    });
    let mut same = None;
    for (index, row) in entry.images.iter().enumerate() {
        let held: TemplateValues = change.open(row.template())?;
        if held.source_sha256 == image.picture.source_sha256 {
            same = Some(index);
            break;
        }
    }
    let record = change.add_record(RetentionClass::Watchlist, expires_at)?;
    change.seal(record, &image.picture)?;
    change.seal(record, &image.template_values())?;
    let mut row = ImageRow {
        number: entry.next_image,
        record,
        template_record: None,
        encoder: image.encoder.clone(),
        enrolled_at: now,
        expires_at,
        facts: image.facts.clone(),
    };
    let mut number = row.number;
    let answer = match same {
        Some(index) => {
            let old = &mut entry.images[index];
            (row.number, number) = (old.number, old.number);
            remove_image(change, old)?;
            *old = row;
            Enrolled::Replaced
        }
        None => {
            if entry.images.len() >= MOST_IMAGES {
                return Err(Fault::Records(RecordsError::Refused {
                    what: image.reference.clone(),
                    problem: format!("an entry has at most {MOST_IMAGES} images"),
                }));
            }
            entry.next_image = entry.next_image.saturating_add(1);
            entry.images.push(row);
            Enrolled::Added
        }
    };
    let row = RowBytes::of(&entry)?;
    let reference = image.reference.as_str();
    change.rows.open_table(ENTRIES)?.insert(reference, row)?;
    let event = AuditEvent::ImageEnrolled {
        reference: image.reference.clone(),
        category: image.category.clone(),
        image: number,
        replaced: answer == Enrolled::Replaced,
        encoder: audit::watchlist_encoder(&image.encoder),
    };
    change.log(now, Actor::from(&image.by), event)?;
    Ok(answer)
}

/// Seals an entry's grounds anew, to be gone with its newest image, or refuses others than it has.
fn renew_grounds(
    change: &mut Change<'_>,
    entry: &mut EntryRow,
    image: &NewImage,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<(), Fault> {
    if let Some(record) = entry.grounds {
        let held: Grounds = change.open(record)?;
        if held != image.grounds {
            let reference = image.reference.clone();
            return Err(Fault::Records(RecordsError::GroundsDiffer { reference }));
        }
        change.remove(RetentionClass::Watchlist, record)?;
    }
    let record = change.add_record(RetentionClass::Watchlist, expires_at)?;
    change.seal(record, &image.grounds)?;
    entry.grounds = Some(record);
    entry.wanted = Some(image.grounds.wanted);
    entry.under_18 = Some(image.grounds.is_minor(now));
    Ok(())
}

impl NewImage {
    fn check(&self, now: Timestamp, approval_under: u8) -> Result<(), RecordsError> {
        payload::name("a watchlist entry", &self.reference)?;
        let whose = &self.reference;
        self.grounds.checked(whose, now, approval_under)?;
        payload::name(whose, &self.category)?;
        payload::name(whose, &self.encoder.plugin_id)?;
        payload::digest(whose, &self.encoder.plugin_sha256)?;
        payload::digest(whose, &self.encoder.model_sha256)?;
        payload::name(whose, &self.encoder.backend)?;
        self.picture.check(whose)?;
        self.template_values().check(whose, self.encoder.dimension)
    }

    fn template_values(&self) -> TemplateValues {
        TemplateValues {
            values: self.template.clone(),
            quality: self.picture.unified_quality(),
            source_sha256: self.picture.source_sha256.clone(),
        }
    }
}
