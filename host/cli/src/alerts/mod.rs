//! `overt alerts`: what waits for a person's judgement, and what came of it. Where a run goes on, it is asked, for it holds the records; otherwise the records are opened
//! here. What may be done by whom is the pipeline's desk's to say.

mod deliver;
mod describe;
mod judge;
mod list;
mod outbox;
mod outcome;
mod page;
mod show;

use clap::{Args, Subcommand};
use overt_deployment::Deployment;
use overt_pipeline::desk::{self, Desk, DeskError, Judged, Listed, SearchOf};
use overt_records::{
    Disposal, Force, Judge, JudgingRole, LimitOf, Priority, Reject, RetentionOf, RunMode, Step,
    StepKind,
};
use serde::Serialize;

use crate::control::client::ask_if_it_runs;
use crate::control::something_else;
use crate::control::{Ask, Told};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::times::shown;
use crate::{output, session, times, watchlist};

/// See alerts, judge them, and say what came of them
///
/// An alert identifies nobody. An operator looks at its images and passes or rejects it; an engagement officer, who is another person, judges it a second time and
/// says what came of it. What nobody judges in time lapses. You are signed in (`overt sign-in`): who did what is never typed.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    List(list::Arguments),
    Show(show::Arguments),
    Judge(judge::Arguments),
    Outcome(outcome::Arguments),
    Describe(describe::Arguments),
    Outbox(outbox::Arguments),
    Deliver(deliver::Arguments),
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    match arguments.command {
        Command::List(arguments) => list::run(arguments),
        Command::Show(arguments) => show::run(arguments),
        Command::Judge(arguments) => judge::run(arguments),
        Command::Outcome(arguments) => outcome::run(arguments),
        Command::Describe(arguments) => describe::run(arguments),
        Command::Outbox(arguments) => outbox::run(arguments),
        Command::Deliver(arguments) => deliver::run(arguments),
    }
}

impl From<DeskError> for Failure {
    fn from(error: DeskError) -> Self {
        match error {
            DeskError::Records(error @ overt_records::RecordsError::NoSuchAlert { .. }) => {
                let error = DeskError::Records(error);
                Failure::new(error.to_string(), error.mend())
            }
            DeskError::Records(error) => error.into(),
            error => Failure::new(error.to_string(), error.mend()),
        }
    }
}

/// Asks the desk, and says whether a run answered.
fn ask(deployment: &Deployment, ask: desk::Ask) -> Result<(desk::Told, bool), Failure> {
    let force = Force::at(&deployment.host.force);
    let token = session::token_for(&force)?;
    if let Some(told) = ask_if_it_runs(deployment, Ask::Desk(ask.clone()), &token, &|_| {})? {
        return match told {
            Told::Desk(told) => Ok((told, true)),
            _ => Err(something_else()),
        };
    }
    let by = session::signed_in(&force)?;
    let store = watchlist::open(deployment)?;
    let told = Desk::new(&store, deployment).answer(&ask, &by, watchlist::now())?;
    Ok((told, false))
}

/// An alert, as `--json` prints it.
#[derive(Serialize)]
struct Row<'r> {
    number: u32,
    state: &'static str,
    closed: bool,
    reference: &'r str,
    category: &'r str,
    priority: Priority,
    camera: &'r str,
    /// Seconds of the camera.
    time: f64,
    raised_at: String,
    /// What was searched; null where a camera saw the face.
    search: Option<SearchRow<'r>>,
    /// When it lapses unless somebody judges it; null where it waits for nobody.
    lapses_at: Option<String>,
    /// The desks that were asked to look.
    desks: &'r [String],
    /// The channels for action that were told; null before it is passed.
    action: Option<&'r [String]>,
    steps: Vec<StepRow<'r>>,
}

/// The search that an alert comes from.
#[derive(Serialize)]
struct SearchRow<'r> {
    mode: RunMode,
    place: &'r str,
    taken_from: String,
    taken_to: String,
    /// Null for a photograph that an officer took.
    source: Option<&'r str>,
    owner: Option<&'r str>,
}

impl<'r> SearchRow<'r> {
    fn of(search: &'r SearchOf) -> SearchRow<'r> {
        let of = &search.searched;
        SearchRow {
            mode: search.mode,
            place: &of.place,
            taken_from: shown(of.taken_from),
            taken_to: shown(of.taken_to),
            source: of.footage.as_ref().map(|footage| footage.source.as_str()),
            owner: of.footage.as_ref().map(|footage| footage.owner.as_str()),
        }
    }

    /// When its photographs were taken.
    fn when(&self) -> String {
        match self.taken_from == self.taken_to {
            true => format!("at {}", self.taken_from),
            false => format!("from {} to {}", self.taken_from, self.taken_to),
        }
    }

    /// Where the photograph is from.
    fn whence(&self) -> String {
        match (self.source, self.owner) {
            (Some(source), Some(owner)) => format!("footage of {source} ({owner})"),
            _ => "an officer's photograph".to_owned(),
        }
    }
}

/// Where the face was seen, in words: by a camera, or on what was searched.
fn seen_text(listed: &Listed) -> String {
    let alert = &listed.living.alert;
    match listed.search.as_ref().map(SearchRow::of) {
        None => format!(
            "camera {} at {}",
            alert.camera,
            times::on_a_clock(alert.time)
        ),
        Some(search) => format!(
            "{}, photograph {}, {}, taken {}",
            search.whence(),
            u64::from(alert.last_frame) + 1,
            search.place,
            search.when()
        ),
    }
}

/// A step of an alert's life.
#[derive(Serialize)]
struct StepRow<'r> {
    at: String,
    /// With its facts.
    step: &'r StepKind,
    /// Null: time or the watchlist did it.
    by: Option<ByRow<'r>>,
    /// When they opened the images that they judged by.
    opened_at: Option<String>,
}

/// Who.
#[derive(Serialize)]
struct ByRow<'r> {
    id: &'r str,
    name: &'r str,
    role: JudgingRole,
    course: &'r str,
    version: &'r str,
    valid_until: String,
}

impl<'r> Row<'r> {
    fn of(listed: &'r Listed) -> Row<'r> {
        let alert = &listed.living.alert;
        Row {
            number: alert.number,
            state: listed.state().name(),
            closed: listed.state().is_closed(),
            reference: &alert.reference,
            category: &alert.category,
            priority: alert.priority,
            camera: &alert.camera,
            time: alert.time,
            raised_at: shown(alert.raised_at),
            search: listed.search.as_ref().map(SearchRow::of),
            lapses_at: listed.lapses_at.map(shown),
            desks: &alert.routes,
            action: listed.acting.as_deref(),
            steps: listed.living.life.steps().iter().map(step_row).collect(),
        }
    }
}

fn step_row(step: &Step) -> StepRow<'_> {
    StepRow {
        at: shown(step.at),
        step: &step.kind,
        by: step.by.as_ref().map(|by| ByRow {
            id: by.person(),
            name: by.name(),
            role: by.role(),
            course: &by.credential().course,
            version: &by.credential().version,
            valid_until: shown(by.credential().until),
        }),
        opened_at: step.opened_at.map(shown),
    }
}

/// What `--json` prints of a judgement.
#[derive(Serialize)]
struct JudgedReport<'r> {
    alert: Row<'r>,
    /// Shown once somebody has judged; null where it is gone.
    score: Option<f32>,
    reason: Option<&'r str>,
}

/// Prints a judgement that is on record, and the score, which whoever has judged may see.
fn print_judged(judged: &Judged, json: bool) -> Result<Exit, Failure> {
    let after = judged.after.as_ref();
    if json {
        output::print_json(&JudgedReport {
            alert: Row::of(&judged.listed),
            score: after.map(|after| after.score),
            reason: after.map(|after| after.reason.as_str()),
        })?;
        return Ok(Exit::Done);
    }
    let alert = judged.listed.living.alert.number;
    let mut text = format!("alert {alert}: {}\n", judged.listed.state().name());
    if let Some(step) = judged.listed.living.life.steps().last() {
        text = format!("alert {alert}: {}\n", step_text(step));
    }
    if judged.listed.search.is_some() {
        text += &format!("  {}\n", seen_text(&judged.listed));
    }
    if let Some(lapses_at) = judged.listed.lapses_at {
        text += &format!("  lapses at {} unless it goes on\n", shown(lapses_at));
    }
    if let Some(after) = after {
        text += &format!(
            "  its score was {:.3}; the policy said: {}\n",
            after.score, after.reason
        );
    }
    output::print(&output::printable(&text))?;
    Ok(Exit::Done)
}

/// A step in words: what, who, when.
fn step_text(step: &Step) -> String {
    let by = match &step.by {
        Some(by) => format!(" by {} ({})", by.name(), Judge::person(by)),
        None => String::new(),
    };
    format!("{}{by}, {}", kind_text(&step.kind), shown(step.at))
}

fn kind_text(kind: &StepKind) -> String {
    match kind {
        StepKind::Rejected(why) => format!("rejected ({})", reject_text(*why)),
        StepKind::Passed => "passed".to_owned(),
        StepKind::NotViable => "not viable".to_owned(),
        StepKind::Viable => "viable".to_owned(),
        StepKind::NotLocated => "not located".to_owned(),
        StepKind::Engaged => "engaged".to_owned(),
        StepKind::Confirmed { correct: true, .. } => "confirmed: the person sought".to_owned(),
        StepKind::Confirmed { correct: false, .. } => "confirmed: somebody else".to_owned(),
        StepKind::Disposal(Disposal::Arrest) => "arrest".to_owned(),
        StepKind::Disposal(Disposal::ArrestFor(reason)) => format!("arrest (for: {reason})"),
        StepKind::Disposal(Disposal::NoFurtherAction) => "no further action".to_owned(),
        StepKind::Disposal(Disposal::Other(words)) => format!("other outcome ({words})"),
        StepKind::Lapsed { limit } => match limit {
            LimitOf::Adjudication => "lapsed: no operator judged it in time",
            LimitOf::Engagement => "lapsed: no engagement officer judged it in time",
            LimitOf::Location => "lapsed: nobody said in time whether the person was found",
        }
        .to_owned(),
        StepKind::Withdrawn => "withdrawn: the entry was removed".to_owned(),
        StepKind::WithdrawnByRetention { of } => match of {
            RetentionOf::Entry => "withdrawn: the retention of the entry was over",
            RetentionOf::Image => "withdrawn: the retention of the image it rests on was over",
        }
        .to_owned(),
    }
}

fn reject_text(why: Reject) -> &'static str {
    match why {
        Reject::NotThisPerson => "not this person",
        Reject::NoLongerWanted => "no longer wanted",
        Reject::NotProportionate => "not proportionate",
        Reject::CannotTell => "cannot tell",
    }
}

fn priority_text(priority: Priority) -> &'static str {
    match priority {
        Priority::Low => "low",
        Priority::Normal => "normal",
        Priority::High => "high",
    }
}
