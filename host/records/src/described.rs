//! Ethnicity, sex and age band of people who were engaged: as counts, and in no other form.
//!
//! They are published, and nobody has to be able to learn them of anybody. So there is no row of a person: each of the three has counters of its own, so that not even which
//! of them belong together is kept; and nothing leads from a counter to an alert, a name or a time. The mode in which they were engaged is all that divides them, for each
//! mode has a record of its own. That is also why this is the one change of the records that the audit
//! log does not tell of: an event has a time, and the time would lead to the stop. The price is that nobody can see from the log whether a counter was changed.
//! What is not recorded is counted as that. No software infers any of it: the person says it, or the officer does.

use crate::error::RecordsError;
use crate::fault::Fault;
use crate::judgements::living_in;
use crate::life::{Judge, JudgingRole, StepKind};
use crate::runs::RunMode;
use crate::store::Store;
use crate::tables::{ALERTS, DESCRIBED, DESCRIBED_IN, RUNS, if_there};
use crate::transaction::Change;
use redb::ReadableTable;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most characters of a word for an ethnicity.
const MOST_WORD: usize = 32;

/// What is counted of a person; what is absent was not recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Described {
    /// In which mode they were engaged; absent: in the only one in which anybody was.
    #[serde(default)]
    pub mode: Option<RunMode>,
    /// A word or code of the force's own list: 1 to 32 letters, digits and hyphens.
    pub ethnicity: Option<Said<String>>,
    /// Sex.
    pub sex: Option<Said<Sex>>,
    /// Age band.
    pub age: Option<Said<AgeBand>>,
}

/// Something, and who said it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said<T> {
    /// What.
    pub what: T,
    /// Who.
    pub by: DefinedBy,
}

/// Who said it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DefinedBy {
    /// The person.
    Themselves,
    /// The officer.
    Officer,
}

/// Sex.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Sex {
    Female,
    Male,
    Other,
}

/// Age band.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AgeBand {
    /// Under 18.
    Under18,
    /// 18 to 24.
    From18,
    /// 25 to 34.
    From25,
    /// 35 to 44.
    From35,
    /// 45 to 54.
    From45,
    /// 55 to 64.
    From55,
    /// 65 and over.
    From65,
}

/// A counter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DescribedCount {
    /// In which mode they were engaged; absent in what an older version counted.
    pub mode: Option<RunMode>,
    /// `ethnicity`, `sex` or `age`.
    pub what: String,
    /// The value, or `not-recorded`.
    pub value: String,
    /// `self` or `officer`; empty where it was not recorded.
    pub by: String,
    /// How many people.
    pub people: u64,
}

impl DefinedBy {
    fn name(self) -> &'static str {
        match self {
            Self::Themselves => "self",
            Self::Officer => "officer",
        }
    }
}

impl Sex {
    fn name(self) -> &'static str {
        match self {
            Self::Female => "female",
            Self::Male => "male",
            Self::Other => "other",
        }
    }
}

impl AgeBand {
    fn name(self) -> &'static str {
        match self {
            Self::Under18 => "under-18",
            Self::From18 => "18-24",
            Self::From25 => "25-34",
            Self::From35 => "35-44",
            Self::From45 => "45-54",
            Self::From55 => "55-64",
            Self::From65 => "65-and-over",
        }
    }
}

/// The counter of what was said, or of what was not.
fn counter<'a, T>(
    said: &'a Option<Said<T>>,
    name: impl Fn(&'a T) -> &'a str,
) -> (&'a str, &'static str) {
    match said {
        Some(said) => (name(&said.what), said.by.name()),
        None => ("not-recorded", ""),
    }
}

fn count(mode: Option<RunMode>, what: &str, value: &str, by: &str, people: u64) -> DescribedCount {
    DescribedCount {
        mode,
        what: what.into(),
        value: value.into(),
        by: by.into(),
        people,
    }
}

/// How many people were engaged in each mode in which anybody was.
fn engaged(change: &Change<'_>) -> Result<BTreeMap<&'static str, (RunMode, u64)>, Fault> {
    let mut raised = Vec::new();
    for row in change.rows.open_table(ALERTS)?.iter()? {
        let (number, row) = row?;
        raised.push((number.value(), row.value().read()?.stored.run));
    }
    let mut found = BTreeMap::new();
    for (number, run) in raised {
        let life = living_in(change, number)?.life;
        let mut steps = life.steps().iter();
        if !steps.any(|step| step.kind == StepKind::Engaged) {
            continue;
        }
        let mode = match change.rows.open_table(RUNS)?.get(run.0)? {
            Some(run) => run.value().read()?.header.mode,
            None => RunMode::Live,
        };
        found.entry(mode.name()).or_insert((mode, 0)).1 += 1;
    }
    Ok(found)
}

impl Store {
    /// Counts a person who was engaged. There can be no more of them than alerts over which somebody was.
    ///
    /// # Errors
    /// [`RecordsError::Refused`].
    pub fn describe(&self, person: &Described, by: &Judge) -> Result<(), RecordsError> {
        let refused = |problem: &str| RecordsError::Refused {
            what: "a person engaged".into(),
            problem: problem.into(),
        };
        if by.role() != JudgingRole::EngagementOfficer {
            return Err(refused("the engagement officer says it"));
        }
        let is_word = |word: &str| {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            (1..=MOST_WORD).contains(&word.len()) && word.bytes().all(plain)
        };
        if let Some(said) = &person.ethnicity
            && !is_word(&said.what)
        {
            return Err(refused(
                "an ethnicity is 1 to 32 letters, digits and hyphens: a word or code of the force's list",
            ));
        }
        let counters = [
            ("ethnicity", counter(&person.ethnicity, String::as_str)),
            ("sex", counter(&person.sex, |sex: &Sex| sex.name())),
            ("age", counter(&person.age, |age: &AgeBand| age.name())),
        ];
        self.change(|change| {
            let engaged = engaged(change)?;
            let mode = match (person.mode, engaged.len()) {
                (Some(mode), _) => mode,
                (None, 0) => RunMode::Live,
                (None, 1) => engaged.values().next().map_or(RunMode::Live, |(mode, _)| *mode),
                (None, _) => {
                    let problem = "people were engaged in several modes: say in which";
                    return Err(Fault::Records(refused(problem)));
                }
            };
            let there = engaged.get(mode.name()).map_or(0, |(_, people)| *people);
            let everybody: u64 = engaged.values().map(|(_, people)| people).sum();
            let mut described = change.rows.open_table(DESCRIBED_IN)?;
            // Each person has one value of each of the three, so the counters of any of them say how many people there are.
            let (mut people, mut all) = (0, 0);
            for row in described.iter()? {
                let (key, count) = row?;
                if key.value().1 == "sex" {
                    all += count.value();
                    people += u64::from(key.value().0 == mode.name()) * count.value();
                }
            }
            // What an older version counted is of any mode.
            for row in change.rows.open_table(DESCRIBED)?.iter()? {
                let (key, count) = row?;
                all += u64::from(key.value().0 == "sex") * count.value();
            }
            if people >= there || all >= everybody {
                let problem = format!(
                    "{there} people were engaged in this mode, and {people} of them are counted already; {everybody} were in all, and {all} of them are"
                );
                return Err(Fault::Records(refused(&problem)));
            }
            for (what, (value, by)) in counters {
                let key = (mode.name(), what, value, by);
                let before = described.get(key)?.map_or(0, |count| count.value());
                described.insert(key, before.saturating_add(1))?;
            }
            Ok(())
        })
    }

    /// The counters.
    ///
    /// # Errors
    /// [`RecordsError::Damaged`] and the like.
    pub fn described(&self) -> Result<Vec<DescribedCount>, RecordsError> {
        self.read(|store| {
            let mut found = Vec::new();
            if let Some(described) = if_there(store.rows.open_table(DESCRIBED_IN))? {
                for row in described.iter()? {
                    let (key, people) = row?;
                    let (mode, what, value, by) = key.value();
                    let mode = RunMode::named(mode);
                    found.push(count(mode, what, value, by, people.value()));
                }
            }
            if let Some(described) = if_there(store.rows.open_table(DESCRIBED))? {
                for row in described.iter()? {
                    let (key, people) = row?;
                    let (what, value, by) = key.value();
                    found.push(count(None, what, value, by, people.value()));
                }
            }
            Ok(found)
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::judgements::tests::{LIMITS, at, officer, operator, searched, store};
    use crate::judgements::{Adjudication, Report};

    fn engage(store: &Store, alert: u32) {
        store.view(alert, &operator("a"), at(1)).unwrap();
        let pass = Adjudication::Pass;
        store
            .adjudicate(alert, &operator("a"), pass, &LIMITS, at(2))
            .unwrap();
        store.view(alert, &officer("b"), at(3)).unwrap();
        for report in [Report::Viable, Report::Engaged] {
            store
                .report(alert, &officer("b"), report, &LIMITS, at(4))
                .unwrap();
        }
    }

    fn said<T>(what: T, by: DefinedBy) -> Option<Said<T>> {
        Some(Said { what, by })
    }

    #[test]
    fn people_are_counted_and_never_more_of_them_than_were_engaged() {
        let (_folder, store) = store(3);
        let nothing = Described::default();
        assert!(
            store.describe(&nothing, &officer("b")).is_err(),
            "nobody was engaged"
        );
        engage(&store, 1);
        engage(&store, 2);
        assert!(store.describe(&nothing, &operator("a")).is_err());
        let person = Described {
            mode: None,
            ethnicity: said("W1".to_owned(), DefinedBy::Themselves),
            sex: said(Sex::Female, DefinedBy::Officer),
            age: said(AgeBand::From25, DefinedBy::Themselves),
        };
        let before = store.audit_head().unwrap();
        store.describe(&person, &officer("b")).unwrap();
        store.describe(&nothing, &officer("b")).unwrap();
        assert!(store.describe(&nothing, &officer("b")).is_err(), "two were");
        assert_eq!(
            store.audit_head().unwrap(),
            before,
            "no event, and so no time"
        );
        let told = |count: DescribedCount| {
            format!(
                "{} {} {} {} {}",
                count.mode.unwrap().name(),
                count.what,
                count.value,
                count.by,
                count.people
            )
        };
        let counts: Vec<String> = store.described().unwrap().into_iter().map(told).collect();
        let expected = [
            "live age 25-34 self 1",
            "live age not-recorded  1",
            "live ethnicity W1 self 1",
            "live ethnicity not-recorded  1",
            "live sex female officer 1",
            "live sex not-recorded  1",
        ];
        assert_eq!(counts, expected);
    }

    #[test]
    fn where_people_were_engaged_in_several_modes_it_is_said_in_which_and_never_more_than_were() {
        let (_folder, store) = store(1);
        engage(&store, 1);
        searched(&store, 2);
        engage(&store, 2);
        let of = |mode| Described {
            mode,
            ..Described::default()
        };
        assert!(store.describe(&of(None), &officer("b")).is_err(), "which?");
        let operator = Some(RunMode::Operator);
        assert!(store.describe(&of(operator), &officer("b")).is_err());
        for mode in [RunMode::Live, RunMode::Retrospective].map(Some) {
            store.describe(&of(mode), &officer("b")).unwrap();
            assert!(store.describe(&of(mode), &officer("b")).is_err());
        }
        let counts = store.described().unwrap();
        let modes: Vec<_> = counts
            .iter()
            .map(|count| (count.mode, count.people))
            .collect();
        let each = [(Some(RunMode::Live), 1), (Some(RunMode::Retrospective), 1)];
        assert_eq!(
            modes,
            [each[0], each[0], each[0], each[1], each[1], each[1]]
        );
    }

    #[test]
    fn what_an_older_version_counted_has_no_mode_and_is_not_counted_twice() {
        let (_folder, store) = store(1);
        engage(&store, 1);
        store
            .change(|change| {
                let mut older = change.rows.open_table(DESCRIBED)?;
                for what in ["age", "ethnicity", "sex"] {
                    older.insert((what, "not-recorded", ""), 1)?;
                }
                Ok(())
            })
            .unwrap();
        let nothing = Described::default();
        assert!(store.describe(&nothing, &officer("b")).is_err());
        let counts = store.described().unwrap();
        assert_eq!(counts.len(), 3);
        assert!(counts.iter().all(|count| count.mode.is_none()));
    }

    #[test]
    fn a_word_that_could_name_somebody_is_refused() {
        let (_folder, store) = store(1);
        engage(&store, 1);
        for word in ["", "John Smith, 1 High Street", "W1\n", &"x".repeat(33)] {
            let person = Described {
                ethnicity: said(word.to_owned(), DefinedBy::Officer),
                ..Described::default()
            };
            assert!(store.describe(&person, &officer("b")).is_err(), "{word:?}");
        }
        assert_eq!(store.described().unwrap(), []);
    }
}
