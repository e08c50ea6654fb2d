//! `overt alerts outcome`: the second judgement and what follows it, an engagement officer's.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use overt_deployment::Deployment;
use overt_pipeline::desk::{Ask, Told};
use overt_records::{self as records, Disposal, IdentityCheck, Report, Stop};

use crate::exit::Exit;
use crate::failure::Failure;

/// Say what comes of a passed alert, step by step, as an engagement officer
///
/// First whether it is viable, on its images, which you have opened (`overt alerts show`); then whether the person was found; then, once the stop is over, whether it was the
/// person sought; then what came of it. Whoever passed the alert cannot be the one who engages. A stop is not an identity check, and neither is an arrest.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt alerts outcome deployment.toml 3 viable
  overt alerts outcome deployment.toml 3 engaged
  overt alerts outcome deployment.toml 3 confirmed --correct yes --place \"Market Square\" \\
      --from 2026-01-31T10:02:00Z --to 2026-01-31T10:09:00Z --identity made --method \"driving licence\"
  overt alerts outcome deployment.toml 3 disposal arrest --reason warrant
  overt alerts outcome deployment.toml 3 disposal other --note \"taken to hospital\"

Exit status: 0 if it is on record, 1 if it was refused, 2 for a mistake in the arguments.")]
pub(crate) struct Arguments {
    /// The deployment file
    deployment: PathBuf,
    /// The alert's number
    alert: u32,
    /// What you report
    what: What,
    /// What came of the stop
    #[arg(required_if_eq("what", "disposal"))]
    disposal: Option<DisposalWord>,
    /// Whether it was the person sought
    #[arg(
        long,
        required_if_eq("what", "confirmed"),
        help_heading = "A stop that is over"
    )]
    correct: Option<YesNo>,
    /// Where the stop was
    #[arg(
        long,
        required_if_eq("what", "confirmed"),
        help_heading = "A stop that is over"
    )]
    place: Option<String>,
    /// When it began, such as 2026-01-31T10:02:00Z
    #[arg(
        long,
        value_name = "TIME",
        required_if_eq("what", "confirmed"),
        help_heading = "A stop that is over"
    )]
    from: Option<Timestamp>,
    /// When it ended
    #[arg(
        long,
        value_name = "TIME",
        required_if_eq("what", "confirmed"),
        help_heading = "A stop that is over"
    )]
    to: Option<Timestamp>,
    /// Whether an identity was checked
    #[arg(
        long,
        required_if_eq("what", "confirmed"),
        help_heading = "A stop that is over"
    )]
    identity: Option<Identity>,
    /// How it was checked
    #[arg(
        long,
        required_if_eq("identity", "made"),
        help_heading = "A stop that is over"
    )]
    method: Option<String>,
    /// Fingerprints were asked for
    #[arg(long, help_heading = "A stop that is over")]
    fingerprints: bool,
    /// What the arrest was for: a word of the closed list of the force's rules (`overt rules show`)
    #[arg(long, value_name = "WORD")]
    reason: Option<String>,
    /// Another outcome, in a few words
    #[arg(long, required_if_eq("disposal", "other"))]
    note: Option<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// Worth engaging
    Viable,
    /// Not worth engaging, on the spot
    NotViable,
    /// The person was not found
    NotLocated,
    /// An officer speaks to the person
    Engaged,
    /// The stop is over
    Confirmed,
    /// What came of it
    Disposal,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum DisposalWord {
    Arrest,
    Other,
    NoFurtherAction,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum YesNo {
    Yes,
    No,
}

#[derive(Clone, Copy, ValueEnum)]
enum Identity {
    /// None was asked for
    None,
    Made,
    /// The person refused it
    Refused,
    /// It did not establish who the person is
    NotEstablished,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let (alert, json) = (arguments.alert, arguments.json);
    let deployment = Deployment::read(&arguments.deployment)?;
    let report = report(arguments)?;
    let ask = Ask::Report { alert, report };
    let (Told::Judged(judged), _) = super::ask(&deployment, ask)? else {
        return Err(super::something_else());
    };
    super::print_judged(&judged, json)
}

fn report(arguments: Arguments) -> Result<Report, Failure> {
    let Arguments {
        what,
        disposal,
        correct,
        place,
        from,
        to,
        identity,
        method,
        fingerprints,
        reason,
        note,
        ..
    } = arguments;
    let of_stop = correct.is_some()
        || place.is_some()
        || from.is_some()
        || to.is_some()
        || identity.is_some()
        || method.is_some()
        || fingerprints;
    let misplaced = |which: &str, with: &str| {
        Failure::mistake(
            format!("{which} goes with `{with}`"),
            "leave it out here; each step is reported by itself",
        )
    };
    if of_stop && what != What::Confirmed {
        return Err(misplaced("what is said of a stop", "confirmed"));
    }
    if disposal.is_some() && what != What::Disposal {
        return Err(misplaced("what came of a stop", "disposal"));
    }
    if note.is_some() && disposal != Some(DisposalWord::Other) {
        return Err(misplaced("`--note`", "disposal other"));
    }
    if reason.is_some() && disposal != Some(DisposalWord::Arrest) {
        return Err(misplaced("`--reason`", "disposal arrest"));
    }
    let at = |time: Timestamp| records::Timestamp::from_unix_ms(time.as_millisecond());
    Ok(match what {
        What::Viable => Report::Viable,
        What::NotViable => Report::NotViable,
        What::NotLocated => Report::NotLocated,
        What::Engaged => Report::Engaged,
        What::Confirmed => {
            let (Some(correct), Some(place), Some(from), Some(to), Some(identity)) =
                (correct, place, from, to, identity)
            else {
                // The parser asks for each of them.
                return Err(misplaced("all that is said of a stop", "confirmed"));
            };
            Report::Confirmed {
                correct: correct == YesNo::Yes,
                stop: Stop {
                    place,
                    from: at(from),
                    to: at(to),
                    identity: match identity {
                        Identity::None => IdentityCheck::None,
                        Identity::Made => IdentityCheck::Made,
                        Identity::Refused => IdentityCheck::Refused,
                        Identity::NotEstablished => IdentityCheck::NotEstablished,
                    },
                    method: method.unwrap_or_default(),
                    fingerprints,
                },
            }
        }
        What::Disposal => Report::Disposal(match (disposal, note) {
            (Some(DisposalWord::Arrest), _) => reason.map_or(Disposal::Arrest, Disposal::ArrestFor),
            (Some(DisposalWord::NoFurtherAction), _) => Disposal::NoFurtherAction,
            // The parser asks for the one and the other.
            (_, note) => Disposal::Other(note.unwrap_or_default()),
        }),
    })
}
