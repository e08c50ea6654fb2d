//! Several deployments together: those of a period, with every one of the register's numbers accounted for. What counts do not add up stays apart, and a total says
//! of how many deployments it is.

use jiff::Timestamp;
use serde::Serialize;

use crate::facts::{Facts, FactsError, Redaction};
use crate::field::{Absence, Field};
use crate::fields::{self, FieldInfo, Kind};
use crate::rates::{NamedRate, rates_of_all};
use crate::record::{DeploymentRecord, Mode};
use crate::register::{Gone, Register, RegisterEntry, RegisterError, RegisterState};
use crate::text::{clean, moment};

/// The one field of an entry that no record has: why a deployment was refused or cancelled. A redaction names it so.
pub const REASON: &str = "register.reason";

/// A span of time: from, that moment included, to, that moment not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Span {
    /// From.
    pub from: Timestamp,
    /// To.
    pub to: Timestamp,
}

/// The deployments of a period. A deployment belongs to the period in which it was planned to start.
#[derive(Clone, Debug)]
pub struct Period {
    span: Span,
    last_number: u64,
    gone: Vec<Gone>,
    entries: Vec<Entry>,
    deployments: Vec<Deployed>,
}

/// An entry of the register, ready to be published.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Entry {
    /// Its number.
    pub number: u64,
    /// The modes that it is planned for.
    pub modes: Vec<Mode>,
    /// Where it stands.
    pub state: RegisterState,
    /// Whether a run of it began in which somebody could be alerted on.
    pub has_run: bool,
    /// Id of the deployment.
    pub deployment: Field<String>,
    /// From when it is planned.
    pub planned_start: Field<Timestamp>,
    /// Until when.
    pub planned_end: Field<Timestamp>,
    /// Where.
    pub place: Field<String>,
    /// The force's word for why there.
    pub use_case: Field<String>,
    /// What for.
    pub purpose: Field<String>,
    /// How many body-worn cameras are planned.
    pub body_worn: Field<u64>,
    /// Why it was refused or cancelled.
    pub reason: Field<String>,
}

/// A deployment that ran.
#[derive(Clone, Debug)]
pub struct Deployed {
    /// Its entry in the register.
    pub entry: Entry,
    /// Its record.
    pub facts: Facts,
}

/// Why nothing can be said of a period.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeriodError {
    /// It ends before it begins.
    #[error("the period ends before it begins")]
    Backwards,
    /// The register has gaps and the like.
    #[error("{0}")]
    Register(#[from] RegisterError),
    /// A deployment ran, and its record is not there.
    #[error(
        "the register says that {deployment}, number {number}, has run, and its record is not here"
    )]
    NoRecord {
        /// Its number.
        number: u64,
        /// Its id.
        deployment: String,
    },
    /// A record has no number of the register.
    #[error("the record of {deployment} has no number of the register")]
    NoNumber {
        /// The deployment, as its record calls it.
        deployment: String,
    },
    /// There is a record, and the register says that the deployment never ran.
    #[error("there is a record of number {number}, and the register knows of no run of it: it is {}", .state.words())]
    NeverRan {
        /// Its number.
        number: u64,
        /// What the register says.
        state: RegisterState,
    },
    /// A record's number is in no entry.
    #[error("there is a record of number {number}, and the register has no such entry")]
    Unregistered {
        /// Its number.
        number: u64,
    },
    /// Two records have one number and one mode.
    #[error("two records of one mode have the number {number}")]
    TwoRecords {
        /// The number.
        number: u64,
    },
    /// A record cannot be published as asked.
    #[error("{0}")]
    Facts(#[from] FactsError),
}

/// A count of a period.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Total {
    /// The field.
    pub field: &'static str,
    /// Its words.
    pub words: &'static str,
    /// The sum over the deployments that recorded it.
    pub total: u64,
    /// How many those are.
    pub recorded_by: usize,
    /// Of how many.
    pub of: usize,
    /// The others, by number.
    pub missing: Vec<MissingFrom>,
}

/// A deployment that did not record a count.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct MissingFrom {
    /// Its number.
    pub number: u64,
    /// Why.
    pub why: Absence,
}

/// A rate of a period.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct RateOfAll {
    /// The rate.
    #[serde(flatten)]
    pub rate: NamedRate,
    /// How many deployments recorded both of its counts.
    pub recorded_by: usize,
    /// Of how many.
    pub deployments: usize,
}

/// Something that the record says otherwise than the register.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Disagreement {
    /// The deployment's number.
    pub number: u64,
    /// What.
    pub what: &'static str,
    /// The record says.
    pub record: String,
    /// The register says.
    pub register: String,
}

/// Whether faces were compared.
fn ran(record: &DeploymentRecord) -> bool {
    record.deployment.start.value().is_some()
}

/// Whether all that ran were rehearsals.
fn rehearsed(record: &DeploymentRecord) -> bool {
    record.deployment.rehearsal.value() == Some(&true)
}

impl Period {
    /// Of a register and records. The register has to be whole; the records are those of all deployments in the period that ran, and more do no harm.
    ///
    /// # Errors
    /// [`PeriodError`].
    pub fn of(
        span: Span,
        register: &Register,
        records: &[DeploymentRecord],
        redactions: &[Redaction],
    ) -> Result<Self, PeriodError> {
        if span.to < span.from {
            return Err(PeriodError::Backwards);
        }
        register.check()?;
        // A deployment has a record for each mode that it ran in.
        let mut of_numbers: std::collections::BTreeMap<u64, Vec<&DeploymentRecord>> =
            std::collections::BTreeMap::new();
        for record in records {
            let Some(number) = record.deployment.number.value().copied() else {
                let id = record.deployment.id.value();
                let deployment =
                    id.map_or("a deployment without a name".to_owned(), |id| clean(id));
                return Err(PeriodError::NoNumber { deployment });
            };
            let of_number = of_numbers.entry(number).or_default();
            let mode = record.deployment.mode.value();
            if of_number
                .iter()
                .any(|other| other.deployment.mode.value() == mode)
            {
                return Err(PeriodError::TwoRecords { number });
            }
            of_number.push(record);
        }
        for (number, records) in &of_numbers {
            let number = *number;
            match register.entries.iter().find(|entry| entry.number == number) {
                None => return Err(PeriodError::Unregistered { number }),
                Some(entry)
                    if !entry.has_run
                        && records
                            .iter()
                            .any(|record| ran(record) && !rehearsed(record)) =>
                {
                    let state = entry.state;
                    return Err(PeriodError::NeverRan { number, state });
                }
                Some(_) => {}
            }
        }
        let within = |entry: &&RegisterEntry| {
            span.from <= entry.planned_start && entry.planned_start < span.to
        };
        let mut within: Vec<_> = register.entries.iter().filter(within).collect();
        within.sort_by_key(|entry| entry.number);
        for redaction in redactions {
            let known = |number: &u64| within.iter().any(|entry| entry.number == *number);
            if let Some(number) = redaction.deployment.filter(|number| !known(number)) {
                return Err(FactsError::NoSuchDeployment { number }.into());
            }
        }
        // A redaction that names no field at all is a mistake even where no deployment has run.
        let of_record = |redaction: &&Redaction| redaction.field != REASON;
        let of_records: Vec<_> = redactions.iter().filter(of_record).cloned().collect();
        Facts::of(&DeploymentRecord::default(), &of_records)?;
        let (mut entries, mut deployments) = (Vec::new(), Vec::new());
        for entry in within {
            let number = entry.number;
            let concerns =
                |redaction: &&Redaction| redaction.deployment.is_none_or(|of| of == number);
            let of_record: Vec<_> = of_records.iter().filter(concerns).cloned().collect();
            let redactions: Vec<_> = redactions.iter().filter(concerns).collect();
            let published = Entry::of(entry, &redactions);
            // A rehearsal needs no number and no record: where there is one, it is listed.
            let found = of_numbers.get(&number).map_or(&[][..], Vec::as_slice);
            if found.is_empty() && entry.has_run {
                let deployment = clean(&entry.deployment);
                return Err(PeriodError::NoRecord { number, deployment });
            }
            for record in found.iter().filter(|record| entry.has_run || ran(record)) {
                deployments.push(Deployed {
                    entry: published.clone(),
                    facts: Facts::of(record, &of_record)?,
                });
            }
            entries.push(published);
        }
        Ok(Self {
            span,
            last_number: register.last_number,
            gone: register.gone.clone(),
            entries,
            deployments,
        })
    }

    /// From when to when.
    pub fn span(&self) -> Span {
        self.span
    }

    /// The newest number of the register when this was made: whoever asks again sees what came after.
    pub fn last_number(&self) -> u64 {
        self.last_number
    }

    /// Numbers of the register whose entries are gone by the period of the force's rules, whatever their dates were.
    pub fn gone(&self) -> &[Gone] {
        &self.gone
    }

    /// Those of them that can have been of this period.
    pub fn gone_of_it(&self) -> impl Iterator<Item = &Gone> {
        self.gone.iter().filter(|gone| self.span.from < gone.before)
    }

    /// That every number is accounted for, in words that a sentence can begin with.
    pub(crate) fn whole_words(&self) -> String {
        const WHAT: &str =
            "The register, in which every deployment has a number before it may start,";
        let last = self.last_number;
        match (last, self.gone.is_empty()) {
            (0, _) => format!("{WHAT} has given none"),
            (_, true) => format!("{WHAT} is whole from 1 to {last}"),
            (_, false) => format!(
                "{WHAT} accounts for each from 1 to {last}: the entries {} are gone by the period of the force’s rules",
                list(self.gone.iter())
            ),
        }
    }

    /// What is not known of the period because entries are gone that can have been of it; `None` where none can.
    pub(crate) fn gone_words(&self) -> Option<String> {
        let before = self.gone_of_it().map(|gone| gone.before).max()?;
        Some(format!(
            "The register’s entries {} are gone by the period of the force’s rules. They were of before {}, so that deployments of this period can be among them; nothing here counts those.",
            list(self.gone_of_it()),
            moment(before)
        ))
    }

    /// Every entry of the register that was planned to start in the period, by number.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The deployments that ran, by number.
    pub fn deployments(&self) -> &[Deployed] {
        &self.deployments
    }

    /// Those of a mode that count: rehearsals do not.
    pub fn counted(&self, mode: Mode) -> impl Iterator<Item = &Deployed> + Clone {
        let counts = move |deployed: &&Deployed| deployed.is_of(mode) && !deployed.is_rehearsal();
        self.deployments.iter().filter(counts)
    }

    /// The sums of a mode's counts.
    pub fn totals(&self, mode: Mode) -> Vec<Total> {
        let counted = self.counted(mode);
        let adds = |field: &&FieldInfo| field.kind == Kind::Count { adds: true };
        let total = |field: &'static FieldInfo| {
            let (mut total, mut recorded_by, mut missing) = (0u64, 0, Vec::new());
            for deployed in counted.clone() {
                match deployed.facts.count(field.path) {
                    Ok(count) => {
                        total = total.saturating_add(count);
                        recorded_by += 1;
                    }
                    Err(why) => missing.push(MissingFrom {
                        number: deployed.entry.number,
                        why,
                    }),
                }
            }
            Total {
                field: field.path,
                words: field.label,
                total,
                recorded_by,
                of: recorded_by + missing.len(),
                missing,
            }
        };
        fields::counts().filter(adds).map(total).collect()
    }

    /// The rates of a mode.
    pub fn rates(&self, mode: Mode) -> Vec<RateOfAll> {
        let counted = self.counted(mode);
        let deployments = counted.clone().count();
        let of_all = |(rate, recorded_by)| RateOfAll {
            rate,
            recorded_by,
            deployments,
        };
        let facts = counted.map(|deployed| &deployed.facts);
        rates_of_all(facts).into_iter().map(of_all).collect()
    }

    /// Where records say otherwise than the register.
    pub fn disagreements(&self) -> Vec<Disagreement> {
        let mut found = Vec::new();
        for Deployed { entry, facts } in &self.deployments {
            let about = &facts.record().deployment;
            let mode = about.mode.value();
            let other = mode.filter(|mode| !entry.modes.contains(mode));
            let mode = other.map(|mode| mode.words().to_owned());
            let live = rehearsed(facts.record()) && entry.has_run;
            let live = live.then(|| "rehearsals only".to_owned());
            let of_register = |field: &Field<String>| field.value().cloned();
            let said = [
                (
                    "deployment",
                    about.id.value().cloned(),
                    of_register(&entry.deployment),
                ),
                ("mode", mode, Some(entry.modes_words())),
                ("runs", live, Some("one that was no rehearsal".to_owned())),
                (
                    "place",
                    about.place.value().cloned(),
                    of_register(&entry.place),
                ),
            ];
            for (what, record, register) in said {
                if let (Some(record), Some(register)) = (record, register)
                    && record != register
                {
                    found.push(Disagreement {
                        number: entry.number,
                        what,
                        record,
                        register,
                    });
                }
            }
        }
        found
    }
}

fn list<'g>(gone: impl Iterator<Item = &'g Gone>) -> String {
    gone.map(Gone::words).collect::<Vec<_>>().join("; ")
}

impl Deployed {
    /// Whether it was a rehearsal. What nobody marked as one is none.
    pub fn is_rehearsal(&self) -> bool {
        rehearsed(self.facts.record())
    }

    /// The mode in which it ran, as its record says; where that is silent, the first that was planned.
    pub fn mode(&self) -> Option<Mode> {
        let recorded = self.facts.record().deployment.mode.value();
        recorded.or(self.entry.modes.first()).copied()
    }

    /// Whether it ran in a mode.
    pub fn is_of(&self, mode: Mode) -> bool {
        self.mode() == Some(mode)
    }
}

impl Entry {
    /// Its modes as people read them.
    pub fn modes_words(&self) -> String {
        let words: Vec<_> = self.modes.iter().map(|mode| mode.words()).collect();
        words.join(", ")
    }

    /// What is left out of a record is left out of the entry beside it.
    fn of(entry: &RegisterEntry, redactions: &[&Redaction]) -> Self {
        let redacted = |field: &str| {
            redactions
                .iter()
                .copied()
                .find(|redaction| redaction.field == field)
        };
        fn field<T>(value: Option<T>, unsaid: &str, redacted: Option<&Redaction>) -> Field<T> {
            match redacted {
                Some(redaction) => Field::Redacted(clean(&redaction.reason)),
                None => Field::from_option(value, unsaid),
            }
        }
        let text = |text: &str, path: &str| {
            let text = Some(clean(text)).filter(|text| !text.trim().is_empty());
            field(text, "the register does not say", redacted(path))
        };
        let reason = match entry.state {
            RegisterState::Refused | RegisterState::Cancelled => text(&entry.reason, REASON),
            state => Field::NotApplicable(format!("it is {}", state.words())),
        };
        Self {
            number: entry.number,
            modes: entry.modes.clone(),
            state: entry.state,
            has_run: entry.has_run,
            deployment: text(&entry.deployment, "deployment.id"),
            planned_start: field(
                Some(entry.planned_start),
                "",
                redacted("deployment.planned-start"),
            ),
            planned_end: field(
                Some(entry.planned_end),
                "",
                redacted("deployment.planned-end"),
            ),
            place: text(&entry.place, "deployment.place"),
            use_case: text(&entry.use_case, "deployment.use-case"),
            purpose: text(&entry.purpose, "deployment.purpose"),
            body_worn: field(
                entry.body_worn,
                "the plan does not say",
                redacted("cameras.body-worn").or(redacted("cameras")),
            ),
            reason,
        }
    }
}
