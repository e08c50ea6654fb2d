//! Photographs become templates, through the deployment's own plugins; and which face of a photograph is meant.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use overt_gallery::Template;
use overt_pipeline::stills::{self, StillFailure};
use overt_pipeline::{Machine, Perception, PipelineError};
use overt_vision::Face;

/// What became of a photograph.
pub enum Seen {
    /// The face that is meant, as a template.
    Template(Box<Template>),
    /// No face was found.
    NoFace,
    /// It could not be read, or a plugin failed on it.
    Failed(StillFailure),
    /// Somebody ended the evaluation before its turn.
    NotReached,
}

impl Seen {
    /// The template, where there is one.
    pub fn template(&self) -> Option<&Template> {
        match self {
            Seen::Template(template) => Some(template),
            _ => None,
        }
    }
}

/// Which of a photograph's faces is meant where it is of one person: large and near the middle. The box's area less twice the squared
/// distance of its centre from the photograph's, both in pixels; the first of equals. (The rule of InsightFace's aligners, so that
/// figures compare with published ones.)
pub fn meant(faces: &[Face], width: u32, height: u32) -> Option<Face> {
    let merit = |face: &Face| {
        let centre = face.bounds.centre();
        let (x, y) = (
            f64::from(centre.x) - f64::from(width) / 2.0,
            f64::from(centre.y) - f64::from(height) / 2.0,
        );
        f64::from(face.bounds.width) * f64::from(face.bounds.height) - 2.0 * (x * x + y * y)
    };
    let mut best: Option<(f64, &Face)> = None;
    for face in faces {
        let merit = merit(face);
        if best.is_none_or(|(most, _)| merit > most) {
            best = Some((merit, face));
        }
    }
    best.map(|(_, face)| *face)
}

/// Looks at every photograph. Answers stand in their order.
///
/// # Errors
/// Model sessions that cannot be made. A photograph that fails says so by itself.
pub fn look(
    machine: &Machine,
    perception: &Perception,
    workers: usize,
    photographs: &[PathBuf],
    stop: &AtomicBool,
    done: &(dyn Fn(usize) + Sync),
) -> Result<Vec<Seen>, PipelineError> {
    let seen = stills::each(
        machine,
        perception,
        workers,
        photographs,
        stop,
        done,
        |path, eyes| one(path, eyes).unwrap_or_else(Seen::Failed),
    )?;
    Ok(seen
        .into_iter()
        .map(|seen| seen.unwrap_or(Seen::NotReached))
        .collect())
}

fn one(path: &Path, eyes: &mut stills::Eyes<'_>) -> Result<Seen, StillFailure> {
    let (frame, _) = eyes.open(path)?;
    let faces = eyes.detect(&frame)?;
    let Some(face) = meant(&faces, frame.width(), frame.height()) else {
        return Ok(Seen::NoFace);
    };
    let described = eyes.describe(&frame, face)?;
    Ok(Seen::Template(Box::new(described.template)))
}

#[cfg(test)]
mod tests {
    use overt_vision::Rect;

    use super::*;

    fn face(x: f32, y: f32, side: f32) -> Face {
        Face {
            bounds: Rect {
                x: x - side / 2.0,
                y: y - side / 2.0,
                width: side,
                height: side,
            },
            confidence: 0.9,
            landmarks: None,
        }
    }

    #[test]
    fn a_large_face_near_the_middle_is_meant() {
        let middle = face(125.0, 125.0, 80.0);
        let aside = face(20.0, 125.0, 100.0);
        let small = face(125.0, 125.0, 20.0);
        assert_eq!(meant(&[aside, small, middle], 250, 250), Some(middle));
        // Aside and alone, it is meant all the same.
        assert_eq!(meant(&[aside], 250, 250), Some(aside));
        assert_eq!(meant(&[], 250, 250), None);
    }

    #[test]
    fn of_equals_the_first_is_meant() {
        let (left, right) = (face(100.0, 125.0, 60.0), face(150.0, 125.0, 60.0));
        assert_eq!(meant(&[right, left], 250, 250), Some(right));
    }
}
