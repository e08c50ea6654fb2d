//! A baseline in Python, in a process of its own that answers numbers with lines of JSON. It knows no baseline.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::de::DeserializeOwned;

use crate::Outcome;
use crate::project::Project;

/// A baseline that is ready.
pub(crate) struct Python {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
    script: &'static str,
}

impl Python {
    /// Starts a script of `host/pipeline/benches` and waits until it says `ready`. Nothing, and a line about it, where the Python packages of the
    /// baselines are not there.
    ///
    /// # Errors
    /// A script that does not get ready.
    pub(crate) fn start(
        project: &Project,
        script: &'static str,
        arguments: &[String],
        threads: usize,
    ) -> Outcome<Option<Python>> {
        if !project.path(".overt/bench-python/installed.txt").is_file() {
            eprintln!(
                "bench: no row against {script}: its Python packages are not there; scripts/bench-python installs them"
            );
            return Ok(None);
        }
        let mut child = Command::new(project.path(".overt/bench-python/bin/python"))
            .arg(project.path("host/pipeline/benches").join(script))
            .args(arguments)
            .env("OMP_NUM_THREADS", threads.to_string())
            .env("OPENBLAS_NUM_THREADS", threads.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (Some(questions), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(format!("{script} has no pipes").into());
        };
        let mut python = Python {
            child,
            questions,
            answers: BufReader::new(answers),
            script,
        };
        match python.line()?.trim() {
            "ready" => Ok(Some(python)),
            other => Err(format!("{script} said {other:?}, expected \"ready\"").into()),
        }
    }

    fn line(&mut self) -> Outcome<String> {
        let mut line = String::new();
        match self.answers.read_line(&mut line)? {
            0 => Err(format!("{} ended; its reason stands above", self.script).into()),
            _ => Ok(line),
        }
    }

    /// Sends a number and reads the answer.
    ///
    /// # Errors
    /// A script that ended, or answers something else.
    pub(crate) fn ask<T: DeserializeOwned>(&mut self, number: u64) -> Outcome<T> {
        writeln!(self.questions, "{number}")?;
        Ok(serde_json::from_str(&self.line()?)?)
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
