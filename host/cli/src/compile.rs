//! `overt compile`, hidden: the child process in which a plugin is compiled, or a model tried. The host starts it; nobody else needs to.

use std::ffi::OsString;

use clap::Args;

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
    // The parent knows the statuses of this child; they are no statuses of the command line.
    std::process::exit(overt_runtime::child::serve(&arguments.what))
}
