//! A deployment as a force decided it: one checked value that nobody changes afterwards. It knows how the value is shaped; how the file is read, and
//! what is a mistake in it, stands in `check`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::files::NamedFile;
use crate::plugin::Plugins;
use crate::problem::Problems;
use crate::source::Source;
use crate::text::Text;
use crate::trust::Trust;
use crate::webhook::Webhook;
use crate::zone::Zone;

/// A checked deployment file.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Deployment {
    /// `deployment.id`: 1 to 64 letters, digits and hyphens.
    pub id: String,
    /// `deployment.purpose`: what it is for, in a sentence.
    pub purpose: String,
    /// `deployment.place`: where it takes place.
    pub place: String,
    /// `deployment.use-case`: the force's word for why here.
    pub use_case: String,
    /// `deployment.start`: nothing is compared before.
    pub start: Timestamp,
    /// `deployment.end`: nothing is compared from here on.
    pub end: Timestamp,
    /// `[authority]`.
    pub authority: Authority,
    /// `[host]`.
    pub host: Host,
    /// `[[camera]]`: at least one where the modes hold live, and no more than the authority allows; ids are unique.
    pub cameras: Vec<Camera>,
    /// `[watchlist]`.
    pub watchlist: Watchlist,
    /// `[plugins.<role>]`.
    pub plugins: Plugins,
    /// `[[channel]]`: names are unique, exactly one is the default desk.
    pub channels: Vec<Channel>,
    /// `[judgement]`.
    pub judgement: Judgement,
    /// `[retention]`.
    pub retention: Retention,
    /// `[trust]`.
    pub trust: Trust,
    /// `[[document]]`: a kind each once.
    pub documents: Vec<Document>,
    /// `[notice]`. Absent: the public was not told.
    pub notice: Option<Notice>,
    pub(crate) text: Text,
    pub(crate) files: Vec<NamedFile>,
}

impl Deployment {
    /// Reads and checks a deployment file: everything that can be told from the file alone. Whether the files that it names exist is
    /// [`Deployment::check_files`].
    ///
    /// # Errors
    ///
    /// Every mistake in the file, in the order of its lines.
    pub fn read(file: &Path) -> Result<Self, Problems> {
        crate::check::deployment(Text::read(file, "deployment file")?)
    }

    /// The same for a text that is already in memory. `file` is the name that mistakes are reported under, and relative paths are
    /// resolved against its folder.
    ///
    /// # Errors
    ///
    /// Every mistake in the text, in the order of its lines.
    pub fn parse(file: &Path, text: &str) -> Result<Self, Problems> {
        crate::check::deployment(Text::new(file, text.to_owned()))
    }

    /// The file that was read, as it was named.
    pub fn file(&self) -> &Path {
        self.text.file()
    }

    /// The file's text, as it was read.
    pub fn source(&self) -> &str {
        self.text.source()
    }

    /// Where an alert goes that nobody else was named for.
    pub fn default_desk(&self) -> &Channel {
        // `check` lets no deployment pass that has not exactly one; the first channel is an answer that cannot be reached.
        self.channels
            .iter()
            .find(|channel| channel.default)
            .unwrap_or(&self.channels[0])
    }

    /// The camera of this id.
    pub fn camera(&self, id: &str) -> Option<&Camera> {
        self.cameras.iter().find(|camera| camera.id == id)
    }

    /// Whether faces may be compared at this time: `start` ≤ `now` < `end`.
    pub fn is_open_at(&self, now: Timestamp) -> bool {
        self.start <= now && now < self.end
    }
}

/// `[authority]`: the limits that the authority is asked for, and fixes. Who gave it, and until when, the force's register says.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Authority {
    /// `score-floor`: the least cosine at which anybody may be alerted, −1 to 1, without a default. The host refuses an alert under it.
    pub score_floor: f32,
    /// `calibration`: the file that says how often a search errs at the floor, resolved. Absent: the floor rests on none.
    pub calibration: Option<PathBuf>,
    /// `cameras`: the most cameras, 1 to 64, default 1.
    pub cameras: u32,
    /// `watchlist-size`: the most entries, 1 to 1,000,000, default 1,000.
    pub watchlist_size: u32,
    /// `watchlist-age-hours`: how long before the start the oldest entry may have been made, 1 to 744 hours, default 24.
    pub watchlist_age_hours: u32,
    /// `body-worn`: whether body-worn cameras are allowed, default false.
    pub body_worn: bool,
    /// `modes`: how faces may be searched, default live alone.
    pub modes: Vec<Mode>,
}

/// How faces are searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// `"live"`: faces that walk past.
    Live,
    /// `"retrospective"`: stored images.
    Retrospective,
    /// `"operator"`: one photograph that an officer takes.
    Operator,
}

impl Mode {
    /// The name in the deployment file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Retrospective => "retrospective",
            Self::Operator => "operator",
        }
    }
}

/// `[[document]]`: a document in force.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Document {
    /// `kind`: each once.
    pub kind: DocumentKind,
    /// `version`.
    pub version: String,
    /// `date`: `2026-01-31`.
    pub date: String,
    /// `file`, resolved.
    pub file: PathBuf,
}

/// A kind of document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DocumentKind {
    /// `"sop"`: the standard operating procedure.
    Sop,
    /// `"policy"`.
    Policy,
    /// `"legal-mandate"`.
    LegalMandate,
    /// `"dpia"`: the data protection impact assessment.
    Dpia,
    /// `"equality-assessment"`.
    EqualityAssessment,
}

impl DocumentKind {
    /// The name in the deployment file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sop => "sop",
            Self::Policy => "policy",
            Self::LegalMandate => "legal-mandate",
            Self::Dpia => "dpia",
            Self::EqualityAssessment => "equality-assessment",
        }
    }
}

/// `[notice]`: how the public is told.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Notice {
    /// `where`.
    pub place: String,
    /// `since`.
    pub since: Timestamp,
    /// `particulars`: the file in which the force says of itself what a notice has to say.
    pub particulars: Option<PathBuf>,
}

/// `[host]`: the machine's part.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Host {
    /// `workers`: threads that run plugins, 1 to 256. Absent: one per core.
    pub workers: Option<usize>,
    /// `device`: where models run, default the CPU.
    pub device: Device,
    /// `backend`: which library runs the models, default ONNX Runtime.
    pub backend: Backend,
    /// `precision`: the numbers that it computes with, default binary32.
    pub precision: Precision,
    /// `onnxruntime`: the ONNX Runtime library, resolved. Absent: the host's own search.
    pub onnxruntime: Option<PathBuf>,
    /// `openvino`: OpenVINO's C interface, resolved. Absent: the host's own search.
    pub openvino: Option<PathBuf>,
    /// `models`: the folder for models that no plugin's own table names, resolved. `NAME.onnx` in it is the model of that name in a manifest.
    pub models: Option<PathBuf>,
    /// `lock`: the lock's file, resolved; `overt.lock` beside the deployment file where it is silent.
    pub lock: PathBuf,
    /// `records`: the record store's file, resolved.
    pub records: PathBuf,
    /// `force`: the file of the force's people, resolved; `force.redb` beside the records where it is silent.
    pub force: PathBuf,
    /// `output`: the folder for `summary.json` and `report.html`, resolved.
    pub output: PathBuf,
    /// `report`: what a run leaves in that folder about its alerts.
    pub report: RunReport,
    /// `metrics`: where a run serves its figures over HTTP. Absent: nowhere. Off this machine with `metrics-remote = true` alone: they say when people pass.
    pub metrics: Option<SocketAddr>,
    /// `confine`: what a run does where the kernel cannot shut it in.
    pub confine: Confine,
}

/// What a run leaves about its alerts, in files that whoever opens them can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunReport {
    /// `"numbers"`: counts, references and times; faces and scores stay sealed in the records. The default.
    Numbers,
    /// `"faces"`: each alert's face, the watchlist image, its score and the policy's reason as well. The files are destroyed when the alerts are.
    Faces,
}

/// What a run does where the kernel cannot shut the process in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confine {
    /// `"possible"`: it is shut in as far as the kernel can, and says how far that was. The default.
    Possible,
    /// `"required"`: it does not run unless files and ports are both shut off.
    Required,
}

/// Which library runs the models.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// `"onnxruntime"`.
    OnnxRuntime,
    /// `"openvino"`: on processors only.
    OpenVino,
}

/// The numbers that a back end computes with inside a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// `"f32"`: IEEE 754 binary32.
    F32,
    /// `"bf16"`: bfloat16, with OpenVINO on a processor that has AVX512_BF16.
    Bf16,
}

/// Where models run. A device that is not there is an error, never a silent fall-back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Device {
    /// `"cpu"`.
    Cpu,
    /// `"cuda:0"`: a GPU by its number.
    Cuda {
        /// 0 to 63.
        index: u32,
    },
}

/// `[[camera]]`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Camera {
    /// `id`: 1 to 64 letters, digits and hyphens.
    pub id: String,
    /// `kind`.
    pub kind: CameraKind,
    /// `owner`: whose camera it is.
    pub owner: String,
    /// Where its frames come from.
    pub source: Source,
    /// `zone`: the part of the picture in which faces are compared, a face by its centre. Absent: all of it.
    pub zone: Option<Zone>,
}

impl Camera {
    /// What stands in a camera's place where photographs are searched: its id is the mode's name, which no camera of a deployment file has.
    pub fn of_search(mode: Mode) -> Self {
        Self {
            id: mode.name().to_owned(),
            // It stands nowhere; a search records what was searched, and no camera.
            kind: CameraKind::Handheld,
            owner: String::new(),
            source: Source::Photographs,
            zone: None,
        }
    }
}

/// What a camera is mounted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CameraKind {
    /// `"fixed"`: on a wall or a mast.
    Fixed,
    /// `"vehicle"`: on a van or a car.
    Vehicle,
    /// `"handheld"`.
    Handheld,
    /// `"body-worn"`: refused unless the authority says `body-worn = true`.
    BodyWorn,
}

impl CameraKind {
    /// The name in the deployment file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Vehicle => "vehicle",
            Self::Handheld => "handheld",
            Self::BodyWorn => "body-worn",
        }
    }
}

/// `[watchlist]`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Watchlist {
    /// `categories`: the closed list that every entry's category is from, in the file's order; 1 to 64, each once.
    pub categories: Vec<String>,
    /// `least-quality`: the least `UnifiedQualityScore` of an image that is enrolled, 0 to 100. Absent: any.
    pub least_quality: Option<u8>,
}

/// `[[channel]]`: somewhere an alert can be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Channel {
    /// `name`: 1 to 64 letters, digits and hyphens.
    pub name: String,
    /// `purpose`: the host refuses an alert that nobody has judged on a channel for action.
    pub purpose: Purpose,
    /// `kind`.
    pub kind: ChannelKind,
    /// `default`: the desk for alerts that nobody was named for; exactly one channel, and one for review.
    pub default: bool,
}

/// What a channel is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// `"review"`: a person looks at an alert.
    Review,
    /// `"action"`: an officer hears of an alert that a person has passed.
    Action,
}

impl Purpose {
    /// The name in the deployment file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Review => "review",
            Self::Action => "action",
        }
    }
}

/// How a channel reaches its people.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChannelKind {
    /// `"console"`: lines on the host's own terminal.
    Console,
    /// `"file"`: lines of JSON at the end of this file, its owner's alone, resolved.
    File(PathBuf),
    /// `"webhook"`: a signed message over HTTP.
    Webhook(Webhook),
}

impl ChannelKind {
    /// The name in the deployment file.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Console => "console",
            Self::File(_) => "file",
            Self::Webhook(_) => "webhook",
        }
    }
}

/// `[judgement]`: how long each judgement of an alert may take. What nobody judges in time lapses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Judgement {
    /// `adjudicate-seconds`: from the alert to the operator's judgement, 5 seconds to an hour, default 120 seconds.
    pub adjudicate: Duration,
    /// `engage-seconds`: from there to the engagement officer's, 5 seconds to a day, default 600 seconds.
    pub engage: Duration,
    /// `locate-seconds`: from there until it is said whether the person was found, 5 seconds to a day, default 1,800 seconds.
    pub locate: Duration,
}

/// `[retention]`: how long what is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retention {
    /// `alerts-hours`: alerts with their crops and scores, 1 to 744 hours after they were raised, default 24.
    pub alerts: Duration,
    /// `inputs-hours`: what the plugins were asked for an alert, by which it can be replayed: 1 hour after it was raised to as long as the alert
    /// itself, which is the default.
    pub inputs: Duration,
    /// `watchlist-hours`: watchlist images and templates, 1 to 744 hours after enrolment, default 24.
    pub watchlist: Duration,
    /// `membership-days`: commitments by which it can be told who was on the watchlist, and their key; 1 to 2,562 days after its last change, default 31.
    pub membership_days: u32,
}
