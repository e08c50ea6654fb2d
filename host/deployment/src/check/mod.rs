//! From the text of a deployment file to a checked [`Deployment`], or to every mistake in it. Here is the order of the work; each part of the file has
//! a module of its own.

mod authority;
mod cameras;
mod channels;
mod host;
mod judgement;
mod plugins;
mod references;
pub(crate) mod rules;
mod syntax;
mod trust;
mod words;

use std::cell::RefCell;

use toml::de::DeTable;

use crate::deployment::{Deployment, Watchlist};
use crate::files::NamedFile;
use crate::limits;
use crate::problem::Problems;
use crate::reader::{At, Notes, Table};
use crate::text::Text;

/// Checks a whole file.
pub(crate) fn deployment(text: Text) -> Result<Deployment, Problems> {
    let (table, errors) = DeTable::parse_recoverable(text.source());
    let syntax = syntax::sort(&text, &table, errors);
    let notes = Notes::new(&text, syntax.refused);
    for problem in syntax.problems {
        notes.add(problem);
    }
    let files = RefCell::new(Vec::new());
    // Where the text's structure is broken, what the parser made of the rest is a guess: to complain about it would mislead.
    let parts = if syntax.structure_is_broken {
        None
    } else {
        parts(
            &Table::new(&notes, table.get_ref(), String::new(), 0..0),
            &files,
        )
    };
    let (list, omitted) = notes.into_problems();
    match parts {
        Some(parts) if list.is_empty() => {
            Ok(parts.into_deployment(text.clone(), files.into_inner()))
        }
        _ => Err(Problems::new(list, omitted, text.clone())),
    }
}

/// What the file says, before it is known whether anything in it is a mistake.
struct Parts {
    identity: authority::Identity,
    authority: crate::deployment::Authority,
    host: crate::deployment::Host,
    cameras: Vec<crate::deployment::Camera>,
    watchlist: Watchlist,
    plugins: crate::plugin::Plugins,
    channels: Vec<crate::deployment::Channel>,
    judgement: crate::deployment::Judgement,
    retention: crate::deployment::Retention,
    trust: crate::trust::Trust,
    documents: Vec<crate::deployment::Document>,
    notice: Option<crate::deployment::Notice>,
}

impl Parts {
    fn into_deployment(self, text: Text, files: Vec<NamedFile>) -> Deployment {
        let Self {
            identity,
            authority,
            host,
            cameras,
            watchlist,
            plugins,
            channels,
            judgement,
            retention,
            trust,
            documents,
            notice,
        } = self;
        Deployment {
            id: identity.id,
            purpose: identity.purpose,
            place: identity.place,
            use_case: identity.use_case,
            start: identity.start.value,
            end: identity.end.value,
            authority,
            host,
            cameras,
            watchlist,
            plugins,
            channels,
            judgement,
            retention,
            trust,
            documents,
            notice,
            text,
            files,
        }
    }
}

/// Reads every part, and only then asks whether all of them are there: a mistake in one must not hide those in the next.
fn parts(root: &Table<'_, '_>, files: &RefCell<Vec<NamedFile>>) -> Option<Parts> {
    let notes = root.notes();
    let section = |name| {
        root.require(name, "a table", &format!("[{name}]"))
            .and_then(|value| value.table(notes))
    };

    let identity = section("deployment").and_then(authority::identity);
    let authority = section("authority").and_then(|table| authority::authority(table, files));
    let documents = authority::documents(root, files);
    let notice = authority::notice(root);
    let host = section("host").and_then(|table| host::host(table, files));
    let cameras = cameras::cameras(root, authority.as_ref(), files);
    let watchlist = section("watchlist").map(watchlist);
    let categories = watchlist
        .as_ref()
        .and_then(|watchlist| watchlist.categories.as_deref());
    let channels = channels::channels(root, files);
    let judgement = judgement::judgement(root);
    let retention = host::retention(root);
    let names = references::Names {
        cameras: cameras
            .as_deref()
            .map(|cameras| cameras.iter().map(|camera| camera.id.as_str()).collect()),
        categories: categories.map(|names| names.iter().map(String::as_str).collect()),
        channels: channels.as_deref().map(|channels| {
            channels
                .iter()
                .map(|channel| channel.name.as_str())
                .collect()
        }),
    };
    let plugins = section("plugins").and_then(|table| plugins::plugins(&table, &names, files));
    if let (Some(least), Some(None)) = (
        watchlist
            .as_ref()
            .and_then(|watchlist| watchlist.least_quality.as_ref()),
        plugins.as_ref().map(|plugins| &plugins.quality),
    ) {
        least.complain_of(
            notes,
            "`least-quality` in a deployment that measures quality",
            "no `[plugins.quality]`",
            "add a quality plugin, or take the line out",
        );
    }
    let trust = section("trust").and_then(|table| trust::trust(table, files));
    root.finish();

    let watchlist = watchlist?;
    Some(Parts {
        identity: identity?,
        authority: authority?.value,
        host: host?,
        cameras: cameras?,
        watchlist: Watchlist {
            categories: watchlist.categories?,
            least_quality: watchlist.least_quality.map(|least| least.value),
        },
        plugins: plugins?,
        channels: channels?,
        judgement: judgement?,
        retention: retention?,
        trust: trust?,
        documents: documents?,
        notice: notice?,
    })
}

/// `[watchlist]`.
fn watchlist(table: Table<'_, '_>) -> WatchlistParts {
    let notes = table.notes();
    let expected = "a list of the watchlist's categories";
    let value = table.require(
        "categories",
        expected,
        r#"["wanted-on-warrant", "missing-person"]"#,
    );
    let categories = value.and_then(|value| {
        let whole: At<()> = At {
            value: (),
            key: value.key.clone(),
            span: value.span.clone(),
        };
        let items = value.items(notes, expected)?;
        if items.is_empty() || items.len() > limits::CATEGORIES {
            whole.complain(
                notes,
                format!("1 to {} categories", limits::CATEGORIES),
                "name every category that an entry of this deployment may have",
            );
        }
        words::names(items, notes, "a category", "category")
    });
    let least_quality = table.find("least-quality").and_then(|value| {
        let at = At {
            value: (),
            key: value.key.clone(),
            span: value.span.clone(),
        };
        let least = crate::reader::integer(value, notes, 0..=100)?;
        Some(At {
            value: least as u8,
            key: at.key,
            span: at.span,
        })
    });
    table.finish();
    WatchlistParts {
        categories,
        least_quality,
    }
}

/// `[watchlist]`, before it is known whether there is a quality plugin.
struct WatchlistParts {
    categories: Option<Vec<String>>,
    least_quality: Option<At<u8>>,
}
