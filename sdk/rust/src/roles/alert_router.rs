//! The role `alert-router`: who is asked to look.

use core::marker::PhantomData;

use crate::text::printable;
use crate::{Alert, ConfigError, PassedAlert, Route, RouterError, RouterErrorCode};

/// Says who should review an alert, and who should hear of one that was passed.
pub trait AlertRouter {
    /// The desks that should review a new alert, each once, at most 16. An empty list means the deployment's default desk.
    fn for_review(alert: Alert) -> Result<Vec<Route>, RouterError>;

    /// The officers who should hear of an alert that a person has passed, each once, at most 16.
    fn for_action(alert: PassedAlert) -> Result<Vec<Route>, RouterError>;
}

/// Exports a type with [`AlertRouter`] as the plugin's role `alert-router`. Natively it only checks that the type has the trait.
#[macro_export]
macro_rules! alert_router {
    ($plugin:ty) => {
        const _: () = {
            const fn is_an_alert_router<T: $crate::AlertRouter>() {}
            is_an_alert_router::<$plugin>();
            #[cfg(target_arch = "wasm32")]
            type Exported = $crate::exported::AlertRouter<$plugin>;
            #[cfg(target_arch = "wasm32")]
            $crate::bindings::alert_router::export!(Exported with_types_in $crate::bindings::alert_router);
        };
    };
}

/// A router as the bindings want it: its messages are brought into the contract's bounds.
pub struct Exported<T>(PhantomData<T>);

impl<T: AlertRouter> crate::bindings::alert_router::exports::overt::algorithm::alert_router::Guest
    for Exported<T>
{
    fn for_review(alert: Alert) -> Result<Vec<Route>, RouterError> {
        T::for_review(alert).map_err(within_bounds)
    }

    fn for_action(alert: PassedAlert) -> Result<Vec<Route>, RouterError> {
        T::for_action(alert).map_err(within_bounds)
    }
}

fn within_bounds(error: RouterError) -> RouterError {
    RouterError {
        message: printable(error.message),
        ..error
    }
}

impl Route {
    /// A route to a `[[channel]]` of the deployment file.
    pub fn to(channel: impl Into<String>) -> Route {
        Route {
            channel: channel.into(),
        }
    }
}

impl RouterError {
    /// The router could not decide.
    pub fn failed(message: impl Into<String>) -> RouterError {
        RouterError {
            code: RouterErrorCode::Failed,
            message: message.into(),
        }
    }
}

impl From<ConfigError> for RouterError {
    fn from(error: ConfigError) -> Self {
        RouterError {
            code: RouterErrorCode::BadConfig,
            message: error.to_string(),
        }
    }
}
