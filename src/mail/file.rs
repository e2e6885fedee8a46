//! Mail into a folder: for trying things out, and for demonstrations.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::compose::Composed;
use super::transport::{About, SendError, shorten};

/// A folder that mail is written to, one `.eml` file per mail, named by its id.
#[derive(Clone, Debug)]
pub struct FileTransport {
    folder: PathBuf,
}

impl FileTransport {
    /// Writes to `folder`, which is made when the first mail comes.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Where mail is written to.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes one mail. The file is whole and on the disk before it has its name; a second attempt replaces it.
    pub(super) async fn send(&self, mail: &Composed) -> Result<String, SendError> {
        let name = format!("{}.eml", mail.mail_id);
        let (folder, written_name, bytes) = (self.folder.clone(), name.clone(), mail.bytes.clone());
        match tokio::task::spawn_blocking(move || write(&folder, &written_name, &bytes)).await {
            Ok(Ok(())) => Ok(format!("written as {name}")),
            Ok(Err(error)) => Err(self.transient(&error)),
            Err(error) => Err(self.transient(&error)),
        }
    }

    fn transient(&self, error: &dyn std::error::Error) -> SendError {
        let reply = shorten(&format!("cannot write to {}: {error}", self.folder.display()));
        SendError::Transient { reply, about: About::AllMail, maybe_received: false }
    }

    /// Makes the folder if need be, and writes and removes a file in it.
    pub(super) async fn test(&self) -> Result<(), String> {
        let folder = self.folder.clone();
        let tried = tokio::task::spawn_blocking(move || {
            write(&folder, ".test", b"")?;
            fs::remove_file(folder.join(".test"))
        });
        let problem = match tried.await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        Err(format!("smtp.url: cannot write to the folder {}: {problem}", self.folder.display()))
    }
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let unfinished = folder.join(format!(".{name}.unfinished"));
    // What a process that died has left may be anybody's to read, or a link to elsewhere.
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // A mail holds names and addresses: it is its owner's alone.
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&unfinished, folder.join(name))?;
    // The name is on the disk only when the folder is.
    File::open(folder)?.sync_all()
}
