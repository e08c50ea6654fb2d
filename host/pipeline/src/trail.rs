//! What the decision thread remembers of a track until it ends: scores, and pictures in case of an alert. Dropped with the track; nothing of
//! it is stored unless it raises an alert.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use overt_gallery::Hit;
use overt_runtime::decision::{
    Candidate, EarlierAlert, Observation, Offer, Probe as ObservedProbe, QualityValue, SearchResult,
};
use overt_vision::{Frame, Rect};

use crate::generation::Generation;
use crate::pictures::Still;
use crate::way::{Probe, TrackSpan};

/// Entries that a track's observation offers at most (`wit/matcher-policy.wit`).
const OFFERED: usize = 64;

/// Probes that an observation holds at most; the newest.
const PROBES: usize = 32;

/// Frames that an alert's strip shows at most.
const STRIP: usize = 6;

/// A track, its scores and its pictures.
pub(crate) struct Trail {
    pub(crate) span: TrackSpan,
    /// Probes in all, also those that are no longer kept.
    pub(crate) probed: u32,
    /// Indices of entries, in the order in which the search found them.
    offered: Vec<u32>,
    probes: VecDeque<Kept>,
    best: BTreeMap<u32, Best>,
    strip: Vec<(Arc<Still>, Rect)>,
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
    pub(crate) fn new(span: TrackSpan) -> Trail {
        Trail {
            span,
            probed: 0,
            offered: Vec::new(),
            probes: VecDeque::new(),
            best: BTreeMap::new(),
            strip: Vec::new(),
        }
    }

    /// Takes a probe of this track.
    pub(crate) fn add(&mut self, span: TrackSpan, probe: Probe, time: f64) {
        self.span = span;
        self.probed += 1;
        let crop = Arc::new(probe.crop);
        let mut candidates = Vec::with_capacity(probe.hits.len());
        for (
            index,
            Hit {
                entry,
                image,
                score,
            },
        ) in probe.hits.into_iter().enumerate()
        {
            let Some(offered) = self.offer(entry) else {
                continue;
            };
            candidates.push(Candidate {
                offered,
                score,
                rank: index as u32 + 1,
            });
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
        if self.probes.len() == PROBES {
            self.probes.pop_front();
        }
        let face = probe.face;
        self.probes.push_back(Kept {
            time,
            width: face.bounds.width,
            height: face.bounds.height,
            confidence: face.confidence,
            quality: probe.quality,
            candidates,
        });
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

    /// The place of an entry among those offered; `None` where there is no more room.
    fn offer(&mut self, entry: u32) -> Option<u32> {
        let place = match self.offered.iter().position(|offered| *offered == entry) {
            Some(place) => place,
            None if self.offered.len() < OFFERED => {
                self.offered.push(entry);
                self.offered.len() - 1
            }
            None => return None,
        };
        Some(place as u32)
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
        generation: &Generation,
        camera: &str,
        time: f64,
        ended: bool,
        raised: Vec<EarlierAlert>,
    ) -> Observation {
        let encoder = &generation.perception.encoder_id.plugin_id;
        Observation {
            track: self.span.track,
            camera: camera.to_owned(),
            time,
            ended,
            offered: self
                .offered
                .iter()
                .map(|entry| {
                    let entry = &generation.entries[*entry as usize];
                    Offer {
                        category: entry.category.clone(),
                        image_quality: entry.quality,
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
