//! The demonstration against a plain loop: the whole host with two workers beside `host/pipeline/benches/plain_loop.py`, which is OpenCV, ONNX Runtime and
//! NumPy with two threads, on the same first frames of the same video, with the same models and detector size, by turns.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::Deserialize;

use crate::Outcome;
use crate::project::Project;

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

/// The loop, in a process of its own, its models loaded.
pub(crate) struct PlainLoop {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl PlainLoop {
    /// Starts it. Nothing where its Python packages are not there.
    ///
    /// # Errors
    /// A loop that does not start.
    pub(crate) fn start(project: &Project, video: &str) -> Outcome<Option<PlainLoop>> {
        let python = project.path(".overt/bench-python/bin/python");
        if !project.path(".overt/bench-python/installed.txt").is_file() {
            return Ok(None);
        }
        let mut child = Command::new(python)
            .arg(project.path("host/pipeline/benches/plain_loop.py"))
            .arg(video)
            .arg(project.path(".overt/models/centerface.onnx"))
            .arg(project.path(".overt/models/mobilefacenet.onnx"))
            .arg(project.photograph("person-a-1.jpg"))
            .arg(THREADS.to_string())
            .env("OMP_NUM_THREADS", THREADS.to_string())
            .env("OPENBLAS_NUM_THREADS", THREADS.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (Some(questions), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("the plain loop has no pipes".into());
        };
        let mut plain = PlainLoop {
            child,
            questions,
            answers: BufReader::new(answers),
        };
        match plain.line()?.trim() {
            "ready" => Ok(Some(plain)),
            other => Err(format!("the plain loop said {other:?}, expected \"ready\"").into()),
        }
    }

    fn line(&mut self) -> Outcome<String> {
        let mut line = String::new();
        match self.answers.read_line(&mut line)? {
            0 => Err("the plain loop ended; its reason stands above".into()),
            _ => Ok(line),
        }
    }

    /// Goes through so many frames from the beginning.
    ///
    /// # Errors
    /// A loop that fails, or sees fewer frames.
    pub(crate) fn run(&mut self, frames: u64) -> Outcome<Answer> {
        writeln!(self.questions, "{frames}")?;
        let answer: Answer = serde_json::from_str(&self.line()?)?;
        match answer.frames == frames {
            true => Ok(answer),
            false => Err(format!("the plain loop saw {} of {frames} frames", answer.frames).into()),
        }
    }
}

impl Drop for PlainLoop {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
