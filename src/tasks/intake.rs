//! Bounces on their way in: which are taken, and what is done with each, wherever it comes from.

use metrics::counter;

use super::Services;
use crate::config::Config;
use crate::domain::bounce::Bounce;
use crate::mail::maildir::Maildir;
use crate::mail::return_path::ReturnPath;
use crate::store::StoreError;
use crate::telemetry::MaskedText;
use crate::telemetry::metrics::BOUNCES_TOTAL;

/// Which bounces are taken.
#[derive(Clone, Debug)]
pub struct Intake {
    /// How mails are known again by the address they came back to; none: they come back to the sender, and nobody looks.
    pub return_path: Option<ReturnPath>,
    /// The folder in which they arrive.
    pub maildir: Option<Maildir>,
}

impl Intake {
    /// That of the settings; none where all mail goes to one address, as what came back would be about that one.
    ///
    /// # Errors
    /// What is wrong with the settings, with the remedy.
    pub fn from_config(config: &Config) -> Result<Option<Self>, String> {
        if config.smtp.redirect()?.is_some() {
            return Ok(None);
        }
        let return_path = ReturnPath::from_settings(&config.bounces)?;
        Ok(Some(Self { return_path, maildir: config.bounces.maildir.clone().map(Maildir::new) }))
    }
}

/// What became of a bounce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is on record.
    Recorded,
    /// It is about no mail that is on record.
    NotOurs,
    /// The mail is still being sent: it has to be said again in a moment.
    TooSoon,
}

/// Records a bounce, counts it under its `source` and says so in the log.
///
/// # Errors
/// What the database answers.
pub async fn record(services: &Services, bounce: &Bounce, source: &'static str) -> Result<Taken, StoreError> {
    let recorded = services.store.record_bounce(bounce, services.clock.now()).await?;
    let verdict = bounce.verdict.as_str();
    let reply = MaskedText(&bounce.reply);
    if recorded.mails == 0 {
        tracing::info!(source, verdict, %reply, "a bounce is about no mail that is on record");
        return Ok(Taken::NotOurs);
    }
    if recorded.too_soon {
        tracing::info!(source, verdict, "a mail came back that is still being sent: it is waited for");
        return Ok(Taken::TooSoon);
    }
    counter!(BOUNCES_TOTAL, "verdict" => verdict, "source" => source).increment(1);
    let (notices, addresses) = (recorded.notices, recorded.addresses);
    tracing::info!(source, verdict, notices, addresses, %reply, "a mail came back");
    Ok(Taken::Recorded)
}
