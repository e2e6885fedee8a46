//! The folder of a demonstration: made anew each time, and never anybody else's.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use thiserror::Error;

/// What tells a folder of ours from others.
const MARKER: &str = ".mfa-enforcer-demo";
const MARKER_TEXT: &str = "`mfa-enforcer demo` made this folder, and makes it anew each time.\n";
const DATABASE: &str = "mfa-enforcer.db";

/// A folder that belongs to a demonstration.
#[derive(Clone, Debug)]
pub struct DemoFolder {
    /// As it was given.
    name: String,
}

/// Why a folder cannot be used.
#[derive(Debug, Error)]
pub enum FolderError {
    /// It holds something that no demonstration has put there.
    #[error(
        "'{0}' is not a folder of a demonstration, and is left as it is: name with --dir one that is, or one that does not exist yet"
    )]
    NotOurs(String),
    /// Its name cannot stand in the settings.
    #[error("'{0}' cannot be written into a settings file: name with --dir a folder without %, ?, # and the like")]
    Name(String),
    /// The system refuses.
    #[error("cannot use the folder '{name}': {source}; name another with --dir")]
    Unusable {
        /// The folder.
        name: String,
        /// Why.
        source: io::Error,
    },
}

impl DemoFolder {
    /// Makes the folder, or finds that it is one of a demonstration. What is in it stays.
    ///
    /// # Errors
    /// [`FolderError`]; then nothing was touched.
    pub fn claim(path: &Path) -> Result<Self, FolderError> {
        let shown = path.display().to_string();
        let name = path.to_str().filter(|name| !name.is_empty() && !name.contains(is_awkward));
        let name = name.ok_or_else(|| FolderError::Name(shown.clone()))?.to_owned();
        let unusable = |source| FolderError::Unusable { name: shown.clone(), source };
        let folder = Self { name };
        match fs::read_dir(path) {
            Ok(mut entries) => {
                if folder.path().join(MARKER).is_file() {
                    return Ok(folder);
                }
                if entries.next().is_some() {
                    return Err(FolderError::NotOurs(shown));
                }
            }
            Err(error) if error.kind() == ErrorKind::NotADirectory => return Err(FolderError::NotOurs(shown)),
            Err(error) if error.kind() == ErrorKind::NotFound => fs::create_dir_all(path).map_err(unusable)?,
            Err(error) => return Err(unusable(error)),
        }
        fs::write(path.join(MARKER), MARKER_TEXT).map_err(unusable)?;
        Ok(folder)
    }

    /// Removes what an earlier demonstration has left, and nothing else.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn clear(&self) -> Result<(), FolderError> {
        let unusable = |source| FolderError::Unusable { name: self.name.clone(), source };
        for file in [DATABASE.to_owned(), format!("{DATABASE}-wal"), format!("{DATABASE}-shm")] {
            remove(&self.path().join(file)).map_err(unusable)?;
        }
        remove(&self.config()).map_err(unusable)?;
        for mail in self.mail_files().map_err(unusable)? {
            remove(&mail).map_err(unusable)?;
        }
        Ok(())
    }

    /// The folder, as it was given.
    #[must_use]
    pub fn path(&self) -> &Path {
        Path::new(&self.name)
    }

    /// Where the settings are.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.path().join("config.toml")
    }

    /// Where the database is.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.path().join(DATABASE)
    }

    /// Where the mails are.
    #[must_use]
    pub fn mails(&self) -> PathBuf {
        self.path().join("mails")
    }

    /// The mails that are there, in order.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn mail_files(&self) -> io::Result<Vec<PathBuf>> {
        let entries = match fs::read_dir(self.mails()) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut files = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
        files.retain(|file| file.extension().is_some_and(|extension| extension == "eml"));
        files.sort();
        Ok(files)
    }

    /// Writes the settings with which every command looks into this folder.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn write_config(&self) -> Result<(), FolderError> {
        let text = format!(
            "# Written by `mfa-enforcer demo`: looks at what it has left in this folder.\n\
             [database]\nurl = \"sqlite://{}\"\n\n\
             [clock]\nsimulated = true\n\n\
             [smtp]\nurl = \"file:{}\"\n\n\
             [notices]\nfrom = \"Tallybook Security <security@tallybook.example>\"\nproduct_name = \"Tallybook\"\n\
             sign_in_url = \"https://app.tallybook.example/sign-in\"\nsupport_contact = \"help@tallybook.example\"\n",
            self.database().display(),
            self.mails().display(),
        );
        fs::write(self.config(), text).map_err(|source| FolderError::Unusable { name: self.name.clone(), source })
    }
}

/// What would mean something else in a TOML text or in a database's URL.
fn is_awkward(c: char) -> bool {
    c.is_control() || matches!(c, '"' | '\\' | '%' | '?' | '#')
}

fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
