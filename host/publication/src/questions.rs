//! What people ask a force about facial recognition, as a closed list, each question answered from the records and the register by one function. "None held" is an
//! answer of its own: the register numbers every deployment before it may start and has no gap, so that there was none is shown and not merely said.

use serde::Serialize;

use crate::field::{Absence, Field};
use crate::fields;
use crate::period::{Deployed, Entry, Period};
use crate::record::Mode;
use crate::register::RegisterState;
use crate::text::{grouped, moment};

/// A question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Question {
    Deployments,
    Retrospective,
    OperatorInitiated,
    WatchlistSize,
    ImageSources,
    NotWantedForArrest,
    Alerts,
    Stops,
    IdentityChecks,
    VerifiedCorrect,
    Outcomes,
    BodyWorn,
    PlannedLive,
    PlannedRetrospective,
    PlannedOperatorInitiated,
    PlannedBodyWorn,
    Judges,
    Documents,
    Cost,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Answer {
    /// Its number in the list, from 1.
    pub number: usize,
    /// The question's name.
    pub id: Question,
    /// The question.
    pub question: &'static str,
    /// The answer.
    pub answer: Held,
}

/// What is held in answer to a question.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Held {
    /// This.
    Information {
        /// In a sentence.
        sentence: String,
        /// The columns of the rows.
        columns: Vec<&'static str>,
        /// A row for each deployment, or for each of what is asked about in it.
        rows: Vec<Vec<String>>,
    },
    /// Nothing, and how that is known.
    None {
        /// What shows it.
        because: String,
    },
    /// It is not for this software to say.
    OutOfScope {
        /// Why not.
        because: &'static str,
    },
}

impl Question {
    /// All of them, in order.
    pub const ALL: [Self; 19] = [
        Self::Deployments,
        Self::Retrospective,
        Self::OperatorInitiated,
        Self::WatchlistSize,
        Self::ImageSources,
        Self::NotWantedForArrest,
        Self::Alerts,
        Self::Stops,
        Self::IdentityChecks,
        Self::VerifiedCorrect,
        Self::Outcomes,
        Self::BodyWorn,
        Self::PlannedLive,
        Self::PlannedRetrospective,
        Self::PlannedOperatorInitiated,
        Self::PlannedBodyWorn,
        Self::Judges,
        Self::Documents,
        Self::Cost,
    ];

    /// The question.
    pub fn words(self) -> &'static str {
        match self {
            Self::Deployments => {
                "On which dates and at which places was live facial recognition used?"
            }
            Self::Retrospective => {
                "On which dates was retrospective facial recognition used, and when and where was the footage taken that was searched?"
            }
            Self::OperatorInitiated => {
                "On which dates was operator-initiated facial recognition used, and where?"
            }
            Self::WatchlistSize => {
                "How many people, and how many images, were on the watchlist of each deployment?"
            }
            Self::ImageSources => {
                "Where did the images on each watchlist come from, and how many from each source?"
            }
            Self::NotWantedForArrest => {
                "How many people on each watchlist were not wanted for arrest, and why were they on it?"
            }
            Self::Alerts => "How many alerts did each deployment raise, and how did they end?",
            Self::Stops => "How many people were stopped because of an alert?",
            Self::IdentityChecks => {
                "How many of the people stopped had their identity checked, and how many were asked for fingerprints?"
            }
            Self::VerifiedCorrect => "How many alerts did an identity check verify as correct?",
            Self::Outcomes => {
                "What came of the stops: how many arrests, how many other outcomes, how many without further action?"
            }
            Self::BodyWorn => "Were body-worn cameras used for facial recognition, and how many?",
            Self::PlannedLive => "Which deployments of live facial recognition are planned?",
            Self::PlannedRetrospective => {
                "Which uses of retrospective facial recognition are planned?"
            }
            Self::PlannedOperatorInitiated => {
                "Which uses of operator-initiated facial recognition are planned?"
            }
            Self::PlannedBodyWorn => "Is facial recognition with body-worn cameras planned?",
            Self::Judges => "How were the people selected and trained who judged the alerts?",
            Self::Documents => {
                "Which operating procedure, policy, legal mandate, data protection impact assessment and equality assessment were in force?"
            }
            Self::Cost => "What did it cost?",
        }
    }

    /// The answer, for a period.
    pub fn answer(self, period: &Period) -> Answer {
        let live: Vec<_> = period.counted(Mode::Live).collect();
        let ran: Vec<_> = Mode::ALL
            .into_iter()
            .flat_map(|mode| period.counted(mode))
            .collect();
        let answer = match self {
            Self::Deployments => used(period, Mode::Live, &[]),
            Self::Retrospective => used(period, Mode::Retrospective, &["deployment.footage"]),
            Self::OperatorInitiated => used(period, Mode::Operator, &[]),
            Self::WatchlistSize => counts(
                period,
                &ran,
                "The sizes of the watchlists are not added up: one person can be on several.",
                &[
                    "watchlist.at-start.people",
                    "watchlist.at-start.images",
                    "watchlist.largest.people",
                    "watchlist.largest.images",
                    "watchlist.at-end.people",
                    "watchlist.at-end.images",
                ],
            ),
            Self::ImageSources => rows(period, &ran, "watchlist.everybody.by-source"),
            Self::NotWantedForArrest => wanted(period, &ran),
            Self::Alerts => counts(
                period,
                &live,
                "",
                &[
                    "alerts.raised",
                    "alerts.false-alerts",
                    "alerts.rejected-not-this-person",
                    "alerts.rejected-no-longer-wanted",
                    "alerts.rejected-not-proportionate",
                    "alerts.rejected-cannot-tell",
                    "alerts.not-viable",
                    "alerts.not-located",
                    "alerts.confirmed-true",
                    "alerts.confirmed-false",
                    "alerts.lapsed",
                    "alerts.withdrawn",
                    "alerts.open",
                ],
            ),
            Self::Stops => counts(
                period,
                &ran,
                "A stop is not an identity check, and neither is an arrest.",
                &["stops.total"],
            ),
            Self::IdentityChecks => counts(
                period,
                &ran,
                "",
                &[
                    "stops.total",
                    "stops.identity-checked",
                    "stops.identity-not-asked",
                    "stops.identity-refused",
                    "stops.identity-not-established",
                    "stops.fingerprints-asked",
                ],
            ),
            Self::VerifiedCorrect => counts(
                period,
                &ran,
                "",
                &["stops.identity-checked", "stops.verified-correct"],
            ),
            Self::Outcomes => outcomes(period, &ran),
            Self::BodyWorn => body_worn(period, &ran),
            Self::PlannedLive => planned(period, Some(Mode::Live)),
            Self::PlannedRetrospective => planned(period, Some(Mode::Retrospective)),
            Self::PlannedOperatorInitiated => planned(period, Some(Mode::Operator)),
            Self::PlannedBodyWorn => planned(period, None),
            Self::Judges => rows(period, &ran, "judges.by-credential"),
            Self::Documents => rows(period, &ran, "authority.documents"),
            Self::Cost => Held::OutOfScope {
                because: "this software keeps no accounts; the force’s finance department holds them",
            },
        };
        let mut answer = answer;
        if let (
            Some(gone),
            Held::Information { sentence: said, .. } | Held::None { because: said },
        ) = (period.gone_words(), &mut answer)
        {
            *said = format!("{said} {gone}");
        }
        Answer {
            number: Self::ALL
                .iter()
                .position(|one| *one == self)
                .map_or(0, |place| place + 1),
            id: self,
            question: self.words(),
            answer,
        }
    }
}

/// Every question with its answer.
pub fn answers(period: &Period) -> Vec<Answer> {
    Question::ALL
        .iter()
        .map(|question| question.answer(period))
        .collect()
}

/// How it is known that there is nothing.
fn complete(period: &Period, what: &str) -> Held {
    let register = period.whole_words();
    Held::None {
        because: format!("{register}, and of those planned to start in this period {what}."),
    }
}

fn absent(absence: &Absence) -> String {
    absence.to_string()
}

fn text(field: &Field<String>) -> String {
    field.get().cloned().unwrap_or_else(|why| absent(&why))
}

fn when(field: &Field<jiff::Timestamp>) -> String {
    field
        .get()
        .map_or_else(|why| absent(&why), |time| moment(*time))
}

/// The first cells of a row: which deployment.
fn which(deployed: &Deployed) -> Vec<String> {
    let about = &deployed.facts.record().deployment;
    vec![
        deployed.entry.number.to_string(),
        text(&deployed.entry.deployment),
        when(match about.start.value() {
            Some(_) => &about.start,
            None => &deployed.entry.planned_start,
        }),
        text(&deployed.entry.place),
    ]
}

const WHICH: [&str; 4] = ["Number", "Deployment", "Date", "Place"];

fn plural(count: usize, one: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        _ => format!("{} {one}s", grouped(count as u64)),
    }
}

/// When and where a mode was used.
fn used(period: &Period, mode: Mode, extra: &[&'static str]) -> Held {
    let deployments: Vec<_> = period
        .deployments()
        .iter()
        .filter(|deployed| deployed.is_of(mode))
        .collect();
    if deployments.is_empty() {
        return complete(period, &format!("none that ran used {}", mode.words()));
    }
    let mut columns = WHICH.to_vec();
    columns.extend(["Until", "Use case", "Rehearsal"]);
    columns.extend(extra.iter().map(|path| fields::label(path)));
    let row = |deployed: &&Deployed| {
        let about = &deployed.facts.record().deployment;
        let mut row = which(deployed);
        row.push(when(&about.end));
        row.push(text(&deployed.entry.use_case));
        row.push(match about.rehearsal.get() {
            Ok(true) => "yes".to_owned(),
            Ok(false) => "no".to_owned(),
            Err(why) => absent(&why),
        });
        for path in extra {
            row.push(match deployed.facts.rows(path) {
                Ok(rows) if rows.is_empty() => "none".to_owned(),
                Ok(rows) => rows
                    .iter()
                    .map(|row| row.join(", "))
                    .collect::<Vec<_>>()
                    .join("; "),
                Err(why) => absent(&why),
            });
        }
        row
    };
    let rehearsals = deployments
        .iter()
        .filter(|deployed| deployed.is_rehearsal())
        .count();
    let rehearsed = match rehearsals {
        0 => String::new(),
        some => format!(", {} of them", plural(some, "rehearsal")),
    };
    Held::Information {
        sentence: format!("{}{rehearsed}.", plural(deployments.len(), "deployment")),
        columns,
        rows: deployments.iter().map(row).collect(),
    }
}

/// Counts by deployment, and their totals where they add up.
fn counts(period: &Period, ran: &[&Deployed], note: &str, paths: &[&'static str]) -> Held {
    if ran.is_empty() {
        return complete(period, "none ran for which this could be counted");
    }
    let mut totals = Vec::new();
    for path in paths {
        let adds = fields::named(path)
            .is_some_and(|field| field.kind == fields::Kind::Count { adds: true });
        if !adds {
            continue;
        }
        let recorded: Vec<_> = ran
            .iter()
            .filter_map(|deployed| deployed.facts.count(path).ok())
            .collect();
        let total = recorded.iter().copied().fold(0, u64::saturating_add);
        let label = fields::label(path);
        totals.push(match recorded.len() {
            0 => format!(
                "{label}: not recorded by any of {}",
                plural(ran.len(), "deployment")
            ),
            all if all == ran.len() => format!("{label}: {}", grouped(total)),
            some => format!(
                "{label}: {} in {some} of {}",
                grouped(total),
                plural(ran.len(), "deployment")
            ),
        });
    }
    let mut sentence = totals.join("; ");
    if !sentence.is_empty() {
        sentence.push('.');
    }
    if !note.is_empty() {
        sentence = format!("{sentence} {note}").trim().to_owned();
    }
    let cell = |deployed: &Deployed, path: &'static str| {
        let count = deployed.facts.count(path);
        count.map_or_else(|why| absent(&why), grouped)
    };
    let mut columns = WHICH.to_vec();
    let mut listed = Vec::new();
    if paths.len() > WIDEST {
        // More columns than a sheet of paper is wide: a row for each count.
        columns.extend(["What", "How many"]);
        for deployed in ran {
            listed.extend(paths.iter().map(|path| {
                let mut row = which(deployed);
                row.extend([fields::label(path).to_owned(), cell(deployed, path)]);
                row
            }));
        }
    } else {
        columns.extend(paths.iter().map(|path| fields::label(path)));
        for deployed in ran {
            let mut row = which(deployed);
            row.extend(paths.iter().map(|path| cell(deployed, path)));
            listed.push(row);
        }
    }
    Held::Information {
        sentence,
        columns,
        rows: listed,
    }
}

/// Most counts that stand beside each other.
const WIDEST: usize = 8;

/// The rows of a field by deployment.
fn rows(period: &Period, ran: &[&Deployed], path: &'static str) -> Held {
    if ran.is_empty() {
        return complete(period, "none ran for which this could be said");
    }
    let of_field = match fields::named(path).map(|field| field.kind) {
        Some(fields::Kind::Rows(columns)) => columns,
        _ => &[],
    };
    let mut columns = WHICH.to_vec();
    columns.extend(of_field.iter().map(|column| column.label));
    let mut listed = Vec::new();
    for deployed in ran {
        let alone = |cell: String| {
            let mut row = which(deployed);
            row.push(cell);
            row.resize(columns.len(), String::new());
            row
        };
        match deployed.facts.rows(path) {
            Ok(rows) if rows.is_empty() => listed.push(alone("none".to_owned())),
            Ok(rows) => listed.extend(rows.into_iter().map(|cells| {
                let mut row = which(deployed);
                row.extend(cells);
                row
            })),
            Err(why) => listed.push(alone(absent(&why))),
        }
    }
    Held::Information {
        sentence: format!(
            "{}: {}.",
            fields::label(path),
            plural(ran.len(), "deployment")
        ),
        columns,
        rows: listed,
    }
}

/// How many were not wanted for arrest, and why.
fn wanted(period: &Period, ran: &[&Deployed]) -> Held {
    const COUNTS: [&str; 3] = [
        "watchlist.everybody.people",
        "watchlist.everybody.wanted-for-arrest",
        "watchlist.everybody.not-wanted-for-arrest",
    ];
    const WHY: &str = "watchlist.everybody.reasons-not-wanted";
    let note = "A person can be on the list for several reasons, and on several lists.";
    let held = counts(period, ran, note, &COUNTS);
    with_tallies(held, ran, "Why", WHY, "no reason is on record")
}

/// What came of the stops, and what the arrests were for.
fn outcomes(period: &Period, ran: &[&Deployed]) -> Held {
    const COUNTS: [&str; 4] = [
        "outcomes.arrests",
        "outcomes.other",
        "outcomes.no-further-action",
        "outcomes.pending",
    ];
    const WHY: &str = "outcomes.arrests-by-reason";
    let held = counts(period, ran, "", &COUNTS);
    with_tallies(
        held,
        ran,
        "What the arrests were for",
        WHY,
        "there was none",
    )
}

/// Adds a column of tallies, one of which may be for several.
fn with_tallies(
    mut held: Held,
    ran: &[&Deployed],
    column: &'static str,
    path: &'static str,
    none: &str,
) -> Held {
    if let Held::Information { columns, rows, .. } = &mut held {
        columns.push(column);
        for (row, deployed) in rows.iter_mut().zip(ran) {
            row.push(match deployed.facts.rows(path) {
                Ok(reasons) if reasons.is_empty() => none.to_owned(),
                Ok(reasons) => reasons
                    .iter()
                    .map(|reason| reason.join(": "))
                    .collect::<Vec<_>>()
                    .join("; "),
                Err(why) => absent(&why),
            });
        }
    }
    held
}

fn body_worn(period: &Period, ran: &[&Deployed]) -> Held {
    const PATH: &str = "cameras.body-worn";
    if ran
        .iter()
        .all(|deployed| deployed.facts.count(PATH) == Ok(0))
    {
        return complete(period, "none that ran used a body-worn camera");
    }
    counts(period, ran, "", &["cameras.total", PATH])
}

/// What the register says of plans: everything that has not run, whatever became of it.
fn planned(period: &Period, mode: Option<Mode>) -> Held {
    let asked = |entry: &&Entry| match mode {
        Some(mode) => entry.modes.contains(&mode),
        // Where the plan does not say, it is listed: silence is no "none".
        None => entry.body_worn.value() != Some(&0),
    };
    let plans: Vec<_> = period
        .entries()
        .iter()
        .filter(|entry| match mode {
            // One that is planned for two modes can have run in one of them.
            Some(mode) => !period
                .counted(mode)
                .any(|deployed| deployed.entry.number == entry.number),
            None => !entry.has_run,
        })
        .filter(asked)
        .collect();
    if plans.is_empty() {
        let what = mode.map_or("facial recognition with body-worn cameras", Mode::words);
        return complete(
            period,
            &format!("none that has not run is a plan for {what}"),
        );
    }
    let row = |entry: &&Entry| {
        vec![
            entry.number.to_string(),
            text(&entry.deployment),
            entry.state.words().to_owned(),
            when(&entry.planned_start),
            when(&entry.planned_end),
            text(&entry.place),
            text(&entry.use_case),
            match entry.body_worn.get() {
                Ok(count) => grouped(*count),
                Err(why) => absent(&why),
            },
            match entry.reason.get() {
                Ok(reason) => reason.clone(),
                Err(_)
                    if !matches!(
                        entry.state,
                        RegisterState::Refused | RegisterState::Cancelled
                    ) =>
                {
                    String::new()
                }
                Err(why) => absent(&why),
            },
        ]
    };
    let of = |state: RegisterState| plans.iter().filter(|entry| entry.state == state).count();
    let states = [
        RegisterState::Planned,
        RegisterState::Authorised,
        RegisterState::Refused,
        RegisterState::Cancelled,
        RegisterState::Run,
        RegisterState::Closed,
    ];
    let told: Vec<_> = states
        .into_iter()
        .filter(|state| of(*state) > 0)
        .map(|state| format!("{} {}", of(state), state.words()))
        .collect();
    Held::Information {
        sentence: format!(
            "{}: {}.",
            plural(plans.len(), "deployment"),
            told.join(", ")
        ),
        columns: vec![
            "Number",
            "Deployment",
            "State",
            "Planned from",
            "Until",
            "Place",
            "Use case",
            "Body-worn cameras",
            "Why refused or cancelled",
        ],
        rows: plans.iter().map(row).collect(),
    }
}
