//! The watchlist as its users see it: enrol, list, remove, load for a search.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use overt_records::{Closed, Enrolled, LifeState, NewImage, News, RecordsError, Store};
use support::{Folder, NOW, alert, counts, digest, encoder, folder_holds, header, image, settings};

#[test]
fn an_enrolled_image_comes_back_as_it_was_after_the_store_was_closed() {
    let folder = Folder::new();
    let images = [image("W-2", 1), image("W-1", 2), image("W-1", 3)];
    let answers = folder.store().watchlist().enrol(&images, NOW).unwrap();
    assert_eq!(answers, [Enrolled::Added; 3]);

    let store = Store::open(&folder.records(), &settings()).unwrap();
    let list = store.watchlist().list().unwrap();
    let shape: Vec<_> = list
        .iter()
        .map(|entry| (entry.reference.as_str(), entry.images.len()))
        .collect();
    assert_eq!(shape, [("W-1", 2), ("W-2", 1)]);
    assert_eq!(list[0].images[1].enrolled_at, NOW);
    assert_eq!(list[0].images[1].expires_at, NOW.after_hours(48));
    assert_eq!(list[0].images[1].encoder, encoder(1));

    let templates = store.watchlist().templates(&encoder(1)).unwrap();
    assert_eq!(templates.len(), 3);
    assert_eq!(
        (templates[1].reference.as_str(), templates[1].image),
        ("W-1", 1)
    );
    assert_eq!(templates[1].values, images[2].template);
    assert_eq!(templates[1].quality, Some(70.5));
    let picture = store.watchlist().picture("W-1", 1).unwrap().unwrap();
    assert!(picture == images[2].picture);
    assert!(store.watchlist().picture("W-1", 2).unwrap().is_none());
    assert!(store.watchlist().picture("W-9", 0).unwrap().is_none());
}

#[test]
fn enrolling_the_same_image_again_replaces_it_and_adds_nothing() {
    let folder = Folder::new();
    let store = folder.store();
    let watchlist = store.watchlist();
    watchlist
        .enrol(&[image("W-1", 1), image("W-1", 2)], NOW)
        .unwrap();
    let mut again = image("W-1", 1);
    again.template[0] = 99.0;
    let later = NOW.after_hours(1);
    for _ in 0..2 {
        let answers = watchlist.enrol(std::slice::from_ref(&again), later);
        assert_eq!(answers.unwrap(), [Enrolled::Replaced]);
    }
    let list = watchlist.list().unwrap();
    let numbers: Vec<_> = list[0].images.iter().map(|image| image.image).collect();
    assert_eq!(numbers, [0, 1]);
    assert_eq!(list[0].images[0].enrolled_at, later);
    let templates = watchlist.templates(&encoder(1)).unwrap();
    assert_eq!(templates[0].values[0], 99.0);
    assert_eq!(templates.len(), 2);
    drop(store);
    // What was replaced leaves no key behind: the store opens with the keys of two images.
    assert_eq!(slots(&folder), 2);
}

fn slots(folder: &Folder) -> u64 {
    (std::fs::metadata(folder.keys()).unwrap().len() - 512) / 128
}

#[test]
fn the_same_image_twice_in_one_batch_is_one_image() {
    let folder = Folder::new();
    let store = folder.store();
    let answers = store
        .watchlist()
        .enrol(&[image("W-1", 1), image("W-1", 1)], NOW);
    assert_eq!(answers.unwrap(), [Enrolled::Added, Enrolled::Replaced]);
    assert_eq!(store.watchlist().list().unwrap()[0].images.len(), 1);
    assert_eq!(store.watchlist().templates(&encoder(1)).unwrap().len(), 1);
}

#[test]
fn the_same_photograph_may_stand_in_two_entries() {
    let folder = Folder::new();
    let store = folder.store();
    let answers = store
        .watchlist()
        .enrol(&[image("W-1", 1), image("W-2", 1)], NOW);
    assert_eq!(answers.unwrap(), [Enrolled::Added; 2]);
}

#[test]
fn a_removed_entry_is_gone_with_its_keys_and_its_neighbour_stays() {
    let folder = Folder::new();
    let store = folder.store();
    let watchlist = store.watchlist();
    watchlist
        .enrol(&[image("W-1", 1), image("W-1", 2), image("W-2", 3)], NOW)
        .unwrap();
    assert_eq!(slots(&folder), 3);
    assert_eq!(watchlist.remove("W-1", NOW).unwrap(), Some(2));
    assert_eq!(watchlist.remove("W-1", NOW).unwrap(), None);
    assert_eq!(slots(&folder), 1);
    let templates = watchlist.templates(&encoder(1)).unwrap();
    assert_eq!(templates.len(), 1);
    assert_eq!(templates[0].reference, "W-2");
    assert!(watchlist.picture("W-1", 0).unwrap().is_none());
}

#[test]
fn templates_of_another_encoder_are_an_error_that_names_both() {
    let folder = Folder::new();
    let store = folder.store();
    let mut newer = image("W-2", 2);
    newer.encoder = encoder(2);
    let images = [image("W-1", 1), newer.clone()];
    store.watchlist().enrol(&images, NOW).unwrap();
    let Err(RecordsError::OtherEncoder(error)) = store.watchlist().templates(&encoder(2)) else {
        panic!("no such error");
    };
    assert_eq!((error.images, error.reference.as_str()), (1, "W-1"));
    assert_eq!((&error.stored, &error.wanted), (&encoder(1), &encoder(2)));
    let text = error.to_string();
    assert!(text.contains(&digest(1)[..12]) && text.contains(&digest(2)[..12]));

    let mut elsewhere = encoder(1);
    elsewhere.backend = "onnxruntime bf16".into();
    let error = store.watchlist().templates(&elsewhere).err().unwrap();
    assert!(error.to_string().contains("onnxruntime f32"), "{error}");
    assert!(error.to_string().contains("onnxruntime bf16"), "{error}");

    let mut wider = encoder(1);
    wider.dimension = 512;
    let error = store.watchlist().templates(&wider).err().unwrap();
    assert!(error.to_string().contains("512 values"), "{error}");
    assert!(error.to_string().contains("4 values"), "{error}");
}

#[test]
fn an_entry_cannot_change_its_category_unnoticed() {
    let folder = Folder::new();
    let store = folder.store();
    store.watchlist().enrol(&[image("W-1", 1)], NOW).unwrap();
    let mut other = image("W-1", 2);
    other.category = "missing-person".into();
    let batch = [image("W-2", 3), other];
    let error = store.watchlist().enrol(&batch, NOW).unwrap_err();
    assert!(matches!(error, RecordsError::CategoryDiffers { .. }));
    let list = store.watchlist().list().unwrap();
    assert_eq!(list.len(), 1, "no image of the batch was enrolled");
}

#[test]
fn an_image_with_a_value_outside_its_limits_is_refused_by_name() {
    type Spoil = (&'static str, fn(&mut NewImage));
    let spoils: [Spoil; 14] = [
        ("empty", |image| image.reference.clear()),
        ("bytes of a name", |image| image.reference = "x".repeat(257)),
        ("control", |image| image.category = "a\nb".into()),
        ("JPEG bytes", |image| {
            image.picture.jpeg.resize((16 << 20) + 1, 0)
        }),
        ("source", |image| {
            image.picture.source_name = "x".repeat(4097)
        }),
        ("SHA-256", |image| {
            image.picture.source_sha256.make_ascii_uppercase()
        }),
        ("SHA-256", |image| {
            image.encoder.model_sha256 = "0".repeat(63)
        }),
        ("landmark", |image| {
            image.picture.landmarks = Some([(0.0, f32::NAN); 5])
        }),
        ("quality values", |image| {
            image.picture.quality = vec![("q".into(), 1.0); 65]
        }),
        ("quality value", |image| {
            image.picture.quality[0].1 = f32::INFINITY
        }),
        ("template values", |image| image.template.truncate(3)),
        ("template values", |image| {
            image.encoder.dimension = 0;
            image.template.clear();
        }),
        ("template values", |image| {
            image.encoder.dimension = 4097;
            image.template.resize(4097, 0.5);
        }),
        ("template value", |image| image.template[2] = f32::NAN),
    ];
    let folder = Folder::new();
    let store = folder.store();
    for (expected, spoil) in spoils {
        let mut bad = image("W-1", 0xab);
        spoil(&mut bad);
        let error = store.watchlist().enrol(&[image("W-0", 1), bad], NOW);
        let error = error.unwrap_err();
        assert!(matches!(error, RecordsError::Refused { .. }), "{error}");
        assert!(error.to_string().contains(expected), "{expected}: {error}");
    }
    assert!(store.watchlist().list().unwrap().is_empty());
}

#[test]
fn an_entry_has_a_limit_of_images() {
    let folder = Folder::new();
    let store = folder.store();
    let images: Vec<_> = (0..=255).map(|source| image("W-1", source)).collect();
    store.watchlist().enrol(&images, NOW).unwrap();
    let mut one_more = image("W-1", 0);
    one_more.picture.source_sha256 = "01".repeat(32).replacen('0', "f", 1);
    let error = store.watchlist().enrol(&[one_more], NOW).unwrap_err();
    assert!(error.to_string().contains("256 images"), "{error}");
}

#[test]
fn no_image_template_or_file_name_stands_readable_on_disk() {
    let folder = Folder::new();
    let mut secret = image("W-1", 0x5a);
    secret.template = vec![0.123_456_7, 1.0, 2.0, 3.0].into();
    folder
        .store()
        .watchlist()
        .enrol(std::slice::from_ref(&secret), NOW)
        .unwrap();
    assert!(folder_holds(folder.path(), b"W-1"), "the search works");
    assert!(!folder_holds(folder.path(), &[0x5a; 16]));
    assert!(!folder_holds(folder.path(), &0.123_456_7f32.to_le_bytes()));
    assert!(!folder_holds(
        folder.path(),
        secret.picture.source_name.as_bytes()
    ));
    assert!(!folder_holds(folder.path(), digest(0x5a).as_bytes()));
}

#[test]
fn a_watchlist_of_thousands_is_enrolled_in_one_batch_and_loads_whole() {
    let folder = Folder::new();
    let images: Vec<NewImage> = (0..2000)
        .map(|number| image(&format!("W-{number:05}"), (number % 251) as u8))
        .collect();
    folder.store().watchlist().enrol(&images, NOW).unwrap();
    let store = folder.store();
    let templates = store.watchlist().templates(&encoder(1)).unwrap();
    assert_eq!(templates.len(), 2000);
    for (template, image) in templates.iter().zip(&images) {
        assert_eq!(template.reference, image.reference);
        assert_eq!(template.values, image.template);
    }
}

#[test]
fn taking_an_entry_off_withdraws_the_alerts_about_it_in_the_same_change_and_their_desks_are_told() {
    let folder = Folder::new();
    let store = folder.store();
    store
        .watchlist()
        .enrol(&[image("W-1", 1), image("W-2", 2)], NOW)
        .unwrap();
    let run = store.begin_run(&header()).unwrap();
    let mut other = alert(2);
    other.alert.reference = "W-2".into();
    run.commit_decisions(&[alert(1), other], &counts(2))
        .unwrap();
    assert_eq!(store.watchlist().remove("W-1", NOW).unwrap(), Some(1));
    let states: Vec<LifeState> = store
        .living()
        .unwrap()
        .iter()
        .map(|living| living.life.state())
        .collect();
    let withdrawn = LifeState::Closed(Closed::Withdrawn);
    assert_eq!(states, [withdrawn, LifeState::Raised]);
    let last = store.outbox().unwrap().pop().unwrap();
    assert_eq!(
        (last.alert, last.news, last.channel.as_str()),
        (1, News::Withdrawn, "desk-1")
    );
}
