//! A deployment in a folder of its own, with the plugins, models and photographs that `make setup` puts in place.

#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)]

pub(crate) mod alerts;
pub(crate) mod eyes;
pub(crate) mod openmetrics;
pub(crate) mod people;
pub(crate) mod receiver;
pub(crate) mod running;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use opencv::core::{Mat, Scalar, Size, Vec3b};
use opencv::prelude::*;
use opencv::videoio::VideoWriter;
use overt_deployment::Deployment;
use overt_pipeline::{Machine, MachineOptions};
use overt_records::{Retention, Store, StoreSettings};
use overt_runtime::compiler::Compiler;
use overt_tests::model;
use overt_vision::{Frame, encode_jpeg, read_still};

/// The program, ready for its arguments. Plugins are compiled once for all tests, and not in the user's cache.
pub(crate) fn overt() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_overt"));
    command
        .env_remove("OVERT_ONNXRUNTIME")
        .env_remove("OVERT_LOG")
        .env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"));
    command
}

/// What a command printed and how it ended.
pub(crate) struct Ended {
    pub(crate) status: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self {
            status: output.status.code(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }
}

pub(crate) fn run<S: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = S>) -> Ended {
    overt().args(arguments).output().unwrap().into()
}

/// A file of this repository that set-up puts in place.
pub(crate) fn set_up(path: &str) -> PathBuf {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../.overt")
        .join(path);
    assert!(
        file.exists(),
        "{} is not there: run `make setup`",
        file.display()
    );
    file.canonicalize().unwrap()
}

/// A plugin's core module, where either way of compiling leaves it.
pub(crate) fn module(name: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_BIN_EXE_overt"))
        .ancestors()
        .nth(2)
        .unwrap();
    let ways = ["", "build-std"];
    let files = ways.map(|way| {
        target
            .join(way)
            .join("wasm32-unknown-unknown/release")
            .join(format!("{name}.wasm"))
    });
    files
        .into_iter()
        .find(|file| file.exists())
        .expect("run `make plugins`")
}

/// A file of the demonstration.
pub(crate) fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../examples/walk-past")
        .join(name)
}

/// A photograph that set-up has fetched. `a-1` to `a-3` show one person.
pub(crate) fn photograph(name: &str) -> PathBuf {
    set_up(&format!("photographs/person-{name}"))
}

/// The machine and the records of a deployment, for a test that drives a run itself.
pub(crate) fn machine_and_store(deployment: &Deployment) -> (Machine, Store) {
    let options = MachineOptions {
        compiler: Compiler {
            program: env!("CARGO_BIN_EXE_overt").into(),
            arguments: vec!["compile".into()],
        },
        cache: Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("overt/compiled")),
    };
    let machine = Machine::start(deployment, options).unwrap();
    let settings = StoreSettings {
        deployment: deployment.id.clone(),
        retention: Retention {
            alerts_hours: 24,
            inputs_hours: 24,
            watchlist_hours: 24,
        },
    };
    let store = Store::open(&deployment.host.records, &settings).unwrap();
    (machine, store)
}

/// A folder with a deployment file.
pub(crate) struct Place {
    pub(crate) folder: tempfile::TempDir,
}

impl Place {
    /// The demonstration's deployment, with `video.avi` in place of its video and everything it writes in `out`.
    pub(crate) fn new() -> Self {
        let place = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let text = std::fs::read_to_string(example("deployment.toml"))
            .unwrap()
            .replace("../../out/demo/walk-past.avi", "video.avi")
            .replace("../../out/demo", "out")
            // Tests have pictures of other sizes; all of each is their zone.
            .replace("zone = [[0, 0], [1280, 0], [1280, 720], [0, 720]]\n", "")
            .replace("../../.overt", set_up("").to_str().unwrap())
            .replace("documents/", example("documents/").to_str().unwrap());
        std::fs::write(place.deployment(), text).unwrap();
        place.with_force();
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn deployment(&self) -> PathBuf {
        self.path("deployment.toml")
    }

    /// Runs the deployment as it stands: live, locked and authorised. What cannot be locked is rehearsed, and says why it does not run.
    pub(crate) fn run(&self) -> Ended {
        self.runs().arg(self.deployment()).output().unwrap().into()
    }

    /// `overt run` so, with no argument yet.
    pub(crate) fn runs(&self) -> Command {
        self.authorise();
        let locked = self.run_as("anna", [Path::new("lock"), &self.deployment()]);
        let mut command = self.overt_as("anna");
        command.arg("run");
        if locked.status != Some(0) {
            command.args(["--rehearsal", "--unlocked"]);
        }
        command
    }

    /// Locks the deployment as it stands.
    pub(crate) fn lock(&self) {
        let locked = self.run_as("anna", [Path::new("lock"), &self.deployment()]);
        assert_eq!(locked.status, Some(0), "{}", locked.err);
    }

    /// Changes the deployment file.
    pub(crate) fn change(&self, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.deployment()).unwrap();
        assert!(text.contains(from), "{from}");
        std::fs::write(self.deployment(), text.replace(from, to)).unwrap();
    }

    /// Lets plugins run that nobody has signed.
    pub(crate) fn unsigned(&self) {
        let text = std::fs::read_to_string(self.deployment()).unwrap();
        let (head, tail) = text.split_once("[trust]\n").unwrap();
        let rest = &tail[tail.find("[retention]").unwrap()..];
        let text = format!("{head}[trust]\nunsigned = true\n\n{rest}");
        std::fs::write(self.deployment(), text).unwrap();
    }

    /// Gives a role to the hostile plugin that has it, which nobody has signed, with `more` lines in its table and this behaviour.
    pub(crate) fn hostile(&self, role: &str, more: &str, behaviour: &str) {
        self.unsigned();
        let file = match role {
            "detector" => "hostile-perception.wasm",
            _ => "hostile-decision.wasm",
        };
        let file = set_up("hostile").join(file);
        let text = std::fs::read_to_string(self.deployment()).unwrap();
        let start = text.find(&format!("[plugins.{role}]")).unwrap();
        let table = &text[start + 1..];
        // To the next table of another plugin or of something else.
        let next = table
            .match_indices("\n[")
            .map(|(at, _)| at)
            .find(|at| !table[at + 2..].starts_with(&format!("plugins.{role}.")))
            .map_or(text.len(), |at| start + 1 + at);
        let text = format!(
            "{}[plugins.{role}]\nfile = {file:?}\n{more}\n[plugins.{role}.config]\nbehaviour = \"{behaviour}\"\n{}",
            &text[..start],
            &text[next..]
        );
        std::fs::write(self.deployment(), text).unwrap();
    }

    /// The same for the detector, which gets its models and all that it declares. It answers a camera's first frame well.
    pub(crate) fn hostile_detector(&self, more: &str, behaviour: &str) {
        for (name, bytes) in [("endless", model::endless()), ("wide", model::wide())] {
            std::fs::write(self.path(&format!("{name}.onnx")), bytes).unwrap();
        }
        let models = "models = { endless = \"endless.onnx\", wide = \"wide.onnx\" }";
        let grants = "grants = [\"frames\", \"pixels\", \"inference\"]";
        self.hostile(
            "detector",
            &format!("{grants}\n{models}\n{more}"),
            behaviour,
        );
    }

    /// Writes a list of photographs as CSV, of people who are missing.
    pub(crate) fn list(&self, lines: &[(&str, &str, &Path)]) -> PathBuf {
        let mut text = "reference,category,file,reasons\n".to_owned();
        for (reference, category, file) in lines {
            text += &format!("{reference},{category},{},missing\n", file.display());
        }
        let path = self.path("list.csv");
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Person A, with one photograph, on the watchlist.
    pub(crate) fn with_person_a() -> Self {
        let place = Self::new();
        place.enrol_person_a();
        place
    }

    /// Enrols person A with the deployment file as it stands.
    pub(crate) fn enrol_person_a(&self) {
        let enrolled = self.enrol(&[("MP-0001", "missing-person", &photograph("a-1.jpg"))]);
        assert_eq!(enrolled.status, Some(0), "{}{}", enrolled.out, enrolled.err);
    }

    /// Enrols these, as the force's system engineer.
    pub(crate) fn enrol(&self, lines: &[(&str, &str, &Path)]) -> Ended {
        if !self.path("out/force.redb").exists() {
            self.with_force();
        }
        let list = self.list(lines);
        let deployment = self.deployment();
        self.run_as(
            "anna",
            [
                Path::new("watchlist"),
                Path::new("enrol"),
                &deployment,
                &list,
            ],
        )
    }

    /// `video.avi`: so many frames in which another photograph of person A moves slowly to the right.
    pub(crate) fn film(&self, frames: usize) {
        let face = read_still(&photograph("a-2.jpg")).unwrap();
        self.film_by(frames, |width, height, index| {
            scene(&face, width, height, (index / 4).min(200))
        });
    }

    /// `video.avi`: so many frames of a picture that is nearly black.
    pub(crate) fn film_darkness(&self, frames: usize) {
        self.film_by(frames, |width, height, _| {
            let (width, height) = (width as i32, height as i32);
            Mat::new_rows_cols_with_default(height, width, Vec3b::opencv_type(), Scalar::all(5.0))
                .unwrap()
        });
    }

    /// `video.avi`: so many frames, each made for a width, a height and its number.
    fn film_by(&self, frames: usize, frame: impl Fn(usize, usize, usize) -> Mat) {
        self.film_at(25.0, frames, frame);
    }

    /// The same with so many frames a second.
    pub(crate) fn film_at(
        &self,
        fps: f64,
        frames: usize,
        frame: impl Fn(usize, usize, usize) -> Mat,
    ) {
        let (width, height) = (640, 480);
        let size = Size::new(width, height);
        let fourcc = VideoWriter::fourcc('M', 'J', 'P', 'G').unwrap();
        let mut video = VideoWriter::new(
            self.path("video.avi").to_str().unwrap(),
            fourcc,
            fps,
            size,
            true,
        )
        .unwrap();
        assert!(video.is_opened().unwrap());
        for index in 0..frames {
            video
                .write(&frame(width as usize, height as usize, index))
                .unwrap();
        }
        video.release().unwrap();
    }
}

/// The middle of a photograph, `columns` times side by side and `rows` times one below the other, on grey.
pub(crate) fn crowd(
    photograph: &Frame,
    width: usize,
    height: usize,
    columns: usize,
    rows: usize,
) -> Mat {
    let (wide, high) = (photograph.width() as usize, photograph.height() as usize);
    let mut picture = grey(width, height);
    let pixels = picture.data_bytes_mut().unwrap();
    let (cell_wide, cell_high) = (width / columns, height / rows);
    // A little grey around each, so that nobody's face touches another's.
    let side = cell_wide.min(cell_high) - 4;
    let shown = wide.min(high);
    for y in 0..rows * cell_high {
        for x in 0..columns * cell_wide {
            let (in_x, in_y) = (x % cell_wide, y % cell_high);
            if in_x >= side || in_y >= side {
                continue;
            }
            let from_x = (wide - shown) / 2 + in_x * shown / side;
            let from_y = in_y * shown / side;
            let (from, to) = (3 * (from_y * wide + from_x), 3 * (y * width + x));
            pixels[to..to + 3].copy_from_slice(&photograph.bgr()[from..from + 3]);
        }
    }
    picture
}

/// Nothing but grey.
pub(crate) fn grey(width: usize, height: usize) -> Mat {
    let (width, height) = (width as i32, height as i32);
    Mat::new_rows_cols_with_default(height, width, Vec3b::opencv_type(), Scalar::all(128.0))
        .unwrap()
}

/// The photograph, 360 pixels high, on grey.
pub(crate) fn scene(photograph: &Frame, width: usize, height: usize, left: usize) -> Mat {
    let (wide, high) = (photograph.width() as usize, photograph.height() as usize);
    let mut picture = Mat::zeros(height as i32, width as i32, Vec3b::opencv_type())
        .unwrap()
        .to_mat()
        .unwrap();
    let pixels = picture.data_bytes_mut().unwrap();
    pixels.fill(128);
    let shown = wide * 360 / high;
    for y in 0..360 {
        for x in 0..shown.min(width - left) {
            let from = 3 * (y * high / 360 * wide + x * high / 360);
            let to = 3 * ((y + 60) * width + x + left);
            pixels[to..to + 3].copy_from_slice(&photograph.bgr()[from..from + 3]);
        }
    }
    picture
}

/// A photograph made of others, side by side, each `height` pixels high.
pub(crate) fn side_by_side(file: &Path, photographs: &[&Path], height: usize) {
    let stills: Vec<Frame> = photographs
        .iter()
        .map(|path| read_still(path).unwrap())
        .collect();
    let widths: Vec<usize> = stills
        .iter()
        .map(|still| still.width() as usize * height / still.height() as usize)
        .collect();
    let width: usize = widths.iter().sum();
    let mut pixels = vec![0; 3 * width * height];
    let mut left = 0;
    for (still, shown) in stills.iter().zip(&widths) {
        let (wide, high) = (still.width() as usize, still.height() as usize);
        for y in 0..height {
            for x in 0..*shown {
                let from = 3 * (y * high / height * wide + (x * high / height).min(wide - 1));
                let to = 3 * (y * width + left + x);
                pixels[to..to + 3].copy_from_slice(&still.bgr()[from..from + 3]);
            }
        }
        left += shown;
    }
    std::fs::write(
        file,
        encode_jpeg(&pixels, width as u32, height as u32, 95).unwrap(),
    )
    .unwrap();
}
