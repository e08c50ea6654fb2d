//! What a run is recorded by when it begins, and what it comes to: summary and report of what the threads left. It starts nothing.

use std::collections::BTreeMap;

use overt_deployment::{Deployment, Timestamp};
use overt_records as records;
use overt_runtime::trust::{Signature, Standing};

use super::{Finished, milliseconds};
use crate::admission::Loaded;
use crate::decision::Decided;
use crate::error::PipelineError;
use crate::generation::Generation;
use crate::lock::LockFile;
use crate::machine::Machine;
use crate::report::{
    CameraReport, DeploymentFacts, HostFacts, ModelReport, PluginReport, ReportData,
};
use crate::stages::Stages;
use crate::summary::{self, Summary};
use crate::way::LaneEnd;

/// What is known when a run begins.
pub(super) fn header(
    deployment: &Deployment,
    lock: Option<&LockFile>,
    generation: &Generation,
    started: Timestamp,
) -> records::RunHeader {
    records::RunHeader {
        deployment: deployment.id.clone(),
        started_at: milliseconds(started),
        host_version: env!("CARGO_PKG_VERSION").to_owned(),
        lock_sha256: lock.map(|lock| lock.sha256.clone()),
        plugins: generation
            .plugins()
            .map(|loaded| {
                let identity = loaded.plugin.identity();
                records::PluginUsed {
                    role: loaded.plugin.role().name().to_owned(),
                    id: identity.id.to_string(),
                    version: identity.version.to_string(),
                    sha256: identity.sha256.to_string(),
                }
            })
            .collect(),
        models: generation
            .plugins()
            .flat_map(|loaded| loaded.plugin.models())
            .map(|(name, sha256)| records::ModelUsed {
                name: name.to_owned(),
                sha256: sha256.to_owned(),
            })
            .collect(),
        cameras: deployment
            .cameras
            .iter()
            .map(|camera| records::CameraUsed {
                id: camera.id.clone(),
                kind: camera.kind.name().to_owned(),
            })
            .collect(),
    }
}

/// When a run was.
pub(super) struct Times {
    pub(super) started: Timestamp,
    pub(super) finished: Timestamp,
    pub(super) seconds: f64,
}

/// Summary and report of what the threads left.
#[allow(clippy::too_many_arguments)] // Called once, with everything that a run has come to.
pub(super) fn gather(
    machine: &Machine,
    deployment: &Deployment,
    lock: Option<&LockFile>,
    store: &records::Store,
    generation: &Generation,
    decided: Decided,
    stages: &Stages,
    times: Times,
    workers: usize,
    interrupted: bool,
) -> Result<Finished, PipelineError> {
    let Decided {
        counts,
        frames: by_camera,
        mut alerts,
        spans,
        lanes,
        errors,
        quarantines,
    } = decided;
    for (alert, span) in alerts.iter_mut().zip(&spans) {
        (alert.track_from, alert.track_to) = (span.first_time, span.last_time);
    }
    let summary = Summary {
        frames: summary::Frames {
            read: counts.frames.read,
            processed: counts.frames.processed,
            dropped: counts.frames.dropped,
            unseen: counts.frames.unseen,
        },
        cameras: deployment
            .cameras
            .iter()
            .zip(&lanes)
            .zip(by_camera)
            .map(|((camera, lane), frames)| summary::Camera::of(camera, &lane.record, frames))
            .collect(),
        faces: counts.faces,
        tracks: counts.tracks,
        alerts: alerts
            .iter()
            .zip(&spans)
            .map(|(alert, span)| summary::Alert {
                reference: alert.reference.clone(),
                category: alert.category.clone(),
                camera: alert.camera.clone(),
                track: alert.track,
                score: alert.score,
                first_frame: span.first_frame,
                last_frame: span.last_frame,
                reason: alert.reason.clone(),
            })
            .collect(),
        fps: counts.frames.processed as f64 / times.seconds.max(1e-9),
        stages_ms: stages.per_frame(counts.frames.processed),
        backend: machine.backend(),
        device: machine.device().to_string(),
        plugins: generation.plugins().map(plugin_used).collect(),
        models: generation.plugins().flat_map(models_used).collect(),
        plugin_errors: errors,
        quarantines: quarantines.iter().map(summary::Quarantine::of).collect(),
        lock_sha256: lock.map(|lock| lock.sha256.clone()),
        confinement: machine.confinement.clone(),
        unsigned: matches!(deployment.trust, overt_deployment::Trust::Unsigned),
        interrupted,
    };
    let watchlist = store.watchlist().list()?;
    let mut categories: BTreeMap<&str, u64> = BTreeMap::new();
    for entry in &watchlist {
        *categories.entry(&entry.category).or_default() += 1;
    }
    let first_alert = alerts
        .iter()
        .map(|alert| alert.raised)
        .min()
        .unwrap_or(times.finished);
    let keep = deployment.retention.alerts;
    let mut troubles: Vec<PipelineError> = quarantines
        .iter()
        .map(|quarantine| PipelineError::quarantined(deployment, quarantine))
        .collect();
    let report = ReportData {
        deployment: DeploymentFacts {
            id: deployment.id.clone(),
            purpose: deployment.purpose.clone(),
            place: deployment.place.clone(),
            use_case: deployment.use_case.clone(),
            authorised_by: format!(
                "{} {}",
                deployment.authority.rank, deployment.authority.officer
            ),
            authority_reference: deployment.authority.reference.clone(),
            score_floor: deployment.authority.score_floor,
            calibration: generation.calibration.clone(),
        },
        started: times.started,
        finished: times.finished,
        keep_until: first_alert.checked_add(keep).unwrap_or(Timestamp::MAX),
        host: HostFacts {
            overt: env!("CARGO_PKG_VERSION").to_owned(),
            backend: machine.backend(),
            device: machine.device().to_string(),
            workers,
        },
        cameras: deployment
            .cameras
            .iter()
            .zip(lanes)
            .map(|(camera, lane)| {
                let LaneEnd {
                    in_view,
                    width,
                    height,
                    seconds,
                    trouble,
                    ..
                } = lane;
                let words = trouble.as_ref().map(ToString::to_string);
                troubles.extend(trouble.map(|trouble| trouble.of(&camera.id)));
                CameraReport {
                    id: camera.id.clone(),
                    kind: camera.kind.name().to_owned(),
                    owner: camera.owner.clone(),
                    width,
                    height,
                    source: camera.source.to_string(),
                    seconds,
                    in_view,
                    trouble: words,
                }
            })
            .collect(),
        watchlist_entries: watchlist.len() as u64,
        watchlist_images: watchlist
            .iter()
            .map(|entry| entry.images.len() as u64)
            .sum(),
        categories: deployment
            .watchlist
            .categories
            .iter()
            .map(|category| {
                (
                    category.clone(),
                    categories.get(category.as_str()).copied().unwrap_or(0),
                )
            })
            .collect(),
        alerts,
        plugins: generation.plugins().map(plugin_report).collect(),
        summary: summary.clone(),
    };
    Ok(Finished {
        summary,
        report,
        troubles,
    })
}

fn plugin_used(loaded: &Loaded) -> summary::PluginUsed {
    let identity = loaded.plugin.identity();
    summary::PluginUsed {
        role: loaded.plugin.role(),
        id: identity.id.to_string(),
        version: identity.version.to_string(),
        sha256: identity.sha256.to_string(),
        signed_by: signed_by(loaded),
    }
}

/// Who has signed a plugin and counts, by the names that the deployment gives the keys.
fn signed_by(loaded: &Loaded) -> Vec<String> {
    let counts = |signature: &&Signature| signature.standing == Standing::Counts;
    let signatures = loaded.signatures.iter().filter(counts);
    signatures.map(ToString::to_string).collect()
}

fn models_used(loaded: &Loaded) -> impl Iterator<Item = summary::ModelUsed> {
    loaded
        .plugin
        .models()
        .map(|(name, sha256)| summary::ModelUsed {
            plugin: loaded.plugin.identity().id.to_string(),
            name: name.to_owned(),
            sha256: sha256.to_owned(),
        })
}

fn plugin_report(loaded: &Loaded) -> PluginReport {
    let used = plugin_used(loaded);
    PluginReport {
        role: used.role,
        id: used.id,
        version: used.version,
        sha256: used.sha256,
        signed_by: used.signed_by,
        vendor: loaded.manifest.plugin.vendor.clone(),
        licence: loaded.manifest.plugin.licence.clone(),
        capabilities: loaded.capabilities.clone(),
        models: loaded
            .manifest
            .models
            .iter()
            .map(|model| ModelReport {
                name: model.name.clone(),
                sha256: model.sha256.clone(),
                licence: model.licence.clone(),
                training_data: model.training_data.clone(),
            })
            .collect(),
    }
}
