//! The figures of a run that is under way, for whoever watches over the host: how plugins, cameras and the host do. They are added to where things happen
//! and written out when somebody asks. No figure and no label is about a person: there is no reference here, no category and no score.

use std::fmt;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use overt_deployment::{Deployment, Post};
use overt_runtime::{CallCause, CallObserver, CallReport, Plugin};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeLabelSet, EncodeMetric as _, text::encode,
};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::{MetricType, TypedMetric};
use prometheus_client::registry::{Registry, Unit};

use crate::stages::{Stage, Stages};

/// Upper bounds of the histogram of calls, seconds: a decision takes tens of microseconds, a detector tens of milliseconds.
const SECONDS: [f64; 18] = [
    20e-6, 50e-6, 100e-6, 200e-6, 500e-6, 1e-3, 2e-3, 5e-3, 10e-3, 20e-3, 50e-3, 0.1, 0.2, 0.5,
    1.0, 2.0, 5.0, 10.0,
];

/// A number that only grows or is set whole; 64 bits, none of them for a sign.
type Amount = Gauge<u64, AtomicU64>;

/// A plugin in its role.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfPlugin {
    plugin: String,
    version: String,
    role: &'static str,
    /// `serving`, `fallback` or `shadow`.
    post: &'static str,
}

/// A plugin and why its calls failed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfCause {
    plugin: String,
    version: String,
    role: &'static str,
    post: &'static str,
    cause: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfCamera {
    camera: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfStage {
    stage: &'static str,
}

/// Counters by plugin, of which each plugin has its own.
#[derive(Default)]
struct PluginFamilies {
    calls: Family<OfPlugin, Counter>,
    memory: Family<OfPlugin, Amount>,
    fuel: Family<OfPlugin, Amount>,
    quarantined: Family<OfPlugin, Amount>,
    strikes: Family<OfPlugin, Amount>,
}

/// Counters by camera, of which each camera has its own.
#[derive(Default)]
struct CameraFamilies {
    read: Family<OfCamera, Counter>,
    processed: Family<OfCamera, Counter>,
    dropped: Family<OfCamera, Counter>,
    unseen: Family<OfCamera, Counter>,
    away: Family<OfCamera, Amount>,
    faces: Family<OfCamera, Counter>,
    tracks: Family<OfCamera, Counter>,
    alerts: Family<OfCamera, Counter>,
}

impl CameraFamilies {
    fn of(&self, camera: String, origin: Instant) -> CameraMetrics {
        let labels = OfCamera { camera };
        CameraMetrics {
            origin,
            read: self.read.get_or_create_owned(&labels),
            processed: self.processed.get_or_create_owned(&labels),
            dropped: self.dropped.get_or_create_owned(&labels),
            unseen: self.unseen.get_or_create_owned(&labels),
            away: self.away.get_or_create_owned(&labels),
            faces: self.faces.get_or_create_owned(&labels),
            tracks: self.tracks.get_or_create_owned(&labels),
            alerts: self.alerts.get_or_create_owned(&labels),
            last_frame: AtomicU64::new(0),
            labels,
        }
    }
}

/// The figures of this host.
pub struct Metrics {
    registry: Registry,
    plugins: PluginFamilies,
    seconds: Family<OfPlugin, Histogram, fn() -> Histogram>,
    errors: Family<OfCause, Counter>,
    cameras: CameraFamilies,
    generation: Amount,
    asked: Arc<Asked>,
}

impl Metrics {
    pub(crate) fn new() -> Metrics {
        let metrics = Metrics {
            registry: Registry::with_prefix("overt"),
            plugins: PluginFamilies::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            errors: Family::default(),
            cameras: CameraFamilies::default(),
            generation: Amount::default(),
            asked: Arc::new(Asked {
                origin: Instant::now(),
                status: File::open("/proc/self/status").ok(),
                of_run: Mutex::default(),
            }),
        };
        metrics.registered()
    }

    fn registered(mut self) -> Metrics {
        let registry = &mut self.registry;
        let of = &self.plugins;
        registry.register("plugin_calls", "Calls of a plugin", of.calls.clone());
        registry.register(
            "plugin_errors",
            "Calls of a plugin that failed, and answers that the host refused",
            self.errors.clone(),
        );
        registry.register_with_unit(
            "plugin_call_duration",
            "How long calls of a plugin took, its models included",
            Unit::Seconds,
            self.seconds.clone(),
        );
        registry.register_with_unit(
            "plugin_memory_peak",
            "The most memory that a call of the plugin held inside its sandbox",
            Unit::Bytes,
            of.memory.clone(),
        );
        registry.register(
            "plugin_fuel_peak",
            "The most fuel that a call of the plugin spent; decision plugins alone",
            of.fuel.clone(),
        );
        registry.register(
            "plugin_quarantined",
            "1 where the plugin failed too often and is not asked any more",
            of.quarantined.clone(),
        );
        registry.register(
            "plugin_strikes",
            "Failures among the last hundred calls of the plugin",
            of.strikes.clone(),
        );
        let of = &self.cameras;
        let frames = [
            ("read", "Frames that came from a camera", &of.read),
            ("processed", "Frames that went all their way", &of.processed),
            ("dropped", "Frames given up for newer ones", &of.dropped),
            ("unseen", "Frames that no healthy plugin saw", &of.unseen),
        ];
        for (name, help, counter) in frames {
            registry.register(format!("camera_frames_{name}"), help, counter.clone());
        }
        registry.register(
            "camera_away",
            "1 where the camera gives no frames and is tried again",
            of.away.clone(),
        );
        registry.register(
            "faces",
            "Faces that the detector found inside the zone of recognition",
            of.faces.clone(),
        );
        registry.register(
            "tracks",
            "Passers-by as far as the tracker could tell them apart",
            of.tracks.clone(),
        );
        registry.register("alerts", "Alerts raised", of.alerts.clone());
        registry.register(
            "generation",
            "The generation of plugins, models and watchlist that frames meet",
            self.generation.clone(),
        );
        registry.register_collector(Box::new(self.asked.clone()));
        self
    }

    /// All figures, in the OpenMetrics text format 1.0.
    ///
    /// # Errors
    /// Never in fact: text can always be added to.
    pub fn render(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }

    /// A plugin's figures; the same for the same plugin, version, role and post, however often it is loaded.
    pub(crate) fn plugin(&self, plugin: &Plugin, post: Post) -> Arc<PluginMetrics> {
        let identity = plugin.identity();
        let labels = OfPlugin {
            plugin: identity.id.to_string(),
            version: identity.version.to_string(),
            role: plugin.role().name(),
            post: match post {
                Post::Serving => "serving",
                Post::Fallback => "fallback",
                Post::Shadow => "shadow",
            },
        };
        let of = &self.plugins;
        Arc::new(PluginMetrics {
            calls: of.calls.get_or_create_owned(&labels),
            seconds: self.seconds.get_or_create_owned(&labels),
            memory: of.memory.get_or_create_owned(&labels),
            fuel: of.fuel.clone(),
            errors: self.errors.clone(),
            quarantined: of.quarantined.get_or_create_owned(&labels),
            strikes: of.strikes.get_or_create_owned(&labels),
            labels,
        })
    }

    /// A run begins: the figures of its cameras, in the deployment file's order.
    pub(crate) fn begin(
        &self,
        deployment: &Deployment,
        stages: &Arc<Stages>,
    ) -> Vec<Arc<CameraMetrics>> {
        let camera = |camera: &overt_deployment::Camera| {
            Arc::new(self.cameras.of(camera.id.clone(), self.asked.origin))
        };
        let cameras: Vec<_> = deployment.cameras.iter().map(camera).collect();
        *self.asked.of_run() = OfRun {
            stages: Some(stages.clone()),
            cameras: cameras.clone(),
        };
        cameras
    }

    /// Frames of this run's cameras that went all their way, and frames that no healthy plugin saw.
    pub(crate) fn seen(&self) -> (u64, u64) {
        let run = self.asked.of_run();
        let cameras = run.cameras.iter();
        cameras.fold((0, 0), |(processed, unseen), camera| {
            (
                processed + camera.processed.get(),
                unseen + camera.unseen.get(),
            )
        })
    }

    /// The generation that a frame met.
    pub(crate) fn generation(&self, number: u64) {
        self.generation.set(number);
    }
}

/// A plugin's figures.
pub(crate) struct PluginMetrics {
    labels: OfPlugin,
    calls: Counter,
    seconds: Histogram,
    memory: Amount,
    /// Of all plugins: one that spends no fuel shows none.
    fuel: Family<OfPlugin, Amount>,
    /// Of all plugins: one that fails for no cause shows none.
    errors: Family<OfCause, Counter>,
    quarantined: Amount,
    strikes: Amount,
}

impl PluginMetrics {
    /// A call failed, or the host refused its answer.
    pub(crate) fn failed(&self, cause: &CallCause) {
        let OfPlugin {
            plugin,
            version,
            role,
            post,
        } = self.labels.clone();
        let labels = OfCause {
            plugin,
            version,
            role,
            post,
            cause: cause.name(),
        };
        self.errors.get_or_create(&labels).inc();
    }

    /// How it stands with the supervisor.
    pub(crate) fn stands(&self, strikes: usize, quarantined: bool) {
        self.strikes.set(strikes as u64);
        self.quarantined.set(u64::from(quarantined));
    }
}

impl CallObserver for PluginMetrics {
    fn ended(&self, report: &CallReport<'_>) {
        self.calls.inc();
        self.seconds.observe(report.wall.as_secs_f64());
        let most = |gauge: &Amount, value| gauge.inner().fetch_max(value, Ordering::Relaxed);
        most(&self.memory, report.memory);
        if let Some(fuel) = report.fuel {
            most(&self.fuel.get_or_create(&self.labels), fuel);
        }
    }
}

/// A camera's figures.
pub(crate) struct CameraMetrics {
    labels: OfCamera,
    /// When the host began, from which `last_frame` counts.
    origin: Instant,
    read: Counter,
    pub(crate) processed: Counter,
    pub(crate) dropped: Counter,
    pub(crate) unseen: Counter,
    away: Amount,
    pub(crate) faces: Counter,
    tracks: Counter,
    pub(crate) alerts: Counter,
    /// Nanoseconds, one more than they are; 0 where no frame has come.
    last_frame: AtomicU64,
}

impl CameraMetrics {
    /// Of a camera by itself, for tests.
    #[cfg(test)]
    pub(crate) fn alone() -> CameraMetrics {
        CameraFamilies::default().of("gate".to_owned(), Instant::now())
    }

    /// A frame came.
    pub(crate) fn came(&self) {
        self.read.inc();
        let now = u64::try_from(self.origin.elapsed().as_nanos()).unwrap_or(u64::MAX - 1);
        self.last_frame.store(now + 1, Ordering::Relaxed);
    }

    /// Whether it gives no frames.
    pub(crate) fn away(&self, away: bool) {
        self.away.set(u64::from(away));
    }

    /// So many tracks have begun on it since the run began. Called by its lane alone.
    pub(crate) fn tracks(&self, tracks: u32) {
        let told = self.tracks.get();
        self.tracks.inc_by(u64::from(tracks).saturating_sub(told));
    }

    /// Seconds since the last frame, where one came.
    fn age(&self) -> Option<f64> {
        let then = self.last_frame.load(Ordering::Relaxed).checked_sub(1)?;
        let now = u64::try_from(self.origin.elapsed().as_nanos()).unwrap_or(u64::MAX);
        Some(now.saturating_sub(then) as f64 / 1e9)
    }
}

/// What is looked up when somebody asks.
struct Asked {
    origin: Instant,
    /// Opened when the host starts, for afterwards it may be shut in.
    status: Option<File>,
    of_run: Mutex<OfRun>,
}

#[derive(Default)]
struct OfRun {
    stages: Option<Arc<Stages>>,
    cameras: Vec<Arc<CameraMetrics>>,
}

impl Asked {
    fn of_run(&self) -> std::sync::MutexGuard<'_, OfRun> {
        // Nothing panics while it is held; if something did, what is behind it would be whole all the same.
        self.of_run.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Memory of this process that is in RAM, bytes.
    fn resident(&self) -> Option<u64> {
        let mut text = [0; 4_096];
        let length = self.status.as_ref()?.read_at(&mut text, 0).ok()?;
        let text = std::str::from_utf8(&text[..length]).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kibibytes * 1_024)
    }
}

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asked").finish_non_exhaustive()
    }
}

impl Collector for Asked {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let run = self.of_run();
        let ages: Vec<_> = run
            .cameras
            .iter()
            .filter_map(|camera| Some((&camera.labels, camera.age()?)))
            .collect();
        if !ages.is_empty() {
            let mut family = encoder.encode_descriptor(
                "camera_last_frame_age",
                "How long ago the camera's last frame came",
                Some(&Unit::Seconds),
                MetricType::Gauge,
            )?;
            for (labels, age) in ages {
                ConstGauge::new(age).encode(family.encode_family(labels)?)?;
            }
        }
        if let Some(stages) = &run.stages {
            let mut family = encoder.encode_descriptor(
                "stage_duration",
                "Time that all threads together spent in a stage of a frame's way",
                Some(&Unit::Seconds),
                ConstCounter::<f64>::TYPE,
            )?;
            for stage in Stage::ALL {
                let labels = OfStage {
                    stage: stage.name(),
                };
                ConstCounter::new(stages.seconds(stage)).encode(family.encode_family(&labels)?)?;
            }
        }
        if let Some(bytes) = self.resident() {
            let family = encoder.encode_descriptor(
                "process_resident_memory",
                "Memory of the process that is in RAM, models included",
                Some(&Unit::Bytes),
                MetricType::Gauge,
            )?;
            ConstGauge::new(bytes).encode(family)?;
        }
        Ok(())
    }
}
