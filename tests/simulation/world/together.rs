//! All daemons and the vendor's application at the same time, as they like: what waits for what is the database's to say.

use std::task::Poll;

use super::World;
use super::daemon::{ALONE, Ended};
use super::failure::Failure;
use crate::simulation::gate::{Halts, STRANDS, Stop};
use crate::simulation::oracle::Step;
use crate::simulation::plan::Deed;

/// More rounds than any instant takes.
const MOST_ROUNDS: usize = 200;

impl World<'_> {
    /// Every task of every daemon runs at the same time, until none changes anything.
    pub(super) async fn together(&mut self) -> Result<(), Failure> {
        for _ in 0..MOST_ROUNDS {
            for daemon in &mut self.daemons {
                daemon.gate.set_halts(Halts::Mail);
                if daemon.starting {
                    daemon.begin_alone(false);
                } else {
                    (0..ALONE).for_each(|task| daemon.begin_task(task));
                }
            }
            if !self.run_together().await? && self.amid.is_empty() {
                return Ok(());
            }
        }
        Err(Failure::new("idle", format!("the daemons were not idle after {MOST_ROUNDS} rounds")))
    }

    /// Runs what was begun to its end. Returns whether anything was changed.
    async fn run_together(&mut self) -> Result<bool, Failure> {
        let mut changed = false;
        loop {
            // What the vendor writes, it writes while the daemons are at work.
            let event = self.amid.front().copied();
            let sql = event.and_then(|event| if let Deed::Sql(sql) = &event.deed { Some(sql.clone()) } else { None });
            for ended in self.until_all_halt(sql).await {
                self.look_at_end(&ended, false)?;
                changed |= ended.changed;
            }
            if let Some(event) = event {
                self.amid.pop_front();
                if let Deed::Sql(sql) = &event.deed {
                    self.note(event.to_string().split_off(26));
                    self.count_companies(sql).await;
                    self.look(Step::Acted { text: &event.to_string(), order: None }).await?;
                } else {
                    self.act(event).await?;
                }
            }
            let mut mailed = false;
            for daemon in 0..self.daemons.len() {
                for strand in 0..STRANDS {
                    if let Some(Stop::Mail(mail)) = self.daemons[daemon].gate.stop(strand) {
                        mailed = true;
                        self.take_mail(daemon, strand, &mail).await?;
                        // Nothing hangs here: time would have to pass.
                        let reply =
                            self.daemons[daemon].strands[strand].as_mut().and_then(|strand| strand.reply.take());
                        if let Some(reply) = reply {
                            self.daemons[daemon].gate.answer(strand, reply);
                        }
                    }
                }
            }
            if !mailed {
                return Ok(changed);
            }
        }
    }

    /// Lets everything run that runs until it hands over a mail or has ended, and the vendor's application with it.
    async fn until_all_halt(&mut self, sql: Option<String>) -> Vec<Ended> {
        let (daemons, db) = (&mut self.daemons, &self.db);
        let mut vendor = Box::pin(async move {
            match &sql {
                Some(sql) => db.try_execute(sql).await,
                None => Ok(()),
            }
        });
        let (mut written, mut ended) = (false, Vec::new());
        std::future::poll_fn(|context| {
            let mut waiting = false;
            if !written {
                written = vendor.as_mut().poll(context).is_ready();
                waiting |= !written;
            }
            for daemon in daemons.iter_mut() {
                for at in 0..STRANDS {
                    let Some(strand) = daemon.strands[at].as_mut().filter(|_| daemon.gate.stop(at).is_none()) else {
                        continue;
                    };
                    daemon.gate.enter(at);
                    match strand.poll(context) {
                        Poll::Ready(end) => {
                            ended.push(end);
                            daemon.strands[at] = None;
                            daemon.gate.forget(at);
                        }
                        Poll::Pending => waiting |= daemon.gate.stop(at).is_none(),
                    }
                }
            }
            if waiting { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
        ended
    }
}
