//! Lives through a plan of kills, while everybody is looked at, told, and required.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use mfa_enforcer::clock::Clock;
use mfa_enforcer::domain::ids::Id;
use mfa_enforcer::domain::time::Timestamp;

use super::house::{CONNECTIONS, House};
use super::people::{FLIPPED, TOLD, add_dateless_company_of, add_enrolled_company_of, give_date, let_the_day_come};
use super::plan::{Act, Kill, Plan, Victim};
use crate::support::{Kind, folder_in_memory};

/// How many mails a daemon may have sent whose outcome it has not recorded yet: those on its lines, and those that it
/// records together.
const UNRECORDED: usize = CONNECTIONS + 128;
/// How long nothing may go on: a claim of a daemon that was killed has to lapse first.
const PATIENCE: Duration = Duration::from_mins(2);
/// How often is looked at what is done, while that is few rows to count, and while it is many.
const LOOKS: [Duration; 2] = [Duration::from_millis(20), Duration::from_millis(100)];
/// How long before its day a company is left to be looked at.
const LAST_MOMENT: TimeDelta = TimeDelta::seconds(1);

/// What is lived through.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    pub kind: Kind,
    pub seed: u64,
    pub kills: usize,
    /// How many people get a notice.
    pub told: usize,
    /// How many become required.
    pub flipped: usize,
    /// How many daemons work at the same time.
    pub daemons: usize,
    /// Whether PostgreSQL's data are on the disk, rather than in memory, where a start after a kill takes less time.
    pub on_disk: bool,
}

/// What came of it.
pub struct Ordeal {
    pub terms: Terms,
    pub house: House,
    pub flipped: Id,
    /// When that company's day begins; none: it is weeks ahead.
    pub day: Option<Timestamp>,
    pub killed: BTreeMap<&'static str, usize>,
    /// How many of the kills came when there was nothing left to do.
    pub late: usize,
    /// How often the mail server had ended by itself, which counts like a kill.
    pub fallen: usize,
    /// Of each mail, at how many kills nobody could know whether it was sent.
    pub unknown: BTreeMap<String, usize>,
    /// How many mails may have been on their way at the kills.
    pub on_their_way: usize,
    pub took: Duration,
}

impl Ordeal {
    /// Lives through it. `settings` are those of the daemons.
    pub async fn live(terms: Terms, settings: &[(&str, &str)]) -> Self {
        let plan = Plan::new(terms.seed, terms.kills, terms.kind, terms.daemons);
        let folder = if terms.on_disk { tempfile::tempdir().unwrap() } else { folder_in_memory() };
        let mut house = House::new(terms.kind, folder).await;
        for (name, value) in settings {
            house.installation.set(name, value);
        }
        let told = add_dateless_company_of(&house.db, TOLD, terms.told).await;
        let flipped = add_enrolled_company_of(&house.db, FLIPPED, terms.flipped).await;
        let mut ordeal = Self {
            terms,
            house,
            flipped,
            day: None,
            killed: BTreeMap::new(),
            late: 0,
            fallen: 0,
            unknown: BTreeMap::new(),
            on_their_way: 0,
            took: Duration::ZERO,
        };
        let began = Instant::now();
        for (act, kills) in plan.acts {
            if act == Act::Send {
                ordeal.house.rows(&give_date(told)).await;
            }
            if act == Act::Flip {
                assert_eq!(ordeal.house.number("SELECT count(*) FROM requirements").await, 0, "the day has not come");
                ordeal.house.rows(&give_date(flipped)).await;
                ordeal.day = Some(Clock::System.now().plus(LAST_MOMENT));
            }
            ordeal.play(act, &kills).await;
        }
        ordeal.took = began.elapsed();
        ordeal.house.end().await;
        ordeal
    }

    async fn play(&mut self, act: Act, kills: &[Kill]) {
        let whole = self.whole(act);
        let mut kills = kills.iter().peekable();
        let (mut done, mut moved) = (0, Instant::now());
        let mut interval = tokio::time::interval(LOOKS[usize::from(whole > 10_000)]);
        while done < whole {
            self.house.raise(self.terms.daemons);
            if self.house.sink.has_ended() {
                // It was seen to end by itself, which is then as good as a kill.
                self.fallen += 1;
                self.strike(Victim::MailServer).await;
            }
            let now = self.house.number(&self.progress(act)).await;
            if now != done {
                (done, moved) = (now, Instant::now());
            }
            assert!(moved.elapsed() < PATIENCE, "{act:?} stands still at {done} of {whole}: {}", self.state().await);
            if let Some(kill) = kills.next_if(|kill| kill.at * whole <= done * 1000) {
                // A moment of its own, rather than a wait for anything.
                tokio::time::sleep(kill.after).await;
                self.kill(kill.victim).await;
            }
            interval.tick().await;
        }
        // A fast machine may be done before their time.
        for kill in kills {
            self.late += 1;
            self.kill(kill.victim).await;
        }
    }

    /// Kills, notes which mails were on their way, and starts again what was killed.
    async fn kill(&mut self, victim: Victim) {
        *self.killed.entry(victim.name()).or_default() += 1;
        self.strike(victim).await;
    }

    async fn strike(&mut self, victim: Victim) {
        self.house.kill(victim);
        self.on_their_way += match victim {
            Victim::Daemon(_) => UNRECORDED,
            Victim::Database | Victim::DatabaseProcess(_) => UNRECORDED * self.terms.daemons,
            Victim::MailServer => CONNECTIONS * self.terms.daemons,
        };
        if victim == Victim::Database {
            self.house.repair(victim).await;
        }
        let unknown = "SELECT message_id FROM mails WHERE state = 'sending' OR state = 'deferred' AND maybe_received";
        for message_id in self.house.rows(unknown).await.concat() {
            *self.unknown.entry(message_id).or_default() += 1;
        }
        if victim != Victim::Database {
            self.house.repair(victim).await;
        }
    }

    /// What the tables say, for whoever looks for the reason of a failure.
    async fn state(&self) -> String {
        let mut said = Vec::new();
        for sql in [
            "SELECT state, enforce_at, flip_cursor, flipped_at FROM enforcements",
            "SELECT e.id, count(*) FROM enforcements AS e JOIN memberships AS m ON m.company_id = e.company_id
                WHERE m.user_id > e.flip_cursor GROUP BY e.id",
            "SELECT enforcement_id, count(*), count(DISTINCT user_id), min(required_at), max(required_at)
                FROM requirements GROUP BY enforcement_id",
            "SELECT at, action, detail FROM audit_events ORDER BY seq DESC LIMIT 8",
            "SELECT state, count(*) FROM notices GROUP BY state",
            "SELECT task, errors, last_error FROM task_runs",
        ] {
            said.push(format!("{:?}", self.house.db.try_rows(sql).await));
        }
        said.join("\n")
    }

    /// How much there is to do in an act.
    fn whole(&self, act: Act) -> usize {
        match act {
            // Users and memberships.
            Act::Look => 2 * (self.terms.told + self.terms.flipped),
            // A notice is made, and sent.
            Act::Send => 2 * self.terms.told,
            Act::Flip => self.terms.flipped + 1,
        }
    }

    /// The query that counts what is done of it.
    fn progress(&self, act: Act) -> String {
        match act {
            Act::Look => {
                "SELECT (SELECT count(*) FROM users WHERE reviewed) + (SELECT count(*) FROM memberships WHERE reviewed)"
                    .to_owned()
            }
            Act::Send => "SELECT count(*) + count(CASE WHEN state = 'sent' THEN 1 END) FROM notices".to_owned(),
            Act::Flip => {
                let flipped = "(SELECT count(*) FROM enforcements WHERE flipped_at IS NOT NULL AND company_id";
                let query = format!("SELECT (SELECT count(*) FROM requirements) + {flipped} = '{}')", self.flipped);
                let day = self.day.expect("the act begins with it");
                format!("{}; {query}", let_the_day_come(self.flipped, day))
            }
        }
    }
}
