//! `overt compile`, hidden: the child process in which a plugin is compiled. The host starts it; nobody else needs to.

use clap::Args;

use crate::exit::Exit;
use crate::failure::Failure;

/// Compiles one component from standard input to standard output, under limits.
#[derive(Args)]
pub(crate) struct Arguments {
    /// perception or decision.
    family: String,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    // The parent knows the statuses of this child; they are no statuses of the command line.
    std::process::exit(overt_runtime::compiler::serve(&arguments.family))
}
