//! Compiles components, in a child process whose CPU time and memory are limited by the operating system.
//!
//! No limit of a store applies to compiling: a component of 338 KB was seen to take over 100 s and 3 GB. The child reads the component
//! from standard input and writes the compiled code to standard output. It is this same software, so its output is as trustworthy
//! as a compiler inside this process would be; what protects the host is that the child can be ended.

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};

use rustix::process::{Resource, Signal};
use wasmtime::Engine;

use crate::child::{self, ChildLimits, PANICKED};
use crate::engine;
use crate::error::PluginError;
use crate::limits;
use overt_contract::Family;

/// The program that compiles, started anew for each component: `PROGRAM ARGUMENTS… perception|decision`; and that tries models (`trial`). It does nothing
/// but [`child::serve`] or [`child::serve_within`].
#[derive(Clone, Debug)]
pub struct Compiler {
    /// The program's path.
    pub program: PathBuf,
    /// What comes before what it is to do.
    pub arguments: Vec<OsString>,
}

/// The child's exit status where the component itself is at fault.
const DOES_NOT_COMPILE: i32 = 3;

fn family_name(family: Family) -> &'static str {
    match family {
        Family::Perception => "perception",
        Family::Decision => "decision",
    }
}

/// The child's side: limits itself, compiles standard input to standard output, and gives the exit status.
pub(crate) fn serve(family: &str, limits: ChildLimits) -> i32 {
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

fn compile_here(family: Family, limits: ChildLimits) -> Result<(), String> {
    child::limit(limits.cpu, (Resource::As, limits.memory))?;
    let bytes = child::input(crate::limits::PLUGIN_BYTES)?;
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
        let ended = self
            .run(
                &[family_name(family).as_ref()],
                &[],
                bytes,
                limits::COMPILED_BYTES,
            )
            .map_err(host)?;
        if ended.over_long {
            return Err(PluginError::CompileLimit {
                path: path.to_owned(),
                limit: "256 MiB of compiled code",
            });
        }
        let (status, message) = (ended.status, ended.message);
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
            (Some(0), _) => Ok(ended.output),
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
