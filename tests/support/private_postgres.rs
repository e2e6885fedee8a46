//! A PostgreSQL of a test's own, with settings of its own, on a free loopback port; ended and removed when dropped.

use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Stdio};

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _};
use tempfile::TempDir;

use super::unprivileged::{answering, command, free_port};

/// The server.
pub struct PrivatePostgres {
    child: Child,
    /// Where it listens.
    pub port: u16,
    folder: TempDir,
}

impl PrivatePostgres {
    /// Starts one with these files in its data folder, readable for it alone, and further settings.
    pub fn start(files: &[(&str, Vec<u8>)], settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        run(
            folder.path(),
            &bin("initdb"),
            &[
                "--pgdata=data",
                "--username=postgres",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--no-sync",
            ],
        );
        for (name, content) in files {
            write(folder.path(), name, content);
        }
        // It may lose what it likes when the machine stops.
        let common =
            "listen_addresses = '127.0.0.1'\nunix_socket_directories = ''\nfsync = off\nsynchronous_commit = off\n";
        write(folder.path(), "postgresql.auto.conf", format!("{common}{settings}\n").as_bytes());
        // Somebody else may take a free port first.
        for _ in 0..20 {
            let port = free_port();
            let mut server = command(&bin("postgres"), folder.path());
            server.args(["-D", "data", "-p", &port.to_string()]).stdout(Stdio::null()).stderr(Stdio::null());
            if let Some(child) = answering(server.spawn().unwrap(), port) {
                return Self { child, port, folder };
            }
        }
        panic!("PostgreSQL does not start in {}", folder.path().display())
    }

    /// Carries out plain SQL as its superuser in this database, once it takes connections.
    pub async fn execute(&self, database: &str, sql: &str) {
        let url = format!("postgres://postgres@127.0.0.1:{}/{database}", self.port);
        let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
        let mut connection = loop {
            match PgConnection::connect(&url).await {
                Ok(connection) => break connection,
                // It answers on its port before it has come up.
                Err(error) => assert!(std::time::Instant::now() < until, "{error}"),
            }
        };
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    }
}

impl Drop for PrivatePostgres {
    fn drop(&mut self) {
        // Its supervisor's end in haste is not waited for by its children: it is asked to end them first.
        let pid = self.child.id().to_string();
        let _ = std::process::Command::new("kill").args(["-QUIT", &pid]).status();
        let _ = self.child.wait();
        // What it made belongs to whom it ran as.
        let _ = command("rm", self.folder.path()).args(["-rf", "data"]).status();
    }
}

/// A program of the newest PostgreSQL server that is installed.
fn bin(program: &str) -> String {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().map(|entry| entry.unwrap().path());
    let newest = versions.max_by_key(|path| path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok()));
    let newest = newest.expect("PostgreSQL is missing: install Debian's package 'postgresql'");
    newest.join("bin").join(program).display().to_string()
}

fn run(folder: &Path, program: &str, arguments: &[&str]) {
    let output = command(program, folder).args(arguments).output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
}

fn write(folder: &Path, name: &str, content: &[u8]) {
    let mut shell = command("sh", folder);
    shell.args(["-c", "umask 077 && cat >\"data/$0\"", name]).stdin(Stdio::piped());
    let mut child = shell.spawn().unwrap();
    child.stdin.take().unwrap().write_all(content).unwrap();
    assert!(child.wait().unwrap().success(), "{name} is not written");
}
