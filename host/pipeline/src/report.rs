//! Everything that the report of a run shows, as plain data. It knows nothing of how the page looks: the command line writes that.
//!
//! Whoever raised no alert is in here as part of a count and in no other way: the timeline says how many people were in view in each second, not when
//! which of them came and went; every face of a strip but the alert's is blurred before it becomes a JPEG.

use overt_deployment::{Capability, Purpose, Role, Timestamp};
use overt_records as records;

use crate::admission::Loaded;
use crate::calibration::CalibrationFacts;
use crate::generations::GenerationFacts;
use crate::summary::{self, Summary};

/// A report's content.
#[derive(Clone, Debug)]
pub struct ReportData {
    /// The numbers, the same as in `summary.json`.
    pub summary: Summary,
    /// The deployment, as its file says.
    pub deployment: DeploymentFacts,
    /// When the run began.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Timestamp,
    /// When the page has to be destroyed: the first alert's time plus the deployment's retention of alerts, or `finished` plus it where there is none.
    pub keep_until: Timestamp,
    /// What the run ran on.
    pub host: HostFacts,
    /// The cameras, in the deployment file's order.
    pub cameras: Vec<CameraReport>,
    /// Entries of the watchlist at the run's start.
    pub watchlist_entries: u64,
    /// Images of these entries.
    pub watchlist_images: u64,
    /// Categories and how many entries each has, in the deployment file's order.
    pub categories: Vec<(String, u64)>,
    /// The alerts, in the order of `summary.alerts`.
    pub alerts: Vec<AlertReport>,
    /// Every plugin that served, in the order of a frame's way and of the generations.
    pub plugins: Vec<PluginReport>,
    /// The generations, oldest first: what served from when on, and why.
    pub generations: Vec<GenerationFacts>,
}

/// What the deployment file says that a reader of the report wants to know.
#[derive(Clone, Debug)]
pub struct DeploymentFacts {
    /// `deployment.id`.
    pub id: String,
    /// `deployment.purpose`.
    pub purpose: String,
    /// `deployment.place`.
    pub place: String,
    /// `deployment.use-case`.
    pub use_case: String,
    /// `authority.score-floor`.
    pub score_floor: f32,
    /// What the floor rests on; absent where the authority names no calibration.
    pub calibration: Option<CalibrationFacts>,
}

/// What the run ran on.
#[derive(Clone, Debug)]
pub struct HostFacts {
    /// Overt's version.
    pub overt: String,
    /// The back end's name and version, such as `onnxruntime 1.24.1 f32`.
    pub backend: String,
    /// `cpu` or `cuda:0`.
    pub device: String,
    /// Threads that ran plugins.
    pub workers: usize,
}

/// One camera.
#[derive(Clone, Debug)]
pub struct CameraReport {
    /// Its id in the deployment file.
    pub id: String,
    /// Its kind in the deployment file.
    pub kind: String,
    /// Its owner in the deployment file.
    pub owner: String,
    /// Where its frames came from: a file, a device or an address, without a password.
    pub source: String,
    /// Pixels of a frame; 0 where no frame came.
    pub width: u32,
    /// Pixels of a frame; 0 where no frame came.
    pub height: u32,
    /// The last frame's time, seconds since the first.
    pub seconds: f64,
    /// Tracks in view during each second, from the first frame on.
    pub in_view: Vec<u32>,
    /// Set where the camera did not end as it should, such as a video that was cut short.
    pub trouble: Option<String>,
}

/// One alert.
#[derive(Clone, Debug)]
pub struct AlertReport {
    /// The alert's number in the deployment, from 1.
    pub number: u32,
    /// The watchlist entry's reference.
    pub reference: String,
    /// The entry's category.
    pub category: String,
    /// The camera's id.
    pub camera: String,
    /// The track's number on that camera.
    pub track: u32,
    /// The least score at which anybody could be alerted then.
    pub score_floor: f32,
    /// The generation that it was raised by.
    pub generation: u64,
    /// `low`, `normal` or `high`.
    pub priority: String,
    /// When it was raised, seconds since the camera's first frame.
    pub time: f64,
    /// When it was raised, by the host's clock.
    pub raised: Timestamp,
    /// The track's first frame, seconds since the camera's first frame.
    pub track_from: f64,
    /// The track's last frame, seconds since the camera's first frame.
    pub track_to: f64,
    /// Probes of the track until the alert.
    pub probes: u32,
    /// Who was asked to look, in the router's order.
    pub routes: Vec<RouteReport>,
    /// What stays sealed in the records unless the deployment says that its report shows faces.
    pub shown: Option<Shown>,
}

/// Whom an alert shows, and how like they are.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The best score of the entry on this track, a cosine, −1 to 1.
    pub score: f32,
    /// The policy's reason, which can name scores.
    pub reason: String,
    /// The best probe: the face that was compared.
    pub probe: Picture,
    /// The watchlist entry's image.
    pub entry: Picture,
    /// Frames of the track, oldest first, everybody else's face blurred.
    pub strip: Vec<StripFrame>,
}

/// One recipient of an alert.
#[derive(Clone, Debug)]
pub struct RouteReport {
    /// The channel's name.
    pub channel: String,
    /// The channel's purpose.
    pub purpose: Purpose,
    /// Whether nobody was named, so that the default desk was taken.
    pub by_default: bool,
}

/// A JPEG.
#[derive(Clone, Debug)]
pub struct Picture {
    /// The file's bytes.
    pub jpeg: Vec<u8>,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
}

/// A frame of a strip.
#[derive(Clone, Debug)]
pub struct StripFrame {
    /// The frame's number.
    pub sequence: u32,
    /// Seconds since the camera's first frame.
    pub time: f64,
    /// The whole frame, smaller.
    pub picture: Picture,
    /// The alert's face in `picture`, in its pixels: x, y, width, height.
    pub face: (f32, f32, f32, f32),
}

/// One plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginReport {
    /// The role that it filled.
    pub role: Role,
    /// The manifest's id.
    pub id: String,
    /// The manifest's version.
    pub version: String,
    /// The manifest's vendor.
    pub vendor: String,
    /// The manifest's licence.
    pub licence: String,
    /// SHA-256 of the plugin file.
    pub sha256: String,
    /// Who has signed it, of the keys that the deployment trusts.
    pub signed_by: Vec<String>,
    /// What it was granted and had declared.
    pub capabilities: Vec<Capability>,
    /// Its models.
    pub models: Vec<ModelReport>,
}

/// One model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelReport {
    /// Its name in the manifest.
    pub name: String,
    /// SHA-256 of the model file.
    pub sha256: String,
    /// The manifest's licence of the model.
    pub licence: String,
    /// What the manifest says that it was trained on.
    pub training_data: String,
}

impl PluginReport {
    pub(crate) fn of(loaded: &Loaded) -> PluginReport {
        let used = summary::PluginUsed::of(loaded);
        let plugin = &loaded.manifest.plugin;
        let models = loaded.manifest.models.iter();
        PluginReport {
            role: used.role,
            id: used.id,
            version: used.version,
            sha256: used.sha256,
            signed_by: used.signed_by,
            vendor: plugin.vendor.clone(),
            licence: plugin.licence.clone(),
            capabilities: loaded.capabilities.clone(),
            models: models
                .map(|model| ModelReport {
                    name: model.name.clone(),
                    sha256: model.sha256.clone(),
                    licence: model.licence.clone(),
                    training_data: model.training_data.clone(),
                })
                .collect(),
        }
    }

    /// As records name it.
    pub(crate) fn used(&self) -> records::PluginUsed {
        records::PluginUsed {
            role: self.role.name().to_owned(),
            id: self.id.clone(),
            version: self.version.clone(),
            sha256: self.sha256.clone(),
        }
    }
}
