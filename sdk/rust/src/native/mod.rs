//! The place of the host in a plugin's native tests and benchmarks: configuration, the log, and, with the feature `vision`, frames and models. For those it
//! stands on the host's own library, and enforces none of the host's limits but the budget for tensors.
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

#[cfg(feature = "vision")]
mod convert;
#[cfg(feature = "vision")]
mod handles;
#[cfg(feature = "vision")]
mod perception;
#[cfg(feature = "vision")]
mod setup;
pub(crate) mod system;

#[cfg(feature = "vision")]
pub use setup::{Setup, SetupError};

use std::cell::RefCell;
use std::rc::Rc;

use crate::bindings::alert_router::exports::overt::algorithm::alert_router::Guest as _;
use crate::bindings::matcher_policy::exports::overt::algorithm::matcher_policy::Guest as _;
use crate::log::Level;
use crate::{
    Alert, AlertRouter, Decision, MatcherPolicy, Observation, PassedAlert, PolicyError, Route,
    RouterError, exported,
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
                config: "{}".into(),
                lines: RefCell::default(),
                #[cfg(feature = "vision")]
                perception: perception::Perception::default(),
            }),
        }
    }

    /// The plugin's table of the deployment file, as JSON.
    pub fn config(self, json: impl Into<String>) -> Workbench {
        self.with(|surroundings| surroundings.config = json.into())
    }

    /// The lines that plugins wrote so far.
    pub fn lines(&self) -> Vec<(Level, String)> {
        self.surroundings.lines.borrow().clone()
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
            #[cfg(feature = "vision")]
            budget: self.surroundings.perception.budget(),
        };
        let _restored = Restore(CURRENT.replace(Some(mine)));
        call()
    }

    fn with(mut self, change: impl FnOnce(&mut Surroundings)) -> Workbench {
        // Nobody else holds it: handles that outlive a call hold its models, never the whole.
        if let Some(surroundings) = Rc::get_mut(&mut self.surroundings) {
            change(surroundings);
        }
        self
    }
}

struct Surroundings {
    config: String,
    lines: RefCell<Vec<(Level, String)>>,
    #[cfg(feature = "vision")]
    perception: perception::Perception,
}

/// A call that is under way.
#[derive(Clone)]
struct Current {
    surroundings: Rc<Surroundings>,
    #[cfg(feature = "vision")]
    budget: Rc<overt_vision::Budget>,
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
            #[cfg(feature = "vision")]
            budget: Rc::new(overt_vision::Budget::unlimited()),
        })
}

#[cfg(all(test, feature = "vision"))]
mod tests;
