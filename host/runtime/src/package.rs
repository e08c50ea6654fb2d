//! The plugin file: one component with its manifest inside. Read once, capped, hashed; nothing is compiled or run here.

use std::io::Read;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use sha2::{Digest, Sha256};
use wasmparser::component_types::ComponentEntityType;
use wasmparser::{Encoding, Parser, Payload, WasmFeatures};

use crate::envelope::Envelope;
use crate::error::PluginError;
use crate::limits::PLUGIN_BYTES;
use crate::manifest::{Manifest, SECTION};
use crate::validate::validate;

/// An interface that a component imports or exports, with the functions that it names there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Interface {
    /// Its full name, such as `overt:algorithm/frames@0.1.0`.
    pub name: String,
    /// The functions; types and resources are left out. Methods are written `[method]frame.width`.
    pub functions: Vec<String>,
}

/// The bytes of a file that may be a plugin: read once, capped in size, hashed, and not yet looked into.
#[derive(Clone, Debug)]
pub struct PluginBytes {
    path: PathBuf,
    bytes: Arc<[u8]>,
    sha256: String,
}

impl PluginBytes {
    /// Reads a file of at most [`PLUGIN_BYTES`].
    ///
    /// # Errors
    /// [`PluginError::Read`], [`PluginError::TooLarge`].
    pub fn read(path: &Path) -> Result<PluginBytes, PluginError> {
        Ok(PluginBytes::of(path, read_capped(path, PLUGIN_BYTES)?))
    }

    /// The same from memory; `path` is for messages only.
    pub fn of(path: &Path, bytes: Vec<u8>) -> PluginBytes {
        PluginBytes {
            path: path.to_owned(),
            sha256: sha256(&bytes),
            bytes: bytes.into(),
        }
    }

    /// Where it was read.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The whole file.
    pub fn bytes(&self) -> &Arc<[u8]> {
        &self.bytes
    }

    /// SHA-256 of the whole file.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// SHA-256 of what is signed, as [`PluginFile::content_sha256`] gives it; nothing else of the file is read.
    ///
    /// # Errors
    /// What its outermost layer says.
    pub fn content_sha256(&self) -> Result<String, PluginError> {
        let envelope = Envelope::open(&self.path, &self.bytes)?;
        Ok(sha256(envelope.content))
    }

    /// That it is the file that somebody pinned.
    ///
    /// # Errors
    /// [`PluginError::Digest`].
    pub fn expect(&self, sha256: &str) -> Result<(), PluginError> {
        if self.sha256 == sha256 {
            return Ok(());
        }
        Err(PluginError::Digest {
            path: self.path.clone(),
            expected: sha256.to_owned(),
            found: self.sha256.clone(),
        })
    }
}

/// A plugin file, read and validated.
#[derive(Clone, Debug)]
pub struct PluginFile {
    bytes: PluginBytes,
    content_sha256: String,
    manifest: Manifest,
    manifest_text: String,
    shape: Shape,
}

/// What a component shows of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) imports: Vec<Interface>,
    pub(crate) exports: Vec<Interface>,
    pub(crate) manifests: usize,
}

/// The features that a plugin may use: WebAssembly 2.0 and components, without threads, memory64, garbage collection or asynchrony.
pub(crate) fn features() -> WasmFeatures {
    WasmFeatures::WASM2
        | WasmFeatures::COMPONENT_MODEL
        | WasmFeatures::MULTI_MEMORY
        | WasmFeatures::EXTENDED_CONST
        | WasmFeatures::TAIL_CALL
}

/// SHA-256 in 64 lower-case hexadecimal digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Reads a file of at most `limit` bytes, once.
pub(crate) fn read_capped(path: &Path, limit: u64) -> Result<Vec<u8>, PluginError> {
    let read = |cause| PluginError::Read {
        path: path.to_owned(),
        cause,
    };
    // Without waiting: a named pipe would wait for somebody to write, and whoever reads it for them.
    let file = std::fs::OpenOptions::new()
        .read(true)
        .custom_flags(rustix::fs::OFlags::NONBLOCK.bits() as i32)
        .open(path)
        .map_err(read)?;
    if !file.metadata().map_err(read)?.is_file() {
        return Err(read(std::io::Error::other("it is no file")));
    }
    let mut bytes = Vec::new();
    (&file)
        .take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(read)?;
    if bytes.len() as u64 > limit {
        // What a device says of its length is not what it gives.
        let said = file.metadata().map_or(0, |metadata| metadata.len());
        return Err(PluginError::TooLarge {
            path: path.to_owned(),
            bytes: said.max(bytes.len() as u64),
            limit,
        });
    }
    Ok(bytes)
}

impl PluginFile {
    /// Reads a plugin file whoever made it, to look at it: size cap, one manifest, validation. What is to run goes through
    /// [`crate::TrustedFile::admit`], which asks for signatures first.
    pub fn read(path: &Path) -> Result<PluginFile, PluginError> {
        PluginFile::parse(PluginBytes::read(path)?)
    }

    /// The same from bytes; `path` is for messages only.
    pub fn from_bytes(path: &Path, bytes: Vec<u8>) -> Result<PluginFile, PluginError> {
        PluginFile::parse(PluginBytes::of(path, bytes))
    }

    /// Looks into a file: exactly one manifest, which can be used, and a component that is valid.
    pub fn parse(file: PluginBytes) -> Result<PluginFile, PluginError> {
        let path = file.path();
        let envelope = Envelope::open(path, file.bytes())?;
        let manifest =
            Manifest::parse(envelope.manifest).map_err(|cause| PluginError::Manifest {
                path: path.to_owned(),
                cause,
            })?;
        let manifest_text = String::from_utf8_lossy(envelope.manifest).into_owned();
        let content_sha256 = sha256(envelope.content);
        let shape = shape(path, file.bytes())?;
        Ok(PluginFile {
            content_sha256,
            manifest,
            manifest_text,
            shape,
            bytes: file,
        })
    }

    /// The file as it was read.
    pub fn file(&self) -> &PluginBytes {
        &self.bytes
    }

    /// Where it was read.
    pub fn path(&self) -> &Path {
        self.bytes.path()
    }

    /// The whole file.
    pub fn bytes(&self) -> &Arc<[u8]> {
        self.bytes.bytes()
    }

    /// SHA-256 of the whole file.
    pub fn sha256(&self) -> &str {
        self.bytes.sha256()
    }

    /// SHA-256 of what is signed: the file without its first eight bytes and its signatures. It stays the same when somebody signs, so what was
    /// measured with a plugin stays bound to it.
    pub fn content_sha256(&self) -> &str {
        &self.content_sha256
    }

    /// The manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The manifest as its vendor wrote it.
    pub fn manifest_text(&self) -> &str {
        &self.manifest_text
    }

    /// The interfaces that the component imports.
    pub fn imports(&self) -> &[Interface] {
        &self.shape.imports
    }

    /// The interfaces that the component exports.
    pub fn exports(&self) -> &[Interface] {
        &self.shape.exports
    }
}

/// Validates a component and reads its imports, exports and top-level manifests.
pub(crate) fn shape(path: &Path, bytes: &[u8]) -> Result<Shape, PluginError> {
    if bytes.get(..4) != Some(b"\0asm") {
        let first = bytes.get(..bytes.len().min(4)).unwrap_or_default();
        let found = if first.is_empty() {
            "an empty file".to_owned()
        } else {
            hex::encode(first)
        };
        return Err(PluginError::NotWasm {
            path: path.to_owned(),
            found,
        });
    }
    let malformed = |error: wasmparser::BinaryReaderError| PluginError::Malformed {
        path: path.to_owned(),
        offset: error.offset() as u64,
        cause: overt_contract::plain(error.message()),
    };
    let mut shape = Shape::default();
    let mut depth = 0usize;
    let mut import_names = Vec::new();
    let mut export_names = Vec::new();
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(malformed)? {
            Payload::Version {
                encoding: Encoding::Module,
                ..
            } if depth == 0 => {
                return Err(PluginError::CoreModule {
                    path: path.to_owned(),
                });
            }
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            // Only top-level sections count: a manifest inside a nested module is data of that module.
            Payload::CustomSection(section) if depth == 0 && section.name() == SECTION => {
                shape.manifests += 1;
            }
            Payload::ComponentImportSection(imports) if depth == 0 => {
                for import in imports {
                    import_names.push(import.map_err(malformed)?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(exports) if depth == 0 => {
                for export in exports {
                    export_names.push(export.map_err(malformed)?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    let types = validate(path, bytes)?;
    let types = types.as_ref();
    let functions = |entity: Option<ComponentEntityType>| match entity {
        Some(ComponentEntityType::Instance(id)) => types[id]
            .exports
            .iter()
            .filter(|(_, item)| matches!(item.ty, ComponentEntityType::Func(_)))
            .map(|(name, _)| name.to_string())
            .collect(),
        _ => Vec::new(),
    };
    for name in import_names {
        let functions = functions(types.component_item_for_import(&name).map(|item| item.ty));
        shape.imports.push(Interface { name, functions });
    }
    for name in export_names {
        let functions = functions(types.component_item_for_export(&name).map(|item| item.ty));
        shape.exports.push(Interface { name, functions });
    }
    Ok(shape)
}
