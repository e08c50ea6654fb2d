//! A message as it is written and sent: a line of JSON. It names an alert by its number, and no person: who wants to know more opens the alert, and that is on record.
//! `MESSAGES.md` beside this crate's manifest is for whoever writes a receiver.

use overt_deployment::{Channel, Purpose, Timestamp};
use overt_records::{AuditHead, Letter, LifeState, Priority};
use serde::Serialize;

use super::NotTaken;

/// Version of the format.
const FORMAT: u32 = 1;

#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "overt-message")]
    format: u32,
    deployment: &'a str,
    /// The message's own number: one that comes again has the same.
    message: u64,
    again: bool,
    channel: &'a str,
    purpose: &'static str,
    news: &'static str,
    /// When it happened.
    at: String,
    alert: About<'a>,
    /// When this was written.
    sent: String,
    audit: &'a AuditHead,
}

#[derive(Serialize)]
struct About<'a> {
    number: u32,
    /// Where it is now, whatever the news says.
    state: &'static str,
    /// Whether the channel's people can still do something about it.
    open: bool,
    category: &'a str,
    priority: Priority,
    camera: &'a str,
    raised: String,
}

/// The message, without the end of its line.
pub(super) fn of(deployment: &str, channel: &Channel, letter: &Letter) -> Result<String, NotTaken> {
    let Letter {
        message,
        alert,
        state,
        again,
        head,
    } = letter;
    let body = Body {
        format: FORMAT,
        deployment,
        message: message.number,
        again: *again,
        channel: &channel.name,
        purpose: channel.purpose.name(),
        news: message.news.name(),
        at: time(message.at),
        alert: About {
            number: alert.number,
            state: state.name(),
            open: is_open(channel.purpose, *state),
            category: &alert.category,
            priority: alert.priority,
            camera: &alert.camera,
            raised: time(alert.raised_at),
        },
        sent: Timestamp::now().to_string(),
        audit: head,
    };
    serde_json::to_string(&body).map_err(|error| NotTaken {
        cause: error.to_string(),
        never_left: true,
        nobody: false,
    })
}

/// A desk reviews what nobody has judged; an officer acts on what was passed.
fn is_open(purpose: Purpose, state: LifeState) -> bool {
    match purpose {
        Purpose::Review => state == LifeState::Raised,
        Purpose::Action => matches!(state, LifeState::Passed | LifeState::Viable),
    }
}

/// RFC 3339, in UTC.
fn time(at: overt_records::Timestamp) -> String {
    let time = Timestamp::from_millisecond(at.unix_ms()).unwrap_or(Timestamp::MAX);
    time.to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use overt_deployment::Deployment;
    use overt_records::{Alert, Closed, Message, News};

    use super::*;

    fn letter(state: LifeState) -> Letter {
        let at = overt_records::Timestamp::from_unix_ms(1_800_000_000_000);
        Letter {
            message: Message {
                number: 7,
                alert: 3,
                channel: "desk-1".into(),
                news: News::Raised,
                at,
                tries: 2,
                may_have_arrived: true,
                trouble: Some("no answer".into()),
            },
            alert: Alert {
                number: 3,
                reference: "W-0001".into(),
                category: "wanted-on-warrant".into(),
                camera: "gate".into(),
                track: 12,
                time: 4.5,
                raised_at: at,
                first_frame: 1,
                last_frame: 9,
                generation: 0,
                priority: Priority::High,
                routes: vec!["desk-1".into()],
            },
            state,
            again: true,
            head: AuditHead {
                events: 41,
                hash: "ab".repeat(32),
            },
        }
    }

    fn desk() -> Channel {
        let text = include_str!("../../../deployment/tests/ui/least.toml");
        let deployment = Deployment::parse("least.toml".as_ref(), text).unwrap();
        deployment.default_desk().clone()
    }

    #[test]
    fn a_message_says_what_a_receiver_needs_and_names_nobody() {
        let text = of("market", &desk(), &letter(LifeState::Raised)).unwrap();
        let found: serde_json::Value = serde_json::from_str(&text).unwrap();
        let mut expected = serde_json::json!({
            "overt-message": 1, "deployment": "market", "message": 7, "again": true,
            "channel": "desk-1", "purpose": "review", "news": "raised", "at": "2027-01-15T08:00:00Z",
            "alert": { "number": 3, "state": "raised", "open": true, "category": "wanted-on-warrant",
                "priority": "high", "camera": "gate", "raised": "2027-01-15T08:00:00Z" },
            "audit": { "events": 41, "hash": "ab".repeat(32) },
        });
        expected["sent"] = found["sent"].clone();
        assert_eq!(found, expected);
        assert!(text.starts_with('{') && !text.contains('\n'), "one line");
        assert!(!text.contains("W-0001"), "{text}");
    }

    #[test]
    fn what_comes_late_says_that_it_is_over_and_each_purpose_has_its_own_turn() {
        let lapsed = LifeState::Closed(Closed::Lapsed);
        let text = of("market", &desk(), &letter(lapsed)).unwrap();
        let found: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (&found["news"], &found["alert"]["state"]),
            (&"raised".into(), &"lapsed".into())
        );
        assert_eq!(found["alert"]["open"], false);
        let open =
            |state| [Purpose::Review, Purpose::Action].map(|purpose| is_open(purpose, state));
        assert_eq!(open(LifeState::Raised), [true, false]);
        assert_eq!(open(LifeState::Passed), [false, true]);
        assert_eq!(open(LifeState::Engaged), [false, false]);
        assert_eq!(open(LifeState::Closed(Closed::Withdrawn)), [false, false]);
    }
}
