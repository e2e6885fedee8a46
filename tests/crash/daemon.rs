//! The binary as a process that can be killed.

use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::support::TestDatabase;

/// How long anything may take here.
const PATIENCE: Duration = Duration::from_mins(1);

/// A company and its people.
pub const COMPANY: &str = "0c000000-0000-4000-8000-000000000001";

/// How the binary is to be run.
pub struct Daemon<'a> {
    pub db: &'a TestDatabase,
    /// Where mail goes, as in `smtp.url`.
    pub mail: String,
}

impl Daemon<'_> {
    /// `mfa-enforcer run --once --at INSTANT`, started.
    pub fn start(&self, instant: &str) -> Child {
        let mut command = self.command(&["run", "--once", "--at", instant]);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// The same, brought to its end.
    pub fn run(&self, instant: &str) {
        self.succeed(&["run", "--once", "--at", instant]);
    }

    /// A command that must succeed.
    pub fn succeed(&self, arguments: &[&str]) -> Output {
        let output = self.command(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mfa-enforcer"));
        command.args(arguments).stdin(Stdio::null());
        for (name, value) in [
            ("DATABASE__URL", self.db.url()),
            ("CLOCK__SIMULATED", "true"),
            ("SMTP__URL", &self.mail),
            ("SCHEDULE__CHUNK", "4"),
            ("SCHEDULE__CLAIM_BATCH", "50"),
        ] {
            command.env(format!("MFA_ENFORCER__{name}"), value);
        }
        command
    }
}

/// Kills the process as soon as `progress` has come to `at_least`. It must not have come to its end by then.
pub async fn kill_at(mut process: Child, at_least: usize, progress: impl AsyncFn() -> usize) {
    let until = Instant::now() + PATIENCE;
    while progress().await < at_least {
        assert!(Instant::now() < until, "no progress");
        assert!(process.try_wait().unwrap().is_none(), "it ended before it could be killed");
        tokio::task::yield_now().await;
    }
    process.kill().unwrap(); // SIGKILL
    let status = process.wait().unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9), "it ended before it could be killed");
}

/// A company with `count` people and a date, written with plain SQL.
pub async fn add_company_of(db: &TestDatabase, count: usize, date: &str) {
    db.execute(&format!("INSERT INTO companies (id, name, time_zone) VALUES ('{COMPANY}', 'Acme', 'Europe/Berlin')"))
        .await;
    let id = |number: usize| format!("0e000000-0000-4000-8000-{number:012x}");
    let users: Vec<_> =
        (1..=count).map(|number| format!("('{}', '{}', 'User {number}')", id(number), address(number))).collect();
    db.execute(&format!("INSERT INTO users (id, email, name) VALUES {}", users.join(", "))).await;
    let members: Vec<_> = (1..=count).map(|number| format!("('{COMPANY}', '{}')", id(number))).collect();
    db.execute(&format!("INSERT INTO memberships (company_id, user_id) VALUES {}", members.join(", "))).await;
    db.execute(&format!("UPDATE companies SET enforcement_date = '{date}'")).await;
}

/// Where user `number` gets mail.
pub fn address(number: usize) -> String {
    format!("user{number}@people.example")
}
