//! The outbox: what channels are to be told of alerts. A message is written in the transaction of its event, so that neither is ever there without the other, and stays
//! until its channel has taken it. It names an alert and what happened, and holds no image, no template and no score.
//!
//! Delivery is at least once. Before a message leaves it is marked as one that may have arrived; if the process is killed then, it is sent again, marked as sent before.
//! Whoever delivers takes a channel's messages in the order of their numbers, so that what is told of one alert comes in the order in which it happened.

use crate::alerts::Alert;
use crate::audit::{Actor, AuditEvent, AuditHead};
use crate::error::RecordsError;
use crate::fault::Fault;
use crate::force::{By, MayNot, PersonRole, SignedIn};
use crate::inputs::{self, AlertInputs};
use crate::judgements::{LivingAlert, PassedAlert, living_in};
use crate::life::{LifeState, Step, StepKind};
use crate::membership::acting_as_any;
use crate::payload;
use crate::retention::Timestamp;
use crate::runs::PluginUsed;
use crate::store::Store;
use crate::tables::{
    ACTIONS, ALERTS, ActionRow, DELIVERED, LIVES, OUTBOX, PlainRow, RouterRow, Row, RowBytes,
    if_there, last_number, number_after,
};
use crate::transaction::{Change, Reading};
use redb::{ReadableTable, TableDefinition};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most bytes that are kept of why a message was not taken.
const MOST_CAUSE: usize = 256;

/// Who may have messages delivered while no run goes on: whoever's alerts they are about, and whoever looks after the channels.
const MAY_DELIVER: [PersonRole; 3] = [
    PersonRole::Operator,
    PersonRole::EngagementOfficer,
    PersonRole::SystemEngineer,
];

/// What a channel is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum News {
    /// An alert was raised: somebody is to look at it.
    Raised,
    /// An operator has passed it: somebody may act on it.
    Passed,
    /// Its time was over before anybody judged it.
    Lapsed,
    /// The person is not on the watchlist any more.
    Withdrawn,
}

impl News {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Raised => "raised",
            Self::Passed => "passed",
            Self::Lapsed => "lapsed",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// A message to a channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Its number in the store, from 1; no two have the same.
    pub number: u64,
    /// The alert.
    pub alert: u32,
    /// The channel.
    pub channel: String,
    /// What happened.
    pub news: News,
    /// When.
    pub at: Timestamp,
    /// How often it was tried.
    pub tries: u32,
    /// Whether it may have arrived although nobody has confirmed it.
    pub may_have_arrived: bool,
    /// Why it was not taken the last time.
    pub trouble: Option<String>,
}

/// A message that its channel has taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivered {
    /// The message.
    pub message: Message,
    /// When.
    pub at: Timestamp,
}

/// A message as it leaves: with what is so about its alert at that moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Letter {
    /// The message.
    pub message: Message,
    /// The alert.
    pub alert: Alert,
    /// Where the alert is in its life now.
    pub state: LifeState,
    /// Whether it may have arrived before.
    pub again: bool,
    /// How far the audit log goes.
    pub head: AuditHead,
}

/// A channel's messages, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChannelCounts {
    /// Delivered.
    pub delivered: u64,
    /// Not delivered yet.
    pub waiting: u64,
}

impl By {
    /// Somebody who has messages delivered: an operator, an engagement officer or a system engineer.
    ///
    /// # Errors
    /// [`MayNot`].
    pub fn delivering(who: &SignedIn) -> Result<By, MayNot> {
        acting_as_any(who, &MAY_DELIVER)
    }
}

/// Tells the channels of a new alert, in the change that records it.
pub(crate) fn raised(change: &Change<'_>, alert: &Alert) -> Result<(), Fault> {
    for channel in &alert.routes {
        put(change, alert.number, channel, News::Raised, alert.raised_at)?;
    }
    Ok(())
}

/// What has to be told of an alert's step, in the change that records it.
pub(crate) fn of_step(change: &Change<'_>, alert: &Alert, step: &Step) -> Result<(), Fault> {
    let news = match step.kind {
        StepKind::Passed => {
            // Whom it goes to says the router, which is asked once this is committed. Until then the row says that nobody was asked.
            let mut actions = change.rows.open_table(ACTIONS)?;
            actions.insert(alert.number, RowBytes::of(&ActionRow::default())?)?;
            return Ok(());
        }
        StepKind::Lapsed { .. } => News::Lapsed,
        StepKind::Withdrawn | StepKind::WithdrawnByRetention { .. } => News::Withdrawn,
        _ => return Ok(()),
    };
    let acting = match change.rows.open_table(ACTIONS)?.get(alert.number)? {
        Some(row) => row.value().read()?.channels.unwrap_or_default(),
        None => Vec::new(),
    };
    // Whoever was told of it.
    for channel in alert.routes.iter().chain(&acting) {
        put(change, alert.number, channel, news, step.at)?;
    }
    Ok(())
}

fn put(
    change: &Change<'_>,
    alert: u32,
    channel: &str,
    news: News,
    at: Timestamp,
) -> Result<(), Fault> {
    let mut outbox = change.rows.open_table(OUTBOX)?;
    let waiting = last_number(&outbox)?;
    let delivered = last_number(&change.rows.open_table(DELIVERED)?)?;
    let number = number_after(waiting.max(delivered), "a message")?;
    let message = Message {
        number,
        alert,
        channel: channel.to_owned(),
        news,
        at,
        tries: 0,
        may_have_arrived: false,
        trouble: None,
    };
    outbox.insert(number, RowBytes::of(&message)?)?;
    Ok(())
}

impl Store {
    /// Messages that are not delivered, in order.
    ///
    /// # Errors
    /// [`RecordsError::Damaged`] and the like.
    pub fn outbox(&self) -> Result<Vec<Message>, RecordsError> {
        self.read(|store| rows(store, OUTBOX))
    }

    /// Messages that were delivered, in order.
    ///
    /// # Errors
    /// [`RecordsError::Damaged`] and the like.
    pub fn delivered(&self) -> Result<Vec<Delivered>, RecordsError> {
        self.read(|store| rows(store, DELIVERED))
    }

    /// Every channel that ever had a message, with its counts.
    ///
    /// # Errors
    /// [`RecordsError::Damaged`] and the like.
    pub fn channel_counts(&self) -> Result<BTreeMap<String, ChannelCounts>, RecordsError> {
        self.read(|store| {
            let mut counts: BTreeMap<String, ChannelCounts> = BTreeMap::new();
            for message in rows(store, OUTBOX)? {
                counts.entry(message.channel).or_default().waiting += 1;
            }
            for delivered in rows(store, DELIVERED)? {
                let count = counts.entry(delivered.message.channel).or_default();
                count.delivered += 1;
            }
            Ok(counts)
        })
    }

    /// Puts on record that somebody has what waits delivered while no run goes on.
    ///
    /// # Errors
    /// [`RecordsError::MayNot`]; [`RecordsError::Refused`] for what is no digest; [`RecordsError::Full`] and the like.
    pub fn begin_delivery(
        &self,
        by: &SignedIn,
        lock_sha256: &str,
        router: Option<&PluginUsed>,
        now: Timestamp,
    ) -> Result<(), RecordsError> {
        let by = By::delivering(by)?;
        payload::digest("the lock", lock_sha256)?;
        let event = AuditEvent::DeliveryBegun {
            lock_sha256: lock_sha256.to_owned(),
            router: router.cloned(),
            unrouted: self.unrouted()?.len() as u64,
            waiting: self.outbox()?.len() as u64,
        };
        self.change(|change| change.log(now, Actor::from(&by), event))
    }

    /// Takes a message out to be delivered, with what is so about its alert now, and marks it as one that may have arrived. `None` where it was delivered already.
    /// [`Store::delivered_now`] or [`Store::not_taken`] follows.
    ///
    /// # Errors
    /// [`RecordsError::Full`] and the like.
    pub fn take_out(&self, number: u64) -> Result<Option<Letter>, RecordsError> {
        self.change(|change| {
            let mut outbox = change.rows.open_table(OUTBOX)?;
            let found = outbox.get(number)?.map(|row| row.value().read());
            let Some(mut message) = found.transpose()? else {
                return Ok(None);
            };
            let again = message.may_have_arrived;
            message.tries = message.tries.saturating_add(1);
            message.may_have_arrived = true;
            outbox.insert(number, RowBytes::of(&message)?)?;
            let LivingAlert { alert, life } = living_in(change, message.alert)?;
            Ok(Some(Letter {
                message,
                alert,
                state: life.state(),
                again,
                head: change.head()?,
            }))
        })
    }

    /// A letter was taken by its channel.
    ///
    /// # Errors
    /// [`RecordsError::Full`] and the like: then the message will go out again.
    pub fn delivered_now(&self, letter: &Letter, now: Timestamp) -> Result<(), RecordsError> {
        self.change(|change| {
            let number = letter.message.number;
            let mut outbox = change.rows.open_table(OUTBOX)?;
            let found = outbox.remove(number)?.map(|row| row.value().read());
            let Some(mut message) = found.transpose()? else {
                return Ok(());
            };
            message.trouble = None;
            let event = AuditEvent::MessageDelivered {
                message: number,
                alert: message.alert,
                channel: message.channel.clone(),
                news: message.news,
                again: letter.again,
            };
            let row = RowBytes::of(&Delivered { message, at: now })?;
            change.rows.open_table(DELIVERED)?.insert(number, row)?;
            change.log(now, Actor::Host, event)
        })
    }

    /// A letter was not taken, or nobody knows. `never_left`: nothing of it can have arrived this time.
    ///
    /// # Errors
    /// [`RecordsError::Full`] and the like.
    pub fn not_taken(
        &self,
        letter: &Letter,
        cause: &str,
        never_left: bool,
    ) -> Result<(), RecordsError> {
        self.change(|change| {
            let number = letter.message.number;
            let mut outbox = change.rows.open_table(OUTBOX)?;
            let found = outbox.get(number)?.map(|row| row.value().read());
            let Some(mut message) = found.transpose()? else {
                return Ok(());
            };
            message.may_have_arrived = letter.again || !never_left;
            message.trouble = Some(cause.chars().take(MOST_CAUSE).collect());
            outbox.insert(number, RowBytes::of(&message)?)?;
            Ok(())
        })
    }

    /// Alerts that were passed and that nobody was named for yet: where the process died between the two, or a moment ago.
    ///
    /// # Errors
    /// [`RecordsError::Damaged`] and the like.
    pub fn unrouted(&self) -> Result<Vec<PassedAlert>, RecordsError> {
        self.read(|store| {
            let Some(actions) = if_there(store.rows.open_table(ACTIONS))? else {
                return Ok(Vec::new());
            };
            let mut found = Vec::new();
            for row in actions.iter()? {
                let (number, row) = row?;
                if row.value().read()?.channels.is_some() {
                    continue;
                }
                let number = number.value();
                let alert = store.rows.open_table(ALERTS)?.get(number)?;
                let life = store.rows.open_table(LIVES)?.get(number)?;
                let (Some(alert), Some(life)) = (alert, life) else {
                    return Err(Fault::Inconsistent(format!("alert {number} is gone")));
                };
                let alert = alert.value().read()?.stored.alert;
                found.extend(PassedAlert::of(alert, &life.value().read()?));
            }
            Ok(found)
        })
    }

    /// Settles who hears of a passed alert, and puts it into their outboxes. Where that was settled before, nothing changes. Takes a [`PassedAlert`]: no other alert
    /// can be put into the outbox of a channel for action. `asked` is what the router was asked and answered, sealed with the alert's other inputs; absent: nobody asked it.
    ///
    /// # Errors
    /// [`RecordsError::Refused`] for more bytes than inputs may have; [`RecordsError::Full`] and the like.
    pub fn route(
        &self,
        passed: &PassedAlert,
        channels: &[String],
        by_default: bool,
        asked: Option<&AlertInputs>,
        now: Timestamp,
    ) -> Result<bool, RecordsError> {
        let alert = passed.alert().number;
        if let Some(asked) = asked {
            asked.check(&format!("what was asked about alert {alert}"))?;
        }
        self.change(|change| {
            let found =
                (change.rows.open_table(ACTIONS)?.get(alert)?).map(|row| row.value().read());
            match found.transpose()? {
                Some(ActionRow { channels: None, .. }) => {}
                _ => return Ok(false),
            }
            let router = match asked {
                None => RouterRow::NotAsked,
                Some(asked) => match inputs::keep_action(change, self, alert, asked, now)? {
                    Some(kept) => RouterRow::Kept(kept),
                    None => RouterRow::Nothing,
                },
            };
            let row = ActionRow {
                channels: Some(channels.to_vec()),
                router,
            };
            let row = RowBytes::of(&row)?;
            change.rows.open_table(ACTIONS)?.insert(alert, row)?;
            let event = AuditEvent::AlertRouted {
                alert,
                channels: channels.to_vec(),
                by_default,
            };
            change.log(now, Actor::Host, event)?;
            for channel in channels {
                put(change, alert, channel, News::Passed, passed.at())?;
            }
            Ok(true)
        })
    }

    /// The channels for action that were told of an alert; `None` where it was not passed, or nobody was named yet.
    ///
    /// # Errors
    /// [`RecordsError::Damaged`] and the like.
    pub fn acting_channels(&self, alert: u32) -> Result<Option<Vec<String>>, RecordsError> {
        self.read(|store| {
            let Some(actions) = if_there(store.rows.open_table(ACTIONS))? else {
                return Ok(None);
            };
            let found = actions.get(alert)?.map(|row| row.value().read());
            Ok(found.transpose()?.and_then(|row| row.channels))
        })
    }
}

fn rows<T: PlainRow + 'static>(
    store: &Reading<'_>,
    which: TableDefinition<'static, u64, Row<T>>,
) -> Result<Vec<T>, Fault> {
    let Some(table) = if_there(store.rows.open_table(which))? else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for row in table.iter()? {
        found.push(row?.1.value().read()?);
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
