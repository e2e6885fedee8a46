//! An installation: settings for one database, with a folder for mail, and the program run in it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::process::{Ended, Process, eventually};
use crate::support::TestDatabase;

/// Settings as an operator gives them by the environment, and a working folder.
pub struct Installation {
    folder: TempDir,
    variables: BTreeMap<String, OsString>,
}

impl Installation {
    /// On this database, with a tick of a second, mail into the folder `mails`, and nothing served. Announcements are due
    /// at once.
    pub fn on(db: &TestDatabase) -> Self {
        let mut made = Self::bare();
        // A password that the tests' server does not ask for, and that nobody may ever see.
        let url = db.url().replace("postgres@", "postgres:hush-db@");
        made.set("database.url", &url);
        made
    }

    /// The same without a database.
    pub fn bare() -> Self {
        let mut made = Self { folder: tempfile::tempdir().unwrap(), variables: BTreeMap::new() };
        for (name, value) in [
            ("schedule.tick", "1s"),
            ("notices.from", "Ledger Security <security@ledger.app>"),
            ("notices.product_name", "Ledger"),
            ("notices.sign_in_url", "https://ledger.app/sign-in"),
            ("notices.announce_delay", "0s"),
            ("notices.send_at", "00:00"),
            ("smtp.url", "file:mails"),
            ("http.listen", ""),
        ] {
            made.set(name, value);
        }
        made
    }

    /// Sets a setting, by its name as in `smtp.url`.
    pub fn set(&mut self, name: &str, value: &str) -> &mut Self {
        self.variables.insert(variable(name), value.into());
        self
    }

    /// Takes a setting away, so that it has its default.
    pub fn unset(&mut self, name: &str) -> &mut Self {
        self.variables.remove(&variable(name));
        self
    }

    /// Gives the program variables that are no settings of its own.
    pub fn give<const N: usize>(&mut self, variables: [(&str, OsString); N]) {
        self.variables.extend(variables.map(|(name, value)| (name.to_owned(), value)));
    }

    /// The working folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The mails in the folder `mails`.
    pub fn mails(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.folder().join("mails"));
        let paths = entries.into_iter().flatten().map(|entry| entry.unwrap().path());
        paths.filter(|path| path.extension().is_some_and(|extension| extension == "eml")).collect()
    }

    /// The program with these arguments, in this installation.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mfa-enforcer"));
        command.args(arguments).current_dir(self.folder()).env_clear().envs(&self.variables);
        command
    }

    /// Starts the program.
    pub fn start(&self, arguments: &[&str]) -> Process {
        Process::start(&mut self.command(arguments))
    }

    /// Runs the program to its end.
    pub async fn run(&self, arguments: &[&str]) -> Ended {
        self.start(arguments).ended().await
    }

    /// Runs the program, which must succeed; gives back what it wrote to standard output.
    pub async fn succeeds(&self, arguments: &[&str]) -> String {
        let ended = self.run(arguments).await;
        assert_eq!(ended.code, Some(0), "{arguments:?}: {ended:?}");
        ended.stdout
    }

    /// Runs the program, which must fail (1); gives back its message, with the working folder left out.
    pub async fn fails(&self, arguments: &[&str]) -> String {
        let ended = self.run(arguments).await;
        assert_eq!(ended.code, Some(1), "{arguments:?}: {ended:?}");
        let message = ended.stderr.lines().skip_while(|line| !line.starts_with("mfa-enforcer: "));
        message.collect::<Vec<_>>().join("\n").replace(&format!("{}/", self.folder().display()), "")
    }

    /// Starts the daemon, and waits until it works.
    pub async fn daemon(&self) -> Process {
        let mut daemon = self.start(&["run"]);
        eventually("the daemon starts", async || {
            assert!(!daemon.has_ended(), "{}", daemon.stderr());
            daemon.stderr().contains("started").then_some(())
        })
        .await;
        daemon
    }

    /// The same, serving on a port of its own.
    pub async fn serving_daemon(&mut self) -> (Process, u16) {
        // Somebody else may take a free port first.
        for _ in 0..20 {
            let port = free_port();
            self.set("http.listen", &format!("127.0.0.1:{port}"));
            let mut daemon = self.start(&["run"]);
            let works = eventually("the daemon starts", async || {
                let works = daemon.stderr().contains("\"started\"");
                (works || daemon.has_ended()).then_some(works)
            })
            .await;
            if works {
                return (daemon, port);
            }
            let ended = daemon.ended().await;
            assert!(ended.stderr.contains("is taken by another program"), "{}", ended.stderr);
        }
        panic!("no port is free")
    }
}

/// A loopback port that nobody had a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

fn variable(name: &str) -> String {
    format!("MFA_ENFORCER__{}", name.replace('.', "__").to_uppercase())
}
