//! The short table at the end of a run. It knows the summary and nothing else.

use overt_pipeline::summary::{Camera, Summary};

use crate::output;

/// Stages that take less than this many milliseconds of a frame are left out: they would read 0.0.
const LEAST_MS: f64 = 0.05;

pub(super) fn table(summary: &Summary) -> String {
    let frames = &summary.frames;
    let mut stages: Vec<_> = summary
        .stages_ms
        .iter()
        .filter(|(_, ms)| **ms >= LEAST_MS)
        .collect();
    stages.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    let stages: Vec<_> = stages
        .into_iter()
        .map(|(stage, ms)| format!("{stage} {ms:.1}"))
        .collect();
    let mut rows = vec![
        ("frames read", frames.read.to_string()),
        ("frames processed", frames.processed.to_string()),
        ("frames dropped", frames.dropped.to_string()),
        ("frames unseen", frames.unseen.to_string()),
        ("faces", summary.faces.to_string()),
        ("tracks", summary.tracks.to_string()),
        ("alerts", summary.alerts.len().to_string()),
        ("frames per second", format!("{:.1}", summary.fps)),
        (
            "ms a frame, by stage",
            if stages.is_empty() {
                "-".to_owned()
            } else {
                stages.join(", ")
            },
        ),
    ];
    if summary.mode == "rehearsal" {
        let told = format!(
            "it raised no alert and told nobody; live, it would have raised {}",
            summary.withheld
        );
        rows.push(("rehearsal", told));
    }
    let failures: u64 = summary
        .plugin_errors
        .iter()
        .map(|errors| errors.count)
        .sum();
    if failures > 0 {
        rows.push(("failed plugin calls", failures.to_string()));
    }
    for channel in summary
        .channels
        .iter()
        .filter(|channel| channel.waiting > 0)
    {
        rows.push((
            "not delivered",
            format!(
                "{} messages to {}: they are sent in the next run",
                channel.waiting, channel.name
            ),
        ));
    }
    for quarantine in &summary.quarantines {
        rows.push((
            "in quarantine",
            format!(
                "{} as {}: {} of its last {} calls failed, the last with {}",
                quarantine.plugin,
                quarantine.role,
                quarantine.strikes,
                quarantine.calls,
                quarantine.cause
            ),
        ));
    }
    for generation in summary.generations.iter().skip(1) {
        let changed: Vec<&str> = generation.changed.iter().map(|role| role.name()).collect();
        // A change of the watchlist leaves the plugins as they are.
        let of = match changed.is_empty() {
            true => String::new(),
            false => format!(" of {}", changed.join(", ")),
        };
        rows.push((
            "generation",
            format!("{}: {}{of}", generation.number, generation.cause),
        ));
    }
    for shadow in &summary.shadows {
        let stopped = match shadow.stopped {
            true => "; it failed too often and was asked no more",
            false => "",
        };
        rows.push((
            "shadow",
            format!(
                "{} as {} beside {}: {}{stopped}",
                shadow.plugin,
                shadow.role,
                shadow.serving,
                shadow.sentence()
            ),
        ));
    }
    if summary.lock_sha256.is_none() {
        rows.push(("lock", "none: it ran unlocked".to_owned()));
    }
    if summary.unsigned {
        rows.push(("signatures", "none asked for".to_owned()));
    }
    if !summary.confinement.is_whole() {
        rows.push(("shut in", summary.confinement.to_string()));
    }
    let short: String = summary.audit.hash.chars().take(16).collect();
    rows.push((
        "audit log",
        format!("{} events, the newest {short}", summary.audit.events),
    ));
    if summary.interrupted {
        rows.push(("interrupted", "yes: the cameras had not ended".to_owned()));
    }
    let mut text = format!("\n{}", output::columns(rows));
    // One camera's frames are those above; what else there is to say of it still is said.
    for camera in &summary.cameras {
        let told = camera_line(camera, summary.cameras.len() > 1);
        if !told.is_empty() {
            text += &format!("  camera {}: {}\n", camera.id, told.join("; "));
        }
    }
    for errors in &summary.plugin_errors {
        text += &format!(
            "  {} × {} as {}: {} (first: camera {}, frame {})\n",
            errors.count, errors.plugin, errors.role, errors.cause, errors.camera, errors.frame
        );
    }
    output::printable(&text)
}

/// A camera's frames where there are several, and what it did not do as it should.
fn camera_line(camera: &Camera, with_frames: bool) -> Vec<String> {
    let mut told = Vec::new();
    let frames = &camera.frames;
    if with_frames {
        told.push(format!(
            "{} frames read, {} processed, {} dropped, {} unseen",
            frames.read, frames.processed, frames.dropped, frames.unseen
        ));
    }
    match camera.last_frame_age {
        Some(age) if camera.source != "file" => {
            told.push(format!("the last frame {age:.1} s before the end"));
        }
        Some(_) => {}
        None => told.push("no frame came".to_owned()),
    }
    if camera.too_slow_count > 0 {
        told.push(format!(
            "this machine was too slow for it {} times",
            camera.too_slow_count
        ));
    }
    if camera.outage_count > 0 {
        told.push(format!("away {} times", camera.outage_count));
    }
    if camera.alarm_count > 0 {
        let mut kinds: Vec<_> = camera.alarms.iter().map(|alarm| alarm.fault).collect();
        kinds.sort_unstable();
        kinds.dedup();
        told.push(format!(
            "{} picture alarms ({})",
            camera.alarm_count,
            kinds.join(", ")
        ));
    }
    told
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use overt_confinement::Confinement;
    use overt_deployment::Role;
    use overt_pipeline::summary::{Frames, Generation, PictureAlarm, PluginErrors, Quarantine};

    use super::*;

    fn camera(id: &str, source: &'static str) -> Camera {
        Camera {
            id: id.into(),
            source,
            frames: Frames {
                read: 100,
                processed: 97,
                dropped: 1,
                unseen: 2,
            },
            last_frame_age: Some(0.04),
            too_slow_count: 0,
            outage_count: 0,
            outages: Vec::new(),
            alarm_count: 0,
            alarms: Vec::new(),
        }
    }

    #[test]
    fn several_cameras_have_a_line_each_that_says_what_went_wrong() {
        let van = Camera {
            too_slow_count: 5,
            outage_count: 2,
            alarm_count: 1,
            alarms: vec![PictureAlarm {
                fault: "dark",
                from: 3.0,
                to: None,
            }],
            last_frame_age: Some(12.34),
            ..camera("van", "rtsp")
        };
        let text = table(&Summary {
            cameras: vec![camera("gate", "file"), van],
            ..summary()
        });
        let lines = "  camera gate: 100 frames read, 97 processed, 1 dropped, 2 unseen
  camera van: 100 frames read, 97 processed, 1 dropped, 2 unseen; the last frame 12.3 s before the end; this machine was too slow for it 5 times; away 2 times; 1 picture alarms (dark)
";
        assert!(text.ends_with(lines), "{text}");
    }

    fn whole() -> Confinement {
        Confinement {
            landlock_abi: Some(7),
            files: true,
            network: true,
            calls: true,
            reason: None,
        }
    }

    fn summary() -> Summary {
        Summary {
            mode: "live",
            authority: None,
            withheld: 0,
            frames: Frames {
                read: 100,
                processed: 97,
                dropped: 1,
                unseen: 2,
            },
            cameras: vec![camera("gate", "file")],
            faces: 50,
            tracks: 4,
            alerts: Vec::new(),
            fps: 12.34,
            stages_ms: BTreeMap::from([
                ("decide".into(), 0.2),
                ("detect".into(), 48.1),
                ("route".into(), 0.001),
            ]),
            backend: "onnxruntime 1.24.1 f32".into(),
            device: "cpu".into(),
            plugins: Vec::new(),
            models: Vec::new(),
            plugin_errors: Vec::new(),
            channels: Vec::new(),
            quarantines: Vec::new(),
            generations: Vec::new(),
            watchlist: overt_pipeline::summary::Watchlist::default(),
            shadows: Vec::new(),
            lock_sha256: Some("1c".repeat(32)),
            confinement: whole(),
            audit: overt_records::AuditHead {
                events: 7,
                hash: "a0".repeat(32),
            },
            unsigned: false,
            interrupted: false,
        }
    }

    #[test]
    fn the_table_tells_what_became_of_every_frame_and_where_the_time_went() {
        let expected = "
frames read           100
frames processed      97
frames dropped        1
frames unseen         2
faces                 50
tracks                4
alerts                0
frames per second     12.3
ms a frame, by stage  detect 48.1, decide 0.2
audit log             7 events, the newest a0a0a0a0a0a0a0a0
";
        assert_eq!(table(&summary()), expected);
    }

    #[test]
    fn a_quarantine_says_why_and_a_changed_watchlist_names_no_plugin() {
        let generation = |cause, changed: &[Role]| Generation {
            number: 1,
            since: "2026-01-31T10:02:00Z".into(),
            cause,
            by: None,
            reason: None,
            role: None,
            changed: changed.to_vec(),
            plugins: Vec::new(),
            lock_sha256: None,
        };
        let quarantine = Quarantine {
            plugin: "detector-x".into(),
            role: "detector".into(),
            cause: "overrun".into(),
            strikes: 10,
            calls: 12,
        };
        let first = generation("start", &[]);
        let text = table(&Summary {
            quarantines: vec![quarantine],
            generations: vec![
                first,
                generation("fallback", &[Role::Detector]),
                generation("watchlist", &[]),
            ],
            ..summary()
        });
        for row in [
            "detector-x as detector: 10 of its last 12 calls failed, the last with overrun\n",
            "1: fallback of detector\n",
            "1: watchlist\n",
        ] {
            assert!(text.contains(row), "{row}{text}");
        }
    }

    #[test]
    fn failures_and_an_interruption_are_said_so() {
        let errors = PluginErrors {
            plugin: "detector-x".into(),
            role: Role::Detector,
            cause: "trapped".into(),
            count: 2,
            camera: "gate".into(),
            frame: 7,
        };
        let text = table(&Summary {
            plugin_errors: vec![errors],
            lock_sha256: None,
            confinement: Confinement::none("this kernel has no Landlock"),
            unsigned: true,
            interrupted: true,
            ..summary()
        });
        assert!(text.contains("failed plugin calls   2\n"), "{text}");
        assert!(
            text.contains("none: it ran unlocked\n") && text.contains("none asked for\n"),
            "{text}"
        );
        assert!(text.contains("interrupted           yes"), "{text}");
        assert!(
            text.contains("shut in               no: this kernel has no Landlock\n"),
            "{text}"
        );
        assert!(
            text.contains("2 × detector-x as detector: trapped (first: camera gate, frame 7)"),
            "{text}"
        );
    }
}
