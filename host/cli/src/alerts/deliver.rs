//! `overt alerts deliver`: what waits for channels, while no run goes on. `overt alerts judge` does the same once a pass is on record.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use overt_deployment::{Deployment, Trust};
use overt_pipeline::desk;
use overt_pipeline::dispatch::{Dispatch, Dispatched, SettledAlert, dispatch};
use overt_pipeline::lock::{LockError, LockFile};
use overt_pipeline::summary::PluginErrors;
use overt_records::{By, Force, Message, News, PluginUsed, RecordsError, Store};
use serde::Serialize;

use super::outbox;
use crate::control::client::ask_if_it_runs;
use crate::control::server::{Begun, Server};
use crate::control::{self, Ask, Told, client, something_else};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::{confine, run};
use crate::{interrupt, machine, output, session, watchlist};

/// How long another command may have the records before it is complained of.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often is looked whether it has ended.
const LOOK: Duration = Duration::from_millis(50);

/// Deliver what waits for channels while no run goes on
///
/// An alert that was passed after its run had ended, and what a receiver could not take before. The router says who hears of a passed alert: the one of the lock, admitted as in a run,
/// and what differs from the lock is refused. Messages go out as in a run: in order for each alert, at least once, and marked where they may have come before. While a run goes
/// on, the run delivers. Meanwhile `overt alerts list`, `show` and `judge` are answered as by a run.
///
/// You are signed in as an operator, an engagement officer or a system engineer. That you had it delivered is on record. `overt alerts judge … pass` does this by itself where no run goes on.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt alerts deliver deployment.toml
  overt alerts deliver deployment.toml --wait 600        goes on trying for ten minutes
  overt alerts deliver deployment.toml --wait 0 --json | jq '.waiting[].trouble'

Exit status:
  0    nothing waits any more
  1    something waits, and it is said why; or it was refused
  2    a mistake in the arguments or in the deployment file
  130  ended by Ctrl-C: what is not delivered waits
The JSON is described by alerts-deliver.schema.json in the source of overt.")]
pub(crate) struct Arguments {
    /// The deployment file
    deployment: PathBuf,
    /// For how long what is not taken is tried again; everything is tried once
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(..=86_400))]
    wait: u32,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Who delivers.
enum Delivery {
    /// Whoever holds the records: a run, or another delivery. A rehearsal does not.
    Elsewhere {
        waiting: Vec<Message>,
        goes_out: bool,
    },
    /// It was done here.
    Here(Box<Dispatched>),
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'r> {
    deployment: &'r str,
    /// Whether a run or another delivery goes on, which delivers.
    elsewhere: bool,
    /// Null: it is in quarantine; or it goes on elsewhere.
    router: Option<&'r PluginUsed>,
    settled: &'r [SettledAlert],
    delivered: Vec<Count<'r>>,
    waiting: Vec<outbox::Row<'r>>,
    plugin_errors: &'r [PluginErrors],
    interrupted: bool,
}

#[derive(Serialize)]
struct Count<'r> {
    channel: &'r str,
    messages: u64,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let deployment = Deployment::read(&arguments.deployment)?;
    let wait = Duration::from_secs(arguments.wait.into());
    let delivery = deliver(&deployment, wait, true)?;
    if let Delivery::Elsewhere {
        goes_out: false, ..
    } = delivery
    {
        return Err(Failure::new(
            format!(
                "a rehearsal of {} goes on, which tells nobody anything",
                deployment.id
            ),
            "deliver once it has ended",
        ));
    }
    match arguments.json {
        true => output::print_json(&report(&deployment, &delivery))?,
        false => output::print(&output::printable(&text(&deployment, &delivery)))?,
    }
    Ok(match &delivery {
        Delivery::Here(done) if done.interrupted => Exit::Interrupted,
        delivery if waiting(delivery).is_empty() => Exit::Done,
        _ => Exit::Failed,
    })
}

/// Tells who acts of what was just passed, once that is on record and said. Whatever comes of it, the judgement stands; it is told on standard error.
pub(super) fn after_pass(deployment: &Deployment, alert: u32) {
    match deliver(deployment, Duration::ZERO, false) {
        Ok(Delivery::Here(done)) => {
            let mut text = facts(&done);
            // What waits of other alerts is no business of this judgement.
            let own = |message: &&Message| message.alert == alert && message.news == News::Passed;
            let waiting: String = (done.waiting.iter().filter(own))
                .map(outbox::line)
                .collect();
            if !waiting.is_empty() {
                text += &waiting;
                text += &format!("  it waits: `{}` delivers it\n", command(deployment));
            }
            output::say(&output::printable(&text));
        }
        // Another command has taken the records since; what it is says what it does.
        Ok(Delivery::Elsewhere { goes_out: true, .. }) => {}
        Ok(Delivery::Elsewhere { .. }) => after_pass_in_rehearsal(deployment),
        Err(failure) => {
            output::say(&failure.render(output::colour_on_stderr()));
            output::say(&format!(
                "The judgement is on record. NOBODY WHO ACTS HAS HEARD OF IT: `{}` delivers it.\n",
                command(deployment)
            ));
        }
    }
}

/// Says that nobody hears of it now.
pub(super) fn after_pass_in_rehearsal(deployment: &Deployment) {
    output::say(&format!(
        "A rehearsal goes on, which tells nobody anything. NOBODY WHO ACTS HAS HEARD OF IT: once it has ended, `{}` delivers it.\n",
        command(deployment)
    ));
}

fn command(deployment: &Deployment) -> String {
    format!("overt alerts deliver {}", deployment.file().display())
}

/// Delivers, or says who does.
fn deliver(
    deployment: &Deployment,
    wait: Duration,
    at_terminal: bool,
) -> Result<Delivery, Failure> {
    if let Some(delivery) = elsewhere(deployment)? {
        return Ok(delivery);
    }
    let by = session::signed_in(&Force::at(&deployment.host.force))?;
    By::delivering(&by).map_err(RecordsError::from)?;
    let lock = match LockFile::read(&deployment.host.lock, deployment.file()) {
        Err(error @ LockError::Missing { .. }) => {
            return Err(Failure::new(
                error.to_string(),
                format!(
                    "who hears of an alert says the router that was decided on: `overt lock {}`",
                    deployment.file().display()
                ),
            ));
        }
        read => read?,
    };
    // Before any thread, and before a plugin is opened. Cameras are none of its business.
    let mut bare = deployment.clone();
    bare.cameras.clear();
    let confinement = confine::confine(&bare, &[])?;
    let stop =
        interrupt::watch("what is under way is given its last round, and what is left waits")?;
    let is_whole = confinement.is_whole();
    let shut_in = confinement.to_string();
    // Before the records, which nobody else can have from then on.
    let machine = machine::start(deployment)?.confined(confinement);
    let Some(store) = opened(deployment)? else {
        return match elsewhere(deployment)? {
            Some(delivery) => Ok(delivery),
            None => Err(Failure::new(
                "another command has just let go of the records",
                "try again",
            )),
        };
    };
    let progress = Arc::new(Progress::new("messages", None));
    if !is_whole {
        progress.line(&format!("NOT SHUT IN: {shut_in}."));
    }
    if matches!(deployment.trust, Trust::Unsigned) {
        progress.line(run::UNSIGNED);
    }
    let (ask, requests) = crossbeam_channel::unbounded();
    let begun = Begun {
        file: deployment.file().to_owned(),
        deployment: deployment.id.clone(),
        cameras: Vec::new(),
        locked: true,
        force: deployment.host.force.clone(),
    };
    let socket = Server::start(&control::folder(deployment), begun, ask)?;
    confine::close_local_sockets(deployment)?;
    let how = Dispatch {
        lock: &lock,
        by: &by,
        wait,
        at_terminal,
    };
    let tell = |event: overt_pipeline::Event<'_>| run::show(&progress, event);
    let done = dispatch(&machine, deployment, how, &store, &stop, requests, &tell);
    progress.end();
    drop(socket);
    Ok(Delivery::Here(Box::new(done?)))
}

/// What waits, where somebody else holds the records and answers.
fn elsewhere(deployment: &Deployment) -> Result<Option<Delivery>, Failure> {
    let token = session::token_for(&Force::at(&deployment.host.force))?;
    let ask = Ask::Desk(desk::Ask::Outbox);
    match ask_if_it_runs(deployment, ask, &token, &|_| {})? {
        None => Ok(None),
        Some(Told::Desk(desk::Told::Outbox {
            messages, goes_out, ..
        })) => Ok(Some(Delivery::Elsewhere {
            waiting: messages,
            goes_out,
        })),
        Some(_) => Err(something_else()),
    }
}

/// The records. A command that has them for a moment is waited for; `None` where one has them that answers questions.
fn opened(deployment: &Deployment) -> Result<Option<Store>, Failure> {
    let begun = Instant::now();
    loop {
        match Store::open(&deployment.host.records, &watchlist::settings(deployment)) {
            Err(RecordsError::AlreadyOpen { .. }) if begun.elapsed() < PATIENCE => {
                if client::is_running(deployment) {
                    return Ok(None);
                }
                std::thread::sleep(LOOK);
            }
            opened => {
                let store = opened?;
                store.keep_membership(deployment.retention.membership_days);
                store.sweep(watchlist::now())?;
                return Ok(Some(store));
            }
        }
    }
}

fn waiting(delivery: &Delivery) -> &[Message] {
    match delivery {
        Delivery::Elsewhere { waiting, .. } => waiting,
        Delivery::Here(done) => &done.waiting,
    }
}

fn report<'r>(deployment: &'r Deployment, delivery: &'r Delivery) -> Report<'r> {
    let done = match delivery {
        Delivery::Elsewhere { .. } => None,
        Delivery::Here(done) => Some(done),
    };
    let delivered = done.into_iter().flat_map(|done| &done.delivered);
    Report {
        deployment: &deployment.id,
        elsewhere: done.is_none(),
        router: done.and_then(|done| done.router.as_ref()),
        settled: done.map_or(&[], |done| &done.settled),
        delivered: delivered
            .map(|(channel, messages)| Count {
                channel,
                messages: *messages,
            })
            .collect(),
        waiting: waiting(delivery).iter().map(outbox::row).collect(),
        plugin_errors: done.map_or(&[], |done| &done.plugin_errors),
        interrupted: done.is_some_and(|done| done.interrupted),
    }
}

fn text(deployment: &Deployment, delivery: &Delivery) -> String {
    let waiting = waiting(delivery);
    let (mut text, nothing) = match delivery {
        Delivery::Elsewhere { .. } => (
            format!(
                "a run of {} goes on, or another delivery: it delivers\n",
                deployment.id
            ),
            "nothing waits\n",
        ),
        Delivery::Here(done) => (facts(done), "nothing waits any more\n"),
    };
    match waiting.is_empty() {
        true => text += nothing,
        false => {
            text += &waiting.iter().map(outbox::line).collect::<String>();
            text += &format!("{} waiting\n", count(waiting.len() as u64));
        }
    }
    text
}

/// What was done.
fn facts(done: &Dispatched) -> String {
    let mut text = String::new();
    if done.router.is_none() {
        text += "the router is in quarantine and was not asked: every channel for action is told\n";
    }
    for SettledAlert {
        alert,
        channels,
        by_default,
    } in &done.settled
    {
        let why = match by_default {
            true => "every channel for action, for the router named none",
            false => "named by the router",
        };
        text += &match channels.is_empty() {
            true => format!(
                "alert {alert}: nobody is told, for the deployment file has no channel for action\n"
            ),
            false => format!("alert {alert}: for {} ({why})\n", channels.join(", ")),
        };
    }
    for (channel, messages) in &done.delivered {
        text += &format!("{channel}: {} delivered\n", count(*messages));
    }
    text
}

fn count(messages: u64) -> String {
    match messages {
        1 => "1 message".to_owned(),
        messages => format!("{messages} messages"),
    }
}
