//! The sealed form of an alert's inputs: postcard, after a byte that says which form it is. The records of the contract stand in it as the contract has them,
//! field by field, so two observations are the same exactly if their bytes are.

use overt_runtime::decision::{Alert, Decision, EarlierAlert, Observation, Offer, Probe, Route};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize, Serializer};
use zeroize::Zeroizing;

use super::{Answer, AskingHost, Outcome, Ran, Secret};

/// The form that this version writes and reads.
const FORM: u8 = 1;

/// Bytes in one piece: a list would be written number by number.
#[derive(Clone, Copy, Deserialize)]
pub(super) struct Part<'a>(#[serde(borrow)] pub(super) &'a [u8]);

/// All of it.
#[derive(Serialize, Deserialize)]
pub(super) struct Written<'a> {
    pub(super) host: AskingHost,
    pub(super) plugins: Vec<Ran>,
    /// Earlier calls of the track that made way.
    pub(super) left_out: u32,
    #[serde(borrow)]
    pub(super) parts: Vec<Part<'a>>,
    pub(super) calls: Vec<WrittenCall<'a>>,
    pub(super) routing: Option<WrittenRouting<'a>>,
}

/// A policy call: `plugin` counts in the plugins, `offered`, `raised` and `probes` in the parts.
#[derive(Serialize, Deserialize)]
pub(super) struct WrittenCall<'a> {
    pub(super) plugin: u32,
    #[serde(borrow)]
    pub(super) about: Part<'a>,
    pub(super) offered: u32,
    pub(super) raised: u32,
    pub(super) probes: Vec<u32>,
    pub(super) answer: Part<'a>,
    pub(super) fuel: u64,
    pub(super) outcome: Outcome,
}

/// The router's call.
#[derive(Serialize, Deserialize)]
pub(super) struct WrittenRouting<'a> {
    pub(super) plugin: u32,
    #[serde(borrow)]
    pub(super) alert: Part<'a>,
    pub(super) answer: Part<'a>,
    pub(super) fuel: u64,
}

impl Serialize for Part<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

/// Writes into a buffer of exactly the right size: one that grew would leave copies behind that nobody zeroes.
pub(super) fn written(value: &impl Serialize) -> Result<Secret, postcard::Error> {
    written_after(&[], value)
}

pub(super) fn written_after(
    head: &[u8],
    value: &impl Serialize,
) -> Result<Secret, postcard::Error> {
    let size = postcard::experimental::serialized_size(value)?;
    let mut bytes = Zeroizing::new(vec![0; head.len() + size]);
    bytes[..head.len()].copy_from_slice(head);
    postcard::to_slice(value, &mut bytes[head.len()..])?;
    Ok(bytes)
}

impl Written<'_> {
    pub(super) fn to_bytes(&self) -> Result<Secret, postcard::Error> {
        written_after(&[FORM], self)
    }
}

/// An alert's inputs, read again.
#[derive(Debug)]
pub struct Inputs {
    /// The host that asked.
    pub host: AskingHost,
    /// Earlier calls of the track that are not here.
    pub left_out: u32,
    /// The policy's calls, oldest first; the last one raised the alert.
    pub calls: Vec<PolicyCall>,
    /// The router's call; absent where it was in quarantine.
    pub routing: Option<RouterCall>,
}

/// A policy call.
#[derive(Debug)]
pub struct PolicyCall {
    /// What ran.
    pub ran: Ran,
    /// What it was asked.
    pub observation: Observation,
    /// What it answered.
    pub answer: Answer<Decision>,
    /// The answer as it was written.
    pub(crate) answer_bytes: Vec<u8>,
    /// Fuel that it took.
    pub fuel: u64,
    /// What the host made of the answer.
    pub outcome: Outcome,
}

/// The router's call.
#[derive(Debug)]
pub struct RouterCall {
    /// What ran.
    pub ran: Ran,
    /// What it was asked.
    pub alert: Alert,
    /// What it answered.
    pub answer: Answer<Vec<Route>>,
    /// The answer as it was written.
    pub(crate) answer_bytes: Vec<u8>,
    /// Fuel that it took.
    pub fuel: u64,
}

/// Why bytes are no inputs of an alert.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Nothing at all.
    #[error("they are empty")]
    Empty,
    /// Of another form.
    #[error("they are of form {0}, and this host reads form {FORM}")]
    Form(u8),
    /// Not what they should be.
    #[error("{0} cannot be read")]
    Part(&'static str),
}

/// Reads all of the bytes, or none.
pub(super) fn read<'a, T: Deserialize<'a>>(
    bytes: &'a [u8],
    what: &'static str,
) -> Result<T, Unreadable> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Ok(value),
        _ => Err(Unreadable::Part(what)),
    }
}

impl Inputs {
    /// Reads what [`super::Calls::inputs`] made.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn read(bytes: &[u8]) -> Result<Inputs, Unreadable> {
        let all: Written<'_> = match bytes {
            [] => return Err(Unreadable::Empty),
            [FORM, rest @ ..] => read(rest, "the whole")?,
            [other, ..] => return Err(Unreadable::Form(*other)),
        };
        let ran = |at: u32| {
            let ran = all.plugins.get(at as usize);
            ran.cloned().ok_or(Unreadable::Part("a plugin"))
        };
        let calls: Result<_, Unreadable> = all
            .calls
            .iter()
            .map(|call| {
                let (track, camera, time, ended) = read(call.about.0, "what a call is about")?;
                let probes: Result<Vec<Probe>, _> = call
                    .probes
                    .iter()
                    .map(|at| part(&all.parts, *at, "a probe"))
                    .collect();
                let offered: Vec<Offer> = part(&all.parts, call.offered, "a call's offers")?;
                let raised: Vec<EarlierAlert> =
                    part(&all.parts, call.raised, "a call's earlier alerts")?;
                Ok(PolicyCall {
                    ran: ran(call.plugin)?,
                    observation: Observation {
                        track,
                        camera,
                        time,
                        ended,
                        offered,
                        probes: probes?,
                        raised,
                    },
                    answer: read(call.answer.0, "a policy's answer")?,
                    answer_bytes: call.answer.0.to_vec(),
                    fuel: call.fuel,
                    outcome: call.outcome,
                })
            })
            .collect();
        let routing: Option<Result<_, Unreadable>> = all.routing.as_ref().map(|routing| {
            Ok(RouterCall {
                ran: ran(routing.plugin)?,
                alert: read(routing.alert.0, "what the router was asked")?,
                answer: read(routing.answer.0, "the router's answer")?,
                answer_bytes: routing.answer.0.to_vec(),
                fuel: routing.fuel,
            })
        });
        Ok(Inputs {
            left_out: all.left_out,
            calls: calls?,
            routing: routing.transpose()?,
            host: all.host,
        })
    }
}

fn part<T: DeserializeOwned>(
    parts: &[Part<'_>],
    at: u32,
    what: &'static str,
) -> Result<T, Unreadable> {
    let part = parts.get(at as usize).ok_or(Unreadable::Part(what))?;
    read(part.0, what)
}
