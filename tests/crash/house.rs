//! A database, a mail server and daemons on the real clock, all of which can be killed and started again.

use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::cluster::Cluster;
use super::plan::Victim;
use crate::installation::Installation;
use crate::mail::servers::Sink;
use crate::process::{Process, eventually};
use crate::support::{Kind, TestDatabase};

/// How long the database may be away.
const PATIENCE: Duration = Duration::from_mins(1);

/// How many mails a daemon hands over at the same time.
pub const CONNECTIONS: usize = 4;

/// What is at work. (What is declared first ends first.)
pub struct House {
    daemons: Vec<Process>,
    pub installation: Installation,
    pub db: TestDatabase,
    pub cluster: Option<Cluster>,
    pub sink: Sink,
    /// How often a daemon had ended by itself, and was started again as a service manager would.
    pub ended: usize,
}

impl House {
    /// Builds it; daemons are yet to be started. A PostgreSQL is one of its own, as it is killed, with its data in this folder.
    pub async fn new(kind: Kind, folder: TempDir) -> Self {
        let (cluster, db) = match kind {
            Kind::Sqlite => (None, TestDatabase::new(kind).await),
            Kind::Postgres => {
                let cluster = Cluster::start(folder).await;
                cluster.execute("CREATE DATABASE house").await;
                let db = TestDatabase::on_own_server(&cluster.url("house")).await;
                (Some(cluster), db)
            }
        };
        let sink = Sink::start(&[]);
        let mut installation = Installation::on(&db);
        for (name, value) in [
            ("smtp.url", format!("smtp://127.0.0.1:{}", sink.port)),
            ("smtp.max_connections", CONNECTIONS.to_string()),
            ("database.max_connections", "4".to_owned()),
            ("schedule.retry_first", "1s".to_owned()),
            ("schedule.retry_most", "2s".to_owned()),
        ] {
            installation.set(name, &value);
        }
        Self { daemons: Vec::new(), installation, db, cluster, sink, ended: 0 }
    }

    /// Sees to it that `count` daemons run. Those that have ended are started again.
    pub fn raise(&mut self, count: usize) {
        for daemon in &mut self.daemons {
            if daemon.has_ended() {
                self.ended += 1;
                replace(daemon, &self.installation);
            }
        }
        while self.daemons.len() < count {
            self.daemons.push(start(&self.installation));
        }
    }

    /// Kills somebody. Until [`Self::repair`] nobody takes their place.
    pub fn kill(&mut self, victim: Victim) {
        match (victim, &mut self.cluster) {
            (Victim::Daemon(number), _) => self.daemons[number].kill(),
            (Victim::Database, Some(cluster)) => cluster.kill(),
            (Victim::DatabaseProcess(number), Some(cluster)) => cluster.kill_one(number),
            (Victim::Database | Victim::DatabaseProcess(_), None) => {}
            (Victim::MailServer, _) => self.sink.kill(),
        }
    }

    /// Starts again what was killed.
    pub async fn repair(&mut self, victim: Victim) {
        match (victim, &mut self.cluster) {
            (Victim::Daemon(number), _) => replace(&mut self.daemons[number], &self.installation),
            (Victim::Database, Some(cluster)) => cluster.start_again().await,
            (Victim::Database | Victim::DatabaseProcess(_), _) => {}
            (Victim::MailServer, _) => self.sink.start_again(),
        }
    }

    /// The rows of a query, whenever the database is there to answer.
    pub async fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        let until = Instant::now() + PATIENCE;
        let mut interval = tokio::time::interval(Duration::from_millis(10));
        loop {
            match self.db.try_rows(sql).await {
                Ok(rows) => return rows,
                Err(error) => assert!(Instant::now() < until, "the database does not answer: {error}\nto: {sql}"),
            }
            interval.tick().await;
            let _ = self.db.reconnect().await;
        }
    }

    /// The one number that a query gives, whenever the database is there to answer.
    pub async fn number(&self, sql: &str) -> usize {
        self.rows(sql).await.concat().concat().parse().unwrap()
    }

    /// Ends all daemons in order.
    pub async fn end(&mut self) {
        for mut daemon in std::mem::take(&mut self.daemons) {
            eventually("a daemon is up", async || {
                if daemon.has_ended() {
                    self.ended += 1;
                    replace(&mut daemon, &self.installation);
                }
                // Before that, it hears no signal.
                daemon.stderr().contains("\"started\"").then_some(())
            })
            .await;
            daemon.signal("TERM");
            let ended = daemon.ended().await;
            assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        }
    }
}

fn start(installation: &Installation) -> Process {
    installation.start(&["run", "--accept-backlog"])
}

fn replace(daemon: &mut Process, installation: &Installation) {
    let said = daemon.stderr();
    assert!(!said.contains("panicked at"), "{said}");
    *daemon = start(installation);
}
