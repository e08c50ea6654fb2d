//! What a deployment file, a rules file and a watchlist come to in the words of the force's register, and under whose authority a live run goes on.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};

use overt_deployment::{self as deployment, Deployment, RulesFile, Timestamp};
use overt_records::{self as records, ListApproved, ListStanding};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::error::PipelineError;
use crate::run::milliseconds;

/// Under whose authority a live run goes on, as the register has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Authorised {
    /// The deployment's number in the register.
    pub number: u32,
    /// The run's number among the deployment's.
    pub run: u32,
    /// Who authorised it.
    pub officer: String,
    /// Their rank then.
    pub rank: String,
    /// Reference of the written authority.
    pub reference: String,
    /// Whether it was urgent.
    pub urgent: bool,
    /// Who started the run.
    pub started_by: String,
}

/// What stands behind a live run.
#[derive(Clone, Copy, Debug)]
pub struct Authority<'a> {
    /// Who authorised it.
    pub authorised: &'a Authorised,
    /// Who started it.
    pub by: &'a records::By,
    /// When it has to end.
    pub until: &'a Until,
    /// The least score that was authorised. A swap goes no lower.
    pub score_floor: records::ScoreFloor,
}

impl Authorised {
    /// Of a run that is on record as begun; `None` where nobody authorised it, which the gate lets not begin.
    pub fn of(started: &records::RunStarted) -> Option<Self> {
        let given = started.entry.authorisation()?;
        Some(Self {
            number: started.entry.number(),
            run: started.run,
            officer: given.by.name().to_owned(),
            rank: given.rank.to_owned(),
            reference: given.reference.to_owned(),
            urgent: given.urgent,
            started_by: started.by.name().to_owned(),
        })
    }
}

/// When a run that goes on has to end. An extension moves it, without a restart.
#[derive(Debug)]
pub struct Until(AtomicI64);

impl Until {
    /// At this time.
    pub fn new(until: records::Timestamp) -> Self {
        Self(AtomicI64::new(until.unix_ms()))
    }

    /// Moves it.
    pub fn set(&self, until: records::Timestamp) {
        self.0.store(until.unix_ms(), Ordering::Relaxed);
    }

    /// Whether it is over.
    pub(crate) fn is_over_at(&self, now: Timestamp) -> bool {
        now.as_millisecond() >= self.0.load(Ordering::Relaxed)
    }
}

/// The terms of a deployment file: what is planned, and what a run is held to. Reads the documents and the calibration that it names.
///
/// # Errors
/// [`PipelineError::Unreadable`] for the first of them that cannot be read.
pub fn terms(deployment: &Deployment) -> Result<records::Terms, PipelineError> {
    let mut cameras: BTreeMap<(&str, &str), u32> = BTreeMap::new();
    for camera in &deployment.cameras {
        *cameras
            .entry((camera.kind.name(), &camera.owner))
            .or_default() += 1;
    }
    let mut documents = Vec::with_capacity(deployment.documents.len());
    for document in &deployment.documents {
        documents.push(records::Document {
            kind: kind(document.kind),
            version: document.version.clone(),
            date: document.date.clone(),
            sha256: sha256(&document.file)?,
        });
    }
    let authority = &deployment.authority;
    let floor = records::ScoreFloor::new(authority.score_floor);
    Ok(records::Terms {
        deployment: deployment.id.clone(),
        purpose: deployment.purpose.clone(),
        place: deployment.place.clone(),
        use_case: deployment.use_case.clone(),
        modes: authority.modes.iter().copied().map(mode).collect(),
        start: milliseconds(deployment.start),
        end: milliseconds(deployment.end),
        cameras: cameras
            .into_iter()
            .map(|((kind, owner), count)| records::CameraTerms {
                kind: kind.to_owned(),
                owner: owner.to_owned(),
                count,
            })
            .collect(),
        categories: deployment.watchlist.categories.clone(),
        watchlist_size: authority.watchlist_size,
        watchlist_age_hours: authority.watchlist_age_hours,
        // The deployment file lets no other than a finite number pass.
        score_floor: floor.unwrap_or_default(),
        calibration_sha256: authority.calibration.as_deref().map(sha256).transpose()?,
        retention: retention(deployment),
        judgement: crate::desk::limits(&deployment.judgement),
        documents,
        notice: deployment.notice.as_ref().map(|notice| records::Notice {
            place: notice.place.clone(),
            since: milliseconds(notice.since),
        }),
    })
}

/// The retention of a deployment, in whole hours, as its file says it.
pub fn retention(deployment: &Deployment) -> records::Retention {
    let hours = |duration: std::time::Duration| {
        u32::try_from(duration.as_secs() / 3_600).unwrap_or(u32::MAX)
    };
    records::Retention {
        alerts_hours: hours(deployment.retention.alerts),
        inputs_hours: hours(deployment.retention.inputs),
        watchlist_hours: hours(deployment.retention.watchlist),
    }
}

fn mode(mode: deployment::Mode) -> records::Mode {
    match mode {
        deployment::Mode::Live => records::Mode::Live,
        deployment::Mode::Retrospective => records::Mode::Retrospective,
        deployment::Mode::Operator => records::Mode::Operator,
    }
}

fn kind(kind: deployment::DocumentKind) -> records::DocumentKind {
    match kind {
        deployment::DocumentKind::Sop => records::DocumentKind::Sop,
        deployment::DocumentKind::Policy => records::DocumentKind::Policy,
        deployment::DocumentKind::LegalMandate => records::DocumentKind::LegalMandate,
        deployment::DocumentKind::Dpia => records::DocumentKind::Dpia,
        deployment::DocumentKind::EqualityAssessment => records::DocumentKind::EqualityAssessment,
    }
}

/// SHA-256 of a file, read piece by piece: a document may be large.
fn sha256(path: &Path) -> Result<String, PipelineError> {
    let read = || -> std::io::Result<String> {
        let mut file = std::fs::File::open(path)?;
        let (mut hash, mut piece) = (Sha256::new(), vec![0; 1 << 16]);
        loop {
            match file.read(&mut piece)? {
                0 => return Ok(hex::encode(hash.finalize())),
                bytes => hash.update(&piece[..bytes]),
            }
        }
    };
    read().map_err(|cause| PipelineError::Unreadable {
        path: path.to_owned(),
        cause,
    })
}

/// What a rules file says.
pub fn rules(file: &RulesFile) -> records::Rules {
    let [alerts_hours, inputs_hours, watchlist_hours] = file.retention_hours;
    let [adjudication_ms, engagement_ms, location_ms] = file
        .judgement_seconds
        .map(|seconds| i64::from(seconds) * 1_000);
    let role = |name: &str| {
        records::PersonRole::ALL
            .into_iter()
            .find(|role| role.name() == name)
    };
    records::Rules {
        version: file.version,
        force: file.force.clone(),
        planner_may_authorise: file.planner_may_authorise,
        modes: file
            .modes
            .iter()
            .map(|rule| records::ModeRule {
                mode: mode(rule.mode),
                ranks: rule.ranks.clone(),
                urgent_ranks: rule.urgent_ranks.clone(),
                urgent_hours: rule.urgent_hours,
                started_by: rule.started_by.iter().copied().filter_map(role).collect(),
            })
            .collect(),
        use_cases: file.use_cases.clone(),
        categories: file.watchlist.categories.clone(),
        arrest_reasons: file.arrest_reasons.clone(),
        longest_hours: file.longest_hours,
        watchlist: records::WatchlistRules {
            size: file.watchlist.size,
            age_hours: file.watchlist.age_hours,
            approval_under: file.watchlist.approval_under,
        },
        calibration: file.calibration,
        notice_hours: file.notice_hours,
        retention: records::Retention {
            alerts_hours,
            inputs_hours,
            watchlist_hours,
        },
        judgement: records::JudgementLimits {
            adjudication_ms,
            engagement_ms,
            location_ms,
        },
        documents: file.documents.iter().copied().map(kind).collect(),
        people: file
            .people
            .iter()
            .filter_map(|(name, count)| {
                Some(records::PeopleRule {
                    role: role(name)?,
                    count: *count,
                })
            })
            .collect(),
        keep: records::KeepRules {
            register_days: file.register_days,
            commitments_days: file.commitments_days,
        },
    }
}

/// What the gate asks of a watchlist.
///
/// # Errors
/// Whatever is wrong with the store.
pub fn watchlist(store: &records::Store) -> Result<records::WatchlistFacts, PipelineError> {
    let approval = match store.watchlist().standing()? {
        ListStanding::Approved(_) => ListApproved::AsItStands,
        ListStanding::Changed(_) => ListApproved::Changed,
        ListStanding::Never => ListApproved::Never,
    };
    let entries = store.watchlist().list()?;
    let images = entries.iter().flat_map(|entry| &entry.images);
    Ok(records::WatchlistFacts {
        entries: u32::try_from(entries.len()).unwrap_or(u32::MAX),
        oldest: images.map(|image| image.enrolled_at).min(),
        approval,
        membership_days: store.membership_days(),
    })
}
