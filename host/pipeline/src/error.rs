//! Why a deployment cannot run, or ends before its time.

use std::path::PathBuf;

use overt_deployment::{Deployment, Slot, Timestamp};
use overt_gallery::{GalleryError, TemplateError};
use overt_records::{ForceError, Quarantine, RecordsError};
use overt_runtime::PluginError;
use overt_runtime::signature::KeyError;
use overt_runtime::trust::SameKey;
use overt_vision::{CameraError, InferenceError, ModelError};

use crate::calibration::CalibrationError;
use crate::lock::LockError;

/// Why a deployment cannot run, or ends before its time.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// Several at once, so that they can be mended at once.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Several(Vec<PipelineError>),
    /// A file that the deployment file names cannot be read.
    #[error("{path}: {cause}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// A plugin is not accepted.
    #[error("[{slot}] {cause}")]
    Plugin {
        /// Where it stands in the deployment file.
        slot: Slot,
        /// What is wrong with it.
        cause: Box<PluginError>,
    },
    /// A key under `[trust]` cannot be read.
    #[error("[trust] {0}")]
    Key(#[source] Box<KeyError>),
    /// A key under `[trust]` stands there twice.
    #[error("{0}")]
    SameKey(#[from] SameKey),
    /// The lock cannot be read or written.
    #[error("{0}")]
    Lock(#[from] LockError),
    /// A plugin failed too often and is in quarantine.
    #[error(
        "[plugins.{}] {} {} is in quarantine: {} of its last {} calls failed, the last with {}",
        quarantine.plugin.role,
        quarantine.plugin.id,
        quarantine.plugin.version,
        quarantine.strikes,
        quarantine.calls,
        quarantine.cause
    )]
    Quarantined {
        /// What is on record of it.
        quarantine: Box<Quarantine>,
        /// The deployment file.
        deployment: PathBuf,
    },
    /// A model is not accepted.
    #[error("[{slot}] model {model}: {cause}")]
    Model {
        /// Where its plugin stands in the deployment file.
        slot: Slot,
        /// Its name in the deployment file.
        model: String,
        /// What is wrong with it.
        cause: Box<ModelError>,
    },
    /// The back end cannot be used.
    #[error("{0}")]
    Inference(#[from] InferenceError),
    /// The back end's library is in none of the places where it is looked for.
    #[error("the library of {name} was not found; looked for {}", looked.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", "))]
    NoLibrary {
        /// The back end, for people.
        name: &'static str,
        /// The environment variable that can name it.
        variable: &'static str,
        /// What fetches it.
        set_up: &'static str,
        /// The places.
        looked: Vec<PathBuf>,
    },
    /// The plugin runtime cannot start.
    #[error("{0}")]
    Runtime(#[source] Box<PluginError>),
    /// A camera cannot be opened.
    #[error("camera {camera}: {cause}")]
    Camera {
        /// Its id.
        camera: String,
        /// What is wrong with it.
        cause: CameraError,
    },
    /// The thread that reads a camera panicked. That is a fault of the host; the other cameras go on.
    #[error(
        "camera {camera}: the host's thread that reads it panicked, and it was read no further; this is a fault of Overt, not of the camera"
    )]
    CameraPanicked {
        /// Its id.
        camera: String,
    },
    /// A camera's zone of recognition reaches beyond its picture.
    #[error(
        "camera {camera}: its zone of recognition {corners:?} reaches beyond its picture of {width} × {height} pixels"
    )]
    ZoneOutside {
        /// Its id.
        camera: String,
        /// The zone's corners, x and y.
        corners: Vec<[u32; 2]>,
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
    },
    /// A camera's user and password cannot be had.
    #[error("camera {camera}: the credentials in {}: {cause}", path.display())]
    Credentials {
        /// Its id.
        camera: String,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// The records cannot be read or written.
    #[error("{0}")]
    Records(#[from] RecordsError),
    /// The watchlist holds nobody.
    #[error("the watchlist of {} is empty", records.display())]
    EmptyWatchlist {
        /// The record store.
        records: PathBuf,
    },
    /// More entries than the authority allows.
    #[error("the watchlist holds {entries} entries; the authority allows {most}")]
    WatchlistTooLarge {
        /// Entries found.
        entries: usize,
        /// `authority.watchlist-size`.
        most: u32,
    },
    /// An entry of a category that the deployment does not know.
    #[error(
        "the watchlist entry {reference} has the category {category:?}, which [watchlist] of the deployment file does not list"
    )]
    UnknownCategory {
        /// The entry.
        reference: String,
        /// Its category.
        category: String,
    },
    /// A stored template cannot be used.
    #[error("the watchlist entry {reference}: {cause}")]
    Template {
        /// The entry.
        reference: String,
        /// What is wrong with it.
        cause: TemplateError,
    },
    /// The calibration that the score floor rests on cannot be used.
    #[error("[authority] calibration {} {cause}", path.display())]
    Calibration {
        /// Its file.
        path: PathBuf,
        /// What is wrong with it.
        cause: CalibrationError,
    },
    /// The force's store cannot say what time it has seen, and a trusted key expires.
    #[error("{0}")]
    Force(Box<ForceError>),
    /// A detector's fallback has no calibration, and the score floor rests on one.
    #[error(
        "[{slot}] it has no calibration, and the score floor rests on one that was measured with another detector"
    )]
    FallbackUncalibrated {
        /// Where it stands in the deployment file.
        slot: Slot,
    },
    /// The gallery cannot be made.
    #[error("{0}")]
    Gallery(#[from] GalleryError),
    /// Outside the time that was authorised.
    #[error("the deployment is open from {start} until {end}, and it is {now}")]
    NotOpen {
        /// `deployment.start`.
        start: Timestamp,
        /// `deployment.end`.
        end: Timestamp,
        /// The host's clock.
        now: Timestamp,
    },
    /// A folder of plugins cannot be listed.
    #[error("the plugin folder {}: {cause}", path.display())]
    PluginFolder {
        /// The folder.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// A thread cannot be started.
    #[error("a thread cannot be started: {0}")]
    Thread(#[source] std::io::Error),
    /// A thread panicked. That is a fault of the host.
    #[error("the host's {0} thread panicked; this is a fault of Overt, not of the deployment")]
    Panicked(&'static str),
}

impl PipelineError {
    /// What a quarantine on record comes to.
    pub(crate) fn quarantined(deployment: &Deployment, quarantine: &Quarantine) -> PipelineError {
        PipelineError::Quarantined {
            quarantine: Box::new(quarantine.clone()),
            deployment: deployment.file().to_owned(),
        }
    }

    /// One error of several, or the only one.
    pub(crate) fn together(mut errors: Vec<PipelineError>) -> PipelineError {
        match errors.len() {
            1 => errors.remove(0),
            _ => PipelineError::Several(errors),
        }
    }

    /// All errors, each by itself.
    pub fn each(&self) -> Vec<&PipelineError> {
        match self {
            PipelineError::Several(errors) => {
                errors.iter().flat_map(|error| error.each()).collect()
            }
            one => vec![one],
        }
    }

    /// What the reader can do about it.
    pub fn mend(&self) -> String {
        match self {
            PipelineError::Several(errors) => errors.iter().map(PipelineError::mend).collect::<Vec<_>>().join("\n"),
            PipelineError::Plugin { cause, .. } | PipelineError::Runtime(cause) => cause.mend(),
            PipelineError::Unreadable { .. } => "put the file there, and let the user who runs overt read it".into(),
            PipelineError::Key(cause) => cause.mend(),
            PipelineError::Force(cause) => cause.mend(),
            PipelineError::SameKey(_) => "take one of them out: one signature would count as two".into(),
            PipelineError::Lock(cause) => cause.mend(),
            PipelineError::Quarantined { quarantine, deployment } => format!(
                "use another plugin, or, when the cause is known, have a system engineer release it: `overt plugin release {} {} --reason TEXT`",
                deployment.display(),
                quarantine.plugin.id
            ),
            PipelineError::Model { .. } => "fetch the models again: `overt models fetch`".into(),
            PipelineError::Inference(InferenceError::NoDevice { .. }) => {
                "set `device = \"cpu\"` under [host], or install what the device needs; `overt doctor` says what is there".into()
            }
            PipelineError::Inference(InferenceError::DeviceFailed { .. }) => {
                "look with `nvidia-smi` what else uses the graphics processor and its memory, and end that; or set `device = \"cpu\"` under [host]".into()
            }
            PipelineError::Inference(InferenceError::NoPrecision { .. }) => {
                "take `precision` out of [host], and enrol the watchlist again".into()
            }
            PipelineError::Inference(InferenceError::OverMemory(_)) => {
                "if the force agrees that a model may take so much in each worker, raise `model-memory-mib` in the `limits` of the plugin".into()
            }
            PipelineError::NoLibrary { variable, set_up, .. } => {
                format!("run `{set_up}`, or name the library in [host] or in {variable}")
            }
            PipelineError::Inference(_) => {
                "run `make setup`, or name the library in `onnxruntime` or `openvino` under [host]".into()
            }
            PipelineError::Camera { cause, .. } => match cause {
                CameraError::Device { .. } => "name a device that is there in `source`, or plug the camera in".into(),
                CameraError::NoAnswer { .. } => "check the address and the port in `source`, and that the camera is on and reached from this machine".into(),
                CameraError::NoStream { .. } => "check the path in `source` and the user and password in `credentials`; `ffplay` with the same address shows what others see".into(),
                CameraError::OtherSize { .. } => "set the camera to the size that it had, or start the run anew".into(),
                CameraError::Lost { .. } => "check the camera's power and its cable".into(),
                _ => "check the camera's `file` in the deployment file, and that it plays".into(),
            },
            PipelineError::ZoneOutside { .. } => "correct the corners of `zone`: x from the picture's left edge, y from its top, in pixels".into(),
            PipelineError::Credentials { .. } => "write `user:password` into the file's first line, and make it yours alone: `chmod 600 FILE`".into(),
            PipelineError::Records(RecordsError::Full { .. }) => "make room on the disk and run again; what was committed is safe".into(),
            PipelineError::Records(RecordsError::OtherEncoder(_)) => {
                "enrol the watchlist again with this deployment's encoder: `overt watchlist enrol`".into()
            }
            PipelineError::Records(RecordsError::MayNot(cause)) => cause.mend(),
            PipelineError::Records(RecordsError::NoSuchAlert { .. }) => {
                "leave the numbers out: then every alert on record is taken".into()
            }
            PipelineError::Records(_) => "check `records` under [host], and that no other `overt run` uses it".into(),
            PipelineError::EmptyWatchlist { .. } => "enrol somebody first: `overt watchlist enrol DEPLOYMENT FOLDER-OR-CSV`".into(),
            PipelineError::WatchlistTooLarge { .. } => "remove entries (`overt watchlist remove`), or obtain a wider authority".into(),
            PipelineError::UnknownCategory { .. } => "remove the entry (`overt watchlist remove`), or add the category".into(),
            PipelineError::Template { .. } | PipelineError::Gallery(_) => "enrol the entry again: `overt watchlist enrol`".into(),
            PipelineError::Calibration { cause: CalibrationError::Foreign(_), .. } => {
                "measure what runs now, `overt evaluate identification --calibration FILE`, and have the floor authorised again".into()
            }
            PipelineError::Calibration { cause: CalibrationError::NotLocked { .. }, .. } => {
                "restore what was locked; or, if the change is wanted, have it decided and lock anew: `overt lock`".into()
            }
            PipelineError::Calibration { .. } => "make it anew: `overt evaluate identification --calibration FILE`".into(),
            PipelineError::FallbackUncalibrated { slot } => format!("measure what runs once it serves, `overt evaluate identification --calibration FILE`, and name the file as `calibration` under [{slot}]; or take the fallback out"),
            PipelineError::NotOpen { .. } => "run it in its time, or have the authority extended".into(),
            PipelineError::PluginFolder { .. } => "check the path, and that you may read the folder".into(),
            PipelineError::Thread(_) => "raise the limit on processes (`ulimit -u`), or set fewer `workers` under [host]".into(),
            PipelineError::Panicked(_) | PipelineError::CameraPanicked { .. } => "report it with the log".into(),
        }
    }
}
