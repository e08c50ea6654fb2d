//! `make bench`: what Overt's parts cost, each beside a baseline that is measured in turn with it. Prints a table and writes the same
//! rows as JSON. Asserts nothing about time.

mod call;
mod changes;
mod decision;
mod demo;
mod engineer;
mod inputs;
mod load;
mod pairs;
mod plain_loop;
mod project;
mod python;
mod row;
mod search;
mod swap;
mod tax;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::{Parser, ValueEnum};
use pairs::Effort;
use project::Project;
use row::Row;
use serde::Serialize;

/// Errors end the program with their text; nobody tells them apart.
type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Measures what Overt's parts cost, each beside a baseline in the same run
#[derive(Parser)]
struct Arguments {
    /// Where the rows go as JSON
    #[arg(long, default_value = "out/bench/summary.json")]
    out: PathBuf,
    /// A few samples of everything at small sizes: shows that it works, and no figure worth keeping
    #[arg(long)]
    quick: bool,
    /// Search among a million templates as well; takes 12 GB of memory and five minutes
    #[arg(long)]
    million: bool,
    /// Measure this part only; may be given several times
    #[arg(long)]
    only: Vec<Part>,
}

/// What is measured, in this order.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Part {
    /// A call over the boundary, in each direction.
    Call,
    /// A decision in a fresh instance.
    Decision,
    /// Keeping an alert's inputs, so that it can be replayed.
    Inputs,
    /// A compiled plugin out of the cache.
    Load,
    /// A frame through plugins and through the same code natively; a minute.
    Tax,
    /// Exact search.
    Search,
    /// The demonstration's frames a second; four minutes.
    Demo,
    /// How long frames pause while plugins are swapped.
    Swap,
}

impl Part {
    fn name(self) -> String {
        // No variant is hidden, so each has a name.
        self.to_possible_value()
            .map_or_else(String::new, |value| value.get_name().to_owned())
    }

    fn rows(self, project: &Project, scale: Scale) -> Outcome<Vec<Row>> {
        match self {
            Part::Call => call::rows(&project.runtime, scale),
            Part::Decision => decision::rows(project, scale),
            Part::Inputs => inputs::rows(project, scale),
            Part::Load => load::rows(project, scale),
            Part::Tax => tax::rows(project, scale),
            Part::Search => search::rows(project, scale),
            Part::Demo => demo::rows(project, scale),
            Part::Swap => swap::rows(project, scale),
        }
    }
}

/// How much is measured.
#[derive(Clone, Copy)]
struct Scale {
    quick: bool,
    million: bool,
}

impl Scale {
    fn effort(self, effort: Effort) -> Effort {
        if self.quick { Effort::pairs(2) } else { effort }
    }
}

/// What `summary.json` holds.
#[derive(Serialize)]
struct Summary {
    /// Figures of a quick run mean nothing.
    quick: bool,
    rows: Vec<Row>,
}

fn main() -> ExitCode {
    // As a child of itself it compiles one plugin, or tries one model, and does nothing else.
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    if let Some((word, rest)) = arguments.split_first()
        && word == project::COMPILE
    {
        std::process::exit(overt_runtime::child::serve(rest));
    }
    match measure(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &Arguments) -> Outcome<()> {
    let scale = Scale {
        quick: arguments.quick,
        million: arguments.million,
    };
    let project = Project::open()?;
    let started = Instant::now();
    let mut rows = Vec::new();
    for part in Part::value_variants() {
        if !arguments.only.is_empty() && !arguments.only.contains(part) {
            continue;
        }
        let name = part.name();
        eprintln!("bench: {name}, {} s so far", started.elapsed().as_secs());
        let measured = part.rows(&project, scale);
        rows.extend(measured.map_err(|error| format!("{name}: {error}"))?);
    }
    if arguments.quick {
        // Two samples of a cold start neither meet a target nor miss it.
        rows.iter_mut().for_each(|row| row.target = None);
    }
    println!("{}", row::table(&rows));
    let summary = Summary {
        quick: arguments.quick,
        rows,
    };
    if let Some(folder) = arguments.out.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(
        &arguments.out,
        serde_json::to_string_pretty(&summary)? + "\n",
    )?;
    println!("{}", arguments.out.display());
    Ok(())
}
