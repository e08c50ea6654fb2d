//! Who hears of an alert that an operator has passed. The router is asked with the records' proof of the committed judgement, and nothing else can be asked about:
//!
//! ```compile_fail
//! # fn of(router: &overt_pipeline::Loaded, alert: &overt_records::Alert) {
//! // An alert that nobody has passed.
//! overt_pipeline::action::ask(router, alert, 0.7);
//! # }
//! ```
//!
//! ```compile_fail
//! # fn of(alert: overt_records::Alert, by: overt_records::Judge, at: overt_records::Timestamp) {
//! // Nobody can make the proof but the records.
//! let passed = overt_records::PassedAlert { alert, by, at };
//! # }
//! ```

use overt_deployment::{Channel, Purpose};
use overt_records::{self as records, PassedAlert, Timestamp};
use overt_runtime::decision::{Alert, PassedAlert as Asked, Route, Urgency};
use overt_runtime::{CallCause, CallError, Role};

use crate::admission::Loaded;

/// Whom a passed alert goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routes {
    /// The channels, all of them for action.
    pub channels: Vec<String>,
    /// Whether they are all there are, because the router named none or could not be asked.
    pub by_default: bool,
}

/// Asks a router about a passed alert. `score` is the alert's own, which the records keep apart.
///
/// # Errors
/// What the call ended with.
#[allow(clippy::disallowed_methods)] // The one place that has the proof.
pub fn ask(router: &Loaded, passed: &PassedAlert, score: f32) -> Result<Vec<Route>, CallError> {
    let alert = passed.alert();
    let waited = passed
        .at()
        .unix_ms()
        .saturating_sub(alert.raised_at.unix_ms());
    router.plugin.for_action(&Asked {
        alert: Alert {
            number: alert.number,
            camera: alert.camera.clone(),
            track: alert.track,
            time: alert.time,
            category: alert.category.clone(),
            urgency: match alert.priority {
                records::Priority::Low => Urgency::Low,
                records::Priority::Normal => Urgency::Normal,
                records::Priority::High => Urgency::High,
            },
            score,
        },
        // A clock that was set back between the two makes no judgement come before its alert.
        judged_after: waited.max(0) as f64 / 1_000.0,
    })
}

/// What the router named, without what it may not name. Where nothing is left, every channel for action: a passed alert reaches somebody, or the deployment has nobody
/// to act. And what was refused.
pub(crate) fn routes(named: &[Route], channels: &[Channel]) -> (Routes, Vec<String>) {
    let (mut kept, mut refused) = (Vec::new(), Vec::new());
    for Route { channel: name } in named {
        match channels.iter().find(|channel| channel.name == *name) {
            None => refused.push(format!(
                "it named the channel {name:?}, which the deployment file does not have"
            )),
            Some(channel) if channel.purpose != Purpose::Action => refused.push(format!(
                "it named the channel {name:?} for action, whose purpose is review"
            )),
            Some(channel) => kept.push(channel.name.clone()),
        }
    }
    let by_default = kept.is_empty();
    if by_default {
        let acting = channels
            .iter()
            .filter(|channel| channel.purpose == Purpose::Action);
        kept = acting.map(|channel| channel.name.clone()).collect();
    }
    let routes = Routes {
        channels: kept,
        by_default,
    };
    (routes, refused)
}

/// Asks the router, where there is one to ask, and settles whom a passed alert goes to. Hears what failed.
pub(crate) fn settle(
    store: &records::Store,
    router: Option<&Loaded>,
    channels: &[Channel],
    passed: &PassedAlert,
    now: Timestamp,
    failed: &dyn Fn(&CallError),
) -> Result<(), records::RecordsError> {
    // Once an alert's score is gone, the router cannot be asked what it would be asked otherwise.
    let payload = store.alert_payload(passed.alert().number)?;
    let mut named = Vec::new();
    if let (Some(router), Some(payload)) = (router, &payload) {
        match ask(router, passed, payload.score) {
            Ok(routes) => named = routes,
            Err(error) => failed(&error),
        }
    }
    let (routes, refused) = routes(&named, channels);
    if let Some(router) = router {
        for what in refused {
            failed(&host_refused(router, passed, what));
        }
    }
    store.route(passed, &routes.channels, routes.by_default, now)?;
    Ok(())
}

fn host_refused(router: &Loaded, passed: &PassedAlert, what: String) -> CallError {
    let identity = router.plugin.identity();
    CallError {
        plugin: identity.id.clone(),
        version: identity.version.clone(),
        role: Role::AlertRouter,
        camera: Some(passed.alert().camera.as_str().into()),
        frame: None,
        cause: CallCause::Answer(overt_runtime::answer::AnswerFault::Refused(what)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use overt_deployment::Deployment;

    use super::*;

    fn channels(acting: &str) -> Vec<Channel> {
        let text = include_str!("../../deployment/tests/ui/least.toml");
        let text = text.replace("[trust]", &format!("{acting}\n[trust]"));
        Deployment::parse("least.toml".as_ref(), &text)
            .unwrap()
            .channels
    }

    const TEAMS: &str = "[[channel]]\nname = \"team\"\npurpose = \"action\"\nkind = \"console\"\n
        [[channel]]\nname = \"van\"\npurpose = \"action\"\nkind = \"console\"\n";

    fn named(names: &[&str]) -> Vec<Route> {
        let route = |name: &&str| Route {
            channel: (*name).to_owned(),
        };
        names.iter().map(route).collect()
    }

    #[test]
    fn a_passed_alert_goes_where_the_router_says_and_never_to_a_desk_for_review() {
        let (routes, refused) = routes(&named(&["van", "desk-1", "nobody"]), &channels(TEAMS));
        assert_eq!(
            (routes.channels, routes.by_default),
            (vec!["van".to_owned()], false)
        );
        assert!(
            refused[0].contains("whose purpose is review"),
            "{refused:?}"
        );
        assert!(refused[1].contains("does not have"), "{refused:?}");
    }

    #[test]
    fn where_the_router_names_nobody_who_acts_everybody_who_does_is_told() {
        for answer in [&[][..], &["desk-1"]] {
            let (routes, _) = routes(&named(answer), &channels(TEAMS));
            assert_eq!(routes.channels, ["team", "van"]);
            assert!(routes.by_default);
        }
        let (routes, _) = routes(&[], &channels(""));
        assert_eq!(routes.channels, [""; 0], "there is nobody to act");
    }
}
