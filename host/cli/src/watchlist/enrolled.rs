//! What became of photographs that were to be enrolled, for people and programs.

use std::path::PathBuf;

use overt_pipeline::{Enrolment, ImageFailure};
use overt_records::Enrolled;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// What became of a photograph.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) file: PathBuf,
    pub(crate) reference: String,
    pub(crate) category: String,
    /// `added`, `replaced`, or `there`: it was there already.
    pub(crate) enrolled: Option<String>,
    /// Why not.
    pub(crate) refused: Option<String>,
    /// Unified quality of the face, 0 to 100, where a plugin measured it.
    pub(crate) quality: Option<f32>,
}

pub(crate) fn row(enrolment: Enrolment) -> Row {
    let Enrolment {
        image,
        outcome,
        quality,
    } = enrolment;
    let (enrolled, refused) = match outcome {
        Ok(Enrolled::Added) => (Some("added"), None),
        Ok(Enrolled::Replaced) => (Some("replaced"), None),
        Ok(Enrolled::There) => (Some("there"), None),
        Err(failure) => (None, Some(reason(&failure))),
    };
    Row {
        file: image.path,
        reference: image.reference,
        category: image.category,
        enrolled: enrolled.map(str::to_owned),
        refused,
        quality,
    }
}

/// Why, and what would be better.
fn reason(failure: &ImageFailure) -> String {
    let mend = match failure {
        ImageFailure::NoFace => "; take a photograph from the front, with the whole face",
        ImageFailure::SeveralFaces { .. } => "; cut out the person who is sought",
        ImageFailure::PoorQuality { .. } => "; take or find a better photograph",
        ImageFailure::TooSmall { .. } => "; find a larger photograph",
        ImageFailure::Grounds(cause) => return format!("{failure}; {}", cause.mend()),
        ImageFailure::GroundsDiffer => {
            "; say the same of all images of an entry, or remove it first: `overt watchlist remove`"
        }
        _ => "",
    };
    format!("{failure}{mend}")
}

/// The same as CSV.
pub(super) fn lines(rows: &[Row]) -> Result<String, Failure> {
    let failed = |error: csv::Error| Failure::new(format!("no CSV can be made: {error}"), "");
    let mut lines = csv::Writer::from_writer(Vec::new());
    for row in rows {
        lines.serialize(row).map_err(failed)?;
    }
    let bytes = lines
        .into_inner()
        .map_err(|error| failed(error.into_error().into()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

pub(super) fn text(rows: &[Row]) -> String {
    let mut text = String::new();
    for row in rows {
        text += &match (&row.refused, &row.enrolled) {
            (Some(reason), _) => format!("refused   {}: {reason}\n", row.file.display()),
            (None, enrolled) => {
                let quality = row
                    .quality
                    .map(|quality| format!(", quality {quality:.0}"))
                    .unwrap_or_default();
                format!(
                    "{:<8}  {} ({}{quality}): {}\n",
                    enrolled.as_deref().unwrap_or_default(),
                    row.reference,
                    row.category,
                    row.file.display()
                )
            }
        };
    }
    let refused = rows.iter().filter(|row| row.refused.is_some()).count();
    let there = rows
        .iter()
        .filter(|row| row.enrolled.as_deref() == Some("there"))
        .count();
    let before = match there {
        0 => String::new(),
        there => format!(", {there} of them were there already"),
    };
    text + &format!(
        "{} of {} photographs are on the watchlist{before}, {refused} refused\n",
        rows.len() - refused,
        rows.len()
    )
}
