//! `overt compile`, hidden: the child process in which a plugin is compiled. The host starts it; nobody else needs to.

use clap::Args;
use overt_confinement::Openings;

use crate::exit::Exit;
use crate::failure::Failure;

/// Compiles one component from standard input to standard output, under limits.
#[derive(Args)]
pub(crate) struct Arguments {
    /// perception or decision.
    family: String,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    // It reads and writes what its parent holds open for it, whatever a component makes of the compiler: no file, no port, no other program. A kernel that cannot see to that gives what it can; the
    // parent has said so.
    let _ = Openings::default().close_the_rest();
    let _ = overt_confinement::close_local_sockets();
    // The parent knows the statuses of this child; they are no statuses of the command line.
    std::process::exit(overt_runtime::compiler::serve(&arguments.family))
}
