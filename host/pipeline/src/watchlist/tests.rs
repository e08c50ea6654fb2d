//! What a watchlist loses when images of it go, and that gallery and entries stay in step.
#![allow(clippy::unwrap_used)]

use super::*;

fn at(hours: u32) -> records::Timestamp {
    records::Timestamp::from_unix_ms(0).after_hours(hours)
}

/// An entry's reference, with the number, quality and day of each of its images.
type Listed<'a> = (&'a str, &'a [(u32, f32, u32)]);

fn watchlist(entries: &[Listed<'_>]) -> Watchlist {
    let encoder = Arc::new(EncoderId {
        plugin_id: "encoder-x".into(),
        plugin: "0a".repeat(32),
        model: "0b".repeat(32),
        backend: "onnxruntime f32".into(),
        dimension: 2,
    });
    let templates = entries.iter().flat_map(|(reference, images)| {
        let encoder = &encoder;
        images.iter().map(move |(number, ..)| {
            // Each number has a direction of its own.
            let values = [1.0, *number as f32];
            let template = Template::new(encoder, &values).unwrap();
            (EntryKey::from(*reference), template)
        })
    });
    let gallery = Gallery::new(encoder.clone(), templates).unwrap();
    let entries = entries.iter().map(|(reference, images)| Entry {
        reference: (*reference).into(),
        category: "wanted".into(),
        images: images
            .iter()
            .map(|(number, quality, hours)| ListedImage {
                number: *number,
                quality: Some(*quality),
                expires_at: at(*hours),
            })
            .collect(),
    });
    Watchlist::made(gallery, entries.collect())
}

/// References and numbers, in the gallery's order; that the gallery holds a template for each is asserted.
fn on(list: &Watchlist) -> Vec<(String, Vec<u32>)> {
    let images: usize = list.entries.iter().map(|entry| entry.images.len()).sum();
    assert_eq!(
        (list.gallery.entries(), list.gallery.images()),
        (list.entries.len(), images)
    );
    let entries = (0..).zip(&list.entries);
    entries
        .map(|(index, entry)| {
            assert_eq!(list.gallery.key(index).unwrap().as_str(), &*entry.reference);
            assert_eq!(list.find(&entry.reference), Some(index));
            for (place, image) in (0..).zip(&entry.images) {
                let values = [1.0, image.number as f32];
                let probe = Template::new(list.encoder(), &values).unwrap();
                let hits = list.gallery.search(&probe, usize::MAX).unwrap();
                let hit = hits.iter().find(|hit| hit.entry == index).unwrap();
                assert_eq!(hit.image, place, "{} {}", entry.reference, image.number);
            }
            let numbers = entry.images.iter().map(|image| image.number);
            (entry.reference.to_string(), numbers.collect())
        })
        .collect()
}

#[test]
fn what_is_past_its_day_goes_and_whoever_has_another_image_stays_with_its_number() {
    let list = watchlist(&[
        ("W-1", &[(0, 90.0, 1), (1, 40.0, 5), (4, 60.0, 9)]),
        ("W-2", &[(0, 50.0, 1)]),
        ("W-3", &[(2, 50.0, 7)]),
    ]);
    assert_eq!(list.first_expiry, Some(at(1)));
    assert!(list.past(records::Timestamp::from_unix_ms(0)).is_empty());
    assert!(list.in_time(0, 0, at(0)).is_some() && list.in_time(0, 0, at(1)).is_none());
    let past = list.past(at(1));
    assert_eq!(past, images([("W-1".into(), 0), ("W-2".into(), 0)]));

    let left = list.without_images(&past);
    let expected = [("W-1".to_owned(), vec![1, 4]), ("W-3".to_owned(), vec![2])];
    assert_eq!(on(&left), expected);
    assert_eq!(left.first_expiry, Some(at(5)));
    assert_eq!(left.entries[0].quality(), Some(60.0), "of what is left");
    assert!(left.holds("W-1", 4) && !left.holds("W-1", 0) && !left.holds("W-2", 0));
    // What is not on it takes nothing with it.
    assert_eq!(on(&left.without_images(&past)), expected);
    let none = left.without_images(&left.past(at(9)));
    assert!(on(&none).is_empty() && none.first_expiry.is_none());
}

#[test]
fn a_list_is_cut_to_another_image_by_image() {
    let other = watchlist(&[("W-1", &[(1, 40.0, 5)]), ("W-4", &[(0, 50.0, 5)])]);
    // As a challenger encodes it, which made nothing of one image.
    let list = watchlist(&[
        ("W-4", &[(0, 50.0, 5)]),
        ("W-1", &[(0, 90.0, 1), (1, 40.0, 5)]),
        ("W-2", &[(0, 50.0, 1)]),
    ]);
    let expected = [("W-4".to_owned(), vec![0]), ("W-1".to_owned(), vec![1])];
    assert_eq!(on(&list.only(&other)), expected);
}
