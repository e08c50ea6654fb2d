//! `overt watchlist`: the people sought in one deployment.

mod add;
mod approve;
mod check;
mod enrol;
pub(crate) mod enrolled;
mod grounds;
mod list;
mod list_file;
mod prove;
mod remove;
pub(crate) mod sources;

use clap::{Args, Subcommand};
use overt_deployment::Deployment;
use overt_records::{Force, ForceError, Retention, Store, StoreSettings, SweepReport, Timestamp};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;

/// Enrol, approve, check, list, add and remove the people sought in a deployment
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Enrol(enrol::Arguments),
    Add(add::Arguments),
    Check(check::Arguments),
    Approve(approve::Arguments),
    List(list::Arguments),
    Remove(remove::Arguments),
    Prove(prove::Arguments),
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    match arguments.command {
        Command::Enrol(arguments) => enrol::run(arguments),
        Command::Add(arguments) => add::run(arguments),
        Command::Check(arguments) => check::run(arguments),
        Command::Approve(arguments) => approve::run(arguments),
        Command::List(arguments) => list::run(arguments),
        Command::Remove(arguments) => remove::run(arguments),
        Command::Prove(arguments) => prove::run(arguments),
    }
}

/// What the records have to know of their deployment.
pub(crate) fn settings(deployment: &Deployment) -> StoreSettings {
    // A deployment file says it in whole hours, 744 at most.
    let hours = |duration: std::time::Duration| (duration.as_secs() / 3_600) as u32;
    let retention = Retention {
        alerts_hours: hours(deployment.retention.alerts),
        inputs_hours: hours(deployment.retention.inputs),
        watchlist_hours: hours(deployment.retention.watchlist),
    };
    StoreSettings {
        deployment: deployment.id.clone(),
        retention,
    }
}

/// The clock, as the records have it.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_unix_ms(jiff::Timestamp::now().as_millisecond())
}

/// A deployment's records, which have to be there. What has reached the end of its retention is gone before anybody looks.
pub(crate) fn open(deployment: &Deployment) -> Result<Store, Failure> {
    let store = Store::open(&deployment.host.records, &settings(deployment))?;
    store.keep_membership(deployment.retention.membership_days);
    say_gone(&store.sweep(now())?);
    Ok(store)
}

/// Says what a sweep has taken off the watchlist, where it has.
pub(crate) fn say_gone(report: &SweepReport) {
    if report.watchlist_images > 0 {
        let (images, entries) = (report.watchlist_images, report.watchlist_entries);
        let gone = gone(images as u64, entries as u64, &report.withdrawn);
        output::say(&format!("RETENTION {gone}\n"));
    }
}

/// The same in words.
pub(crate) fn gone(images: u64, entries: u64, withdrawn: &[u32]) -> String {
    let of = |number: u64, one: &str, many: &str| match number {
        1 => format!("1 {one}"),
        number => format!("{number} {many}"),
    };
    let images = of(images, "image", "images");
    let entries = of(entries, "entry", "entries");
    let mut text = format!("{images} and {entries} of the watchlist are gone for good");
    let withdrawn: Vec<String> = withdrawn.iter().map(u32::to_string).collect();
    if !withdrawn.is_empty() {
        text += &format!("; withdrawn: alert {}", withdrawn.join(", "));
    }
    text
}

/// Whoever is younger than this has a reason and an approval of their own: by the force's rules, and a child whatever they say.
fn approval_under(deployment: &Deployment) -> Result<u8, Failure> {
    let adopted = match Force::at(&deployment.host.force).rules() {
        Err(ForceError::Missing { .. }) => None,
        adopted => adopted?,
    };
    Ok(adopted.map_or(18, |adopted| adopted.rules.watchlist.approval_under))
}

/// The same, which are made where there are none: for who is put on the watchlist, by the force's rules.
fn open_or_create(deployment: &Deployment) -> Result<Store, Failure> {
    let store = Store::open_or_create(&deployment.host.records, &settings(deployment))?;
    store.keep_membership(deployment.retention.membership_days);
    store.ask_approval_under(approval_under(deployment)?);
    say_gone(&store.sweep(now())?);
    Ok(store)
}
