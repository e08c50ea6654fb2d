//! A run under way: what it says while it goes on, and what it leaves when it is ended.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use super::{Ended, Place, run};

/// Longer than anything takes on a busy machine; a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(180);

/// A run under way, and the lines that it prints to standard error.
pub(crate) struct Running {
    child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Running {
    pub(crate) fn start(place: &Place) -> Running {
        Self::start_with(place, &[])
    }

    /// The same with these arguments.
    pub(crate) fn start_with(place: &Place, more: &[&str]) -> Running {
        let is_live = !more.contains(&"--rehearsal");
        let mut command = match is_live {
            true => place.runs(),
            false => place.overt_as("anna"),
        };
        if !is_live {
            command.arg("run");
        }
        let mut child = command
            .args(more)
            .arg(place.deployment())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (tell, lines) = channel();
        let err = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || {
            for line in err.lines().map_while(Result::ok) {
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        Running {
            child,
            lines,
            seen: Vec::new(),
        }
    }

    /// Waits for a line with this in it.
    pub(crate) fn await_line(&mut self, part: &str) -> String {
        loop {
            let Ok(line) = self.lines.recv_timeout(PATIENCE) else {
                let _ = self.child.kill();
                panic!(
                    "no line with {part:?} came; these did:\n{}",
                    self.seen.join("\n")
                );
            };
            self.seen.push(line.clone());
            if line.contains(part) {
                return line;
            }
        }
    }

    /// Waits until it has ended by itself: its standard output, and all the lines of standard error.
    pub(crate) fn ended(mut self) -> Ended {
        let mut out = String::new();
        let pipe = self.child.stdout.as_mut().unwrap();
        std::io::Read::read_to_string(pipe, &mut out).unwrap();
        let status = self.child.wait().unwrap();
        let later: Vec<String> = self.lines.iter().collect();
        self.seen.extend(later);
        Ended {
            status: status.code(),
            out,
            err: self.seen.join("\n"),
        }
    }

    /// The process's number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it goes on.
    pub(crate) fn goes_on(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// As a crash ends it.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ctrl-C, and what it leaves.
    pub(crate) fn interrupt(self) -> Ended {
        let process = rustix::process::Pid::from_child(&self.child);
        // It may have come to its own end.
        let _ = rustix::process::kill_process(process, rustix::process::Signal::INT);
        self.ended()
    }

    /// Waits until it answers questions.
    pub(crate) fn await_answer(&mut self, place: &Place) {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let deployment = place.deployment();
            let status = run([Path::new("deployment"), Path::new("status"), &deployment]);
            if status.status == Some(0) {
                return;
            }
            assert!(
                self.goes_on(),
                "it has ended: {:?}",
                self.lines.iter().collect::<Vec<_>>()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("it does not answer");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
