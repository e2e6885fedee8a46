//! A PostgreSQL of the test's own, with the durability that it has by default: it is killed.

use std::ffi::OsString;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _};
use tempfile::TempDir;

use crate::mail::servers::free_port;

/// How long a start may take: after a kill, the server first lives through its log.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often is looked whether it has come.
const LOOKS: Duration = Duration::from_millis(10);

/// A server that can be killed and started again.
pub struct Cluster {
    server: Option<Child>,
    folder: TempDir,
    variables: Vec<(&'static str, OsString)>,
    pub port: u16,
}

impl Cluster {
    /// Makes an empty one with all that it stores in this folder, and starts it.
    pub async fn start(folder: TempDir) -> Self {
        own(folder.path());
        let mut command = program("initdb", folder.path());
        command.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]);
        let output = command.arg("--pgdata").arg(folder.path().join("data")).output().unwrap();
        assert!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));
        let mut made = Self { server: None, folder, variables: Vec::new(), port: free_port() };
        made.start_again().await;
        made
    }

    /// A copy of this one that follows it and stands by, with every commit on both before it is answered.
    pub async fn standby(&self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        own(folder.path());
        let mut command = program("pg_basebackup", folder.path());
        command.args(["--host=127.0.0.1", "--username=postgres", "--checkpoint=fast", "--write-recovery-conf"]);
        command.arg(format!("--port={}", self.port)).arg("--pgdata").arg(folder.path().join("data"));
        let output = command.output().unwrap();
        assert!(output.status.success(), "pg_basebackup: {}", String::from_utf8_lossy(&output.stderr));
        let mut made = Self { server: None, folder, variables: Vec::new(), port: free_port() };
        made.start_again().await;
        self.execute("ALTER SYSTEM SET synchronous_standby_names = '*'").await;
        self.execute("SELECT pg_reload_conf()").await;
        made
    }

    /// A database on it, as in `database.url`.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// Gives it these variables when it is started the next time.
    pub fn give<const N: usize>(&mut self, variables: [(&'static str, OsString); N]) {
        self.variables.extend(variables);
    }

    /// Starts it after [`Self::kill`] or [`Self::stop`], and waits until it answers.
    pub async fn start_again(&mut self) {
        let until = Instant::now() + PATIENCE;
        let mut interval = tokio::time::interval(LOOKS);
        // What a killed one has left behind keeps the next from starting, for a moment.
        loop {
            if self.server.as_mut().is_none_or(|server| server.try_wait().unwrap().is_some()) {
                self.server = Some(self.launch());
            }
            if PgConnection::connect(&self.url("postgres")).await.is_ok() {
                return;
            }
            assert!(Instant::now() < until, "PostgreSQL does not answer: {}", self.log());
            interval.tick().await;
        }
    }

    fn launch(&self) -> Child {
        let log = std::fs::File::options().create(true).append(true).open(self.log_file()).unwrap();
        let mut command = program("postgres", self.folder.path());
        command.envs(self.variables.iter().cloned()).arg("-D").arg(self.folder.path().join("data"));
        for setting in ["listen_addresses=127.0.0.1", "unix_socket_directories=", "logging_collector=off"] {
            command.args(["-c", setting]);
        }
        command.args(["-p", &self.port.to_string()]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        command.spawn().unwrap()
    }

    /// Kills every process of it at once, as if its machine had died.
    pub fn kill(&mut self) {
        let Some(mut server) = self.server.take() else { return };
        let mut all = children(server.id());
        all.push(server.id());
        signal("KILL", &all);
        let _ = server.wait();
    }

    /// Kills one of its processes, by any number: it then ends all others itself, and begins anew.
    pub fn kill_one(&self, number: usize) {
        let all = self.server.as_ref().map(|server| children(server.id())).unwrap_or_default();
        if let Some(&process) = all.get(number % all.len().max(1)) {
            signal("KILL", &[process]);
        }
    }

    /// Ends it in order, though whoever is connected is thrown out.
    pub fn stop(&mut self) {
        let Some(mut server) = self.server.take() else { return };
        signal("INT", &[server.id()]);
        let _ = server.wait();
    }

    /// Holds all of it, so that it answers nobody and hangs up on nobody, or lets it go on.
    pub fn hold(&self, held: bool) {
        let Some(server) = &self.server else { return };
        let mut all = children(server.id());
        all.push(server.id());
        signal(if held { "STOP" } else { "CONT" }, &all);
    }

    /// Makes a standby the one that is written to.
    pub async fn promote(&self) {
        self.execute("SELECT pg_promote()").await;
    }

    /// Plain SQL of its administrator.
    pub async fn execute(&self, sql: &str) {
        let mut line = PgConnection::connect(&self.url("postgres")).await.unwrap();
        let done = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut line).await;
        done.unwrap_or_else(|error| panic!("{error}\nin: {sql}"));
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.log_file()).unwrap_or_default()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A program of the newest PostgreSQL on this machine, run by whom it agrees to be run by: not by root.
fn program(name: &str, folder: &Path) -> Command {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let paths = versions.map(|version| version.unwrap().path().join("bin"));
    let number = |path: &PathBuf| path.parent()?.file_name()?.to_str()?.parse::<u32>().ok();
    let newest = paths.filter(|path| path.join("initdb").exists()).max_by_key(number);
    let bin = newest.expect("PostgreSQL is missing: install Debian's package 'postgresql'");
    let mut command = Command::new(bin.join(name));
    command.current_dir(folder).env_clear().env("LC_ALL", "C.UTF-8").env("PATH", std::env::var_os("PATH").unwrap());
    if let Some((user, group)) = unprivileged() {
        command.uid(user).gid(group);
    }
    command
}

/// Gives the folder to who runs PostgreSQL.
fn own(folder: &Path) {
    if let Some((user, group)) = unprivileged() {
        chown(folder, Some(user), Some(group)).unwrap();
    }
}

/// Whom root becomes to run PostgreSQL; none: this is not root.
fn unprivileged() -> Option<(u32, u32)> {
    let id = |arguments: &[&str]| -> u32 {
        let output = Command::new("id").args(arguments).output().unwrap();
        String::from_utf8_lossy(&output.stdout).trim().parse().unwrap()
    };
    (id(&["-u"]) == 0).then(|| (id(&["-u", "postgres"]), id(&["-g", "postgres"])))
}

/// The processes that this one has started.
fn children(parent: u32) -> Vec<u32> {
    let listed = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap_or_default();
    listed.split_whitespace().map(|id| id.parse().unwrap()).collect()
}

fn signal(name: &str, processes: &[u32]) {
    let ids: Vec<String> = processes.iter().map(u32::to_string).collect();
    // One that has ended meanwhile is no failure.
    let _ = Command::new("sh").arg("-c").arg(format!("kill -{name} {} 2>/dev/null", ids.join(" "))).status();
}
