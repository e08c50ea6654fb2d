//! What the decision thread remembers of a track until it ends: scores, and pictures in case of an alert. Dropped with the track; nothing of
//! it is stored unless it raises an alert.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use overt_gallery::{EncoderId, Hit};
use overt_runtime::decision::{
    Candidate, EarlierAlert, Observation, Offer, Probe as ObservedProbe, QualityValue, SearchResult,
};
use overt_vision::{Frame, Rect};

use crate::inputs::Calls;
use crate::pictures::Still;
use crate::watchlist::Watchlist;
use crate::way::{Probe, TrackSpan};

/// Entries that a track's observation offers at most (`wit/matcher-policy.wit`): those that came to most, and those that were alerted.
const OFFERED: usize = 64;

/// Probes that an observation holds at most; the newest.
const PROBES: usize = 32;

/// Frames that an alert's strip shows at most.
const STRIP: usize = 6;

/// A track, its scores and its pictures.
pub(crate) struct Trail {
    pub(crate) span: TrackSpan,
    /// The watchlist that everything here was found in; entries are its indices.
    watchlist: Arc<Watchlist>,
    /// Probes in all, also those that are no longer kept.
    pub(crate) probed: u32,
    /// Indices of entries. Each has a best score.
    offered: Vec<u32>,
    /// Entries for which this track raised an alert.
    alerted: Vec<u32>,
    probes: VecDeque<Kept>,
    best: BTreeMap<u32, Best>,
    strip: Vec<(Arc<Still>, Rect)>,
    /// What the policy was asked about it.
    pub(crate) calls: Calls,
}

struct Kept {
    time: f64,
    width: f32,
    height: f32,
    confidence: f32,
    quality: Vec<(String, f32)>,
    /// Place in `offered`, score and rank.
    candidates: Vec<Candidate>,
}

/// The best that an entry came to on this track.
#[derive(Clone)]
pub(crate) struct Best {
    pub(crate) score: f32,
    /// Which of the entry's images, in the gallery's order.
    pub(crate) image: u32,
    /// The face that it was.
    pub(crate) crop: Arc<Frame>,
}

/// One comparison, for the record of an alert.
pub(crate) struct Comparison {
    pub(crate) time: f64,
    pub(crate) entry: u32,
    pub(crate) score: f32,
}

impl Trail {
    pub(crate) fn new(span: TrackSpan, watchlist: Arc<Watchlist>) -> Trail {
        Trail {
            span,
            watchlist,
            probed: 0,
            offered: Vec::new(),
            alerted: Vec::new(),
            probes: VecDeque::new(),
            best: BTreeMap::new(),
            strip: Vec::new(),
            calls: Calls::default(),
        }
    }

    /// Goes on with the watchlist of the generation that the track's next frame has met. Scores of another encoder say nothing beside new ones: what was found
    /// so far is dropped, and only for whom the track raised an alert is still known. Where the encoder is the same, somebody was put on the list or taken off it, or images went:
    /// what was found of the others stands, and of whoever was taken off nothing does. Nor does it of whoever has lost an image, for a score does not say whether it was that one:
    /// by their other images they are found anew.
    pub(crate) fn go_on_with(&mut self, watchlist: &Arc<Watchlist>) {
        if Arc::ptr_eq(&self.watchlist, watchlist) {
            return;
        }
        let alerted = self.alerted.iter().filter_map(|entry| {
            let entry = &self.watchlist.entries[*entry as usize];
            watchlist.find(&entry.reference)
        });
        self.alerted = alerted.collect();
        if self.watchlist.encoder() == watchlist.encoder() {
            self.keep_those_of(watchlist);
        } else {
            self.offered.clear();
            self.probes.clear();
            self.best.clear();
        }
        self.watchlist = watchlist.clone();
    }

    /// Keeps what was found of those who are on this list of the same encoder, under their indices there.
    fn keep_those_of(&mut self, watchlist: &Watchlist) {
        let index = |entry: u32| {
            let was = &self.watchlist.entries[entry as usize];
            let index = watchlist.find(&was.reference)?;
            let images = &watchlist.entries[index as usize].images;
            images.starts_with(&was.images).then_some(index)
        };
        // The new place of each place among those offered.
        let mut places = Vec::with_capacity(self.offered.len());
        let mut offered = Vec::with_capacity(self.offered.len());
        for entry in &self.offered {
            places.push(index(*entry).map(|entry| {
                offered.push(entry);
                offered.len() as u32 - 1
            }));
        }
        let best = std::mem::take(&mut self.best).into_iter();
        let best = best.filter_map(|(entry, best)| Some((index(entry)?, best)));
        self.best = best.collect();
        self.offered = offered;
        for probe in &mut self.probes {
            probe.candidates.retain_mut(|candidate| {
                let place = places.get(candidate.offered as usize).copied().flatten();
                candidate.offered = place.unwrap_or_default();
                place.is_some()
            });
        }
    }

    /// The encoder that its scores are of.
    fn encoder(&self) -> &EncoderId {
        self.watchlist.encoder()
    }

    /// Takes a probe of this track.
    pub(crate) fn add(&mut self, span: TrackSpan, probe: Probe, time: f64) {
        self.span = span;
        self.probed += 1;
        let crop = Arc::new(probe.crop);
        if self.probes.len() == PROBES {
            self.probes.pop_front();
        }
        let face = probe.face;
        // Kept before its candidates are known, so that an entry that makes way is taken out of this probe like out of any other.
        self.probes.push_back(Kept {
            time,
            width: face.bounds.width,
            height: face.bounds.height,
            confidence: face.confidence,
            quality: probe.quality,
            candidates: Vec::with_capacity(probe.hits.len()),
        });
        for (
            index,
            Hit {
                entry,
                image,
                score,
            },
        ) in probe.hits.into_iter().enumerate()
        {
            let Some(offered) = self.offer(entry, score) else {
                continue;
            };
            if let Some(kept) = self.probes.back_mut() {
                kept.candidates.push(Candidate {
                    offered,
                    score,
                    rank: index as u32 + 1,
                });
            }
            let best = self.best.entry(entry).or_insert_with(|| Best {
                score,
                image,
                crop: crop.clone(),
            });
            if score > best.score {
                *best = Best {
                    score,
                    image,
                    crop: crop.clone(),
                };
            }
        }
        self.strip.push((probe.still, face.bounds));
        if self.strip.len() > STRIP {
            // Drops the inner frame whose neighbours are nearest to each other, so that the strip spans the whole pass.
            let gap = |index: &usize| {
                self.strip[index + 1].0.sequence() - self.strip[index - 1].0.sequence()
            };
            if let Some(index) = (1..self.strip.len() - 1).min_by_key(gap) {
                self.strip.remove(index);
            }
        }
    }

    /// The place of an entry among those offered. Where there is no more room the one that came to least makes way for one that comes to more, and is
    /// forgotten: what poor probes found must not keep out whom a good one finds. `None` where none makes way.
    fn offer(&mut self, entry: u32, score: f32) -> Option<u32> {
        if let Some(place) = self.place(entry) {
            return Some(place);
        }
        if self.offered.len() < OFFERED {
            self.offered.push(entry);
            return Some(self.offered.len() as u32 - 1);
        }
        let (place, gone, least) = (0..)
            .zip(&self.offered)
            // An entry with an alert stays: the policy has to be told of that alert.
            .filter(|(_, offered)| !self.is_alerted(**offered))
            .filter_map(|(place, offered)| Some((place, *offered, self.best(*offered)?.score)))
            .min_by(|one, other| one.2.total_cmp(&other.2))?;
        if score <= least {
            return None;
        }
        self.best.remove(&gone);
        for probe in &mut self.probes {
            probe
                .candidates
                .retain(|candidate| candidate.offered != place);
        }
        self.offered[place as usize] = entry;
        Some(place)
    }

    /// Notes that the track raised an alert for an entry.
    pub(crate) fn note_alert(&mut self, entry: u32) {
        self.alerted.push(entry);
    }

    /// Whether the track raised an alert for an entry.
    pub(crate) fn is_alerted(&self, entry: u32) -> bool {
        self.alerted.contains(&entry)
    }

    /// The entry at a place among those offered.
    pub(crate) fn entry(&self, offered: u32) -> Option<u32> {
        self.offered.get(offered as usize).copied()
    }

    /// The place of an entry among those offered.
    pub(crate) fn place(&self, entry: u32) -> Option<u32> {
        self.offered
            .iter()
            .position(|offered| *offered == entry)
            .map(|place| place as u32)
    }

    /// The best that an entry came to.
    pub(crate) fn best(&self, entry: u32) -> Option<&Best> {
        self.best.get(&entry)
    }

    /// The frames for an alert's strip, oldest first.
    pub(crate) fn strip(&self) -> &[(Arc<Still>, Rect)] {
        &self.strip
    }

    /// Every comparison that is still kept.
    pub(crate) fn comparisons(&self) -> impl Iterator<Item = Comparison> + '_ {
        self.probes.iter().flat_map(|probe| {
            probe.candidates.iter().filter_map(|candidate| {
                Some(Comparison {
                    time: probe.time,
                    entry: self.entry(candidate.offered)?,
                    score: candidate.score,
                })
            })
        })
    }

    /// What a policy is shown.
    pub(crate) fn observe(
        &self,
        camera: &str,
        time: f64,
        ended: bool,
        raised: Vec<EarlierAlert>,
    ) -> Observation {
        let encoder = &self.encoder().plugin_id;
        Observation {
            track: self.span.track,
            camera: camera.to_owned(),
            time,
            ended,
            offered: self
                .offered
                .iter()
                .map(|entry| {
                    let entry = &self.watchlist.entries[*entry as usize];
                    Offer {
                        category: entry.category.clone(),
                        image_quality: entry.quality(),
                    }
                })
                .collect(),
            probes: self
                .probes
                .iter()
                .map(|probe| ObservedProbe {
                    time: probe.time,
                    width: probe.width,
                    height: probe.height,
                    confidence: probe.confidence,
                    quality: probe
                        .quality
                        .iter()
                        .map(|(name, value)| QualityValue {
                            name: name.clone(),
                            value: *value,
                        })
                        .collect(),
                    results: vec![SearchResult {
                        encoder: encoder.clone(),
                        candidates: probe.candidates.clone(),
                    }],
                })
                .collect(),
            raised,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use overt_gallery::{EntryKey, Gallery, Template};
    use overt_vision::{Face, FrameInfo};

    use super::*;
    use crate::watchlist::{Entry, ListedImage};

    /// A watchlist of these references, which this plugin has encoded.
    fn watchlist(plugin: &str, references: impl Iterator<Item = String>) -> Arc<Watchlist> {
        let encoder = Arc::new(EncoderId {
            plugin_id: plugin.into(),
            plugin: "0a".repeat(32),
            model: "0b".repeat(32),
            backend: "onnxruntime f32".into(),
            dimension: 4,
        });
        let references: Vec<String> = references.collect();
        let templates = references.iter().map(|reference| {
            let template = Template::new(&encoder, &[1.0, 0.5, 0.25, 0.125]).unwrap();
            (EntryKey::from(reference.as_str()), template)
        });
        Arc::new(Watchlist::made(
            Gallery::new(encoder.clone(), templates).unwrap(),
            references
                .iter()
                .map(|reference| Entry {
                    reference: reference.as_str().into(),
                    category: "wanted".into(),
                    images: vec![listed(0)],
                })
                .collect(),
        ))
    }

    fn listed(number: u32) -> ListedImage {
        ListedImage {
            number,
            quality: None,
            expires_at: overt_records::Timestamp::from_unix_ms(1_000),
        }
    }

    fn trail() -> Trail {
        let span = TrackSpan {
            track: 1,
            first_frame: 0,
            last_frame: 0,
            first_time: 0.0,
            last_time: 0.0,
        };
        let references = (0..1_000).map(|number| format!("W-{number:04}"));
        Trail::new(span, watchlist("encoder-x", references))
    }

    #[test]
    fn another_encoders_scores_are_dropped_and_for_whom_there_was_an_alert_is_still_known() {
        let mut trail = trail();
        add(&mut trail, 1.0, vec![(3, 0.9), (4, 0.2)]);
        trail.note_alert(3);
        trail.note_alert(4);
        let same = trail.watchlist.clone();
        trail.go_on_with(&same);
        assert_eq!(trail.comparisons().count(), 2);

        // W-0003 has another place now, and W-0004 is on it no more.
        let left = [0, 2, 3, 7].map(|number| format!("W-{number:04}"));
        trail.go_on_with(&watchlist("encoder-y", left.into_iter()));
        assert!(trail.is_alerted(2) && !trail.is_alerted(3) && !trail.is_alerted(4));
        assert!(trail.comparisons().count() == 0 && trail.best(3).is_none());
        let observed = trail.observe("gate", 1.0, false, Vec::new());
        assert!(observed.offered.is_empty() && observed.probes.is_empty());
        add(&mut trail, 2.0, vec![(2, 0.8)]);
        let observed = trail.observe("gate", 2.0, false, Vec::new());
        assert_eq!(observed.probes[0].results[0].encoder, "encoder-y");
        assert_eq!(trail.entry(0), Some(2));
        assert_eq!(trail.probed, 2, "the looks are the track's");
    }

    #[test]
    fn whoever_is_taken_off_the_list_is_lost_at_once_and_what_was_found_of_the_others_stands() {
        let mut trail = trail();
        add(&mut trail, 1.0, vec![(3, 0.9), (4, 0.2), (7, 0.5)]);
        add(&mut trail, 2.0, vec![(4, 0.6), (7, 0.4)]);
        trail.note_alert(3);
        trail.note_alert(7);
        // W-0003 goes; the others move up.
        let without = trail.watchlist.without("W-0003");
        trail.go_on_with(&Arc::new(without));
        assert!(!trail.is_alerted(3) && trail.is_alerted(6));
        assert_eq!(trail.best(3).unwrap().score, 0.6);
        assert_eq!(trail.best(6).unwrap().score, 0.5);
        let found: Vec<(f64, u32, f32)> = trail
            .comparisons()
            .map(|found| (found.time, found.entry, found.score))
            .collect();
        let expected = [(1.0, 6, 0.5), (1.0, 3, 0.2), (2.0, 3, 0.6), (2.0, 6, 0.4)];
        assert_eq!(found, expected);
        let observed = trail.observe("gate", 2.0, false, Vec::new());
        assert_eq!(observed.offered.len(), 2);
        let same = trail.watchlist.clone();
        let references = [0, 1].map(|place| {
            let entry = trail.entry(place).unwrap();
            same.entries[entry as usize].reference.to_string()
        });
        assert!(references.contains(&"W-0004".into()) && references.contains(&"W-0007".into()));
    }

    #[test]
    fn what_was_found_of_whoever_lost_an_image_is_forgotten_and_for_whom_there_was_an_alert_is_known()
     {
        let mut trail = trail();
        let with = |numbers: &[u32]| {
            let mut entries = trail.watchlist.entries.clone();
            entries[3].images = numbers.iter().copied().map(listed).collect();
            let gallery = trail.watchlist.gallery.without(&[]);
            Arc::new(Watchlist::made(gallery, entries))
        };
        let (one, both, other) = (with(&[0]), with(&[0, 1]), with(&[1]));
        add(&mut trail, 1.0, vec![(3, 0.9), (4, 0.2)]);
        trail.note_alert(3);
        // Another image makes nothing untrue that was found.
        for same in [one, both] {
            trail.go_on_with(&same);
            assert_eq!(trail.best(3).unwrap().score, 0.9);
        }
        trail.go_on_with(&other);
        assert!(trail.best(3).is_none() && trail.place(3).is_none());
        assert!(trail.is_alerted(3), "no second alert on this track");
        assert_eq!(trail.best(4).unwrap().score, 0.2);
        assert!(trail.comparisons().all(|found| found.entry == 4));
        // They are found anew by the image that is left.
        add(&mut trail, 2.0, vec![(3, 0.7)]);
        assert_eq!(trail.best(3).unwrap().score, 0.7);
    }

    /// Adds a probe with these entries and scores, which are sorted as a search sorts them.
    fn add(trail: &mut Trail, time: f64, mut found: Vec<(u32, f32)>) {
        let frame = || {
            let info = FrameInfo {
                camera: Arc::from("gate"),
                sequence: time as u32,
                captured_at: time,
            };
            Frame::from_bgr(info, 8, 8, &[90; 8 * 8 * 3]).unwrap()
        };
        let bounds = Rect {
            x: 1.0,
            y: 1.0,
            width: 4.0,
            height: 4.0,
        };
        found.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
        let hits = found.into_iter().map(|(entry, score)| Hit {
            entry,
            image: 0,
            score,
        });
        let probe = Probe {
            track: 1,
            face: Face {
                bounds,
                confidence: 0.9,
                landmarks: None,
            },
            quality: Vec::new(),
            hits: hits.collect(),
            crop: frame(),
            still: Arc::new(Still::of(&frame(), Arc::from([bounds])).unwrap()),
        };
        let span = trail.span;
        trail.add(span, probe, time);
    }

    #[test]
    fn whom_a_good_probe_finds_is_offered_however_many_the_poor_ones_before_it_found() {
        let mut trail = trail();
        for probe in 0..7 {
            let found = (0..10).map(|hit| (probe * 10 + hit, 0.2 + hit as f32 / 100.0));
            add(&mut trail, f64::from(probe), found.collect());
        }
        assert_eq!(trail.offered.len(), OFFERED);
        add(&mut trail, 7.0, vec![(999, 0.8), (1, 0.1)]);
        let place = trail.place(999).unwrap();
        let newest = &trail.probes.back().unwrap().candidates;
        assert_eq!(
            (newest[0].offered, newest[0].score, newest[0].rank),
            (place, 0.8, 1)
        );
        assert_eq!(trail.best(999).unwrap().score, 0.8);
    }

    /// Of any probes: those offered are the best that were found, none of them twice; those that were alerted stay; and every candidate that is kept is of its entry, with
    /// its score of its probe.
    #[test]
    fn the_best_entries_are_offered_and_every_candidate_is_of_its_entry() {
        for seed in 1..40u64 {
            let mut state = seed;
            let mut random = move |below: u64| {
                // Knuth's MMIX generator.
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                (state >> 33) % below
            };
            let mut trail = trail();
            let mut best: BTreeMap<u32, f32> = BTreeMap::new();
            let mut found_at: BTreeMap<u32, BTreeMap<u32, f32>> = BTreeMap::new();
            for time in 0..60u32 {
                let found: BTreeMap<u32, f32> = (0..10)
                    // Few scores, so that many are equal.
                    .map(|_| (random(150) as u32, random(20) as f32 / 20.0))
                    .collect();
                for (entry, score) in &found {
                    let known = best.entry(*entry).or_insert(*score);
                    *known = known.max(*score);
                }
                add(
                    &mut trail,
                    f64::from(time),
                    found.clone().into_iter().collect(),
                );
                found_at.insert(time, found);
                let entry = trail.offered[random(trail.offered.len() as u64) as usize];
                if random(6) == 0 && !trail.is_alerted(entry) {
                    trail.note_alert(entry);
                }

                let offered: std::collections::BTreeSet<u32> =
                    trail.offered.iter().copied().collect();
                assert_eq!(offered.len(), trail.offered.len(), "one stands twice");
                assert_eq!(offered.len(), best.len().min(OFFERED));
                assert!(trail.alerted.iter().all(|entry| offered.contains(entry)));
                let least = trail
                    .offered
                    .iter()
                    .filter(|entry| !trail.alerted.contains(entry))
                    .map(|entry| trail.best(*entry).unwrap().score)
                    .fold(f32::INFINITY, f32::min);
                for (entry, best) in &best {
                    match trail.best(*entry) {
                        Some(kept) if offered.contains(entry) => {
                            assert!(kept.score <= *best);
                        }
                        None if !offered.contains(entry) => assert!(*best <= least, "{entry}"),
                        _ => panic!("{entry} is offered without a best score, or the reverse"),
                    }
                }
                let kept = trail.comparisons().inspect(|comparison| {
                    let probe = &found_at[&(comparison.time as u32)];
                    assert_eq!(probe.get(&comparison.entry), Some(&comparison.score));
                });
                assert!(kept.count() > 0);
            }
        }
    }
}
