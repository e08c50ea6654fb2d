//! Approval of the watchlist: an authorising officer has reviewed it as it stands. What stands is named by a digest; whatever changes of it afterwards, other than
//! the encoder of its templates, makes it another one, which nobody has approved.

use crate::audit::{Actor, AuditEvent};
use crate::entry::ImageFacts;
use crate::error::RecordsError;
use crate::fault::Fault;
use crate::force::{By, PersonRole, SignedIn};
use crate::retention::Timestamp;
use crate::tables::{APPROVALS, ENTRIES, EntryRow, Row, RowBytes, if_there, next_number};
use crate::watchlist::Watchlist;
use redb::ReadableTable;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// How many a watchlist has of what is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListCounts {
    /// Entries, that is people.
    pub people: u64,
    /// Their images.
    pub images: u64,
    /// People who are not wanted for arrest.
    pub not_wanted: u64,
    /// People under 18.
    pub under_18: u64,
    /// People of whom it is not on record whether they are wanted: an older version wrote them.
    pub unknown: u64,
}

/// A watchlist as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListState {
    /// SHA-256 of who is on it, on which grounds, with which images.
    pub digest: String,
    /// How many.
    pub counts: ListCounts,
}

/// An approval on record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListApproval {
    /// Its number in the deployment, from 1.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// The authorising officer.
    pub by: By,
    /// The list that was approved.
    pub digest: String,
    /// How many were on it.
    pub counts: ListCounts,
}

/// How a watchlist stands to its approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListStanding {
    /// It is approved as it stands.
    Approved(ListApproval),
    /// It has changed since this approval, the last one.
    Changed(ListApproval),
    /// Nobody has ever approved it.
    Never,
}

impl ListStanding {
    /// Whether it is approved as it stands.
    pub fn is_approved(&self) -> bool {
        matches!(self, Self::Approved(_))
    }
}

/// What the digest is made of, entry by entry. Record numbers stand for what is sealed: each is given once.
#[derive(Serialize)]
struct Digested<'r> {
    reference: &'r str,
    category: &'r str,
    wanted: Option<bool>,
    under_18: Option<bool>,
    grounds: Option<u64>,
    images: Vec<(u32, u64, &'r ImageFacts)>,
}

/// The list as it stands in this table.
pub(crate) fn state(
    entries: &impl ReadableTable<&'static str, Row<EntryRow>>,
) -> Result<ListState, Fault> {
    let mut hash = Sha256::new();
    let mut counts = ListCounts::default();
    for row in entries.iter()? {
        let (reference, entry) = row?;
        let entry = entry.value().read()?;
        counts.people += 1;
        counts.images += entry.images.len() as u64;
        counts.not_wanted += u64::from(entry.wanted == Some(false));
        counts.under_18 += u64::from(entry.under_18 == Some(true));
        counts.unknown += u64::from(entry.wanted.is_none());
        let digested = Digested {
            reference: reference.value(),
            category: &entry.category,
            wanted: entry.wanted,
            under_18: entry.under_18,
            grounds: entry.grounds,
            images: entry
                .images
                .iter()
                .map(|image| (image.number, image.record, &image.facts))
                .collect(),
        };
        hash.update(serde_json::to_vec(&digested)?);
        hash.update(b"\n");
    }
    Ok(ListState {
        digest: hex::encode(hash.finalize()),
        counts,
    })
}

impl Watchlist<'_> {
    /// The list as it stands.
    ///
    /// # Errors
    /// [`RecordsError::Damaged`] and the like.
    pub fn state(&self) -> Result<ListState, RecordsError> {
        self.store
            .read(|store| state(&store.rows.open_table(ENTRIES)?))
    }

    /// How it stands to its approval: what a run asks before it goes live.
    ///
    /// # Errors
    /// [`RecordsError::Damaged`] and the like.
    pub fn standing(&self) -> Result<ListStanding, RecordsError> {
        self.store.read(|store| {
            let Some(approvals) = if_there(store.rows.open_table(APPROVALS))? else {
                return Ok(ListStanding::Never);
            };
            let Some((_, last)) = approvals.last()? else {
                return Ok(ListStanding::Never);
            };
            let last = last.value().read()?;
            let now = state(&store.rows.open_table(ENTRIES)?)?;
            Ok(match now.digest == last.digest {
                true => ListStanding::Approved(last),
                false => ListStanding::Changed(last),
            })
        })
    }

    /// Every approval, oldest first.
    ///
    /// # Errors
    /// [`RecordsError::Damaged`] and the like.
    pub fn approvals(&self) -> Result<Vec<ListApproval>, RecordsError> {
        self.store.read(|store| {
            let Some(approvals) = if_there(store.rows.open_table(APPROVALS))? else {
                return Ok(Vec::new());
            };
            let mut found = Vec::new();
            for row in approvals.iter()? {
                found.push(row?.1.value().read()?);
            }
            Ok(found)
        })
    }

    /// Approves the list as it stands, on condition that it is the one that was reviewed where `reviewed` says which.
    ///
    /// # Errors
    /// [`RecordsError::MayNot`] unless an authorising officer is signed in; [`RecordsError::Refused`] where nobody is on it, where it is another than the reviewed
    /// one, and where it is not on record of everybody whether they are wanted.
    pub fn approve(
        &self,
        by: &SignedIn,
        reviewed: Option<&str>,
        now: Timestamp,
    ) -> Result<ListApproval, RecordsError> {
        let by = by.acting_as(PersonRole::AuthorisingOfficer)?;
        let refused = |problem: String| {
            Fault::Records(RecordsError::Refused {
                what: "the watchlist".into(),
                problem,
            })
        };
        self.store.change(|change| {
            let ListState { digest, counts } = state(&change.rows.open_table(ENTRIES)?)?;
            if counts.people == 0 {
                return Err(refused("nobody is on it".into()));
            }
            if counts.unknown > 0 {
                return Err(refused(format!(
                    "of {} people on it nobody has said whether they are wanted or why they are sought; remove and enrol them again",
                    counts.unknown
                )));
            }
            if reviewed.is_some_and(|reviewed| !digest.starts_with(reviewed)) {
                return Err(refused(format!(
                    "it is not the one that was reviewed: its digest is {digest}"
                )));
            }
            let mut approvals = change.rows.open_table(APPROVALS)?;
            let approval = ListApproval {
                number: next_number(&approvals, "an approval")?,
                at: now,
                by,
                digest,
                counts,
            };
            approvals.insert(approval.number, RowBytes::of(&approval)?)?;
            let event = AuditEvent::WatchlistApproved {
                digest: approval.digest.clone(),
                counts,
            };
            change.log(now, Actor::from(&approval.by), event)?;
            Ok(approval)
        })
    }
}
