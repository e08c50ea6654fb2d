//! `[[channel]]`: where alerts can be sent, and that exactly one desk takes those that nobody was named for.

use std::cell::RefCell;

use super::words;
use crate::deployment::{Channel, ChannelKind, Purpose};
use crate::files::NamedFile;
use crate::limits;
use crate::reader::{At, Table};
use crate::webhook::{Webhook, WebhookAddress};

pub(super) fn channels(
    root: &Table<'_, '_>,
    files: &RefCell<Vec<NamedFile>>,
) -> Option<Vec<Channel>> {
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
        let (name, channel) = channel(table, files);
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

/// The kinds, before it is known where they lead.
#[derive(Clone, Copy)]
enum Kind {
    Console,
    File,
    Webhook,
}

/// The name also where the rest is wrong, so that a second channel of that name is found out.
fn channel(
    table: Table<'_, '_>,
    files: &RefCell<Vec<NamedFile>>,
) -> (Option<At<String>>, Option<Channel>) {
    const PURPOSES: [(&str, Purpose); 2] =
        [("review", Purpose::Review), ("action", Purpose::Action)];
    const KINDS: [(&str, Kind); 3] = [
        ("console", Kind::Console),
        ("file", Kind::File),
        ("webhook", Kind::Webhook),
    ];
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
    // Each kind has keys of its own; one that belongs to another kind is unknown here.
    let kind = kind.and_then(|kind| match kind.value {
        Kind::Console => Some(ChannelKind::Console),
        Kind::File => file(&table),
        Kind::Webhook => webhook(&table, files),
    });
    let default = table.flag("default");
    table.finish();
    let channel = (|| {
        Some(Channel {
            name: name.as_ref()?.value.clone(),
            purpose: purpose?.value,
            kind: kind?,
            default: default?,
        })
    })();
    (name, channel)
}

fn file(table: &Table<'_, '_>) -> Option<ChannelKind> {
    const WHAT: &str = "the file that lines are added to";
    let value = table.require("file", WHAT, "\"alerts/desk-1.jsonl\"")?;
    Some(ChannelKind::File(
        words::path(value, table.notes(), WHAT)?.value,
    ))
}

fn webhook(table: &Table<'_, '_>, files: &RefCell<Vec<NamedFile>>) -> Option<ChannelKind> {
    const WHAT: &str = "the receiver's address";
    let notes = table.notes();
    let authorities = table.find("authorities").map(|value| {
        let what = "the certificates of the authorities that may vouch for the receiver";
        let mend = "name their file, as PEM, or take the line out";
        words::existing_file(value, notes, what, mend, files)
    });
    let string = table
        .require("url", WHAT, "\"https://desk.example/alerts\"")?
        .string(notes, WHAT)?;
    let address = match WebhookAddress::parse(string.value) {
        Ok(address) => address,
        Err(fault) => {
            string.complain(
                notes,
                fault.to_string(),
                "write `\"https://desk.example/alerts\"`; without encryption only to an address of this machine, such as `\"http://127.0.0.1:8080/alerts\"`",
            );
            return None;
        }
    };
    let authorities = match authorities {
        None => None,
        Some(found) => Some(found?),
    };
    Some(ChannelKind::Webhook(Webhook {
        address,
        authorities,
    }))
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
