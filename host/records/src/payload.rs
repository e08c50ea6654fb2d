//! What is sealed: pictures and templates of the people sought, and what an alert rests on.
//!
//! These types implement no serialisation of their own, only [`Sealable`], so no plain table can hold them. The sealed
//! bytes are a postcard tuple of the fields in the order of the type.

use crate::error::RecordsError;
use crate::sealed::{Kind, Sealable};
use serde::Serialize;
use serde::de::Deserialize;
use zeroize::Zeroizing;

/// Most bytes of a JPEG.
const MOST_JPEG: usize = 16 << 20;
/// Most bytes of a text that is not an identifier.
pub(crate) const MOST_TEXT: usize = 4096;
/// Most quality components of an image.
const MOST_QUALITIES: usize = 64;
/// Most comparisons of an alert.
const MOST_SCORES: usize = 1 << 16;
/// Most values of a template.
const MOST_VALUES: usize = 4096;
/// Most bytes of an identifier: a reference, a category, a camera, a channel.
const MOST_NAME: usize = 256;

/// A watchlist image as it was enrolled.
#[derive(Clone, PartialEq)]
pub struct Picture {
    /// The face, or the whole image, as JPEG; at most 16 MiB.
    pub jpeg: Zeroizing<Vec<u8>>,
    /// Name of the file that it came from, at most 4,096 bytes.
    pub source_name: String,
    /// SHA-256 of that file, 64 lower-case hexadecimal digits: what makes two images of one entry the same image.
    pub source_sha256: String,
    /// Left eye, right eye, nose, left and right corner of the mouth as (x, y) in pixels of the source image.
    pub landmarks: Option<[(f32, f32); 5]>,
    /// Quality components by ISO/IEC 29794-5 name, 0 to 100; at most 64.
    pub quality: Vec<(String, f32)>,
}

/// A watchlist template.
#[derive(Clone, PartialEq)]
pub(crate) struct TemplateValues {
    /// As the encoder made them.
    pub(crate) values: Zeroizing<Vec<f32>>,
    /// Unified quality of the picture.
    pub(crate) quality: Option<f32>,
    /// As in [`Picture::source_sha256`]; here as well, so that an image is recognised without opening its picture.
    pub(crate) source_sha256: String,
}

/// One comparison that an alert rests on.
#[derive(Clone, PartialEq)]
pub struct AlertScore {
    /// When the probe was taken, in seconds since the camera's first frame.
    pub time: f64,
    /// Id of the encoder plugin.
    pub encoder: String,
    /// The watchlist entry compared with.
    pub reference: String,
    /// Cosine similarity, −1 to 1.
    pub score: f32,
}

/// What an alert rests on. It is kept as long as the deployment's limit for alerts says.
#[derive(Clone, PartialEq)]
pub struct AlertPayload {
    /// Best score of the entry on this track, −1 to 1.
    pub score: f32,
    /// The probe's crop as JPEG; at most 16 MiB.
    pub crop: Zeroizing<Vec<u8>>,
    /// The policy's reason; sealed, because it may name a score. At most 4,096 bytes.
    pub reason: Zeroizing<String>,
    /// Every comparison of the track with the entries that were offered; at most 65,536.
    pub scores: Vec<AlertScore>,
}

impl Picture {
    /// The component that ISO/IEC 29794-5 calls the unified quality score.
    pub(crate) fn unified_quality(&self) -> Option<f32> {
        self.quality
            .iter()
            .find(|(name, _)| name == UNIFIED_QUALITY)
            .map(|(_, value)| *value)
    }

    pub(crate) fn check(&self, whose: &str) -> Result<(), RecordsError> {
        at_most(whose, "JPEG bytes", self.jpeg.len(), MOST_JPEG)?;
        at_most(
            whose,
            "bytes of the source's name",
            self.source_name.len(),
            MOST_TEXT,
        )?;
        digest(whose, &self.source_sha256)?;
        let landmarks = self.landmarks.iter().flatten().flat_map(|(x, y)| [x, y]);
        finite(whose, "landmark", landmarks)?;
        at_most(whose, "quality values", self.quality.len(), MOST_QUALITIES)?;
        for (component, _) in &self.quality {
            name(whose, component)?;
        }
        finite(
            whose,
            "quality value",
            self.quality.iter().map(|(_, value)| value),
        )
    }
}

/// Name of the unified quality component.
pub(crate) const UNIFIED_QUALITY: &str = "UnifiedQualityScore";

impl AlertPayload {
    pub(crate) fn check(&self, whose: &str) -> Result<(), RecordsError> {
        at_most(whose, "JPEG bytes", self.crop.len(), MOST_JPEG)?;
        at_most(whose, "bytes of reason", self.reason.len(), MOST_TEXT)?;
        at_most(whose, "scores", self.scores.len(), MOST_SCORES)?;
        for score in &self.scores {
            name(whose, &score.encoder)?;
            name(whose, &score.reference)?;
            seconds(whose, score.time)?;
        }
        let scores = self.scores.iter().map(|score| &score.score);
        finite(whose, "score", scores.chain([&self.score]))
    }
}

impl TemplateValues {
    pub(crate) fn check(&self, whose: &str, dimension: u32) -> Result<(), RecordsError> {
        at_most(whose, "template values", self.values.len(), MOST_VALUES)?;
        if self.values.is_empty() || self.values.len() != dimension as usize {
            let problem = format!(
                "its encoder makes {dimension} template values, not {}",
                self.values.len()
            );
            return Err(refused(whose, problem));
        }
        finite(whose, "template value", self.values.iter())
    }
}

impl Sealable for Picture {
    const KIND: Kind = Kind::Picture;

    fn encode(&self) -> Result<Zeroizing<Vec<u8>>, RecordsError> {
        encode(&(
            &**self.jpeg,
            &self.source_name,
            &self.source_sha256,
            &self.landmarks,
            &self.quality,
        ))
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (jpeg, source_name, source_sha256, landmarks, quality) = decode(bytes)?;
        let jpeg: &[u8] = jpeg;
        Some(Self {
            jpeg: Zeroizing::new(jpeg.to_vec()),
            source_name,
            source_sha256,
            landmarks,
            quality,
        })
    }
}

impl Sealable for TemplateValues {
    const KIND: Kind = Kind::Template;

    fn encode(&self) -> Result<Zeroizing<Vec<u8>>, RecordsError> {
        encode(&(&**self.values, self.quality, &self.source_sha256))
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (values, quality, source_sha256) = decode(bytes)?;
        Some(Self {
            values: Zeroizing::new(values),
            quality,
            source_sha256,
        })
    }
}

impl Sealable for AlertPayload {
    const KIND: Kind = Kind::Alert;

    fn encode(&self) -> Result<Zeroizing<Vec<u8>>, RecordsError> {
        let scores: Vec<_> = self
            .scores
            .iter()
            .map(|score| (score.time, &score.encoder, &score.reference, score.score))
            .collect();
        encode(&(self.score, &**self.crop, &*self.reason, &scores))
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (score, crop, reason, scores) = decode(bytes)?;
        let crop: &[u8] = crop;
        let scores: Vec<(f64, String, String, f32)> = scores;
        Some(Self {
            score,
            crop: Zeroizing::new(crop.to_vec()),
            reason: Zeroizing::new(reason),
            scores: scores
                .into_iter()
                .map(|(time, encoder, reference, score)| AlertScore {
                    time,
                    encoder,
                    reference,
                    score,
                })
                .collect(),
        })
    }
}

/// Writes into a buffer of exactly the right size: one that grew would leave copies behind that nobody zeroes.
pub(crate) fn encode(fields: &impl Serialize) -> Result<Zeroizing<Vec<u8>>, RecordsError> {
    let refused = |error: postcard::Error| refused("a payload", error.to_string());
    let size = postcard::experimental::serialized_size(fields).map_err(refused)?;
    let mut bytes = Zeroizing::new(vec![0; size]);
    postcard::to_slice(fields, &mut bytes).map_err(refused)?;
    Ok(bytes)
}

pub(crate) fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Option<T> {
    match postcard::take_from_bytes(bytes) {
        Ok((fields, [])) => Some(fields),
        _ => None,
    }
}

fn refused(what: &str, problem: String) -> RecordsError {
    let what = what.to_owned();
    RecordsError::Refused { what, problem }
}

pub(crate) fn at_most(
    whose: &str,
    what: &str,
    found: usize,
    most: usize,
) -> Result<(), RecordsError> {
    if found <= most {
        return Ok(());
    }
    Err(refused(
        whose,
        format!("{found} {what}, and {most} is the most"),
    ))
}

fn finite<'a>(
    whose: &str,
    what: &str,
    values: impl IntoIterator<Item = &'a f32>,
) -> Result<(), RecordsError> {
    if values.into_iter().all(|value| value.is_finite()) {
        return Ok(());
    }
    Err(refused(whose, format!("a {what} is not a finite number")))
}

/// A time in seconds has to be a finite number.
pub(crate) fn seconds(whose: &str, time: f64) -> Result<(), RecordsError> {
    if time.is_finite() {
        return Ok(());
    }
    Err(refused(whose, "a time is not a finite number".into()))
}

/// An identifier is 1 to 256 bytes without control characters.
pub(crate) fn name(whose: &str, text: &str) -> Result<(), RecordsError> {
    at_most(whose, "bytes of a name", text.len(), MOST_NAME)?;
    if text.is_empty() || text.chars().any(char::is_control) {
        let problem = format!("{text:?} is empty or holds control characters");
        return Err(refused(whose, problem));
    }
    Ok(())
}

/// A SHA-256 is 64 lower-case hexadecimal digits.
pub(crate) fn digest(whose: &str, text: &str) -> Result<(), RecordsError> {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if text.len() == 64 && text.bytes().all(is_digit) {
        return Ok(());
    }
    Err(refused(
        whose,
        format!("{text:?} is not a SHA-256 of 64 lower-case hexadecimal digits"),
    ))
}
