//! The folder in which a mail server leaves mail: what is new, and where it goes when it was read
//! (<https://cr.yp.to/proto/maildir.html>).

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::dsn::SIZE_MOST;

/// A Maildir.
#[derive(Clone, Debug)]
pub struct Maildir {
    folder: PathBuf,
}

impl Maildir {
    /// The one in this folder. Nothing is looked at yet.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The names of the files that were not read yet, the oldest first: a name begins with the second of the delivery.
    ///
    /// # Errors
    /// When the folder is none, with the remedy.
    pub fn waiting(&self) -> io::Result<Vec<String>> {
        self.part("cur").read_dir().map_err(|error| self.wrong("cur", &error))?;
        let mut names = Vec::new();
        for entry in self.part("new").read_dir().map_err(|error| self.wrong("new", &error))? {
            if let Ok(name) = entry?.file_name().into_string()
                && !name.starts_with('.')
            {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// What is in a file, up to one byte beyond what is read of any.
    ///
    /// # Errors
    /// When it cannot be read, or is no file.
    pub fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let path = self.part("new").join(name);
        if !path.symlink_metadata()?.is_file() {
            return Err(io::Error::other("it is no file"));
        }
        let most = u64::try_from(SIZE_MOST).unwrap_or(u64::MAX);
        let mut bytes = Vec::new();
        File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Marks a file as read. Another daemon may have done so before.
    ///
    /// # Errors
    /// When it cannot be moved, with the remedy.
    pub fn put_away(&self, name: &str) -> io::Result<()> {
        let from = self.part("new").join(name);
        let seen = format!("{}:2,S", name.split(':').next().unwrap_or(name));
        match fs::rename(&from, self.part("cur").join(seen)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound || from.exists() => Err(self.wrong("cur", &error)),
            _ => Ok(()),
        }
    }

    /// Looks whether mail can be read and put away: writes and removes a file in each place.
    ///
    /// # Errors
    /// When it cannot, with the remedy.
    pub fn test(&self) -> io::Result<()> {
        self.waiting()?;
        for part in ["new", "cur"] {
            let probe = self.part(part).join(".mfa-enforcer-test");
            let written = OpenOptions::new().write(true).create(true).truncate(true).open(&probe);
            written.and_then(|_| fs::remove_file(&probe)).map_err(|error| self.wrong(part, &error))?;
        }
        Ok(())
    }

    fn part(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn wrong(&self, part: &str, error: &io::Error) -> io::Error {
        let part = self.part(part);
        let remedy = "it must be a Maildir that the daemon's user may read and write";
        io::Error::other(format!("{} cannot be used ({error}): {remedy}", part.display()))
    }
}
