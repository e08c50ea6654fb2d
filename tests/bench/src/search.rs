//! Exact search against the plain way: one `ndarray` product of all templates with the probes, and a selection of the best ten of each; and, among the
//! most templates of a run, against FAISS' exact index on one thread (`host/pipeline/benches/faiss_flat.py`).

use std::fs::File;
use std::io::{BufWriter, Write};
use std::sync::Arc;

use fastrand::Rng;
use ndarray::{Array2, Axis};
use overt_gallery::{EncoderId, Gallery, Hit, Template};
use serde::Deserialize;

use crate::changes;
use crate::pairs::{Effort, Pairs, each};
use crate::project::Project;
use crate::python::Python;
use crate::row::{Row, Target, Unit};
use crate::{Outcome, Scale};

const DIMENSION: usize = 512;
/// Entries that a search returns.
pub(crate) const MOST: usize = 10;
/// Probes of a batch.
const BATCH: usize = 64;
/// Scores nearer than this are equal: the two ways add up in another order.
const SAME: f32 = 1e-5;

/// The rows.
pub(crate) fn rows(project: &Project, scale: Scale) -> Outcome<Vec<Row>> {
    let mut sizes = if scale.quick {
        vec![500, 1_000]
    } else {
        vec![10_000, 100_000]
    };
    if scale.million {
        sizes.push(1_000_000);
    }
    let mut rows = Vec::new();
    let most = sizes.last().copied();
    for size in sizes {
        let bench = Bench::new(size)?;
        for probes in [1, BATCH] {
            rows.push(bench.row(probes, scale)?);
        }
        rows.extend(changes::rows(&bench.gallery, &bench.probes[0], scale)?);
        if Some(size) == most {
            rows.extend(bench.against_faiss(project, scale)?);
        }
    }
    Ok(rows)
}

struct Bench {
    gallery: Gallery,
    templates: Array2<f32>,
    probes: Vec<Template>,
}

impl Bench {
    fn new(size: usize) -> Outcome<Bench> {
        let encoder = Arc::new(EncoderId {
            plugin_id: "bench".into(),
            plugin: "0".repeat(64),
            model: "0".repeat(64),
            backend: "none".into(),
            dimension: DIMENSION,
        });
        let mut random = Rng::with_seed(size as u64);
        let mut template = || {
            // The sum of four even values is near enough to a normal one to spread directions evenly.
            let values: Vec<f32> = (0..DIMENSION)
                .map(|_| (0..4).map(|_| random.f32() - 0.5).sum())
                .collect();
            Template::new(&encoder, &values)
        };
        let probes = (0..BATCH)
            .map(|_| template())
            .collect::<Result<Vec<_>, _>>()?;
        let mut values = Vec::with_capacity(size * DIMENSION);
        let mut entries = Vec::with_capacity(size);
        for number in 0..size {
            let template = template()?;
            values.extend_from_slice(template.values());
            entries.push((number.to_string().into(), template));
        }
        Ok(Bench {
            gallery: Gallery::new(encoder.clone(), entries)?,
            templates: Array2::from_shape_vec((size, DIMENSION), values)?,
            probes,
        })
    }

    fn row(&self, count: usize, scale: Scale) -> Outcome<Row> {
        let probes = &self.probes[..count];
        let values: Vec<f32> = probes
            .iter()
            .flat_map(|probe| probe.values().to_vec())
            .collect();
        let plain_probes = Array2::from_shape_vec((count, DIMENSION), values)?;
        for (ours, plain) in self.ours(probes)?.iter().zip(self.plain(&plain_probes)) {
            same(ours, &plain)?;
        }
        let effort = scale.effort(Effort {
            least: 15,
            most: 1_000,
            seconds: 4.0,
        });
        let pairs = Pairs::take(
            effort,
            || each(1, || self.ours(probes)),
            || each(1, || Ok(self.plain(&plain_probes))),
        )?;
        let size = self.gallery.entries();
        let name = match count {
            1 => format!("gallery of {size} × {DIMENSION}, one query"),
            _ => format!("gallery of {size} × {DIMENSION}, {count} queries at once"),
        };
        Ok(Row::new(
            name,
            Unit::Rate(count as f64, "queries/s"),
            "ndarray product and selection",
            &pairs,
        ))
    }

    /// One query and many at once, beside FAISS; nothing where it is not installed.
    fn against_faiss(&self, project: &Project, scale: Scale) -> Outcome<Vec<Row>> {
        let folder = tempfile::tempdir()?;
        let file = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
        let (matrix, probes) = (file("matrix"), file("probes"));
        let mut rows = BufWriter::new(File::create(&matrix)?);
        for row in self.templates.rows() {
            write_floats(&mut rows, row.iter())?;
        }
        rows.flush()?;
        let mut rows = BufWriter::new(File::create(&probes)?);
        for probe in &self.probes {
            write_floats(&mut rows, probe.values().iter())?;
        }
        rows.flush()?;
        let arguments = [matrix, probes, DIMENSION.to_string(), MOST.to_string()];
        let Some(mut faiss) = Python::start(project, "faiss_flat.py", &arguments, 1)? else {
            return Ok(Vec::new());
        };
        let mut measured = Vec::new();
        for (count, target) in [(1, 3.0), (BATCH, 20.0)] {
            let probes = &self.probes[..count];
            let mut ask = || -> Outcome<f64> {
                let answer: Answer = faiss.ask(count as u64)?;
                // Every time: whoever is fast and finds others is not fast.
                for (ours, theirs) in self.ours(probes)?.iter().zip(answer.found()) {
                    same(ours, &theirs)?;
                }
                Ok(answer.seconds)
            };
            let effort = scale.effort(Effort {
                least: 9,
                most: 50,
                seconds: 30.0,
            });
            let pairs = Pairs::take(effort, || each(1, || self.ours(probes)), &mut ask)?;
            let size = self.gallery.entries();
            let row = Row::new(
                match count {
                    1 => format!("gallery of {size} × {DIMENSION}, one query, against FAISS"),
                    _ => format!("gallery of {size} × {DIMENSION}, {count} at once, against FAISS"),
                },
                Unit::Rate(count as f64, "queries/s"),
                "FAISS IndexFlatIP, one thread",
                &pairs,
            );
            // The targets are for a million.
            measured.push(match size >= 1_000_000 {
                true => row.target(Target::RatioSurelyAtLeast(target)),
                false => row,
            });
        }
        Ok(measured)
    }

    fn ours(&self, probes: &[Template]) -> Outcome<Vec<Vec<Hit>>> {
        Ok(match probes {
            [probe] => vec![self.gallery.search(probe, MOST)?],
            probes => self.gallery.search_batch(probes, MOST)?,
        })
    }

    fn plain(&self, probes: &Array2<f32>) -> Vec<Vec<(f32, u32)>> {
        // One probe is a vector to ndarray, and that is its faster way.
        let scores = match probes.nrows() {
            1 => self.templates.dot(&probes.row(0)).insert_axis(Axis(1)),
            _ => self.templates.dot(&probes.t()),
        };
        let best_first = |a: &(f32, u32), b: &(f32, u32)| b.0.total_cmp(&a.0);
        let best = |scores: ndarray::ArrayView1<f32>| {
            let mut scores: Vec<(f32, u32)> = scores.iter().copied().zip(0..).collect();
            scores.select_nth_unstable_by(MOST - 1, best_first);
            scores.truncate(MOST);
            scores.sort_by(best_first);
            scores
        };
        scores.columns().into_iter().map(best).collect()
    }
}

fn write_floats<'v>(
    file: &mut impl Write,
    values: impl Iterator<Item = &'v f32>,
) -> std::io::Result<()> {
    for value in values {
        file.write_all(&value.to_le_bytes())?;
    }
    Ok(())
}

/// What FAISS answers: for each probe entries and scores, the best first.
#[derive(Deserialize)]
struct Answer {
    seconds: f64,
    entries: Vec<Vec<u32>>,
    scores: Vec<Vec<f32>>,
}

impl Answer {
    fn found(&self) -> Vec<Vec<(f32, u32)>> {
        let probes = self.scores.iter().zip(&self.entries);
        probes
            .map(|(scores, entries)| {
                scores
                    .iter()
                    .copied()
                    .zip(entries.iter().copied())
                    .collect()
            })
            .collect()
    }
}

/// The same ten: equal entries, or others whose scores cannot be told apart.
fn same(ours: &[Hit], plain: &[(f32, u32)]) -> Outcome<()> {
    let agree = ours.len() == plain.len()
        && ours.iter().zip(plain).all(|(hit, (score, entry))| {
            (hit.score - score).abs() < SAME
                && (hit.entry == *entry || ours.iter().any(|other| other.entry == *entry))
        });
    agree
        .then_some(())
        .ok_or_else(|| format!("the gallery found {ours:?}, the product {plain:?}").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(entry: u32, score: f32) -> Hit {
        Hit {
            entry,
            image: 0,
            score,
        }
    }

    #[test]
    fn another_entry_or_another_score_is_another_answer() {
        let ours = [hit(4, 0.5), hit(2, 0.25)];
        assert!(same(&ours, &[(0.5, 4), (0.25, 2)]).is_ok());
        assert!(same(&ours, &[(0.5, 4), (0.25, 3)]).is_err());
        assert!(same(&ours, &[(0.5, 4), (0.24, 2)]).is_err());
        assert!(same(&ours, &[(0.5, 4)]).is_err());
    }
}
