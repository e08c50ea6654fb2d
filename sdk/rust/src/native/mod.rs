//! The place of the host in a plugin's native tests and benchmarks: models, configuration, and the log. It stands on the host's own
//! library for frames, tensors and inference, and enforces none of the host's limits but the budget for tensors.
//!
//! ```
//! use overt_sdk::native::Workbench;
//! use overt_sdk::{Alert, AlertRouter, PassedAlert, Route, RouterError, Urgency};
//!
//! struct OneDesk;
//!
//! impl AlertRouter for OneDesk {
//!     fn for_review(_: Alert) -> Result<Vec<Route>, RouterError> {
//!         let desk: String = overt_sdk::config()?;
//!         Ok(vec![Route::to(desk)])
//!     }
//!     fn for_action(_: PassedAlert) -> Result<Vec<Route>, RouterError> {
//!         Ok(Vec::new())
//!     }
//! }
//!
//! let alert = Alert {
//!     number: 1, camera: "gate".into(), track: 1, time: 0.0, category: "wanted".into(),
//!     urgency: Urgency::Normal, score: 0.7,
//! };
//! let bench = Workbench::new().config(r#""desk-1""#);
//! assert_eq!(bench.for_review::<OneDesk>(alert), Ok(vec![Route::to("desk-1")]));
//! ```

mod convert;
mod setup;
pub(crate) mod system;

pub use setup::{Setup, SetupError};

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use overt_vision::{Budget, Session};

use crate::bindings::alert_router::exports::overt::algorithm::alert_router::Guest as _;
use crate::bindings::matcher_policy::exports::overt::algorithm::matcher_policy::Guest as _;
use crate::log::Level;
use crate::{
    Alert, AlertRouter, Component, Decision, Detector, DetectorError, Encoder, EncoderError, Face,
    Frame, MatcherPolicy, Observation, PassedAlert, PolicyError, Quality, QualityError, Route,
    RouterError, Tensor, exported,
};

/// What a plugin finds around itself while it is called natively.
pub struct Workbench {
    surroundings: Rc<Surroundings>,
}

impl Default for Workbench {
    fn default() -> Self {
        Workbench::new()
    }
}

impl Workbench {
    /// No model, an empty configuration, and as much memory for tensors as there is.
    pub fn new() -> Workbench {
        Workbench {
            surroundings: Rc::new(Surroundings {
                models: BTreeMap::new(),
                config: "{}".into(),
                budget: u64::MAX,
                pixels: false,
                lines: RefCell::default(),
            }),
        }
    }

    /// The plugin's table of the deployment file, as JSON.
    pub fn config(self, json: impl Into<String>) -> Workbench {
        self.with(|surroundings| surroundings.config = json.into())
    }

    /// A model under its name in the manifest.
    pub fn model(self, name: impl Into<String>, session: Box<dyn Session>) -> Workbench {
        self.with(|surroundings| {
            surroundings
                .models
                .insert(name.into(), Rc::new(RefCell::new(session)));
        })
    }

    /// Grants the capability `pixels`: the numbers of tensors made of a frame may be read.
    pub fn pixels(self) -> Workbench {
        self.with(|surroundings| surroundings.pixels = true)
    }

    /// Bytes of tensors that one call may make.
    pub fn budget(self, bytes: u64) -> Workbench {
        self.with(|surroundings| surroundings.budget = bytes)
    }

    /// The lines that plugins wrote so far.
    pub fn lines(&self) -> Vec<(Level, String)> {
        self.surroundings.lines.borrow().clone()
    }

    /// Calls a detector.
    pub fn detect<P: Detector>(
        &self,
        frame: &Arc<overt_vision::Frame>,
    ) -> Result<Vec<Face>, DetectorError> {
        self.on_frame(frame, |frame| P::detect(frame))
    }

    /// Calls an encoder.
    pub fn encode<P: Encoder>(
        &self,
        frame: &Arc<overt_vision::Frame>,
        faces: &[Face],
    ) -> Result<Tensor, EncoderError> {
        self.on_frame(frame, |frame| P::encode(frame, faces))
    }

    /// Calls a quality measure.
    pub fn assess<P: Quality>(
        &self,
        frame: &Arc<overt_vision::Frame>,
        faces: &[Face],
    ) -> Result<Vec<Vec<Component>>, QualityError> {
        self.on_frame(frame, |frame| P::assess(frame, faces))
    }

    /// Calls a policy; its text is brought into the contract's bounds as on the way to the host.
    pub fn decide<P: MatcherPolicy>(
        &self,
        observation: Observation,
    ) -> Result<Decision, PolicyError> {
        self.within(|| exported::MatcherPolicy::<P>::decide(observation))
    }

    /// Calls a router for a new alert.
    pub fn for_review<P: AlertRouter>(&self, alert: Alert) -> Result<Vec<Route>, RouterError> {
        self.within(|| exported::AlertRouter::<P>::for_review(alert))
    }

    /// Calls a router for an alert that was passed.
    pub fn for_action<P: AlertRouter>(
        &self,
        alert: PassedAlert,
    ) -> Result<Vec<Route>, RouterError> {
        self.within(|| exported::AlertRouter::<P>::for_action(alert))
    }

    /// Anything else that a plugin's code does, as one call with a budget of its own.
    pub fn within<R>(&self, call: impl FnOnce() -> R) -> R {
        let mine = Current {
            surroundings: Rc::clone(&self.surroundings),
            budget: Rc::new(Budget::new(self.surroundings.budget)),
        };
        let _restored = Restore(CURRENT.replace(Some(mine)));
        call()
    }

    /// A plugin's code on a frame, as one call.
    pub fn on_frame<R>(
        &self,
        frame: &Arc<overt_vision::Frame>,
        call: impl FnOnce(&Frame) -> R,
    ) -> R {
        let handle = system::frames::Frame::new(Arc::clone(frame));
        self.within(|| call(&Frame::new(&handle)))
    }

    fn with(mut self, change: impl FnOnce(&mut Surroundings)) -> Workbench {
        // Nobody else holds it: handles that outlive a call hold its models, never the whole.
        if let Some(surroundings) = Rc::get_mut(&mut self.surroundings) {
            change(surroundings);
        }
        self
    }
}

type SharedSession = Rc<RefCell<Box<dyn Session>>>;

struct Surroundings {
    models: BTreeMap<String, SharedSession>,
    config: String,
    budget: u64,
    pixels: bool,
    lines: RefCell<Vec<(Level, String)>>,
}

/// A call that is under way.
#[derive(Clone)]
struct Current {
    surroundings: Rc<Surroundings>,
    budget: Rc<Budget>,
}

thread_local! {
    static CURRENT: RefCell<Option<Current>> = const { RefCell::new(None) };
}

/// Puts back what was current before, even when the call panics.
struct Restore(Option<Current>);

impl Drop for Restore {
    fn drop(&mut self) {
        CURRENT.set(self.0.take());
    }
}

/// The call that is under way on this thread; outside of any, an empty workbench.
fn current() -> Current {
    CURRENT
        .with_borrow(Clone::clone)
        .unwrap_or_else(|| Current {
            surroundings: Workbench::new().surroundings,
            budget: Rc::new(Budget::unlimited()),
        })
}

#[cfg(test)]
mod tests;
