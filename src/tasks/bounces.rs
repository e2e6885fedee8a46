//! `bounces`: reads the mails that came back from a Maildir.
//!
//! A file moves from `new/` to `cur/` after what it says was recorded. A crash in between has it read again, and recorded
//! twice it changes nothing.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use serde_json::json;

use super::{Report, Services, Task, TaskError, intake};
use crate::domain::bounce::Bounce;
use crate::domain::time::Timestamp;
use crate::mail::dsn;
use crate::mail::return_path::ReturnPath;
use crate::telemetry::metrics::MAILDIR;

/// The task.
pub struct Bounces;

/// How many files one run deals with; the next goes on.
const MOST: usize = 500;

/// What a file in `new/` turned out to be.
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
        let (mut recorded, mut ignored, mut unreadable) = (0, 0, 0);
        if let Some((maildir, return_path)) =
            intake.and_then(|intake| intake.maildir.as_ref().zip(intake.return_path.as_ref()))
        {
            let folder = maildir.clone();
            let waiting =
                blocking(move || waiting(&folder)).await.and_then(|listed| listed.map_err(|error| error.to_string()));
            let wrong = |error| TaskError::Settings(format!("bounces.maildir = \"{}\": {error}", maildir.display()));
            for name in waiting.map_err(wrong)? {
                if recorded + ignored == MOST || services.shutdown.is_requested() {
                    break;
                }
                let path = maildir.join("new").join(&name);
                match find(path.clone(), return_path.clone()).await {
                    Found::Gone => continue,
                    Found::Unreadable(error) => {
                        unreadable += 1;
                        tracing::warn!(file = %path.display(), error, "a mail in bounces.maildir cannot be read, and stays there");
                        continue;
                    }
                    Found::Other(reason) => {
                        ignored += 1;
                        tracing::info!(file = name, reason, "a mail in bounces.maildir is no bounce of ours");
                    }
                    Found::Bounce(bounce) if intake::record(services, &bounce, MAILDIR).await? => recorded += 1,
                    Found::Bounce(_) => ignored += 1,
                }
                let done = maildir.join("cur").join(seen(&name));
                blocking(move || put_away(&path, &done))
                    .await
                    .and_then(|moved| moved.map_err(|error| error.to_string()))
                    .map_err(wrong)?;
            }
        }
        let detail = json!({ "recorded": recorded, "ignored": ignored, "unreadable": unreadable });
        Ok(Report { changed: recorded + ignored > 0, detail })
    }
}

/// The files that were delivered and not read yet, the oldest first: their names begin with the second of the delivery.
fn waiting(maildir: &Path) -> io::Result<Vec<String>> {
    let missing = |folder: &Path, error: &io::Error| {
        io::Error::other(format!(
            "{} cannot be read ({error}): create the Maildir, and let the daemon's user write to it",
            folder.display()
        ))
    };
    let (new, cur) = (maildir.join("new"), maildir.join("cur"));
    cur.read_dir().map_err(|error| missing(&cur, &error))?;
    let mut names = Vec::new();
    for entry in new.read_dir().map_err(|error| missing(&new, &error))? {
        if let Ok(name) = entry?.file_name().into_string()
            && !name.starts_with('.')
        {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Reads one file. Whatever is in it, and should the reading of it fail by a fault of ours: it holds up no other.
async fn find(path: PathBuf, return_path: ReturnPath) -> Found {
    blocking(move || match bytes_of(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Found::Gone,
        Err(error) => Found::Unreadable(error.to_string()),
        Ok(bytes) => match dsn::mail_in_headers(&bytes, &return_path) {
            None => Found::Other("it was not sent to a return path of ours".to_owned()),
            Some(id) => dsn::bounce(&bytes, id).map_or_else(|reason| Found::Other(reason.to_string()), Found::Bounce),
        },
    })
    .await
    .unwrap_or_else(Found::Unreadable)
}

/// No more than one byte beyond what is read at all.
fn bytes_of(path: &Path) -> io::Result<Vec<u8>> {
    if !path.symlink_metadata()?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let most = u64::try_from(dsn::SIZE_MOST).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The name of a file that was read.
fn seen(name: &str) -> String {
    format!("{}:2,S", name.split(':').next().unwrap_or(name))
}

fn put_away(from: &Path, to: &Path) -> io::Result<()> {
    match std::fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && !from.exists() => Ok(()),
        moved => moved,
    }
}

/// Where waiting for a disk holds up nobody.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
    tokio::task::spawn_blocking(work).await.map_err(|error| format!("a fault in the program: {error}"))
}
