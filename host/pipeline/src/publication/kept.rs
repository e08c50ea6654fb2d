//! The record that is kept of a deployment when it is closed, so that it can be published when its store is long gone.

use overt_publication::field::Field;
use overt_publication::record::DeploymentRecord;
use serde::de::Error as _;
use serde::{Deserialize, Serialize};

/// Version of the form. A field that a later version adds is not recorded in what an earlier one kept.
const FORMAT: &str = "overt-kept-record-1";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept<R> {
    format: String,
    records: Vec<R>,
}

/// The text that is kept of a deployment's records, one for each mode. Scores are not kept: their distribution goes with them.
///
/// # Errors
/// A number that is none.
pub fn keep(records: &[DeploymentRecord]) -> serde_json::Result<String> {
    let mut records = records.to_vec();
    for record in &mut records {
        record.alerts.scores = Field::Expired(
            "the record was made when the deployment was closed, and scores do not outlive it"
                .to_owned(),
        );
    }
    let format = FORMAT.to_owned();
    serde_json::to_string(&Kept { format, records })
}

/// Records that were kept.
pub(super) fn read(text: &str) -> serde_json::Result<Vec<DeploymentRecord>> {
    let kept: Kept<DeploymentRecord> = serde_json::from_str(text)?;
    match kept.format == FORMAT {
        true => Ok(kept.records),
        false => Err(serde_json::Error::custom(format!(
            "its format is {:?}, and this version reads {FORMAT:?}",
            kept.format
        ))),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_kept_comes_back_but_for_scores() {
        let mut record = DeploymentRecord::default();
        record.alerts.raised = 3.into();
        record.alerts.scores = Vec::new().into();
        let back = &read(&keep(&[record]).unwrap()).unwrap()[0];
        assert_eq!(back.alerts.raised, 3.into());
        assert!(matches!(back.alerts.scores, Field::Expired(_)));
    }

    #[test]
    fn a_field_that_is_newer_than_what_was_kept_is_not_recorded() {
        let text =
            r#"{"format":"overt-kept-record-1","records":[{"alerts":{"raised":{"recorded":3}}}]}"#;
        let back = &read(text).unwrap()[0];
        assert_eq!(back.alerts.raised, 3.into());
        assert!(matches!(back.stops.total, Field::NotRecorded(_)));
        assert!(read(&text.replace("record-1", "record-9")).is_err());
    }
}
