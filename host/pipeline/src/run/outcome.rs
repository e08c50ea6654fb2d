//! What a run is recorded by when it begins, and what it comes to: summary and report of what the threads left. It starts nothing.

use std::collections::BTreeMap;

use overt_deployment::{Deployment, Timestamp};
use overt_records as records;

use super::{Finished, milliseconds};
use crate::authority::{Authorised, Authority};
use crate::decision::Decided;
use crate::error::PipelineError;
use crate::generations::GenerationFacts;
use crate::machine::Machine;
use crate::report::{CameraReport, DeploymentFacts, HostFacts, PluginReport, ReportData};
use crate::shadow::ShadowReport;
use crate::stages::Stages;
use crate::summary::{self, Summary};
use crate::way::LaneEnd;

/// What is known when a run begins.
pub(crate) fn header(
    deployment: &Deployment,
    mode: records::RunMode,
    authority: Option<Authority<'_>>,
    first: &GenerationFacts,
    started: Timestamp,
) -> records::RunHeader {
    records::RunHeader {
        deployment: deployment.id.clone(),
        started_at: milliseconds(started),
        mode,
        register: authority.map(|authority| authority.authorised.number),
        started_by: authority.map(|authority| authority.by.clone()),
        search: None,
        host_version: env!("CARGO_PKG_VERSION").to_owned(),
        lock_sha256: first.lock_sha256.clone(),
        plugins: first.plugins.iter().map(PluginReport::used).collect(),
        models: first
            .models
            .iter()
            .map(|model| records::ModelUsed {
                name: model.name.clone(),
                sha256: model.sha256.clone(),
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
    store: &records::Store,
    mode: records::RunMode,
    authorised: Option<&Authorised>,
    generations: Vec<GenerationFacts>,
    shadows: Vec<ShadowReport>,
    decided: Decided,
    stages: &Stages,
    times: Times,
    workers: usize,
    interrupted: bool,
    before: &BTreeMap<String, records::ChannelCounts>,
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
    let mut plugins = every(generations.iter().map(|facts| &facts.plugins));
    // Stable: those of one role stay in the order of the generations.
    plugins.sort_by_key(|plugin| plugin.role as usize);
    let models = every(generations.iter().map(|facts| &facts.models));
    // The run is the last one of its records, and over.
    let last = store.runs()?.pop();
    let (sizes, composition) = last
        .map(|run| (run.watchlist, run.composition))
        .unwrap_or_default();
    let (sizes, composition) = (sizes.unwrap_or_default(), composition.unwrap_or_default());
    let summary = Summary {
        mode: mode.name(),
        authority: authorised.cloned(),
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
                score: alert.shown.as_ref().map(|shown| shown.score),
                first_frame: span.first_frame,
                last_frame: span.last_frame,
                reason: alert.shown.as_ref().map(|shown| shown.reason.clone()),
            })
            .collect(),
        withheld: counts.withheld,
        fps: counts.frames.processed as f64 / times.seconds.max(1e-9),
        stages_ms: stages.per_frame(counts.frames.processed),
        backend: machine.backend(),
        device: machine.device().to_string(),
        plugins: plugins.iter().map(summary_of).collect(),
        models,
        plugin_errors: errors,
        quarantines: quarantines.iter().map(summary::Quarantine::of).collect(),
        generations: generations.iter().map(summary::Generation::of).collect(),
        watchlist: summary::Watchlist::of(
            sizes,
            composition,
            &generations,
            withdrawn_by_retention(store, milliseconds(times.started))?,
        ),
        shadows,
        lock_sha256: generations
            .first()
            .and_then(|first| first.lock_sha256.clone()),
        channels: channels(deployment, before, &store.channel_counts()?),
        confinement: machine.confinement.clone(),
        audit: store.audit_head()?,
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
            score_floor: deployment.authority.score_floor,
            calibration: generations
                .first()
                .and_then(|first| first.calibration.clone()),
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
        watchlist_entries: sizes.start.people,
        watchlist_images: sizes.start.images,
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
        plugins,
        generations,
        summary: summary.clone(),
    };
    Ok(Finished {
        summary,
        report,
        troubles,
    })
}

/// Alerts that were withdrawn since then because the retention of what they rest on was over.
fn withdrawn_by_retention(
    store: &records::Store,
    since: records::Timestamp,
) -> Result<u64, PipelineError> {
    let is_it = |step: &records::Step| {
        matches!(step.kind, records::StepKind::WithdrawnByRetention { .. }) && step.at >= since
    };
    let living = store.living()?;
    let withdrawn = living
        .iter()
        .filter(|one| one.life.steps().iter().any(is_it));
    Ok(withdrawn.count() as u64)
}

/// What became of each channel's messages in this run.
fn channels(
    deployment: &Deployment,
    before: &BTreeMap<String, records::ChannelCounts>,
    after: &BTreeMap<String, records::ChannelCounts>,
) -> Vec<summary::Channel> {
    let counts = |of: &BTreeMap<String, records::ChannelCounts>, name: &str| {
        of.get(name).copied().unwrap_or_default()
    };
    let channels = deployment.channels.iter().map(|channel| {
        let (before, after) = (counts(before, &channel.name), counts(after, &channel.name));
        summary::Channel {
            name: channel.name.clone(),
            purpose: channel.purpose.name(),
            kind: channel.kind.name(),
            delivered: after.delivered.saturating_sub(before.delivered),
            waiting: after.waiting,
        }
    });
    channels.collect()
}

/// Everything of several lists, each thing once.
fn every<'a, T: Clone + PartialEq + 'a>(lists: impl Iterator<Item = &'a Vec<T>>) -> Vec<T> {
    let mut every: Vec<T> = Vec::new();
    for thing in lists.flatten() {
        if !every.contains(thing) {
            every.push(thing.clone());
        }
    }
    every
}

fn summary_of(plugin: &PluginReport) -> summary::PluginUsed {
    summary::PluginUsed {
        role: plugin.role,
        id: plugin.id.clone(),
        version: plugin.version.clone(),
        sha256: plugin.sha256.clone(),
        signed_by: plugin.signed_by.clone(),
    }
}
