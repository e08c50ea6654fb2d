//! The plugin `router-desk`: who is asked to review an alert, and who hears of one that was passed, by camera, category and urgency.
//! It sees no face and no name.

mod rules;

pub use rules::{Rule, Settings};

use overt_sdk::{Alert, AlertRouter, PassedAlert, Route, RouterError};

/// The router.
pub struct Desk;

impl AlertRouter for Desk {
    fn for_review(alert: Alert) -> Result<Vec<Route>, RouterError> {
        let settings: Settings = overt_sdk::config()?;
        settings.routes(&settings.review, &alert)
    }

    fn for_action(alert: PassedAlert) -> Result<Vec<Route>, RouterError> {
        let settings: Settings = overt_sdk::config()?;
        settings.routes(&settings.action, &alert.alert)
    }
}

overt_sdk::alert_router!(Desk);
