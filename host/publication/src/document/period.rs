//! The document of a period.

use serde::Serialize;

use super::deployment::rates_part;
use super::{
    Block, Cell, DocumentError, Made, Page, Part, Table, Warning, capitalised, footer,
    redactions_part,
};
use crate::facts::Redaction;
use crate::field::{Absence, Field};
use crate::period::{Deployed, Disagreement, Entry, Period, RateOfAll, Span, Total};
use crate::rates::{NamedRate, rates};
use crate::record::{DeploymentRecord, Mode};
use crate::register::{Gone, RegisterState};
use crate::sheet;
use crate::sums::{Check, broken, checks};
use crate::text::{clean, day, grouped, moment};

/// A period with its totals, ready to be written.
pub struct PeriodReport {
    period: Period,
    redactions: Vec<Redaction>,
    made: Made,
}

/// As JSON (`period-report.schema.json` beside this crate's manifest).
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Json<'a> {
    format: &'static str,
    made_at: jiff::Timestamp,
    made_by: String,
    period: Span,
    register: RegisterJson<'a>,
    modes: Vec<ModeJson>,
    deployments: Vec<DeploymentJson<'a>>,
    disagreements: Vec<Disagreement>,
    redactions: Vec<Redaction>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct RegisterJson<'a> {
    last_number: u64,
    gone: &'a [Gone],
    entries: &'a [Entry],
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct ModeJson {
    mode: Mode,
    deployments: usize,
    totals: Vec<Total>,
    rates: Vec<RateOfAll>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct DeploymentJson<'a> {
    number: u64,
    record: &'a DeploymentRecord,
    rates: Vec<NamedRate>,
    sums: Vec<Check>,
}

impl<'a> DeploymentJson<'a> {
    fn of(deployed: &'a Deployed) -> Self {
        let Deployed { entry, facts } = deployed;
        Self {
            number: entry.number,
            record: facts.record(),
            rates: rates(facts),
            sums: checks(facts),
        }
    }
}

impl PeriodReport {
    /// Of a period. The redactions are those that it was made with: they are listed.
    pub fn of(period: Period, redactions: &[Redaction], made: Made) -> Self {
        let redactions = redactions.to_vec();
        Self {
            period,
            redactions,
            made,
        }
    }

    /// The sums that do not hold, by the deployment's number.
    pub fn broken(&self) -> Vec<(u64, Check)> {
        let of = |deployed: &Deployed| {
            let number = deployed.entry.number;
            broken(&deployed.facts)
                .into_iter()
                .map(move |check| (number, check))
        };
        self.period.deployments().iter().flat_map(of).collect()
    }

    /// Fields that were redacted and can be worked out from a sum all the same: the deployment's number, the field, the sum.
    pub fn given_away(&self) -> Vec<(u64, &'static str, &'static str)> {
        let of = |deployed: &Deployed| {
            let number = deployed.entry.number;
            let found = crate::facts::given_away(&deployed.facts);
            found
                .into_iter()
                .map(move |(field, sum)| (number, field, sum))
        };
        self.period.deployments().iter().flat_map(of).collect()
    }

    /// As JSON, indented.
    ///
    /// # Errors
    /// [`DocumentError::Json`]: none is known to happen.
    pub fn json(&self) -> Result<String, DocumentError> {
        let period = &self.period;
        let mode = |mode| ModeJson {
            mode,
            deployments: period.counted(mode).count(),
            totals: period.totals(mode),
            rates: period.rates(mode),
        };
        let json = Json {
            format: "overt-period-report-1",
            made_at: self.made.at,
            made_by: clean(&self.made.by),
            period: period.span(),
            register: RegisterJson {
                last_number: period.last_number(),
                gone: period.gone(),
                entries: period.entries(),
            },
            modes: Mode::ALL.into_iter().map(mode).collect(),
            deployments: period
                .deployments()
                .iter()
                .map(DeploymentJson::of)
                .collect(),
            disagreements: period.disagreements(),
            redactions: sheet::cleaned(&self.redactions),
        };
        Ok(serde_json::to_string_pretty(&json)? + "\n")
    }

    /// As CSV, a row for each entry of the register.
    ///
    /// # Errors
    /// [`DocumentError::Sheet`]: none is known to happen.
    pub fn csv(&self) -> Result<String, DocumentError> {
        sheet::period(&self.period)
    }

    /// As one page.
    ///
    /// # Errors
    /// [`DocumentError::Html`]: none is known to happen.
    pub fn html(&self) -> Result<String, DocumentError> {
        Ok(crate::html::page(&self.page())?)
    }

    fn page(&self) -> Page {
        let period = &self.period;
        let span = period.span();
        let broken = self.broken();
        let disagreements = period.disagreements();
        let mut warnings = Vec::new();
        if !broken.is_empty() {
            let particular = |(number, check): &(u64, Check)| format!("number {number}: {check}");
            warnings.push(Warning {
                what: match broken.len() {
                    1 => "One sum does not hold. The totals below are of the figures as they are on record.".to_owned(),
                    many => format!("{many} sums do not hold. The totals below are of the figures as they are on record."),
                },
                particulars: broken.iter().map(particular).collect(),
                section: "deployments",
            });
        }
        if !disagreements.is_empty() {
            let particular = |one: &Disagreement| {
                format!(
                    "number {}: the record says {} “{}”, the register “{}”",
                    one.number, one.what, one.record, one.register
                )
            };
            warnings.push(Warning {
                what: "Records say otherwise than the register.".to_owned(),
                particulars: disagreements.iter().map(particular).collect(),
                section: "register",
            });
        }
        let of_state = |state: RegisterState| {
            period
                .entries()
                .iter()
                .filter(|entry| entry.state == state)
                .count()
        };
        let told: Vec<_> = [
            RegisterState::Planned,
            RegisterState::Authorised,
            RegisterState::Refused,
            RegisterState::Cancelled,
            RegisterState::Run,
            RegisterState::Closed,
        ]
        .into_iter()
        .map(|state| format!("{} {}", of_state(state), state.words()))
        .collect();
        let mut lead = vec![
            format!(
                "The deployments that were planned to start from {} until before {}: {} in the register ({}).",
                moment(span.from),
                moment(span.to),
                period.entries().len(),
                told.join(", ")
            ),
            match period.last_number() {
                0 => format!("{} yet.", period.whole_words()),
                _ => format!("{}.", period.whole_words()),
            },
        ];
        lead.extend(period.gone_words());
        let mut sections = Vec::new();
        for mode in Mode::ALL {
            sections.extend(mode_parts(period, mode));
        }
        sections.push(deployments_part(period));
        sections.push(register_part(period));
        sections.extend(redactions_part(&self.redactions));
        Page {
            kind: "Deployments of facial recognition",
            title: format!("{} to {}", day(span.from), day(last_day(span))),
            lead,
            warnings,
            tiles: Vec::new(),
            sections,
            footer: footer(&self.made),
        }
    }
}

/// The last day that belongs to a span whose end does not.
pub(super) fn last_day(span: Span) -> jiff::Timestamp {
    let before = jiff::Timestamp::from_millisecond(span.to.as_millisecond() - 1);
    before.unwrap_or(span.to).max(span.from)
}

/// Totals and rates of a mode; nothing where no deployment of it counts.
fn mode_parts(period: &Period, mode: Mode) -> Vec<Part> {
    let deployments = period.counted(mode).count();
    if deployments == 0 {
        return vec![Part {
            id: mode_ids(mode)[0],
            heading: capitalised(mode.words()),
            intro: String::new(),
            blocks: vec![Block::Text(
                "None: no deployment of this mode ran in the period, rehearsals aside.".to_owned(),
            )],
        }];
    }
    let row = |total: &Total| {
        let of = match total.recorded_by == total.of {
            true => Cell::new(format!("all {}", total.of)),
            false => Cell::marked(format!("{} of {}", total.recorded_by, total.of), "absent"),
        };
        let sum = match total.recorded_by {
            0 => match total.missing.first() {
                Some(first)
                    if total
                        .missing
                        .iter()
                        .all(|one| one.why.kind == first.why.kind) =>
                {
                    Cell::absent_briefly(&first.why)
                }
                _ => Cell::marked("not recorded or left out", "absent"),
            },
            _ => Cell::new(grouped(total.total)),
        };
        vec![Cell::new(total.words), sum, of]
    };
    let rates = period.rates(mode);
    let named: Vec<_> = rates.iter().map(|rate| rate.rate.clone()).collect();
    let mut rates_part = rates_part(&named);
    rates_part.id = mode_ids(mode)[1];
    rates_part.heading = format!("{}: rates", capitalised(mode.words()));
    let partly: Vec<_> = rates
        .iter()
        .filter(|rate| rate.recorded_by < rate.deployments)
        .map(|rate| {
            format!(
                "“{}” is of {} of {} deployments",
                rate.rate.words, rate.recorded_by, rate.deployments
            )
        })
        .collect();
    if !partly.is_empty() {
        let text = format!(
            "A rate is of the deployments that recorded both of its counts: {}.",
            partly.join("; ")
        );
        rates_part.blocks.push(Block::Text(text));
    }
    let totals = period.totals(mode);
    let deployments = match deployments {
        1 => "1 deployment".to_owned(),
        many => format!("{} deployments", grouped(many as u64)),
    };
    vec![
        Part {
            id: mode_ids(mode)[0],
            heading: format!("{}: totals", capitalised(mode.words())),
            intro: format!(
                "{deployments}, rehearsals aside. Watchlists are not added up: one person can be on several."
            ),
            blocks: vec![Block::Table(Table::new(
                "Totals, and how many deployments recorded each count",
                ["What", "Total", "Recorded by"],
                totals.iter().map(row).collect(),
            ))],
        },
        rates_part,
    ]
}

fn mode_ids(mode: Mode) -> [&'static str; 2] {
    match mode {
        Mode::Live => ["live", "live-rates"],
        Mode::Retrospective => ["retrospective", "retrospective-rates"],
        Mode::Operator => ["operator", "operator-rates"],
    }
}

fn text_cell(field: &Field<String>) -> Cell {
    cell(field.get().map(|text| Cell::new(text.as_str())))
}

fn time_cell(field: &Field<jiff::Timestamp>) -> Cell {
    cell(field.get().map(|time| Cell::new(moment(*time))))
}

fn cell(found: Result<Cell, Absence>) -> Cell {
    found.unwrap_or_else(|why| Cell::absent(&why))
}

fn deployments_part(period: &Period) -> Part {
    const COUNTS: [(&str, &str); 8] = [
        ("watchlist.largest.people", "People sought, most"),
        ("faces.tracks", "Faces"),
        ("alerts.raised", "Alerts"),
        ("alerts.false-alerts", "False"),
        ("stops.total", "Stops"),
        ("stops.identity-checked", "Identities checked"),
        ("stops.verified-correct", "Verified correct"),
        ("outcomes.arrests", "Arrests"),
    ];
    let row = |deployed: &Deployed| {
        let start = &deployed.facts.record().deployment.start;
        let start = match start.value() {
            Some(_) => start,
            None => &deployed.entry.planned_start,
        };
        let mut row = vec![
            Cell::new(deployed.entry.number.to_string()),
            text_cell(&deployed.entry.place),
            cell(start.get().map(|time| Cell::new(day(*time)))),
            Cell::new(deployed.mode().map_or("", Mode::words)),
        ];
        row.extend(
            COUNTS
                .iter()
                .map(|(path, _)| match deployed.facts.count(path) {
                    Ok(count) => Cell::new(grouped(count)),
                    Err(why) => Cell::absent_briefly(&why),
                }),
        );
        row.push(match broken(&deployed.facts).len() {
            0 => Cell::new("0"),
            many => Cell::marked(many.to_string(), "wrong"),
        });
        row
    };
    let mut labels = vec!["Number", "Place", "Date", "Mode"];
    labels.extend(COUNTS.iter().map(|(_, label)| *label));
    labels.push("Sums that do not hold");
    let rows = |rehearsed: bool| -> Vec<_> {
        let those = period.deployments().iter();
        those
            .filter(|deployed| deployed.is_rehearsal() == rehearsed)
            .map(row)
            .collect()
    };
    let (ran, rehearsed) = (rows(false), rows(true));
    let mut blocks = vec![match ran.is_empty() {
        true => Block::Text("No deployment ran in the period, rehearsals aside.".to_owned()),
        false => Block::Table(Table::new("Deployments that ran", labels.clone(), ran)),
    }];
    if !rehearsed.is_empty() {
        blocks.push(Block::Table(Table::new(
            "Only rehearsed: nobody could be alerted on, and nothing of it is in a total",
            labels,
            rehearsed,
        )));
    }
    Part {
        id: "deployments",
        heading: "Each deployment".to_owned(),
        intro: "The record of each has every other count, and the reason wherever one is missing."
            .to_owned(),
        blocks,
    }
}

fn register_part(period: &Period) -> Part {
    let row = |entry: &Entry| {
        vec![
            Cell::new(entry.number.to_string()),
            text_cell(&entry.deployment),
            Cell::new(entry.modes_words()),
            Cell::new(entry.state.words()),
            time_cell(&entry.planned_start),
            time_cell(&entry.planned_end),
            text_cell(&entry.place),
            text_cell(&entry.purpose),
            match &entry.reason {
                Field::NotApplicable(_) => Cell::new("–"),
                reason => text_cell(reason),
            },
        ]
    };
    let rows: Vec<_> = period.entries().iter().map(row).collect();
    let blocks = match rows.is_empty() {
        true => vec![Block::Text(
            "Nothing was planned to start in the period.".to_owned(),
        )],
        false => vec![Block::Table(Table::new(
            "The register’s entries of the period, whether they ran or not",
            [
                "Number",
                "Deployment",
                "Mode",
                "State",
                "Planned from",
                "Until",
                "Place",
                "Purpose",
                "Why refused or cancelled",
            ],
            rows,
        ))],
    };
    Part {
        id: "register",
        heading: "The register".to_owned(),
        intro: String::new(),
        blocks,
    }
}
