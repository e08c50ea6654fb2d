//! Whether a log is what was written: a walk along its lines, and the first thing that is wrong, told apart by kind. `verify.py` beside the format's description
//! takes the same steps in the same order; what one says the other has to say.

use super::chain::{self, Head, Identity, Tip};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is wrong with a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BreakKind {
    /// Something stands there that was not written so.
    Changed,
    /// An event is missing between others, or its content is, and no later event says that it went.
    Dropped,
    /// Something stands there that was not written there.
    Inserted,
    /// Something stands in another place.
    Reordered,
    /// The end is missing, and what is left says so.
    Cut,
    /// An older copy was put in its place: what is left fits together, and something kept elsewhere says that there was more, or other.
    RolledBack,
    /// A head that was lodged is of another log.
    Foreign,
}

/// The first thing that is wrong with a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Break {
    /// What.
    pub kind: BreakKind,
    /// At which event; 0: before the first.
    pub event: u64,
}

/// What verification came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "verdict")]
pub enum Verdict {
    /// Nothing is changed and nothing is missing: a head that was lodged names the newest event.
    Proven,
    /// Nothing is changed. Whether events are missing after the last that a lodged head names, nobody can tell from here.
    TailUnproven,
    /// It is not what was written.
    Broken(Break),
}

/// A verified log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// The deployment.
    pub deployment: String,
    /// The store's id.
    pub store: String,
    /// The public key, 64 hexadecimal digits.
    pub key: String,
    /// How many events the log says it has.
    pub events: u64,
    /// Of them, how many are left out and stand there as digests.
    pub left_out: u64,
    /// Of them, how many whose content is gone by the rules' period, as a later event says.
    pub gone: u64,
    /// Signed heads in it.
    pub heads: u64,
    /// The last event that a lodged head names; 0 without one.
    pub proven_to: u64,
    /// The verdict.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// A head that was lodged: its line as it was given away, with a signature that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LodgedHead {
    head: Head,
    tip: Tip,
}

/// What was given as a lodged head is none, or its signature does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no signed head of an audit log, or it was changed")]
pub struct HeadError;

impl LodgedHead {
    /// Reads the file that `overt audit lodge` writes.
    ///
    /// # Errors
    /// [`HeadError`].
    pub fn read(file: &[u8]) -> Result<LodgedHead, HeadError> {
        let line = file.strip_suffix(b"\n").unwrap_or(file);
        let (head, tip) = chain::read_head(line).ok_or(HeadError)?;
        Ok(LodgedHead { head, tip })
    }

    /// The deployment that it names.
    pub fn deployment(&self) -> &str {
        &self.head.deployment
    }

    /// The number of the newest event when it was made.
    pub fn events(&self) -> u64 {
        self.tip.number
    }

    /// That event's hash.
    pub fn hash(&self) -> &str {
        &self.head.hash
    }
}

/// The first line of an export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Header {
    #[serde(rename = "overt-audit")]
    pub(crate) format: u32,
    pub(crate) deployment: String,
    pub(crate) store: String,
    pub(crate) key: String,
    pub(crate) events: u64,
}

/// An event that is left out of an export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LeftOut {
    pub(crate) number: u64,
    pub(crate) previous: String,
    pub(crate) body_sha256: String,
}

/// An event whose content is gone by the rules' period, as it stands in the log from then on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Gone {
    pub(crate) number: u64,
    pub(crate) previous: String,
    pub(crate) body_sha256: String,
}

/// What a verifier reads of a body.
#[derive(Deserialize)]
struct Body {
    number: u64,
    previous: String,
    kind: String,
    #[serde(default)]
    facts: serde_json::Value,
}

/// Where the lines are from, and so what says how far they have to go.
pub(crate) enum Origin {
    /// The store itself: the row of its own that says so, and the head in the audit file.
    Store { own: Tip, outside: Option<Tip> },
    /// An export: the number in its header, and its last line, which is a signed head.
    Export { events: u64, is_cut: bool },
}

/// How much of an event a line has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Has {
    /// All.
    Body,
    /// A digest: an export leaves the rest out.
    LeftOut,
    /// A digest: the rest is gone, and a later event has to say so.
    Gone,
}

/// A line, as far as it can be read.
enum Line {
    Event {
        tip: Tip,
        previous: chain::Hash,
        has: Has,
        /// The events whose content went, where the event says that some did: the first and the last of each range.
        went: Vec<(u64, u64)>,
        /// The number of the head that was lost, where the event says that one was.
        rollback: Option<u64>,
    },
    Head(Tip),
    /// It is no line of this log, or does not fit its own hash or signature.
    Unsound,
}

fn read_line(line: &[u8], identity: &Identity) -> Line {
    read_event(line)
        .or_else(|| read_own_head(line, identity))
        .unwrap_or(Line::Unsound)
}

fn read_event(line: &[u8]) -> Option<Line> {
    if let Some((hash, body)) = chain::split_event(line) {
        let read: Body = serde_json::from_slice(body).ok()?;
        let previous = chain::digits(&read.previous)?;
        let lost = || read.facts.get("number").and_then(|number| number.as_u64());
        let is_rollback = read.kind == "rollback-found";
        let went = match (read.kind.as_str(), read.facts.get("events")) {
            ("content-destroyed", Some(events)) => serde_json::from_value(events.clone()).ok(),
            _ => None,
        };
        return (chain::event_hash(&previous, &chain::digest(body)) == hash).then(|| Line::Event {
            tip: Tip {
                number: read.number,
                hash,
            },
            previous,
            has: Has::Body,
            went: went.unwrap_or_default(),
            rollback: is_rollback.then(|| lost().unwrap_or(read.number)),
        });
    }
    if let Some((hash, left_out)) = split_stub(line, LEFT_OUT) {
        let left_out: LeftOut = serde_json::from_slice(left_out).ok()?;
        let (previous, body) = (&left_out.previous, &left_out.body_sha256);
        return stub(hash, left_out.number, previous, body, Has::LeftOut);
    }
    let (hash, gone) = split_stub(line, GONE)?;
    let gone: Gone = serde_json::from_slice(gone).ok()?;
    stub(
        hash,
        gone.number,
        &gone.previous,
        &gone.body_sha256,
        Has::Gone,
    )
}

/// A line with a digest in place of a body.
fn stub(
    hash: chain::Hash,
    number: u64,
    previous: &str,
    body_sha256: &str,
    has: Has,
) -> Option<Line> {
    let previous = chain::digits(previous)?;
    let digest = chain::digits(body_sha256)?;
    (chain::event_hash(&previous, &digest) == hash).then(|| Line::Event {
        tip: Tip { number, hash },
        previous,
        has,
        went: Vec::new(),
        rollback: None,
    })
}

/// The line of an event that is left out.
pub(crate) fn left_out_line(
    hash: &chain::Hash,
    left_out: &LeftOut,
) -> Result<String, serde_json::Error> {
    let body = serde_json::to_string(left_out)?;
    Ok(format!(
        r#"{{"hash":"{}","left_out":{body}}}"#,
        hex::encode(hash)
    ))
}

/// The line of an event whose content is gone.
pub(crate) fn gone_line(hash: &chain::Hash, gone: &Gone) -> Result<String, serde_json::Error> {
    let body = serde_json::to_string(gone)?;
    Ok(format!(
        r#"{{"hash":"{}","gone":{body}}}"#,
        hex::encode(hash)
    ))
}

const LEFT_OUT: &[u8] = br#"","left_out":"#;
const GONE: &[u8] = br#"","gone":"#;

/// Whether a line of the log says that its event's content is gone.
pub(crate) fn is_gone(line: &[u8]) -> bool {
    split_stub(line, GONE).is_some()
}

fn split_stub<'l>(line: &'l [u8], middle: &[u8]) -> Option<(chain::Hash, &'l [u8])> {
    let (hash, rest) = line.strip_prefix(br#"{"hash":""#)?.split_at_checked(64)?;
    let body = rest.strip_prefix(middle)?.strip_suffix(b"}")?;
    Some((chain::digits(std::str::from_utf8(hash).ok()?)?, body))
}

fn read_own_head(line: &[u8], identity: &Identity) -> Option<Line> {
    let (head, tip) = chain::read_head(line)?;
    is_of(&head, identity).then_some(Line::Head(tip))
}

fn is_of(head: &Head, identity: &Identity) -> bool {
    head.deployment == identity.deployment
        && head.store == identity.store
        && head.key == hex::encode(identity.key)
}

/// How often each number stands in the lines.
#[derive(Default)]
struct Numbers {
    events: BTreeMap<u64, usize>,
    heads: BTreeMap<u64, usize>,
}

impl Numbers {
    fn of(lines: &[Line]) -> Numbers {
        let mut numbers = Numbers::default();
        for line in lines {
            match line {
                Line::Event { tip, .. } => *numbers.events.entry(tip.number).or_default() += 1,
                Line::Head(tip) => *numbers.heads.entry(tip.number).or_default() += 1,
                Line::Unsound => {}
            }
        }
        numbers
    }

    fn has(&self, event: u64) -> bool {
        self.events.contains_key(&event)
    }

    fn has_later(&self, event: u64) -> bool {
        self.events.range(event..).next().is_some()
    }
}

/// What says that contents went: the event's number, and the first and the last of each range that it names.
type Tellers<'l> = Vec<(u64, &'l [(u64, u64)])>;

fn tellers(lines: &[Line]) -> Tellers<'_> {
    let teller = |line| match line {
        &Line::Event { tip, ref went, .. } if !went.is_empty() => {
            Some((tip.number, went.as_slice()))
        }
        _ => None,
    };
    lines.iter().filter_map(teller).collect()
}

/// Whether a later event says that the content of this one went.
fn is_told(tellers: &Tellers<'_>, event: u64) -> bool {
    tellers.iter().any(|(teller, went)| {
        *teller > event
            && went
                .iter()
                .any(|(first, last)| (*first..=*last).contains(&event))
    })
}

/// Walks along the lines. Returns the numbers of events left out and of heads, or the first break.
fn walk(identity: &Identity, origin: &Origin, lines: &[Line]) -> Result<Walked, Break> {
    let numbers = Numbers::of(lines);
    let stop = |kind, event| Err(Break { kind, event });
    let mut walked = Walked {
        hashes: vec![identity.genesis()],
        ..Walked::default()
    };
    let tellers = tellers(lines);
    let mut rollback = None;
    for line in lines {
        let last = walked.last();
        let expected = last.number + 1;
        match line {
            Line::Unsound if numbers.has(expected) => return stop(BreakKind::Inserted, expected),
            Line::Unsound => return stop(BreakKind::Changed, expected),
            Line::Event {
                tip, previous, has, ..
            } if tip.number == expected => {
                if *previous != last.hash {
                    if numbers.events[&expected] > 1 {
                        return stop(BreakKind::Inserted, expected);
                    }
                    // The one before was put there by somebody who could not make this one follow it.
                    return stop(BreakKind::Changed, last.number.max(1));
                }
                let is_missing = match has {
                    Has::Body => false,
                    // An export alone leaves anything out.
                    Has::LeftOut => matches!(origin, Origin::Store { .. }),
                    Has::Gone => !is_told(&tellers, expected),
                };
                if is_missing {
                    return stop(BreakKind::Dropped, expected);
                }
            }
            Line::Event { tip, .. } => {
                let number = tip.number;
                return if number < expected {
                    stop(BreakKind::Inserted, number)
                } else if !numbers.has(expected) {
                    stop(BreakKind::Dropped, expected)
                } else if numbers.events[&number] > 1 {
                    stop(BreakKind::Inserted, number)
                } else {
                    stop(BreakKind::Reordered, expected)
                };
            }
            Line::Head(tip) if tip.number == last.number => {
                if tip.hash != last.hash {
                    return stop(BreakKind::Changed, last.number);
                }
            }
            Line::Head(tip) => {
                let number = tip.number;
                return if numbers.heads[&number] > 1 {
                    stop(BreakKind::Inserted, number)
                } else if number < expected || numbers.has(expected) {
                    stop(BreakKind::Reordered, number)
                } else if numbers.has_later(expected) {
                    stop(BreakKind::Dropped, expected)
                } else {
                    stop(BreakKind::Cut, expected)
                };
            }
        }
        match line {
            Line::Event {
                tip,
                has,
                rollback: found,
                ..
            } => {
                walked.hashes.push(tip.hash);
                walked.left_out += u64::from(*has == Has::LeftOut);
                walked.gone += u64::from(*has == Has::Gone);
                rollback = rollback.or(*found);
            }
            _ => walked.heads += 1,
        }
    }
    let last = walked.last();
    let (events, ends_well) = match origin {
        Origin::Store { own, .. } => (own.number, own.hash == last.hash),
        Origin::Export { events, is_cut } => {
            let has_last_head = matches!(lines.last(), Some(Line::Head(_)));
            if *is_cut || (last.number == *events && !has_last_head) {
                return stop(BreakKind::Cut, last.number + 1);
            }
            (*events, true)
        }
    };
    if last.number < events {
        return stop(BreakKind::Cut, last.number + 1);
    }
    if last.number > events {
        return stop(BreakKind::Inserted, events + 1);
    }
    if !ends_well {
        return stop(BreakKind::Changed, last.number);
    }
    if let Some(event) = rollback {
        return stop(BreakKind::RolledBack, event);
    }
    Ok(walked)
}

#[derive(Default)]
struct Walked {
    /// By number: the first is that of the log's beginning.
    hashes: Vec<chain::Hash>,
    left_out: u64,
    gone: u64,
    heads: u64,
}

impl Walked {
    fn last(&self) -> Tip {
        Tip {
            number: self.hashes.len() as u64 - 1,
            // The beginning's hash is put in when this is made.
            hash: self.hashes[self.hashes.len() - 1],
        }
    }

    fn holds(&self, tip: &Tip) -> bool {
        let index = usize::try_from(tip.number).ok();
        index.and_then(|index| self.hashes.get(index)) == Some(&tip.hash)
    }
}

/// Verifies lines.
pub(crate) fn verify(
    identity: &Identity,
    origin: &Origin,
    lines: &[&[u8]],
    lodged: &[LodgedHead],
) -> Verification {
    let lines: Vec<Line> = lines.iter().map(|line| read_line(line, identity)).collect();
    let mut done = Verification {
        deployment: identity.deployment.clone(),
        store: identity.store.clone(),
        key: hex::encode(identity.key),
        events: match origin {
            Origin::Store { own, .. } => own.number,
            Origin::Export { events, .. } => *events,
        },
        left_out: 0,
        gone: 0,
        heads: 0,
        proven_to: 0,
        verdict: Verdict::TailUnproven,
    };
    let walked = match walk(identity, origin, &lines) {
        Ok(walked) => walked,
        Err(found) => {
            done.verdict = Verdict::Broken(found);
            return done;
        }
    };
    (done.left_out, done.gone) = (walked.left_out, walked.gone);
    done.heads = walked.heads;
    let elsewhere = match origin {
        Origin::Store { outside, .. } => *outside,
        Origin::Export { .. } => None,
    };
    let broken = |kind, tip: &Tip| {
        let event = tip.number;
        Verdict::Broken(Break { kind, event })
    };
    if let Some(tip) = elsewhere.filter(|tip| !walked.holds(tip)) {
        done.verdict = broken(BreakKind::RolledBack, &tip);
        return done;
    }
    let mut heads: Vec<&LodgedHead> = lodged.iter().collect();
    heads.sort_by_key(|head| head.tip.number);
    for LodgedHead { head, tip } in heads {
        if !is_of(head, identity) {
            done.verdict = broken(BreakKind::Foreign, tip);
            return done;
        }
        if !walked.holds(tip) {
            done.verdict = broken(BreakKind::RolledBack, tip);
            return done;
        }
        done.proven_to = tip.number;
    }
    if !lodged.is_empty() && done.proven_to == done.events {
        done.verdict = Verdict::Proven;
    }
    done
}

/// Verifies an export, as `overt audit export` writes it, against heads that were lodged.
pub fn verify_export(file: &[u8], lodged: &[LodgedHead]) -> Verification {
    let mut lines: Vec<&[u8]> = file.split(|byte| *byte == b'\n').collect();
    // What follows the last line's end: nothing, where the file is whole.
    let is_cut = lines.pop().is_some_and(|rest| !rest.is_empty());
    let header = lines.first().and_then(|line| read_header(line));
    let Some((identity, events)) = header else {
        return Verification {
            deployment: String::new(),
            store: String::new(),
            key: String::new(),
            events: 0,
            left_out: 0,
            gone: 0,
            heads: 0,
            proven_to: 0,
            verdict: Verdict::Broken(Break {
                kind: BreakKind::Changed,
                event: 0,
            }),
        };
    };
    let origin = Origin::Export { events, is_cut };
    verify(&identity, &origin, &lines[1..], lodged)
}

fn read_header(line: &[u8]) -> Option<(Identity, u64)> {
    let header: Header = serde_json::from_slice(line).ok()?;
    let is_as_written = serde_json::to_vec(&header).ok()? == line;
    let identity = Identity {
        deployment: header.deployment,
        store: hex::encode(chain::digits::<16>(&header.store)?),
        key: chain::digits(&header.key)?,
    };
    (is_as_written && header.format == chain::FORMAT).then_some((identity, header.events))
}
