//! A disk that is full, and has room again later: under SQLite, and under PostgreSQL.

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use super::house::House;
use super::site::Site;
use super::switch::Way;
use crate::support::{Kind, folder_in_memory, project_folder};

/// Enough for any file to grow.
const PEOPLE: usize = 400;

#[tokio::test]
async fn a_full_disk_under_sqlite_is_waited_for() {
    let disk = Disk::new();
    let mut house = House::new(Kind::Sqlite, folder_in_memory()).await;
    house.installation.give(disk.variables());
    let mut site = Site::of(house, Way::Refused, &[]).await;
    disk.fill();
    site.add(PEOPLE).await;
    site.is_in_trouble("database or disk is full").await;
    disk.clear();
    site.recovers().await;
}

#[tokio::test]
async fn a_full_disk_under_postgres_is_waited_for() {
    let disk = Disk::new();
    let mut site = Site::open(&[]).await;
    site.cluster().give(disk.variables());
    site.cluster().stop();
    site.cluster().start_again().await;
    site.house.db.reconnect().await.unwrap();
    site.add(PEOPLE).await;
    disk.fill();
    site.is_in_trouble("No space left on device").await;
    site.is_not_ready("has failed").await;
    disk.clear();
    site.recovers().await;
}

/// A disk for the processes that are given its variables. It has room at first.
struct Disk(TempDir);

impl Disk {
    fn new() -> Self {
        let made = Self(tempfile::tempdir().unwrap());
        // PostgreSQL is not run by root.
        std::fs::set_permissions(made.0.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let source = project_folder().join("tests/crash/full_disk.c");
        let compiled = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(made.library()).arg(source).output();
        let compiled = compiled.expect("a C compiler is missing: install Debian's package 'gcc'");
        assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
        made
    }

    fn library(&self) -> PathBuf {
        self.0.path().join("full_disk.so")
    }

    fn mark(&self) -> PathBuf {
        self.0.path().join("is-full")
    }

    fn variables(&self) -> [(&'static str, OsString); 2] {
        [("LD_PRELOAD", self.library().into()), ("FULL_DISK", self.mark().into())]
    }

    fn fill(&self) {
        std::fs::write(self.mark(), "").unwrap();
    }

    fn clear(&self) {
        std::fs::remove_file(self.mark()).unwrap();
    }
}
