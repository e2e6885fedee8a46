//! Structured logs on standard error: for people on a terminal, JSON otherwise.

use std::io::IsTerminal as _;

use thiserror::Error;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt};

use crate::config::telemetry::{LogFormat, TelemetrySettings};

/// Why logs cannot be written.
#[derive(Debug, Error)]
pub enum LogsError {
    /// `telemetry.log` does not say what to log. Loading the settings finds this first.
    #[error("telemetry.log: {0}")]
    Directives(#[from] tracing_subscriber::filter::ParseError),
    /// Somebody else writes them.
    #[error("logs are already being written: {0}")]
    Taken(#[from] TryInitError),
}

/// Parts that say at every start, or oftener, what nobody needs: that a table which should exist does, and in which order
/// the scheduler is made.
const QUIET: [&str; 2] = ["sqlx::postgres::notice=warn", "tokio_cron_scheduler=warn"];

/// Begins to write logs, for the rest of the process.
///
/// # Errors
/// [`LogsError`] if the settings do not say what to log, or on a second call.
pub fn start(settings: &TelemetrySettings) -> Result<(), LogsError> {
    let is_terminal = std::io::stderr().is_terminal();
    let layer = layer(settings, is_terminal, std::io::stderr)?;
    tracing_subscriber::registry().with(layer).try_init()?;
    Ok(())
}

fn layer<W>(
    settings: &TelemetrySettings,
    is_terminal: bool,
    writer: W,
) -> Result<Box<dyn Layer<Registry> + Send + Sync>, LogsError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let mut filter = EnvFilter::try_new(&settings.log)?;
    for quiet in QUIET {
        filter = filter.add_directive(quiet.parse()?);
    }
    let is_json = match settings.log_format {
        LogFormat::Auto => !is_terminal,
        LogFormat::Human => false,
        LogFormat::Json => true,
    };
    let layer = fmt::layer().with_writer(writer);
    // The filter stands before the layer, not around it (`with_filter`): there, a question whether something would be
    // logged, as sqlx asks it, makes the thread's next line disappear.
    Ok(if is_json {
        filter.and_then(layer.json().flatten_event(true)).boxed()
    } else {
        let has_color = is_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        filter.and_then(layer.with_ansi(has_color)).boxed()
    })
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::telemetry::Masked;

    /// What `log` and `log_format` make of an event, on a terminal or not.
    fn written(log: &str, log_format: LogFormat, is_terminal: bool) -> String {
        #[derive(Clone, Default)]
        struct Buffer(Arc<Mutex<Vec<u8>>>);
        impl std::io::Write for Buffer {
            fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
                self.0.lock().unwrap().extend_from_slice(bytes);
                Ok(bytes.len())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let buffer = Buffer::default();
        let writer = buffer.clone();
        let settings = TelemetrySettings { log: log.to_owned(), log_format };
        let layer = layer(&settings, is_terminal, move || writer.clone()).unwrap();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            tracing::info!(to = %Masked("jo@example.org"), attempts = 2, "mail sent");
            tracing::debug!("a detail");
        });
        let bytes = buffer.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn json_away_from_a_terminal() {
        let lines = written("info", LogFormat::Auto, false);
        let event: serde_json::Value = serde_json::from_str(lines.trim_end()).unwrap();
        assert_eq!(event["message"], "mail sent");
        assert_eq!(event["to"], "j***@e***.org");
        assert_eq!(event["attempts"], 2);
        assert_eq!(event["level"], "INFO");
    }

    #[test]
    fn for_people_on_a_terminal_and_as_the_settings_say() {
        assert!(written("info", LogFormat::Auto, true).contains("mail sent"));
        assert!(!written("info", LogFormat::Auto, true).starts_with('{'));
        assert!(written("info", LogFormat::Json, true).starts_with('{'));
        let plain = written("debug", LogFormat::Human, false);
        assert!(plain.contains("to=j***@e***.org attempts=2") && plain.contains("a detail"));
        assert!(!plain.contains('\u{1b}'), "no colours in a file");
        assert_eq!(written("warn", LogFormat::Auto, false), "");
    }
}
