//! Makes a plugin file of a core module or a component, and its manifest.

use std::path::Path;

use wasm_encoder::{ComponentSection, CustomSection, Encode};

use crate::agreement;
use crate::error::PluginError;
use crate::limits::PLUGIN_BYTES;
use crate::manifest::{LARGEST, Manifest, SECTION};
use crate::package::{self, PluginFile};

/// Reads a manifest and a core module or component, and makes the plugin file's bytes. A core module is made a component first; a
/// vendor needs no other tool. The result is read back as a host would read it, so what does not pass here is never written.
pub fn pack(manifest_path: &Path, wasm_path: &Path) -> Result<PluginFile, PluginError> {
    let manifest_bytes = package::read_capped(manifest_path, LARGEST as u64)?;
    let manifest_error = |cause| PluginError::Manifest {
        path: manifest_path.to_owned(),
        cause,
    };
    let manifest = Manifest::parse(&manifest_bytes).map_err(manifest_error)?;
    let mut component = component(wasm_path, package::read_capped(wasm_path, PLUGIN_BYTES)?)?;
    let shape = package::shape(wasm_path, &component)?;
    if shape.manifests > 0 {
        return Err(PluginError::ManifestCount {
            path: wasm_path.to_owned(),
            count: shape.manifests + 1,
        });
    }
    agreement::declared(wasm_path, &manifest, &shape.imports, &shape.exports)?;
    let section = CustomSection {
        name: SECTION.into(),
        data: manifest_bytes.as_slice().into(),
    };
    component.push(ComponentSection::id(&section));
    section.encode(&mut component);
    PluginFile::from_bytes(wasm_path, component)
}

/// The component in a file: as it is, or made of a core module that carries its component type (as wit-bindgen leaves it there).
fn component(path: &Path, bytes: Vec<u8>) -> Result<Vec<u8>, PluginError> {
    match package::shape(path, &bytes) {
        Err(PluginError::CoreModule { .. }) => {}
        Err(error) => return Err(error),
        Ok(_) => return Ok(bytes),
    }
    let cause = |error: &dyn std::fmt::Display| PluginError::NotComponentizable {
        path: path.to_owned(),
        cause: error.to_string(),
    };
    wit_component::ComponentEncoder::default()
        .validate(true)
        .module(&bytes)
        .and_then(|encoder| {
            let mut encoder = encoder;
            encoder.encode()
        })
        .map_err(|error| cause(&format!("{error:#}")))
}
