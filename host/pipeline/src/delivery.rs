//! Couriers: each takes the messages of one channel out of the outbox and to its people, in a thread of its own, so that nobody waits for a slow receiver but that receiver's
//! own messages.
//!
//! A message that is not taken stays in the outbox and is tried again after a pause that grows. Messages about one alert keep their order; a receiver that refuses one
//! does not hold up those about other alerts. When the run ends, each courier goes once more; what is left then waits for the next run, or for somebody who has it delivered
//! without one (`dispatch`).

mod body;
mod file;
mod webhook;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};
use overt_deployment::{Channel, ChannelKind};
use overt_records::{self as records, Letter, News, RecordsError};

use crate::incident;
use crate::run::{Event, now};
use webhook::Post;

/// How often is looked for new messages.
const LOOK: Duration = Duration::from_millis(200);

/// The pause after the first failure; each further one is twice as long.
const PAUSE: Duration = Duration::from_secs(1);

/// The longest pause.
const LONGEST: Duration = Duration::from_secs(60);

/// How long the last round may take when the run ends.
const FAREWELL: Duration = Duration::from_secs(10);

/// Why a channel did not take a message.
#[derive(Debug)]
struct NotTaken {
    cause: String,
    /// Nothing of it can have arrived.
    never_left: bool,
    /// Nobody was reached, so that no other message would be taken either.
    nobody: bool,
}

/// Takes the messages of one channel.
pub(crate) struct Courier<'a> {
    pub(crate) store: &'a records::Store,
    /// The deployment's id.
    pub(crate) deployment: &'a str,
    pub(crate) channel: &'a Channel,
    /// The number of this run's first alert; the highest there is where no run goes on.
    pub(crate) first_alert: u32,
    pub(crate) tell: &'a (dyn Fn(Event<'_>) + Sync),
}

/// What a round came to.
struct Round {
    /// Why a message was not taken, the last time.
    trouble: Option<String>,
    taken: bool,
}

impl Courier<'_> {
    /// Works until `over` is closed.
    pub(crate) fn run(&self, over: &Receiver<()>) {
        let post = match &self.channel.kind {
            ChannelKind::Webhook(webhook) => Some(Post::new(webhook)),
            _ => None,
        };
        let (mut failures, mut is_told) = (0, false);
        loop {
            let is_over = match over.recv_timeout(pause(failures)) {
                Err(RecvTimeoutError::Timeout) => false,
                Ok(()) | Err(RecvTimeoutError::Disconnected) => true,
            };
            let until = is_over.then(|| Instant::now() + FAREWELL);
            let round = self.round(post.as_ref(), until).unwrap_or_else(|error| {
                tracing::error!(target: incident::TARGET, incident = "outbox", %error);
                Round {
                    trouble: Some(error.to_string()),
                    taken: false,
                }
            });
            let channel = self.channel;
            match &round.trouble {
                Some(cause) => {
                    failures += 1;
                    if !std::mem::replace(&mut is_told, true) {
                        (self.tell)(Event::Undelivered { channel, cause });
                    }
                }
                None => {
                    failures = 0;
                    if round.taken && std::mem::take(&mut is_told) {
                        (self.tell)(Event::Reached { channel });
                    }
                }
            }
            if is_over {
                return;
            }
        }
    }

    /// Tries every message once, unless nobody is there to take any.
    fn round(&self, post: Option<&Post>, until: Option<Instant>) -> Result<Round, RecordsError> {
        let mut round = Round {
            trouble: None,
            taken: false,
        };
        let mut held: BTreeSet<u32> = BTreeSet::new();
        for message in self.store.outbox()? {
            if message.channel != self.channel.name || held.contains(&message.alert) {
                continue;
            }
            if until.is_some_and(|until| Instant::now() >= until) {
                break;
            }
            let Some(letter) = self.store.take_out(message.number)? else {
                continue;
            };
            match self.give(post, &letter) {
                Ok(()) => {
                    self.store.delivered_now(&letter, now())?;
                    round.taken = true;
                }
                Err(NotTaken {
                    cause,
                    never_left,
                    nobody,
                }) => {
                    self.store.not_taken(&letter, &cause, never_left)?;
                    held.insert(message.alert);
                    round.trouble = Some(cause);
                    if nobody {
                        break;
                    }
                }
            }
        }
        Ok(round)
    }

    fn give(&self, post: Option<&Post>, letter: &Letter) -> Result<(), NotTaken> {
        let channel = self.channel;
        match (&channel.kind, post) {
            (ChannelKind::File(path), _) => {
                file::append(path, &body::of(self.deployment, channel, letter)?)
            }
            (ChannelKind::Webhook(_), Some(post)) => {
                let body = body::of(self.deployment, channel, letter)?;
                let signature = self.store.sign_message(body.as_bytes());
                post.send(&body, &signature, &self.store.audit_key())
            }
            _ => {
                // That an alert was raised, the run has said on this terminal when it was committed.
                let is_said = letter.message.news == News::Raised
                    && letter.message.alert >= self.first_alert
                    && !letter.state.is_closed();
                if !is_said {
                    (self.tell)(Event::Message { channel, letter });
                }
                Ok(())
            }
        }
    }
}

/// How long to wait after so many failures in a row.
fn pause(failures: u32) -> Duration {
    match failures.checked_sub(1) {
        None => LOOK,
        Some(doublings) => PAUSE
            .saturating_mul(2u32.saturating_pow(doublings))
            .min(LONGEST),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_minute() {
        let seconds: Vec<f64> = (0..=9).map(|n| pause(n).as_secs_f64()).collect();
        assert_eq!(
            seconds,
            [0.2, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]
        );
        assert_eq!(pause(u32::MAX), LONGEST);
    }
}
