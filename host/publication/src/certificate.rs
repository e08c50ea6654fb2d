//! The certificate of deletion as a page: what the signed line says, in words, with its digest, whether its signature holds, and the line itself, so that whoever
//! has the page alone can verify it.

use askama::Template;
use jiff::Timestamp;

use crate::text::{clean, grouped, moment};

/// What the page says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// The deployment's number in the register.
    pub number: u32,
    /// Its id.
    pub deployment: String,
    /// Who closed it.
    pub closed_by: String,
    /// When.
    pub closed_at: Timestamp,
    /// What was destroyed: what, and how many.
    pub destroyed: Vec<(String, u64)>,
    /// What is still held.
    pub held: Vec<StillHeld>,
    /// Alerts raised.
    pub alerts: u64,
    /// The same by the state in which each ended.
    pub alerts_by_state: Vec<(String, u64)>,
    /// Events of the audit log.
    pub events: u64,
    /// The hash of the newest.
    pub newest: String,
    /// The force's public key.
    pub key: String,
    /// The line as it was signed.
    pub line: String,
    /// SHA-256 of it.
    pub sha256: String,
    /// Whether the force's register holds that digest.
    pub standing: Standing,
}

/// What is still held of a class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StillHeld {
    /// What.
    pub what: String,
    /// How many.
    pub records: u64,
    /// When the last has to be gone.
    pub until: Timestamp,
    /// Why.
    pub why: String,
}

/// What the force's register says of a certificate whose signature holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It holds the digest.
    Registered,
    /// It knows no such certificate.
    Unknown,
}

#[derive(Template)]
#[template(path = "certificate.html")]
struct Page<'a> {
    of: &'a Certificate,
    closed_at: String,
    destroyed: Vec<(&'a str, String)>,
    held: Vec<(&'a StillHeld, String, String)>,
    alerts: String,
    events: String,
    states: Vec<(&'a str, String)>,
    /// Whether the states add up to the alerts.
    reconciles: bool,
    is_registered: bool,
}

impl Certificate {
    /// As a page.
    ///
    /// # Errors
    /// The template engine's: none is known to happen.
    pub fn html(&self) -> Result<String, askama::Error> {
        let cleaned = self.cleaned();
        let in_states: u64 = cleaned.alerts_by_state.iter().map(|(_, count)| count).sum();
        Page {
            closed_at: moment(cleaned.closed_at),
            destroyed: counts(&cleaned.destroyed),
            held: cleaned
                .held
                .iter()
                .map(|held| (held, grouped(held.records), moment(held.until)))
                .collect(),
            alerts: grouped(cleaned.alerts),
            events: grouped(cleaned.events),
            states: counts(&cleaned.alerts_by_state),
            reconciles: in_states == cleaned.alerts,
            is_registered: cleaned.standing == Standing::Registered,
            of: &cleaned,
        }
        .render()
    }

    /// The same without text that moves or hides other text.
    fn cleaned(&self) -> Self {
        let rows = |rows: &[(String, u64)]| {
            let rows = rows.iter();
            rows.map(|(what, count)| (clean(what), *count)).collect()
        };
        Self {
            deployment: clean(&self.deployment),
            closed_by: clean(&self.closed_by),
            destroyed: rows(&self.destroyed),
            held: self
                .held
                .iter()
                .map(|held| StillHeld {
                    what: clean(&held.what),
                    why: clean(&held.why),
                    ..held.clone()
                })
                .collect(),
            alerts_by_state: rows(&self.alerts_by_state),
            line: clean(&self.line),
            ..self.clone()
        }
    }
}

fn counts(rows: &[(String, u64)]) -> Vec<(&str, String)> {
    let rows = rows.iter();
    rows.map(|(what, count)| (what.as_str(), grouped(*count)))
        .collect()
}
