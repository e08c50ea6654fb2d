//! What a call came to, for whoever counts and for the log. It knows which plugin was called, for which camera and frame, and how that went; never what
//! was answered.

use std::sync::Arc;
use std::time::{Duration, Instant};

use overt_contract::Role;
use tracing::field::Empty;

use crate::error::CallCause;
use crate::plugin::PluginIdentity;

/// What a call came to.
#[derive(Clone, Debug)]
pub struct CallReport<'a> {
    /// From before the store was made until the answer was checked, on the host's clock.
    pub wall: Duration,
    /// The most that its memories and tables held, bytes.
    pub memory: u64,
    /// What it spent, host calls included; of decision plugins alone, since the others have none.
    pub fuel: Option<u64>,
    /// CPU time of the guest itself, which [`crate::Limits::deadline`] bounds.
    pub guest: Duration,
    /// CPU time of the host calls that are not counted as the guest's, which [`crate::Limits::host_time`] bounds.
    pub host: Duration,
    /// Wall-clock time in models, which [`crate::Limits::inference_deadline`] bounds.
    pub models: Duration,
    /// Bytes of tensors that the host made, which [`crate::Limits::tensors`] bounds.
    pub tensors: u64,
    /// Why it gave no usable answer.
    pub failed: Option<&'a CallCause>,
}

/// Hears of every call of a plugin ([`crate::Plugin::observed`]), on the thread that made it.
pub trait CallObserver: Send + Sync {
    /// A call has ended.
    fn ended(&self, report: &CallReport<'_>);
}

/// What a call used of its limits.
#[derive(Clone, Copy, Default)]
pub(crate) struct Spent {
    pub(crate) memory: u64,
    pub(crate) fuel: Option<u64>,
    pub(crate) guest: Duration,
    pub(crate) host: Duration,
    pub(crate) models: Duration,
    pub(crate) tensors: u64,
}

/// A call under way. Where nobody listens to the log it costs the reading of a clock and of a flag.
pub(crate) struct Watched {
    began: Instant,
    span: tracing::span::EnteredSpan,
}

impl Watched {
    pub(crate) fn begin(
        identity: &PluginIdentity,
        role: Role,
        camera: Option<&Arc<str>>,
        frame: Option<u32>,
    ) -> Watched {
        let span = tracing::debug_span!(
            target: "overt::call",
            "plugin_call",
            plugin = %identity.id,
            version = %identity.version,
            role = role.name(),
            camera = camera.map(|camera| &**camera),
            frame,
            outcome = Empty,
            micros = Empty,
            memory = Empty,
            fuel = Empty,
        );
        Watched {
            began: Instant::now(),
            span: span.entered(),
        }
    }

    /// Ends the span and tells the observer. The cause goes into the log by its kind: a plugin's own words could hold a score.
    pub(crate) fn end(
        self,
        spent: Spent,
        failed: Option<&CallCause>,
        observer: Option<&dyn CallObserver>,
    ) {
        let wall = self.began.elapsed();
        if !self.span.is_disabled() {
            self.span
                .record("outcome", failed.map_or("answered", CallCause::name))
                .record("micros", wall.as_micros() as u64)
                .record("memory", spent.memory);
            if let Some(fuel) = spent.fuel {
                self.span.record("fuel", fuel);
            }
        }
        if let Some(observer) = observer {
            observer.ended(&CallReport {
                wall,
                memory: spent.memory,
                fuel: spent.fuel,
                guest: spent.guest,
                host: spent.host,
                models: spent.models,
                tensors: spent.tensors,
                failed,
            });
        }
    }
}
