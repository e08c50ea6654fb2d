//! `overt alerts list`: which alerts there are, and which of them wait for whom.

use std::path::PathBuf;

use clap::Args;
use overt_deployment::Deployment;
use overt_pipeline::desk::{Ask, Filter, Listed, Told};

use super::{Row, kind_text, shown};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;

/// List alerts, those that wait for somebody first; without faces and scores
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt alerts list deployment.toml
  overt alerts list deployment.toml --open --camera gate
  overt alerts list deployment.toml --state passed --json | jq '.[].number'

Exit status: 0; 1 if you are not signed in.
The JSON is described by alerts.schema.json in the source of overt.")]
pub(crate) struct Arguments {
    /// The deployment file
    deployment: PathBuf,
    /// Only those that have not ended
    #[arg(long)]
    open: bool,
    /// Only those in this state
    #[arg(long, value_parser = ["raised", "passed", "viable", "engaged", "rejected", "not-viable", "not-located", "confirmed-true", "confirmed-false", "lapsed", "withdrawn"])]
    state: Option<String>,
    /// Only those about entries of this category
    #[arg(long)]
    category: Option<String>,
    /// Only those of this camera
    #[arg(long, value_name = "ID")]
    camera: Option<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let deployment = Deployment::read(&arguments.deployment)?;
    let filter = Filter {
        open: arguments.open,
        state: arguments.state,
        category: arguments.category,
        camera: arguments.camera,
    };
    let (Told::List(alerts), _) = super::ask(&deployment, Ask::List(filter))? else {
        return Err(super::something_else());
    };
    if arguments.json {
        let rows: Vec<_> = alerts.iter().map(Row::of).collect();
        output::print_json(&rows)?;
        return Ok(Exit::Done);
    }
    if alerts.is_empty() {
        output::print("no alerts\n")?;
        return Ok(Exit::Done);
    }
    let text: String = alerts.iter().map(line).collect();
    output::print(&output::printable(&text))?;
    Ok(Exit::Done)
}

fn line(listed: &Listed) -> String {
    let alert = &listed.living.alert;
    let state = match listed.living.life.steps().last() {
        None => "raised".to_owned(),
        Some(step) => kind_text(&step.kind),
    };
    let until = match listed.lapses_at {
        Some(at) => format!("  lapses at {}", shown(at)),
        None => String::new(),
    };
    format!(
        "{:>4}  {state}  {} ({})  {}  {}  raised {}{until}\n",
        alert.number,
        alert.reference,
        alert.category,
        super::priority_text(alert.priority),
        super::seen_text(listed),
        shown(alert.raised_at),
    )
}
