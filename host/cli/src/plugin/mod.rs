//! `overt plugin`: what a vendor and an auditor do with plugin files.

mod bench;
pub(crate) mod inspect;
mod new;
mod pack;
mod release;
mod sign;
pub(crate) mod swap;
mod test;
mod verify;
mod workbench;

use clap::{Args, Subcommand};

use crate::exit::Exit;
use crate::failure::Failure;

/// Make plugin files, test and sign them, and see what they can do
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    New(new::Arguments),
    Pack(pack::Arguments),
    Test(test::Arguments),
    Bench(bench::Arguments),
    Sign(sign::Arguments),
    Verify(verify::Arguments),
    Inspect(inspect::Arguments),
    Release(release::Arguments),
    Swap(swap::Arguments),
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    match arguments.command {
        Command::New(arguments) => new::run(arguments),
        Command::Bench(arguments) => bench::run(arguments),
        Command::Pack(arguments) => pack::run(arguments),
        Command::Test(arguments) => test::run(arguments),
        Command::Sign(arguments) => sign::run(arguments),
        Command::Verify(arguments) => verify::run(arguments),
        Command::Inspect(arguments) => inspect::run(arguments),
        Command::Release(arguments) => release::run(arguments),
        Command::Swap(arguments) => swap::run(arguments),
    }
}
