//! Sends urgent alerts to other desks than the rest, and what a person has passed to those who act. It sees an alert's category, urgency and score, and
//! neither a name nor a face.

use overt_sdk::{Alert, AlertRouter, PassedAlert, Route, RouterError, Urgency};
use serde::Deserialize;

/// The plugin.
pub struct ByUrgency;

/// What a force sets, under `[plugins.alert-router.config]`: channels by their names in the deployment file. Where a list is empty the host's default desk
/// reviews, and nobody is told.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[derive(Default)]
struct Settings {
    /// Channels for the review of urgent alerts.
    urgent: Vec<String>,
    /// Channels for the review of all others.
    others: Vec<String>,
    /// Channels for action.
    passed: Vec<String>,
}

impl AlertRouter for ByUrgency {
    fn for_review(alert: Alert) -> Result<Vec<Route>, RouterError> {
        let settings: Settings = overt_sdk::config()?;
        let channels = match alert.urgency {
            Urgency::High => settings.urgent,
            Urgency::Normal | Urgency::Low => settings.others,
        };
        Ok(channels.into_iter().map(Route::to).collect())
    }

    fn for_action(_: PassedAlert) -> Result<Vec<Route>, RouterError> {
        let settings: Settings = overt_sdk::config()?;
        Ok(settings.passed.into_iter().map(Route::to).collect())
    }
}

#[cfg(test)]
mod tests {
    use overt_sdk::native::Workbench;

    use super::*;

    fn routes(urgency: Urgency) -> Result<Vec<Route>, RouterError> {
        let alert = Alert {
            number: 1,
            camera: "gate".into(),
            track: 1,
            time: 0.0,
            category: "sought".into(),
            urgency,
            score: 0.7,
        };
        Workbench::new()
            .config(r#"{"urgent": ["sergeant"], "others": ["desk-1", "desk-2"]}"#)
            .for_review::<ByUrgency>(alert)
    }

    #[test]
    fn an_urgent_alert_goes_to_another_desk() {
        assert_eq!(routes(Urgency::High), Ok(vec![Route::to("sergeant")]));
        let desks = vec![Route::to("desk-1"), Route::to("desk-2")];
        assert_eq!(routes(Urgency::Normal), Ok(desks));
    }

    #[test]
    fn a_misspelt_key_is_an_error_that_names_it() {
        let alert = Workbench::new().config(r#"{"urgnt": []}"#).within(|| {
            overt_sdk::config::<Settings>()
                .map(|_| ())
                .map_err(|error| error.to_string())
        });
        let named = alert.is_err_and(|error| error.starts_with("urgnt: no such key"));
        assert!(named);
    }
}
