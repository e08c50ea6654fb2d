//! `overt alerts outbox`: what channels are still to be told.

use std::path::PathBuf;

use clap::Args;
use overt_deployment::Deployment;
use overt_pipeline::desk::{Ask, Told};
use overt_records::Message;
use serde::Serialize;

use super::shown;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;

/// List messages that no channel has taken yet, and the key that messages are signed with
///
/// A message is tried again while a run goes on, in the next one, and by `overt alerts deliver`; none is given up. The key is what a receiver verifies the signatures of a webhook's messages with.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt alerts outbox deployment.toml
  overt alerts outbox deployment.toml --json | jq -r .key

Exit status: 0; 1 if you are not signed in.")]
pub(crate) struct Arguments {
    /// The deployment file
    deployment: PathBuf,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'r> {
    /// Ed25519, 64 hexadecimal digits.
    key: &'r str,
    messages: Vec<Row<'r>>,
}

#[derive(Serialize)]
pub(super) struct Row<'r> {
    message: u64,
    alert: u32,
    channel: &'r str,
    news: &'static str,
    at: String,
    tries: u32,
    /// Whether it may have arrived although nobody has confirmed it.
    may_have_arrived: bool,
    /// Why it was not taken the last time.
    trouble: Option<&'r str>,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let deployment = Deployment::read(&arguments.deployment)?;
    let (Told::Outbox { messages, key, .. }, _) = super::ask(&deployment, Ask::Outbox)? else {
        return Err(super::something_else());
    };
    if arguments.json {
        output::print_json(&Report {
            key: &key,
            messages: messages.iter().map(row).collect(),
        })?;
        return Ok(Exit::Done);
    }
    let mut text: String = messages.iter().map(line).collect();
    if messages.is_empty() {
        text += "every message was delivered\n";
    }
    text += &format!("messages are signed with {key}\n");
    output::print(&output::printable(&text))?;
    Ok(Exit::Done)
}

pub(super) fn row(message: &Message) -> Row<'_> {
    Row {
        message: message.number,
        alert: message.alert,
        channel: &message.channel,
        news: message.news.name(),
        at: shown(message.at),
        tries: message.tries,
        may_have_arrived: message.may_have_arrived,
        trouble: message.trouble.as_deref(),
    }
}

pub(super) fn line(message: &Message) -> String {
    let tried = match (message.tries, &message.trouble) {
        (0, _) => "not tried yet".to_owned(),
        (tries, None) => format!("tried {tries} times"),
        (tries, Some(trouble)) => format!("tried {tries} times, the last time: {trouble}"),
    };
    let maybe = match message.may_have_arrived {
        true => "; it may have arrived",
        false => "",
    };
    format!(
        "{:>4}  {}  alert {} {}, {}  {tried}{maybe}\n",
        message.number,
        message.channel,
        message.alert,
        message.news.name(),
        shown(message.at),
    )
}
