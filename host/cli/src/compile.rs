//! `overt compile`, hidden: the child process in which a plugin is compiled, or a model tried. The host starts it; nobody else needs to.

use std::ffi::OsString;
use std::path::Path;

use clap::Args;
use overt_confinement::Openings;

use crate::confine;
use crate::exit::Exit;
use crate::failure::Failure;

/// Compiles one component from standard input to standard output, or tries a model, under limits.
#[derive(Args)]
pub(crate) struct Arguments {
    /// perception, decision, or model and what it is tried with.
    #[arg(required = true)]
    what: Vec<OsString>,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    // It reads and writes what its parent holds open for it, whatever a component makes of the compiler or a model of its library: no file but the library's, no port, no other program. A kernel that
    // cannot see to that gives what it can; the parent has said so.
    let openings = match &arguments.what[..] {
        [what, .., library] if what == "model" => confine::bare(Some(Path::new(library))),
        _ => Openings::default(),
    };
    let _ = openings.close_the_rest();
    let _ = overt_confinement::close_local_sockets();
    // The parent knows the statuses of this child; they are no statuses of the command line.
    std::process::exit(overt_runtime::child::serve(&arguments.what))
}
