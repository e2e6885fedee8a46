//! The milestones of an enforcement: stored as they are planned, and brought in line with another plan.

use super::sql::Tx;
use super::values::bind;
use super::{SqlStore, StoreError};
use crate::domain::ids::Id;
use crate::domain::notice::{MilestoneState, NoticeKind};
use crate::domain::planning::Refresh;
use crate::domain::schedule::PlannedMilestone;
use crate::domain::time::Timestamp;

impl SqlStore {
    /// Stores the milestones of an enforcement. Late joiners' `welcome` is expanded from the start: it has no due day.
    pub(super) async fn insert_milestones(
        &self,
        tx: &mut Tx,
        enforcement: Id,
        milestones: &[PlannedMilestone],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for milestone in milestones {
            let state =
                if milestone.kind == NoticeKind::Welcome { MilestoneState::Expanded } else { MilestoneState::Pending };
            tx.execute(
                "INSERT INTO milestones (id, enforcement_id, kind, days_before, due_at, state) VALUES ($1, $2, $3, $4, $5, $6)",
                bind![
                    self.randomness.id(now),
                    enforcement,
                    milestone.kind.as_str(),
                    milestone.days_before.map(i64::from),
                    milestone.due_at,
                    state.as_str()
                ],
            )
            .await?;
        }
        Ok(())
    }

    /// Brings the reminders in line with a refresh; returns whether anything was changed. `moved`: the enforcement is for another
    /// instant than before.
    pub(super) async fn refresh_reminders(
        &self,
        tx: &mut Tx,
        refresh: &Refresh,
        moved: bool,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let sql = "SELECT id, kind, days_before, due_at, state FROM milestones WHERE enforcement_id = $1";
        let rows = tx.fetch_all(sql, bind![refresh.id]).await?;
        let mut missing = refresh.reminders.clone();
        let mut changed = false;
        if rows.is_empty() {
            return Ok(false); // held from the start: it gets its milestones when it is released
        }
        for row in rows {
            let (id, days): (Id, Option<i64>) = (row.get("id")?, row.get("days_before")?);
            let Some(days) = days else { continue };
            let state: MilestoneState = row.name("state")?;
            let wanted = missing.iter().position(|reminder| reminder.days_before.map(i64::from) == Some(days));
            let wanted = wanted.map(|place| missing.swap_remove(place));
            let addable = refresh.addable.iter().any(|one| i64::from(*one) == days);
            match (wanted, state) {
                (None, MilestoneState::Pending) => {
                    tx.execute("UPDATE milestones SET state = 'dropped' WHERE id = $1", bind![id]).await?;
                    changed = true;
                }
                (None, MilestoneState::Expanded) => {
                    let sql = "UPDATE notices SET state = 'skipped', skip_reason = 'superseded'
                        WHERE milestone_id = $1 AND state = 'pending' AND mail_id IS NULL";
                    changed |= tx.execute(sql, bind![id]).await? > 0;
                }
                (Some(reminder), MilestoneState::Expanded) if moved && addable => {
                    // Made for other instants: those not begun are made anew. The sent ones stay, and stay unique.
                    let sql = "DELETE FROM notices WHERE milestone_id = $1 AND state = 'pending' AND mail_id IS NULL";
                    tx.execute(sql, bind![id]).await?;
                    reopen(tx, id, reminder.due_at).await?;
                    changed = true;
                }
                (Some(reminder), MilestoneState::Dropped) if addable => {
                    reopen(tx, id, reminder.due_at).await?;
                    changed = true;
                }
                (Some(reminder), MilestoneState::Pending) if row.get::<Timestamp>("due_at")? != reminder.due_at => {
                    reopen(tx, id, reminder.due_at).await?;
                    changed = true;
                }
                _ => {}
            }
        }
        missing.retain(|reminder| reminder.days_before.is_some_and(|days| refresh.addable.contains(&days)));
        self.insert_milestones(tx, refresh.id, &missing, now).await?;
        Ok(changed || !missing.is_empty())
    }
}

async fn reopen(tx: &mut Tx, milestone: Id, due_at: Timestamp) -> Result<(), StoreError> {
    let sql = "UPDATE milestones SET state = 'pending', cursor = NULL, due_at = $2 WHERE id = $1";
    tx.execute(sql, bind![milestone, due_at]).await.map(drop)
}
