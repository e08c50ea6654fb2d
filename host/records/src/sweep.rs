//! The retention sweep: what has reached the end of its retention goes, and cannot be brought back. Where the last image of a watchlist entry goes, the alerts about it that are
//! under way are withdrawn in the same transaction, as where somebody removes it.

use crate::audit::{Actor, AuditEntry, AuditEvent, split_event};
use crate::error::RecordsError;
use crate::fault::Fault;
use crate::holds::held_records;
use crate::judgements::withdraw;
use crate::life::{RetentionOf, StepKind};
use crate::retention::{GoneByRetention, Retained, RetentionClass, SweepReport, Timestamp};
use crate::store::Store;
use crate::tables::{ACTIONS, ALERTS, AUDIT, ENTRIES, HELD, HOLDS, RowBytes, if_there};
use crate::transaction::Change;
use redb::ReadableTable;
use std::collections::{BTreeMap, BTreeSet};

impl Store {
    /// Destroys what has reached the end of its retention, that is whatever expires at `now` or before: its rows and
    /// payloads go in one transaction, and then the key file is rewritten under a fresh key-encryption key without its
    /// keys and the old file is overwritten. What is held stays. Files that left the store go as well. Where nothing has expired, nothing is written.
    ///
    /// # Errors
    /// [`RecordsError::Full`] and the like: either nothing has changed, or the keys are still to be destroyed, which the
    /// next sweep or opening does.
    pub fn sweep(&self, now: Timestamp) -> Result<SweepReport, RecordsError> {
        self.sweep_with(now, |_, _| Ok(()))
    }

    /// The same, with what else belongs into the transaction in which images of the watchlist go; it is not asked where none does.
    pub(crate) fn sweep_with(
        &self,
        now: Timestamp,
        with: impl FnOnce(&Change<'_>, &SweepReport) -> Result<(), Fault>,
    ) -> Result<SweepReport, RecordsError> {
        self.destroy_leftover_keys()?;
        self.sweep_membership(now)?;
        // Looking first costs no write transaction where nothing has expired, which is most of the time.
        let due = self.read(|store| {
            let mut expired = expired(&store.rows.open_table(HELD)?, now)?;
            let alerts = store.rows.open_table(ALERTS)?;
            if let Some(holds) = if_there(store.rows.open_table(HOLDS))? {
                let actions = if_there(store.rows.open_table(ACTIONS))?;
                let held = held_records(&holds, &alerts, actions.as_ref(), now)?;
                leave_held(&mut expired, &held);
            }
            Ok(expired)
        })?;
        let mut report = match due.is_empty() {
            true => SweepReport::default(),
            false => self.destroy_expired(now, with)?,
        };
        self.destroy_exports(&mut report, now)?;
        Ok(report)
    }

    /// What has gone from the watchlist because its retention was over, as the audit log tells it, and how many alerts were withdrawn for that.
    ///
    /// # Errors
    /// [`RecordsError::Damaged`] and the like.
    pub fn gone_by_retention(&self) -> Result<GoneByRetention, RecordsError> {
        self.read(|store| {
            let mut gone = GoneByRetention::default();
            for row in store.rows.open_table(AUDIT)?.iter()? {
                let (_, line) = row?;
                let Some((_, body)) = split_event(line.value()) else {
                    continue;
                };
                let entry: AuditEntry = serde_json::from_slice(body)?;
                match entry.event {
                    AuditEvent::Swept {
                        watchlist_images,
                        watchlist_entries,
                        ..
                    } => {
                        gone.images += watchlist_images;
                        gone.entries += watchlist_entries;
                    }
                    AuditEvent::AlertStep {
                        step: StepKind::WithdrawnByRetention { .. },
                        ..
                    } => gone.withdrawn += 1,
                    _ => {}
                }
            }
            Ok(gone)
        })
    }

    /// How much of each class is kept, and until when; a class of which nothing is kept is not in it.
    ///
    /// # Errors
    /// [`RecordsError::Damaged`] and the like.
    pub fn retained(&self) -> Result<Vec<Retained>, RecordsError> {
        self.read(|store| {
            let mut classes: BTreeMap<RetentionClass, Retained> = BTreeMap::new();
            let all = Timestamp::from_unix_ms(i64::MAX);
            let held = store.rows.open_table(HELD)?;
            for (class, record) in expired(&held, all)? {
                let Some(row) = held.get(record)? else {
                    continue;
                };
                let expires_at = Timestamp::from_unix_ms(row.value().1);
                let retained = classes.entry(class).or_insert(Retained {
                    class,
                    records: 0,
                    first_expires_at: expires_at,
                    last_expires_at: expires_at,
                });
                retained.records += 1;
                retained.first_expires_at = retained.first_expires_at.min(expires_at);
                retained.last_expires_at = retained.last_expires_at.max(expires_at);
            }
            Ok(classes.into_values().collect())
        })
    }

    fn destroy_expired(
        &self,
        now: Timestamp,
        with: impl FnOnce(&Change<'_>, &SweepReport) -> Result<(), Fault>,
    ) -> Result<SweepReport, RecordsError> {
        self.change(|change| {
            let mut expired = expired(&change.rows.open_table(HELD)?, now)?;
            let (holds, alerts, actions) = (
                change.rows.open_table(HOLDS)?,
                change.rows.open_table(ALERTS)?,
                change.rows.open_table(ACTIONS)?,
            );
            let held = held_records(&holds, &alerts, Some(&actions), now)?;
            leave_held(&mut expired, &held);
            drop((holds, alerts, actions));
            let mut report = SweepReport::default();
            let mut of_watchlist = false;
            for (class, record) in expired {
                change.remove(class, record)?;
                match class {
                    RetentionClass::Alerts => report.alerts += 1,
                    RetentionClass::Inputs => report.inputs += 1,
                    // An image has one record or two; it is counted where it leaves its entry.
                    RetentionClass::Watchlist => of_watchlist = true,
                }
            }
            if of_watchlist {
                let gone = drop_images(change, now)?;
                report.watchlist_images = gone.images.len();
                report.watchlist_entries = gone.entries.len();
                report.images = gone.images;
                if let Some(members) = self.members_to_leave(change, now)? {
                    for reference in &gone.entries {
                        members.left(change, reference, now)?;
                    }
                }
                if !gone.entries.is_empty() {
                    let is_about = |reference: &str| gone.entries.contains(reference);
                    let of = RetentionOf::Entry;
                    let kind = StepKind::WithdrawnByRetention { of };
                    report.withdrawn = withdraw(change, &is_about, &kind, now)?;
                }
            }
            if !report.images.is_empty() {
                with(change, &report)?;
            }
            let event = AuditEvent::Swept {
                watchlist_images: report.watchlist_images as u64,
                watchlist_entries: report.watchlist_entries as u64,
                alerts: report.alerts as u64,
                inputs: report.inputs as u64,
                withdrawn: report.withdrawn.clone(),
            };
            change.log(now, Actor::Host, event)?;
            change.log_destroyed_keys(now)?;
            Ok(report)
        })
    }
}

/// Takes out what is held.
fn leave_held(expired: &mut Vec<(RetentionClass, u64)>, held: &BTreeSet<u64>) {
    expired.retain(|(_, record)| !held.contains(record));
}

/// The records whose time has come.
fn expired(
    held: &impl ReadableTable<u64, (u8, i64)>,
    now: Timestamp,
) -> Result<Vec<(RetentionClass, u64)>, Fault> {
    let mut expired = Vec::new();
    for row in held.iter()? {
        let (record, row) = row?;
        let (class, expires_at) = row.value();
        if expires_at > now.unix_ms() {
            continue;
        }
        let Some(class) = RetentionClass::from_code(class) else {
            return Err(Fault::Inconsistent(format!(
                "record {} is of unknown retention class {class}",
                record.value()
            )));
        };
        expired.push((class, record.value()));
    }
    Ok(expired)
}

/// What a sweep takes off the watchlist.
struct Gone {
    /// By reference and number.
    images: Vec<(String, u32)>,
    /// Entries without an image left.
    entries: BTreeSet<String>,
}

/// Takes expired images out of their entries, and entries without an image off the watchlist. Grounds go by themselves: they are held as long as the newest image.
fn drop_images(change: &Change<'_>, now: Timestamp) -> Result<Gone, Fault> {
    let mut entries = change.rows.open_table(ENTRIES)?;
    let (mut images, mut changed) = (Vec::new(), Vec::new());
    for row in entries.iter()? {
        let (reference, entry) = row?;
        let mut entry = entry.value().read()?;
        let before = images.len();
        entry.images.retain(|image| {
            let stays = image.expires_at > now;
            if !stays {
                images.push((reference.value().to_owned(), image.number));
            }
            stays
        });
        if images.len() > before {
            changed.push((reference.value().to_owned(), entry));
        }
    }
    let mut gone = BTreeSet::new();
    for (reference, entry) in changed {
        if entry.images.is_empty() {
            entries.remove(reference.as_str())?;
            gone.insert(reference);
        } else {
            entries.insert(reference.as_str(), RowBytes::of(&entry)?)?;
        }
    }
    Ok(Gone {
        images,
        entries: gone,
    })
}
