//! Compiles components, in a child process whose CPU time and memory are limited by the operating system.
//!
//! No limit of a store applies to compiling: a component of 338 KB was seen to take over 100 s and 3 GB. The child reads the component
//! from standard input and writes the compiled code to standard output. It is this same software, so its output is as trustworthy
//! as a compiler inside this process would be; what protects the host is that the child can be ended.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, Signal, setrlimit};
use wasmtime::Engine;

use crate::engine;
use crate::error::PluginError;
use crate::limits;
use overt_contract::{Family, plain};

/// The program that compiles, started anew for each component: `PROGRAM ARGUMENTS… perception|decision`. It does nothing but
/// [`serve`] or [`serve_within`].
#[derive(Clone, Debug)]
pub struct Compiler {
    /// The program's path.
    pub program: PathBuf,
    /// What comes before the family's name.
    pub arguments: Vec<OsString>,
}

/// What the compiling child may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompileLimits {
    /// CPU time of all its threads together; whole seconds count.
    pub cpu: Duration,
    /// Address space in bytes.
    pub memory: u64,
}

impl Default for CompileLimits {
    fn default() -> CompileLimits {
        CompileLimits {
            cpu: limits::COMPILE_CPU,
            memory: limits::COMPILE_MEMORY,
        }
    }
}

/// The child's exit status where the component itself is at fault.
const DOES_NOT_COMPILE: i32 = 3;

/// The exit status of a Rust program that panicked.
const PANICKED: i32 = 101;

fn family_name(family: Family) -> &'static str {
    match family {
        Family::Perception => "perception",
        Family::Decision => "decision",
    }
}

/// The child's side: limits itself, compiles standard input to standard output, and gives the exit status. `family` is the last
/// argument.
pub fn serve(family: &str) -> i32 {
    serve_within(family, CompileLimits::default())
}

/// The same under limits of the caller's.
pub fn serve_within(family: &str, limits: CompileLimits) -> i32 {
    let family = match family {
        "perception" => Family::Perception,
        "decision" => Family::Decision,
        other => {
            eprintln!("expected perception or decision, found {other}");
            return 2;
        }
    };
    match compile_here(family, limits) {
        Ok(()) => 0,
        Err(message) => {
            eprintln!("{message}");
            DOES_NOT_COMPILE
        }
    }
}

/// Closes what the host had open when it started this process. What the host opens itself is closed by being marked so, but libraries open cameras and
/// devices without that mark, and who compiles a stranger's component has no business with them.
fn close_inherited() {
    const FIRST: libc::c_uint = 3;
    // SAFETY: this process has started just now, has one thread and has opened nothing: what is open beyond standard input, output and error was
    // inherited, and nobody here holds it. A kernel without this call (before 5.9) refuses it, and everything stays as it was. Tested by
    // `what_the_host_has_open_is_closed_in_the_compiler`.
    unsafe {
        libc::syscall(libc::SYS_close_range, FIRST, libc::c_uint::MAX, 0);
    }
}

fn compile_here(family: Family, limits: CompileLimits) -> Result<(), String> {
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
    close_inherited();
    // At the soft limit the kernel sends SIGXCPU, which tells the host what happened; at the hard limit SIGKILL, which tells it nothing.
    let seconds = limits.cpu.as_secs();
    limit(Resource::Cpu, seconds, seconds.saturating_add(1))?;
    limit(Resource::As, limits.memory, limits.memory)?;
    limit(Resource::Core, 0, 0)?;
    // It writes to its standard output, a pipe, and to no file.
    limit(Resource::Fsize, 0, 0)?;
    let mut bytes = Vec::new();
    std::io::stdin()
        .lock()
        .take(crate::limits::PLUGIN_BYTES)
        .read_to_end(&mut bytes)
        .map_err(|error| error.to_string())?;
    // No pooling allocator here: its slots are address space that the limit above would refuse, and code does not depend on it.
    let mut config = engine::config(family);
    // Each thread reserves address space for itself; with as many as a large machine has cores, those alone would come near the limit.
    config.parallel_compilation(false);
    let engine = Engine::new(&config).map_err(|error| format!("{error:#}"))?;
    let compiled = engine
        .precompile_component(&bytes)
        .map_err(|error| format!("{error:#}"))?;
    std::io::stdout()
        .lock()
        .write_all(&compiled)
        .map_err(|error| error.to_string())
}

impl Compiler {
    /// Compiles a component. `path` is for messages.
    pub(crate) fn compile(
        &self,
        path: &Path,
        family: Family,
        bytes: &[u8],
    ) -> Result<Vec<u8>, PluginError> {
        let host = |cause: String| PluginError::Engine {
            cause: format!("the compiler {}: {cause}", self.program.display()),
        };
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .arg(family_name(family))
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| host(error.to_string()))?;
        let (Some(mut stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(host("it has no pipes".into()));
        };
        let (compiled, message) = std::thread::scope(|scope| {
            // Both pipes are served at once, or the two processes would wait for each other.
            scope.spawn(move || {
                // A child that ends early breaks the pipe; its exit status tells more than this error would.
                let _ = stdin.write_all(bytes);
            });
            let message = scope.spawn(move || {
                let mut text = Vec::new();
                let _ = stderr.take(16 << 10).read_to_end(&mut text);
                // It may quote names of the component, which are a stranger's.
                plain(String::from_utf8_lossy(&text).trim())
            });
            let mut compiled = Vec::new();
            let read = stdout
                .take(limits::COMPILED_BYTES + 1)
                .read_to_end(&mut compiled);
            (read.map(|_| compiled), message.join().unwrap_or_default())
        });
        let over_long = compiled
            .as_ref()
            .is_ok_and(|bytes| bytes.len() as u64 > limits::COMPILED_BYTES);
        if over_long {
            // The child may still be writing; it is of no more use.
            let _ = child.kill();
        }
        let status = child.wait().map_err(|error| host(error.to_string()))?;
        if over_long {
            return Err(PluginError::CompileLimit {
                path: path.to_owned(),
                limit: "256 MiB of compiled code",
            });
        }
        let compiled = compiled.map_err(|error| host(error.to_string()))?;
        use std::os::unix::process::ExitStatusExt;
        const SIGXCPU: i32 = Signal::XCPU.as_raw();
        const SIGABRT: i32 = Signal::ABORT.as_raw();
        const SIGKILL: i32 = Signal::KILL.as_raw();
        const SIGSEGV: i32 = Signal::SEGV.as_raw();
        let limit = |limit| {
            Err(PluginError::CompileLimit {
                path: path.to_owned(),
                limit,
            })
        };
        match (status.code(), status.signal()) {
            (Some(0), _) => Ok(compiled),
            (Some(DOES_NOT_COMPILE | PANICKED), _) => Err(PluginError::Compile {
                path: path.to_owned(),
                cause: message,
            }),
            (_, Some(SIGXCPU)) => limit("the CPU time that compiling may take"),
            // An allocation that is refused aborts; a stack that is used up does too, or faults; the machine's own shortage kills.
            (_, Some(SIGABRT | SIGKILL | SIGSEGV)) => limit("the memory that compiling may take"),
            _ => Err(host(format!("ended with {status}: {message}"))),
        }
    }
}
