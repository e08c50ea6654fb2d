//! `overt alerts judge`: the first judgement, an operator's.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use overt_deployment::Deployment;
use overt_pipeline::desk::{Ask, Told};
use overt_records::{Adjudication, LifeState, Reject};

use super::deliver;
use crate::exit::Exit;
use crate::failure::Failure;

/// Judge an alert first, on its images, as an operator: pass it on or reject it
///
/// You have opened it (`overt alerts show`). When the judgement is printed it is on disk; the same sent twice is one. The score is printed with it. Only a passed alert reaches
/// anybody who acts, and a second person judges it again.
///
/// A run that goes on tells the channels for action. Where none does, this command tries each of them once after it has printed the judgement, and says on standard error what came of
/// it; what waits then is delivered by `overt alerts deliver`, or by the next run. Channels that are a terminal wait for those.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt alerts judge deployment.toml 3 pass
  overt alerts judge deployment.toml 3 reject --why not-this-person
  overt alerts judge deployment.toml 3 pass --json | jq .score

Exit status: 0 if it is on record, whoever has heard of it, 1 if it was refused, 2 for a mistake in the arguments.")]
pub(crate) struct Arguments {
    /// The deployment file
    deployment: PathBuf,
    /// The alert's number
    alert: u32,
    /// What you judge
    verdict: Verdict,
    /// Why you reject it
    #[arg(long, required_if_eq("verdict", "reject"))]
    why: Option<Why>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Verdict {
    /// It goes on to an engagement officer
    Pass,
    /// It ends here
    Reject,
}

#[derive(Clone, Copy, ValueEnum)]
enum Why {
    /// The passer-by is somebody else: a false alert
    NotThisPerson,
    /// The person is not sought any more
    NoLongerWanted,
    /// To engage would not be proportionate
    NotProportionate,
    /// The images do not show it
    CannotTell,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let adjudication = match (arguments.verdict, arguments.why) {
        (Verdict::Pass, None) => Adjudication::Pass,
        (Verdict::Reject, Some(why)) => Adjudication::Reject(match why {
            Why::NotThisPerson => Reject::NotThisPerson,
            Why::NoLongerWanted => Reject::NoLongerWanted,
            Why::NotProportionate => Reject::NotProportionate,
            Why::CannotTell => Reject::CannotTell,
        }),
        _ => {
            return Err(Failure::mistake(
                "`--why` goes with `reject`, and a reject needs it",
                "write `pass` alone, or `reject --why not-this-person`",
            ));
        }
    };
    let deployment = Deployment::read(&arguments.deployment)?;
    let ask = Ask::Judge {
        alert: arguments.alert,
        adjudication,
    };
    let (Told::Judged(judged), through_run) = super::ask(&deployment, ask)? else {
        return Err(super::something_else());
    };
    let exit = super::print_judged(&judged, arguments.json)?;
    // Said already: whether anybody can be told now changes nothing of the judgement.
    if judged.listed.state() == LifeState::Passed && !judged.goes_out {
        match through_run {
            true => deliver::after_pass_in_rehearsal(&deployment),
            false => deliver::after_pass(&deployment, arguments.alert),
        }
    }
    Ok(exit)
}
