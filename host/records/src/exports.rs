//! What left the sealed store: files on this machine that show faces or scores to whoever opens them, such as a run's report. Each is on record from before it is
//! written, and is overwritten and removed when what it shows has to be gone.

use crate::audit::{Actor, AuditEvent};
use crate::error::RecordsError;
use crate::files;
use crate::payload;
use crate::retention::{SweepReport, Timestamp};
use crate::store::Store;
use crate::tables::{EXPORTS, RowBytes, if_there, next_number};
use redb::ReadableTable;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// What a file shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExportKind {
    /// The report of a run, with the faces of its alerts.
    Report,
    /// The numbers of a run, with the scores of its alerts.
    Summary,
    /// An alert's images, for whoever judges it.
    Alert,
}

/// A file that left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Export {
    /// Its number in the store, from 1.
    pub number: u64,
    /// What it shows.
    pub kind: ExportKind,
    /// Where it is.
    pub path: PathBuf,
    /// For whom, or on whose word; the host by itself where a run left it.
    pub by: Actor,
    /// Since when.
    pub at: Timestamp,
    /// When it has to be gone.
    pub expires_at: Timestamp,
    /// When it went.
    pub destroyed: Option<Timestamp>,
}

impl Store {
    /// Puts a file on record that is about to be written. What an earlier export left under this name is destroyed first. Write it only once this has returned.
    ///
    /// # Errors
    /// [`RecordsError::Io`] where the earlier file cannot be overwritten; [`RecordsError::Refused`] for a path that is not absolute or not printable.
    pub fn export(
        &self,
        path: &Path,
        kind: ExportKind,
        by: Actor,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<Export, RecordsError> {
        let refused = |problem: &str| RecordsError::Refused {
            what: format!("the export {}", path.display()),
            problem: problem.to_owned(),
        };
        match path.to_str() {
            Some(text) if path.is_absolute() && text.len() <= payload::MOST_TEXT => {}
            _ => {
                return Err(refused(
                    "its path is not absolute, or not UTF-8, or too long",
                ));
            }
        }
        let earlier = |export: &Export| export.path == path && export.destroyed.is_none();
        for export in self.exports()?.iter().filter(|export| earlier(export)) {
            self.destroy_export(export, now)?;
        }
        self.change(|change| {
            let mut rows = change.rows.open_table(EXPORTS)?;
            let number = next_number(&rows, "an export")?;
            let export = Export {
                number,
                kind,
                path: path.to_path_buf(),
                by,
                at: now,
                expires_at,
                destroyed: None,
            };
            rows.insert(number, RowBytes::of(&export)?)?;
            let event = AuditEvent::Exported {
                export: number,
                what: kind,
                expires_at,
            };
            change.log(now, export.by.clone(), event)?;
            Ok(export)
        })
    }

    /// Every export, oldest first, those that are gone too.
    ///
    /// # Errors
    /// [`RecordsError::Damaged`] and the like.
    pub fn exports(&self) -> Result<Vec<Export>, RecordsError> {
        self.read(|store| {
            let Some(rows) = if_there(store.rows.open_table(EXPORTS))? else {
                return Ok(Vec::new());
            };
            let mut found = Vec::new();
            for row in rows.iter()? {
                found.push(row?.1.value().read()?);
            }
            Ok(found)
        })
    }

    /// Destroys the files whose time is over. Those that cannot be, because their folder is away or shut off, stay on record for the next time.
    pub(crate) fn destroy_exports(
        &self,
        report: &mut SweepReport,
        now: Timestamp,
    ) -> Result<(), RecordsError> {
        let due = |export: &Export| export.destroyed.is_none() && export.expires_at <= now;
        for export in self.exports()?.into_iter().filter(due) {
            match self.destroy_export(&export, now) {
                Ok(()) => report.exports += 1,
                Err(RecordsError::Io { cause, .. }) => {
                    report.exports_left.push((export.path, cause.kind()));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Destroys every file that is still there, whatever its time: the deployment is closed.
    ///
    /// # Errors
    /// [`RecordsError::Io`] where one cannot be removed.
    pub(crate) fn destroy_every_export(&self, now: Timestamp) -> Result<(), RecordsError> {
        for export in self.exports()? {
            if export.destroyed.is_none() {
                self.destroy_export(&export, now)?;
            }
        }
        Ok(())
    }

    /// The file first: a kill in between leaves a row about a file that is gone, which the next time puts right.
    fn destroy_export(&self, export: &Export, now: Timestamp) -> Result<(), RecordsError> {
        files::destroy(&export.path)?;
        self.change(|change| {
            let gone = Export {
                destroyed: Some(now),
                ..export.clone()
            };
            let row = RowBytes::of(&gone)?;
            change.rows.open_table(EXPORTS)?.insert(gone.number, row)?;
            let export = gone.number;
            change.log(now, Actor::Host, AuditEvent::ExportDestroyed { export })
        })
    }
}
