//! The document that answers the questions.

use serde::Serialize;

use super::{
    Block, Cell, DocumentError, Made, Page, Part, Table, Warning, footer, redactions_part,
};
use crate::facts::Redaction;
use crate::period::{Period, Span};
use crate::questions::{Answer, Held, answers};
use crate::sheet;
use crate::sums::broken;
use crate::text::{clean, day, moment};

/// Every question with its answer, ready to be written.
pub struct AnswersReport {
    span: Span,
    answers: Vec<Answer>,
    broken: Vec<String>,
    redactions: Vec<Redaction>,
    made: Made,
}

/// As JSON (`answers.schema.json` beside this crate's manifest).
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Json<'a> {
    format: &'static str,
    made_at: jiff::Timestamp,
    made_by: String,
    period: Span,
    answers: &'a [Answer],
    sums_that_do_not_hold: &'a [String],
    redactions: Vec<Redaction>,
}

impl AnswersReport {
    /// The answers for a period.
    pub fn of(period: &Period, redactions: &[Redaction], made: Made) -> Self {
        let sentence = |deployed: &crate::period::Deployed| {
            let number = deployed.entry.number;
            let broken = broken(&deployed.facts).into_iter();
            broken.map(move |check| format!("number {number}: {check}"))
        };
        Self {
            span: period.span(),
            answers: answers(period),
            broken: period.deployments().iter().flat_map(sentence).collect(),
            redactions: redactions.to_vec(),
            made,
        }
    }

    /// The answers.
    pub fn answers(&self) -> &[Answer] {
        &self.answers
    }

    /// The sums that do not hold, in sentences.
    pub fn broken(&self) -> &[String] {
        &self.broken
    }

    /// As JSON, indented.
    ///
    /// # Errors
    /// [`DocumentError::Json`]: none is known to happen.
    pub fn json(&self) -> Result<String, DocumentError> {
        let json = Json {
            format: "overt-answers-1",
            made_at: self.made.at,
            made_by: clean(&self.made.by),
            period: self.span,
            answers: &self.answers,
            sums_that_do_not_hold: &self.broken,
            redactions: sheet::cleaned(&self.redactions),
        };
        Ok(serde_json::to_string_pretty(&json)? + "\n")
    }

    /// As CSV, a row for each answer and each row of it.
    ///
    /// # Errors
    /// [`DocumentError::Sheet`]: none is known to happen.
    pub fn csv(&self) -> Result<String, DocumentError> {
        sheet::answers(&self.answers, &self.broken)
    }

    /// As one page.
    ///
    /// # Errors
    /// [`DocumentError::Html`]: none is known to happen.
    pub fn html(&self) -> Result<String, DocumentError> {
        let warnings = match self.broken.is_empty() {
            true => Vec::new(),
            false => vec![Warning {
                what: "Some sums do not hold. Some of their figures have to be wrong, and nothing here says which.".to_owned(),
                particulars: self.broken.clone(),
                section: "main",
            }],
        };
        let mut sections: Vec<_> = self.answers.iter().map(part).collect();
        sections.extend(redactions_part(&self.redactions));
        let span = self.span;
        Ok(crate::html::page(&Page {
            kind: "Facial recognition: questions and answers",
            title: format!(
                "{} to {}",
                day(span.from),
                day(super::period::last_day(span))
            ),
            lead: vec![format!(
                "Answered from the force’s register and the records of its deployments that were planned to start from {} until before {}.",
                moment(span.from),
                moment(span.to)
            )],
            warnings,
            tiles: Vec::new(),
            sections,
            footer: footer(&self.made),
        })?)
    }
}

fn part(answer: &Answer) -> Part {
    let blocks = match &answer.answer {
        Held::None { because } => vec![Block::Text(format!("None held. {because}"))],
        Held::OutOfScope { because } => vec![Block::Text(format!("Not answered here: {because}."))],
        Held::Information {
            sentence,
            columns,
            rows,
        } => {
            let row = |row: &Vec<String>| row.iter().map(Cell::new).collect();
            vec![
                Block::Text(sentence.clone()),
                Block::Table(Table::new(
                    format!("Question {}, by deployment", answer.number),
                    columns.iter().copied(),
                    rows.iter().map(row).collect(),
                )),
            ]
        }
    };
    Part {
        id: PARTS[answer.number.min(PARTS.len()) - 1],
        heading: format!("{}. {}", answer.number, answer.question),
        intro: String::new(),
        blocks,
    }
}

/// The names of the answers in addresses.
const PARTS: [&str; 19] = [
    "q1", "q2", "q3", "q4", "q5", "q6", "q7", "q8", "q9", "q10", "q11", "q12", "q13", "q14", "q15",
    "q16", "q17", "q18", "q19",
];
