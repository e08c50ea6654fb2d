//! Where a run's log goes, in which form, and how much of it. Without a word about it, warnings go to standard error as text.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use clap::{Args, ValueEnum};
use overt_pipeline::incident;
use tracing_subscriber::EnvFilter;
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

fn install<W>(filter: EnvFilter, form: Form, writer: W)
where
    W: for<'a> tracing_subscriber::fmt::MakeWriter<'a> + Send + Sync + 'static,
{
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
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
