//! The child process: what may take time and memory without end is done there, under limits of the operating system's. Knows neither what is done nor what it means
//! that it ended so.
//!
//! It is this same software, so what it answers is as trustworthy as if it had been done in this process; what protects the host is that the child can be ended.

use std::ffi::{OsStr, OsString};
use std::io::{Read, Write};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use overt_contract::plain;
use rustix::process::{Resource, Rlimit, setrlimit};

use crate::compiler::{self, Compiler};
use crate::{limits, trial};

/// The first argument of a child that tries a model; the others compile, for the family that it names.
pub(crate) const MODEL: &str = "model";

/// The exit status of a Rust program that panicked.
pub(crate) const PANICKED: i32 = 101;

/// What the child may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChildLimits {
    /// CPU time of all its threads together when it compiles; whole seconds count.
    pub cpu: Duration,
    /// Address space in bytes when it compiles.
    pub memory: u64,
    /// CPU time when it tries a model. What memory it may have, its parent says.
    pub trial_cpu: Duration,
}

impl Default for ChildLimits {
    fn default() -> ChildLimits {
        ChildLimits {
            cpu: limits::COMPILE_CPU,
            memory: limits::COMPILE_MEMORY,
            trial_cpu: limits::TRIAL_CPU,
        }
    }
}

/// The child's side: does what its arguments say, from standard input to standard output, and gives the exit status.
pub fn serve(arguments: &[OsString]) -> i32 {
    serve_within(arguments, ChildLimits::default())
}

/// The same under limits of the caller's.
pub fn serve_within(arguments: &[OsString], limits: ChildLimits) -> i32 {
    close_inherited();
    match arguments.split_first() {
        Some((first, rest)) if first == MODEL => trial::serve(rest, limits),
        Some((family, [])) => compiler::serve(&family.to_string_lossy(), limits),
        _ => {
            eprintln!("expected perception, decision or {MODEL}");
            2
        }
    }
}

/// Closes what the host had open when it started this process. What the host opens itself is closed by being marked so, but libraries open cameras and
/// devices without that mark, and who compiles a stranger's component or tries a model has no business with them.
fn close_inherited() {
    const FIRST: libc::c_uint = 3;
    // SAFETY: this process has started just now, has one thread and has opened nothing: what is open beyond standard input, output and error was
    // inherited, and nobody here holds it. A kernel without this call (before 5.9) refuses it, and everything stays as it was. Tested by
    // `what_the_host_has_open_is_closed_in_the_compiler`.
    unsafe {
        libc::syscall(libc::SYS_close_range, FIRST, libc::c_uint::MAX, 0);
    }
}

/// Limits this process.
pub(crate) fn limit(cpu: Duration, memory: (Resource, u64)) -> Result<(), String> {
    let limit = |resource, current: u64, maximum: u64| {
        setrlimit(
            resource,
            Rlimit {
                current: Some(current),
                maximum: Some(maximum),
            },
        )
        .map_err(|error| format!("no limit can be set: {error}"))
    };
    // At the soft limit the kernel sends SIGXCPU, which tells the host what happened; at the hard limit SIGKILL, which tells it nothing.
    let seconds = cpu.as_secs();
    limit(Resource::Cpu, seconds, seconds.saturating_add(1))?;
    limit(memory.0, memory.1, memory.1)?;
    // It writes to its standard output, a pipe, and to no file.
    limit(Resource::Fsize, 0, 0)?;
    limit(Resource::Core, 0, 0)
}

/// Standard input, of at most so many bytes.
pub(crate) fn input(most: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = std::io::stdin().lock().take(most).read_to_end(&mut bytes);
    read.map_err(|error| error.to_string())?;
    Ok(bytes)
}

/// What came of a child.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) output: Vec<u8>,
    /// What it said on standard error, plain.
    pub(crate) message: String,
    /// It wrote more than it may, and was ended.
    pub(crate) over_long: bool,
}

impl Compiler {
    /// Starts the child and waits for it. `environment` are the variables that it keeps of this process's.
    pub(crate) fn run(
        &self,
        arguments: &[&OsStr],
        environment: &[&str],
        input: &[u8],
        most_output: u64,
    ) -> Result<Ended, String> {
        let kept = environment
            .iter()
            .filter_map(|name| Some((name, std::env::var_os(name)?)));
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .args(arguments)
            .env_clear()
            .envs(kept)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| error.to_string())?;
        let (Some(mut stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err("it has no pipes".into());
        };
        let (output, message) = std::thread::scope(|scope| {
            // Both pipes are served at once, or the two processes would wait for each other.
            scope.spawn(move || {
                // A child that ends early breaks the pipe; its exit status tells more than this error would.
                let _ = stdin.write_all(input);
            });
            let message = scope.spawn(move || {
                let mut text = Vec::new();
                let _ = stderr.take(16 << 10).read_to_end(&mut text);
                // It may quote names of a component or a model, which are a stranger's.
                plain(String::from_utf8_lossy(&text).trim())
            });
            let mut output = Vec::new();
            let read = stdout.take(most_output + 1).read_to_end(&mut output);
            (read.map(|_| output), message.join().unwrap_or_default())
        });
        let over_long = output
            .as_ref()
            .is_ok_and(|bytes| bytes.len() as u64 > most_output);
        if over_long {
            // The child may still be writing; it is of no more use.
            let _ = child.kill();
        }
        let status = child.wait().map_err(|error| error.to_string())?;
        Ok(Ended {
            status,
            output: output.map_err(|error| error.to_string())?,
            message,
            over_long,
        })
    }
}
