//! What `--help` shows, as whoever types it over finds it: every example of every command is one that the command takes.
//! Clap looks for the mistakes of a command's author only in a debug build, and there is none here; so the names are looked at as well.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use clap::{Command, CommandFactory};

/// A command and those below it, each by the way to it.
fn commands() -> Vec<(String, Command)> {
    fn gather(way: &str, command: &Command, into: &mut Vec<(String, Command)>) {
        for below in command.get_subcommands() {
            gather(&format!("{way} {}", below.get_name()), below, into);
        }
        into.push((way.to_owned(), command.clone()));
    }
    let mut all = Vec::new();
    let mut overt = super::Arguments::command();
    overt.build();
    gather("overt", &overt, &mut all);
    all
}

/// The examples that a command's help has, each as its words: without what a shell does with the rest of the line, and without the remarks beside those of the main help.
fn examples(command: &Command) -> Vec<Vec<String>> {
    let help = [command.get_after_help(), command.get_after_long_help()];
    let text: String = help
        .into_iter()
        .flatten()
        .map(ToString::to_string)
        .collect();
    // A line that goes on in the next, and one that leaves out what stands above it.
    text.replace("\\\n      ", "")
        .lines()
        .map(str::trim_start)
        .filter(|line| line.starts_with("overt ") && !line.contains('…'))
        .map(words)
        .collect()
}

/// The words of a line of a shell, up to what the shell does with the rest of it and to a remark beside it.
fn words(line: &str) -> Vec<String> {
    let remark = line.find("   ");
    let line = &line[..remark.unwrap_or(line.len())];
    let words = shlex::split(line).unwrap_or_else(|| panic!("not a line for a shell: {line}"));
    words
        .into_iter()
        .take_while(|word| !["|", "<", ">", ">>", "&&", "2>"].contains(&&**word))
        .collect()
}

#[test]
fn every_example_is_a_command_line_that_is_taken() {
    let mut taken = 0;
    for (way, command) in commands() {
        for example in examples(&command) {
            taken += 1;
            if let Err(error) = super::Arguments::command().try_get_matches_from(&example) {
                panic!("{way}: {example:?}: {error}");
            }
        }
    }
    assert!(taken > 100, "{taken}");
}

/// The commands that stand in the README and the guides, each in a line that is set in by four spaces.
#[test]
fn every_command_of_the_guides_is_one_that_is_taken() {
    let guides = [
        include_str!("../../../README.md"),
        include_str!("../../../docs/force.md"),
        include_str!("../../../docs/auditor.md"),
        include_str!("../../../sdk/README.md"),
    ];
    let mut taken = 0;
    for guide in guides {
        let guide = guide.replace("\\\n        ", "");
        for line in guide.lines().filter(|line| line.starts_with("    overt ")) {
            let line = words(line.trim_start());
            // One that leaves out what its help says is no whole command.
            if line.iter().any(|word| word == "…") {
                continue;
            }
            taken += 1;
            if let Err(error) = super::Arguments::command().try_get_matches_from(&line) {
                panic!("{line:?}: {error}");
            }
        }
    }
    assert!(taken > 60, "{taken}");
}

#[test]
fn every_command_that_does_something_has_an_example() {
    let without: Vec<String> = commands()
        .into_iter()
        .filter(|(_, command)| !command.has_subcommands() && !command.is_hide_set())
        .filter(|(way, command)| !way.contains(" help") && examples(command).is_empty())
        .map(|(way, _)| way)
        .collect();
    assert_eq!(without, Vec::<String>::new());
}

#[test]
fn no_two_arguments_of_a_command_share_a_name() {
    for (way, command) in commands() {
        let mut names = BTreeSet::new();
        for argument in command.get_arguments() {
            assert!(names.insert(argument.get_id().clone()), "{way}: {argument}");
        }
    }
}
