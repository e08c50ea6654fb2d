//! A challenger on the page: how often it agreed, in a sentence, bars and a table of what the bars show.

use overt_pipeline::shadow::{Agreement, ShadowReport};

use super::view::grouped;

pub(super) struct Challenger {
    pub(super) role: &'static str,
    pub(super) id: String,
    pub(super) version: String,
    pub(super) serving: String,
    pub(super) serving_sha256: String,
    pub(super) calls: String,
    pub(super) failures: String,
    pub(super) milliseconds: String,
    pub(super) sentence: String,
    /// What the bars are of; empty where there are none.
    pub(super) caption: &'static str,
    pub(super) bars: Vec<Bar>,
    pub(super) ends: (&'static str, &'static str),
    /// Rows and columns ignore, hold, alert.
    pub(super) matrix: Vec<(&'static str, [String; 3])>,
    pub(super) sha256: String,
}

pub(super) struct Bar {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) width: f32,
    pub(super) height: f32,
    pub(super) count: String,
}

/// A line as a sentence begins.
fn capitalised(line: &str) -> String {
    let mut letters = line.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).collect()
}

/// Height of a challenger's bars, in pixels.
const BARS: f32 = 60.0;

impl Challenger {
    pub(super) fn of(shadow: &ShadowReport) -> Self {
        let (caption, counts, ends): (_, &[u64], _) = match &shadow.agreement {
            Agreement::Faces { overlap, .. } => (
                "How much the boxes of a face that both found overlap",
                overlap,
                ("half", "wholly"),
            ),
            Agreement::Searches { difference, .. } => (
                "The challenger’s best score less that of the encoder that serves",
                difference,
                ("−1", "+1"),
            ),
            Agreement::Qualities { difference, .. } => (
                "The challenger’s quality less that of the plugin that serves",
                difference,
                ("−100", "+100"),
            ),
            Agreement::Decisions { .. } | Agreement::Desks { .. } => ("", &[], ("", "")),
        };
        let most = counts.iter().copied().max().unwrap_or(0).max(1) as f32;
        let width = 300.0 / counts.len().max(1) as f32;
        let matrix = match &shadow.agreement {
            Agreement::Decisions { matrix, .. } => ["ignore", "hold", "alert"]
                .into_iter()
                .zip(matrix.map(|row| row.map(grouped)))
                .collect(),
            _ => Vec::new(),
        };
        let mut failures: Vec<String> = shadow
            .failures
            .iter()
            .map(|(cause, count)| format!("{} × {cause}", grouped(*count)))
            .collect();
        if shadow.stopped {
            failures.push("too many: it was asked no more".to_owned());
        }
        if shadow.unencoded > 0 {
            failures.push(format!(
                "{} watchlist images that it made nothing of",
                grouped(shadow.unencoded)
            ));
        }
        Self {
            role: shadow.role.name(),
            id: shadow.plugin.clone(),
            version: shadow.version.clone(),
            serving: shadow.serving.clone(),
            serving_sha256: shadow.serving_sha256.clone(),
            calls: match shadow.every {
                1 => grouped(shadow.calls),
                every => format!("{}, about one frame in {every}", grouped(shadow.calls)),
            },
            failures: match failures.is_empty() {
                true => "none".to_owned(),
                false => failures.join("; "),
            },
            milliseconds: format!("{:.2}", shadow.milliseconds),
            sentence: capitalised(&shadow.sentence()),
            caption,
            bars: counts
                .iter()
                .enumerate()
                .map(|(place, count)| {
                    let height = *count as f32 / most * BARS;
                    Bar {
                        x: place as f32 * width + 1.0,
                        y: BARS - height,
                        width: width - 2.0,
                        height,
                        count: grouped(*count),
                    }
                })
                .collect(),
            ends,
            matrix,
            sha256: shadow.sha256.clone(),
        }
    }
}
