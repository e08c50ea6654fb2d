//! The document of one deployment.

use serde::Serialize;

use super::{
    Block, Cell, DocumentError, Made, Page, Part, Table, Warning, footer, redactions_part,
    sums_table,
};
use crate::facts::{Facts, Redaction, given_away};
use crate::fields::{FieldInfo, Kind, SECTIONS, Section};
use crate::plots;
use crate::rates::{NamedRate, rates};
use crate::record::DeploymentRecord;
use crate::sheet;
use crate::sums::{Check, checks};
use crate::text::grouped;

/// A deployment's record with its rates and sums, ready to be written.
pub struct DeploymentReport {
    facts: Facts,
    redactions: Vec<Redaction>,
    made: Made,
}

/// As JSON (`deployment-report.schema.json` beside this crate's manifest).
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Json<'a> {
    format: &'static str,
    made_at: jiff::Timestamp,
    made_by: String,
    record: &'a DeploymentRecord,
    rates: Vec<NamedRate>,
    sums: Vec<Check>,
    redactions: Vec<Redaction>,
}

impl DeploymentReport {
    /// Of a record.
    ///
    /// # Errors
    /// [`DocumentError::Facts`] for a redaction of something that is no field.
    pub fn of(
        record: &DeploymentRecord,
        redactions: &[Redaction],
        made: Made,
    ) -> Result<Self, DocumentError> {
        Ok(Self {
            facts: Facts::of(record, redactions)?,
            redactions: redactions.to_vec(),
            made,
        })
    }

    /// The sums that do not hold.
    pub fn broken(&self) -> Vec<Check> {
        crate::sums::broken(&self.facts)
    }

    /// Fields that were redacted and can be worked out from a sum all the same, each with that sum.
    pub fn given_away(&self) -> Vec<(&'static str, &'static str)> {
        given_away(&self.facts)
    }

    /// As JSON, indented.
    ///
    /// # Errors
    /// [`DocumentError::Json`]: none is known to happen.
    pub fn json(&self) -> Result<String, DocumentError> {
        let json = Json {
            format: "overt-deployment-report-1",
            made_at: self.made.at,
            made_by: crate::text::clean(&self.made.by),
            record: self.facts.record(),
            rates: rates(&self.facts),
            sums: checks(&self.facts),
            redactions: sheet::cleaned(&self.redactions),
        };
        Ok(serde_json::to_string_pretty(&json)? + "\n")
    }

    /// As CSV, a row for each field, rate and sum.
    ///
    /// # Errors
    /// [`DocumentError::Sheet`]: none is known to happen.
    pub fn csv(&self) -> Result<String, DocumentError> {
        sheet::deployment(&self.facts)
    }

    /// As one page.
    ///
    /// # Errors
    /// [`DocumentError::Html`]: none is known to happen.
    pub fn html(&self) -> Result<String, DocumentError> {
        Ok(crate::html::page(&self.page())?)
    }

    fn page(&self) -> Page {
        let facts = &self.facts;
        let sums = checks(facts);
        let broken: Vec<_> = sums.iter().filter(|check| check.is_broken()).collect();
        let mut warnings = Vec::new();
        if facts.record().deployment.rehearsal.value() == Some(&true) {
            warnings.push(Warning {
                what: "This was a rehearsal: nobody could be alerted on or stopped, and its counts are in no total.".to_owned(),
                particulars: Vec::new(),
                section: "deployment",
            });
        }
        if !broken.is_empty() {
            warnings.push(Warning {
                what: match broken.len() {
                    1 => "One sum does not hold. One of its figures has to be wrong, and nothing here says which.".to_owned(),
                    many => format!("{many} sums do not hold. Some of their figures have to be wrong, and nothing here says which."),
                },
                particulars: broken.iter().map(ToString::to_string).collect(),
                section: "sums",
            });
        }
        let tile = |path: &'static str, words: &str| {
            let cell = match facts.count(path) {
                Ok(count) => Cell::new(grouped(count)),
                Err(why) => Cell::absent_briefly(&why),
            };
            (words.to_owned(), cell)
        };
        let mut sections = vec![rates_part(&rates(facts))];
        sections.extend(SECTIONS.iter().map(|section| part(facts, section)));
        sections.push(Part {
            id: "sums",
            heading: "Do the counts fit together?".to_owned(),
            intro: String::new(),
            blocks: vec![Block::Table(sums_table(&sums))],
        });
        sections.extend(redactions_part(&self.redactions));
        Page {
            kind: "Record of a deployment of facial recognition",
            title: facts.title(),
            lead: Vec::new(),
            warnings,
            tiles: vec![
                tile(
                    "watchlist.largest.people",
                    "people on the watchlist, at its largest",
                ),
                tile("faces.tracks", "faces seen"),
                tile("alerts.raised", "alerts"),
                tile("alerts.false-alerts", "of these false"),
                tile("stops.total", "stops"),
                tile("stops.identity-checked", "identities checked"),
                tile("outcomes.arrests", "arrests"),
                tile("frames.unseen", "frames that no healthy plugin saw"),
            ],
            sections,
            footer: footer(&self.made),
        }
    }
}

/// Rates as a table.
pub(super) fn rates_part(rates: &[NamedRate]) -> Part {
    let row = |rate: &NamedRate| {
        let [count, of, part, interval] = rate.cells();
        let mark = match rate.measured {
            crate::rates::Measured::Rate(_) => "",
            crate::rates::Measured::Impossible { .. } => "wrong",
            _ => "absent",
        };
        vec![
            Cell::new(rate.words),
            Cell::new(count),
            Cell::new(of),
            Cell::marked(part, mark),
            Cell::new(interval),
        ]
    };
    Part {
        id: "rates",
        heading: "Rates".to_owned(),
        intro: "A false alert rate is always given twice, of the faces seen and of the alerts: the first says what it is for a passer-by, the second what it \
                is for somebody who was alerted on. A face counts once a pass, not once a frame, which would make the rate look smaller. The interval says \
                what the rate may be, given how few or many were counted."
            .to_owned(),
        blocks: vec![Block::Table(Table::new(
            "Rates, with the counts that they are made of",
            ["What", "Count", "Of", "Rate", "95 % interval (Wilson)"],
            rates.iter().map(row).collect(),
        ))],
    }
}

fn part(facts: &Facts, section: &'static Section) -> Part {
    let mut blocks = Vec::new();
    let mut values = Vec::new();
    for field in section.fields {
        match field.kind {
            Kind::Rows(columns) => match facts.rows(field.path) {
                Ok(rows) if rows.is_empty() => {
                    values.push((field.label.to_owned(), Cell::new("none")))
                }
                Ok(rows) => {
                    blocks.extend(plot(facts, field));
                    let labels = columns.iter().map(|column| column.label);
                    let rows = rows
                        .into_iter()
                        .map(|row| row.into_iter().map(Cell::new).collect());
                    blocks.push(Block::Table(Table::new(
                        field.label,
                        labels,
                        rows.collect(),
                    )));
                }
                Err(why) => values.push((field.label.to_owned(), Cell::absent(&why))),
            },
            _ => values.push((
                field.label.to_owned(),
                match facts.shown(field) {
                    Ok(value) if value.trim().is_empty() => Cell::marked("left empty", "absent"),
                    Ok(value) => Cell::new(value),
                    Err(why) => Cell::absent(&why),
                },
            )),
        }
    }
    blocks.insert(0, Block::Facts(values));
    blocks.retain(|block| !matches!(block, Block::Facts(values) if values.is_empty()));
    Part {
        id: section.id,
        heading: section.heading.to_owned(),
        intro: section.intro.to_owned(),
        blocks,
    }
}

/// The drawing of a field that has one.
fn plot(facts: &Facts, field: &FieldInfo) -> Option<Block> {
    let record = facts.record();
    let svg = match field.path {
        "alerts.over-time" => plots::over_time(record.alerts.over_time.value()?),
        "alerts.scores" => plots::scores(
            record.alerts.scores.value()?,
            record.threshold.score_floor.value().copied(),
        ),
        _ => None,
    };
    svg.map(Block::Plot)
}
