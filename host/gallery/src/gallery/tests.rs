//! The search against a plain scan, on shapes that are hard on it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use crate::score;
use crate::testing::{Shape, unit_vectors};
use fastrand::Rng;

fn encoder(dimension: usize) -> Arc<EncoderId> {
    Arc::new(EncoderId {
        plugin_id: "e".into(),
        plugin: "a".repeat(64),
        model: "b".repeat(64),
        backend: "onnxruntime f32".into(),
        dimension,
    })
}

fn key(number: usize) -> EntryKey {
    format!("W-{number}").into()
}

/// What the search has to find, by scoring everything.
fn plainly(
    templates: &[(EntryKey, Template)],
    probe: &Template,
    most: usize,
) -> Vec<(String, u32, u32)> {
    let mut best: Vec<(EntryKey, u32, u32, f32)> = Vec::new();
    for (key, template) in templates {
        let score = score::dot(template.values(), probe.values());
        match best.iter_mut().find(|(found, ..)| found == key) {
            Some((_, images, image, held)) => {
                if score > *held {
                    (*image, *held) = (*images, score);
                }
                *images += 1;
            }
            None => best.push((key.clone(), 1, 0, score)),
        }
    }
    best.sort_by(|a, b| b.3.total_cmp(&a.3));
    best.truncate(most);
    best.into_iter()
        .map(|(key, _, image, score)| (key.to_string(), image, score.to_bits()))
        .collect()
}

fn found(gallery: &Gallery, hits: &[Hit]) -> Vec<(String, u32, u32)> {
    hits.iter()
        .map(|hit| {
            let key = gallery.key(hit.entry).unwrap().to_string();
            (key, hit.image, hit.score.to_bits())
        })
        .collect()
}

/// Templates of `shape`, some entries with several, in an order that mixes the entries.
fn templates(
    random: &mut Rng,
    shape: Shape,
    count: usize,
    dimension: usize,
) -> Vec<(EntryKey, Template)> {
    let encoder = encoder(dimension);
    unit_vectors(random, shape, count, dimension)
        .into_iter()
        .map(|values| {
            let entry = random.usize(..count.max(4) * 3 / 4);
            (key(entry), Template::new(&encoder, &values).unwrap())
        })
        .collect()
}

#[test]
fn a_search_finds_what_a_plain_scan_finds_bit_for_bit_on_every_kernel() {
    let mut random = Rng::with_seed(17);
    for shape in Shape::ALL {
        for (count, dimension) in [
            (1, 1),
            (3, 2),
            (15, 5),
            (16, 16),
            (17, 33),
            (300, 64),
            (700, 512),
        ] {
            let templates = templates(&mut random, shape, count, dimension);
            let mut gallery = Gallery::new(encoder(dimension), templates.iter().cloned()).unwrap();
            let mut probes: Vec<Template> = unit_vectors(&mut random, shape, 3, dimension)
                .iter()
                .map(|values| Template::new(&encoder(dimension), values).unwrap())
                .collect();
            probes.push(templates[count / 2].1.clone());
            for kernel in Kernel::available() {
                gallery.kernel = kernel;
                for most in [1, 2, 10, count, usize::MAX] {
                    for probe in &probes {
                        assert_eq!(
                            found(&gallery, &gallery.search(probe, most).unwrap()),
                            plainly(&templates, probe, most),
                            "{shape:?}, {count} × {dimension}, best {most}, {kernel:?}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn a_batch_of_any_size_gives_the_bits_of_single_searches_on_every_kernel() {
    let mut random = Rng::with_seed(18);
    let templates = templates(&mut random, Shape::Even, 500, 128);
    let mut gallery = Gallery::new(encoder(128), templates.iter().cloned()).unwrap();
    let probes: Vec<Template> = unit_vectors(&mut random, Shape::Even, 70, 128)
        .iter()
        .map(|values| Template::new(&encoder(128), values).unwrap())
        .collect();
    let single: Vec<Vec<Hit>> = probes
        .iter()
        .map(|probe| gallery.search(probe, 10).unwrap())
        .collect();
    for kernel in Kernel::available() {
        gallery.kernel = kernel;
        for size in [0, 1, 2, 5, 8, 9, 64, 70] {
            let batch = gallery.search_batch(&probes[..size], 10).unwrap();
            assert_eq!(batch, single[..size], "{size} probes, {kernel:?}");
        }
    }
}

#[test]
fn a_search_agrees_with_sums_in_f64() {
    let mut random = Rng::with_seed(19);
    let templates = templates(&mut random, Shape::Even, 1000, 256);
    let gallery = Gallery::new(encoder(256), templates.iter().cloned()).unwrap();
    for (_, probe) in &templates[..20] {
        let hits = gallery.search(probe, 1000).unwrap();
        for pair in hits.windows(2) {
            assert!(pair[0].score >= pair[1].score);
        }
        for hit in hits {
            let key = gallery.key(hit.entry).unwrap();
            let images = templates.iter().filter(|(found, _)| found == key);
            let (_, template) = images.clone().nth(hit.image as usize).unwrap();
            let pairs = template.values().iter().zip(probe.values());
            let exact: f64 = pairs.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
            assert!((exact - f64::from(hit.score)).abs() < 1e-7);
        }
    }
}

#[test]
fn equal_scores_stand_in_the_order_of_entries_and_the_first_image_is_named() {
    let encoder = encoder(3);
    let same = Template::new(&encoder, &[1.0, 2.0, 3.0]).unwrap();
    // Sixty entries, two images each, all equal; the second images come in reverse.
    let first = (0..60).map(|number| (key(number), same.clone()));
    let second = (0..60).rev().map(|number| (key(number), same.clone()));
    let gallery = Gallery::new(encoder, first.chain(second)).unwrap();
    assert_eq!((gallery.entries(), gallery.images()), (60, 120));
    let hits = gallery.search(&same, 5).unwrap();
    let order: Vec<_> = hits.iter().map(|hit| (hit.entry, hit.image)).collect();
    assert_eq!(order, [(0, 0), (1, 0), (2, 0), (3, 0), (4, 0)]);
    assert_eq!(gallery.search(&same, 100).unwrap().len(), 60);
}

#[test]
fn nothing_is_found_in_an_empty_gallery_or_where_nothing_is_asked_for() {
    let encoder = encoder(3);
    let probe = Template::new(&encoder, &[1.0, 2.0, 3.0]).unwrap();
    let empty = Gallery::new(encoder.clone(), []).unwrap();
    assert_eq!(empty.search(&probe, 10).unwrap(), []);
    assert_eq!(
        empty.search_batch(std::slice::from_ref(&probe), 1).unwrap(),
        [[]]
    );
    assert_eq!((empty.entries(), empty.images()), (0, 0));
    assert!(empty.key(0).is_none());
    let mut senseless = EncoderId::clone(&encoder);
    senseless.dimension = 0;
    assert_eq!(Gallery::new(senseless.into(), []).unwrap().entries(), 0);
    let one = Gallery::new(encoder, [(key(1), probe.clone())]).unwrap();
    assert_eq!(one.search(&probe, 0).unwrap(), []);
    assert_eq!(one.search_batch(&[], 3).unwrap(), Vec::<Vec<Hit>>::new());
}

#[test]
fn templates_of_another_encoder_neither_enter_a_gallery_nor_search_it() {
    let ours = encoder(2);
    let template = Template::new(&ours, &[1.0, 0.0]).unwrap();
    let gallery = Gallery::new(ours.clone(), [(key(1), template.clone())]).unwrap();
    let change: [fn(&mut EncoderId); 4] = [
        |other| other.plugin = "c".repeat(64),
        |other| other.model = "c".repeat(64),
        |other| other.backend = "onnxruntime bf16".into(),
        |other| other.dimension = 3,
    ];
    for change in change {
        let mut theirs = EncoderId::clone(&ours);
        change(&mut theirs);
        let theirs = Arc::new(theirs);
        let foreign = Template::new(&theirs, &vec![1.0; theirs.dimension]).unwrap();
        let expected = GalleryError::ForeignEncoder {
            expected: ours.clone(),
            found: theirs,
        };
        let both = [(key(1), template.clone()), (key(2), foreign.clone())];
        assert_eq!(
            Gallery::new(ours.clone(), both).err(),
            Some(expected.clone())
        );
        assert_eq!(gallery.search(&foreign, 1), Err(expected.clone()));
        let batch = [template.clone(), foreign];
        assert_eq!(gallery.search_batch(&batch, 1), Err(expected));
    }
}

#[test]
fn the_same_encoder_from_two_places_is_the_same() {
    let template = Template::new(&encoder(2), &[1.0, 0.0]).unwrap();
    let gallery = Gallery::new(encoder(2), [(key(1), template)]).unwrap();
    let probe = Template::new(&encoder(2), &[0.6, 0.8]).unwrap();
    assert_eq!(gallery.search(&probe, 1).unwrap()[0].score, 0.6);
}

#[test]
fn many_threads_search_one_gallery_and_find_the_same() {
    let mut random = Rng::with_seed(20);
    let templates = templates(&mut random, Shape::Even, 300, 64);
    let gallery = Gallery::new(encoder(64), templates.iter().cloned()).unwrap();
    let expected = gallery.search(&templates[0].1, 7).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(gallery.search(&templates[0].1, 7).unwrap(), expected));
        }
    });
}

#[test]
fn the_scan_rules_out_nearly_everything() {
    // Otherwise the search would be right and slow, and nothing else would tell.
    let mut random = Rng::with_seed(21);
    let templates = templates(&mut random, Shape::Even, 5000, 512);
    let gallery = Gallery::new(encoder(512), templates.iter().cloned()).unwrap();
    let mut selections = gallery.scan(&[templates[0].1.clone()], 10);
    let scored = std::cell::Cell::new(0);
    let found = selections.pop().unwrap().finish(|row| {
        scored.set(scored.get() + 1);
        score::dot(gallery.values(row), templates[0].1.values())
    });
    assert_eq!(found.len(), 10);
    assert!(scored.get() < 100, "{scored:?} of 5000 rows were scored");
}

/// The gallery has to be the one that is made of these templates at once.
fn same_as_new(gallery: &Gallery, templates: &[(EntryKey, Template)], probe: &Template, of: &str) {
    let new = Gallery::new(gallery.encoder.clone(), templates.iter().cloned()).unwrap();
    assert_eq!(
        (gallery.entries(), gallery.images()),
        (new.entries(), new.images()),
        "{of}"
    );
    for entry in 0..=new.entries() as u32 {
        assert_eq!(gallery.key(entry), new.key(entry), "{of}");
    }
    for most in [1, 10, usize::MAX] {
        let hits = gallery.search(probe, most).unwrap();
        assert_eq!(hits, new.search(probe, most).unwrap(), "{of}, best {most}");
        assert_eq!(
            found(gallery, &hits),
            plainly(templates, probe, most),
            "{of}, best {most}"
        );
    }
}

#[test]
fn a_gallery_that_was_changed_is_the_one_that_is_made_at_once_bit_for_bit() {
    let mut random = Rng::with_seed(22);
    for shape in Shape::ALL {
        for segment_rows in [1, 7, 20, SEGMENT_ROWS] {
            let mut held = templates(&mut random, shape, 60, 24);
            // Entries stand in the order of their first image, as after any change.
            let mut gallery =
                Gallery::in_segments(segment_rows, encoder(24), held.iter().cloned()).unwrap();
            for step in 0..25 {
                let of = format!("{shape:?}, segments of {segment_rows}, step {step}");
                if random.bool() {
                    let count = random.usize(1..15);
                    let added = templates(&mut random, shape, count, 24)
                        .into_iter()
                        .map(|(_, template)| (key(random.usize(..80)), template));
                    let added: Vec<_> = added.collect();
                    gallery = gallery.with(added.iter().cloned()).unwrap();
                    held.extend(added);
                } else {
                    // Some that are there, some twice, some that are not.
                    let gone: Vec<EntryKey> = (0..20).map(|_| key(random.usize(..90))).collect();
                    gallery = gallery.without(&gone);
                    held.retain(|(key, _)| !gone.contains(key));
                }
                // And images of some: of those that are there, of none, and of entries that are not.
                if random.bool() {
                    let gone: Vec<(EntryKey, Vec<u32>)> = (0..10)
                        .map(|number| {
                            let entry = key(number * 9 + random.usize(..9));
                            (entry, (0..3).filter(|_| random.bool()).collect())
                        })
                        .collect();
                    gallery = gallery.without_images(&gone);
                    // An entry stays in its place when its first image goes.
                    let mut order: HashMap<EntryKey, usize> = HashMap::new();
                    for (key, _) in &held {
                        let next = order.len();
                        order.entry(key.clone()).or_insert(next);
                    }
                    held.sort_by_key(|(key, _)| order[key]);
                    let mut places: HashMap<EntryKey, u32> = HashMap::new();
                    held.retain(|(key, _)| {
                        let next = places.entry(key.clone()).or_default();
                        let place = *next;
                        *next += 1;
                        let out = gone.iter().find(|(gone, _)| gone == key);
                        !out.is_some_and(|(_, out)| out.contains(&place))
                    });
                }
                let probe = unit_vectors(&mut random, shape, 1, 24).remove(0);
                let probe = Template::new(&encoder(24), &probe).unwrap();
                same_as_new(&gallery, &held, &probe, &of);
            }
        }
    }
}

#[test]
fn a_change_makes_one_segment_anew_and_leaves_the_others_where_they_are() {
    let mut random = Rng::with_seed(23);
    let encoder = encoder(8);
    let some = |random: &mut Rng, numbers: std::ops::Range<usize>| -> Vec<_> {
        let values = unit_vectors(random, Shape::Even, numbers.len(), 8);
        let templates = values
            .iter()
            .map(|values| Template::new(&encoder, values).unwrap());
        numbers.map(key).zip(templates).collect()
    };
    let shared = |one: &Gallery, other: &Gallery| {
        let other: Vec<_> = other
            .parts
            .iter()
            .map(|part| Arc::as_ptr(&part.segment))
            .collect();
        let held = one
            .parts
            .iter()
            .filter(|part| other.contains(&Arc::as_ptr(&part.segment)));
        held.count()
    };
    let gallery = Gallery::in_segments(10, encoder.clone(), some(&mut random, 0..95)).unwrap();
    assert_eq!(gallery.parts.len(), 10);

    let more = gallery.with(some(&mut random, 95..96)).unwrap();
    assert_eq!((more.parts.len(), shared(&more, &gallery)), (10, 9));
    let less = gallery.without(&[key(33)]);
    assert_eq!((less.parts.len(), shared(&less, &gallery)), (10, 9));
    let another_image = gallery.with(some(&mut random, 33..34)).unwrap();
    assert_eq!(shared(&another_image, &gallery), 9);
    let same = gallery.without(&[key(1000)]);
    assert_eq!(shared(&same, &gallery), 10);

    // Nine of ten go: what is left is put together.
    let gone: Vec<EntryKey> = (0..95).filter(|number| number % 10 > 0).map(key).collect();
    let crumbs = gone.iter().fold(gallery, |held, gone| {
        held.without(std::slice::from_ref(gone))
    });
    assert_eq!((crumbs.entries(), crumbs.parts.len()), (10, 1));
}

#[test]
fn a_search_goes_on_while_the_gallery_changes_and_what_was_taken_out_goes_with_the_last_of_them() {
    let mut random = Rng::with_seed(24);
    let templates = templates(&mut random, Shape::Even, 200, 16);
    let gallery = Gallery::in_segments(16, encoder(16), templates.iter().cloned()).unwrap();
    let (gone, probe) = templates[0].clone();
    let hits = gallery.search(&probe, 3).unwrap();
    let segment = Arc::downgrade(&gallery.parts[0].segment);
    let less = gallery.without(std::slice::from_ref(&gone));
    // Whoever still searches the old one finds what was there.
    assert_eq!(gallery.search(&probe, 3).unwrap(), hits);
    assert!(segment.upgrade().is_some());
    drop(gallery);
    assert!(segment.upgrade().is_none(), "a template outlives its entry");
    let hits = less.search(&probe, usize::MAX).unwrap();
    assert!(hits.iter().all(|hit| less.key(hit.entry) != Some(&gone)));
}

#[test]
fn an_image_that_is_taken_out_of_its_entry_goes_with_the_last_search_and_the_others_stay() {
    let encoder = encoder(2);
    let of = |values: [f32; 2]| Template::new(&encoder, &values).unwrap();
    let images = [of([1.0, 0.0]), of([0.0, 1.0])];
    let gallery = Gallery::new(encoder.clone(), images.map(|image| (key(1), image))).unwrap();
    let segment = Arc::downgrade(&gallery.parts[0].segment);
    let less = gallery.without_images(&[(key(1), vec![0])]);
    drop(gallery);
    assert!(segment.upgrade().is_none(), "a template outlives its image");
    assert_eq!((less.entries(), less.images()), (1, 1));
    let hit = less.search(&of([0.0, 1.0]), 1).unwrap()[0];
    assert_eq!((hit.image, hit.score), (0, 1.0));
    let none = less.without_images(&[(key(1), vec![0])]);
    assert_eq!((none.entries(), none.images()), (0, 0));
}

#[test]
fn a_template_of_another_encoder_is_not_added() {
    let gallery = Gallery::new(encoder(2), []).unwrap();
    let mut other = EncoderId::clone(&encoder(2));
    other.model = "c".repeat(64);
    let foreign = Template::new(&Arc::new(other), &[1.0, 0.0]).unwrap();
    assert!(matches!(
        gallery.with([(key(1), foreign)]),
        Err(GalleryError::ForeignEncoder { .. })
    ));
}
