//! What `overt doctor` looks at, a function each. It says what it found, and judges no deployment beyond its file.

use std::path::Path;
use std::process::Command;

use overt_deployment::{Backend, Confine, Deployment};
use overt_models::{Status, cards, status};
use overt_pipeline::machine::{BackendChoice, open_backend};
use overt_runtime::inspect::inspect;

use super::{Check, State};
use crate::failure::Failure;
use crate::memory;

/// The deployment file, and the files that it names.
pub(super) fn deployment(file: Option<&Path>) -> (Vec<Check>, Option<Deployment>) {
    const NAME: &str = "deployment file";
    let Some(file) = file else {
        return (Vec::new(), None);
    };
    let problems = match Deployment::read(file) {
        Ok(deployment) => match deployment.check_files() {
            Ok(()) => {
                let found = format!(
                    "{}: {} is sound, and every file that it names is here",
                    file.display(),
                    deployment.id
                );
                return (vec![Check::ok(NAME, found)], Some(deployment));
            }
            Err(problems) => (problems, Some(deployment)),
        },
        Err(problems) => (problems, None),
    };
    let (problems, deployment) = problems;
    let check = |problem: &overt_deployment::Problem| {
        let line = problem
            .position
            .map(|position| format!(":{}", position.line))
            .unwrap_or_default();
        let found = format!(
            "{}{line}: {}: expected {}, found {}",
            problem.file.display(),
            problem.key,
            problem.expected,
            problem.found
        );
        Check::missing(NAME, found, problem.mend.clone())
    };
    (problems.iter().map(check).collect(), deployment)
}

/// The inference libraries: the one that the deployment wants, on its device and with its precision; without a deployment, ONNX Runtime,
/// and OpenVINO where it is there.
pub(super) fn backends(deployment: Option<&Deployment>) -> Vec<Check> {
    let Some(deployment) = deployment else {
        let openvino = backend(&BackendChoice::usual(Backend::OpenVino), Path::new("."));
        return vec![
            backend(&BackendChoice::usual(Backend::OnnxRuntime), Path::new(".")),
            Check {
                state: match openvino.state {
                    State::Missing => State::Absent,
                    found => found,
                },
                ..openvino
            },
        ];
    };
    vec![backend(&BackendChoice::of(deployment), deployment.file())]
}

fn backend(choice: &BackendChoice, beside: &Path) -> Check {
    match open_backend(choice, beside) {
        Ok(backend) => Check::ok(choice.name(), backend.identity().to_string()),
        Err(error) => Check::missing(choice.name(), error.to_string(), error.mend()),
    }
}

/// Whether a model's memory is counted, so that a limit can hold it.
pub(super) fn model_memory() -> Check {
    const NAME: &str = "model memory";
    match overt_vision::memory::is_counted() {
        true => Check::ok(NAME, "counted, for each model of each worker"),
        false => Check::absent(
            NAME,
            "not counted: no limit holds what a model takes",
            "run Overt on Linux with glibc, without another allocator preloaded",
        ),
    }
}

/// Whether what is in memory can reach a disk by a crash or by the kernel's swapping.
pub(super) fn memory() -> Check {
    const NAME: &str = "memory";
    if !memory::is_kept_in() {
        return Check::missing(
            NAME,
            "a crash would write faces to the disk",
            "let Overt lower RLIMIT_CORE and set PR_SET_DUMPABLE",
        );
    }
    match memory::swaps() {
        swaps if swaps.is_empty() => Check::ok(NAME, "no core files, and no swap"),
        swaps => Check::absent(
            NAME,
            format!(
                "no core files; the kernel can swap faces out to {}",
                swaps.join(", ")
            ),
            "encrypt the swap, or switch it off: `swapoff -a`",
        ),
    }
}

/// OpenCV, and what it reads videos with.
pub(super) fn opencv() -> Check {
    let opencv = overt_vision::opencv();
    let found = format!(
        "{}; videos through {}",
        opencv.version,
        opencv.video_backends.join(", ")
    );
    if opencv.video_backends.is_empty() {
        return Check::missing(
            "OpenCV",
            format!("{}; it reads no videos", opencv.version),
            "install Debian's libopencv-videoio406 or the like",
        );
    }
    Check::ok("OpenCV", found)
}

/// Whether a run can shut itself in. Missing only where the deployment wants it.
pub(super) fn confinement(deployment: Option<&Deployment>) -> Check {
    const NAME: &str = "confinement";
    const MEND: &str = "run on Linux 6.7 or later with Landlock switched on (`landlock` among the `lsm=` of the kernel's command line)";
    let possible = overt_confinement::possible();
    let found = possible.to_string();
    match possible.is_whole() {
        true => Check::ok(NAME, found),
        false if deployment.is_some_and(|file| file.host.confine == Confine::Required) => {
            Check::missing(NAME, found, MEND)
        }
        false => Check::absent(NAME, found, MEND),
    }
}

/// Every model of Overt's own plugins, by its digest.
pub(super) fn models(folder: &Path) -> Result<Vec<Check>, Failure> {
    const MEND: &str = "`overt models fetch`";
    let check = |card: &overt_models::Card| {
        let name = format!("model {}", card.name);
        let file = folder.join(card.file_name());
        match status(card, folder) {
            Status::Present => Check::ok(
                name,
                format!("{}, its SHA-256 is the card's", file.display()),
            ),
            Status::Missing => {
                Check::missing(name, format!("{} is not there", file.display()), MEND)
            }
            Status::Differs { found } => Check::missing(
                name,
                format!(
                    "{} has SHA-256 {found}, the card says {}",
                    file.display(),
                    card.sha256
                ),
                MEND,
            ),
            Status::Unreadable { cause } => Check::missing(
                name,
                format!("{}: {cause}", file.display()),
                "let your user read it",
            ),
        }
    };
    Ok(cards()?.iter().map(check).collect())
}

/// Every plugin of the folder, inspected.
pub(super) fn plugins(folder: &Path) -> Vec<Check> {
    const MEND: &str = "run `make setup`, or pack plugins there with `overt plugin pack`";
    let files = match std::fs::read_dir(folder) {
        Ok(files) => files,
        Err(error) => {
            return vec![Check::missing(
                "plugins",
                format!("{}: {error}", folder.display()),
                MEND,
            )];
        }
    };
    let mut files: Vec<_> = files.filter_map(|file| Some(file.ok()?.path())).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "wasm"));
    files.sort();
    if files.is_empty() {
        return vec![Check::missing(
            "plugins",
            format!("{} holds no plugin", folder.display()),
            MEND,
        )];
    }
    let check = |file: &std::path::PathBuf| {
        let name = format!("plugin {}", file.file_stem().unwrap_or_default().display());
        match inspect(file) {
            Ok(inspection) => match inspection.disagreement {
                None => Check::ok(
                    name,
                    format!(
                        "{}, {} bytes",
                        inspection.manifest.plugin.version, inspection.bytes
                    ),
                ),
                Some(disagreement) => {
                    Check::missing(name, disagreement, "pack it again from sound parts")
                }
            },
            Err(error) => Check::missing(name, error.to_string(), error.mend()),
        }
    };
    files.iter().map(check).collect()
}

/// What the search and the models can make use of.
pub(super) fn processor() -> Check {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let cores = if cores == 1 {
        "1 core".to_owned()
    } else {
        format!("{cores} cores")
    };
    Check::ok(
        "processor",
        format!(
            "{}, {cores}; {}",
            std::env::consts::ARCH,
            features().join(" ")
        ),
    )
}

#[cfg(target_arch = "x86_64")]
fn features() -> Vec<&'static str> {
    let all = [
        ("avx2", is_x86_feature_detected!("avx2")),
        ("fma", is_x86_feature_detected!("fma")),
        ("f16c", is_x86_feature_detected!("f16c")),
        ("avx512f", is_x86_feature_detected!("avx512f")),
        ("avx512bw", is_x86_feature_detected!("avx512bw")),
        ("avx512vnni", is_x86_feature_detected!("avx512vnni")),
    ];
    all.into_iter()
        .filter(|(_, there)| *there)
        .map(|(name, _)| name)
        .collect()
}

#[cfg(not(target_arch = "x86_64"))]
fn features() -> Vec<&'static str> {
    Vec::new()
}

/// What plugins in Rust are built for. Only somebody who builds plugins needs it.
pub(super) fn wasm_target() -> Check {
    const NAME: &str = "wasm32-unknown-unknown";
    const MEND: &str = "needed to build plugins in Rust: `rustup target add wasm32-unknown-unknown`, or `make setup`";
    let Some(root) = ask("rustc", &["--print", "sysroot"]) else {
        return Check::absent(NAME, "there is no rustc", MEND);
    };
    let folder = Path::new(&root).join("lib/rustlib/wasm32-unknown-unknown/lib");
    if folder.is_dir() {
        return Check::ok(NAME, folder.display().to_string());
    }
    // Debian's own compiler can build the target's standard library from its sources.
    let sources = Path::new("/usr/lib/rustlib/src/rust/library/std/Cargo.toml");
    let debian = Path::new("/usr/bin/rustc")
        .exists()
        .then(|| ask("/usr/bin/rustc", &["--version"]))
        .flatten();
    match debian {
        Some(version) if sources.exists() => {
            Check::ok(NAME, format!("from sources, with Debian's {version}"))
        }
        _ => Check::absent(NAME, format!("{} is not there", folder.display()), MEND),
    }
}

/// The first line that a program prints, if it runs and succeeds.
fn ask(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    Some(
        String::from_utf8_lossy(&output.stdout)
            .lines()
            .next()?
            .to_owned(),
    )
}
