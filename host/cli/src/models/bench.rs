//! `overt models bench`: how fast every model runs on every back end of this machine, and whether it still answers what ONNX Runtime answers.

mod likeness;
mod subject;

use std::fmt::{self, Write as _};
use std::path::Path;

use clap::Args;
use overt_deployment::Backend;
use overt_models::{Card, cards};
use overt_pipeline::PipelineError;
use overt_pipeline::machine::{BackendChoice, open_backend};
use overt_vision::{Device, InferenceError, ModelFile, Precision};
use serde::Serialize;

use super::Folder;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::progress::Progress;
use subject::{Baseline, Measured, Subject};

/// The least cosine between an output and the baseline's, by what the back end computes with.
const LEAST_COSINE: [(Precision, f64); 2] = [(Precision::F32, 0.9999), (Precision::Bf16, 0.999)];

/// Measure every model on every back end of this machine, and compare the outputs
#[derive(Args)]
#[command(after_help = "\
A model that takes several faces at once is measured with 1, 4 and 8. Every output has to resemble that of ONNX Runtime with f32: a cosine of
0.9999 or more with f32, of 0.999 or more with bf16. The back ends run in turn, so that \"faster\" compares like with like. Nothing is read but
the models: the inputs are made-up pictures, the same ones on each machine. With --cuda, ONNX Runtime's library is the one for NVIDIA's graphics
processors, which `OVERT_DEVICE=cuda make setup` fetches, on the processor too: a process can load one only.

Examples:
  overt models bench
  overt models bench mobilefacenet --runs 200
  overt models bench --cuda 0
  overt models bench --json | jq '.rows[] | select(.backend == \"openvino\")'

Exit status: 0 if every output is near enough, 1 if one is not or a model is not here.")]
pub(crate) struct Arguments {
    /// Only these models
    models: Vec<String>,
    #[command(flatten)]
    folder: Folder,
    /// How often each is run; the median is told
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    runs: u32,
    /// On this graphics processor of NVIDIA as well, by its number
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(0..64))]
    cuda: Option<u32>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
    /// Runs behind each median.
    runs: u32,
    backends: Vec<BackendRow>,
    rows: Vec<Row>,
}

/// What a row is about: the library, what it computes with, and where.
#[derive(Clone, Serialize)]
struct Label {
    backend: &'static str,
    precision: Precision,
    /// `cpu` or `cuda:0`.
    device: String,
}

impl Label {
    fn of(choice: &BackendChoice) -> Label {
        Label {
            backend: match choice.backend {
                Backend::OnnxRuntime => "onnxruntime",
                Backend::OpenVino => "openvino",
            },
            precision: choice.precision,
            device: choice.device.to_string(),
        }
    }
}

impl fmt::Display for Label {
    /// The processor goes without saying.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.backend, self.precision)?;
        match self.device.as_str() {
            "cpu" => Ok(()),
            device => write!(f, " {device}"),
        }
    }
}

/// A back end that was looked for.
#[derive(Serialize)]
struct BackendRow {
    #[serde(flatten)]
    label: Label,
    /// Version and digest; absent where it cannot be used here.
    identity: Option<String>,
    /// Why it cannot be used here; absent where it can.
    cause: Option<String>,
}

/// A model on a back end.
#[derive(Clone, Serialize)]
struct Row {
    model: String,
    #[serde(flatten)]
    label: Label,
    /// Pictures or faces a run.
    batch: u32,
    /// Milliseconds to load the model.
    load_ms: f64,
    /// Milliseconds a run, the median.
    run_ms: f64,
    /// Milliseconds a picture or face.
    item_ms: f64,
    /// How many times as fast as the baseline; the median of the runs that were taken in turn.
    faster: f64,
    /// The smallest cosine between one of its outputs, for one picture or face, and the baseline's; absent for the baseline and where it is no number.
    cosine: Option<f64>,
    /// The largest difference between two numbers, as a part of the output's largest; absent as above. A cosine does not see a factor, this does.
    largest_difference: Option<f64>,
    /// The least cosine that is near enough.
    least_cosine: f64,
    /// Whether every output is near enough.
    near: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let folder = &arguments.folder.folder;
    let chosen = choose(cards()?, &arguments.models)?;
    let models: Vec<ModelFile> = chosen
        .iter()
        .map(|card| read(card, folder))
        .collect::<Result<_, _>>()?;

    let mut usual = BackendChoice::usual(Backend::OnnxRuntime);
    let mut choices = Vec::new();
    if let Some(index) = arguments.cuda {
        let mut cuda = BackendChoice {
            device: Device::Cuda { index },
            ..usual.clone()
        };
        cuda.library = Some(cuda.find(folder)?);
        usual.library = cuda.library.clone();
        choices.push(cuda);
    }
    choices.extend(
        [Precision::F32, Precision::Bf16].map(|precision| BackendChoice {
            precision,
            ..BackendChoice::usual(Backend::OpenVino)
        }),
    );

    let onnxruntime = open_backend(&usual, folder)?;
    let mut backends = vec![BackendRow {
        label: Label::of(&usual),
        identity: Some(onnxruntime.identity().to_string()),
        cause: None,
    }];
    let mut others = Vec::new();
    for choice in choices {
        let opened = open_backend(&choice, folder);
        backends.push(BackendRow {
            label: Label::of(&choice),
            identity: opened.as_ref().ok().map(|b| b.identity().to_string()),
            cause: opened.as_ref().err().map(ToString::to_string),
        });
        match opened {
            Ok(backend) => others.push((Label::of(&choice), backend)),
            Err(
                PipelineError::NoLibrary { .. }
                | PipelineError::Inference(InferenceError::NoPrecision { .. }),
            ) => {}
            // A library that is there and broken, or a device that was asked for, is no back end that this machine does not have.
            Err(error) => return Err(error.into()),
        }
    }

    let progress = Progress::new("models", Some(chosen.len() as u64));
    let mut rows = Vec::new();
    for (done, (card, model)) in chosen.iter().zip(&models).enumerate() {
        progress.at(done as u64, || card.name.clone());
        for subject in Subject::of(card)? {
            let mut baseline = Baseline::load(&*onnxruntime, model, &subject)?;
            let mut measured = Vec::new();
            for (_, backend) in &others {
                measured.push(Measured::load(&**backend, model, &subject)?);
            }
            for _ in 0..arguments.runs {
                baseline.run(&subject)?;
                for one in &mut measured {
                    one.run(&subject)?;
                }
            }
            rows.push(row(card, &subject, Label::of(&usual), &baseline.0, None));
            for ((label, _), one) in others.iter().zip(&measured) {
                rows.push(row(card, &subject, label.clone(), one, Some(&baseline.0)));
            }
        }
    }
    progress.end();

    let report = Report {
        runs: arguments.runs,
        backends,
        rows,
    };
    if arguments.json {
        output::print_json(&report)?;
    } else {
        output::print(&table(&report))?;
    }
    Ok(exit(&report.rows))
}

/// The cards that were asked for, in their own order; all where none was.
fn choose(cards: Vec<Card>, asked: &[String]) -> Result<Vec<Card>, Failure> {
    if let Some(unknown) = asked
        .iter()
        .find(|name| !cards.iter().any(|card| card.name == **name))
    {
        let names: Vec<_> = cards.iter().map(|card| card.name.as_str()).collect();
        return Err(Failure::mistake(
            format!("there is no model {unknown:?}"),
            format!("the models are {}", names.join(", ")),
        ));
    }
    Ok(cards
        .into_iter()
        .filter(|card| asked.is_empty() || asked.contains(&card.name))
        .collect())
}

/// The model's file, if it is the one that the card pins.
fn read(card: &Card, folder: &Path) -> Result<ModelFile, Failure> {
    let path = folder.join(card.file_name());
    let refused = |what: String| Failure::new(what, "`overt models fetch`");
    let model = ModelFile::read(&path).map_err(|error| refused(error.to_string()))?;
    // What was hashed is what runs: the file is read this once.
    let (found, expected) = (model.sha256(), card.sha256.to_string());
    if found != expected {
        let what = format!("its SHA-256 is {found}, expected {expected}");
        return Err(refused(format!("{}: {what}", path.display())));
    }
    Ok(model)
}

fn row(
    card: &Card,
    subject: &Subject,
    label: Label,
    measured: &Measured,
    baseline: Option<&Measured>,
) -> Row {
    let least_cosine = LEAST_COSINE
        .iter()
        .find(|(of, _)| *of == label.precision)
        .map_or(1.0, |(_, least)| *least);
    let likeness = baseline.map(|baseline| measured.likeness(baseline));
    let run_ms = measured.median_ms();
    Row {
        model: card.name.clone(),
        label,
        batch: subject.batch,
        load_ms: measured.load_ms,
        run_ms,
        item_ms: run_ms / f64::from(subject.batch),
        faster: baseline.map_or(1.0, |baseline| measured.faster_than(baseline)),
        cosine: likeness
            .map(|likeness| likeness.cosine)
            .filter(|v| v.is_finite()),
        largest_difference: likeness
            .map(|likeness| likeness.largest_difference)
            .filter(|v| v.is_finite()),
        least_cosine,
        // Not a number is not near: no comparison with it holds.
        near: likeness.is_none_or(|likeness| likeness.cosine >= least_cosine),
    }
}

fn exit(rows: &[Row]) -> Exit {
    if rows.iter().all(|row| row.near) {
        Exit::Done
    } else {
        Exit::Failed
    }
}

fn table(report: &Report) -> String {
    let mut text = format!(
        "{:<14} {:>5}  {:<22} {:>8} {:>8} {:>9} {:>7}  {:>9} {:>10}\n",
        "model",
        "batch",
        "back end",
        "load ms",
        "run ms",
        "ms a face",
        "faster",
        "cosine",
        "difference"
    );
    for row in &report.rows {
        let number = |value: Option<f64>, digits: usize| match value {
            Some(value) => format!("{value:.digits$}"),
            None => "-".to_owned(),
        };
        // Writing into a string cannot fail.
        let _ = write!(
            text,
            "{:<14} {:>5}  {:<22} {:>8.1} {:>8.3} {:>9.3} {:>6.2}x  {:>9} {:>10}",
            row.model,
            row.batch,
            row.label.to_string(),
            row.load_ms,
            row.run_ms,
            row.item_ms,
            row.faster,
            number(row.cosine, 6),
            number(row.largest_difference, 6),
        );
        if !row.near {
            let _ = write!(
                text,
                "  NOT NEAR: expected a cosine of {} or more",
                row.least_cosine
            );
        }
        text.push('\n');
    }
    text.push('\n');
    for backend in &report.backends {
        let what = match (&backend.identity, &backend.cause) {
            (Some(identity), _) => identity.clone(),
            (None, cause) => format!(
                "{} was not measured: {}",
                backend.label,
                cause.as_deref().unwrap_or_default()
            ),
        };
        let _ = writeln!(text, "{what}");
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn openvino_bf16() -> Label {
        Label::of(&BackendChoice {
            precision: Precision::Bf16,
            ..BackendChoice::usual(Backend::OpenVino)
        })
    }

    fn some_row() -> Row {
        Row {
            model: "mobilefacenet".into(),
            label: openvino_bf16(),
            batch: 4,
            load_ms: 120.0,
            run_ms: 8.0,
            item_ms: 2.0,
            faster: 2.5,
            cosine: Some(0.998),
            largest_difference: Some(0.02),
            least_cosine: 0.999,
            near: false,
        }
    }

    #[test]
    fn one_output_that_is_not_near_ends_with_1_and_is_told() {
        let near = Row {
            near: true,
            ..some_row()
        };
        assert_eq!(exit(std::slice::from_ref(&near)), Exit::Done);
        assert_eq!(exit(&[near, some_row()]), Exit::Failed);
        let report = Report {
            runs: 1,
            backends: Vec::new(),
            rows: vec![some_row()],
        };
        let text = table(&report);
        assert!(
            text.contains("NOT NEAR: expected a cosine of 0.999"),
            "{text}"
        );
    }

    #[test]
    fn a_back_end_that_is_not_here_is_told_with_its_cause() {
        let report = Report {
            runs: 1,
            backends: vec![BackendRow {
                label: openvino_bf16(),
                identity: None,
                cause: Some("no AVX512_BF16".into()),
            }],
            rows: Vec::new(),
        };
        assert!(
            table(&report).ends_with("openvino bf16 was not measured: no AVX512_BF16\n"),
            "{}",
            table(&report)
        );
    }

    #[test]
    fn a_model_that_nobody_knows_is_a_mistake() {
        assert!(choose(cards().unwrap(), &["no-such".into()]).is_err());
        assert_eq!(
            choose(cards().unwrap(), &["rfb320".into()]).unwrap().len(),
            1
        );
        assert_eq!(
            choose(cards().unwrap(), &[]).unwrap().len(),
            cards().unwrap().len()
        );
    }
}
