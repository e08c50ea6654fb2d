//! `overt alerts describe`: ethnicity, sex and age band of people who were engaged, as counts.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use overt_deployment::Deployment;
use overt_pipeline::desk::{Ask, Told};
use overt_records::{AgeBand, DefinedBy, Described, RunMode, Said, Sex};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;

/// Count a person who was engaged by ethnicity, sex and age band, apart from everything else
///
/// What is left out is counted as not recorded. Only counts are kept, each mode's by itself: no alert, no name and no time leads to them, and so nobody can take one back. The person
/// says it, or the officer does; no software infers it. With `--show` nobody is counted.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt alerts describe deployment.toml --ethnicity W1 --sex female --age 25-34 --by self
  overt alerts describe deployment.toml --sex male --by officer
  overt alerts describe deployment.toml --show --json

Exit status: 0 if it is counted, 1 if not.")]
pub(crate) struct Arguments {
    /// The deployment file
    deployment: PathBuf,
    /// A word or code of the force's list: letters, digits and hyphens
    #[arg(long, requires = "by", conflicts_with = "show")]
    ethnicity: Option<String>,
    /// Sex
    #[arg(long, requires = "by", conflicts_with = "show")]
    sex: Option<SexWord>,
    /// Age band
    #[arg(long, requires = "by", conflicts_with = "show")]
    age: Option<AgeWord>,
    /// In which mode they were engaged [default: the only one in which anybody was]
    #[arg(long, conflicts_with = "show")]
    mode: Option<ModeWord>,
    /// Who says so
    #[arg(long, conflicts_with = "show")]
    by: Option<ByWord>,
    /// Show the counts, and count nobody
    #[arg(long)]
    show: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum ModeWord {
    /// A camera saw them
    Live,
    /// They were on stored images
    Retrospective,
    /// An officer took their photograph
    Operator,
}

#[derive(Clone, Copy, ValueEnum)]
enum SexWord {
    Female,
    Male,
    Other,
}

#[derive(Clone, Copy, ValueEnum)]
enum AgeWord {
    #[value(name = "under-18")]
    Under18,
    #[value(name = "18-24")]
    From18,
    #[value(name = "25-34")]
    From25,
    #[value(name = "35-44")]
    From35,
    #[value(name = "45-54")]
    From45,
    #[value(name = "55-64")]
    From55,
    #[value(name = "65-and-over")]
    From65,
}

#[derive(Clone, Copy, ValueEnum)]
enum ByWord {
    /// The person
    #[value(name = "self")]
    Themselves,
    /// The officer
    Officer,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let by = match arguments.by {
        Some(ByWord::Themselves) | None => DefinedBy::Themselves,
        Some(ByWord::Officer) => DefinedBy::Officer,
    };
    let ask = match arguments.show {
        true => Ask::Described,
        false => Ask::Describe(Described {
            mode: arguments.mode.map(|mode| match mode {
                ModeWord::Live => RunMode::Live,
                ModeWord::Retrospective => RunMode::Retrospective,
                ModeWord::Operator => RunMode::Operator,
            }),
            ethnicity: arguments.ethnicity.map(|what| Said { what, by }),
            sex: arguments.sex.map(|sex| Said {
                what: sex_of(sex),
                by,
            }),
            age: arguments.age.map(|age| Said {
                what: age_of(age),
                by,
            }),
        }),
    };
    let deployment = Deployment::read(&arguments.deployment)?;
    let (Told::Described(counts), _) = super::ask(&deployment, ask)? else {
        return Err(super::something_else());
    };
    if arguments.json {
        output::print_json(&counts)?;
        return Ok(Exit::Done);
    }
    if counts.is_empty() {
        output::print("nobody is counted\n")?;
    }
    for count in &counts {
        let by = match count.by.as_str() {
            "" => String::new(),
            by => format!(" (by {by})"),
        };
        let mode = count.mode.map_or("any mode", RunMode::name);
        output::print(&format!(
            "{mode}: {}: {}{by}: {}\n",
            count.what, count.value, count.people
        ))?;
    }
    Ok(Exit::Done)
}

fn sex_of(word: SexWord) -> Sex {
    match word {
        SexWord::Female => Sex::Female,
        SexWord::Male => Sex::Male,
        SexWord::Other => Sex::Other,
    }
}

fn age_of(word: AgeWord) -> AgeBand {
    match word {
        AgeWord::Under18 => AgeBand::Under18,
        AgeWord::From18 => AgeBand::From18,
        AgeWord::From25 => AgeBand::From25,
        AgeWord::From35 => AgeBand::From35,
        AgeWord::From45 => AgeBand::From45,
        AgeWord::From55 => AgeBand::From55,
        AgeWord::From65 => AgeBand::From65,
    }
}
