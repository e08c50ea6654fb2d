//! `overt`: the command line. Here are the commands' names and the exit statuses; each command has a file of its own, named like it.

mod alerts;
mod audit;
mod backup;
mod compile;
mod completions;
mod confine;
mod control;
mod deployment;
mod doctor;
mod evaluate;
mod exit;
mod failure;
#[cfg(test)]
mod help_tests;
mod inquiry;
mod interrupt;
mod key;
mod lock;
mod machine;
mod memory;
mod models;
mod output;
mod people;
mod plugin;
mod progress;
mod report;
mod retention;
mod rules;
mod run;
mod search;
mod session;
mod sign_in;
mod sign_out;
mod times;
mod typed;
mod watchlist;
mod who;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::exit::Exit;
use crate::failure::Failure;

/// A host for facial-recognition algorithms in policing: every algorithm is a sandboxed plugin, a person decides before anyone is stopped.
#[derive(Parser)]
#[command(name = "overt", version, after_long_help = AFTER_HELP, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Examples:
  overt doctor                                               what is missing on this machine
  overt watchlist enrol deployment.toml watchlist/           put people on the watchlist
  overt lock deployment.toml                                 decide what runs, by digest
  overt deployment plan deployment.toml                      give it its number in the force's register
  overt run deployment.toml                                  run the deployment
  overt search deployment.toml frames/ --mode retrospective … search stored images; a person looks at what comes out
  overt alerts list deployment.toml                          what waits for a person's judgement
  overt plugin new acme-detector --role detector             a vendor's new plugin, which works as it is
  overt plugin inspect detector.wasm                         what a plugin can do, from its bytes
  overt sign-in anna --deployment deployment.toml            what you do from here on is done in your name
  overt audit replay deployment.toml                         does every alert come out the same once more?
  overt audit verify deployment.toml                         is the audit log what was written?
  overt report deployment deployment.toml -o record.html     publish what it came to

Exit status:
  0    done
  1    failed, or something that was asked for is not so (a photograph refused, a model missing)
  2    a mistake in the arguments or in a file that somebody wrote
  3    nothing is wrong, and what was asked for is not proven (`overt audit verify` without a lodged head)
  130  ended by Ctrl-C, in good order";

#[derive(Subcommand)]
enum Command {
    Run(run::Arguments),
    Search(search::Arguments),
    Lock(lock::Arguments),
    Deployment(deployment::Arguments),
    Rules(rules::Arguments),
    Watchlist(watchlist::Arguments),
    Alerts(alerts::Arguments),
    Plugin(plugin::Arguments),
    Retention(retention::Arguments),
    Backup(backup::Arguments),
    Restore(backup::RestoreArguments),
    Audit(audit::Arguments),
    Report(report::publish::Arguments),
    People(people::Arguments),
    SignIn(sign_in::Arguments),
    SignOut(sign_out::Arguments),
    Who(who::Arguments),
    Key(key::Arguments),
    Evaluate(evaluate::Arguments),
    Models(models::Arguments),
    Doctor(doctor::Arguments),
    Completions(completions::Arguments),
    #[command(hide = true)]
    Compile(compile::Arguments),
}

fn main() -> ExitCode {
    if let Err(error) = memory::keep_in() {
        let told = Failure::new(
            format!("core files cannot be switched off: {error}"),
            "Overt does not run where a crash would write faces to the disk; let it lower RLIMIT_CORE",
        );
        output::say(&told.render(output::colour_on_stderr()));
        return told.exit().into();
    }
    let done = match Arguments::parse().command {
        Command::Run(arguments) => run::run(arguments),
        Command::Search(arguments) => search::run(arguments),
        Command::Lock(arguments) => lock::run(arguments),
        Command::Rules(arguments) => rules::run(arguments),
        Command::Deployment(arguments) => deployment::run(arguments),
        Command::Watchlist(arguments) => watchlist::run(arguments),
        Command::Alerts(arguments) => alerts::run(arguments),
        Command::Plugin(arguments) => plugin::run(arguments),
        Command::Backup(arguments) => backup::run(arguments),
        Command::Restore(arguments) => backup::restored(arguments),
        Command::Retention(arguments) => retention::run(arguments),
        Command::Audit(arguments) => audit::run(arguments),
        Command::Report(arguments) => report::publish::run(arguments),
        Command::People(arguments) => people::run(arguments),
        Command::SignIn(arguments) => sign_in::run(arguments),
        Command::SignOut(arguments) => sign_out::run(arguments),
        Command::Who(arguments) => who::run(arguments),
        Command::Key(arguments) => key::run(arguments),
        Command::Evaluate(arguments) => evaluate::run(arguments),
        Command::Models(arguments) => models::run(arguments),
        Command::Doctor(arguments) => doctor::run(arguments),
        Command::Completions(arguments) => completions::run(arguments),
        Command::Compile(arguments) => compile::run(arguments),
    };
    done.unwrap_or_else(|failure| {
        output::say(&failure.render(output::colour_on_stderr()));
        failure.exit()
    })
    .into()
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_commands_arguments_fit_together() {
        super::Arguments::command().debug_assert();
    }

    #[test]
    fn every_command_that_somebody_sees_shows_an_example() {
        fn walk(command: &clap::Command, path: &str) {
            for child in command
                .get_subcommands()
                .filter(|child| !child.is_hide_set())
            {
                let path = format!("{path} {}", child.get_name());
                if child.has_subcommands() {
                    walk(child, &path);
                } else {
                    let help = child.clone().render_long_help().to_string();
                    assert!(
                        help.contains("Example") && help.contains(&path),
                        "{path}:\n{help}"
                    );
                }
            }
        }
        walk(&super::Arguments::command(), "overt");
    }
}
