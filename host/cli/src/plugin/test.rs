//! `overt plugin test`: a plugin's self-test, on this machine, in the very host that a force runs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use clap::Args;
use overt_deployment::{Backend, Capability};
use overt_pipeline::machine::{BackendChoice, open_backend};
use overt_runtime::manifest::Manifest;
use overt_runtime::self_test::SelfTested;
use overt_runtime::{Limits, PluginFile, Role, Runtime, RuntimeOptions, Terms, TrustedFile};
use overt_vision::{ModelFile, Precision};
use serde::Serialize;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::{machine, models, output};

/// Run a plugin's self-test on this machine
///
/// The plugin is compiled and run in the sandbox, with everything granted that it declares, whoever signed it. A perception plugin is asked about the
/// host's test card, a drawn face; a decision plugin about the cases in its manifest.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt plugin test encoder.wasm
  overt plugin test encoder.wasm --backend openvino --precision bf16
  overt plugin test encoder.wasm --answers >> plugin.toml       what it answers here, to write down

Exit status: 0 if every answer is as expected, 1 if not, or if there is no self-test.")]
pub(crate) struct Arguments {
    /// The plugin file
    plugin: PathBuf,
    /// The folder with its models, NAME.onnx each
    #[arg(long, default_value = models::FOLDER)]
    models: PathBuf,
    /// Which library runs the models: onnxruntime or openvino
    #[arg(long, default_value = "onnxruntime", value_parser = backend)]
    backend: Backend,
    /// What it computes with: f32 or bf16
    #[arg(long, default_value = "f32", value_parser = precision)]
    precision: Precision,
    /// Print what it answers to the test card as `[self-test]`, and compare nothing
    #[arg(long)]
    answers: bool,
    /// As JSON
    #[arg(long, conflicts_with = "answers")]
    json: bool,
}

fn backend(text: &str) -> Result<Backend, String> {
    match text {
        "onnxruntime" => Ok(Backend::OnnxRuntime),
        "openvino" => Ok(Backend::OpenVino),
        _ => Err("expected onnxruntime or openvino".into()),
    }
}

fn precision(text: &str) -> Result<Precision, String> {
    match text {
        "f32" => Ok(Precision::F32),
        "bf16" => Ok(Precision::Bf16),
        _ => Err("expected f32 or bf16".into()),
    }
}

/// A role's self-test.
#[derive(Serialize)]
struct Row {
    role: Role,
    #[serde(flatten)]
    tested: SelfTested,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let file = TrustedFile::unsigned(PluginFile::read(&arguments.plugin)?);
    let manifest = file.manifest();
    let choice = BackendChoice {
        precision: arguments.precision,
        ..BackendChoice::usual(arguments.backend)
    };
    let backend = open_backend(&choice, &arguments.plugin)?;
    let options = RuntimeOptions {
        compiler: machine::compiler()?,
        cache: machine::cache_folder(),
    };
    let runtime = Runtime::new(options)?;
    let mut models = BTreeMap::new();
    for declared in &manifest.models {
        let path = arguments.models.join(format!("{}.onnx", declared.name));
        let model = ModelFile::read(&path).map_err(|error| {
            Failure::new(
                error.to_string(),
                "name its folder with `--models`, or fetch Overt's own with `overt models fetch`",
            )
        })?;
        models.insert(declared.name.clone(), (path, model));
    }
    let grants: BTreeSet<Capability> = manifest.capabilities.declared().collect();
    let test = manifest.self_test.clone().unwrap_or_default();
    let mut rows = Vec::new();
    for role in &manifest.plugin.roles {
        let terms = Terms {
            role: *role,
            grants: grants.clone(),
            limits: limits(manifest),
            config: "{}".into(),
            models: models.clone(),
        };
        let plugin = runtime.accept(&file, terms)?;
        runtime.try_models(&plugin, file.path(), &*backend)?;
        if arguments.answers {
            let answers = plugin
                .answers(&*backend)
                .map_err(|error| Failure::new(error.to_string(), ""))?;
            let table = BTreeMap::from([("self-test", answers)]);
            let text = toml::to_string(&table)
                .map_err(|error| Failure::new(format!("no TOML can be made: {error}"), ""))?;
            output::print(&text)?;
        } else {
            let tested = plugin.self_test(&test, &*backend);
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
        let mut text = format!("{} {} on {}\n", about.id, about.version, backend.identity());
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

/// What the vendor says that it needs: a plugin that cannot do its own self-test within that says something wrong.
fn limits(manifest: &Manifest) -> Limits {
    let (declared, usual) = (&manifest.limits, Limits::default());
    Limits {
        memory: declared
            .memory_mib
            .map_or(usual.memory, |mib| u64::from(mib) << 20),
        model_memory: declared
            .model_memory_mib
            .map_or(usual.model_memory, |mib| u64::from(mib) << 20),
        fuel: declared.fuel.unwrap_or(usual.fuel),
        faces: declared.faces_per_frame.unwrap_or(usual.faces),
        ..usual
    }
}
