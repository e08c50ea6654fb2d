//! A record as the documents read it: cleaned, redacted where somebody said so, and asked for by the path of a field. It looks up and changes no count.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::field::{Absence, Field};
use crate::fields::{self, Kind};
use crate::record::{DeploymentRecord, Mode};
use crate::text;

/// That a field is left out of what is published, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Redaction {
    /// The field, such as `alerts.lapsed`, or a part of the record, such as `watchlist.everybody`.
    pub field: String,
    /// Why, for whoever reads the document: an exemption and its section, for example.
    pub reason: String,
    /// In a report of a period: the number of the deployment that it is about. Absent: all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<u64>,
}

/// Why a record cannot be published as asked. Nothing is published then: half a redaction is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FactsError {
    /// There is no such field.
    #[error("the record has no field {field}")]
    NoSuchField {
        /// What was named.
        field: String,
        /// The field that was probably meant.
        nearest: String,
    },
    /// It tells one deployment from another, so it stays.
    #[error(
        "{field} cannot be left out: a deployment's number and mode are what it is accounted for by"
    )]
    Needed {
        /// What was named.
        field: String,
    },
    /// It says no reason.
    #[error("the redaction of {field} gives no reason")]
    NoReason {
        /// The field.
        field: String,
    },
    /// The record holds something that no document can: a number that is none.
    #[error("the record cannot be written: {cause}")]
    Unwritable {
        /// What is wrong.
        cause: String,
    },
    /// There is no such deployment in the period.
    #[error("no deployment of the period has the number {number}")]
    NoSuchDeployment {
        /// The number.
        number: u64,
    },
}

/// A record, ready to be published.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    record: DeploymentRecord,
    value: Value,
}

impl Facts {
    /// Of a record. Text that moves or hides other text is made visible.
    ///
    /// # Errors
    /// [`FactsError`]; [`Redaction::deployment`] is the caller's to look at.
    pub fn of(record: &DeploymentRecord, redactions: &[Redaction]) -> Result<Self, FactsError> {
        let unwritable = |error: serde_json::Error| FactsError::Unwritable {
            cause: error.to_string(),
        };
        let mut value = serde_json::to_value(record).map_err(unwritable)?;
        for redaction in redactions {
            redact(&mut value, redaction)?;
        }
        text::clean_all(&mut value);
        let record = DeploymentRecord::deserialize(&value).map_err(unwritable)?;
        Ok(Self { record, value })
    }

    /// The record, as it may be published.
    pub fn record(&self) -> &DeploymentRecord {
        &self.record
    }

    /// A field by its path.
    pub fn field<T: for<'a> Deserialize<'a>>(&self, path: &str) -> Field<T> {
        let found = at(&self.value, path).and_then(|value| Field::deserialize(value).ok());
        found.unwrap_or_else(|| Field::not_recorded(format!("the record has no field {path}")))
    }

    /// A count by its path.
    ///
    /// # Errors
    /// Why there is none.
    pub fn count(&self, path: &str) -> Result<u64, Absence> {
        self.field(path).get().copied()
    }

    /// The rows of a field: for each, its members in the order of its columns, as people read them.
    ///
    /// # Errors
    /// Why there are none.
    pub fn rows(&self, path: &str) -> Result<Vec<Vec<String>>, Absence> {
        let field: Field<Vec<Value>> = self.field(path);
        let rows = field.get()?;
        let columns = match fields::named(path).map(|field| field.kind) {
            Some(Kind::Rows(columns)) => columns,
            _ => &[],
        };
        let row = |row: &Value| {
            columns
                .iter()
                .map(|column| row.get(column.key).map(shown).unwrap_or_default())
                .collect()
        };
        Ok(rows.iter().map(row).collect())
    }

    /// The sum over the rows of a field.
    ///
    /// # Errors
    /// Why there is none.
    pub fn sum(&self, path: &str) -> Result<u64, Absence> {
        let field: Field<Vec<Value>> = self.field(path);
        let count = |row: &Value| row.get("count").and_then(Value::as_u64).unwrap_or(0);
        Ok(field.get()?.iter().map(count).fold(0, u64::saturating_add))
    }

    /// A single value, as people read it.
    ///
    /// # Errors
    /// Why there is none.
    pub fn shown(&self, field: &fields::FieldInfo) -> Result<String, Absence> {
        let found: Field<Value> = self.field(field.path);
        let value = found.get()?;
        Ok(match field.kind {
            Kind::Mode => Mode::deserialize(value)
                .map_or_else(|_| shown(value), |mode| mode.words().to_owned()),
            // The register's number is a name; it has no thousands.
            Kind::Number => value.to_string(),
            _ => shown(value),
        })
    }

    /// What the deployment is called on a page.
    pub fn title(&self) -> String {
        let about = &self.record.deployment;
        let place = match about.place.get() {
            Ok(place) => place.clone(),
            Err(absence) => format!("place {}", absence.kind.words()),
        };
        let start = about.start.value().or(about.planned_start.value());
        match start {
            Some(start) => format!("{place}, {}", text::day(*start)),
            None => place,
        }
    }
}

fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |value, key| value.get(key))
}

/// Whether a value is a field: an object with one key, the name of a [`Field`]'s variant.
fn is_field(value: &Value) -> bool {
    const VARIANTS: [&str; 5] = [
        "recorded",
        "not-recorded",
        "not-applicable",
        "expired",
        "redacted",
    ];
    value.as_object().is_some_and(|members| {
        members.len() == 1 && members.keys().all(|key| VARIANTS.contains(&key.as_str()))
    })
}

fn redact(record: &mut Value, redaction: &Redaction) -> Result<(), FactsError> {
    let Redaction { field, reason, .. } = redaction;
    if reason.trim().is_empty() {
        return Err(FactsError::NoReason {
            field: field.clone(),
        });
    }
    if ["deployment", "deployment.number", "deployment.mode"].contains(&field.as_str()) {
        return Err(FactsError::Needed {
            field: field.clone(),
        });
    }
    let found = field.split('.').try_fold(&mut *record, |value, key| {
        value.as_object_mut()?.get_mut(key)
    });
    let Some(found) = found.filter(|_| is_part(field)) else {
        return Err(FactsError::NoSuchField {
            field: field.clone(),
            nearest: nearest(field),
        });
    };
    mark(found, reason);
    Ok(())
}

/// Whether this is a field's path, or where fields begin.
fn is_part(path: &str) -> bool {
    let within = format!("{path}.");
    fields::all().any(|field| field.path == path || field.path.starts_with(&within))
}

fn mark(value: &mut Value, reason: &str) {
    if is_field(value) {
        *value = serde_json::json!({ "redacted": reason });
    } else if let Some(members) = value.as_object_mut() {
        for member in members.values_mut() {
            mark(member, reason);
        }
    }
}

/// The field whose path is most like this one.
fn nearest(path: &str) -> String {
    let alike = |other: &str| {
        let pairs =
            |text: &str| -> Vec<(char, char)> { text.chars().zip(text.chars().skip(1)).collect() };
        let theirs = pairs(other);
        let shared = pairs(path)
            .iter()
            .filter(|pair| theirs.contains(pair))
            .count();
        shared * 200 / (path.chars().count() + other.chars().count()).max(1)
    };
    let best = fields::all().max_by_key(|field| alike(field.path));
    best.map(|field| field.path.to_owned()).unwrap_or_default()
}

/// A value as people read it: counts with thousands told apart, moments in UTC.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => match text.parse::<Timestamp>() {
            Ok(time) if text.len() >= 20 => text::moment(time),
            _ => text.clone(),
        },
        Value::Number(number) => match number.as_u64() {
            Some(count) => text::grouped(count),
            None => {
                let shown = number.as_f64().map(|number| format!("{number:.2}"));
                shown.unwrap_or_else(|| number.to_string())
            }
        },
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// What redactions alone do not hide: a count that can be worked out from those that stay, because it is the only one left out of a sum.
pub fn given_away(facts: &Facts) -> Vec<(&'static str, &'static str)> {
    crate::sums::checks(facts)
        .into_iter()
        .filter_map(|check| {
            let only = check.only_redacted()?;
            Some((only, check.words))
        })
        .collect()
}
