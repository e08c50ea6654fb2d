//! Quarantine: a plugin that failed too often is not run again until a named person says so, with a reason. What is kept about it is plain: which plugin,
//! what kind of failure, how often; nothing of whom it was asked about.

use crate::audit::{Actor, AuditEvent};
use crate::error::RecordsError;
use crate::force::{By, PersonRole, SignedIn};
use crate::payload;
use crate::retention::Timestamp;
use crate::runs::{PluginUsed, Run, RunId};
use crate::store::Store;
use crate::tables::{QUARANTINES, RowBytes, if_there, next_number};
use redb::ReadableTable;
use serde::{Deserialize, Serialize};

/// A plugin's quarantine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantine {
    /// Its number in the store, from 1.
    pub number: u64,
    /// The run in which it began.
    pub run: RunId,
    /// When.
    pub at: Timestamp,
    /// The plugin. Its file's digest says which file stays out.
    pub plugin: PluginUsed,
    /// SHA-256 of what is signed of it: the same plugin with other signatures stays out too. Absent in what an older version wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// The kind of the last failure, such as `overrun`.
    pub cause: String,
    /// Failures.
    pub strikes: u32,
    /// Of so many calls.
    pub calls: u32,
    /// Who ended it; absent while it lasts.
    pub release: Option<Release>,
}

/// The end of a quarantine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Who decided it.
    pub by: By,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

impl Quarantine {
    /// Whether it is of this plugin: of its file, or of the same content under other signatures.
    pub fn is_of(&self, sha256: &str, content: Option<&str>) -> bool {
        self.plugin.sha256 == sha256 || (content.is_some() && self.content.as_deref() == content)
    }
}

impl Run {
    /// Records that a plugin is in quarantine from now on. When this returns it is on disk. `release` and `number` of what is given are not looked at.
    ///
    /// # Errors
    /// [`RecordsError::Refused`] for a value outside its limits; [`RecordsError::Full`].
    pub fn quarantine(&self, new: &Quarantine) -> Result<Quarantine, RecordsError> {
        for text in [
            &new.plugin.role,
            &new.plugin.id,
            &new.plugin.version,
            &new.cause,
        ] {
            payload::name("a quarantine", text)?;
        }
        payload::digest("a quarantine", &new.plugin.sha256)?;
        if let Some(content) = &new.content {
            payload::digest("a quarantine", content)?;
        }
        let run = self.id();
        self.store().change(|change| {
            let mut rows = change.rows.open_table(QUARANTINES)?;
            let number = next_number(&rows, "a quarantine")?;
            let kept = Quarantine {
                number,
                run,
                release: None,
                ..new.clone()
            };
            rows.insert(number, RowBytes::of(&kept)?)?;
            let event = AuditEvent::PluginQuarantined {
                run: run.0,
                quarantine: number,
                plugin: kept.plugin.clone(),
                cause: kept.cause.clone(),
                strikes: kept.strikes,
                calls: kept.calls,
            };
            change.log(kept.at, Actor::Host, event)?;
            Ok(kept)
        })
    }
}

impl Store {
    /// Every quarantine, oldest first, the released ones too.
    ///
    /// # Errors
    /// [`RecordsError::Damaged`] and the like.
    pub fn quarantines(&self) -> Result<Vec<Quarantine>, RecordsError> {
        self.read(|store| {
            let Some(rows) = if_there(store.rows.open_table(QUARANTINES))? else {
                return Ok(Vec::new());
            };
            let mut found = Vec::new();
            for row in rows.iter()? {
                found.push(row?.1.value().read()?);
            }
            Ok(found)
        })
    }

    /// Ends every quarantine of the plugin with this id, on a system engineer's word; returns those that it ended.
    ///
    /// # Errors
    /// [`RecordsError::MayNot`]; [`RecordsError::Refused`] where the reason is empty, too long or holds control characters.
    pub fn release(
        &self,
        plugin: &str,
        by: &SignedIn,
        reason: &str,
        at: Timestamp,
    ) -> Result<Vec<Quarantine>, RecordsError> {
        payload::name("why a plugin is released", reason)?;
        let release = Release {
            by: by.acting_as(PersonRole::SystemEngineer)?,
            reason: reason.to_owned(),
            at,
        };
        let lasting: Vec<Quarantine> = self
            .quarantines()?
            .into_iter()
            .filter(|quarantine| quarantine.plugin.id == plugin && quarantine.release.is_none())
            .map(|quarantine| Quarantine {
                release: Some(release.clone()),
                ..quarantine
            })
            .collect();
        self.change(|change| {
            let mut rows = change.rows.open_table(QUARANTINES)?;
            for quarantine in &lasting {
                rows.insert(quarantine.number, RowBytes::of(quarantine)?)?;
                let event = AuditEvent::PluginReleased {
                    quarantine: quarantine.number,
                    plugin: quarantine.plugin.clone(),
                    reason: release.reason.clone(),
                };
                change.log(release.at, Actor::from(&release.by), event)?;
            }
            Ok(())
        })?;
        Ok(lasting)
    }
}
