//! The interface `log`: bounded, printable lines.

use crate::contract::imports::log::{Host, Level};
use crate::limits;
use crate::sandbox::Call;

impl Host for Call {
    fn write(&mut self, level: Level, line: String) -> wasmtime::Result<()> {
        self.spend(line.len())?;
        let log = &mut self.log;
        if log.left == 0 {
            log.dropped = log.dropped.saturating_add(1);
            return Ok(());
        }
        log.left -= 1;
        let line: String = line
            .chars()
            .take(limits::TEXT)
            .map(|character| {
                if matches!(character, ' '..='~') {
                    character
                } else {
                    '?'
                }
            })
            .collect();
        let (plugin, camera, frame) = (
            &log.source.plugin,
            log.source.camera.as_deref().unwrap_or_default(),
            log.source.frame,
        );
        match level {
            Level::Debug => {
                tracing::debug!(target: "overt::plugin", %plugin, camera, frame, "{line}")
            }
            Level::Info => {
                tracing::info!(target: "overt::plugin", %plugin, camera, frame, "{line}")
            }
            Level::Warn => {
                tracing::warn!(target: "overt::plugin", %plugin, camera, frame, "{line}")
            }
        }
        Ok(())
    }
}
