//! What a workbench has for roles that perceive: models, pixels, a budget for tensors, and the calls to them on the host's own library.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use overt_vision::{Budget, Session};

use super::{Workbench, system};
use crate::{
    Component, Detector, DetectorError, Encoder, EncoderError, Face, Frame, Quality, QualityError,
    Tensor,
};

pub(super) type SharedSession = Rc<RefCell<Box<dyn Session>>>;

/// What plugins that perceive find around themselves.
pub(super) struct Perception {
    pub(super) models: BTreeMap<String, SharedSession>,
    pub(super) pixels: bool,
    budget: u64,
}

impl Default for Perception {
    fn default() -> Self {
        Perception {
            models: BTreeMap::new(),
            pixels: false,
            budget: u64::MAX,
        }
    }
}

impl Perception {
    /// The budget of one call.
    pub(super) fn budget(&self) -> Rc<Budget> {
        Rc::new(Budget::new(self.budget))
    }
}

impl Workbench {
    /// A model under its name in the manifest.
    pub fn model(self, name: impl Into<String>, session: Box<dyn Session>) -> Workbench {
        self.with(|surroundings| {
            let session = Rc::new(RefCell::new(session));
            surroundings.perception.models.insert(name.into(), session);
        })
    }

    /// Grants the capability `pixels`: the numbers of tensors made of a frame may be read.
    pub fn pixels(self) -> Workbench {
        self.with(|surroundings| surroundings.perception.pixels = true)
    }

    /// Bytes of tensors that one call may make.
    pub fn budget(self, bytes: u64) -> Workbench {
        self.with(|surroundings| surroundings.perception.budget = bytes)
    }

    /// Calls a detector.
    pub fn detect<P: Detector>(
        &self,
        frame: &Arc<overt_vision::Frame>,
    ) -> Result<Vec<Face>, DetectorError> {
        self.on_frame(frame, |frame| P::detect(frame))
    }

    /// Calls an encoder.
    pub fn encode<P: Encoder>(
        &self,
        frame: &Arc<overt_vision::Frame>,
        faces: &[Face],
    ) -> Result<Tensor, EncoderError> {
        self.on_frame(frame, |frame| P::encode(frame, faces))
    }

    /// Calls a quality measure.
    pub fn assess<P: Quality>(
        &self,
        frame: &Arc<overt_vision::Frame>,
        faces: &[Face],
    ) -> Result<Vec<Vec<Component>>, QualityError> {
        self.on_frame(frame, |frame| P::assess(frame, faces))
    }

    /// A plugin's code on a frame, as one call.
    pub fn on_frame<R>(
        &self,
        frame: &Arc<overt_vision::Frame>,
        call: impl FnOnce(&Frame) -> R,
    ) -> R {
        let handle = system::frames::Frame::new(Arc::clone(frame));
        self.within(|| call(&Frame::new(&handle)))
    }
}
