//! `overt retention`: what is kept, until when and why, and that it goes. Where a run goes on, it is asked, for it holds the records; otherwise the records are opened here. What may be
//! done by whom is the pipeline's custody's to say.

mod hold;
mod receipt;
mod records;
mod register;
mod show;
mod sweep;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use overt_deployment::Deployment;
use overt_pipeline::custody::{self, CustodyError, Told};
use overt_records::{Force, Hold, SignedIn};

use crate::control::something_else;
use crate::control::{self, Ask, client};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::times::shown;
use crate::{output, session, watchlist};

/// See what is kept and until when, keep an alert longer with a reason, and let go what is over its time
///
/// A run lets go of what is over its time every minute by itself. Where none goes on, `overt retention run` does it: from a timer, for one.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run(sweep::Arguments),
    Show(show::Arguments),
    Hold(hold::Arguments),
    EndHold(hold::EndArguments),
    Receipt(receipt::Arguments),
    Register(register::Arguments),
    Records(records::Arguments),
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    match arguments.command {
        Command::Run(arguments) => sweep::run(arguments),
        Command::Show(arguments) => show::run(arguments),
        Command::Hold(arguments) => hold::run(arguments),
        Command::EndHold(arguments) => hold::end(arguments),
        Command::Receipt(arguments) => receipt::run(arguments),
        Command::Register(arguments) => register::run(arguments),
        Command::Records(arguments) => records::run(arguments),
    }
}

impl From<CustodyError> for Failure {
    fn from(error: CustodyError) -> Self {
        Failure::new(error.to_string(), error.mend())
    }
}

/// Asks what anybody of this machine's user may.
fn ask(deployment: &Deployment, ask: custody::Ask) -> Result<Told, Failure> {
    let question = Ask::Custody(ask.clone());
    if let Some(told) = client::ask_anybody_if_it_runs(deployment, question)? {
        return custody_of(told);
    }
    here(deployment, &ask, None)
}

/// Asks what takes somebody who is signed in.
fn ask_as(deployment: &Deployment, ask: custody::Ask) -> Result<Told, Failure> {
    let force = Force::at(&deployment.host.force);
    let token = session::token_for(&force)?;
    let question = Ask::Custody(ask.clone());
    if let Some(told) = client::ask_if_it_runs(deployment, question, &token, &|_| {})? {
        return custody_of(told);
    }
    here(deployment, &ask, Some(&session::signed_in(&force)?))
}

fn custody_of(told: control::Told) -> Result<Told, Failure> {
    match told {
        control::Told::Custody(told) => Ok(told),
        _ => Err(something_else()),
    }
}

/// Opens the records as they are: what a sweep finds is the answer.
fn here(
    deployment: &Deployment,
    ask: &custody::Ask,
    by: Option<&SignedIn>,
) -> Result<Told, Failure> {
    let store =
        overt_records::Store::open(&deployment.host.records, &watchlist::settings(deployment))?;
    Ok(custody::answer(&store, ask, by, watchlist::now())?)
}

/// The beginning of a day in UTC.
fn beginning(date: Date) -> Result<overt_records::Timestamp, Failure> {
    let zoned = date.to_zoned(TimeZone::UTC).map_err(|error| {
        Failure::mistake(
            format!("{date} cannot be reckoned with: {error}"),
            "give another day",
        )
    })?;
    Ok(overt_records::Timestamp::from_unix_ms(
        zoned.timestamp().as_millisecond(),
    ))
}

/// The end of a day, as the start of the next one in UTC, or a moment.
fn end(text: &str) -> Result<overt_records::Timestamp, String> {
    let moment = match text.parse::<Date>() {
        Ok(date) => date
            .tomorrow()
            .and_then(|next| next.to_zoned(TimeZone::UTC))
            .map(|zoned| zoned.timestamp()),
        Err(_) => text.parse::<Timestamp>(),
    };
    let moment = moment.map_err(|_| {
        "expected a day, such as 2027-03-31 (to its end), or a moment, such as 2027-03-31T12:00:00Z"
            .to_owned()
    })?;
    Ok(overt_records::Timestamp::from_unix_ms(
        moment.as_millisecond(),
    ))
}

/// A hold, as it is shown.
#[derive(serde::Serialize)]
struct HoldRow {
    number: u64,
    alert: u32,
    reason: String,
    by: String,
    at: String,
    until: String,
    /// When it was ended before its time, by whom and why.
    ended: Option<EndRow>,
    /// Whether it keeps anything now.
    lasts: bool,
}

#[derive(serde::Serialize)]
struct EndRow {
    at: String,
    by: String,
    reason: String,
}

impl HoldRow {
    fn of(hold: &Hold) -> HoldRow {
        HoldRow {
            number: hold.number,
            alert: hold.alert,
            reason: hold.reason.clone(),
            by: hold.by.to_string(),
            at: shown(hold.at),
            until: shown(hold.until),
            ended: hold.release.as_ref().map(|release| EndRow {
                at: shown(release.at),
                by: release.by.to_string(),
                reason: release.reason.clone(),
            }),
            lasts: hold.lasts(watchlist::now()),
        }
    }

    fn text(&self) -> String {
        let state = match (&self.ended, self.lasts) {
            (Some(end), _) => format!("ended {} by {}: {}", end.at, end.by, end.reason),
            (None, true) => format!("until {}", self.until),
            (None, false) => format!("over since {}", self.until),
        };
        format!(
            "hold {} keeps alert {}, by {} since {}: {}; {state}\n",
            self.number, self.alert, self.by, self.at, self.reason
        )
    }
}

/// Prints a hold.
fn print_hold(hold: &Hold, json: bool) -> Result<Exit, Failure> {
    let row = HoldRow::of(hold);
    if json {
        output::print_json(&row)?;
    } else {
        output::print(&output::printable(&row.text()))?;
    }
    Ok(Exit::Done)
}
