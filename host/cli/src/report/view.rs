//! What the page says, in the order in which it says it: numbers and times turned into words.

use overt_deployment::Purpose;
use overt_pipeline::report::{AlertReport, CameraReport, PluginReport, ReportData, StripFrame};
use overt_pipeline::summary;
use overt_pipeline::{GenerationCause, GenerationFacts};

use super::challengers::Challenger;
use super::images::Image;
use super::timeline::Timeline;
use crate::times;

/// The page's content.
pub(super) struct View {
    pub(super) id: String,
    pub(super) headline: String,
    pub(super) keep_until: String,
    pub(super) interrupted: bool,
    /// Plugins that were put in quarantine, each in a sentence.
    pub(super) quarantines: Vec<String>,
    /// Of a rehearsal: how many alerts it would have raised.
    pub(super) rehearsal: Option<String>,
    /// Whether alerts show faces and scores.
    pub(super) faces: bool,
    pub(super) unlocked: bool,
    pub(super) unsigned: bool,
    pub(super) facts: Vec<(&'static str, String)>,
    pub(super) tiles: Vec<(String, &'static str)>,
    pub(super) sums: bool,
    pub(super) alerts: Vec<Alert>,
    pub(super) timelines: Vec<Timeline>,
    pub(super) cameras: Vec<Camera>,
    pub(super) stages: Vec<Stage>,
    pub(super) plugins: Vec<Plugin>,
    /// What served from when on; empty where one generation did all along.
    pub(super) generations: Vec<Generation>,
    pub(super) models: Vec<Model>,
    /// Challengers, and how often they agreed.
    pub(super) shadows: Vec<Challenger>,
    pub(super) failures: Vec<Failure>,
    pub(super) host: Vec<(&'static str, String)>,
    pub(super) written: String,
}

pub(super) struct Alert {
    pub(super) number: u32,
    pub(super) reference: String,
    pub(super) category: String,
    pub(super) facts: Vec<(&'static str, String)>,
    pub(super) routes: Vec<String>,
    pub(super) floor: String,
    /// What the report of a deployment that shows no faces leaves out.
    pub(super) shown: Option<Shown>,
}

pub(super) struct Shown {
    pub(super) probe: Image,
    pub(super) entry: Image,
    pub(super) reason: String,
    pub(super) score: String,
    /// Places on a scale from 0 to 100, where 0 is a cosine of 0 or below.
    pub(super) score_at: f32,
    pub(super) floor_at: f32,
    pub(super) strip: Vec<Strip>,
}

pub(super) struct Strip {
    pub(super) image: Image,
    pub(super) clock: String,
    pub(super) sequence: u32,
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) width: f32,
    pub(super) height: f32,
    /// A line of 2 points of the page at the size at which strips are shown.
    pub(super) line: f32,
}

pub(super) struct Camera {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) owner: String,
    pub(super) source: String,
    pub(super) picture: String,
    pub(super) length: String,
    /// Frames read, processed, dropped, unseen.
    pub(super) frames: [String; 4],
    /// Seconds between its last frame and the end.
    pub(super) last_frame: String,
    /// What it did not do as it should.
    pub(super) notes: Vec<String>,
    pub(super) trouble: Option<String>,
}

pub(super) struct Stage {
    pub(super) name: String,
    pub(super) milliseconds: String,
    /// Of the longest, 0 to 100.
    pub(super) part: f64,
}

pub(super) struct Plugin {
    pub(super) role: &'static str,
    pub(super) id: String,
    pub(super) version: String,
    pub(super) vendor: String,
    pub(super) licence: String,
    pub(super) may: String,
    pub(super) signed: String,
    pub(super) sha256: String,
}

pub(super) struct Generation {
    pub(super) number: u64,
    pub(super) since: String,
    pub(super) why: String,
    pub(super) changed: String,
    pub(super) lock: String,
}

pub(super) struct Model {
    pub(super) name: String,
    pub(super) plugin: String,
    pub(super) licence: String,
    pub(super) training_data: String,
    pub(super) sha256: String,
}

pub(super) struct Failure {
    pub(super) plugin: String,
    pub(super) role: &'static str,
    pub(super) cause: String,
    pub(super) count: String,
    pub(super) first: String,
}

impl View {
    pub(super) fn of(data: &ReportData) -> Self {
        let ReportData {
            summary,
            deployment,
            host,
            ..
        } = data;
        let frames = summary.frames;
        let longest = summary
            .stages_ms
            .values()
            .copied()
            .fold(0.0, f64::max)
            .max(1e-9);
        let mut stages: Vec<_> = summary
            .stages_ms
            .iter()
            .filter(|(_, ms)| **ms >= 0.005)
            .collect();
        stages.sort_by(|(_, one), (_, other)| other.total_cmp(one));
        let entries = count(data.watchlist_entries, "entry", "entries");
        let images = count(data.watchlist_images, "image", "images");
        let categories: Vec<_> = data
            .categories
            .iter()
            .map(|(name, entries)| format!("{name}: {entries}"))
            .collect();
        Self {
            id: deployment.id.clone(),
            headline: match summary.alerts.len() {
                0 => "No alert was raised".to_owned(),
                1 => "One alert was raised".to_owned(),
                more => format!("{more} alerts were raised"),
            },
            keep_until: times::for_people(data.keep_until),
            interrupted: summary.interrupted,
            quarantines: summary
                .quarantines
                .iter()
                .map(|quarantine| {
                    format!(
                        "{} as {}: {} of its last {} calls failed, the last with {}.",
                        quarantine.plugin,
                        quarantine.role,
                        quarantine.strikes,
                        quarantine.calls,
                        quarantine.cause
                    )
                })
                .collect(),
            rehearsal: (summary.mode == "rehearsal")
                .then(|| count(summary.withheld, "alert", "alerts")),
            faces: data.alerts.iter().any(|alert| alert.shown.is_some()),
            unlocked: summary.lock_sha256.is_none(),
            unsigned: summary.unsigned,
            facts: vec![
                ("Purpose", deployment.purpose.clone()),
                ("Place", deployment.place.clone()),
                ("Use case", deployment.use_case.clone()),
                (
                    "Authorised by",
                    match &summary.authority {
                        Some(given) => format!(
                            "{} {} (reference {}{}; number {} of the register)",
                            given.rank,
                            given.officer,
                            given.reference,
                            if given.urgent { ", urgent" } else { "" },
                            given.number
                        ),
                        None => "nobody".to_owned(),
                    },
                ),
                (
                    "Score floor",
                    match &deployment.calibration {
                        Some(facts) => format!(
                            "{:.2}. Measured {}: {}",
                            deployment.score_floor,
                            facts.description,
                            facts.sentences().join(" ")
                        ),
                        None => format!(
                            "{:.2}. It rests on no calibration: nobody has measured how often these plugins err at it.",
                            deployment.score_floor
                        ),
                    },
                ),
                ("Run", times::span(data.started, data.finished)),
                (
                    "Watchlist",
                    format!(
                        "{entries} with {images} ({}){}",
                        categories.join(", "),
                        sizes(&summary.watchlist)
                    ),
                ),
            ],
            tiles: vec![
                (grouped(frames.read), "frames read"),
                (grouped(frames.processed), "frames processed"),
                (grouped(frames.dropped), "frames dropped"),
                (grouped(frames.unseen), "frames unseen"),
                (grouped(summary.faces), "faces"),
                (grouped(summary.tracks), "tracks"),
                (grouped(summary.alerts.len() as u64), "alerts"),
                (format!("{:.1}", summary.fps), "frames per second"),
            ],
            sums: frames.processed + frames.dropped + frames.unseen == frames.read,
            alerts: data.alerts.iter().map(Alert::of).collect(),
            timelines: data
                .cameras
                .iter()
                .map(|camera| Timeline::of(camera, &data.alerts))
                .collect(),
            cameras: data
                .cameras
                .iter()
                .zip(&summary.cameras)
                .map(|(camera, health)| Camera::of(camera, health))
                .collect(),
            stages: stages
                .into_iter()
                .map(|(name, ms)| Stage {
                    name: name.clone(),
                    milliseconds: format!("{ms:.2}"),
                    part: ms / longest * 100.0,
                })
                .collect(),
            plugins: data.plugins.iter().map(plugin).collect(),
            generations: match &data.generations[..] {
                [] | [_] => Vec::new(),
                several => several.iter().map(Generation::of).collect(),
            },
            models: data.plugins.iter().flat_map(models).collect(),
            shadows: summary.shadows.iter().map(Challenger::of).collect(),
            failures: summary
                .plugin_errors
                .iter()
                .map(|errors| Failure {
                    plugin: errors.plugin.clone(),
                    role: errors.role.name(),
                    cause: errors.cause.clone(),
                    count: grouped(errors.count),
                    first: format!("camera {}, frame {}", errors.camera, errors.frame),
                })
                .collect(),
            host: vec![
                ("Overt", host.overt.clone()),
                ("Inference", host.backend.clone()),
                ("Device", host.device.clone()),
                ("Workers", host.workers.to_string()),
                ("Shut in", summary.confinement.to_string()),
                (
                    "Lock",
                    summary
                        .lock_sha256
                        .clone()
                        .unwrap_or_else(|| "none: it ran unlocked".to_owned()),
                ),
            ],
            written: times::for_people(data.finished),
        }
    }
}

impl Camera {
    fn of(camera: &CameraReport, health: &summary::Camera) -> Self {
        let frames = &health.frames;
        let until = |to: Option<f64>| to.map_or("the end".to_owned(), times::on_a_clock);
        let mut notes: Vec<String> = health
            .outages
            .iter()
            .map(|outage| {
                format!(
                    "away from {} to {}: {}",
                    times::on_a_clock(outage.from),
                    until(outage.to),
                    outage.cause
                )
            })
            .collect();
        notes.extend(health.alarms.iter().map(|alarm| {
            format!(
                "picture {} from {} to {}",
                alarm.fault,
                times::on_a_clock(alarm.from),
                until(alarm.to)
            )
        }));
        let more = health.outage_count + health.alarm_count - notes.len() as u64;
        if more > 0 {
            notes.push(format!("and {} more", grouped(more)));
        }
        if health.too_slow_count > 0 {
            notes.push(format!(
                "the machine was too slow for it {} times: nobody could be followed from one frame to the next",
                grouped(health.too_slow_count)
            ));
        }
        Self {
            id: camera.id.clone(),
            kind: camera.kind.clone(),
            owner: camera.owner.clone(),
            source: camera.source.clone(),
            picture: format!("{} × {}", camera.width, camera.height),
            length: times::on_a_clock(camera.seconds),
            frames: [frames.read, frames.processed, frames.dropped, frames.unseen].map(grouped),
            last_frame: match health.last_frame_age {
                Some(age) => format!("{age:.1} s"),
                None => "never".to_owned(),
            },
            notes,
            trouble: camera.trouble.clone(),
        }
    }
}

/// How large the watchlist was, where it changed.
fn sizes(watchlist: &summary::Watchlist) -> String {
    let expired = &watchlist.expired;
    if watchlist.changes.is_empty() && expired.images == 0 {
        return String::new();
    }
    let gone = match expired.images {
        0 => String::new(),
        images => format!(
            "; by the end of their retention {} and {} went, and {} withdrawn",
            count(images, "image", "images"),
            count(expired.people, "person", "people"),
            count(expired.withdrawn, "alert was", "alerts were")
        ),
    };
    format!(
        "; {} at the start, {} at its largest, {} at the end{gone}",
        count(watchlist.start.people, "person", "people"),
        watchlist.largest.people,
        watchlist.end.people
    )
}

impl Generation {
    fn of(facts: &GenerationFacts) -> Self {
        let changed: Vec<String> = facts
            .plugins
            .iter()
            .filter(|plugin| facts.changed.contains(&plugin.role))
            .map(|plugin| format!("{}: {} {}", plugin.role, plugin.id, plugin.version))
            .collect();
        Self {
            number: facts.number,
            since: times::for_lists(facts.since),
            why: match &facts.cause {
                GenerationCause::Start => "the run began".to_owned(),
                GenerationCause::Swap { by, reason } => format!("swapped by {by}: {reason}"),
                GenerationCause::Watchlist { by, reason, change } => format!(
                    "{} was {} by {by}: {reason}",
                    change.reference,
                    change.kind.name()
                ),
                GenerationCause::Retention {
                    images,
                    people,
                    withdrawn,
                } => format!(
                    "the retention of {} was over: {} left the watchlist, and {} withdrawn",
                    count(*images, "image", "images"),
                    count(*people, "person", "people"),
                    count(withdrawn.len() as u64, "alert was", "alerts were")
                ),
                GenerationCause::Fallback { role } => {
                    format!(
                        "the plugin that served as {role} was put in quarantine, and its fallback came in"
                    )
                }
            },
            changed: match changed.is_empty() {
                true => "–".to_owned(),
                false => changed.join(", "),
            },
            lock: facts
                .lock_sha256
                .clone()
                .unwrap_or_else(|| "none: it ran unlocked".to_owned()),
        }
    }
}

impl Strip {
    fn of(frame: &StripFrame) -> Self {
        let (x, y, width, height) = frame.face;
        Self {
            image: Image::of(&frame.picture),
            clock: times::on_a_clock(frame.time),
            sequence: frame.sequence,
            x,
            y,
            width,
            height,
            line: frame.picture.width as f32 / 170.0,
        }
    }
}

impl Alert {
    fn of(alert: &AlertReport) -> Self {
        let floor = alert.score_floor;
        // Scores of faces are cosines; what lies below 0 is as unlike as can be told.
        let place = |score: f32| score.clamp(0.0, 1.0) * 100.0;
        Self {
            number: alert.number,
            reference: alert.reference.clone(),
            category: alert.category.clone(),
            facts: vec![
                ("Camera", alert.camera.clone()),
                (
                    "Track",
                    format!(
                        "{}, {} to {}",
                        alert.track,
                        times::on_a_clock(alert.track_from),
                        times::on_a_clock(alert.track_to)
                    ),
                ),
                (
                    "Raised",
                    format!(
                        "{} into the camera’s time, {}",
                        times::on_a_clock(alert.time),
                        times::for_people(alert.raised)
                    ),
                ),
                ("Probes", alert.probes.to_string()),
                ("Priority", alert.priority.clone()),
                ("Generation", alert.generation.to_string()),
            ],
            floor: format!("{floor:.2}"),
            routes: alert
                .routes
                .iter()
                .map(|route| {
                    let purpose = match route.purpose {
                        Purpose::Review => "review",
                        Purpose::Action => "action",
                    };
                    let by_default = if route.by_default {
                        "; the default desk, since no other was named"
                    } else {
                        ""
                    };
                    format!("{} (for {purpose}{by_default})", route.channel)
                })
                .collect(),
            shown: alert.shown.as_ref().map(|shown| Shown {
                probe: Image::of(&shown.probe),
                entry: Image::of(&shown.entry),
                reason: shown.reason.clone(),
                score: format!("{:.3}", shown.score),
                score_at: place(shown.score),
                floor_at: place(floor),
                strip: shown.strip.iter().map(Strip::of).collect(),
            }),
        }
    }
}

fn plugin(plugin: &PluginReport) -> Plugin {
    let may: Vec<_> = plugin
        .capabilities
        .iter()
        .map(|capability| capability.name())
        .collect();
    Plugin {
        role: plugin.role.name(),
        id: plugin.id.clone(),
        version: plugin.version.clone(),
        vendor: plugin.vendor.clone(),
        licence: plugin.licence.clone(),
        may: if may.is_empty() {
            "nothing but its configuration".to_owned()
        } else {
            may.join(", ")
        },
        signed: match plugin.signed_by.is_empty() {
            true => "nobody whom the deployment names".to_owned(),
            false => plugin.signed_by.join(", "),
        },
        sha256: plugin.sha256.clone(),
    }
}

fn models(plugin: &PluginReport) -> impl Iterator<Item = Model> {
    plugin.models.iter().map(|model| Model {
        name: model.name.clone(),
        plugin: plugin.id.clone(),
        licence: model.licence.clone(),
        training_data: model.training_data.clone(),
        sha256: model.sha256.clone(),
    })
}

fn count(number: u64, one: &str, more: &str) -> String {
    format!(
        "{} {}",
        grouped(number),
        if number == 1 { one } else { more }
    )
}

/// 12120 → 12,120.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
