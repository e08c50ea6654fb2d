//! `overt completions`: a script that lets a shell complete overt's arguments.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;

/// Print a script that lets your shell complete overt's arguments
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt completions bash > ~/.local/share/bash-completion/completions/overt
  overt completions zsh > ~/.zfunc/_overt
  overt completions fish > ~/.config/fish/completions/overt.fish")]
pub(crate) struct Arguments {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut crate::Arguments::command(),
        "overt",
        &mut script,
    );
    output::print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}
