//! The mail server.

use chrono::TimeDelta;
use mfa_enforcer::mail::compose::Composed;
use mfa_enforcer::mail::transport::SendError;

use super::World;
use super::daemon::SEND_TIMEOUT;
use super::failure::Failure;
use super::judge::Fate;
use crate::simulation::dice::Dice;
use crate::simulation::gate::Reply;
use crate::simulation::plan::Weather;

impl World<'_> {
    /// A daemon hands a mail over.
    pub(super) async fn take_mail(
        &mut self,
        daemon: usize,
        strand: usize,
        mail: &Composed,
        dice: &Dice,
    ) -> Result<(), Failure> {
        let to = mail.envelope.to().first().map(ToString::to_string).unwrap_or_default();
        let mut fate = self.fate_of(&to, dice);
        if self.machines.crashes && dice.chance(2) {
            fate = if fate == Fate::Accepted && dice.chance(60) { Fate::DiedAfter } else { Fate::DiedBefore };
        }
        self.tally.mails += 1;
        self.note(format!("daemon {daemon} hands {} over for {to}: {fate:?}", mail.message_id));
        self.judge.handed(&self.db, self.now(), daemon, &mail.bytes, &to, fate).await?;
        if matches!(fate, Fate::DiedBefore | Fate::DiedAfter) {
            return self.crash(daemon, dice).await;
        }
        let hangs = matches!(fate, Fate::Lost | Fate::Broken) && self.weather == Weather::Stormy && dice.chance(40);
        if hangs {
            let until = self.now().plus(SEND_TIMEOUT);
            if let Some(strand) = &mut self.daemons[daemon].strands[strand] {
                (strand.held_until, strand.reply) = (Some(until), Some(reply(fate, mail, "no answer in time")));
            }
            return Ok(());
        }
        if dice.chance(30) {
            self.let_time_pass(TimeDelta::milliseconds(dice.between(1, 9_000)));
        }
        self.daemons[daemon].gate.answer(strand, reply(fate, mail, "the line broke"));
        Ok(())
    }

    fn fate_of(&self, to: &str, dice: &Dice) -> Fate {
        if self.weather == Weather::Down {
            return Fate::Broken;
        }
        if self.gone.contains(&to.to_lowercase()) {
            return Fate::RefusedForGood;
        }
        match self.weather {
            Weather::Fair | Weather::Down => Fate::Accepted,
            Weather::Choosy => {
                dice.weighted(&[(65, Fate::Accepted), (31, Fate::RefusedForNow), (4, Fate::RefusedForGood)])
            }
            Weather::Stormy => {
                dice.weighted(&[(45, Fate::Accepted), (25, Fate::Lost), (25, Fate::Broken), (5, Fate::RefusedForNow)])
            }
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

/// What the daemon is told.
fn reply(fate: Fate, mail: &Composed, trouble: &str) -> Reply {
    let transient = |reply: &str, maybe_received| Err(SendError::Transient { reply: reply.to_owned(), maybe_received });
    match fate {
        Fate::Accepted => Ok(format!("250 2.0.0 taken as {}", mail.mail_id)),
        Fate::RefusedForNow => transient("451 4.3.0 try again later", false),
        Fate::RefusedForGood => Err(SendError::Permanent { reply: "550 5.1.1 no such user".to_owned() }),
        Fate::Lost => transient(&format!("{trouble} after the mail"), true),
        Fate::Broken | Fate::DiedBefore | Fate::DiedAfter => transient(&format!("{trouble} before the mail"), false),
    }
}
