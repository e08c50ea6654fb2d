//! `[[channel]]`: where alerts can be sent, and that exactly one desk takes those that nobody was named for.

use super::words;
use crate::deployment::{Channel, ChannelKind, Purpose};
use crate::limits;
use crate::reader::{At, Table};

pub(super) fn channels(root: &Table<'_, '_>) -> Option<Vec<Channel>> {
    let notes = root.notes();
    let tables = root.tables("channel");
    let first = tables.first().map(Table::at);
    let mut channels = Vec::new();
    let mut names = Vec::new();
    for (index, table) in tables.into_iter().enumerate() {
        if index == limits::CHANNELS {
            table.at().complain_of(
                notes,
                format!("at most {} channels", limits::CHANNELS),
                format!("channel number {}", index + 1),
                "take channels out",
            );
        }
        let at = table.at();
        let (name, channel) = channel(table);
        names.extend(name);
        channels.push((at, channel));
    }
    words::unique(notes, &names.iter().collect::<Vec<_>>(), "channel name");
    default_desk(root, first, &channels);
    channels
        .into_iter()
        .map(|(_, channel)| channel)
        .collect::<Option<Vec<_>>>()
        .filter(|channels| !channels.is_empty())
}

/// The name also where the rest is wrong, so that a second channel of that name is found out.
fn channel(table: Table<'_, '_>) -> (Option<At<String>>, Option<Channel>) {
    const PURPOSES: [(&str, Purpose); 2] =
        [("review", Purpose::Review), ("action", Purpose::Action)];
    const KINDS: [(&str, ChannelKind); 1] = [("console", ChannelKind::Console)];
    let notes = table.notes();
    let name = words::required_name(&table, "name", "the channel's name", "desk-1");
    let what = "what the channel is for";
    let purpose = table
        .require("purpose", what, "\"review\"")
        .and_then(|value| words::word(value, notes, what, &PURPOSES));
    let what = "how the channel reaches its people";
    let kind = table
        .require("kind", what, "\"console\"")
        .and_then(|value| words::word(value, notes, what, &KINDS));
    let default = table.flag("default");
    table.finish();
    let channel = (|| {
        Some(Channel {
            name: name.as_ref()?.value.clone(),
            purpose: purpose?.value,
            kind: kind?.value,
            default: default?,
        })
    })();
    (name, channel)
}

/// Exactly one channel is the default, and it is one for review. Not asked while a channel could not be read: it might be the one.
fn default_desk(
    root: &Table<'_, '_>,
    first: Option<At<()>>,
    channels: &[(At<()>, Option<Channel>)],
) {
    let notes = root.notes();
    const EXPECTED: &str = "exactly one channel with `purpose = \"review\"` and `default = true`";
    let read: Option<Vec<_>> = channels
        .iter()
        .map(|(at, channel)| channel.as_ref().map(|channel| (at, channel)))
        .collect();
    let Some(read) = read else { return };
    let defaults: Vec<_> = read
        .into_iter()
        .filter(|(_, channel)| channel.default)
        .collect();
    if defaults.is_empty()
        && let Some(first) = first
    {
        first.complain_of(
            notes,
            EXPECTED,
            "none",
            "add `default = true` to the desk that takes alerts nobody was named for",
        );
    }
    for (index, (at, channel)) in defaults.into_iter().enumerate() {
        if index > 0 {
            at.complain_of(
                notes,
                EXPECTED,
                format!("another one, \"{}\"", channel.name),
                "take `default = true` away from one of them",
            );
        } else if channel.purpose != Purpose::Review {
            at.complain_of(
                notes,
                EXPECTED,
                format!("\"{}\", which is for action", channel.name),
                "make a channel for review the default: nobody may act on an alert that nobody has judged",
            );
        }
    }
}
