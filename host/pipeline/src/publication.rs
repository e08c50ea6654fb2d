//! The record of a deployment: as its file, its store and its log know it ([`record`], [`add_log`]), as the register of its force does (`register.rs`), and all of it
//! together (`gathered.rs`). What they do not know is not recorded, and says so: a count that nobody made is no zero. What is published of it is
//! [`overt_publication`]'s to say.

mod certificate;
mod gathered;
mod judged;
mod kept;
mod notice;
mod register;
mod sought;

pub use certificate::certificate;
pub use gathered::{PublicationError, Source, deployment, of_file, of_store, period};
pub use kept::keep;
pub use notice::notice;
pub use register::{add_entry, whole_register};

use std::collections::{BTreeMap, BTreeSet};

use overt_deployment::Deployment;
use overt_publication::field::Field;
use overt_publication::record::{
    About, Authority, CameraGroup, Cameras, DeploymentRecord, Destroyed, Faces, Footage, Frames,
    Hold, Limit, Mode, ModelUsed, PluginUsed, Rehearsal, Retention, Software, Threshold,
};
use overt_records::{AuditEntry, AuditEvent, RecordsError, RunMode, RunRecord, Store, Timestamp};
use sha2::{Digest, Sha256};

use crate::authority::retention;
use crate::calibration::Calibration;

/// The modes that a deployment ran in; rehearsals are in none.
///
/// # Errors
/// As [`record`].
fn modes(store: &Store) -> Result<Vec<Mode>, RecordsError> {
    let runs = store.runs()?;
    let ran = |mode: &Mode| {
        runs.iter()
            .any(|run| mode_of(run.header.mode) == Some(*mode))
    };
    Ok(Mode::ALL.into_iter().filter(ran).collect())
}

/// The records of a deployment at this time, one for each mode that it ran in; one of a live deployment where it was only rehearsed, or never ran.
///
/// # Errors
/// [`RecordsError::Damaged`] and the like.
pub fn records(
    deployment: &Deployment,
    store: &Store,
    now: Timestamp,
) -> Result<Vec<DeploymentRecord>, RecordsError> {
    let mut modes = modes(store)?;
    if modes.is_empty() {
        modes.push(Mode::Live);
    }
    let mut records = Vec::with_capacity(modes.len());
    for mode in modes {
        records.push(record(deployment, store, mode, now)?);
    }
    Ok(records)
}

/// The record of a deployment in one mode at this time, from its file and its store: its runs, and the alerts of those;
/// without what its log and the force's register say.
///
/// # Errors
/// [`RecordsError::Damaged`] and the like.
pub fn record(
    deployment: &Deployment,
    store: &Store,
    mode: Mode,
    now: Timestamp,
) -> Result<DeploymentRecord, RecordsError> {
    let (runs, rehearsal) = runs(store, mode)?;
    let mut raised = BTreeSet::new();
    for run in &runs {
        let alerts = store.alerts(run.id)?.into_iter();
        raised.extend(alerts.map(|stored| stored.alert.number));
    }
    let mut living = store.living()?;
    living.retain(|living| raised.contains(&living.alert.number));
    Ok(DeploymentRecord {
        deployment: about(deployment, &runs, mode, rehearsal, rehearsals(store)?),
        authority: Authority::default(),
        threshold: threshold(deployment),
        cameras: match mode {
            Mode::Live => cameras(deployment),
            Mode::Retrospective | Mode::Operator => no_cameras(),
        },
        watchlist: sought::watchlist(store, &runs)?,
        faces: Faces {
            tracks: sum(&runs, |run| run.counts.tracks),
            detections: sum(&runs, |run| run.counts.faces),
            comparisons: sum(&runs, |run| run.counts.probes),
        },
        frames: frames(&runs, store)?,
        alerts: judged::alerts(store, &runs, &living)?,
        stops: judged::stops(&living),
        outcomes: judged::outcomes(&living),
        people_engaged: sought::engaged(
            store,
            mode,
            modes(store)?.len() <= 1,
            judged::stopped(&living),
        )?,
        judges: overt_publication::record::Judges {
            by_credential: judged::judges(&living).into(),
        },
        software: software(store, &runs)?,
        retention: Retention {
            limits: limits(&retention(deployment)).into(),
            held: held(store, now)?.into(),
            ..Retention::default()
        },
    })
}

/// Whether [`add_log`] has something to say of an event.
fn is_of_destruction(event: &AuditEvent) -> bool {
    matches!(
        event,
        AuditEvent::Swept { .. }
            | AuditEvent::EntryRemoved { .. }
            | AuditEvent::WatchlistDestroyed { .. }
            | AuditEvent::ExportDestroyed { .. }
    )
}

/// Adds what only the log knows: what was destroyed, and when.
pub fn add_log(record: &mut DeploymentRecord, log: &[AuditEntry]) {
    let mut destroyed: BTreeMap<&str, Destroyed> = BTreeMap::new();
    for entry in log {
        let counts = match &entry.event {
            AuditEvent::Swept {
                watchlist_images,
                alerts,
                inputs,
                ..
            } => vec![
                (WATCHLIST, *watchlist_images),
                (ALERTS, *alerts),
                (INPUTS, *inputs),
            ],
            AuditEvent::EntryRemoved { images, .. }
            | AuditEvent::WatchlistDestroyed { images, .. } => vec![(WATCHLIST, *images)],
            AuditEvent::ExportDestroyed { .. } => vec![("files that showed faces or scores", 1)],
            _ => continue,
        };
        for (data, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
            let last_at = moment(entry.at);
            let sum = destroyed.entry(data).or_insert_with(|| Destroyed {
                data: data.to_owned(),
                count: 0,
                last_at,
            });
            sum.count = sum.count.saturating_add(count);
            sum.last_at = sum.last_at.max(last_at);
        }
    }
    record.retention.destroyed = destroyed.into_values().collect::<Vec<_>>().into();
}

/// The limits of each class of data, in the words of what is published.
fn limits(kept: &overt_records::Retention) -> Vec<Limit> {
    [
        (ALERTS, kept.alerts_hours),
        (INPUTS, kept.inputs_hours),
        (WATCHLIST, kept.watchlist_hours),
    ]
    .into_iter()
    .map(|(data, hours)| Limit {
        data: data.to_owned(),
        hours: hours.into(),
    })
    .collect()
}

const ALERTS: &str = "alerts with their pictures and scores";
const INPUTS: &str = "what the software was asked for an alert";
const WATCHLIST: &str = "pictures of the people looked for and what was computed from them";

/// The store's time, as a calendar holds it.
fn moment(time: Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(time.unix_ms()).unwrap_or(jiff::Timestamp::MAX)
}

/// The mode of a run, in the words of what is published; a rehearsal has none.
fn mode_of(mode: RunMode) -> Option<Mode> {
    match mode {
        RunMode::Live => Some(Mode::Live),
        RunMode::Rehearsal => None,
        RunMode::Retrospective => Some(Mode::Retrospective),
        RunMode::Operator => Some(Mode::Operator),
    }
}

/// The runs in a mode; where every run was a rehearsal, those, and that they were.
fn runs(store: &Store, mode: Mode) -> Result<(Vec<RunRecord>, bool), RecordsError> {
    let all = store.runs()?;
    let is_rehearsed =
        !all.is_empty() && all.iter().all(|run| run.header.mode == RunMode::Rehearsal);
    if is_rehearsed {
        return Ok((all, true));
    }
    let of_mode = all
        .into_iter()
        .filter(|run| mode_of(run.header.mode) == Some(mode));
    Ok((of_mode.collect(), false))
}

/// When and where the footage of searches was taken.
fn footage(runs: &[RunRecord], mode: Mode) -> Field<Vec<Footage>> {
    match mode {
        Mode::Live => {
            Field::NotApplicable("a live deployment searches no stored footage".to_owned())
        }
        Mode::Operator => Field::NotApplicable(
            "an officer took each photograph when it was searched for".to_owned(),
        ),
        Mode::Retrospective => {
            let searches = runs.iter().filter_map(|run| run.header.search.as_ref());
            let found = searches.filter_map(|search| {
                Some(Footage {
                    place: search.place.clone(),
                    from: moment(search.taken_from),
                    to: moment(search.taken_to),
                    owner: search.footage.as_ref()?.owner.clone(),
                })
            });
            found.collect::<Vec<_>>().into()
        }
    }
}

/// Where photographs are searched.
fn no_cameras() -> Cameras {
    const WHY: &str = "photographs were searched, and no camera was read";
    Cameras {
        total: Field::NotApplicable(WHY.to_owned()),
        body_worn: Field::NotApplicable(WHY.to_owned()),
        groups: Field::NotApplicable(WHY.to_owned()),
    }
}

const NEVER_RUN: &str = "it has not run";

/// What was tried out, each rehearsal by itself.
fn rehearsals(store: &Store) -> Result<Vec<Rehearsal>, RecordsError> {
    let runs = store.runs()?.into_iter();
    let of = |run: RunRecord| Rehearsal {
        from: moment(run.header.started_at),
        to: run.finished_at.map(moment),
        tracks: run.counts.tracks,
        withheld: run.counts.withheld,
    };
    Ok(runs
        .filter(|run| run.header.mode == RunMode::Rehearsal)
        .map(of)
        .collect())
}

fn about(
    deployment: &Deployment,
    runs: &[RunRecord],
    mode: Mode,
    rehearsal: bool,
    rehearsals: Vec<Rehearsal>,
) -> About {
    let start = runs.iter().map(|run| moment(run.header.started_at)).min();
    let ends: Option<Vec<_>> = runs.iter().map(|run| run.finished_at).collect();
    let end = match &ends {
        None => Field::not_recorded("a run of it goes on, or was cut off"),
        Some(ends) => Field::from_option(ends.iter().copied().max().map(moment), NEVER_RUN),
    };
    About {
        number: Field::not_recorded(register::UNREGISTERED),
        id: deployment.id.clone().into(),
        mode: mode.into(),
        rehearsal: match runs.is_empty() {
            true => Field::not_recorded(NEVER_RUN),
            false => rehearsal.into(),
        },
        planned_start: deployment.start.into(),
        planned_end: deployment.end.into(),
        start: Field::from_option(start, NEVER_RUN),
        end,
        place: deployment.place.clone().into(),
        use_case: deployment.use_case.clone().into(),
        purpose: deployment.purpose.clone().into(),
        footage: footage(runs, mode),
        rehearsals: rehearsals.into(),
    }
}

/// A score as it was written: 0.64 and not 0.6399999856948853.
fn score(score: f32) -> f64 {
    score.to_string().parse().unwrap_or(f64::from(score))
}

fn threshold(deployment: &Deployment) -> Threshold {
    let floor = deployment.authority.score_floor;
    let calibration = match &deployment.authority.calibration {
        None => Field::not_recorded("the authority names none: the floor rests on none"),
        Some(path) => match (Calibration::read(path), std::fs::read(path)) {
            (Ok(read), Ok(bytes)) => calibration(&read, &bytes, floor),
            (Err(error), _) => {
                Field::not_recorded(format!("the file that the authority names {error}"))
            }
            (_, Err(error)) => Field::not_recorded(format!(
                "the file that the authority names cannot be read: {error}"
            )),
        },
    };
    Threshold {
        score_floor: score(floor).into(),
        calibration,
    }
}

fn calibration(
    read: &Calibration,
    bytes: &[u8],
    floor: f32,
) -> Field<Vec<overt_publication::record::Calibration>> {
    // The errors at the floor are no more than at the nearest threshold under it.
    let under = read
        .curve
        .iter()
        .rev()
        .find(|point| point.threshold <= floor);
    let Some(point) = under else {
        return Field::not_recorded("it was measured at higher thresholds than the floor only");
    };
    vec![overt_publication::record::Calibration {
        encoder: format!("{} {}", read.encoder.id, read.encoder.version),
        detector: format!("{} {}", read.detector.id, read.detector.version),
        backend: read.backend.to_string(),
        gallery_people: read.gallery.people,
        gallery_images: read.gallery.images,
        false_positives: point.false_positives,
        non_mated: point.non_mated,
        misses: point.misses,
        mated: point.mated,
        sha256: hex::encode(Sha256::digest(bytes)),
    }]
    .into()
}

fn cameras(deployment: &Deployment) -> Cameras {
    let mut groups: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for camera in &deployment.cameras {
        *groups
            .entry((camera.kind.name(), &camera.owner))
            .or_default() += 1;
    }
    let body_worn = deployment
        .cameras
        .iter()
        .filter(|camera| camera.kind == overt_deployment::CameraKind::BodyWorn);
    let group = |((kind, owner), count): ((&str, &str), u64)| CameraGroup {
        kind: kind.to_owned(),
        owner: owner.to_owned(),
        count,
    };
    Cameras {
        total: (deployment.cameras.len() as u64).into(),
        body_worn: (body_worn.count() as u64).into(),
        groups: groups.into_iter().map(group).collect::<Vec<_>>().into(),
    }
}

/// A count over the runs; none where none ran.
fn sum(runs: &[RunRecord], of: impl Fn(&RunRecord) -> u64) -> Field<u64> {
    match runs.is_empty() {
        true => Field::not_recorded(NEVER_RUN),
        false => runs.iter().map(of).fold(0, u64::saturating_add).into(),
    }
}

fn frames(runs: &[RunRecord], store: &Store) -> Result<Frames, RecordsError> {
    let ids: BTreeSet<_> = runs.iter().map(|run| run.id).collect();
    let quarantines = store.quarantines()?;
    let of_these = quarantines
        .iter()
        .filter(|quarantine| ids.contains(&quarantine.run));
    let quarantines = of_these.count() as u64;
    Ok(Frames {
        read: sum(runs, |run| run.counts.frames.read),
        processed: sum(runs, |run| run.counts.frames.processed),
        dropped: sum(runs, |run| run.counts.frames.dropped),
        unseen: sum(runs, |run| run.counts.frames.unseen),
        quarantines: match runs.is_empty() {
            true => Field::not_recorded(NEVER_RUN),
            false => quarantines.into(),
        },
    })
}

fn software(store: &Store, runs: &[RunRecord]) -> Result<Software, RecordsError> {
    if runs.is_empty() {
        return Ok(Software {
            host: Field::not_recorded(NEVER_RUN),
            plugins: Field::not_recorded(NEVER_RUN),
            models: Field::not_recorded(NEVER_RUN),
        });
    }
    let ids: BTreeSet<_> = runs.iter().map(|run| run.id).collect();
    let generations = store.generations()?;
    let later = generations
        .iter()
        .filter(|generation| ids.contains(&generation.run));
    let mut used = Vec::new();
    used.extend(
        runs.iter()
            .map(|run| (&run.header.plugins, &run.header.models)),
    );
    used.extend(later.map(|generation| (&generation.plugins, &generation.models)));
    let plugins: BTreeSet<_> = used
        .iter()
        .flat_map(|(plugins, _)| plugins.iter())
        .map(|plugin| PluginUsed {
            role: plugin.role.clone(),
            name: plugin.id.clone(),
            version: plugin.version.clone(),
            sha256: plugin.sha256.clone(),
        })
        .collect();
    let models: BTreeSet<_> = used
        .iter()
        .flat_map(|(_, models)| models.iter())
        .map(|model| ModelUsed {
            name: model.name.clone(),
            sha256: model.sha256.clone(),
        })
        .collect();
    let hosts: BTreeSet<&str> = runs
        .iter()
        .map(|run| run.header.host_version.as_str())
        .collect();
    Ok(Software {
        host: hosts.into_iter().collect::<Vec<_>>().join(", ").into(),
        plugins: plugins.into_iter().collect::<Vec<_>>().into(),
        models: models.into_iter().collect::<Vec<_>>().into(),
    })
}

fn held(store: &Store, now: Timestamp) -> Result<Vec<Hold>, RecordsError> {
    let holds = store.holds()?;
    let lasting = holds.iter().filter(|hold| hold.lasts(now));
    let published = |hold: &overt_records::Hold| Hold {
        data: format!("alert {} with its picture and scores", hold.alert),
        reason: hold.reason.clone(),
        owner: match hold.by.credential() {
            Some(credential) => credential.role.name().to_owned(),
            None => "somebody without a credential".to_owned(),
        },
        until: moment(hold.until),
    };
    Ok(lasting.map(published).collect())
}
