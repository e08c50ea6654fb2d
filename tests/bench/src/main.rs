//! `make bench`: what Overt's parts cost, each beside a baseline that is measured in turn with it. Prints a table and writes the same
//! rows as JSON. Asserts nothing about time.

mod call;
mod decision;
mod demo;
mod load;
mod pairs;
mod project;
mod row;
mod search;
mod tax;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
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
    /// Measure only the parts of this name: call, decision, load, tax, demo, search
    #[arg(long)]
    only: Vec<String>,
}

/// How much is measured.
#[derive(Clone, Copy)]
struct Scale {
    quick: bool,
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
    // As a child of itself it compiles one plugin and does nothing else.
    let mut arguments = std::env::args().skip(1);
    if let (Some(word), Some(family), None) = (arguments.next(), arguments.next(), arguments.next())
        && word == project::COMPILE
    {
        std::process::exit(overt_runtime::compiler::serve(&family));
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
    type Part = (&'static str, fn(&Project, Scale) -> Outcome<Vec<Row>>);
    const PARTS: [Part; 6] = [
        ("call", |project, scale| call::rows(&project.runtime, scale)),
        ("decision", decision::rows),
        ("load", load::rows),
        ("tax", tax::rows),
        ("search", |_, scale| search::rows(scale)),
        ("demo", demo::rows),
    ];
    let scale = Scale {
        quick: arguments.quick,
    };
    let project = Project::open()?;
    let started = Instant::now();
    let mut rows = Vec::new();
    for (name, part) in PARTS {
        if !arguments.only.is_empty() && !arguments.only.iter().any(|only| only == name) {
            continue;
        }
        eprintln!("bench: {name}, {} s so far", started.elapsed().as_secs());
        rows.extend(part(&project, scale).map_err(|error| format!("{name}: {error}"))?);
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
