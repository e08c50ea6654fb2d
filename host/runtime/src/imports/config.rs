//! The interface `config`: the plugin's own table.

use crate::contract::imports::config::Host;
use crate::sandbox::Call;

impl Host for Call {
    fn get(&mut self) -> wasmtime::Result<String> {
        self.spend(self.config.len())?;
        Ok(self.config.to_string())
    }
}
