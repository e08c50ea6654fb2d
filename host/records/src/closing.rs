//! The end of a deployment's records: the watchlist goes, alerts are reconciled, and what is still held is said, with the reason. Each step can be done again after a
//! kill: what a certificate tells of the past is counted from the audit log, not from what this one call did.

use crate::audit::{Actor, AuditEntry, AuditEvent, AuditHead, split_event};
use crate::error::RecordsError;
use crate::force::By;
use crate::retention::{RetentionClass, Timestamp};
use crate::store::Store;
use crate::tables::{ACTIONS, ALERTS, AUDIT, ENTRIES, HELD, RouterRow, if_there};
use redb::ReadableTable;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What a deployment's records come to at its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClosedRecords {
    /// What was destroyed since the store was made.
    pub destroyed: Destroyed,
    /// What is still held, and until when.
    pub held: Vec<StillHeld>,
    /// Alerts raised.
    pub alerts: u64,
    /// The same by the state in which each ended: exactly one.
    pub alerts_by_state: BTreeMap<String, u64>,
    /// How far the audit log goes.
    pub audit: AuditHead,
}

/// What was destroyed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Destroyed {
    /// People who were on the watchlist.
    pub watchlist_entries: u64,
    /// Their images, each with its templates.
    pub watchlist_images: u64,
    /// Crops, scores and reasons of alerts.
    pub alerts: u64,
    /// What plugins were asked for an alert, when it was raised and when it was passed.
    pub inputs: u64,
}

/// What is still held of a class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StillHeld {
    /// `alerts` or `inputs`.
    pub class: String,
    /// Records of it.
    pub records: u64,
    /// When the last of them has to be gone, in milliseconds since 1970.
    pub until: Timestamp,
    /// Why: the retention of the class, or a hold with its reason.
    pub why: String,
}

impl Store {
    /// Numbers of alerts that have not ended.
    ///
    /// # Errors
    /// [`RecordsError::Damaged`] and the like.
    pub fn open_alerts(&self) -> Result<Vec<u32>, RecordsError> {
        let living = self.living()?.into_iter();
        Ok(living
            .filter(|living| !living.life.state().is_closed())
            .map(|living| living.alert.number)
            .collect())
    }

    /// Destroys the files that show faces and the watchlist, sweeps, and reconciles: every alert is in exactly one closed state.
    ///
    /// # Errors
    /// [`RecordsError::AlertsOpen`] before anything is destroyed; [`RecordsError::Io`] where a file that shows faces cannot be removed, before anything else goes;
    /// [`RecordsError::Full`] and the like.
    pub fn close_out(&self, by: &By, now: Timestamp) -> Result<ClosedRecords, RecordsError> {
        let open = self.open_alerts()?;
        if !open.is_empty() {
            let path = self.path().to_path_buf();
            return Err(RecordsError::AlertsOpen { path, alerts: open });
        }
        self.destroy_every_export(now)?;
        self.change(|change| {
            let mut records = Vec::new();
            let (mut entries, mut images) = (Vec::new(), 0);
            for row in change.rows.open_table(ENTRIES)?.iter()? {
                let (reference, entry) = row?;
                let entry = entry.value().read()?;
                images += entry.images.len() as u64;
                for image in &entry.images {
                    records.push(image.record);
                    records.extend(image.template_record);
                }
                records.extend(entry.grounds);
                entries.push(reference.value().to_owned());
            }
            if entries.is_empty() {
                return Ok(());
            }
            for reference in &entries {
                change
                    .rows
                    .open_table(ENTRIES)?
                    .remove(reference.as_str())?;
            }
            for record in records {
                change.remove(RetentionClass::Watchlist, record)?;
            }
            if let Some(members) = self.members_to_leave(change, now)? {
                for reference in &entries {
                    members.left(change, reference, now)?;
                }
            }
            let event = AuditEvent::WatchlistDestroyed {
                entries: entries.len() as u64,
                images,
            };
            change.log(now, Actor::from(by), event)?;
            change.log_destroyed_keys(now)
        })?;
        self.sweep(now)?;
        self.told_at_the_end(now)
    }

    /// What is on record, once the watchlist is gone.
    fn told_at_the_end(&self, now: Timestamp) -> Result<ClosedRecords, RecordsError> {
        let living = self.living()?;
        let mut alerts_by_state = BTreeMap::new();
        for one in &living {
            let state = one.life.state().name().to_owned();
            *alerts_by_state.entry(state).or_default() += 1;
        }
        let mut held = self.still_sealed()?;
        let mut destroyed = self.ever_enrolled()?;
        let inputs = self.inputs_ever_kept()?;
        let still = |class: &str| -> u64 {
            let of_class = held.iter().filter(|held: &&StillHeld| held.class == class);
            of_class.map(|held| held.records).sum()
        };
        destroyed.alerts = (living.len() as u64).saturating_sub(still("alerts"));
        destroyed.inputs = inputs.saturating_sub(still("inputs"));
        for hold in self.holds()? {
            if hold.lasts(now) {
                held.push(StillHeld {
                    class: "held".to_owned(),
                    records: 1,
                    until: hold.until,
                    why: format!("alert {}: {} ({})", hold.alert, hold.reason, hold.by),
                });
            }
        }
        Ok(ClosedRecords {
            destroyed,
            held,
            alerts: living.len() as u64,
            alerts_by_state,
            audit: self.audit_head()?,
        })
    }

    /// What is still sealed, by class.
    fn still_sealed(&self) -> Result<Vec<StillHeld>, RecordsError> {
        self.read(|store| {
            let mut classes: BTreeMap<&str, (u64, i64)> = BTreeMap::new();
            for row in store.rows.open_table(HELD)?.iter()? {
                let (class, expires_at) = row?.1.value();
                let class = match RetentionClass::from_code(class) {
                    Some(RetentionClass::Alerts) => "alerts",
                    Some(RetentionClass::Inputs) => "inputs",
                    _ => "watchlist",
                };
                let (records, until) = classes.entry(class).or_default();
                (*records, *until) = (*records + 1, (*until).max(expires_at));
            }
            Ok(classes
                .into_iter()
                .map(|(class, (records, until))| StillHeld {
                    class: class.to_owned(),
                    records,
                    until: Timestamp::from_unix_ms(until),
                    why: "the retention that was authorised".to_owned(),
                })
                .collect())
        })
    }

    /// Inputs that were kept: those of alerts, and those of their passing.
    fn inputs_ever_kept(&self) -> Result<u64, RecordsError> {
        self.read(|store| {
            let mut kept = 0;
            for row in store.rows.open_table(ALERTS)?.iter()? {
                kept += u64::from(row?.1.value().read()?.inputs.is_some());
            }
            let Some(actions) = if_there(store.rows.open_table(ACTIONS))? else {
                // A store from before anybody could pass an alert.
                return Ok(kept);
            };
            for row in actions.iter()? {
                let router = row?.1.value().read()?.router;
                kept += u64::from(matches!(router, RouterRow::Kept(_)));
            }
            Ok(kept)
        })
    }

    /// Who was ever on the watchlist, as the audit log tells it.
    fn ever_enrolled(&self) -> Result<Destroyed, RecordsError> {
        self.read(|store| {
            let mut destroyed = Destroyed::default();
            let mut people = BTreeSet::new();
            for row in store.rows.open_table(AUDIT)?.iter()? {
                let (_, line) = row?;
                let Some((_, body)) = split_event(line.value()) else {
                    continue;
                };
                let entry: AuditEntry = serde_json::from_slice(body)?;
                if let AuditEvent::ImageEnrolled {
                    reference,
                    replaced,
                    ..
                } = entry.event
                {
                    destroyed.watchlist_images += u64::from(!replaced);
                    people.insert(reference);
                }
            }
            destroyed.watchlist_entries = people.len() as u64;
            Ok(destroyed)
        })
    }
}
