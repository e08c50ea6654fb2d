//! A generation is on record with its templates, or neither is.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use overt_records::{By, ChangeCause, GenerationChange, RecordsError, RunId, StoredTemplate};
use support::{Folder, NOW, encoder, header, image};

/// As a record from before people signed in names them.
fn typed(name: &str) -> By {
    serde_json::from_value(name.into()).unwrap()
}

fn change() -> GenerationChange {
    GenerationChange {
        run: RunId(0),
        number: 1,
        at: NOW,
        cause: ChangeCause::Swap {
            by: typed("A. N. Engineer"),
            reason: "the new encoder was evaluated".into(),
        },
        plugins: Vec::new(),
        models: Vec::new(),
        lock_sha256: None,
        score_floor: 0.45,
    }
}

fn template(reference: &str, image: u32, first: f32) -> StoredTemplate {
    StoredTemplate {
        reference: reference.into(),
        category: String::new(),
        image,
        expires_at: NOW.after_hours(48),
        quality: None,
        values: vec![first, 0.5, 0.25, 0.125].into(),
    }
}

#[test]
fn a_new_encoders_templates_come_with_its_generation_and_pictures_and_times_stay() {
    let folder = Folder::new();
    let store = folder.store();
    let images = [image("W-1", 1), image("W-1", 2), image("W-2", 3)];
    store.watchlist().enrol(&images, NOW).unwrap();
    let before = store.watchlist().list().unwrap();
    let run = store.begin_run(&header()).unwrap();
    let templates = [10.0, 11.0, 12.0]
        .into_iter()
        .zip([("W-1", 0), ("W-1", 1), ("W-2", 0)]);
    let templates: Vec<_> = templates
        .map(|(first, (reference, image))| template(reference, image, first))
        .collect();
    let new = store.re_encode(&encoder(9), &templates, NOW).unwrap();
    // Until they are in use, those of the encoder that serves are.
    assert_eq!(store.watchlist().templates(&encoder(1)).unwrap().len(), 3);
    run.change_generation(&change(), Some(&new)).unwrap();
    // And again, to the encoder after that.
    let next: Vec<_> = templates
        .into_iter()
        .map(|template| StoredTemplate {
            values: template
                .values
                .iter()
                .map(|value| value + 10.0)
                .collect::<Vec<f32>>()
                .into(),
            ..template
        })
        .collect();
    let next = store.re_encode(&encoder(8), &next, NOW).unwrap();
    let second = GenerationChange {
        number: 2,
        ..change()
    };
    run.change_generation(&second, Some(&next)).unwrap();
    drop((run, store));

    let store = folder.store();
    let found = store.watchlist().templates(&encoder(8)).unwrap();
    let firsts: Vec<f32> = found.iter().map(|template| template.values[0]).collect();
    assert_eq!(firsts, [20.0, 21.0, 22.0]);
    assert_eq!(found[0].category, "wanted-on-warrant");
    assert_eq!(found[0].quality, Some(70.5));
    for gone in [1, 9] {
        assert!(store.watchlist().templates(&encoder(gone)).is_err());
    }
    let picture = store.watchlist().picture("W-1", 1).unwrap().unwrap();
    assert_eq!(picture.source_name, "W-1-2.jpg");
    for (before, after) in before.iter().zip(store.watchlist().list().unwrap()) {
        for (before, after) in before.images.iter().zip(after.images) {
            assert_eq!(
                (before.image, before.enrolled_at, before.expires_at),
                (after.image, after.enrolled_at, after.expires_at)
            );
        }
    }
    // The end of their retention is what it was.
    let swept = store.sweep(before[0].images[0].expires_at).unwrap();
    assert_eq!(swept.watchlist_images, 3);
    let recorded = store.generations().unwrap();
    assert_eq!(recorded.len(), 2);
    assert_eq!((recorded[0].run.0, recorded[0].number), (1, 1));
    assert_eq!(recorded[0].cause, change().cause);
}

#[test]
fn templates_that_are_not_the_watchlists_change_nothing() {
    let folder = Folder::new();
    let store = folder.store();
    let images = [image("W-1", 1), image("W-2", 3)];
    store.watchlist().enrol(&images, NOW).unwrap();
    let run = store.begin_run(&header()).unwrap();
    let mut wide = template("W-2", 0, 2.0);
    wide.values.push(1.0);
    let wrong = [
        vec![template("W-1", 0, 1.0)],
        vec![
            template("W-1", 0, 1.0),
            template("W-2", 0, 2.0),
            template("W-3", 0, 3.0),
        ],
        vec![template("W-1", 0, 1.0), template("W-2", 0, f32::NAN)],
        vec![template("W-1", 0, 1.0), wide],
    ];
    for templates in wrong {
        let refused = store
            .re_encode(&encoder(9), &templates, NOW)
            .and_then(|new| {
                run.change_generation(&change(), Some(&new))
                    .inspect_err(|_| {
                        store.give_up(&new, NOW).unwrap();
                    })
            });
        assert!(
            matches!(refused, Err(RecordsError::Refused { .. })),
            "{refused:?}"
        );
    }
    let nobody = GenerationChange {
        cause: ChangeCause::Swap {
            by: typed(""),
            reason: "because".into(),
        },
        ..change()
    };
    assert!(run.change_generation(&nobody, None).is_err());
    assert_eq!(store.generations().unwrap(), []);
    assert_eq!(
        store.watchlist().templates(&encoder(1)).unwrap().len(),
        2,
        "the old encoder's templates are there as they were"
    );
}
