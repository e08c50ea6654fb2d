//! Which probes of a track count, and for which entry each speaks. It knows no alert and no clock.

use overt_sdk::{Candidate, Observation, PolicyError, Probe, SearchResult};

use crate::Settings;

/// The quality component that `least-quality` is compared with.
const UNIFIED: &str = "UnifiedQualityScore";

/// A probe's word for an entry.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Vote {
    /// Index into `observation.offered`.
    pub(crate) offered: usize,
    pub(crate) score: f32,
    /// The best score of any other entry in the same probe.
    pub(crate) next: Option<f32>,
}

/// What the probes say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Votes {
    /// The probes that count: of those that are large and good enough, the newest `agree.of`.
    pub(crate) counted: usize,
    /// Why the others do not count.
    pub(crate) too_small: usize,
    pub(crate) too_poor: usize,
    pub(crate) unmeasured: usize,
    /// At most one for each counted probe.
    pub(crate) votes: Vec<Vote>,
    /// The best candidate of the counted probes, whether it was good enough or not.
    pub(crate) best: Option<Vote>,
}

/// Reads the observation. It is refused whole where a score is no number or names an entry that was not offered.
pub(crate) fn count(settings: &Settings, observation: &Observation) -> Result<Votes, PolicyError> {
    let mut votes = Votes::default();
    let (_, of) = settings.agreement(&observation.camera);
    for (number, probe) in observation.probes.iter().enumerate().rev() {
        let result = search_result(settings, probe)?;
        let candidates = result.map_or(&[][..], |result| &result.candidates);
        check(candidates, number, observation.offered.len())?;
        if votes.counted == of || !counts(settings, probe, &mut votes) {
            continue;
        }
        votes.counted += 1;
        let Some(best) = best(candidates) else {
            continue;
        };
        if votes.best.is_none_or(|known| best.score > known.score) {
            votes.best = Some(best);
        }
        let category = &observation.offered[best.offered].category;
        let apart = best
            .next
            .is_none_or(|next| best.score - next >= settings.margin.get());
        if best.score >= settings.threshold(category)? && apart {
            votes.votes.push(best);
        }
    }
    Ok(votes)
}

/// The result of the encoder that counts.
fn search_result<'a>(
    settings: &Settings,
    probe: &'a Probe,
) -> Result<Option<&'a SearchResult>, PolicyError> {
    match (&settings.encoder, probe.results.as_slice()) {
        (Some(encoder), results) => Ok(results.iter().find(|result| result.encoder == *encoder)),
        (None, []) => Ok(None),
        (None, [result]) => Ok(Some(result)),
        (None, [first, second, ..]) => Err(PolicyError::from(overt_sdk::ConfigError::Unusable {
            key: "encoder".into(),
            reason: format!(
                "missing; {} and {} both searched, and the thresholds can be for one of them only",
                first.encoder, second.encoder
            ),
        })),
    }
}

fn check(candidates: &[Candidate], probe: usize, offered: usize) -> Result<(), PolicyError> {
    for candidate in candidates {
        if candidate.offered as usize >= offered {
            return Err(PolicyError::bad_observation(format!(
                "probe {probe} names entry {} of {offered}",
                candidate.offered
            )));
        }
        if !candidate.score.is_finite() {
            return Err(PolicyError::bad_observation(format!(
                "probe {probe} has a score that is not a number"
            )));
        }
    }
    Ok(())
}

/// Whether a probe is large and good enough; where not, the reason is counted. NaN is never enough.
fn counts(settings: &Settings, probe: &Probe, votes: &mut Votes) -> bool {
    if !at_least(probe.width, settings.least_face_width.get()) {
        votes.too_small += 1;
        return false;
    }
    let least = settings.least_quality.get();
    if least > 0.0 {
        let Some(quality) = probe.quality.iter().find(|value| value.name == UNIFIED) else {
            votes.unmeasured += 1;
            return false;
        };
        if !at_least(quality.value, least) {
            votes.too_poor += 1;
            return false;
        }
    }
    true
}

fn at_least(value: f32, least: f32) -> bool {
    value >= least
}

/// The candidate with the highest score, the lowest index first among equals, and the highest score of any other entry. The order in which
/// they were given does not matter.
fn best(candidates: &[Candidate]) -> Option<Vote> {
    let top = candidates.iter().reduce(|best, other| {
        let better =
            other.score > best.score || (other.score == best.score && other.offered < best.offered);
        if better { other } else { best }
    })?;
    let next = candidates
        .iter()
        .filter(|other| other.offered != top.offered)
        .map(|other| other.score)
        .reduce(f32::max);
    Some(Vote {
        offered: top.offered as usize,
        score: top.score,
        next,
    })
}
