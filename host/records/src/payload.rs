//! What is sealed: pictures and templates of the people sought, and what an alert rests on.
//!
//! These types cannot be serialised except into a sealed payload, so no other table can hold them.

use zeroize::Zeroizing;

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

/// One comparison that an alert rests on.
#[derive(Clone, Debug, PartialEq)]
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
