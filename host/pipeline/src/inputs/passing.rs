//! What the router was asked about an alert that an operator had passed, what it answered, and who heard of it: sealed by itself, for it comes after the rest.

use overt_contract::Capability;
use overt_records::AlertInputs;
use overt_runtime::decision::{PassedAlert, Route};
use overt_runtime::{Metered, Plugin};
use serde::{Deserialize, Serialize};

use super::written::{Part, read, written, written_after};
use super::{Answer, AskingHost, Ran, Unreadable};
use crate::action::Routes;

/// The form that this version writes and reads. What is sealed when an alert is raised has other numbers, so that neither passes for the other.
const FORM: u8 = 129;

/// All of it.
#[derive(Serialize, Deserialize)]
struct Written<'a> {
    host: AskingHost,
    ran: Ran,
    #[serde(borrow)]
    passed: Part<'a>,
    #[serde(borrow)]
    answer: Part<'a>,
    fuel: u64,
    channels: Vec<String>,
    by_default: bool,
}

/// A call of the router about a passed alert.
#[derive(Debug)]
pub struct Passing {
    /// The host that asked.
    pub host: AskingHost,
    /// What ran.
    pub ran: Ran,
    /// What it was asked.
    pub passed: PassedAlert,
    /// The same as it was written.
    pub(crate) passed_bytes: Vec<u8>,
    /// What it answered.
    pub answer: Answer<Vec<Route>>,
    /// The answer as it was written.
    pub(crate) answer_bytes: Vec<u8>,
    /// Fuel that it took.
    pub fuel: u64,
    /// Who heard of the alert.
    pub routes: Routes,
}

impl Passing {
    /// What is to be sealed. Writing to a buffer of the right size does not fail; if it did, nothing would be kept.
    pub(crate) fn sealed(
        plugin: &Plugin,
        capabilities: &[Capability],
        passed: &PassedAlert,
        called: &Metered<Vec<Route>>,
        routes: &Routes,
    ) -> Option<AlertInputs> {
        let (passed, answer) = (written(passed), written(&Answer::of(&called.answer)));
        let (passed, answer) = (passed.ok()?, answer.ok()?);
        let all = Written {
            host: AskingHost::this(),
            ran: Ran::of(plugin, capabilities),
            passed: Part(&passed),
            answer: Part(&answer),
            fuel: called.fuel,
            channels: routes.channels.clone(),
            by_default: routes.by_default,
        };
        let bytes = written_after(&[FORM], &all).ok()?;
        Some(AlertInputs { bytes })
    }

    /// Reads what was sealed.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn read(bytes: &[u8]) -> Result<Passing, Unreadable> {
        let all: Written<'_> = match bytes {
            [] => return Err(Unreadable::Empty),
            [FORM, rest @ ..] => read(rest, "the whole")?,
            _ => return Err(Unreadable::Part("their form")),
        };
        Ok(Passing {
            passed: read(all.passed.0, "what the router was asked")?,
            passed_bytes: all.passed.0.to_vec(),
            answer: read(all.answer.0, "the router's answer")?,
            answer_bytes: all.answer.0.to_vec(),
            fuel: all.fuel,
            routes: Routes {
                channels: all.channels,
                by_default: all.by_default,
            },
            ran: all.ran,
            host: all.host,
        })
    }

    /// Whether this is what the router was asked.
    pub(crate) fn is_about(&self, passed: &PassedAlert) -> bool {
        written(passed).is_ok_and(|passed| *passed == self.passed_bytes)
    }
}
