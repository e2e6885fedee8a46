//! Every statement that the store sends to each database, written down while tests run: for `tests/run plans`.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use async_trait::async_trait;
use mfa_enforcer::domain::audit::sha256_hex;
use mfa_enforcer::store::StoreError;
use mfa_enforcer::store::checkpoint::{Checkpoint, Observer};

use super::Kind;

/// Names the folder where statements are written down, in one of its own for each database; not set: they are not.
const FOLDER: &str = "MFA_ENFORCER_TEST_STATEMENTS";

/// Writes each statement into a file of its own, named by its text, so that many processes can do it at a time.
#[derive(Debug)]
pub struct Recorder {
    folder: PathBuf,
    seen: Mutex<HashSet<String>>,
}

/// Where those to this database are to be written down.
pub fn folder(kind: Kind) -> Option<PathBuf> {
    let name = match kind {
        Kind::Sqlite => "sqlite",
        Kind::Postgres => "postgres",
    };
    std::env::var_os(FOLDER).map(|folder| Path::new(&folder).join(name))
}

/// All of this database that were written down, in one order.
pub fn read(kind: Kind) -> Vec<String> {
    let folder = folder(kind).unwrap_or_else(|| panic!("no statements were written down: run tests/run plans"));
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut statements: Vec<String> = files.map(|file| std::fs::read_to_string(file).unwrap()).collect();
    statements.sort();
    statements
}

impl Recorder {
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, seen: Mutex::default() }
    }
}

#[async_trait]
impl Observer for Recorder {
    async fn reached(&self, point: Checkpoint<'_>) -> Result<(), StoreError> {
        let (Checkpoint::Statement(sql) | Checkpoint::Alone(sql)) = point else { return Ok(()) };
        if self.seen.lock().unwrap().insert(sql.to_owned()) {
            // Whole at once, since another process may write the same.
            let file = self.folder.join(sha256_hex([sql]));
            let unfinished = file.with_extension(std::process::id().to_string());
            std::fs::write(&unfinished, sql).unwrap();
            std::fs::rename(unfinished, file).unwrap();
        }
        Ok(())
    }
}
