//! The mail server.

use chrono::TimeDelta;
use mfa_enforcer::mail::compose::Composed;
use mfa_enforcer::mail::transport::{About, SendError};

use super::World;
use super::daemon::SEND_TIMEOUT;
use super::failure::Failure;
use crate::simulation::dice::Dice;
use crate::simulation::gate::Reply;
use crate::simulation::oracle::{Answer, Step};
use crate::simulation::plan::Weather;

impl World<'_> {
    /// A daemon hands a mail over.
    pub(super) async fn take_mail(&mut self, daemon: usize, strand: usize, mail: &Composed) -> Result<(), Failure> {
        let to = mail.envelope.to().first().map(ToString::to_string).unwrap_or_default();
        if is_for_admins(mail) {
            // What admins are told is none of the rules' business. (Admin mail is apart.)
            let taken = if self.weather == Weather::Down { Answer::Broken } else { Answer::Accepted };
            self.note(format!("daemon {daemon} hands {} over for the admin {to}: {taken:?}", mail.message_id));
            self.daemons[daemon].gate.answer(strand, reply(taken, mail, "the line broke"));
            return Ok(());
        }
        let handed = self.handed.entry(to.clone()).or_default();
        *handed += 1;
        // Its own chance for each reader: what becomes of others' mail changes nothing.
        let purpose = to.bytes().fold(*handed, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        let dice = &Dice::new(self.plan.seed, purpose);
        let mut answer = self.answer_to(&to, dice);
        if self.machines.crashes && dice.chance(2) {
            answer = if answer == Answer::Accepted && dice.chance(60) { Answer::DiesAfter } else { Answer::DiesBefore };
        }
        self.tally.mails += 1;
        self.note(format!("daemon {daemon} hands {} over for {to}: {answer:?}", mail.message_id));
        self.look(Step::Handed { daemon, raw: &mail.bytes, to: &to, answer }).await?;
        if matches!(answer, Answer::DiesBefore | Answer::DiesAfter) {
            return self.crash(daemon, dice).await;
        }
        let hangs =
            matches!(answer, Answer::Lost | Answer::Broken) && self.weather == Weather::Stormy && dice.chance(40);
        if hangs {
            let until = self.now().plus(SEND_TIMEOUT);
            if let Some(strand) = &mut self.daemons[daemon].strands[strand] {
                (strand.held_until, strand.reply) = (Some(until), Some(reply(answer, mail, "no answer in time")));
            }
            return Ok(());
        }
        if dice.chance(30) {
            self.let_time_pass(TimeDelta::milliseconds(dice.between(1, 9_000)));
        }
        self.daemons[daemon].gate.answer(strand, reply(answer, mail, "the line broke"));
        Ok(())
    }

    fn answer_to(&self, to: &str, dice: &Dice) -> Answer {
        if self.weather == Weather::Down {
            return Answer::Broken;
        }
        if self.gone.contains(&to.to_lowercase()) {
            return Answer::RefusedForGood;
        }
        match self.weather {
            Weather::Fair | Weather::Down => Answer::Accepted,
            Weather::Choosy => {
                dice.weighted(&[(65, Answer::Accepted), (31, Answer::RefusedForNow), (4, Answer::RefusedForGood)])
            }
            Weather::Stormy => dice.weighted(&[
                (45, Answer::Accepted),
                (25, Answer::Lost),
                (25, Answer::Broken),
                (5, Answer::RefusedForNow),
            ]),
        }
    }

    /// The clock goes on, but not to the next event, and not past the time of a mail that is waited for.
    pub(super) fn let_time_pass(&mut self, by: TimeDelta) {
        let mut then = self.now().plus(by);
        let soonest = TimeDelta::microseconds(1);
        if let Some(event) = self.plan.events.get(self.next_event) {
            then = then.min(event.at.plus(-soonest));
        }
        let strands = self.daemons.iter().flat_map(|daemon| daemon.strands.iter().flatten());
        for strand in strands.filter(|strand| strand.reply.is_some()) {
            then = strand.held_until.map_or(then, |until| then.min(until));
        }
        if then > self.now() {
            self.clock.set(then);
        }
    }
}

/// Whether it is filed under the list for admins.
fn is_for_admins(mail: &Composed) -> bool {
    String::from_utf8_lossy(&mail.bytes).lines().any(|line| line.starts_with("List-Id: <mfa-admins."))
}

/// What the daemon is told.
fn reply(answer: Answer, mail: &Composed, trouble: &str) -> Reply {
    let transient = |reply: &str, maybe_received| {
        Err(SendError::Transient { reply: reply.to_owned(), about: About::AllMail, maybe_received })
    };
    match answer {
        Answer::Accepted => Ok(format!("250 2.0.0 taken as {}", mail.mail_id)),
        Answer::RefusedForNow => transient("451 4.3.0 try again later", false),
        Answer::RefusedForGood => Err(SendError::Permanent { reply: "550 5.1.1 no such user".to_owned() }),
        Answer::Lost => transient(&format!("{trouble} after the mail"), true),
        Answer::Broken | Answer::DiesBefore | Answer::DiesAfter => {
            transient(&format!("{trouble} before the mail"), false)
        }
    }
}
