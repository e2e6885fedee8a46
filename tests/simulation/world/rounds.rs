//! Who goes on when: the daemons side by side, stopped and let go on in an order of chance; then all that is due, to its end.

use chrono::TimeDelta;
use mfa_enforcer::domain::time::Timestamp;
use mfa_enforcer::store::StoreError;
use mfa_enforcer::tasks;

use super::World;
use super::daemon::{ALONE, Came, Ended};
use super::failure::Failure;
use crate::simulation::dice::Dice;
use crate::simulation::gate::{Halts, STRANDS, Stop};
use crate::simulation::oracle::Step;
use crate::simulation::plan::Weather;

/// More steps than any round takes: one that takes more never ends.
const MOST_STEPS: usize = 50_000;
/// The tasks of a daemon.
const TASKS: usize = STRANDS - 1;

/// Who would go on.
#[derive(Clone, Copy)]
struct Turn {
    daemon: usize,
    strand: usize,
}

impl World<'_> {
    /// What the daemons do at one instant.
    pub(super) async fn round(&mut self, dice: &Dice) -> Result<(), Failure> {
        self.bring_back();
        // Where nothing is due there is little to see.
        let busy = self.busy || dice.chance(10);
        if self.machines.unwatched && (self.busy || !self.amid.is_empty()) {
            self.together().await?;
        } else if self.goes_on()
            || busy
                && (dice.chance(self.machines.side_by_side) || !self.amid.is_empty() && self.machines.side_by_side > 0)
        {
            self.side_by_side(dice).await?;
        }
        self.act_on_what_waits().await?;
        self.settle(dice).await
    }

    /// Whether something that was held up no longer is.
    fn goes_on(&self) -> bool {
        let now = self.now();
        let is_held = |until: Option<Timestamp>| until.is_some_and(|until| until > now);
        self.daemons.iter().any(|daemon| daemon.strands.iter().flatten().any(|strand| !is_held(strand.held_until)))
    }

    /// Daemons that have been down are up again, and what was held up is no longer.
    fn bring_back(&mut self) {
        let now = self.now();
        for daemon in &mut self.daemons {
            daemon.down_until = daemon.down_until.filter(|until| *until > now);
        }
    }

    /// Every task of every daemon is woken, and woken again by whatever another changes, until all are idle.
    async fn side_by_side(&mut self, dice: &Dice) -> Result<(), Failure> {
        let mut bells = vec![[true; TASKS]; self.daemons.len()];
        for at in 0..self.daemons.len() {
            let faults = self.machines.crashes || self.machines.database_errors;
            let fuse = (faults && dice.chance(20)).then(|| u32::try_from(dice.below(150)).expect("it is small"));
            self.daemons[at].gate.light(fuse);
            self.daemons[at].gate.set_halts(Halts::Everywhere);
        }
        for _ in 0..MOST_STEPS {
            // A transaction is alone on SQLite; on PostgreSQL others would wait for its locks, in real time.
            let turn = if let Some(turn) = self.in_transaction() {
                turn
            } else {
                if !self.amid.is_empty() && dice.chance(10) {
                    self.act_on_one_that_waits().await?;
                }
                if dice.chance(2) {
                    self.let_time_pass(TimeDelta::milliseconds(dice.between(1, 40_000)));
                }
                let turns = self.turns(&bells);
                if turns.is_empty() {
                    return Ok(());
                }
                *dice.pick(&turns)
            };
            self.take_turn(turn, &mut bells, dice).await?;
        }
        Err(Failure::new("idle", format!("the daemons were not idle after {MOST_STEPS} steps")))
    }

    fn in_transaction(&self) -> Option<Turn> {
        let all = (0..self.daemons.len()).flat_map(|daemon| (0..STRANDS).map(move |strand| Turn { daemon, strand }));
        all.into_iter().find(|turn| {
            let daemon = &self.daemons[turn.daemon];
            daemon.strands[turn.strand].is_some() && daemon.gate.in_transaction(turn.strand)
        })
    }

    /// Who may go on: what runs and is not held up, and the tasks that were woken.
    fn turns(&self, bells: &[[bool; TASKS]]) -> Vec<Turn> {
        let now = self.now();
        let mut turns = Vec::new();
        for (number, daemon) in self.daemons.iter().enumerate().filter(|(_, daemon)| daemon.down_until.is_none()) {
            for (strand, running) in daemon.strands.iter().enumerate() {
                let may = match running {
                    Some(running) => running.held_until.is_none_or(|until| until <= now),
                    None if daemon.starting => strand == ALONE,
                    None => daemon.strands[ALONE].is_none() && bells[number].get(strand) == Some(&true),
                };
                if may {
                    turns.push(Turn { daemon: number, strand });
                }
            }
        }
        turns
    }

    async fn take_turn(&mut self, turn: Turn, bells: &mut [[bool; TASKS]], dice: &Dice) -> Result<(), Failure> {
        let Turn { daemon, strand } = turn;
        if self.daemons[daemon].strands[strand].is_none() {
            if strand == ALONE {
                self.daemons[daemon].begin_alone(false);
            } else {
                bells[daemon][strand] = false;
                self.daemons[daemon].begin_task(strand);
            }
        } else if !self.leave_stop(turn, dice).await? {
            return Ok(());
        }
        let faulty = self.daemons[daemon].strands[strand].as_ref().is_some_and(|strand| strand.faulty);
        if let Came::End(ended) = self.daemons[daemon].run(strand).await {
            self.look_at_end(&ended, faulty)?;
            if strand == ALONE {
                bells[daemon] = [true; TASKS];
            } else if ended.changed {
                for other in (0..TASKS).filter(|other| *other != strand) {
                    bells[daemon][other] = true;
                }
            }
        }
        Ok(())
    }

    /// Does what is to be done where the strand is stopped. Returns whether it may go on.
    async fn leave_stop(&mut self, turn: Turn, dice: &Dice) -> Result<bool, Failure> {
        let Turn { daemon, strand } = turn;
        let Some(stop) = self.daemons[daemon].gate.stop(strand) else { return Ok(true) };
        let held_up =
            self.daemons[daemon].strands[strand].as_mut().and_then(|strand| strand.held_until.take()).is_some();
        match stop {
            Stop::Mail(mail) => {
                let reply = self.daemons[daemon].strands[strand].as_mut().and_then(|strand| strand.reply.take());
                if let Some(reply) = reply {
                    self.daemons[daemon].gate.answer(strand, reply);
                    return Ok(true);
                }
                self.take_mail(daemon, strand, &mail).await?;
                return Ok(
                    self.daemons[daemon].gate.stop(strand).is_none() && self.daemons[daemon].strands[strand].is_some()
                );
            }
            Stop::Fault(point) => return self.go_wrong(turn, &point, dice).await,
            Stop::Committed => {
                // It reads every table: not each time.
                if dice.chance(1) {
                    self.look(Step::Committed { daemon }).await?;
                }
            }
            Stop::Between => {}
        }
        if self.machines.stalls && !held_up && dice.chance(1) {
            let until = self.now().plus(TimeDelta::seconds(dice.between(1, 1_200)));
            if let Some(held) = &mut self.daemons[daemon].strands[strand] {
                held.held_until = Some(until);
                let name = held.name;
                self.tally.stalls += 1;
                self.note(format!("daemon {daemon}, {name}: held up until {until}"));
            }
            return Ok(false);
        }
        self.daemons[daemon].gate.go_on(strand, Ok(()));
        Ok(true)
    }

    async fn go_wrong(&mut self, turn: Turn, point: &str, dice: &Dice) -> Result<bool, Failure> {
        let Turn { daemon, strand } = turn;
        let name = self.daemons[daemon].strands[strand].as_ref().map_or("", |strand| strand.name);
        // Where a mail's fate is recorded an error is waited out, in real time.
        let may_fail = self.machines.database_errors && !self.daemons[daemon].gate.is_recording(strand);
        if self.machines.crashes && (!may_fail || dice.chance(50)) {
            self.note(format!("daemon {daemon}, {name}: dies {point}"));
            self.crash(daemon, dice).await?;
            return Ok(false);
        }
        if may_fail {
            self.note(format!("daemon {daemon}, {name}: the database fails {point}"));
            self.tally.database_errors += 1;
            if let Some(strand) = &mut self.daemons[daemon].strands[strand] {
                strand.faulty = true;
            }
            self.daemons[daemon].gate.go_on(strand, Err(StoreError::Database(sqlx::Error::WorkerCrashed)));
        } else {
            self.daemons[daemon].gate.go_on(strand, Ok(()));
        }
        Ok(true)
    }

    /// A daemon dies, and comes back at once or after a while.
    pub(super) async fn crash(&mut self, daemon: usize, dice: &Dice) -> Result<(), Failure> {
        self.daemons[daemon].die();
        self.tally.crashes += 1;
        if dice.chance(50) {
            let until = self.now().plus(TimeDelta::seconds(dice.between(1, 3_600)));
            self.daemons[daemon].down_until = Some(until);
        }
        self.look(Step::Crashed { daemon }).await
    }

    /// One daemon does all that is due, undisturbed, until nothing is.
    async fn settle(&mut self, dice: &Dice) -> Result<(), Failure> {
        let free: Vec<usize> = (0..self.daemons.len())
            .filter(|at| self.daemons[*at].is_free() && self.daemons[*at].down_until.is_none())
            .collect();
        if free.is_empty() {
            return Ok(());
        }
        let daemon = *dice.pick(&free);
        let mut mail_works = true;
        for _ in 0..MOST_STEPS {
            let begun = self.now();
            let mails = self.tally.mails;
            self.daemons[daemon].gate.light(None);
            self.daemons[daemon].gate.set_halts(Halts::Commits);
            self.daemons[daemon].begin_alone(true);
            let Some(ended) = self.run_alone(daemon, dice).await? else { return Ok(()) };
            self.look_at_end(&ended, false)?;
            mail_works &= self.weather == Weather::Fair || mails == self.tally.mails;
            // Time has passed: more may be due.
            if self.now() == begun {
                return self.look(Step::Settled { mail_works }).await;
            }
        }
        Err(Failure::new("idle", "the daemon was never idle"))
    }

    /// Runs all tasks of a daemon; none if it died.
    async fn run_alone(&mut self, daemon: usize, dice: &Dice) -> Result<Option<Ended>, Failure> {
        let turn = Turn { daemon, strand: ALONE };
        loop {
            if let Came::End(ended) = self.daemons[daemon].run(ALONE).await {
                return Ok(Some(ended));
            }
            while !self.leave_stop(turn, dice).await? {
                let Some(strand) = &self.daemons[daemon].strands[ALONE] else { return Ok(None) };
                // It is held up, by itself or by the mail server: time passes.
                if let Some(until) = strand.held_until {
                    let by = until.utc() - self.now().utc();
                    self.let_time_pass(by);
                }
            }
        }
    }

    pub(super) fn look_at_end(&mut self, ended: &Ended, faulty: bool) -> Result<(), Failure> {
        for error in &ended.errors {
            self.note(format!("failed: {error}"));
        }
        match ended.errors.first() {
            Some(error) if !faulty => {
                Err(Failure::new("task", format!("a task failed that had no reason to: {error}")))
            }
            _ => Ok(()),
        }
    }
}

/// The tasks of the daemon, of which there are as many as there are places for.
#[test]
fn every_task_has_its_place() {
    assert_eq!(tasks::names().len(), TASKS);
}
