//! The demonstration against a plain loop: the whole host with two workers beside `host/pipeline/benches/plain_loop.py`, which is OpenCV, ONNX Runtime and
//! NumPy with two threads, on the same first frames of the same video, with the same models and detector size, by turns.

use serde::Deserialize;

use crate::Outcome;
use crate::project::Project;
use crate::python::Python;

/// Threads, of the loop as of the host.
pub(crate) const THREADS: usize = 2;

/// What the loop answers.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Answer {
    seconds: f64,
    frames: u64,
    /// Faces that it found.
    pub(crate) faces: u64,
    /// The best score of the person on its watchlist.
    pub(crate) best: f32,
}

impl Answer {
    /// Seconds a frame.
    pub(crate) fn each(&self) -> f64 {
        self.seconds / self.frames.max(1) as f64
    }
}

/// The loop, its models loaded.
pub(crate) struct PlainLoop(Python);

impl PlainLoop {
    /// Starts it. Nothing where its Python packages are not there.
    ///
    /// # Errors
    /// A loop that does not start.
    pub(crate) fn start(project: &Project, video: &str) -> Outcome<Option<PlainLoop>> {
        let path = |name: &str| project.path(name).to_string_lossy().into_owned();
        let arguments = [
            video.to_owned(),
            path(".overt/models/centerface.onnx"),
            path(".overt/models/mobilefacenet.onnx"),
            path(".overt/photographs/person-a-1.jpg"),
            THREADS.to_string(),
        ];
        Ok(Python::start(project, "plain_loop.py", &arguments, THREADS)?.map(PlainLoop))
    }

    /// Goes through so many frames from the beginning.
    ///
    /// # Errors
    /// A loop that fails, or sees fewer frames.
    pub(crate) fn run(&mut self, frames: u64) -> Outcome<Answer> {
        let answer: Answer = self.0.ask(frames)?;
        match answer.frames == frames {
            true => Ok(answer),
            false => Err(format!("the plain loop saw {} of {frames} frames", answer.frames).into()),
        }
    }
}
