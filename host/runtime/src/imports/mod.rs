//! What the host does when a guest calls it: one file an interface of the contract.
//!
//! An error that the contract knows goes back to the guest; a breach (too many handles, a forged handle) ends the call.

mod config;
mod frames;
mod geometry;
mod inference;
mod log;
mod pixels;
mod tensors;

use wasmtime::component::{HasSelf, Linker, Resource, ResourceTableError};

use crate::contract::imports as contract;
use crate::error::{CallCause, PluginError};
use crate::limits;
use crate::sandbox::{Call, Ended};
use overt_contract::Capability;

/// Puts into the linker what these capabilities give, and the interfaces that need none; nothing else.
pub(crate) fn link(
    linker: &mut Linker<Call>,
    capabilities: &crate::Grants,
) -> Result<(), PluginError> {
    fn this(call: &mut Call) -> &mut Call {
        call
    }
    let mut add = || -> wasmtime::Result<()> {
        type Own = HasSelf<Call>;
        contract::geometry::add_to_linker::<Call, Own>(linker, this)?;
        contract::config::add_to_linker::<Call, Own>(linker, this)?;
        if capabilities.contains(&Capability::Frames)
            || capabilities.contains(&Capability::Inference)
        {
            contract::tensors::add_to_linker::<Call, Own>(linker, this)?;
        }
        for capability in capabilities {
            match capability {
                Capability::Frames => contract::frames::add_to_linker::<Call, Own>(linker, this)?,
                Capability::Pixels => contract::pixels::add_to_linker::<Call, Own>(linker, this)?,
                Capability::Inference => {
                    contract::inference::add_to_linker::<Call, Own>(linker, this)?
                }
                Capability::Log => contract::log::add_to_linker::<Call, Own>(linker, this)?,
            }
        }
        Ok(())
    };
    add().map_err(|error| PluginError::Engine {
        cause: format!("{error:#}"),
    })
}

/// The cause for which a handle is refused.
fn handle(error: ResourceTableError) -> wasmtime::Error {
    match error {
        ResourceTableError::Full => Ended(CallCause::Handles {
            limit: limits::RESOURCES,
        })
        .into(),
        other => Ended(CallCause::Trap(format!("a handle that is none: {other}"))).into(),
    }
}

impl Call {
    fn hold<T: Send + 'static>(&mut self, value: T) -> wasmtime::Result<Resource<T>> {
        self.table.push(value).map_err(handle)
    }

    fn release<T: 'static>(&mut self, resource: Resource<T>) -> wasmtime::Result<()> {
        self.table.delete(resource).map(drop).map_err(handle)
    }
}
