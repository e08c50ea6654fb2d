//! What people made of the alerts: how they ended, who was stopped and what came of it, and who judged.

use std::collections::{BTreeMap, BTreeSet};

use overt_publication::bins;
use overt_publication::field::Field;
use overt_publication::record::{Alerts, JudgesOf, Outcomes, Stops, Tally};
use overt_records::{
    Closed, Disposal, IdentityCheck, Life, LifeState, LivingAlert, RecordsError, Reject, RunRecord,
    StepKind, Stop, Store,
};

use super::{NEVER_RUN, moment, score, sum};

/// How many alerts came to which end, when they were raised, and with which scores.
pub(super) fn alerts(
    store: &Store,
    runs: &[RunRecord],
    living: &[LivingAlert],
) -> Result<Alerts, RecordsError> {
    let states: Vec<LifeState> = living.iter().map(|living| living.life.state()).collect();
    let count = |is_it: &dyn Fn(Closed) -> bool| {
        let ended = states
            .iter()
            .filter(|state| matches!(state, LifeState::Closed(closed) if is_it(*closed)));
        Field::Recorded(ended.count() as u64)
    };
    let of = |closed: Closed| count(&|one| one == closed);
    let open = states
        .iter()
        .filter(|state| !matches!(state, LifeState::Closed(_)))
        .count();
    let raised: Vec<_> = living
        .iter()
        .map(|living| moment(living.alert.raised_at))
        .collect();
    let starts = runs.iter().map(|run| moment(run.header.started_at)).min();
    let ends = runs
        .iter()
        .filter_map(|run| run.finished_at)
        .map(moment)
        .max();
    let over_time = match starts {
        None => Field::not_recorded(NEVER_RUN),
        Some(start) => bins::over_time(&raised, start, ends.unwrap_or(start)).into(),
    };
    Ok(Alerts {
        // What the runs counted, and not how many are in the store: the two are held against each other.
        raised: sum(runs, |run| run.counts.alerts),
        false_alerts: count(&Closed::is_false_alert),
        rejected_not_this_person: of(Closed::Rejected(Reject::NotThisPerson)),
        rejected_no_longer_wanted: of(Closed::Rejected(Reject::NoLongerWanted)),
        rejected_not_proportionate: of(Closed::Rejected(Reject::NotProportionate)),
        rejected_cannot_tell: of(Closed::Rejected(Reject::CannotTell)),
        not_viable: of(Closed::NotViable),
        not_located: of(Closed::NotLocated),
        confirmed_true: of(Closed::ConfirmedTrue),
        confirmed_false: of(Closed::ConfirmedFalse),
        lapsed: of(Closed::Lapsed),
        withdrawn: of(Closed::Withdrawn),
        open: (open as u64).into(),
        over_time,
        scores: scores(store, living)?,
    })
}

/// The scores of the alerts that are closed: nobody who still judges one shall learn its score from a report.
fn scores(
    store: &Store,
    living: &[LivingAlert],
) -> Result<Field<Vec<overt_publication::record::ScoreBin>>, RecordsError> {
    let closed = living
        .iter()
        .filter(|living| matches!(living.life.state(), LifeState::Closed(_)));
    let (mut found, mut gone) = (Vec::new(), 0u64);
    for alert in closed {
        match store.alert_payload(alert.alert.number)? {
            Some(payload) => found.push(score(payload.score)),
            None => gone += 1,
        }
    }
    Ok(match (found.is_empty(), gone) {
        (_, 0) => bins::scores(&found).into(),
        (true, _) => Field::Expired("the time for which scores are kept is over".to_owned()),
        (false, gone) => Field::Expired(format!(
            "the time for which scores are kept is over for {gone} of the alerts, so that their distribution would be another one"
        )),
    })
}

/// The stops that are over, with whether it was the person sought.
fn confirmed(life: &Life) -> Option<(bool, &Stop)> {
    life.steps().iter().find_map(|step| match &step.kind {
        StepKind::Confirmed { correct, stop } => Some((*correct, stop)),
        _ => None,
    })
}

/// How many people were stopped, as far as their stops are over.
pub(super) fn stopped(living: &[LivingAlert]) -> u64 {
    let stops = living
        .iter()
        .filter(|living| confirmed(&living.life).is_some());
    stops.count() as u64
}

/// The stops that are over, counted.
pub(super) fn stops(living: &[LivingAlert]) -> Stops {
    let stops: Vec<_> = living
        .iter()
        .filter_map(|living| confirmed(&living.life))
        .collect();
    let count = |is_it: &dyn Fn(bool, &Stop) -> bool| {
        let those = stops.iter().filter(|(correct, stop)| is_it(*correct, stop));
        Field::Recorded(those.count() as u64)
    };
    let identity = |check: IdentityCheck| count(&|_, stop| stop.identity == check);
    Stops {
        total: (stops.len() as u64).into(),
        identity_not_asked: identity(IdentityCheck::None),
        identity_checked: identity(IdentityCheck::Made),
        identity_refused: identity(IdentityCheck::Refused),
        identity_not_established: identity(IdentityCheck::NotEstablished),
        verified_correct: count(&|correct, stop| correct && stop.identity == IdentityCheck::Made),
        fingerprints_asked: count(&|_, stop| stop.fingerprints),
    }
}

/// What came of the stops that are over.
pub(super) fn outcomes(living: &[LivingAlert]) -> Outcomes {
    const SILENT: &str = "not recorded";
    let (mut arrests, mut other, mut none, mut pending) = (0u64, 0u64, 0u64, 0u64);
    let mut reasons: BTreeMap<&str, u64> = BTreeMap::new();
    let mut of_reason = |reason| *reasons.entry(reason).or_default() += 1;
    for LivingAlert { life, .. } in living {
        if confirmed(life).is_none() {
            continue;
        }
        let outcome = life.steps().iter().find_map(|step| match &step.kind {
            StepKind::Disposal(what) => Some(what),
            _ => None,
        });
        match outcome {
            Some(Disposal::Arrest) => {
                arrests += 1;
                of_reason(SILENT);
            }
            Some(Disposal::ArrestFor(reason)) => {
                arrests += 1;
                of_reason(reason);
            }
            Some(Disposal::NoFurtherAction) => none += 1,
            Some(Disposal::Other(_)) => other += 1,
            None => pending += 1,
        }
    }
    Outcomes {
        arrests: arrests.into(),
        other: other.into(),
        no_further_action: none.into(),
        pending: pending.into(),
        arrests_by_reason: match reasons.keys().all(|reason| *reason == SILENT) && arrests > 0 {
            true => Field::not_recorded("of no arrest was it put on record what it was for"),
            false => {
                let tally = |(name, count): (&str, u64)| Tally {
                    name: name.to_owned(),
                    count,
                };
                reasons.into_iter().map(tally).collect::<Vec<_>>().into()
            }
        },
    }
}

/// Who judged, by role and credential. People are counted; no name comes out.
pub(super) fn judges(living: &[LivingAlert]) -> Vec<JudgesOf> {
    let mut found: BTreeMap<_, (BTreeSet<&str>, JudgesOf)> = BTreeMap::new();
    let steps = living.iter().flat_map(|living| living.life.steps());
    for judge in steps.filter_map(|step| step.by.as_ref()) {
        let credential = judge.credential();
        let role = judge.role().to_string();
        let key = (
            role.clone(),
            &credential.selection,
            &credential.course,
            &credential.version,
        );
        let (from, until) = (moment(credential.from), moment(credential.until));
        let (people, of) = found.entry(key).or_insert_with(|| {
            let of = JudgesOf {
                role,
                selection: credential.selection.clone(),
                course: credential.course.clone(),
                version: credential.version.clone(),
                from,
                until,
                people: 0,
                judgements: 0,
            };
            (BTreeSet::new(), of)
        });
        people.insert(judge.person());
        of.from = of.from.min(from);
        of.until = of.until.min(until);
        of.judgements += 1;
    }
    let counted = |(people, of): (BTreeSet<&str>, JudgesOf)| JudgesOf {
        people: people.len() as u64,
        ..of
    };
    found.into_values().map(counted).collect()
}
