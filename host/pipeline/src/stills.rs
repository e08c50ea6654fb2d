//! Photographs through the same plugins and host paths as a live frame: what enrolment and evaluation share. It keeps nothing and decides
//! nothing; which face is meant, and what is good enough, is the caller's to say.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;

use overt_gallery::{EncoderId, Template, TemplateError};
use overt_runtime::{CallError, Sessions};
use overt_vision::{Backend, Face, Frame, InferenceError, StillError};
use zeroize::Zeroizing;

use crate::error::PipelineError;
use crate::generation::Perception;
use crate::machine::Machine;

/// The largest photograph file.
const FILE_BYTES: u64 = 64 << 20;

/// Why a photograph gives no template.
#[derive(Debug, thiserror::Error)]
pub enum StillFailure {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    File(std::io::Error),
    /// The file is no photograph that can be read.
    #[error("is no readable photograph: {0}")]
    Unreadable(StillError),
    /// A plugin failed.
    #[error("{0}")]
    Plugin(CallError),
    /// The encoder's template cannot be used.
    #[error("{0}")]
    Template(TemplateError),
}

/// A photograph file's bytes, wiped when they are dropped.
pub type FileBytes = Zeroizing<Vec<u8>>;

/// What the plugins say of a face.
pub struct Described {
    /// Quality by component (ISO/IEC 29794-5 names), where the deployment has a quality plugin.
    pub quality: Vec<(String, f32)>,
    /// The encoder's own values, before they are scaled to unit length.
    pub values: Zeroizing<Vec<f32>>,
    /// The template.
    pub template: Template,
}

/// The plugins that see, with model sessions of one thread.
pub struct Eyes<'a> {
    perception: &'a Perception,
    detector: Sessions,
    encoder: Sessions,
    quality: Option<Sessions>,
}

impl<'a> Eyes<'a> {
    fn load(perception: &'a Perception, backend: &dyn Backend) -> Result<Eyes<'a>, InferenceError> {
        Ok(Eyes {
            perception,
            detector: perception.detector.plugin.sessions(backend)?,
            encoder: perception.encoder.plugin.sessions(backend)?,
            quality: perception
                .quality
                .as_ref()
                .map(|quality| quality.plugin.sessions(backend))
                .transpose()?,
        })
    }

    /// The encoder that makes the templates.
    pub fn encoder(&self) -> &Arc<EncoderId> {
        &self.perception.encoder_id
    }

    /// Reads and decodes a photograph. The bytes come along for their digest.
    ///
    /// # Errors
    /// `File`, `Unreadable`.
    pub fn open(&self, path: &Path) -> Result<(Arc<Frame>, FileBytes), StillFailure> {
        let bytes = read(path)?;
        let frame = overt_vision::decode_still(&bytes).map_err(StillFailure::Unreadable)?;
        Ok((Arc::new(frame), bytes))
    }

    /// Every face of a photograph.
    ///
    /// # Errors
    /// `Plugin`.
    pub fn detect(&mut self, frame: &Arc<Frame>) -> Result<Vec<Face>, StillFailure> {
        self.perception
            .detector
            .plugin
            .detect(frame, &mut self.detector)
            .map_err(StillFailure::Plugin)
    }

    /// A face's quality and template.
    ///
    /// # Errors
    /// `Plugin`, `Template`.
    pub fn describe(&mut self, frame: &Arc<Frame>, face: Face) -> Result<Described, StillFailure> {
        let quality = match (&self.perception.quality, &mut self.quality) {
            (Some(quality), Some(sessions)) => quality
                .plugin
                .assess(frame, &[face], sessions)
                .map_err(StillFailure::Plugin)?
                .pop()
                .unwrap_or_default(),
            _ => Vec::new(),
        };
        let encoded = self
            .perception
            .encoder
            .plugin
            .encode(frame, &[face], &mut self.encoder)
            .map_err(StillFailure::Plugin)?;
        let values = encoded.as_f32s().unwrap_or_default();
        let template =
            Template::new(&self.perception.encoder_id, values).map_err(StillFailure::Template)?;
        Ok(Described {
            quality,
            values: values.to_vec().into(),
            template,
        })
    }
}

/// Reads a photograph file.
///
/// # Errors
/// `File`.
pub fn read(path: &Path) -> Result<FileBytes, StillFailure> {
    let file = std::fs::File::open(path).map_err(StillFailure::File)?;
    let mut bytes = FileBytes::default();
    file.take(FILE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(StillFailure::File)?;
    Ok(bytes)
}

/// Does the work for every item, on several threads with model sessions of their own. Answers stand in the order of the items; nothing stands where
/// `stop` was set before it was an item's turn. `done` is called after each with how many are done.
///
/// # Errors
/// Model sessions that cannot be made; a thread that panicked.
pub fn each<T: Sync, R: Send>(
    machine: &Machine,
    perception: &Perception,
    workers: usize,
    items: &[T],
    stop: &AtomicBool,
    done: &(dyn Fn(usize) + Sync),
    work: impl Fn(&T, &mut Eyes<'_>) -> R + Sync,
) -> Result<Vec<Option<R>>, PipelineError> {
    let (next, finished) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let (answer, answers) = mpsc::channel();
    let mut made: Vec<Option<R>> = items.iter().map(|_| None).collect();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..workers.min(items.len()))
            .map(|_| {
                let (answer, next, finished, work) = (answer.clone(), &next, &finished, &work);
                scope.spawn(move || -> Result<(), InferenceError> {
                    let mut eyes = Eyes::load(perception, &*machine.backend)?;
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        let Some(item) = items.get(index) else {
                            return Ok(());
                        };
                        if !stop.load(Ordering::Relaxed) {
                            // The receiver lives until the scope ends.
                            let _ = answer.send((index, work(item, &mut eyes)));
                        }
                        done(finished.fetch_add(1, Ordering::Relaxed) + 1);
                    }
                })
            })
            .collect();
        drop(answer);
        for (index, answer) in answers {
            made[index] = Some(answer);
        }
        for thread in threads {
            thread
                .join()
                .map_err(|_| PipelineError::Panicked("photographs"))??;
        }
        Ok(made)
    })
}

/// Threads for a deployment: as many as it says, or one per core.
pub fn workers(deployment: &overt_deployment::Deployment) -> usize {
    deployment
        .host
        .workers
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
}
