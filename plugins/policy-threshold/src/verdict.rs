//! From votes to a decision: who has enough of them, and whether this track or this entry has had its alert already.

use overt_sdk::{Decision, EarlierAlert, Observation, PolicyError, Proposal};

use crate::Settings;
use crate::votes::{self, Vote, Votes};

/// The decision on an observation.
pub(crate) fn decide(
    settings: &Settings,
    observation: &Observation,
) -> Result<Decision, PolicyError> {
    check(observation)?;
    if observation
        .raised
        .iter()
        .any(|alert| is_of_this_track(alert, observation))
    {
        return Ok(Decision::Ignore("this track has had its alert".into()));
    }
    let votes = votes::count(settings, observation)?;
    let Some(leader) = leader(&votes.votes, observation.offered.len()) else {
        return Ok(wait(observation, none_yet(&votes)));
    };
    let category = &observation.offered[leader.offered].category;
    let (needed, _) = settings.agreement(&observation.camera);
    if leader.votes < needed {
        return Ok(wait(
            observation,
            format!(
                "{} of {needed} probes that must agree, best {:.3}",
                leader.votes, leader.best.score
            ),
        ));
    }
    let silence = settings.silence(category);
    if let Some(ago) = quietest(observation, leader.offered, silence) {
        return Ok(wait(
            observation,
            format!("the entry had an alert {ago:.1} s ago, silence {silence:.0} s"),
        ));
    }
    Ok(Decision::Alert(Proposal {
        offered: u32::try_from(leader.offered)
            .map_err(|_| PolicyError::bad_observation("more entries than can be counted"))?,
        priority: settings.priority(category),
        reason: reason(&leader, votes.counted, settings.threshold(category)?),
    }))
}

/// What the rest relies on.
fn check(observation: &Observation) -> Result<(), PolicyError> {
    if !observation.time.is_finite() {
        return Err(PolicyError::bad_observation("its time is not a number"));
    }
    for alert in &observation.raised {
        if alert.offered as usize >= observation.offered.len() {
            return Err(PolicyError::bad_observation(format!(
                "an earlier alert names entry {} of {}",
                alert.offered,
                observation.offered.len()
            )));
        }
        if !alert.time.is_finite() {
            return Err(PolicyError::bad_observation(
                "an earlier alert's time is not a number",
            ));
        }
    }
    Ok(())
}

/// Track numbers are unique during a run; what was raised before it has a negative time.
fn is_of_this_track(alert: &EarlierAlert, observation: &Observation) -> bool {
    alert.time >= 0.0 && alert.track == observation.track && alert.camera == observation.camera
}

/// Seconds since the newest alert about this entry, where that is within the silence.
fn quietest(observation: &Observation, offered: usize, silence: f64) -> Option<f64> {
    observation
        .raised
        .iter()
        .filter(|alert| alert.offered as usize == offered)
        .map(|alert| observation.time - alert.time)
        .filter(|ago| *ago < silence)
        .reduce(f64::min)
}

/// The entry with the most votes.
struct Leader {
    offered: usize,
    votes: usize,
    /// Its vote with the highest score.
    best: Vote,
}

/// The entry with the most votes; of equals that with the highest score, then the lowest index.
fn leader(votes: &[Vote], offered: usize) -> Option<Leader> {
    let mut leader: Option<Leader> = None;
    for entry in 0..offered {
        let own = || votes.iter().filter(|vote| vote.offered == entry);
        let Some(best) = own()
            .copied()
            .reduce(|a, b| if b.score > a.score { b } else { a })
        else {
            continue;
        };
        let count = own().count();
        let ahead = leader.as_ref().is_none_or(|known| {
            count > known.votes || (count == known.votes && best.score > known.best.score)
        });
        if ahead {
            leader = Some(Leader {
                offered: entry,
                votes: count,
                best,
            });
        }
    }
    leader
}

/// Not yet; and when the track has ended, not at all.
fn wait(observation: &Observation, reason: String) -> Decision {
    if observation.ended {
        Decision::Ignore(reason)
    } else {
        Decision::Hold(reason)
    }
}

fn none_yet(votes: &Votes) -> String {
    let mut reason = match (votes.counted, votes.best) {
        (0, _) => "no probe that counts".to_owned(),
        (counted, None) => format!("no candidate in {counted} probes"),
        (counted, Some(best)) => {
            format!(
                "none of {counted} probes good enough, best {:.3}",
                best.score
            )
        }
    };
    for (count, why) in [
        (votes.too_small, "too small"),
        (votes.too_poor, "of too low quality"),
        (
            votes.unmeasured,
            "without a measured quality, which least-quality asks for",
        ),
    ] {
        if count > 0 {
            reason.push_str(&format!("; {count} {why}"));
        }
    }
    reason
}

fn reason(leader: &Leader, counted: usize, threshold: f32) -> String {
    let start = format!(
        "{} of {counted} probes at or over {threshold:.3}, best {:.3}",
        leader.votes, leader.best.score
    );
    match leader.best.next {
        Some(next) => format!("{start}, next candidate {next:.3}"),
        None => format!("{start}, no other candidate"),
    }
}

#[cfg(test)]
mod tests;
