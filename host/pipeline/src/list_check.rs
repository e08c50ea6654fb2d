//! The watchlist before it is approved: how old it is, who is on it by category, source and grounds, how good its images are, and who on it would be taken for
//! somebody else on it. It decides nothing and changes nothing; a person looks.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use overt_deployment::{Deployment, Timestamp};
use overt_gallery::{EncoderId, EntryKey, Gallery, Template};
use overt_records::{
    self as records, EntrySummary, Grounds, ListStanding, RecordsError, StoredTemplate,
};
use serde::{Deserialize, Serialize};

use crate::error::PipelineError;

/// Templates that are searched for at a time.
const BATCH: usize = 64;

/// Pairs that are named.
const NAMED: usize = 1_000;

/// What a score has to exceed, between the floor and 1, to say that two references are likely one person.
const LIKELY: f32 = 0.5;

/// The whole report.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ListReport {
    /// SHA-256 of the list as it stands: what an approval is of.
    pub digest: String,
    /// How many.
    pub counts: records::ListCounts,
    /// Whether it is approved as it stands.
    pub approved: bool,
    /// When the first and the last of its images were enrolled; RFC 3339.
    pub enrolled: Option<(String, String)>,
    /// When the oldest and the newest of its images were taken, where it is on record.
    pub taken: Option<(records::Day, records::Day)>,
    /// When the first image has to be gone; RFC 3339.
    pub expires: Option<String>,
    /// People by category.
    pub categories: BTreeMap<String, u64>,
    /// Images by source; `not recorded` among them.
    pub sources: BTreeMap<String, u64>,
    /// People who are not wanted for arrest, by reason; who has several counts with each.
    pub reasons: BTreeMap<String, u64>,
    /// How good the images are.
    pub quality: Option<Quality>,
    /// Who would be taken for whom, the most alike first; the first thousand.
    pub alike: Vec<Alike>,
    /// What is out of order.
    pub findings: Vec<Finding>,
}

/// The distribution of the images' unified quality, 0 to 100 (`UnifiedQualityScore` of ISO/IEC 29794-5).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quality {
    /// Images whose quality was measured.
    pub measured: u64,
    /// Images of which it was not.
    pub unmeasured: u64,
    /// The lowest.
    pub lowest: f32,
    /// A quarter lies under it.
    pub lower_quartile: f32,
    /// Half lies under it.
    pub median: f32,
    /// Three quarters lie under it.
    pub upper_quartile: f32,
    /// The highest.
    pub highest: f32,
}

/// Two references that are alike.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alike {
    /// One.
    pub one: String,
    /// The other.
    pub other: String,
    /// The best score between their images.
    pub score: f32,
    /// What that says.
    pub kind: Likeness,
}

/// What it says that two references are alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Likeness {
    /// The same photograph is under both.
    SamePhotograph,
    /// Likely one person under two references.
    LikelySame,
    /// The score lies over the floor: one would raise an alert for the other.
    OverFloor,
}

/// Something that is out of order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
#[allow(missing_docs)]
pub enum Finding {
    /// Nobody is on it.
    Empty,
    /// Nobody has approved it as it stands.
    NotApproved { changed: bool },
    /// More than the authority allows.
    TooLarge { people: u64, most: u32 },
    /// A category that the deployment does not have.
    UnknownCategory { category: String, people: u64 },
    /// It is not on record whether they are wanted.
    NotRecorded { people: u64 },
    /// They have no lawful basis on record.
    NoLawfulBasis { people: u64 },
    /// It is not on record where the images come from.
    NoSource { images: u64 },
    /// It is not on record when the images were taken.
    NoDay { images: u64 },
    /// Images whose time is over.
    Expired { images: u64 },
    /// Images whose time will be over before the deployment's is.
    GoneBeforeEnd { images: u64 },
    /// Images under the quality that the deployment asks for.
    Poor { images: u64, least: u8 },
    /// Pairs that are likely one person, or the same photograph.
    Duplicates { pairs: u64 },
    /// Pairs of which one would raise an alert for the other.
    WouldAlert { pairs: u64 },
    /// Images of several encoders, which cannot be compared.
    SeveralEncoders,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Finding::Empty => write!(f, "nobody is on it"),
            Finding::NotApproved { changed: false } => write!(f, "nobody has approved it"),
            Finding::NotApproved { changed: true } => {
                write!(f, "it has changed since it was approved")
            }
            Finding::TooLarge { people, most } => {
                write!(
                    f,
                    "{people} people are on it, and the authority allows {most}"
                )
            }
            Finding::UnknownCategory { category, people } => write!(
                f,
                "{people} people are on it as {category:?}, which is no category of the deployment"
            ),
            Finding::NotRecorded { people } => write!(
                f,
                "of {people} people it is not on record whether they are wanted"
            ),
            Finding::NoLawfulBasis { people } => {
                write!(f, "{people} people have no lawful basis on record")
            }
            Finding::NoSource { images } => {
                write!(
                    f,
                    "of {images} images it is not on record where they come from"
                )
            }
            Finding::NoDay { images } => {
                write!(
                    f,
                    "of {images} images it is not on record when they were taken"
                )
            }
            Finding::Expired { images } => write!(f, "the time of {images} images is over"),
            Finding::GoneBeforeEnd { images } => write!(
                f,
                "{images} images have to be gone before the deployment ends"
            ),
            Finding::Poor { images, least } => write!(
                f,
                "{images} images are under the quality of {least} that is asked for, or were not measured"
            ),
            Finding::Duplicates { pairs } => {
                write!(f, "{pairs} pairs of references are likely one person each")
            }
            Finding::WouldAlert { pairs } => write!(
                f,
                "{pairs} pairs of references would raise alerts for one another"
            ),
            Finding::SeveralEncoders => {
                write!(
                    f,
                    "its images are of several encoders, and cannot be compared"
                )
            }
        }
    }
}

impl Finding {
    /// What the reader can do about it.
    pub fn mend(&self) -> &'static str {
        match self {
            Finding::Empty => "enrol somebody: `overt watchlist enrol`",
            Finding::NotApproved { .. } => {
                "an authorising officer reviews and approves it: `overt watchlist approve`"
            }
            Finding::TooLarge { .. } => "remove those who are not needed, or have it authorised",
            Finding::UnknownCategory { .. } => "remove them, or enrol them under one of its own",
            Finding::NotRecorded { .. } => "remove and enrol them again, with their grounds",
            Finding::NoLawfulBasis { .. } => {
                "say it with `lawful-basis`; removing and enrolling puts it on record"
            }
            Finding::NoSource { .. } => "say it with `source`; forces are asked for it",
            Finding::NoDay { .. } => "say it with `taken`: an old image finds nobody",
            Finding::Expired { .. } => "nothing: they are destroyed with the next sweep",
            Finding::GoneBeforeEnd { .. } => "enrol nearer to the deployment",
            Finding::Poor { .. } => "find better photographs: `overt watchlist enrol` names them",
            Finding::Duplicates { .. } => "look at each pair, and remove one of them",
            Finding::WouldAlert { .. } => "look at each pair: these plugins take one for the other",
            Finding::SeveralEncoders => "enrol the list again",
        }
    }
}

/// Looks at everything. `progress` hears how many images were compared, of how many, and says whether to go on; nothing comes of it where it says no.
///
/// # Errors
/// The records.
pub fn check(
    deployment: &Deployment,
    store: &records::Store,
    now: records::Timestamp,
    progress: &dyn Fn(u64, u64) -> bool,
) -> Result<Option<ListReport>, PipelineError> {
    let watchlist = store.watchlist();
    let (state, standing) = (watchlist.state()?, watchlist.standing()?);
    let entries = watchlist.list()?;
    let mut grounds = BTreeMap::new();
    for entry in &entries {
        if let Some(held) = watchlist.grounds(&entry.reference)? {
            grounds.insert(entry.reference.as_str(), held);
        }
    }
    let mut findings = Vec::new();
    if entries.is_empty() {
        findings.push(Finding::Empty);
    }
    match &standing {
        ListStanding::Approved(_) => {}
        ListStanding::Changed(_) => findings.push(Finding::NotApproved { changed: true }),
        ListStanding::Never => findings.push(Finding::NotApproved { changed: false }),
    }
    let mut report = ListReport {
        digest: state.digest,
        counts: state.counts,
        approved: standing.is_approved(),
        enrolled: None,
        taken: None,
        expires: None,
        categories: BTreeMap::new(),
        sources: BTreeMap::new(),
        reasons: BTreeMap::new(),
        quality: None,
        alike: Vec::new(),
        findings,
    };
    report.people(deployment, &entries, &grounds);
    report.images(deployment, &entries, now);
    let encoder = entries
        .iter()
        .flat_map(|entry| &entry.images)
        .map(|image| image.encoder.clone())
        .next();
    if let Some(encoder) = encoder {
        match watchlist.templates(&encoder) {
            Err(RecordsError::OtherEncoder(_)) => report.findings.push(Finding::SeveralEncoders),
            templates => {
                let templates = templates?;
                report.qualities(deployment, &templates);
                let sources = watchlist.sources(&encoder)?;
                if !report.alike(deployment, &encoder, &templates, sources, progress)? {
                    return Ok(None);
                }
            }
        }
    }
    Ok(Some(report))
}

fn shown(time: records::Timestamp) -> String {
    let time = Timestamp::from_millisecond(time.unix_ms()).unwrap_or(Timestamp::MAX);
    time.to_string()
}

impl ListReport {
    fn find(&mut self, count: u64, finding: impl FnOnce(u64) -> Finding) {
        if count > 0 {
            self.findings.push(finding(count));
        }
    }

    /// Who is on it and why.
    fn people(
        &mut self,
        deployment: &Deployment,
        entries: &[EntrySummary],
        grounds: &BTreeMap<&str, Grounds>,
    ) {
        let mut without_basis = 0;
        for entry in entries {
            *self.categories.entry(entry.category.clone()).or_default() += 1;
            let Some(held) = grounds.get(entry.reference.as_str()) else {
                continue;
            };
            without_basis += u64::from(held.lawful_basis.is_none());
            let reasons: BTreeSet<&String> = match held.wanted {
                true => BTreeSet::new(),
                false => held.reasons.iter().collect(),
            };
            for reason in reasons {
                *self.reasons.entry(reason.clone()).or_default() += 1;
            }
        }
        let most = deployment.authority.watchlist_size;
        let people = entries.len() as u64;
        if people > u64::from(most) {
            self.findings.push(Finding::TooLarge { people, most });
        }
        for (category, people) in self.categories.clone() {
            if !deployment.watchlist.categories.contains(&category) {
                self.findings
                    .push(Finding::UnknownCategory { category, people });
            }
        }
        self.find(self.counts.unknown, |people| Finding::NotRecorded {
            people,
        });
        self.find(without_basis, |people| Finding::NoLawfulBasis { people });
    }

    /// Where the images come from and how old they are.
    fn images(
        &mut self,
        deployment: &Deployment,
        entries: &[EntrySummary],
        now: records::Timestamp,
    ) {
        let end = records::Timestamp::from_unix_ms(deployment.end.as_millisecond());
        let images: Vec<_> = entries.iter().flat_map(|entry| &entry.images).collect();
        let mut days = BTreeSet::new();
        let (mut no_source, mut no_day, mut expired, mut early) = (0, 0, 0, 0);
        for image in &images {
            let source = match &image.facts.source {
                Some(source) => source.to_string(),
                None => {
                    no_source += 1;
                    "not recorded".to_owned()
                }
            };
            *self.sources.entry(source).or_default() += 1;
            match image.facts.taken {
                Some(day) => {
                    days.insert(day);
                }
                None => no_day += 1,
            }
            match image.expires_at {
                at if at <= now => expired += 1,
                at if at < end => early += 1,
                _ => {}
            }
        }
        let enrolled = images.iter().map(|image| image.enrolled_at);
        self.enrolled = enrolled
            .clone()
            .min()
            .zip(enrolled.max())
            .map(|(first, last)| (shown(first), shown(last)));
        self.taken = days.first().copied().zip(days.last().copied());
        self.expires = images.iter().map(|image| image.expires_at).min().map(shown);
        self.find(no_source, |images| Finding::NoSource { images });
        self.find(no_day, |images| Finding::NoDay { images });
        self.find(expired, |images| Finding::Expired { images });
        self.find(early, |images| Finding::GoneBeforeEnd { images });
    }

    /// How good they are.
    fn qualities(&mut self, deployment: &Deployment, templates: &[StoredTemplate]) {
        let mut values: Vec<f32> = templates.iter().filter_map(|image| image.quality).collect();
        values.sort_by(f32::total_cmp);
        let unmeasured = (templates.len() - values.len()) as u64;
        let at = |part: usize| {
            values
                .get(values.len().saturating_sub(1) * part / 4)
                .copied()
        };
        if let (Some(lowest), Some(lower), Some(median), Some(upper), Some(highest)) =
            (at(0), at(1), at(2), at(3), at(4))
        {
            self.quality = Some(Quality {
                measured: values.len() as u64,
                unmeasured,
                lowest,
                lower_quartile: lower,
                median,
                upper_quartile: upper,
                highest,
            });
        }
        if let Some(least) = deployment.watchlist.least_quality {
            let poor = values.iter().filter(|value| **value < f32::from(least));
            let images = poor.count() as u64 + unmeasured;
            self.find(images, |images| Finding::Poor { images, least });
        }
    }

    /// Who would be taken for whom: every image is searched for among all. Whether it was done to its end.
    fn alike(
        &mut self,
        deployment: &Deployment,
        encoder: &records::Encoder,
        stored: &[StoredTemplate],
        sources: impl IntoIterator<Item = records::SourceOf>,
        progress: &dyn Fn(u64, u64) -> bool,
    ) -> Result<bool, PipelineError> {
        if stored.is_empty() {
            return Ok(true);
        }
        let floor = deployment.authority.score_floor;
        let id = Arc::new(EncoderId {
            plugin_id: encoder.plugin_id.clone(),
            plugin: encoder.plugin_sha256.clone(),
            model: encoder.model_sha256.clone(),
            backend: encoder.backend.clone(),
            dimension: encoder.dimension as usize,
        });
        let (gallery, references) = gallery(&id, stored)?;
        let mut best: BTreeMap<(u32, u32), f32> = BTreeMap::new();
        let mut done = 0;
        for batch in stored.chunks(BATCH) {
            let probes = batch.iter().map(|image| template(&id, image));
            let probes = probes.collect::<Result<Vec<_>, _>>()?;
            for (image, probe) in batch.iter().zip(&probes) {
                let Some(own) = references.get(image.reference.as_str()) else {
                    continue;
                };
                for (entry, score) in over_floor(&gallery, probe, floor)? {
                    if entry != *own {
                        let pair = (entry.min(*own), entry.max(*own));
                        let known = best.entry(pair).or_insert(score);
                        *known = known.max(score);
                    }
                }
            }
            done += batch.len() as u64;
            if !progress(done, stored.len() as u64) {
                return Ok(false);
            }
        }
        let mut twice: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (reference, source) in sources {
            twice.entry(source).or_default().insert(reference);
        }
        let same_photograph = |one: &str, other: &str| {
            let mut several = twice.values().filter(|several| several.len() > 1);
            several.any(|several| several.contains(one) && several.contains(other))
        };
        let name = |entry: u32| gallery.key(entry).map_or("", |key| key.as_str()).to_owned();
        let likely = floor + (1.0 - floor) * LIKELY;
        let mut alike: Vec<Alike> = best
            .into_iter()
            .map(|((one, other), score)| {
                let (one, other) = (name(one), name(other));
                let kind = match score >= likely {
                    _ if same_photograph(&one, &other) => Likeness::SamePhotograph,
                    true => Likeness::LikelySame,
                    false => Likeness::OverFloor,
                };
                Alike {
                    one,
                    other,
                    score,
                    kind,
                }
            })
            .collect();
        alike.sort_by(|one, other| other.score.total_cmp(&one.score));
        let duplicates = alike.iter().filter(|pair| pair.kind != Likeness::OverFloor);
        let duplicates = duplicates.count() as u64;
        self.find(duplicates, |pairs| Finding::Duplicates { pairs });
        let over = alike.len() as u64;
        self.find(over, |pairs| Finding::WouldAlert { pairs });
        alike.truncate(NAMED);
        self.alike = alike;
        Ok(true)
    }
}

/// A stored template as the gallery takes it.
fn template(id: &Arc<EncoderId>, image: &StoredTemplate) -> Result<Template, PipelineError> {
    Template::new(id, &image.values).map_err(|cause| PipelineError::Template {
        reference: image.reference.clone(),
        cause,
    })
}

/// Everybody on the list, and whose number is whose.
fn gallery<'s>(
    id: &Arc<EncoderId>,
    stored: &'s [StoredTemplate],
) -> Result<(Gallery, HashMap<&'s str, u32>), PipelineError> {
    let mut templates = Vec::with_capacity(stored.len());
    let mut references = HashMap::new();
    for image in stored {
        templates.push((
            EntryKey::from(image.reference.as_str()),
            template(id, image)?,
        ));
        // Templates come by reference, and the gallery counts its keys as they come.
        let next = references.len() as u32;
        references.entry(image.reference.as_str()).or_insert(next);
    }
    Ok((Gallery::new(id.clone(), templates)?, references))
}

/// Everybody whom a template finds at the floor or over it.
fn over_floor(
    gallery: &Gallery,
    probe: &Template,
    floor: f32,
) -> Result<Vec<(u32, f32)>, PipelineError> {
    let mut most = 8;
    loop {
        let hits = gallery.search(probe, most)?;
        let all = hits.len() < most || hits.last().is_some_and(|last| last.score < floor);
        if all {
            let found = hits.iter().filter(|hit| hit.score >= floor);
            return Ok(found.map(|hit| (hit.entry, hit.score)).collect());
        }
        most *= 4;
    }
}
