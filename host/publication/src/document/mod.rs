//! Documents for those who publish and those who ask: a deployment, a period, the answers to questions, each as HTML, CSV and JSON. What all three
//! formats say is decided once, here; [`crate::html`] and [`crate::sheet`] only write it.

mod answers;
mod deployment;
mod period;

pub use answers::AnswersReport;
pub use deployment::DeploymentReport;
pub use period::PeriodReport;

use jiff::Timestamp;

use crate::facts::{FactsError, Redaction};
use crate::field::Absence;
use crate::fields;
use crate::sums::{Check, Relation, Verdict};
use crate::text::{clean, grouped};

/// When and by what a document was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// When: what is put on record later is not in it.
    pub at: Timestamp,
    /// Version of the software that made it.
    pub by: String,
}

/// Why there is no document.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// The facts.
    #[error("{0}")]
    Facts(#[from] FactsError),
    /// The period.
    #[error("{0}")]
    Period(#[from] crate::period::PeriodError),
    /// The page could not be written.
    #[error("the page cannot be written: {0}")]
    Html(#[from] askama::Error),
    /// The sheet could not be written.
    #[error("the sheet cannot be written: {cause}")]
    Sheet {
        /// Why.
        cause: String,
    },
    /// The JSON could not be written.
    #[error("the JSON cannot be written: {0}")]
    Json(#[from] serde_json::Error),
}

/// A page, before it is HTML.
pub(crate) struct Page {
    /// What kind of document it is.
    pub(crate) kind: &'static str,
    pub(crate) title: String,
    /// Sentences at the top.
    pub(crate) lead: Vec<String>,
    /// What a reader has to know before they use a figure.
    pub(crate) warnings: Vec<Warning>,
    /// The figures at a glance: words and figure.
    pub(crate) tiles: Vec<(String, Cell)>,
    pub(crate) sections: Vec<Part>,
    pub(crate) footer: String,
}

/// A warning: what, and the particulars.
pub(crate) struct Warning {
    pub(crate) what: String,
    pub(crate) particulars: Vec<String>,
    /// The section that says more.
    pub(crate) section: &'static str,
}

pub(crate) struct Part {
    pub(crate) id: &'static str,
    pub(crate) heading: String,
    pub(crate) intro: String,
    pub(crate) blocks: Vec<Block>,
}

pub(crate) enum Block {
    /// Words and values.
    Facts(Vec<(String, Cell)>),
    Table(Table),
    /// A drawing, as SVG that this crate made.
    Plot(String),
    Text(String),
}

pub(crate) struct Table {
    pub(crate) caption: String,
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Vec<Cell>>,
}

pub(crate) struct Column {
    pub(crate) label: String,
    /// Whether figures stand in it.
    pub(crate) figures: bool,
}

/// A value as it is read.
#[derive(Clone)]
pub(crate) struct Cell {
    pub(crate) text: String,
    /// Nothing where it is a value; else how it looks: `absent`, `redacted`, `wrong`.
    pub(crate) mark: &'static str,
    /// Whether it is long and has no spaces.
    pub(crate) code: bool,
}

impl Cell {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        let code = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        Self {
            text,
            mark: "",
            code,
        }
    }

    pub(crate) fn marked(text: impl Into<String>, mark: &'static str) -> Self {
        Self {
            mark,
            ..Self::new(text)
        }
    }

    pub(crate) fn absent(absence: &Absence) -> Self {
        Self::marked(absence.to_string(), mark(absence))
    }

    /// A few words, where there is no room for the reason.
    pub(crate) fn absent_briefly(absence: &Absence) -> Self {
        Self::marked(absence.kind.words(), mark(absence))
    }
}

fn mark(absence: &Absence) -> &'static str {
    match absence.kind {
        crate::field::AbsenceKind::Redacted => "redacted",
        _ => "absent",
    }
}

impl Table {
    /// A table; a column whose cells are all figures is one of figures.
    pub(crate) fn new(
        caption: impl Into<String>,
        labels: impl IntoIterator<Item = impl Into<String>>,
        rows: Vec<Vec<Cell>>,
    ) -> Self {
        let is_figure = |cell: &Cell| {
            !cell.mark.is_empty()
                || cell
                    .text
                    .chars()
                    .all(|c| c.is_ascii_digit() || matches!(c, ',' | '.' | ' ' | '%'))
        };
        let columns = labels.into_iter().enumerate().map(|(place, label)| {
            let label = label.into();
            // A version looks like a figure and is a name.
            let figures = place > 0
                && label != "Version"
                && !rows.is_empty()
                && rows.iter().all(|row| row.get(place).is_some_and(is_figure));
            Column { label, figures }
        });
        Self {
            caption: caption.into(),
            columns: columns.collect(),
            rows,
        }
    }
}

fn footer(made: &Made) -> String {
    format!(
        "Made on {} by Overt {}. What was put on record later is not in it. The same facts are to be had as CSV and as JSON. All times are UTC.",
        crate::text::moment(made.at),
        clean(&made.by)
    )
}

/// The sums of a record as a table.
fn sums_table(checks: &[Check]) -> Table {
    let row = |check: &Check| {
        let (left, right) = check.sides();
        let sign = match check.relation {
            Relation::Equals => "=",
            Relation::AtLeast => "≥",
        };
        let (verdict, left_is, right_is) = match &check.verdict {
            Verdict::Holds { left, right } => (
                Cell::new("holds"),
                Cell::new(grouped(*left)),
                Cell::new(grouped(*right)),
            ),
            Verdict::DoesNotHold {
                left,
                right,
                missing,
            } => {
                let right = match missing.is_empty() {
                    true => grouped(*right),
                    false => format!("at least {}", grouped(*right)),
                };
                (
                    Cell::marked("DOES NOT HOLD", "wrong"),
                    Cell::marked(grouped(*left), "wrong"),
                    Cell::marked(right, "wrong"),
                )
            }
            Verdict::CannotBeChecked { missing } => {
                let kinds: std::collections::BTreeSet<_> = missing
                    .iter()
                    .map(|missing| missing.why.kind.words())
                    .collect();
                let which: Vec<_> = kinds.into_iter().collect();
                (
                    Cell::marked(
                        format!(
                            "cannot be checked: something in it is {}",
                            which.join(" or ")
                        ),
                        "absent",
                    ),
                    Cell::marked("–", "absent"),
                    Cell::marked("–", "absent"),
                )
            }
        };
        vec![
            Cell::new(capitalised(check.words)),
            Cell::new(format!("{left} {sign} {right}")),
            left_is,
            right_is,
            verdict,
        ]
    };
    Table::new(
        "The sums, one by one",
        [
            "What has to be so",
            "As a sum",
            "Left side",
            "Right side",
            "Verdict",
        ],
        checks.iter().map(row).collect(),
    )
}

/// What was left out.
fn redactions_table(redactions: &[Redaction]) -> Table {
    let row = |redaction: &Redaction| {
        let named = fields::named(&redaction.field).map(|field| field.label);
        vec![
            Cell::new(named.unwrap_or(&redaction.field)),
            Cell::new(match redaction.deployment {
                Some(number) => format!("number {number}"),
                None => "all in this document".to_owned(),
            }),
            Cell::new(clean(&redaction.reason)),
        ]
    };
    Table::new(
        "What is left out of this document, and why",
        ["What", "Of which deployment", "Why"],
        redactions.iter().map(row).collect(),
    )
}

fn redactions_part(redactions: &[Redaction]) -> Option<Part> {
    let part = || Part {
        id: "redactions",
        heading: "What is left out".to_owned(),
        intro:
            "A rate or a sum that needs something left out is not computed: it would give it away."
                .to_owned(),
        blocks: vec![Block::Table(redactions_table(redactions))],
    };
    (!redactions.is_empty()).then(part)
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).collect()
}
