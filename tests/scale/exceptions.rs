//! What may read a large table from beginning to end, and what does.

/// Tables with a row or more for each user, mail or event. (Companies, their enforcements and milestones are some ten thousand, and
/// are read in milliseconds.)
pub const LARGE: &[&str] =
    &["users", "memberships", "notices", "mails", "mail_history", "requirements", "audit_events", "admin_mails"];

/// A statement that may read a large table from beginning to end.
#[derive(Debug)]
#[expect(dead_code, reason = "the reason is for readers")]
struct Exception {
    /// What its text has.
    with: &'static str,
    /// Which table.
    table: &'static str,
    /// Why.
    because: &'static str,
}

const FIRST_RUN: &str = "it is asked once in a database's life, when nothing has been looked at yet";

const STATUS: &str = "a person asks for `status`, which counts everything";
const STATUS_HAS: &str = "AS scheduled, (SELECT count(*) FROM enforcements WHERE state = 'in_force'";

const BY_ENFORCEMENT: &str =
    "a person looks at one company, or reverts it; an index by enforcement would cost each account that is flipped";

const EXCEPTIONS: &[Exception] = &[
    Exception {
        with: "IN (SELECT id FROM users WHERE sso)",
        table: "users",
        because: "the operator has changed enforcement.sso_users: everybody whom it is about is looked at again",
    },
    Exception {
        with: "SELECT r.user_id, r.enforcement_id, e.company_id, r.required_at FROM requirements AS r",
        table: "requirements",
        because: "a rehearsal tells what became of everybody, from a copy in SQLite",
    },
    Exception { with: STATUS_HAS, table: "mails", because: STATUS },
    Exception { with: STATUS_HAS, table: "admin_mails", because: STATUS },
    Exception { with: "SELECT reviewed FROM users ORDER BY reviewed", table: "users", because: FIRST_RUN },
    Exception { with: "'required' AS what", table: "users", because: FIRST_RUN },
    Exception { with: "'required' AS what", table: "memberships", because: FIRST_RUN },
    Exception { with: "'required' AS what", table: "requirements", because: FIRST_RUN },
    Exception {
        with: "AS r WHERE r.enforcement_id = e.id AND r.cleared_at IS NULL) AS required",
        table: "requirements",
        because: BY_ENFORCEMENT,
    },
    Exception { with: "SELECT DISTINCT user_id FROM requirements", table: "requirements", because: BY_ENFORCEMENT },
    Exception { with: "UPDATE requirements SET cleared_at = $2", table: "requirements", because: BY_ENFORCEMENT },
    Exception {
        with: "EXISTS (SELECT 1 FROM requirements AS r WHERE r.enforcement_id = e.id AND r.cleared_at IS NULL)))",
        table: "requirements",
        because: BY_ENFORCEMENT,
    },
];

/// Statements that read large tables whole, whichever database it is.
#[derive(Debug, Default)]
pub struct Judgement {
    explained: usize,
    wrong: Vec<String>,
    used: [bool; EXCEPTIONS.len()],
}

impl Judgement {
    /// Takes down what one statement reads whole on `database`.
    pub fn add(&mut self, database: &str, sql: &str, scanned: &[String]) {
        self.explained += 1;
        for table in scanned.iter().filter(|table| LARGE.contains(&table.as_str())) {
            let excepted = EXCEPTIONS
                .iter()
                .position(|exception| exception.table == table && one_line(sql).contains(exception.with));
            match excepted {
                Some(place) => self.used[place] = true,
                None => self.wrong.push(format!("{table} is read whole on {database} by:\n{sql}\n")),
            }
        }
    }

    /// Fails where anything was read whole that is no exception, or an exception is none any more.
    pub fn pass(&self) {
        println!("{} statements", self.explained);
        assert!(self.wrong.is_empty(), "{} of {}:\n{}", self.wrong.len(), self.explained, self.wrong.join("\n"));
        assert!(self.explained > 400, "the store has more statements than {} on both databases", self.explained);
        let unused: Vec<_> =
            EXCEPTIONS.iter().zip(self.used).filter(|(_, used)| !used).map(|(exception, _)| exception).collect();
        assert!(unused.is_empty(), "take away what is no exception any more: {unused:?}");
    }
}

fn one_line(sql: &str) -> String {
    sql.split_whitespace().collect::<Vec<_>>().join(" ")
}
