//! Who hears of an alert that an operator has passed. The router is asked with the records' proof of the committed judgement, and nothing else can be asked about:
//!
//! ```compile_fail,E0308
//! # fn of(router: &overt_pipeline::Loaded, alert: &overt_records::Alert) {
//! // An alert that nobody has passed.
//! overt_pipeline::action::ask(router, alert, 0.7);
//! # }
//! ```
//!
//! ```compile_fail,E0451
//! # fn of(alert: overt_records::Alert, by: overt_records::Judge, at: overt_records::Timestamp) {
//! // Nobody can make the proof but the records.
//! let passed = overt_records::PassedAlert { alert, by, at };
//! # }
//! ```

use overt_deployment::{Channel, Purpose};
use overt_records::{self as records, PassedAlert, Timestamp};
use overt_runtime::decision::{Alert, PassedAlert as Asked, Route, Urgency};
use overt_runtime::{CallCause, CallError, Metered, Plugin, Role};

use crate::admission::Loaded;
use crate::inputs::Passing;
use crate::shadow::Shadow;

/// Whom a passed alert goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routes {
    /// The channels, all of them for action.
    pub channels: Vec<String>,
    /// Whether they are all there are, because the router named none or could not be asked.
    pub by_default: bool,
}

/// Asks a router about a passed alert. `score` is the alert's own, which the records keep apart. What it was asked comes with the answer.
pub fn ask(router: &Loaded, passed: &PassedAlert, score: f32) -> (Asked, Metered<Vec<Route>>) {
    let asked = question(passed, score);
    let called = call(&router.plugin, passed, &asked);
    (asked, called)
}

/// Asks a plugin what was asked about a passed alert once before. The answer goes nowhere but into a comparison.
pub(crate) fn ask_again(
    plugin: &Plugin,
    passed: &PassedAlert,
    asked: &Asked,
) -> Metered<Vec<Route>> {
    call(plugin, passed, asked)
}

#[allow(clippy::disallowed_methods)] // The one place that has the proof.
fn call(plugin: &Plugin, _proof: &PassedAlert, asked: &Asked) -> Metered<Vec<Route>> {
    plugin.for_action_metered(asked)
}

/// What a router is asked about a passed alert.
pub(crate) fn question(passed: &PassedAlert, score: f32) -> Asked {
    let alert = passed.alert();
    let waited = passed
        .at()
        .unix_ms()
        .saturating_sub(alert.raised_at.unix_ms());
    Asked {
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
    }
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

/// Whom a passed alert goes to, on record.
pub(crate) struct Settled {
    pub(crate) routes: Routes,
    /// How the call ended, where the router was asked.
    pub(crate) called: Option<Result<(), CallError>>,
    /// What the host refused of its answer.
    pub(crate) refused: Vec<CallError>,
}

impl Settled {
    /// All that failed.
    pub(crate) fn failures(&self) -> impl Iterator<Item = &CallError> {
        let called = self.called.as_ref();
        called
            .and_then(|called| called.as_ref().err())
            .into_iter()
            .chain(&self.refused)
    }
}

/// Asks the router, where there is one to ask, and settles whom a passed alert goes to. What it was asked and answered is sealed with that. A challenger is asked the same once that
/// is on record; what it answers goes into a comparison.
pub(crate) fn settle(
    store: &records::Store,
    router: Option<&Loaded>,
    shadow: Option<&Shadow>,
    channels: &[Channel],
    passed: &PassedAlert,
    now: Timestamp,
) -> Result<Settled, records::RecordsError> {
    // Once an alert's score is gone, the router cannot be asked what it would be asked otherwise.
    let payload = store.alert_payload(passed.alert().number)?;
    let asked = router.zip(payload).map(|(router, payload)| {
        let (asked, called) = ask(router, passed, payload.score);
        (router, asked, called)
    });
    let named = match &asked {
        Some((_, _, called)) => called.answer.as_deref().unwrap_or_default(),
        None => &[],
    };
    let (routes, refused) = routes(named, channels);
    let sealed = asked.as_ref().and_then(|(router, asked, called)| {
        Passing::sealed(&router.plugin, &router.capabilities, asked, called, &routes)
    });
    store.route(
        passed,
        &routes.channels,
        routes.by_default,
        sealed.as_ref(),
        now,
    )?;
    if let (Some((_, asked, called)), Some(shadow)) = (&asked, shadow)
        && let Ok(served) = &called.answer
        && shadow.is_asked()
    {
        let challenger = &shadow.loaded.plugin;
        if let Some(named) = shadow.ask(|| ask_again(challenger, passed, asked).answer) {
            shadow.routes(served, &named);
        }
    }
    let refused = match router {
        Some(router) => refused
            .into_iter()
            .map(|what| host_refused(router, passed, what))
            .collect(),
        None => Vec::new(),
    };
    Ok(Settled {
        routes,
        called: asked.map(|(_, _, called)| called.answer.map(drop)),
        refused,
    })
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
