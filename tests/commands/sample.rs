//! One small database that all of these tests look at, and a shell beside it.

use std::fmt::Write as _;
use std::path::Path;

use assert_cmd::Command;
use tempfile::TempDir;

use crate::support::{Kind, TestDatabase};

/// The program.
pub(super) const PROGRAM: &str = env!("CARGO_BIN_EXE_mfa-enforcer");

/// The database's last instant.
const LAST_INSTANT: &str = "2026-12-01T10:00:00.000000Z";

/// A database with two companies, five users and a little history, driven by a simulated clock; and a folder with files
/// to import.
pub(super) struct Sample {
    /// The database.
    pub(super) db: TestDatabase,
    /// The working folder.
    pub(super) folder: TempDir,
}

/// What a command wrote, and how it ended.
pub(super) struct Seen {
    /// Its exit code.
    pub(super) code: i32,
    /// What it wrote to standard output.
    pub(super) stdout: String,
    /// What it wrote to standard error.
    pub(super) stderr: String,
}

impl Sample {
    pub(super) async fn new() -> Self {
        let sample = Self::empty().await;
        sample.db.execute(ROWS).await;
        let head = sample.db.value("SELECT hash FROM audit_head").await;
        sample.write("head.txt", &head);
        sample.write("mfa-enforcer.toml", "[enforcement]\nminimum_notice_days = 10\n");
        sample.write("companies.csv", COMPANIES);
        sample.write(
            "companies.jsonl",
            "{\"external_id\":\"initech\",\"name\":\"Initech\",\"time_zone\":\"Asia/Tokyo\"}\n",
        );
        sample.write("users.csv", USERS);
        sample.write("users.jsonl", "{\"external_id\":\"u-1\",\"company\":\"globex\",\"role\":\"admin\"}\n");
        sample
    }

    /// A migrated database without rows, which knows nothing but its last instant.
    pub(super) async fn empty() -> Self {
        Self::empty_in(Kind::Sqlite).await
    }

    /// The same in a database of this kind.
    pub(super) async fn empty_in(kind: Kind) -> Self {
        let db = TestDatabase::new(kind).await;
        db.execute(&format!(
            "INSERT INTO daemon_state (key, value) VALUES ('clock', 'simulated'), ('last_instant', '{LAST_INSTANT}')"
        ))
        .await;
        Self { db, folder: tempfile::tempdir().unwrap() }
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn write(&self, name: &str, contents: impl AsRef<[u8]>) {
        std::fs::write(self.path().join(name), contents).unwrap();
    }

    /// A line for the shell, with the settings of this sample in the environment and `more` of them.
    pub(super) fn shell(&self, line: &str, more: &[(&str, &str)]) -> Seen {
        let programs = Path::new(PROGRAM).parent().unwrap().display();
        let output = Command::new("/bin/sh")
            .args(["-c", line])
            .current_dir(self.path())
            .env_clear()
            .env("PATH", format!("{programs}:/usr/bin:/bin"))
            .env("MFA_ENFORCER__DATABASE__URL", self.db.url())
            .env("MFA_ENFORCER__CLOCK__SIMULATED", "true")
            .env("MFA_ENFORCER__SMTP__URL", "file:mails")
            .envs(more.iter().copied())
            .timeout(std::time::Duration::from_mins(2))
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Seen { code: output.status.code().unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// What is seen of some commands, one after the other. Ids that the program made are left out.
    pub(super) fn transcript(&self, commands: &[&str]) -> String {
        let mut text = String::new();
        for command in commands {
            let seen = self.shell(&format!("mfa-enforcer {command}"), &[]);
            writeln!(text, "$ mfa-enforcer {command}\n{}", seen.shown(self)).unwrap();
        }
        text
    }

    /// The same for commands that must be refused, each with its exit code, and change nothing.
    pub(super) async fn refusals(&self, code: i32, commands: &[&str]) -> String {
        let before = self.db.dump().await;
        let mut text = String::new();
        for command in commands {
            let seen = self.shell(&format!("mfa-enforcer {command}"), &[]);
            assert_eq!(seen.code, code, "{command}: {}", seen.stderr);
            assert_eq!(seen.stdout, "", "{command}");
            assert_eq!(self.db.dump().await, before, "{command} changed the database");
            writeln!(text, "$ mfa-enforcer {command}\n{}", seen.shown(self)).unwrap();
        }
        text
    }
}

impl Seen {
    /// For a snapshot: errors marked, the exit code at the end, and without what differs from run to run.
    pub(super) fn shown(&self, sample: &Sample) -> String {
        let mut text = self.stdout.clone();
        for line in self.stderr.lines().filter(|line| !line.is_empty() && !line.starts_with("For more information")) {
            writeln!(text, "! {line}").unwrap();
        }
        writeln!(text, "exit {}", self.code).unwrap();
        let folder = sample.path().display().to_string();
        without_new_ids(&text.replace(sample.db.url(), "sqlite://SAMPLE").replace(&folder, "FOLDER"))
    }
}

/// Without the ids that the sample does not have, which begin with the time, and the hashes made of them.
fn without_new_ids(text: &str) -> String {
    const HASH: &str = "\"rows_sha256\":\"";
    let is_id = |word: &str| uuid::Uuid::parse_str(word).is_ok_and(|id| id.get_version_num() == 7);
    let mut shown = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        match rest.get(..36) {
            Some(word) if is_id(word) && !word.starts_with("0198") => {
                shown.push_str("<new id>                            ");
                rest = &rest[36..];
            }
            _ if rest.starts_with(HASH) => {
                shown.push_str("\"rows_sha256\":\"<hash>");
                rest = &rest[HASH.len() + 64..];
            }
            _ => {
                shown.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    shown
}

const COMPANIES: &str = "\
external_id,name,time_zone,notice_days,mfa_available
acme,Acme Söhne,Europe/Berlin,\"[30,7]\",
initech,\"Initech, Inc.\",America/Chicago,,false
";

const USERS: &str = "\
external_id,email,name,company,role,country
u-1,jo@example.org,Jo Díaz,acme,admin,de
u-9,neu@example.org,Neu,acme,,
";

/// Acme has a date and history; Globex has nothing yet.
const ROWS: &str = r"
INSERT INTO companies (id, external_id, name, time_zone, enforcement_date, enforcement_set_by, new_member_grace_days,
    support_contact, reconciled_revision) VALUES
    ('01980000-0000-7000-8000-00000000c001', 'acme', 'Acme', 'Europe/Berlin', '2027-01-15', 'Zoë Diaz', 14, 'it@example.org', 1),
    ('01980000-0000-7000-8000-00000000c002', 'globex', 'Globex', 'America/New_York', NULL, NULL, NULL, NULL, 1);
INSERT INTO users (id, external_id, email, name, country, kind, mfa_enrolled_at, mfa_method, mfa_required_at, reviewed) VALUES
    ('01980000-0000-7000-8000-00000000e001', 'u-1', 'jo@example.org', 'Jo Díaz', 'DE', 'person', NULL, NULL, '2026-11-20T23:00:00.000000Z', 1),
    ('01980000-0000-7000-8000-00000000e002', 'u-2', 'li@example.org', '李', NULL, 'person', '2026-11-01T08:00:00.000000Z', 'authenticator', NULL, 1),
    ('01980000-0000-7000-8000-00000000e003', 'u-3', 'same@example.org', 'Sam', 'JP', 'person', NULL, NULL, NULL, 1),
    ('01980000-0000-7000-8000-00000000e004', 'u-4', 'Same@example.org', 'Sam the second', NULL, 'person', NULL, NULL, NULL, 1),
    ('01980000-0000-7000-8000-00000000e005', 'u-5', 'evil@example.org', 'Evil' || char(27) || '[31m' || char(10) || 'root', NULL, 'service', NULL, NULL, NULL, 1);
INSERT INTO memberships (company_id, user_id, role, exempt_until, exempt_reason, exempt_by, reviewed) VALUES
    ('01980000-0000-7000-8000-00000000c001', '01980000-0000-7000-8000-00000000e001', 'admin', NULL, NULL, NULL, 1),
    ('01980000-0000-7000-8000-00000000c001', '01980000-0000-7000-8000-00000000e002', 'member', NULL, NULL, NULL, 1),
    ('01980000-0000-7000-8000-00000000c001', '01980000-0000-7000-8000-00000000e003', 'member', '2027-02-28T23:00:00.000000Z', 'Parental leave', 'Zoë Diaz', 1),
    ('01980000-0000-7000-8000-00000000c001', '01980000-0000-7000-8000-00000000e005', 'member', NULL, NULL, NULL, 1);
INSERT INTO enforcements (id, company_id, enforcement_date, time_zone, planned_time_zone, enforce_at, state, set_by, created_at) VALUES
    ('01980000-0000-7000-8000-00000000f001', '01980000-0000-7000-8000-00000000c001', '2027-01-15', 'Europe/Berlin', 'Europe/Berlin',
     '2027-01-14T23:00:00.000000Z', 'scheduled', 'Zoë Diaz', '2026-11-20T10:00:00.000000Z');
INSERT INTO mails (id, user_id, address, locale, message_id, state, maybe_received, sent_day, attempted_at, sent_at, server_reply, content_sha256) VALUES
    ('01980000-0000-7000-8000-00000000a001', '01980000-0000-7000-8000-00000000e001', 'jo@example.org', 'en',
     '<01980000-0000-7000-8000-00000000a001@example.org>', 'sent', 1, '2026-11-20', '2026-11-20T10:15:00.000000Z',
     '2026-11-20T10:15:01.000000Z', '250 2.0.0 Ok: queued as 4XyZ', 'c0ffee');
INSERT INTO notices (id, kind, milestone_id, enforcement_id, user_id, due_at, state, skip_reason, attempts, next_attempt_at, mail_id) VALUES
    ('01980000-0000-7000-8000-000000000001', 'announcement', '01980000-0000-7000-8000-00000000b001', '01980000-0000-7000-8000-00000000f001',
     '01980000-0000-7000-8000-00000000e001', '2026-11-20T10:15:00.000000Z', 'sent', NULL, 1, '2026-11-20T10:15:00.000000Z', '01980000-0000-7000-8000-00000000a001'),
    ('01980000-0000-7000-8000-000000000002', 'announcement', '01980000-0000-7000-8000-00000000b001', '01980000-0000-7000-8000-00000000f001',
     '01980000-0000-7000-8000-00000000e002', '2026-11-20T10:15:00.000000Z', 'skipped', 'enrolled', 0, '2026-11-20T10:15:00.000000Z', NULL),
    ('01980000-0000-7000-8000-000000000003', 'reminder', '01980000-0000-7000-8000-00000000b002', '01980000-0000-7000-8000-00000000f001',
     '01980000-0000-7000-8000-00000000e001', '2026-12-16T08:00:00.000000Z', 'pending', NULL, 0, '2026-12-16T08:00:00.000000Z', NULL);
INSERT INTO requirements (user_id, enforcement_id, required_at) VALUES
    ('01980000-0000-7000-8000-00000000e001', '00000000-0000-0000-0000-000000000001', '2026-11-20T23:00:00.000000Z');
";
