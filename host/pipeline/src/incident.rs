//! Incidents as events of the log, with a field for each fact: a failed call, a quarantine, a camera's news. No field is about a person; why a call failed
//! is told by its kind, for a plugin's own words could hold a score.

use overt_runtime::CallError;

use crate::health::CameraNews;
use crate::run::Event;

/// The target of these events, by which a filter lets them through or keeps them out.
pub const TARGET: &str = "overt::incident";

/// What a run tells, where it is an incident.
pub(crate) fn told(event: &Event<'_>) {
    match event {
        Event::Quarantine(quarantine) => tracing::error!(
            target: TARGET,
            incident = "quarantine",
            plugin = quarantine.plugin.id,
            version = quarantine.plugin.version,
            role = quarantine.plugin.role,
            cause = quarantine.cause,
            strikes = quarantine.strikes,
            calls = quarantine.calls,
        ),
        Event::Camera { camera, news } => camera_news(camera, news),
        // The first failure of a kind, of which `failed` has told already; and what is no incident.
        _ => {}
    }
}

/// A call that failed, or whose answer the host refused, about a frame of this camera.
pub(crate) fn failed(error: &CallError, camera: &str, frame: u32) {
    tracing::warn!(
        target: TARGET,
        incident = "call-failed",
        plugin = %error.plugin,
        version = %error.version,
        role = error.role.name(),
        camera,
        frame,
        cause = error.cause.name(),
    );
}

fn camera_news(camera: &str, news: &CameraNews) {
    match news {
        CameraNews::Away { cause, retry_in } => tracing::warn!(
            target: TARGET,
            incident = "camera-away",
            camera,
            %cause,
            retry_in_seconds = retry_in.as_secs_f64(),
        ),
        CameraNews::Back { seconds } => {
            tracing::info!(target: TARGET, incident = "camera-back", camera, seconds);
        }
        CameraNews::Alarm(fault) => tracing::warn!(
            target: TARGET,
            incident = "picture-alarm",
            camera,
            fault = fault.name(),
        ),
        CameraNews::AlarmOver { fault, seconds } => tracing::info!(
            target: TARGET,
            incident = "picture-alarm-over",
            camera,
            fault = fault.name(),
            seconds,
        ),
        CameraNews::TooSlow { seconds } => {
            tracing::warn!(target: TARGET, incident = "too-slow", camera, seconds);
        }
        CameraNews::Broken => {
            tracing::error!(target: TARGET, incident = "camera-broken", camera);
        }
        CameraNews::Closed => {
            tracing::info!(target: TARGET, incident = "camera-closed", camera);
        }
    }
}
