//! When it is worth looking next.

use chrono::TimeDelta;
use mfa_enforcer::domain::time::Timestamp;

use super::{LONGEST_JUMP, World};
use crate::simulation::dice::Dice;

impl World<'_> {
    /// The next instant at which something happens or is due, now and then the one just before; and whether something does.
    pub(super) async fn next_instant(&mut self, dice: &Dice) -> (Timestamp, bool) {
        let now = self.now();
        let idle = now.plus(TimeDelta::days(dice.between(1, LONGEST_JUMP))).min(self.plan.ends);
        let event = self.plan.events.get(self.next_event).map(|event| event.at);
        let mut awaited = vec![event, self.asleep_until];
        let mut due = None;
        if self.asleep_until.is_none() {
            for daemon in &self.daemons {
                awaited.push(daemon.down_until);
                awaited.extend(daemon.strands.iter().flatten().map(|strand| strand.held_until));
            }
            due = self.next_due().await;
            awaited.push(due);
        }
        let next = awaited.into_iter().flatten().filter(|instant| *instant > now).min();
        let Some(next) = next.filter(|next| *next <= idle) else { return (idle, false) };
        if due == Some(next) && dice.chance(15) {
            let just = *dice.pick(&[TimeDelta::microseconds(1), TimeDelta::seconds(1), TimeDelta::minutes(1)]);
            let before = next.plus(-just);
            if before > now {
                return (before, false);
            }
        }
        (next, true)
    }

    /// The next instant that the tables name.
    async fn next_due(&self) -> Option<Timestamp> {
        let now = self.now();
        let earliest =
            |column: &str, from: &str| format!("SELECT min({column}) AS due FROM {from} AND {column} > '{now}'");
        let of = [
            earliest("due_at", "milestones WHERE state = 'pending'"),
            earliest("next_attempt_at", "notices WHERE state = 'pending'"),
            earliest("claimed_until", "notices WHERE state = 'sending'"),
            earliest("enforce_at", "enforcements WHERE state = 'scheduled'"),
            earliest("require_at", "memberships WHERE require_at IS NOT NULL"),
            earliest("exempt_until", "memberships WHERE exempt_until IS NOT NULL"),
        ];
        let sql = format!("SELECT min(due) FROM ({}) AS all_due", of.join(" UNION ALL "));
        let earliest = self.db.value(&sql).await.parse().ok();
        // An exempt member is told a week before.
        let week = TimeDelta::days(7);
        let sql = format!("SELECT min(exempt_until) FROM memberships WHERE exempt_until > '{}'", now.plus(week));
        let told: Option<Timestamp> = self.db.value(&sql).await.parse().ok().map(|until: Timestamp| until.plus(-week));
        earliest.into_iter().chain(told).min()
    }
}
