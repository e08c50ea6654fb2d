//! CSV that a spreadsheet opens without obeying it: no cell begins as a formula does. Fields are quoted where RFC 4180 asks for it; lines end with CR LF.

use serde_json::Value;

use crate::document::DocumentError;
use crate::facts::{Facts, Redaction};
use crate::field::{AbsenceKind, Field};
use crate::fields::{self, Kind};
use crate::period::{Deployed, Entry, Period};
use crate::questions::{Answer, Held};
use crate::rates::{Measured, rates};
use crate::register::RegisterState;
use crate::sums::{Verdict, checks};
use crate::text::clean;

/// Text that a spreadsheet shows and does not compute. What begins like a formula gets an apostrophe before it, as OWASP advises.
fn harmless(text: &str) -> String {
    let text = clean(text);
    let first = text.trim_start().chars().next();
    match first {
        Some(
            '=' | '+' | '-' | '@' | '|' | '%' | '\u{ff1d}' | '\u{ff0b}' | '\u{ff0d}' | '\u{ff20}',
        ) => format!("'{text}"),
        _ => text,
    }
}

/// Redactions with their reasons cleaned.
pub(crate) fn cleaned(redactions: &[Redaction]) -> Vec<Redaction> {
    let clean_one = |redaction: &Redaction| Redaction {
        field: clean(&redaction.field),
        reason: clean(&redaction.reason),
        deployment: redaction.deployment,
    };
    redactions.iter().map(clean_one).collect()
}

struct Sheet(csv::Writer<Vec<u8>>);

impl Sheet {
    fn new(header: &[&str]) -> Result<Self, DocumentError> {
        let writer = csv::WriterBuilder::new()
            .terminator(csv::Terminator::CRLF)
            .from_writer(Vec::new());
        let mut sheet = Self(writer);
        sheet.row(header)?;
        Ok(sheet)
    }

    fn row(&mut self, cells: &[impl AsRef<str>]) -> Result<(), DocumentError> {
        let cells = cells.iter().map(|cell| harmless(cell.as_ref()));
        self.0.write_record(cells).map_err(failed)
    }

    fn text(self) -> Result<String, DocumentError> {
        let bytes = self.0.into_inner().map_err(failed)?;
        String::from_utf8(bytes).map_err(failed)
    }
}

fn failed(cause: impl std::fmt::Display) -> DocumentError {
    DocumentError::Sheet {
        cause: cause.to_string(),
    }
}

/// A value as a program reads it: numbers without thousands, moments as RFC 3339.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn state(kind: AbsenceKind) -> &'static str {
    match kind {
        AbsenceKind::NotRecorded => "not recorded",
        AbsenceKind::NotApplicable => "does not apply",
        AbsenceKind::Expired => "expired",
        AbsenceKind::Redacted => "redacted",
    }
}

/// A row for each field, rate and sum of a deployment.
pub(crate) fn deployment(facts: &Facts) -> Result<String, DocumentError> {
    let mut sheet = Sheet::new(&["field", "words", "state", "value", "reason"])?;
    for field in fields::all() {
        let found: Field<Value> = facts.field(field.path);
        let value = match found.get() {
            Err(why) => {
                sheet.row(&[field.path, field.label, state(why.kind), "", &why.reason])?;
                continue;
            }
            Ok(value) => value,
        };
        let (Kind::Rows(columns), Some(rows)) = (field.kind, value.as_array()) else {
            sheet.row(&[field.path, field.label, "recorded", &plain(value), ""])?;
            continue;
        };
        if rows.is_empty() {
            sheet.row(&[field.path, field.label, "recorded", "none", ""])?;
        }
        for (index, row) in rows.iter().enumerate() {
            for column in columns {
                let path = format!("{}[{}].{}", field.path, index + 1, column.key);
                let words = format!("{}: {}", field.label, column.label);
                let value = row.get(column.key).map(plain).unwrap_or_default();
                sheet.row(&[path.as_str(), &words, "recorded", &value, ""])?;
            }
        }
    }
    for rate in rates(facts) {
        let path = format!("rates.{}", rate.id);
        let (state, value, reason) = match &rate.measured {
            Measured::Rate(found) => ("computed", found.rate.to_string(), rate.sentence()),
            Measured::Impossible { .. } => ("DOES NOT HOLD", String::new(), rate.sentence()),
            _ => ("cannot be computed", String::new(), rate.sentence()),
        };
        sheet.row(&[path.as_str(), rate.words, state, &value, &reason])?;
        if let Measured::Rate(found) = &rate.measured {
            for (end, value) in [("low", found.low), ("high", found.high)] {
                let path = format!("rates.{}.{end}", rate.id);
                let words = format!("{}: {end} end of the 95 % interval", rate.words);
                sheet.row(&[path.as_str(), &words, "computed", &value.to_string(), ""])?;
            }
        }
    }
    for check in checks(facts) {
        let path = format!("sums.{}", check.id);
        let (left, right) = check.sides();
        let (state, value) = match &check.verdict {
            Verdict::Holds { left, right } => ("holds", format!("{left} and {right}")),
            Verdict::DoesNotHold {
                left,
                right,
                missing,
            } if missing.is_empty() => ("DOES NOT HOLD", format!("{left} and {right}")),
            Verdict::DoesNotHold { left, right, .. } => {
                ("DOES NOT HOLD", format!("{left} and at least {right}"))
            }
            Verdict::CannotBeChecked { .. } => ("cannot be checked", String::new()),
        };
        let reason = match &check.verdict {
            Verdict::CannotBeChecked { missing } => {
                let missing: Vec<_> = missing.iter().map(ToString::to_string).collect();
                missing.join("; ")
            }
            _ => format!("{left} against {right}"),
        };
        sheet.row(&[path.as_str(), check.words, state, &value, &reason])?;
    }
    sheet.text()
}

/// A row for each entry of the register, with every count of those that ran; one that ran in several modes has a row for each.
/// A row for each entry of the period, then one for each number that is gone and can have been of it.
pub(crate) fn period(period: &Period) -> Result<String, DocumentError> {
    let counts: Vec<_> = fields::counts().collect();
    let mut header = vec![
        "number",
        "deployment",
        "mode",
        "state",
        "rehearsal",
        "planned-start",
        "planned-end",
        "start",
        "end",
        "place",
        "use-case",
        "purpose",
        "why-refused-or-cancelled",
    ];
    header.extend(counts.iter().map(|field| field.path));
    header.extend([
        "false-of-faces",
        "false-of-alerts",
        "sums-that-do-not-hold",
        "why-not-recorded",
    ]);
    let mut sheet = Sheet::new(&header)?;
    let of = |entry: &Entry| -> Vec<Option<&Deployed>> {
        let all = period.deployments().iter();
        let found: Vec<_> = all
            .filter(|deployed| deployed.entry.number == entry.number)
            .map(Some)
            .collect();
        match found.is_empty() {
            true => vec![None],
            false => found,
        }
    };
    let rows = period
        .entries()
        .iter()
        .flat_map(|entry| of(entry).into_iter().map(move |deployed| (entry, deployed)));
    for (entry, deployed) in rows {
        let mut row = of_entry(entry, deployed);
        match deployed {
            None => row.resize(header.len(), String::new()),
            Some(Deployed { facts, .. }) => {
                let mut why_not = Vec::new();
                for field in &counts {
                    row.push(match facts.count(field.path) {
                        Ok(count) => count.to_string(),
                        Err(why) => {
                            why_not.push(format!("{}: {why}", field.path));
                            state(why.kind).to_owned()
                        }
                    });
                }
                let all = rates(facts);
                for id in ["false-of-faces", "false-of-alerts"] {
                    let rate = all
                        .iter()
                        .find(|rate| rate.id == id)
                        .map(|rate| &rate.measured);
                    row.push(match rate {
                        Some(Measured::Rate(rate)) => rate.rate.to_string(),
                        _ => "cannot be computed".to_owned(),
                    });
                }
                let checks = checks(facts);
                let broken: Vec<_> = checks
                    .iter()
                    .filter_map(|check| match &check.verdict {
                        Verdict::DoesNotHold {
                            left,
                            right,
                            missing,
                        } => {
                            let at_least = if missing.is_empty() { "" } else { "at least " };
                            Some(format!("{}: {left} against {at_least}{right}", check.id))
                        }
                        _ => None,
                    })
                    .collect();
                row.push(broken.join("; "));
                row.push(why_not.join("; "));
            }
        }
        sheet.row(&row)?;
    }
    for gone in period.gone_of_it() {
        for number in gone.first..=gone.last {
            let mut row = vec![number.to_string(), String::new(), String::new()];
            row.push("gone by the period of the force’s rules".to_owned());
            row.resize(header.len(), String::new());
            sheet.row(&row)?;
        }
    }
    sheet.text()
}

fn of_entry(entry: &Entry, deployed: Option<&Deployed>) -> Vec<String> {
    let text = |field: &Field<String>| field.get().cloned().unwrap_or_else(|why| why.to_string());
    let time = |field: &Field<jiff::Timestamp>| {
        field
            .get()
            .map_or_else(|why| why.to_string(), ToString::to_string)
    };
    let ran = |of: fn(&crate::record::About) -> &Field<jiff::Timestamp>| {
        deployed.map_or(String::new(), |deployed| {
            time(of(&deployed.facts.record().deployment))
        })
    };
    let reason = match entry.state {
        RegisterState::Refused | RegisterState::Cancelled => text(&entry.reason),
        _ => String::new(),
    };
    let rehearsal =
        deployed.map(
            |deployed| match deployed.facts.record().deployment.rehearsal.get() {
                Ok(true) => "yes".to_owned(),
                Ok(false) => "no".to_owned(),
                Err(why) => why.kind.words().to_owned(),
            },
        );
    vec![
        entry.number.to_string(),
        text(&entry.deployment),
        match deployed.and_then(Deployed::mode) {
            Some(mode) => mode.words().to_owned(),
            None => entry.modes_words(),
        },
        entry.state.words().to_owned(),
        rehearsal.unwrap_or_default(),
        time(&entry.planned_start),
        time(&entry.planned_end),
        ran(|about| &about.start),
        ran(|about| &about.end),
        text(&entry.place),
        text(&entry.use_case),
        text(&entry.purpose),
        reason,
    ]
}

/// A row for each answer, and one for each cell of its rows.
pub(crate) fn answers(answers: &[Answer], broken: &[String]) -> Result<String, DocumentError> {
    let mut sheet = Sheet::new(&["question", "words", "kind", "row", "column", "value"])?;
    for Answer {
        number,
        question,
        answer,
        ..
    } in answers
    {
        let number = number.to_string();
        let mut whole =
            |kind: &str, value: &str| sheet.row(&[&number, *question, kind, "", "", value]);
        match answer {
            Held::None { because } => whole("none held", because)?,
            Held::OutOfScope { because } => whole("out of scope", because)?,
            Held::Information {
                sentence,
                columns,
                rows,
            } => {
                whole("answer", sentence)?;
                for (index, row) in rows.iter().enumerate() {
                    for (column, cell) in columns.iter().zip(row) {
                        let index = (index + 1).to_string();
                        sheet.row(&[&number, *question, "row", &index, *column, cell.as_str()])?;
                    }
                }
            }
        }
    }
    for sum in broken {
        sheet.row(&[
            "",
            "A sum that does not hold",
            "DOES NOT HOLD",
            "",
            "",
            sum.as_str(),
        ])?;
    }
    sheet.text()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_begins_as_a_formula_does() {
        for text in [
            "=1+1", "+1", "-1", "@SUM(A1)", "  =1", "\t=1", "\r=1", "＝1", "|x", "%0a",
        ] {
            assert!(harmless(text).starts_with('\''), "{text:?}");
        }
        assert_eq!(harmless("Oxford Circus"), "Oxford Circus");
    }
}
