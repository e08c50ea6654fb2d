//! The short table at the end of a run. It knows the summary and nothing else.

use overt_pipeline::summary::Summary;

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
    let failures: u64 = summary
        .plugin_errors
        .iter()
        .map(|errors| errors.count)
        .sum();
    if failures > 0 {
        rows.push(("failed plugin calls", failures.to_string()));
    }
    if summary.interrupted {
        rows.push(("interrupted", "yes: the cameras had not ended".to_owned()));
    }
    let mut text = format!("\n{}", output::columns(rows));
    for errors in &summary.plugin_errors {
        text += &format!(
            "  {} × {} as {}: {} (first: camera {}, frame {})\n",
            errors.count, errors.plugin, errors.role, errors.cause, errors.camera, errors.frame
        );
    }
    output::printable(&text)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use overt_deployment::Role;
    use overt_pipeline::summary::{Frames, PluginErrors};

    use super::*;

    fn summary() -> Summary {
        Summary {
            frames: Frames {
                read: 100,
                processed: 97,
                dropped: 1,
                unseen: 2,
            },
            faces: 50,
            tracks: 4,
            alerts: Vec::new(),
            fps: 12.34,
            stages_ms: BTreeMap::from([
                ("decide".into(), 0.2),
                ("detect".into(), 48.1),
                ("route".into(), 0.001),
            ]),
            plugins: Vec::new(),
            models: Vec::new(),
            plugin_errors: Vec::new(),
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
";
        assert_eq!(table(&summary()), expected);
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
            interrupted: true,
            ..summary()
        });
        assert!(text.contains("failed plugin calls   2\n"), "{text}");
        assert!(text.contains("interrupted           yes"), "{text}");
        assert!(
            text.contains("2 × detector-x as detector: trapped (first: camera gate, frame 7)"),
            "{text}"
        );
    }
}
