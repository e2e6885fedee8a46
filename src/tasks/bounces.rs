//! `bounces`: reads the mails that came back from a Maildir.
//!
//! A file is put away after what it says was recorded. A crash in between has it read again, and recorded twice it changes
//! nothing.

use std::io;

use async_trait::async_trait;
use serde_json::json;

use super::intake::{self, Taken};
use super::{Report, Services, Task, TaskError};
use crate::domain::bounce::Bounce;
use crate::domain::time::Timestamp;
use crate::mail::dsn;
use crate::mail::maildir::Maildir;
use crate::mail::return_path::ReturnPath;
use crate::telemetry::metrics::MAILDIR;

/// The task.
pub struct Bounces;

/// How many files one run deals with; the next goes on.
const MOST: usize = 500;

/// What a file turned out to be.
enum Found {
    Bounce(Bounce),
    /// Something else, and why.
    Other(String),
    /// Another daemon was faster.
    Gone,
    Unreadable(String),
}

#[async_trait]
impl Task for Bounces {
    fn name(&self) -> &'static str {
        "bounces"
    }

    async fn run(&self, services: &Services, _now: Timestamp) -> Result<Report, TaskError> {
        let intake = services.intake.as_ref();
        let Some((maildir, return_path)) =
            intake.and_then(|intake| intake.maildir.as_ref().zip(intake.return_path.as_ref()))
        else {
            return Ok(Report::default());
        };
        let (mut recorded, mut ignored, mut unreadable) = (0, 0, 0);
        let mut stuck = None;
        for name in in_maildir(maildir, Maildir::waiting).await? {
            if recorded + ignored == MOST || services.shutdown.is_requested() {
                break;
            }
            let mut is_ours = true;
            match find(maildir.clone(), name.clone(), return_path.clone()).await {
                Found::Gone => continue,
                Found::Unreadable(error) => {
                    unreadable += 1;
                    tracing::warn!(file = name, error, "a mail in bounces.maildir cannot be read, and stays there");
                    continue;
                }
                Found::Other(reason) => {
                    is_ours = false;
                    tracing::info!(file = name, reason, "a mail in bounces.maildir is no bounce of ours");
                }
                Found::Bounce(bounce) => match intake::record(services, &bounce, MAILDIR).await? {
                    Taken::Recorded => {}
                    Taken::NotOurs => is_ours = false,
                    Taken::TooSoon => continue,
                },
            }
            let file = name.clone();
            match in_maildir(maildir, move |maildir| maildir.put_away(&name)).await {
                Ok(()) if is_ours => recorded += 1,
                Ok(()) => ignored += 1,
                Err(error) => {
                    // It is read again at the next run, which changes nothing; others come through meanwhile.
                    unreadable += 1;
                    tracing::warn!(file, %error, "a mail in bounces.maildir cannot be put away");
                    stuck = Some(error);
                }
            }
        }
        if let Some(error) = stuck.filter(|_| recorded + ignored == 0) {
            return Err(error);
        }
        let detail = json!({ "recorded": recorded, "ignored": ignored, "unreadable": unreadable });
        Ok(Report { changed: recorded + ignored > 0, detail })
    }
}

/// Reads one file. Whatever is in it, and should the reading of it fail by a fault of ours: it holds up no other.
async fn find(maildir: Maildir, name: String, return_path: ReturnPath) -> Found {
    let reading = tokio::task::spawn_blocking(move || match maildir.read(&name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Found::Gone,
        Err(error) => Found::Unreadable(error.to_string()),
        Ok(bytes) => match dsn::mail_in_headers(&bytes, &return_path) {
            None => Found::Other("it was not sent to a return path of ours".to_owned()),
            Some(id) => dsn::bounce(&bytes, id).map_or_else(|reason| Found::Other(reason.to_string()), Found::Bounce),
        },
    });
    reading.await.unwrap_or_else(|error| Found::Unreadable(error.to_string()))
}

/// Does something in the Maildir, where waiting for a disk holds up nobody.
async fn in_maildir<T: Send + 'static>(
    maildir: &Maildir,
    work: impl FnOnce(&Maildir) -> io::Result<T> + Send + 'static,
) -> Result<T, TaskError> {
    let folder = maildir.folder().display().to_string();
    let wrong = |error: &dyn std::error::Error| TaskError::Settings(format!("bounces.maildir = \"{folder}\": {error}"));
    let maildir = maildir.clone();
    let worked = tokio::task::spawn_blocking(move || work(&maildir)).await;
    worked.map_err(|error| wrong(&error))?.map_err(|error| wrong(&error))
}
