//! The interface `inference`: models that the host holds open for the plugin.

use std::time::Instant;

use overt_vision::{self as vision, Tensor};
use wasmtime::component::Resource;

use crate::contract::imports::inference::{Host, HostModel, InferenceError, Port};
use crate::error::CallCause;
use crate::imports::handle;
use crate::sandbox::{Call, Ended, ModelHandle, TensorHandle};

impl Host for Call {}

fn ports(ports: &[vision::Port]) -> Vec<Port> {
    ports
        .iter()
        .map(|port| Port {
            name: port.name.clone(),
            element: port.element.into(),
            shape: port.shape.clone(),
        })
        .collect()
}

impl Call {
    fn session(&self, this: &Resource<ModelHandle>) -> wasmtime::Result<&dyn vision::Session> {
        let ModelHandle(index) = self.table.get(this).map_err(handle)?;
        // Handles are made by `open` alone, from places that exist for the whole call.
        Ok(&*self.sessions[*index].session)
    }
}

impl HostModel for Call {
    fn open(
        &mut self,
        name: String,
    ) -> wasmtime::Result<Result<Resource<ModelHandle>, InferenceError>> {
        Ok(
            match self
                .sessions
                .iter()
                .position(|session| session.name == name)
            {
                Some(index) => Ok(self.hold(ModelHandle(index))?),
                None => Err(InferenceError::UnknownModel),
            },
        )
    }

    fn inputs(&mut self, this: Resource<ModelHandle>) -> wasmtime::Result<Vec<Port>> {
        Ok(ports(self.session(&this)?.inputs()))
    }

    fn outputs(&mut self, this: Resource<ModelHandle>) -> wasmtime::Result<Vec<Port>> {
        Ok(ports(self.session(&this)?.outputs()))
    }

    fn run(
        &mut self,
        this: Resource<ModelHandle>,
        inputs: Vec<Resource<TensorHandle>>,
    ) -> wasmtime::Result<Result<Vec<Resource<TensorHandle>>, InferenceError>> {
        let ModelHandle(index) = self.table.get(&this).map_err(handle)?;
        let index = *index;
        let Call {
            table,
            sessions,
            budget,
            clock,
            inference,
            ..
        } = self;
        let inputs = inputs
            .iter()
            .map(|input| table.get(input).map(|held| &held.tensor))
            .collect::<Result<Vec<&Tensor>, _>>()
            .map_err(handle)?;
        let session = &mut sessions[index].session;
        let started = Instant::now();
        let outputs = clock.model(|| session.run(&inputs, budget, Some(started + inference.left)));
        inference.left = inference.left.saturating_sub(started.elapsed());
        let late = || {
            wasmtime::Error::from(Ended(CallCause::InferenceDeadline {
                limit_ms: inference.limit.as_millis() as u64,
            }))
        };
        match outputs {
            Ok(_) if inference.left.is_zero() => Err(late()),
            Ok(outputs) => Ok(Ok(outputs
                .into_iter()
                .map(|tensor| {
                    self.hold(TensorHandle {
                        tensor,
                        of_frame: false,
                    })
                })
                .collect::<wasmtime::Result<Vec<_>>>()?)),
            Err(vision::InferenceError::Deadline { .. }) => Err(late()),
            Err(vision::InferenceError::OverMemory(over)) => {
                Err(wasmtime::Error::from(Ended(CallCause::ModelMemory(over))))
            }
            // The machine's trouble and no plugin's: it strikes none.
            Err(error @ vision::InferenceError::DeviceFailed { .. }) => Err(wasmtime::Error::from(
                Ended(CallCause::Host(error.to_string())),
            )),
            Err(vision::InferenceError::BadInput { .. }) => Ok(Err(InferenceError::BadInput)),
            Err(vision::InferenceError::OverBudget(_)) => Ok(Err(InferenceError::OverBudget)),
            Err(error) => {
                // Once a call: a guest that tries again for ever would fill the log.
                if !std::mem::replace(&mut self.inference.failed, true) {
                    let plugin = &self.log.source.plugin;
                    tracing::warn!(%plugin, model = %self.sessions[index].name, %error, "a model failed");
                }
                Ok(Err(InferenceError::Failed))
            }
        }
    }

    fn drop(&mut self, this: Resource<ModelHandle>) -> wasmtime::Result<()> {
        self.release(this)
    }
}
