//! `overt rules show`: what is in force.

use clap::Args;
use overt_records::{AdoptedRules, Rules};
use serde::Serialize;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::ForceArguments;
use crate::{output, times};

/// Show the rules in force; you are signed in
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt rules show
  overt rules show --text > rules.toml
  overt rules show --json | jq .rules.modes")]
pub(crate) struct Arguments {
    #[command(flatten)]
    force: ForceArguments,
    /// The file's text, as it was signed
    #[arg(long, conflicts_with = "json")]
    text: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let (force, _) = arguments.force.signed_in()?;
    let Some(adopted) = force.rules()? else {
        return Err(Failure::new(
            "the force has adopted no rules",
            "an authorising officer adopts them: `overt rules adopt rules.toml`",
        ));
    };
    if arguments.text {
        output::print(&adopted.text)?;
        return Ok(Exit::Done);
    }
    print(&adopted, arguments.json)
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'r> {
    version: u32,
    sha256: &'r str,
    key: &'r str,
    adopted_by: &'r str,
    adopted_at: String,
    rules: &'r Rules,
}

/// Rules that are in force.
pub(super) fn print(adopted: &AdoptedRules, json: bool) -> Result<Exit, Failure> {
    let at = times::for_lists(times::of_records(adopted.at));
    match json {
        true => output::print_json(&Report {
            version: adopted.rules.version,
            sha256: &adopted.sha256,
            key: &adopted.key,
            adopted_by: adopted.by.name(),
            adopted_at: at,
            rules: &adopted.rules,
        })?,
        false => output::print(&output::printable(&text(adopted, &at)))?,
    }
    Ok(Exit::Done)
}

fn text(adopted: &AdoptedRules, at: &str) -> String {
    let rules = &adopted.rules;
    let mut text = format!(
        "Version {} of the rules of {}, adopted {at} by {}\n  sha256 {}\n  signed by the key {}\n",
        rules.version, rules.force, adopted.by, adopted.sha256, adopted.key
    );
    for mode in &rules.modes {
        text += &format!("  {}: authorised by {}", mode.mode, mode.ranks.join(", "));
        if !mode.urgent_ranks.is_empty() {
            text += &format!(
                "; where it is urgent by {} too, for {} hours",
                mode.urgent_ranks.join(", "),
                mode.urgent_hours
            );
        }
        let roles: Vec<_> = mode.started_by.iter().map(|role| role.name()).collect();
        text += &format!("; started by {}\n", roles.join(", "));
    }
    let documents: Vec<_> = rules.documents.iter().map(|kind| kind.name()).collect();
    let people: Vec<_> = rules
        .people
        .iter()
        .map(|rule| format!("{} {}", rule.count, rule.role))
        .collect();
    let (kept, watchlist) = (rules.retention, rules.watchlist);
    text += &format!(
        "  who planned it may authorise it: {}\n  at most {} hours from start to end\n  use cases: {}\n  categories: {}\n  watchlist: {} people, made {} hours before the \
         start; an approval of their own for people under {}\n  kept at most: alerts {} hours, inputs {}, watchlist {}\n  judged within: {} s, {} s, {} s\n  documents in force: {}\n  people with a \
         valid credential: {}\n  a calibration: {}; notice to the public: {}\n  what an arrest was for: {}\n",
        if rules.planner_may_authorise {
            "yes"
        } else {
            "no"
        },
        rules.longest_hours,
        rules.use_cases.join(", "),
        rules.categories.join(", "),
        watchlist.size,
        watchlist.age_hours,
        watchlist.approval_under,
        kept.alerts_hours,
        kept.inputs_hours,
        kept.watchlist_hours,
        rules.judgement.adjudication_ms / 1_000,
        rules.judgement.engagement_ms / 1_000,
        rules.judgement.location_ms / 1_000,
        documents.join(", "),
        people.join(", "),
        if rules.calibration {
            "required"
        } else {
            "not required"
        },
        match rules.notice_hours {
            Some(hours) => format!("{hours} hours before the start"),
            None => "not required".to_owned(),
        },
        match rules.arrest_reasons.is_empty() {
            true => "not put on record".to_owned(),
            false => rules.arrest_reasons.join(", "),
        }
    );
    text
}
