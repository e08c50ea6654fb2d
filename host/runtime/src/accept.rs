//! From a plugin file to an accepted plugin: everything that is checked before a guest's first instruction. It knows no call.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use overt_contract::{Capability, Role};
use overt_vision::ModelFile;
use wasmtime::component::{Component, Linker};

use crate::agreement::{self, Grants};
use crate::engine::Runtime;
use crate::error::PluginError;
use crate::imports;
use crate::limits::Limits;
use crate::package::PluginFile;
use crate::plugin::{Indices, Inner, Plugin, PluginIdentity};
use crate::trust::TrustedFile;

/// What a deployment says about a plugin.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The role that it is to fill. Others that it has are not used.
    pub role: Role,
    /// What is granted to it.
    pub grants: Grants,
    /// What a call may use.
    pub limits: Limits,
    /// Its own table, as a JSON object.
    pub config: String,
    /// A file for each model that its manifest names.
    pub models: BTreeMap<String, (PathBuf, ModelFile)>,
}

/// A plugin's id and version, for an error.
fn named(file: &PluginFile) -> String {
    let plugin = &file.manifest().plugin;
    format!("{} {}", plugin.id, plugin.version)
}

impl Runtime {
    /// Accepts a trusted plugin for a role: agreement of manifest, component and grants; models; compiling; one instantiation in which every
    /// declared role is loaded, because a type mismatch shows only there. Nothing of the guest has run before that.
    pub fn accept(&self, file: &TrustedFile, terms: Terms) -> Result<Plugin, PluginError> {
        agreement::check(file, &terms.grants)?;
        self.prepare(file, terms)
    }

    /// The same on its vendor's machine, to be tested and measured: a perception plugin may write a log there, and no face of a deployment comes near it.
    pub fn try_out(&self, file: &TrustedFile, terms: Terms) -> Result<Plugin, PluginError> {
        agreement::declared(file.path(), file.manifest(), file.imports(), file.exports())?;
        agreement::granted(file, &terms.grants)?;
        self.prepare(file, terms)
    }

    /// What comes after the agreement.
    fn prepare(&self, file: &TrustedFile, terms: Terms) -> Result<Plugin, PluginError> {
        let path = || file.path().to_owned();
        let manifest = file.manifest();
        agreement::serves(file, terms.role)?;
        agreement::models(file, &terms.models)?;
        let mut given = terms.models;
        // In the manifest's order. They agree, so each is there.
        let models = manifest
            .models
            .iter()
            .filter_map(|declared| given.remove_entry(&declared.name))
            .map(|(name, (_, model))| (name, model))
            .collect();
        let component = self.component(file)?;
        let contract = |error: wasmtime::Error| PluginError::Contract {
            path: path(),
            plugin: named(file),
            cause: format!("{error:#}"),
        };
        let engine = self.engine(terms.role.family());
        let mut linker = Linker::new(engine);
        let capabilities: Grants = manifest
            .capabilities
            .declared()
            .filter(|capability| terms.grants.contains(capability))
            .collect();
        imports::link(&mut linker, &capabilities)?;
        let pre = linker.instantiate_pre(&component).map_err(contract)?;
        let indices = Indices::of(terms.role, &pre).map_err(contract)?;
        let plugin = Plugin {
            inner: Arc::new(Inner {
                runtime: self.clone(),
                identity: PluginIdentity {
                    id: manifest.plugin.id.as_str().into(),
                    version: manifest.plugin.version.to_string().into(),
                    sha256: file.sha256().into(),
                    content: file.content_sha256().into(),
                },
                role: terms.role,
                limits: terms.limits,
                pixels: capabilities.contains(&Capability::Pixels),
                encoder: manifest.encoder.clone(),
                models,
                pre,
                indices,
            }),
            config: terms.config.into(),
            observer: None,
        };
        plugin
            .load_every_role(&manifest.plugin.roles)
            .map_err(|cause| PluginError::Contract {
                path: path(),
                plugin: named(file),
                cause,
            })?;
        Ok(plugin)
    }

    /// The compiled component: from the cache, or compiled now.
    fn component(&self, file: &PluginFile) -> Result<Component, PluginError> {
        let family = file
            .manifest()
            .family()
            .unwrap_or(overt_contract::Family::Perception);
        let engine = self.engine(family);
        let cache = self.inner.cache.as_ref();
        if let Some(component) = cache.and_then(|cache| cache.load(engine, file.sha256())) {
            return Ok(component);
        }
        let compiled = self
            .inner
            .compiler
            .compile(file.path(), family, file.bytes())?;
        if let Some(cache) = cache {
            cache.store(engine, file.sha256(), &compiled);
        }
        // SAFETY: the bytes came this moment through a pipe from the compiler child, which is this same software, started by its own path
        // without an environment; `deserialize` checks version and settings. Tested by every test that loads a plugin, and by
        // `a_compiler_of_other_settings_is_refused`.
        unsafe { Component::deserialize(engine, &compiled) }.map_err(|error| {
            let text = format!("{error:#}");
            // The pool's refusal, which has no type of its own; the text is tested by `more_memories_tables_or_instances_than_the_pool_gives_are_refused`.
            if text.contains("pooling allocator") {
                PluginError::Contract {
                    path: file.path().to_owned(),
                    plugin: named(file),
                    cause: text,
                }
            } else {
                PluginError::Engine {
                    cause: format!("the compiler's output does not load: {text}"),
                }
            }
        })
    }
}
