//! `overt audit replay`: every alert once more, from the plugin files and with the inputs that were sealed with it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use clap::Args;
use overt_deployment::Deployment;
use overt_pipeline::inquiry::{Ask, Told};
use overt_pipeline::replay::{
    Answered, AskedPlugin, ForAction, OtherFile, Replayed, Replayer, Verdict,
};
use serde::Serialize;

use crate::control::client;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::{confine, inquiry, interrupt, machine, output, watchlist};

/// Replay alerts: ask their plugins the same once more, and compare the answers byte for byte
///
/// What the matcher policy was asked about the track of an alert, and what the router was asked, when it was raised and once it was passed, is sealed with the alert and kept as
/// long as `inputs-hours` under [retention] says. Nobody is told anything by a replay. Each call is made again, in a fresh instance, from the plugin file of the digest on record and with the configuration on
/// record; the answer has to be the same byte for byte, and to take the same fuel. Plugins are looked for where the deployment file names them, and in
/// the folders given with --plugins. They have to be trusted as in a run. No model is needed. While a run goes on, it does this itself, aside, with the plugins that the deployment file names.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt audit replay deployment.toml                       every alert on record
  overt audit replay deployment.toml 3 7                   these two
  overt audit replay deployment.toml --plugins archive/    plugins that were replaced since
  overt audit replay deployment.toml --json | jq '.alerts[] | select(.verdict != \"same\")'

Verdicts:
  same             every answer is the same, and took the same fuel
  other-host       every answer is the same; another version of the host counted the fuel
  differs          a call is answered otherwise: the first that is, with both answers
  plugin-changed   the plugin that was asked is not there, but another file of its id
  plugin-missing   the plugin that was asked is not there
  plugin-refused   it is there, and the deployment does not accept it now
  record-changed   what is on record is not what was recorded
  expired          the time of the inputs is over; they are gone, as they should be
  never-kept       an older version of the host raised it, and kept no inputs

Exit status: 0 if every alert is the same or expired, 1 if one is anything else, 130 if ended by Ctrl-C.
The JSON is described by audit-replay.schema.json in the source of overt.")]
pub(crate) struct Arguments {
    /// The deployment file
    deployment: PathBuf,
    /// Numbers of alerts; none: every alert on record
    #[arg(value_name = "ALERT")]
    alerts: Vec<u32>,
    /// A folder with plugin files; can be given several times
    #[arg(long, value_name = "DIR")]
    plugins: Vec<PathBuf>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'r> {
    deployment: &'r str,
    /// Alerts by verdict.
    sums: BTreeMap<&'static str, usize>,
    alerts: &'r [Replayed],
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let deployment = Deployment::read(&arguments.deployment)?;
    let (alerts, of) = match by_run(&deployment, &arguments)? {
        Some(alerts) => {
            let of = alerts.len();
            (alerts, of)
        }
        None => here(&deployment, &arguments)?,
    };
    let sums = sums(&alerts);
    if arguments.json {
        output::print_json(&Report {
            deployment: &deployment.id,
            sums,
            alerts: &alerts,
        })?;
    } else {
        output::print(&output::printable(&table(&alerts, &sums)))?;
    }
    let is_well =
        |replayed: &Replayed| matches!(replayed.verdict, Verdict::Same | Verdict::Expired { .. });
    Ok(match alerts.len() < of {
        true => Exit::Interrupted,
        false if alerts.iter().all(is_well) => Exit::Done,
        false => Exit::Failed,
    })
}

/// Asks the run that has the records open; `None` where none goes on.
fn by_run(
    deployment: &Deployment,
    arguments: &Arguments,
) -> Result<Option<Vec<Replayed>>, Failure> {
    if !client::is_running(deployment) {
        return Ok(None);
    }
    if !arguments.plugins.is_empty() {
        return Err(Failure::mistake(
            format!(
                "{} runs, and the run reaches no other plugins than those that it serves with",
                deployment.id
            ),
            "leave `--plugins` out, or replay with it once the run has ended",
        ));
    }
    let progress = Progress::new("alerts", None);
    let mut alerts = Vec::new();
    let mut take = |told| {
        if let Told::Replayed { replayed, of } = told {
            alerts.push(*replayed);
            progress.at(alerts.len() as u64, || format!("of {of}"));
        }
        Ok(())
    };
    let ask = Ask::Replay {
        alerts: arguments.alerts.clone(),
    };
    let told = inquiry::of_run(deployment, ask, &mut take);
    progress.end();
    Ok(told?.map(|_| alerts))
}

/// Opens the records. Gives what was replayed until somebody said stop, and of how many it is.
fn here(deployment: &Deployment, arguments: &Arguments) -> Result<(Vec<Replayed>, usize), Failure> {
    // Before any thread, and before a plugin is opened.
    confine::confine_aside(deployment, &arguments.plugins, &[])?;
    let store = watchlist::open(deployment)?;
    let stop = interrupt::watch("what was replayed so far is shown")?;
    let mut replayer = Replayer::new(deployment, machine::options()?, &arguments.plugins)?;
    let numbers = match arguments.alerts.is_empty() {
        true => store.alert_numbers()?,
        false => arguments.alerts.clone(),
    };
    let progress = Progress::new("alerts", Some(numbers.len() as u64));
    let mut alerts = Vec::with_capacity(numbers.len());
    for (done, number) in (1..).zip(&numbers) {
        if stop.load(Ordering::SeqCst) {
            break;
        }
        let replayed = replayer.replay(&store, *number, watchlist::now());
        if replayed.is_err() {
            progress.end();
        }
        alerts.push(replayed?);
        progress.at(done, String::new);
    }
    progress.end();
    Ok((alerts, numbers.len()))
}

fn sums(alerts: &[Replayed]) -> BTreeMap<&'static str, usize> {
    let mut sums = BTreeMap::new();
    for replayed in alerts {
        *sums.entry(replayed.verdict.name()).or_default() += 1;
    }
    sums
}

/// A line for each alert, and one for all of them.
fn table(alerts: &[Replayed], sums: &BTreeMap<&'static str, usize>) -> String {
    let width = alerts
        .iter()
        .map(|replayed| replayed.verdict.name().len())
        .max()
        .unwrap_or(0);
    let raised = |replayed: &Replayed| replayed.raised_at.clone().unwrap_or_else(|| "-".into());
    let mut text = String::new();
    if !alerts.is_empty() {
        text += &format!("ALERT  {:<24}  CALLS  {:>12}  VERDICT\n", "RAISED", "FUEL");
    }
    for replayed in alerts {
        let line = format!(
            "{:>5}  {:<24}  {:>5}  {:>12}  {:<width$}  {}",
            replayed.alert,
            raised(replayed),
            replayed.compared,
            replayed.fuel,
            replayed.verdict.name(),
            detail(replayed)
        );
        text += line.trim_end();
        text += "\n";
    }
    let sums: Vec<String> = sums
        .iter()
        .map(|(verdict, count)| format!("{count} {verdict}"))
        .collect();
    text + &match alerts.len() {
        0 => "There is no alert on record.\n".to_owned(),
        1 => format!("1 alert: {}\n", sums.join(", ")),
        many => format!("{many} alerts: {}\n", sums.join(", ")),
    }
}

/// What there is to say beyond the verdict.
fn detail(replayed: &Replayed) -> String {
    let mut said = Vec::new();
    match &replayed.verdict {
        Verdict::Same => {}
        Verdict::OtherHost => said.push(format!(
            "every answer is the same; the fuel was counted by version {}",
            replayed.host.as_deref().unwrap_or("-")
        )),
        Verdict::Differs { difference } => {
            let answered =
                |answered: &Answered| format!("{} (fuel {})", answered.answer, answered.fuel);
            said.push(format!(
                "call {} of {} ({}): recorded {}; now {}",
                difference.call,
                asked(&difference.asked),
                difference.function,
                answered(&difference.recorded),
                answered(&difference.found)
            ));
            if difference.other_host {
                said.push("another version of the host asked then".to_owned());
            }
        }
        Verdict::PluginChanged {
            asked: plugin,
            found,
        } => {
            let others: Vec<String> = found
                .iter()
                .map(
                    |OtherFile {
                         file,
                         version,
                         sha256,
                     }| {
                        format!("{} is {version}, sha256 {sha256}", file.display())
                    },
                )
                .collect();
            said.push(format!(
                "{} was sha256 {}; {}",
                asked(plugin),
                plugin.sha256,
                others.join("; ")
            ));
        }
        Verdict::PluginMissing { asked: plugin } => said.push(format!(
            "{} was sha256 {}; name the folder where it is kept with --plugins",
            asked(plugin),
            plugin.sha256
        )),
        Verdict::PluginRefused { cause, mend, .. } => {
            said.push(cause.clone());
            said.push(mend.clone());
        }
        Verdict::RecordChanged { cause } => said.push(cause.clone()),
        Verdict::Expired { at } => said.push(format!("its inputs were to be gone by {at}")),
        Verdict::NeverKept => {}
    }
    match replayed.for_action {
        None | Some(ForAction::Kept) => {}
        Some(ForAction::NotAsked) => {
            said.push("the router was not asked who should act, so everybody was told".to_owned());
        }
        Some(ForAction::NeverKept) => {
            said.push("what the router was asked once it was passed was not kept".to_owned());
        }
        Some(ForAction::Expired) => {
            said.push("what the router was asked once it was passed is expired".to_owned());
        }
    }
    if replayed.left_out > 0 {
        said.push(format!(
            "{} earlier calls of its track are not on record",
            replayed.left_out
        ));
    }
    if replayed.not_compared > 0 {
        said.push(format!(
            "{} calls were ended by the host's clock and are not compared",
            replayed.not_compared
        ));
    }
    said.join("; ")
}

fn asked(plugin: &AskedPlugin) -> String {
    format!("{} {} as {}", plugin.id, plugin.version, plugin.role)
}
