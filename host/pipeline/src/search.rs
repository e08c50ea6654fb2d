//! A search of stored images (retrospective, RFR), or of one photograph that an officer took (operator-initiated, OIFR): photographs go the way of a frame, with the
//! same plugins, the same floor, the same people after it and the same record. Each stands for itself; a face of it is a track of one look. What comes out is alerts,
//! which people judge, and counts: of whoever raised none, nothing is left.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::{Receiver, Sender, unbounded};
use overt_deployment::{Camera, Deployment, Mode, RunReport, Timestamp};
use overt_records as records;
use overt_vision::{Frame, FrameInfo, StillError};

use crate::authority::Authority;
use crate::capture::{Feed, Intake};
use crate::control::Request;
use crate::decision::DecisionThread;
use crate::error::PipelineError;
use crate::failures::Failures;
use crate::generation::Generation;
use crate::generations::Generations;
use crate::incident;
use crate::lock::LockFile;
use crate::machine::Machine;
use crate::run::outcome::header;
use crate::run::{Event, Opened, may_begin, milliseconds, way};
use crate::stages::Stages;
use crate::standing::Standing;
use crate::stills::{self, FileBytes, StillFailure};
use crate::summary::PluginErrors;

/// A photograph that is to be searched.
#[derive(Clone)]
pub enum Photograph {
    /// A file, which is read when it is its turn.
    File(PathBuf),
    /// A file's bytes.
    Bytes(FileBytes),
}

/// What is to be searched, and under whose authority.
pub struct Search<'a> {
    /// Stored images, or one photograph that an officer took.
    pub mode: SearchMode,
    /// What is put on record of it. How many photographs there are is counted here, whatever it says.
    pub about: records::Searched,
    /// The photographs.
    pub photographs: Vec<Photograph>,
    /// What was decided to run.
    pub lock: Option<&'a LockFile>,
    /// Who authorised it, who searches, and until when it may go on.
    pub authority: Authority<'a>,
}

/// How photographs are searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchMode {
    /// Stored images.
    Retrospective,
    /// One photograph that an officer took.
    Operator,
}

/// What a search came to.
#[derive(Debug)]
pub struct Found {
    /// The run that it is on record as.
    pub run: records::RunId,
    /// Its counts. A frame is a photograph, a probe a face that was compared.
    pub counts: records::Counts,
    /// The alerts that it raised, by number. Whom they are about, those learn who judge them.
    pub alerts: Vec<FoundAlert>,
    /// Photographs that could not be read.
    pub left_out: Vec<LeftOut>,
    /// Calls of plugins that failed, by kind.
    pub plugin_errors: Vec<PluginErrors>,
    /// Plugins that failed too often and are not run again.
    pub quarantines: Vec<PipelineError>,
    /// Whether somebody stopped it.
    pub interrupted: bool,
    /// The number of faces on a photograph that had to have one, where it had another number: nothing was compared.
    pub not_one_face: Option<u64>,
}

/// An alert of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoundAlert {
    /// Its number.
    pub number: u32,
    /// The photograph's place among those that were given, from 0.
    pub photograph: usize,
}

/// A photograph that could not be searched.
#[derive(Debug)]
pub struct LeftOut {
    /// Its place among those that were given, from 0.
    pub photograph: usize,
    /// Why.
    pub cause: StillFailure,
}

impl SearchMode {
    /// As a deployment file names it.
    pub fn mode(self) -> Mode {
        match self {
            Self::Retrospective => Mode::Retrospective,
            Self::Operator => Mode::Operator,
        }
    }

    /// As the register names it.
    pub fn registered(self) -> records::Mode {
        match self {
            Self::Retrospective => records::Mode::Retrospective,
            Self::Operator => records::Mode::Operator,
        }
    }
}

/// Photographs, where a camera's frames would come from.
pub(crate) struct Photographs {
    pub(crate) files: Vec<Photograph>,
    pub(crate) every_face: bool,
    camera: Arc<str>,
    /// Hears of those that cannot be read, by their place.
    pub(crate) left_out: Sender<(usize, StillFailure)>,
}

impl Photographs {
    /// Reads one. Its place is its number; it has no time.
    pub(crate) fn open(
        &self,
        number: usize,
        photograph: &Photograph,
    ) -> Result<Frame, StillFailure> {
        let read;
        let bytes = match photograph {
            Photograph::File(path) => {
                read = stills::read(path)?;
                &read
            }
            Photograph::Bytes(bytes) => bytes,
        };
        let picture = overt_vision::decode_still(bytes).map_err(StillFailure::Unreadable)?;
        let info = FrameInfo {
            camera: self.camera.clone(),
            sequence: u32::try_from(number).unwrap_or(u32::MAX),
            captured_at: 0.0,
        };
        // The same pixels under its own number; those of the first copy are zeroed as it goes.
        Frame::from_bgr(info, picture.width(), picture.height(), picture.bgr()).map_err(|error| {
            StillFailure::Unreadable(StillError::Unreadable {
                cause: error.to_string(),
            })
        })
    }
}

/// Searches photographs. `requests` are answered meanwhile, as a run's are; `tell` is called from several threads.
///
/// # Errors
/// Outside the deployment's time; what differs from the lock; plugins that cannot be loaded or are in quarantine; what the records refuse, such as a search that does
/// not say what it searches and why.
#[allow(clippy::too_many_arguments)] // As for a run.
pub fn search(
    machine: &Machine,
    deployment: &Deployment,
    search: Search<'_>,
    store: &records::Store,
    stop: &AtomicBool,
    requests: Receiver<Request>,
    tell: &(dyn Fn(Event<'_>) + Sync),
) -> Result<Found, PipelineError> {
    let tell = &|event: Event<'_>| {
        incident::told(&event);
        tell(event);
    };
    let Search {
        mode,
        about,
        photographs,
        lock,
        authority,
    } = search;
    let until = authority.until;
    let started = may_begin(machine, deployment, lock, until, store)?;
    let every_face = about.every_face;
    let about = records::Searched {
        photographs: photographs.len() as u64,
        ..about
    };
    let generations = Generations::new(Generation::load(machine, deployment, lock, store)?);
    let workers = stills::workers(deployment);
    let first = generations.facts().remove(0);
    let run_mode = records::RunMode::from(mode.registered());
    let record = store.begin_run(&records::RunHeader {
        // No camera of the deployment is looked at.
        cameras: Vec::new(),
        search: Some(about),
        ..header(deployment, run_mode, Some(authority), &first, started)
    })?;
    // From here on the photographs are the one camera that there is, and no page is made of what they show.
    let camera = Camera::of_search(mode.mode());
    let id: Arc<str> = camera.id.as_str().into();
    let mut deployment = deployment.clone();
    deployment.cameras = vec![camera];
    deployment.host.report = RunReport::Numbers;
    let deployment = &deployment;

    let (left_out, failures) = unbounded();
    let expected = photographs.len() as u64;
    let opened = Opened {
        id: id.clone(),
        feed: Feed::Photographs(Photographs {
            files: photographs,
            every_face,
            camera: id,
            left_out,
        }),
        zone: None,
    };
    let (standing, first_alert) = (Standing::default(), record.next_alert_number()?);
    let failed_calls = Failures::default();
    let (stages, intake) = (Arc::new(Stages::default()), Intake::default());
    let metrics = machine.metrics.begin(deployment, &stages);
    let halt = AtomicBool::new(false);
    let decision = DecisionThread {
        deployment,
        store,
        run: &record,
        stages: &stages,
        intake: &intake,
        metrics: &machine.metrics,
        cameras: &metrics,
        tell,
        halt: &halt,
        generations: &generations,
        standing: &standing,
        failures: &failed_calls,
        by_arrival: false,
    };
    let calibration = first.calibration.as_ref();
    let began = || {
        tell(Event::Started {
            frames: Some(expected),
            workers,
            calibration,
        });
    };
    let mut decided = way(
        machine,
        vec![opened],
        requests,
        workers,
        stop,
        (until, Some(authority.score_floor)),
        (decision, first_alert),
        &began,
    )?;
    let left_out: Vec<LeftOut> = failures
        .try_iter()
        .map(|(photograph, cause)| LeftOut { photograph, cause })
        .collect();
    // They were given, and nobody saw them.
    decided.counts.frames.read += left_out.len() as u64;
    decided.counts.frames.unseen += left_out.len() as u64;
    let interrupted = stop.load(Ordering::Relaxed);
    let (run, counts) = (record.id(), decided.counts);
    record.finish(&counts, interrupted, milliseconds(Timestamp::now()))?;
    let alerts = decided.alerts.iter().zip(&decided.spans);
    let looked_at = counts.frames.processed > 0;
    Ok(Found {
        run,
        counts,
        alerts: alerts
            .map(|(alert, span)| FoundAlert {
                number: alert.number,
                photograph: span.first_frame as usize,
            })
            .collect(),
        left_out,
        plugin_errors: decided.errors,
        quarantines: decided
            .quarantines
            .iter()
            .map(|quarantine| PipelineError::quarantined(deployment, quarantine))
            .collect(),
        interrupted,
        not_one_face: (looked_at && !every_face && counts.faces != 1).then_some(counts.faces),
    })
}
