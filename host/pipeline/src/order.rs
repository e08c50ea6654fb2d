//! The order in which the decision thread takes the frames of several lanes.
//!
//! Where every camera is a file, the earliest frame comes first, by its time and then by its camera's place in the deployment file: that is the same in
//! every run, and costs waiting for the slowest lane. Where a camera is live nobody may wait for another camera, which may be away for
//! hours; then frames are taken as they come.

use crossbeam_channel::{Receiver, Select, TryRecvError};

use crate::error::PipelineError;
use crate::way::{CameraIndex, LaneEnd, Passed, ToDecision};

/// What comes next.
pub(crate) enum Next {
    /// A camera's frame.
    Frame(CameraIndex, Box<Passed>),
    /// Nothing yet.
    Wait,
    /// Nothing any more: every lane has ended.
    End,
}

/// The lanes, from the decision thread's side.
pub(crate) struct Lanes {
    lanes: Vec<Lane>,
    by_arrival: bool,
    /// The lane that is asked first: the one after the last that was served, so that a busy camera does not hold up the others.
    first: CameraIndex,
}

struct Lane {
    messages: Receiver<ToDecision>,
    head: Option<Box<Passed>>,
    end: Option<LaneEnd>,
}

impl Lane {
    /// Whether its next frame, or its end, is there.
    fn fetch(&mut self) -> Result<bool, PipelineError> {
        if self.head.is_some() || self.end.is_some() {
            return Ok(true);
        }
        match self.messages.try_recv() {
            Ok(ToDecision::Frame(passed)) => self.head = Some(passed),
            Ok(ToDecision::Ended(end)) => self.end = Some(*end),
            Err(TryRecvError::Empty) => return Ok(false),
            Err(TryRecvError::Disconnected) => return Err(PipelineError::Panicked("lane")),
        }
        Ok(true)
    }
}

impl Lanes {
    pub(crate) fn new(lanes: Vec<Receiver<ToDecision>>, by_arrival: bool) -> Lanes {
        let lanes = lanes
            .into_iter()
            .map(|messages| Lane {
                messages,
                head: None,
                end: None,
            })
            .collect();
        Lanes {
            lanes,
            by_arrival,
            first: 0,
        }
    }

    /// The next frame, if it is known which that is.
    ///
    /// # Errors
    /// `Panicked` where a lane is gone without an end.
    pub(crate) fn next_ready(&mut self) -> Result<Next, PipelineError> {
        let mut all_there = true;
        for lane in &mut self.lanes {
            all_there &= lane.fetch()?;
        }
        if !all_there && !self.by_arrival {
            return Ok(Next::Wait);
        }
        let count = self.lanes.len();
        let mut heads = (0..count)
            .map(|offset| (self.first + offset) % count)
            .filter_map(|camera| Some((camera, self.lanes[camera].head.as_ref()?.time)));
        let camera = if self.by_arrival {
            heads.next()
        } else {
            heads.min_by(|one, other| one.1.total_cmp(&other.1).then(one.0.cmp(&other.0)))
        };
        let taken = camera.and_then(|(camera, _)| Some((camera, self.lanes[camera].head.take()?)));
        Ok(match taken {
            Some((camera, passed)) => {
                self.first = (camera + 1) % count;
                Next::Frame(camera, passed)
            }
            None if all_there => Next::End,
            None => Next::Wait,
        })
    }

    /// Waits until a lane that has nothing has something.
    pub(crate) fn wait(&mut self) {
        let mut select = Select::new();
        let waiting = self
            .lanes
            .iter()
            .filter(|lane| lane.head.is_none() && lane.end.is_none());
        let mut any = false;
        for lane in waiting {
            select.recv(&lane.messages);
            any = true;
        }
        if any {
            // It is fetched, and found out whether it is gone, by `next_ready`.
            select.ready();
        }
    }

    /// What the lanes left, in the order of the cameras. Called after [`Next::End`].
    pub(crate) fn into_ends(self) -> Vec<LaneEnd> {
        self.lanes.into_iter().filter_map(|lane| lane.end).collect()
    }
}
