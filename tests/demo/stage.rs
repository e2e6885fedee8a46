//! An empty folder to give demonstrations in, and a shell beside it.

use std::fmt::Write as _;
use std::path::Path;

use assert_cmd::Command;
use serde_json::Value;
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Column as _, Connection as _, Row as _};
use tempfile::TempDir;

/// A folder that is there as long as the test.
pub(super) struct Stage(TempDir);

/// What a command wrote, and how it ended.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) code: i32,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl Stage {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }

    /// A line for the shell, with nothing in the environment but `more` and the program's place.
    pub(super) fn shell(&self, line: &str, more: &[(&str, &str)]) -> Seen {
        let programs = Path::new(env!("CARGO_BIN_EXE_mfa-enforcer")).parent().unwrap().display();
        let output = Command::new("/bin/sh")
            .args(["-c", line])
            .current_dir(self.path())
            .env_clear()
            .env("PATH", format!("{programs}:/usr/bin:/bin"))
            .envs(more.iter().copied())
            .timeout(std::time::Duration::from_mins(2))
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Seen { code: output.status.code().unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// A command that must succeed without a word of complaint.
    pub(super) fn done(&self, line: &str) -> String {
        let seen = self.shell(line, &[]);
        assert_eq!((seen.code, seen.stderr.as_str()), (0, ""), "{line}\n{}", seen.stdout);
        seen.stdout
    }

    /// The same with a result in JSON.
    pub(super) fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.done(line)).unwrap()
    }

    /// The mails in a demonstration's folder, by name.
    pub(super) fn mails(&self, folder: &str) -> Vec<(String, Vec<u8>)> {
        let entries = std::fs::read_dir(self.path().join(folder).join("mails")).unwrap();
        let mut mails: Vec<_> = entries
            .map(|entry| entry.unwrap())
            .map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap()))
            .collect();
        mails.sort();
        mails
    }

    /// All rows of a demonstration's database, as text.
    pub(super) async fn dump(&self, folder: &str) -> String {
        let file = self.path().join(folder).join("mfa-enforcer.db");
        let mut database = SqliteConnection::connect(&format!("sqlite://{}", file.display())).await.unwrap();
        let tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> '_sqlx_migrations' ORDER BY name";
        let mut text = String::new();
        for table in sqlx::raw_sql(tables).fetch_all(&mut database).await.unwrap() {
            let table: String = table.get(0);
            let rows = sqlx::raw_sql(AssertSqlSafe(format!("SELECT * FROM {table}"))).fetch_all(&mut database).await;
            for row in rows.unwrap() {
                text += &table;
                for column in row.columns() {
                    let value: Option<String> = row.try_get_unchecked(column.ordinal()).unwrap();
                    let value = value.as_deref().unwrap_or("null");
                    write!(text, " | {}={value}", column.name()).unwrap();
                }
                text.push('\n');
            }
        }
        text
    }
}
