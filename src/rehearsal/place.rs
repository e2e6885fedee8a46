//! Where a rehearsal happens: files that were not there before, and that are their owner's alone.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use thiserror::Error;

/// The folder that is made where none is named; the next one has a number at its end.
const FOLDER: &str = "mfa-enforcer-rehearsal";

/// The files of a rehearsal.
#[derive(Clone, Debug)]
pub struct Place {
    database: PathBuf,
    mails: PathBuf,
    settings: PathBuf,
    /// The folder that was made for it.
    made: Option<PathBuf>,
}

/// Why there is no place for a rehearsal.
#[derive(Debug, Error)]
pub enum PlaceError {
    /// Something is there already.
    #[error("'{}' is there already, and a rehearsal overwrites nothing: name another with {option}, or remove it", .path.display())]
    Taken {
        /// What is there.
        path: PathBuf,
        /// The option that names it.
        option: &'static str,
    },
    /// A name cannot stand in the settings.
    #[error("'{0}' cannot be written into a settings file: choose a name without %, ?, # and the like")]
    Name(String),
    /// The system refuses.
    #[error("cannot make '{}': {source}", .path.display())]
    Unusable {
        /// What was to be made.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl Place {
    /// Makes the place: the database file `into` and the folder `mails`, where they are named, and else in a new folder.
    ///
    /// # Errors
    /// [`PlaceError`]; then nothing that was there has been touched.
    pub fn make(into: Option<&Path>, mails: Option<&Path>) -> Result<Self, PlaceError> {
        for path in [into, mails].into_iter().flatten() {
            let is_plain = path.to_str().is_some_and(|name| !name.is_empty() && !name.contains(is_awkward));
            if !is_plain {
                return Err(PlaceError::Name(path.display().to_string()));
            }
        }
        // Looked at before anything is made.
        if let Some(mails) = mails.filter(|mails| has_something(mails)) {
            return Err(PlaceError::Taken { path: mails.to_path_buf(), option: "--mails" });
        }
        let place = if let Some(database) = into {
            let beside = |ending: &str| PathBuf::from(format!("{}{ending}", database.display()));
            let database = database.to_path_buf();
            Self { settings: beside(".toml"), mails: beside(".mails"), database, made: None }
        } else {
            let folder = new_folder()?;
            let [database, mails, settings] = ["mfa-enforcer.db", "mails", "config.toml"].map(|name| folder.join(name));
            Self { database, mails, settings, made: Some(folder) }
        };
        let place = Self { mails: mails.map_or(place.mails, Path::to_path_buf), ..place };
        let endings = ["", "-wal", "-shm", "-journal", ".lock"];
        let files = endings.map(|ending| PathBuf::from(format!("{}{ending}", place.database.display())));
        for path in files.iter().chain([&place.settings]) {
            if path.symlink_metadata().is_ok() {
                return Err(PlaceError::Taken { path: path.clone(), option: "--into" });
            }
        }
        if has_something(&place.mails) {
            return Err(PlaceError::Taken { path: place.mails, option: "--mails" });
        }
        write_new(&place.database, "")?;
        match try_folder(&place.mails) {
            Ok(()) => Ok(place),
            Err(source) => {
                place.remove_copy();
                Err(PlaceError::Unusable { path: place.mails, source })
            }
        }
    }

    /// The copy. It is there, and empty, from the start.
    #[must_use]
    pub fn database(&self) -> &Path {
        &self.database
    }

    /// The folder of mails, which is made when there is one.
    #[must_use]
    pub fn mails(&self) -> &Path {
        &self.mails
    }

    /// Where the settings are with which every command looks at the copy.
    #[must_use]
    pub fn settings(&self) -> &Path {
        &self.settings
    }

    /// Writes the settings: those of `original` but for what says where things are.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn write_settings(&self, original: toml::Table) -> Result<(), PlaceError> {
        let mut settings = original;
        for section in ["database", "clock", "smtp", "http"] {
            settings.remove(section);
        }
        let put = |settings: &mut toml::Table, section: &str, key: &str, value: toml::Value| {
            settings.insert(section.to_owned(), toml::Table::from_iter([(key.to_owned(), value)]).into());
        };
        let (database, mails) = (from_anywhere(&self.database), from_anywhere(&self.mails));
        put(&mut settings, "database", "url", format!("sqlite://{}", database.display()).into());
        put(&mut settings, "clock", "simulated", true.into());
        put(&mut settings, "smtp", "url", format!("file:{}", mails.display()).into());
        let text = format!("# Written by `mfa-enforcer rehearse`: looks at the copy that it has made.\n{settings}");
        write_new(&self.settings, &text)
    }

    /// Removes the copy, which is not whole.
    pub fn remove_copy(&self) {
        for ending in ["", "-wal", "-shm", "-journal"] {
            // What cannot be removed is left: the error that led here is the one to tell.
            let _ = fs::remove_file(format!("{}{ending}", self.database.display()));
        }
        if let Some(folder) = &self.made {
            let _ = fs::remove_dir(folder);
        }
    }
}

/// The path from the root, so that the settings can be used in any folder; as it is where the root's way to it cannot be
/// written into them.
fn from_anywhere(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).ok();
    let is_plain = |path: &PathBuf| path.to_str().is_some_and(|name| !name.contains(is_awkward));
    absolute.filter(is_plain).unwrap_or_else(|| path.to_path_buf())
}

fn new_folder() -> Result<PathBuf, PlaceError> {
    for number in 1_u32.. {
        let name = if number == 1 { FOLDER.to_owned() } else { format!("{FOLDER}-{number}") };
        match DirBuilder::new().mode(0o700).create(&name) {
            Ok(()) => return Ok(name.into()),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(source) => return Err(PlaceError::Unusable { path: name.into(), source }),
        }
    }
    Err(PlaceError::Taken { path: FOLDER.into(), option: "--into" })
}

/// Whether mails can be written there: found out before anything is copied.
fn try_folder(folder: &Path) -> io::Result<()> {
    let is_there = folder.is_dir();
    fs::create_dir_all(folder)?;
    let probe = folder.join(".rehearsal");
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(&probe)?;
    fs::remove_file(&probe)?;
    if is_there { Ok(()) } else { fs::remove_dir(folder) }
}

fn has_something(folder: &Path) -> bool {
    match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_some(),
        Err(_) => folder.symlink_metadata().is_ok(),
    }
}

fn write_new(path: &Path, text: &str) -> Result<(), PlaceError> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|source| PlaceError::Unusable { path: path.to_path_buf(), source })
}

/// What would mean something else in a TOML text or in a database's URL.
fn is_awkward(c: char) -> bool {
    c.is_control() || matches!(c, '"' | '\\' | '%' | '?' | '#')
}
