//! The interface `config`: the plugin's own table.

use crate::contract::imports::config::Host;
use crate::sandbox::Call;

impl Host for Call {
    fn get(&mut self) -> wasmtime::Result<String> {
        Ok(self.config.to_string())
    }
}
