//! Answers of plugins in words, for whoever reads how two of them differ.

use overt_runtime::decision::{Decision, Priority, Route};

use crate::inputs::Answer;

pub(super) fn decision(answer: &Answer<Decision>) -> String {
    match answer {
        Answer::Given(Decision::Ignore(reason)) => format!("ignore: {reason}"),
        Answer::Given(Decision::Hold(reason)) => format!("hold: {reason}"),
        Answer::Given(Decision::Alert(proposal)) => {
            let priority = match proposal.priority {
                Priority::Low => "low",
                Priority::Normal => "normal",
                Priority::High => "high",
            };
            format!(
                "alert for offer {}, {priority}: {}",
                proposal.offered, proposal.reason
            )
        }
        other => no_answer(other),
    }
}

pub(super) fn desks(answer: &Answer<Vec<Route>>) -> String {
    named(answer, "nobody, so the default desk")
}

pub(super) fn officers(answer: &Answer<Vec<Route>>) -> String {
    named(answer, "nobody, so every channel for action")
}

fn named(answer: &Answer<Vec<Route>>, nobody: &str) -> String {
    match answer {
        Answer::Given(routes) if routes.is_empty() => nobody.to_owned(),
        Answer::Given(routes) => {
            let names: Vec<&str> = routes.iter().map(|route| route.channel.as_str()).collect();
            names.join(", ")
        }
        other => no_answer(other),
    }
}

fn no_answer<T>(answer: &Answer<T>) -> String {
    match answer {
        Answer::Failed { cause, said } if said.is_empty() => format!("failed with {cause}"),
        Answer::Failed { cause, said } => format!("failed with {cause}: {said}"),
        Answer::Ended { cause } => format!("ended by the host: {cause}"),
        Answer::Given(_) => String::new(),
    }
}
