//! One daemon per SQLite file: a lock beside it, which says who holds it and is gone with its process.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::domain::time::Timestamp;

/// Held as long as it lives.
#[derive(Debug)]
pub struct DaemonLock {
    _file: File,
}

/// Why the lock cannot be had.
#[derive(Debug, Error)]
pub enum LockError {
    /// Another daemon has it.
    #[error("another daemon runs on this database: {holder} (its lock is {}); stop it first", .path.display())]
    Held {
        /// Who, as the lock's file says.
        holder: String,
        /// The lock's file.
        path: PathBuf,
    },
    /// The database cannot be written.
    #[error("cannot write the database {}: {source}; see database.url", .path.display())]
    NoDatabase {
        /// The database's file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The lock's file cannot be written.
    #[error("cannot write the lock {}: {source}", .path.display())]
    Unusable {
        /// The lock's file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl DaemonLock {
    /// Takes the lock of the SQLite database in `database`, and writes down who holds it since `now`.
    ///
    /// # Errors
    /// [`LockError`], which names the holder.
    pub fn take(database: &Path, now: Timestamp) -> Result<Self, LockError> {
        // A link to a database is that database, also where there is none yet: an empty file is one that is yet to be made.
        let made = OpenOptions::new().append(true).create(true).open(database);
        let real = made.and_then(|_| database.canonicalize());
        let real = real.map_err(|source| LockError::NoDatabase { path: database.to_path_buf(), source })?;
        let mut path = real.into_os_string();
        path.push(".lock");
        let path = PathBuf::from(path);
        let unusable = |source| LockError::Unusable { path: path.clone(), source };
        // It is written into: a link would have that done to another file, whose owner may be somebody else.
        if path.is_symlink() {
            return Err(unusable(io::Error::other("it is a link, which is not followed: remove it")));
        }
        let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
        let mut file = open.map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                let holder = if holder.trim().is_empty() {
                    "its name is not known".to_owned()
                } else {
                    holder.trim().to_owned()
                };
                return Err(LockError::Held { holder, path });
            }
            Err(TryLockError::Error(source)) => return Err(unusable(source)),
        }
        let written = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| {
            writeln!(file, "process {} since {now}", std::process::id())?;
            file.flush()
        });
        written.map_err(unusable)?;
        Ok(Self { _file: file })
    }
}
