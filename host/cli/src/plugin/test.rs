//! `overt plugin test`: a plugin's self-test, on this machine, in the very host that a force runs.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;
use overt_runtime::manifest::Manifest;
use overt_runtime::self_test::SelfTested;
use overt_runtime::{Limits, Role};
use serde::Serialize;

use super::workbench::{Workbench, WorkbenchArguments, show_log};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;

/// Run a plugin's self-test on this machine
///
/// The plugin is compiled and run in the sandbox, with everything granted that it declares and within the limits that it declares, whoever signed it. A
/// perception plugin is asked about the host's test card, a drawn face; a decision plugin about the cases in its manifest. What it logs is shown on standard
/// error: here and in `overt plugin bench` a perception plugin may log too, which no host runs.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt plugin test encoder.wasm
  overt plugin test encoder.wasm --backend openvino --precision bf16
  overt plugin test encoder.wasm --answers >> plugin.toml       what it answers here, to write down

The JSON is described by plugin-test.schema.json in the source of overt.

Exit status: 0 if every answer is as expected, 1 if not, or if there is no self-test.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    workbench: WorkbenchArguments,
    /// Print what it answers to the test card as `[self-test]`, and compare nothing
    #[arg(long)]
    answers: bool,
    /// As JSON
    #[arg(long, conflicts_with = "answers")]
    json: bool,
}

/// A role's self-test.
#[derive(Serialize)]
struct Row {
    role: Role,
    #[serde(flatten)]
    tested: SelfTested,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let workbench = Workbench::open(&arguments.workbench, &[])?;
    let manifest = workbench.manifest();
    let test = manifest.self_test.clone().unwrap_or_default();
    let backend = &*workbench.backend;
    let _shown = show_log();
    let mut rows = Vec::new();
    for role in &manifest.plugin.roles {
        let plugin = workbench.accept(*role, limits(manifest), "{}".into())?;
        if arguments.answers {
            let answers = plugin
                .answers(backend)
                .map_err(|error| Failure::new(error.to_string(), ""))?;
            let table = BTreeMap::from([("self-test", answers)]);
            let text = toml::to_string(&table)
                .map_err(|error| Failure::new(format!("no TOML can be made: {error}"), ""))?;
            output::print(&text)?;
        } else {
            let tested = plugin.self_test(&test, backend);
            rows.push(Row {
                role: *role,
                tested,
            });
        }
    }
    if arguments.answers {
        return Ok(Exit::Done);
    }
    if arguments.json {
        output::print_json(&rows)?;
    } else {
        let about = &manifest.plugin;
        let on = workbench.backend_name();
        let on = on.map_or_else(String::new, |backend| format!(" on {backend}"));
        let mut text = format!("{} {}{on}\n", about.id, about.version);
        for Row { role, tested } in &rows {
            let SelfTested {
                questions,
                failures,
            } = tested;
            text += &match (questions, failures.len()) {
                (0, _) => format!("  {role}: NO SELF-TEST; `--answers` helps to write one\n"),
                (many, 0) => format!("  {role}: {many} of {many} answered as expected\n"),
                (many, wrong) => format!("  {role}: {wrong} of {many} answered OTHERWISE\n"),
            };
            for failure in failures {
                text += &format!("    {failure}\n");
            }
        }
        output::print(&output::printable(&text))?;
    }
    let sound = |row: &Row| row.tested.questions > 0 && row.tested.failures.is_empty();
    Ok(match rows.iter().all(sound) {
        true => Exit::Done,
        false => Exit::Failed,
    })
}

/// What the vendor says that it needs: a plugin that cannot do its own self-test within that says something wrong. The deadline is among them, since it counts
/// the guest's own CPU time and nothing else: a busy machine, the host's work and the models are not in it.
fn limits(manifest: &Manifest) -> Limits {
    let (declared, usual) = (&manifest.limits, Limits::default());
    Limits {
        memory: declared
            .memory_mib
            .map_or(usual.memory, |mib| u64::from(mib) << 20),
        model_memory: declared
            .model_memory_mib
            .map_or(usual.model_memory, |mib| u64::from(mib) << 20),
        deadline: declared
            .deadline_ms
            .map_or(usual.deadline, |ms| Duration::from_millis(u64::from(ms))),
        fuel: declared.fuel.unwrap_or(usual.fuel),
        faces: declared.faces_per_frame.unwrap_or(usual.faces),
        ..usual
    }
}
