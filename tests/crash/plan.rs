//! What is killed when, made from a seed.

use std::time::Duration;

use super::dice::Dice;
use crate::support::Kind;

/// A part of the work, with something to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Everybody is looked at.
    Look,
    /// Notices are made, and go out.
    Send,
    /// The day of a company comes.
    Flip,
}

/// Who is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Victim {
    /// One of the daemons.
    Daemon(usize),
    /// PostgreSQL, all of its processes at once.
    Database,
    /// One process of PostgreSQL, which then ends all others and begins anew.
    DatabaseProcess(usize),
    /// The mail server.
    MailServer,
}

impl Victim {
    /// What it is counted as.
    pub fn name(self) -> &'static str {
        match self {
            Self::Daemon(_) => "daemon",
            Self::Database => "PostgreSQL",
            Self::DatabaseProcess(_) => "PostgreSQL process",
            Self::MailServer => "mail server",
        }
    }
}

/// One kill.
#[derive(Clone, Copy, Debug)]
pub struct Kill {
    pub victim: Victim,
    /// How much of the act is done then, in thousandths.
    pub at: usize,
    /// How long after that is seen, so that it hits any instruction.
    pub after: Duration,
}

/// All kills, by act, in order.
#[derive(Debug)]
pub struct Plan {
    pub acts: [(Act, Vec<Kill>); 3],
}

/// The longest time that a kill comes after its part of the act was seen to be done.
const AFTER_MOST: i64 = 40;

impl Plan {
    /// `kills` of them, on this database, with so many daemons.
    pub fn new(seed: u64, kills: usize, kind: Kind, daemons: usize) -> Self {
        let dice = Dice::new(seed, 5);
        let look = kills / 8;
        let flip = (kills - look) * 2 / 5;
        let acts = [(Act::Look, look), (Act::Send, kills - look - flip), (Act::Flip, flip)].map(|(act, count)| {
            let mut all: Vec<Kill> = (0..count).map(|turn| Kill::draw(&dice, turn, act, kind, daemons)).collect();
            all.sort_by_key(|kill| kill.at);
            (act, all)
        });
        Self { acts }
    }
}

impl Kill {
    /// Whose turn it is goes round, so that a few kills already hit everybody; when each comes is drawn.
    fn draw(dice: &Dice, turn: usize, act: Act, kind: Kind, daemons: usize) -> Self {
        let daemon = Victim::Daemon(dice.below(daemons));
        let process = Victim::DatabaseProcess(dice.below(100));
        let round: &[Victim] = match (kind, act) {
            (Kind::Sqlite, Act::Send) => &[daemon, Victim::MailServer, daemon],
            (Kind::Sqlite, Act::Look | Act::Flip) => &[daemon],
            (Kind::Postgres, Act::Send) => {
                &[daemon, Victim::Database, Victim::MailServer, process, daemon, Victim::MailServer, daemon]
            }
            (Kind::Postgres, Act::Look | Act::Flip) => &[daemon, Victim::Database, daemon, process],
        };
        let after = u64::try_from(dice.between(0, AFTER_MOST * 1000)).expect("it is not negative");
        // Never at the very end, which may come sooner than it is seen.
        Self { victim: round[turn % round.len()], at: dice.below(900), after: Duration::from_micros(after) }
    }
}
