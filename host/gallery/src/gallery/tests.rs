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
        score::dot(
            &gallery.values[row as usize * 512..][..512],
            templates[0].1.values(),
        )
    });
    assert_eq!(found.len(), 10);
    assert!(scored.get() < 100, "{scored:?} of 5000 rows were scored");
}
