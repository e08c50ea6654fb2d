//! The watchlist through another encoder, from the pictures that the store holds: for a swap, and for a challenger in the shadow. It writes nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use overt_records::{self as records, StoredTemplate};

use crate::enrol::UNIFIED;
use crate::error::PipelineError;
use crate::generation::Perception;
use crate::machine::Machine;
use crate::stills::{self, Eyes, StillFailure};

/// Why a watchlist image cannot be encoded anew.
#[derive(Debug, thiserror::Error)]
pub enum ImageFailure {
    /// The stored picture cannot be had.
    #[error("{0}")]
    Records(#[from] records::RecordsError),
    /// It is gone.
    #[error("the stored picture is gone")]
    Gone,
    /// A plugin or the picture.
    #[error("{0}")]
    Still(#[from] StillFailure),
    /// The detector finds nobody on it.
    #[error("no face was found on the stored picture")]
    NoFace,
}

/// The watchlist, encoded anew.
pub(crate) struct Encoded {
    /// By reference and image.
    pub(crate) templates: Vec<StoredTemplate>,
    /// Images that the plugins make nothing of: reference and cause.
    pub(crate) failures: Vec<(String, ImageFailure)>,
}

/// Encodes every image with these plugins. `progress` hears how many are done, of how many. `None` where `is_over` says that nobody needs it any more.
pub(crate) fn re_encode(
    machine: &Machine,
    store: &records::Store,
    perception: &Perception,
    workers: usize,
    is_over: &(dyn Fn() -> bool + Sync),
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<Option<Encoded>, PipelineError> {
    let entries = store.watchlist().list()?;
    let images: Vec<(&str, &str, &records::ImageSummary)> = entries
        .iter()
        .flat_map(|entry| {
            let images = entry.images.iter();
            images.map(|image| (&*entry.reference, &*entry.category, image))
        })
        .collect();
    let of = images.len() as u64;
    progress(0, of);
    let over = AtomicBool::new(false);
    let made = stills::each(
        machine,
        perception,
        workers,
        &images,
        &over,
        &|done| {
            over.store(is_over(), Ordering::Relaxed);
            progress(done as u64, of);
        },
        |(reference, category, image), eyes| {
            let template = one(store, reference, image.image, eyes);
            template.map(|(quality, values)| StoredTemplate {
                reference: (*reference).to_owned(),
                category: (*category).to_owned(),
                image: image.image,
                expires_at: image.expires_at,
                quality,
                values,
            })
        },
    )?;
    let (mut templates, mut failures) = (Vec::new(), Vec::new());
    for ((reference, ..), made) in images.iter().zip(made) {
        match made {
            Some(Ok(template)) => templates.push(template),
            Some(Err(cause)) => failures.push(((*reference).to_owned(), cause)),
            // Nothing stands only where it was over.
            None => return Ok(None),
        }
    }
    Ok(Some(Encoded {
        templates,
        failures,
    }))
}

/// One stored picture: unified quality as it was enrolled, and the new template.
fn one(
    store: &records::Store,
    reference: &str,
    image: u32,
    eyes: &mut Eyes<'_>,
) -> Result<(Option<f32>, zeroize::Zeroizing<Vec<f32>>), ImageFailure> {
    let picture = store.watchlist().picture(reference, image)?;
    let picture = picture.ok_or(ImageFailure::Gone)?;
    let frame = overt_vision::decode_still(&picture.jpeg).map_err(StillFailure::Unreadable)?;
    let frame = Arc::new(frame);
    // The picture is the face with its surroundings: the largest face on it is the one that was enrolled.
    let faces = eyes.detect(&frame)?;
    let face = faces
        .into_iter()
        .max_by(|one, other| one.bounds.width.total_cmp(&other.bounds.width))
        .ok_or(ImageFailure::NoFace)?;
    let quality = picture
        .quality
        .iter()
        .find(|(name, _)| name == UNIFIED)
        .map(|(_, value)| *value);
    Ok((quality, eyes.describe(&frame, face)?.values))
}
