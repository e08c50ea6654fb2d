//! Where a run's log goes, in which form, and how much of it. Without a word about it, warnings go to standard error as text.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use clap::{Args, ValueEnum};
use overt_pipeline::incident;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::failure::Failure;

/// How the log is kept.
#[derive(Args)]
pub(super) struct LogArguments {
    /// Add the log to this file; `-` is standard error
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,

    /// The log's form: a line for people, or a JSON object a line
    #[arg(long, value_name = "FORM", value_enum, default_value_t = Form::Text, requires = "log")]
    log_format: Form,

    /// How much: error, warn, info, debug (every plugin call as well) or trace; or by target, such as `warn,overt::call=debug`
    ///
    /// Without it, `info` for a log that was asked for with `--log`, and warnings on standard error otherwise.
    #[arg(long, value_name = "LEVEL", env = "OVERT_LOG", hide_env_values = true)]
    log_level: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    Text,
    Json,
}

impl LogArguments {
    /// Opens the log. What is written before has no place to go.
    pub(super) fn start(&self) -> Result<(), Failure> {
        let level = match (&self.log_level, &self.log) {
            (Some(level), _) => of_overt(level),
            (None, Some(_)) => of_overt("info"),
            // The terminal has incidents told in words already.
            (None, None) => format!("warn,{}=off", incident::TARGET),
        };
        let filter = EnvFilter::builder().parse(&level).map_err(|error| {
            Failure::mistake(
                format!("--log-level or OVERT_LOG: {level:?} is no level: {error}"),
                "give error, warn, info, debug or trace, or levels by target such as `warn,overt::call=debug`",
            )
        })?;
        match self.log.as_deref() {
            None => install(filter, self.log_format, std::io::stderr),
            Some(file) if file == Path::new("-") => {
                install(filter, self.log_format, std::io::stderr)
            }
            Some(path) => {
                // A decision plugin may write what it likes into it, within its bounds.
                let file = OpenOptions::new()
                    .create(true)
                    .append(true)
                    .mode(0o600)
                    .open(path)
                    .map_err(|error| Failure::file(path, &error))?;
                install(filter, self.log_format, Mutex::new(Lines(file)));
            }
        }
        Ok(())
    }
}

/// A level by itself is meant for Overt: of the libraries that it is built on, warnings are enough.
fn of_overt(level: &str) -> String {
    match level.to_lowercase().as_str() {
        level @ ("info" | "debug" | "trace") => format!("warn,overt={level}"),
        _ => level.to_owned(),
    }
}

/// A file that gets whole lines. One that cannot be written is not: a disk that is full ends no run.
struct Lines(std::fs::File);

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        self.0.write_all(line).map(|()| line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

/// Keeps an event to one line. A line break within it is out of a stranger's text, a model's name for a step of its own say, and what follows could pass for
/// an event that never was.
struct OneLine<W>(W);

impl<W: Write> Write for OneLine<W> {
    fn write(&mut self, event: &[u8]) -> std::io::Result<usize> {
        // Each event comes in one piece, with its end.
        let text = event.strip_suffix(b"\n").unwrap_or(event);
        let mut line = Vec::with_capacity(event.len());
        for byte in text {
            match byte {
                b'\n' => line.extend(b"\\n"),
                b'\r' => line.extend(b"\\r"),
                byte => line.push(*byte),
            }
        }
        line.extend(&event[text.len()..]);
        self.0.write_all(&line).map(|()| event.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

/// Makes writers of events that keep to one line.
struct OnOneLine<M>(M);

impl<'a, M: MakeWriter<'a>> MakeWriter<'a> for OnOneLine<M> {
    type Writer = OneLine<M::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        OneLine(self.0.make_writer())
    }
}

fn install<W>(filter: EnvFilter, form: Form, writer: W)
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(OnOneLine(writer))
        // A plugin call is a span; what it came to is known when it closes.
        .with_span_events(FmtSpan::CLOSE)
        // A line that cannot be written would be told on standard error, with a panic.
        .log_internal_errors(false);
    // Set up already, in a test: the first one stays.
    let _ = match form {
        Form::Text => log.with_ansi(false).try_init(),
        Form::Json => log.json().flatten_event(true).try_init(),
    };
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().map_or(Ok(0), |mut kept| kept.write(bytes))
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_break_in_a_strangers_text_begins_no_event() {
        let kept = Kept::default();
        let writer = kept.clone();
        let log = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(OnOneLine(move || writer.clone()))
            .finish();
        tracing::subscriber::with_default(log, || {
            let error = "no such step\n2026-01-01T00:00:00Z  INFO overt: alert 3 was passed\r";
            tracing::warn!(%error, "a model failed");
            tracing::warn!("another");
        });
        let text = kept.0.lock().map(|kept| kept.clone()).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert!(
            lines[0].contains("no such step\\n2026-01-01") && lines[1].contains("another"),
            "{text}"
        );
    }
}
