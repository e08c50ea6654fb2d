//! Exact search against the plain way: one `ndarray` product of all templates with the probes, and a selection of the
//! best ten. Both run in turn, pair by pair, so that whatever else the machine does meets both; the ratio is the median
//! of the pairs' ratios, its interval a bootstrap of that median.
//!
//! `cargo bench -p overt-gallery` prints a table; with `-- --json` one JSON object per line, and with `-- --million` one
//! million templates as well (5 GB of memory).
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use fastrand::Rng;
use ndarray::{Array2, ArrayView2, Axis};
use overt_gallery::{EncoderId, Gallery, Hit, Template};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

const DIMENSION: usize = 512;
const MOST: usize = 10;
const BASELINE: &str = "ndarray product and selection";

fn main() {
    let has = |flag: &str| std::env::args().any(|argument| argument == flag);
    let json = has("--json");
    let mut sizes = vec![(10_000, "10k"), (100_000, "100k")];
    if has("--million") {
        sizes.push((1_000_000, "1M"));
    }
    for (size, label) in sizes {
        let bench = Bench::new(size);
        for probes in [1, 64] {
            let row = bench.compare(probes);
            let name = match probes {
                1 => format!("gallery search {label} x {DIMENSION}, one query"),
                _ => format!("gallery search {label} x {DIMENSION}, batch of {probes}"),
            };
            row.print(&name, json);
        }
    }
}

struct Bench {
    gallery: Gallery,
    templates: Array2<f32>,
    probes: Vec<Template>,
}

struct Row {
    milliseconds: f64,
    ratio: f64,
    low95: f64,
    high95: f64,
    pairs: usize,
}

impl Bench {
    fn new(size: usize) -> Self {
        let encoder = Arc::new(EncoderId {
            plugin_id: "bench".into(),
            plugin: "0".repeat(64),
            model: "0".repeat(64),
            dimension: DIMENSION,
        });
        let mut random = Rng::with_seed(size as u64);
        let mut template = || {
            // The sum of four even values is near enough to a normal one to spread directions evenly.
            let values: Vec<f32> = (0..DIMENSION)
                .map(|_| (0..4).map(|_| random.f32() - 0.5).sum())
                .collect();
            Template::new(&encoder, &values).unwrap()
        };
        let probes = (0..64).map(|_| template()).collect();
        let mut templates = Array2::zeros((size, DIMENSION));
        let entries = (0..size).map(|row| {
            let template = template();
            templates.row_mut(row).assign(
                &ArrayView2::from_shape((1, DIMENSION), template.values())
                    .unwrap()
                    .row(0),
            );
            (row.to_string().into(), template)
        });
        let entries: Vec<_> = entries.collect();
        let gallery = Gallery::new(encoder.clone(), entries).unwrap();
        Self {
            gallery,
            templates,
            probes,
        }
    }

    fn ours(&self, probes: &[Template]) -> Vec<Vec<Hit>> {
        match probes {
            [probe] => vec![self.gallery.search(probe, MOST).unwrap()],
            probes => self.gallery.search_batch(probes, MOST).unwrap(),
        }
    }

    fn plain(&self, probes: &Array2<f32>) -> Vec<Vec<(f32, u32)>> {
        // One probe is a vector to ndarray, and that is its faster way.
        let scores = match probes.nrows() {
            1 => self.templates.dot(&probes.row(0)).insert_axis(Axis(1)),
            _ => self.templates.dot(&probes.t()),
        };
        scores
            .columns()
            .into_iter()
            .map(|scores| {
                let mut scores: Vec<(f32, u32)> = scores.iter().copied().zip(0..).collect();
                let best_first = |a: &(f32, u32), b: &(f32, u32)| b.0.total_cmp(&a.0);
                scores.select_nth_unstable_by(MOST - 1, best_first);
                scores.truncate(MOST);
                scores.sort_by(best_first);
                scores
            })
            .collect()
    }

    fn compare(&self, count: usize) -> Row {
        let probes = &self.probes[..count];
        let values: Vec<f32> = probes
            .iter()
            .flat_map(|probe| probe.values().to_vec())
            .collect();
        let plain_probes = Array2::from_shape_vec((count, DIMENSION), values).unwrap();
        for (ours, plain) in self.ours(probes).iter().zip(self.plain(&plain_probes)) {
            for (ours, plain) in ours.iter().zip(plain) {
                assert!((ours.score - plain.0).abs() < 1e-5, "another answer");
            }
        }
        // About a second and a half, and enough pairs for an interval.
        let start = Instant::now();
        let mut pairs: Vec<(f64, f64)> = Vec::new();
        while pairs.len() < 15 || (start.elapsed().as_secs_f64() < 1.5 && pairs.len() < 1000) {
            let ours = || seconds(|| self.ours(probes));
            let plain = || seconds(|| self.plain(&plain_probes));
            // Each goes first every other time.
            pairs.push(match pairs.len() % 2 {
                0 => {
                    let ours = ours();
                    (ours, plain())
                }
                _ => {
                    let plain = plain();
                    (ours(), plain)
                }
            });
        }
        Row::of(&pairs)
    }
}

fn seconds<T>(work: impl FnOnce() -> T) -> f64 {
    let start = Instant::now();
    black_box(work());
    start.elapsed().as_secs_f64()
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

impl Row {
    fn of(pairs: &[(f64, f64)]) -> Self {
        let mut ours: Vec<f64> = pairs.iter().map(|(ours, _)| *ours).collect();
        let mut ratios: Vec<f64> = pairs.iter().map(|(ours, plain)| plain / ours).collect();
        let mut random = Rng::with_seed(1);
        let mut medians: Vec<f64> = (0..1000)
            .map(|_| {
                let mut sample: Vec<f64> = (0..ratios.len())
                    .map(|_| ratios[random.usize(..ratios.len())])
                    .collect();
                median(&mut sample)
            })
            .collect();
        medians.sort_by(f64::total_cmp);
        Self {
            milliseconds: 1000.0 * median(&mut ours),
            ratio: median(&mut ratios),
            low95: medians[24],
            high95: medians[974],
            pairs: pairs.len(),
        }
    }

    fn print(&self, name: &str, json: bool) {
        let Self {
            milliseconds,
            ratio,
            low95,
            high95,
            pairs,
        } = self;
        if json {
            let row = serde_json::json!({
                "name": name,
                "value": milliseconds,
                "unit": "ms",
                "baseline": BASELINE,
                // As everywhere in the project: the value over the baseline's.
                "ratio": 1.0 / ratio,
                "low95": 1.0 / high95,
                "high95": 1.0 / low95,
            });
            println!("{row}");
        } else {
            println!(
                "{name:45} {milliseconds:9.3} ms, {ratio:5.2} times as fast as {BASELINE} ({low95:.2} to {high95:.2}, {pairs} pairs)"
            );
        }
    }
}
