//! A model with something to run on: made-up pictures of the size and the range that its card tells, and what a back end made of them.

use std::time::Instant;

use overt_models::{Card, Dim};
use overt_pipeline::PipelineError;
use overt_vision::{Backend, Budget, InferenceError, MODEL_MEMORY, ModelFile, Session, Tensor};

use super::likeness::Likeness;
use crate::failure::Failure;

/// Lengths of the sides that a card leaves open: a picture of the size that cameras are looked at by default.
const OPEN: [(&str, u32); 2] = [("height", 480), ("width", 640)];
/// The side that stands for several faces, and how many are measured.
const BATCH: &str = "faces";
const BATCHES: [u32; 3] = [1, 4, 8];

/// A model's inputs.
pub(super) struct Subject {
    /// Pictures or faces in them.
    pub(super) batch: u32,
    inputs: Vec<Tensor>,
}

impl Subject {
    /// The model's inputs, for each batch that is measured.
    pub(super) fn of(card: &Card) -> Result<Vec<Subject>, Failure> {
        let several = card
            .inputs
            .iter()
            .any(|input| input.shape.contains(&Dim::Open(BATCH.to_owned())));
        let batches = if several { &BATCHES[..] } else { &BATCHES[..1] };
        batches
            .iter()
            .map(|batch| Self::with(card, *batch))
            .collect()
    }

    fn with(card: &Card, batch: u32) -> Result<Subject, Failure> {
        let inputs = card
            .inputs
            .iter()
            .map(|input| {
                let shape: Vec<u32> = input
                    .shape
                    .iter()
                    .map(|side| length(side, batch))
                    .collect::<Option<_>>()
                    .ok_or_else(|| {
                        Failure::new(
                            format!(
                                "the card of {}: input {:?} has an open side of a name that is not known",
                                card.name, input.name
                            ),
                            "name it faces, height or width",
                        )
                    })?;
                Tensor::from_values(&shape, &picture(&shape, input.range), &Budget::unlimited())
                    .map_err(|error| {
                        Failure::new(format!("the card of {}: {error}", card.name), "mend its shape")
                    })
            })
            .collect::<Result<_, _>>()?;
        Ok(Subject { batch, inputs })
    }
}

fn length(side: &Dim, batch: u32) -> Option<u32> {
    match side {
        Dim::Length(length) => Some(*length),
        Dim::Open(name) if name == BATCH => Some(batch),
        Dim::Open(name) => OPEN
            .iter()
            .find(|(open, _)| open == name)
            .map(|(_, length)| *length),
    }
}

/// Slopes, waves and grain between two numbers, the same on each machine. A flat picture would leave most of a network at zero, and noise alone
/// is nothing that a camera sees.
fn picture(shape: &[u32], [low, high]: [f32; 2]) -> Vec<f32> {
    let side = |back: usize| shape.iter().rev().nth(back).copied().unwrap_or(1).max(1) as usize;
    let (width, height) = (side(0), side(1));
    let count: usize = shape.iter().map(|side| *side as usize).product();
    let mut grain = 0x9e37_79b9_7f4a_7c15_u64;
    (0..count)
        .map(|index| {
            let x = (index % width) as f32 / width as f32;
            let y = (index / width % height) as f32 / height as f32;
            let plane = (index / (width * height)) as f32;
            // Xorshift, by Marsaglia 2003.
            grain ^= grain << 13;
            grain ^= grain >> 7;
            grain ^= grain << 17;
            let grain = (grain >> 40) as f32 / (1_u32 << 24) as f32;
            let wave = (9.0 * x + plane).sin() * (7.0 * y + 0.5 * plane).cos();
            let part = 0.5 + 0.3 * wave + 0.1 * (y - x) + 0.2 * (grain - 0.5);
            low + (high - low) * part.clamp(0.0, 1.0)
        })
        .collect()
}

/// A model on a back end, and what came of its runs.
pub(super) struct Measured {
    /// Milliseconds to load it.
    pub(super) load_ms: f64,
    session: Box<dyn Session>,
    runs_ms: Vec<f64>,
    outputs: Vec<Tensor>,
    batch: usize,
}

/// The back end that the others are compared with.
pub(super) struct Baseline(pub(super) Measured);

impl Measured {
    /// Loads the model and runs it once, which does not count: the first run is the one that makes room.
    pub(super) fn load(
        backend: &dyn Backend,
        model: &ModelFile,
        subject: &Subject,
    ) -> Result<Measured, Failure> {
        let began = Instant::now();
        let session = backend.load(model, MODEL_MEMORY).map_err(failed)?;
        let mut measured = Measured {
            load_ms: began.elapsed().as_secs_f64() * 1e3,
            session,
            runs_ms: Vec::new(),
            outputs: Vec::new(),
            batch: subject.batch as usize,
        };
        measured.run(subject)?;
        measured.runs_ms.clear();
        Ok(measured)
    }

    /// Runs it once.
    pub(super) fn run(&mut self, subject: &Subject) -> Result<(), Failure> {
        let inputs: Vec<&Tensor> = subject.inputs.iter().collect();
        let began = Instant::now();
        let outputs = self
            .session
            .run(&inputs, &Budget::unlimited(), None)
            .map_err(failed)?;
        self.runs_ms.push(began.elapsed().as_secs_f64() * 1e3);
        self.outputs = outputs;
        Ok(())
    }

    /// Milliseconds a run.
    pub(super) fn median_ms(&self) -> f64 {
        median(self.runs_ms.clone())
    }

    /// How many times as fast as the baseline.
    pub(super) fn faster_than(&self, baseline: &Measured) -> f64 {
        let pairs = baseline.runs_ms.iter().zip(&self.runs_ms);
        median(pairs.map(|(baseline, ours)| baseline / ours).collect())
    }

    /// The worst likeness of an output, for a picture or face, to the baseline's.
    pub(super) fn likeness(&self, baseline: &Measured) -> Likeness {
        if self.outputs.len() != baseline.outputs.len() {
            return Likeness::of(&[0.0], &[]);
        }
        let mut worst = Likeness::SAME;
        for (ours, theirs) in self.outputs.iter().zip(&baseline.outputs) {
            // Another element than f32 has no cosine; no model has one.
            let (Some(found), Some(expected)) = (ours.as_f32s(), theirs.as_f32s()) else {
                return Likeness::of(&[0.0], &[]);
            };
            if ours.shape() != theirs.shape() {
                return Likeness::of(&[0.0], &[]);
            }
            let item = (expected.len() / self.batch.max(1)).max(1);
            for (found, expected) in found.chunks(item).zip(expected.chunks(item)) {
                worst = worst.worse(Likeness::of(found, expected));
            }
        }
        worst
    }
}

impl Baseline {
    pub(super) fn load(
        backend: &dyn Backend,
        model: &ModelFile,
        subject: &Subject,
    ) -> Result<Baseline, Failure> {
        Measured::load(backend, model, subject).map(Baseline)
    }

    pub(super) fn run(&mut self, subject: &Subject) -> Result<(), Failure> {
        self.0.run(subject)
    }
}

fn failed(error: InferenceError) -> Failure {
    PipelineError::from(error).into()
}

/// The middle of some numbers, 0 of none.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match (values.get(values.len() / 2), values.len().is_multiple_of(2)) {
        (Some(upper), true) => f64::midpoint(*upper, values[values.len() / 2 - 1]),
        (Some(middle), false) => *middle,
        (None, _) => 0.0,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_card_has_inputs_and_the_encoder_is_run_with_several_faces() {
        for card in overt_models::cards().unwrap() {
            let subjects = Subject::of(&card).unwrap_or_else(|_| panic!("{}", card.name));
            let batches: Vec<u32> = subjects.iter().map(|subject| subject.batch).collect();
            let expected = match card.name.as_str() {
                "mobilefacenet" => vec![1, 4, 8],
                _ => vec![1],
            };
            assert_eq!(batches, expected, "{}", card.name);
        }
    }

    #[test]
    fn pictures_fill_the_range_and_those_of_a_batch_are_not_the_same() {
        let values = picture(&[2, 1, 40, 50], [-1.0, 3.0]);
        let (low, high) = values.iter().fold((9.0_f32, -9.0_f32), |(low, high), v| {
            (low.min(*v), high.max(*v))
        });
        assert!(
            (-1.0..0.0).contains(&low) && (2.0..=3.0).contains(&high),
            "{low} {high}"
        );
        assert_ne!(values[..2_000], values[2_000..]);
    }

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(median(Vec::new()), 0.0);
    }
}
