//! Notices for one person beside what their company's milestones make for all.

use std::collections::BTreeSet;

use chrono_tz::Tz;

use super::batch::Batch;
use super::expand::{NewNotice, insert_notices};
use super::predicate::{
    ANNOUNCED_AT, EXPANDED, REQUIRED, REQUIRED_BEFORE, TELLING, skipped_for_now, subject, told_at, told_date,
};
use super::review::{planned_zone, reader_zone};
use super::sql::Tx;
use super::values::bind;
use super::{SqlStore, StoreError};
use crate::domain::expansion::{self, Enforcement, MemberFacts};
use crate::domain::ids::Id;
use crate::domain::notice::NoticeKind;
use crate::domain::policy::Policy;
use crate::domain::review;
use crate::domain::schedule::{self, PlannedMilestone};
use crate::domain::time::{self, Timestamp};

impl SqlStore {
    /// Makes one notice at the milestone of its kind, unless the user has one there (R2). One that was skipped because they
    /// were left out for a while is due again. Returns how many: one or none.
    pub(super) async fn add_notice(
        &self,
        tx: &mut Tx,
        enforcement: Id,
        user: Id,
        kind: NoticeKind,
        due_at: Timestamp,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let milestone = if kind == NoticeKind::Rescheduled { NoticeKind::Announcement } else { kind };
        let sql = format!(
            "UPDATE notices AS n SET state = 'pending', skip_reason = NULL, kind = $4, due_at = $5, next_attempt_at = $5
             WHERE {} AND n.user_id = $3 AND n.milestone_id = (
                 SELECT s.id FROM milestones AS s WHERE s.enforcement_id = $1 AND s.kind = $2 ORDER BY s.round DESC LIMIT 1)",
            skipped_for_now()
        );
        let values = bind![enforcement, milestone.as_str(), user, kind.as_str(), due_at];
        let again = tx.execute(&sql, values).await?;
        if again > 0 {
            return Ok(again);
        }
        let Some(milestone) = self.free_milestone(tx, enforcement, milestone, user, now).await? else {
            return Ok(0);
        };
        let notice = NewNotice { id: self.randomness.id(now), kind, user_id: user, due_at };
        insert_notices(tx, milestone, enforcement, &[notice]).await?;
        Ok(1)
    }

    /// A milestone of this kind at which the user has no notice yet. There is always one more round of welcomes: who had
    /// theirs is told anew when their date has changed since.
    async fn free_milestone(
        &self,
        tx: &mut Tx,
        enforcement: Id,
        kind: NoticeKind,
        user: Id,
        now: Timestamp,
    ) -> Result<Option<Id>, StoreError> {
        // A milestone that has not come to the user yet makes its notice itself; a late joiner's own come at once.
        let sql = format!(
            "SELECT s.id FROM milestones AS s JOIN users AS u ON u.id = $3 WHERE s.enforcement_id = $1 AND s.kind = $2
             AND ({EXPANDED} OR $2 = 'announcement')
             AND NOT EXISTS (SELECT 1 FROM notices AS n WHERE n.milestone_id = s.id AND n.user_id = u.id)
             ORDER BY s.round LIMIT 1"
        );
        let values = || bind![enforcement, kind.as_str(), user];
        let mut free = tx.fetch_optional(&sql, values()).await?;
        if free.is_none() && kind == NoticeKind::Welcome {
            // Another daemon may be opening the same round: then that is the one.
            let round = "INSERT INTO milestones (id, enforcement_id, kind, due_at, state, round)
                SELECT $1, $2, 'welcome', $3, 'expanded', max(round) + 1 FROM milestones
                WHERE enforcement_id = $2 AND kind = 'welcome' HAVING count(*) > 0 ON CONFLICT DO NOTHING";
            tx.execute(round, bind![self.randomness.id(now), enforcement, now]).await?;
            free = tx.fetch_optional(&sql, values()).await?;
        }
        free.map(|row| row.get("id")).transpose()
    }

    /// Makes the reminders whose notices were made while the user was left out, or no member, and that are yet to come for
    /// them. Returns how many.
    pub(super) async fn add_missed_reminders(
        &self,
        tx: &mut Tx,
        enforcement: Id,
        user: Id,
        require_at: Option<Timestamp>,
        now: Timestamp,
        policy: &Policy,
    ) -> Result<u64, StoreError> {
        let sql = format!(
            "SELECT s.id, s.kind, s.days_before, s.due_at, e.enforcement_date, e.enforce_at, e.planned_time_zone, u.time_zone,
                 {ANNOUNCED_AT} AS announced_at,
                 {} AS told_date, {} AS told_at, {TELLING} AS telling, {REQUIRED} AS required, {REQUIRED_BEFORE} AS required_before
             FROM milestones AS s JOIN enforcements AS e ON e.id = s.enforcement_id AND e.state IN ('scheduled', 'held')
             JOIN users AS u ON u.id = $2
             WHERE s.enforcement_id = $1 AND {EXPANDED} AND s.kind IN ('reminder', 'final_reminder')
                 AND NOT EXISTS (SELECT 1 FROM notices AS n WHERE n.milestone_id = s.id AND n.user_id = $2)
             ORDER BY s.due_at, s.id",
            told_date(),
            told_at()
        );
        let mut made = 0;
        for row in tx.fetch_all(&sql, bind![enforcement, user]).await? {
            let days: Option<i64> = row.get("days_before")?;
            let milestone = PlannedMilestone {
                kind: row.name("kind")?,
                days_before: days.and_then(|days| u16::try_from(days).ok()),
                due_at: row.get("due_at")?,
            };
            let course = Enforcement {
                date: row.get("enforcement_date")?,
                enforce_at: row.get("enforce_at")?,
                announced_at: row.get("announced_at")?,
            };
            let zone =
                |column| -> Result<Option<Tz>, StoreError> { Ok(row.text(column)?.as_deref().and_then(time::zone)) };
            let member = MemberFacts {
                zone: zone("time_zone")?.or(zone("planned_time_zone")?).unwrap_or(Tz::UTC),
                require_at,
                told_date: row.get("told_date")?,
                told_at: row.get("told_at")?,
                telling: row.get("telling")?,
                required: row.get("required")?,
                required_before: row.get("required_before")?,
            };
            if let Some((kind, due_at)) =
                expansion::owed(&milestone, course, &member, policy).filter(|(_, due_at)| *due_at > now)
            {
                let notice = NewNotice { id: self.randomness.id(now), kind, user_id: user, due_at };
                insert_notices(tx, row.get("id")?, enforcement, &[notice]).await?;
                made += 1;
            }
        }
        Ok(made)
    }

    /// Tells members whose personal date has come that they are required now.
    pub(super) async fn tell_required(
        &self,
        tx: &mut Tx,
        memberships: &Batch,
        now: Timestamp,
        policy: &Policy,
    ) -> Result<u64, StoreError> {
        let sql = format!(
            "SELECT u.id, m.require_at, e.id AS enforcement_id, e.planned_time_zone, u.time_zone AS user_zone
             FROM {} JOIN memberships AS m ON m.company_id = batch.company_id AND m.user_id = batch.user_id
             JOIN users AS u ON u.id = m.user_id JOIN enforcements AS e ON e.company_id = m.company_id AND e.state = 'in_force'
             WHERE u.mfa_enrolled_at IS NULL AND {REQUIRED} AND NOT {REQUIRED_BEFORE} ORDER BY u.id, e.id",
            memberships.table(tx.dialect(), 1)
        );
        let mut told = 0;
        for row in tx.fetch_all(&sql, bind![memberships.clone()]).await? {
            let due_at =
                schedule::now_required_due_at(row.get("require_at")?, reader_zone(&row, planned_zone(&row)?)?, policy);
            let (enforcement, user) = (row.get("enforcement_id")?, row.get("id")?);
            told += self.add_notice(tx, enforcement, user, NoticeKind::NowRequired, due_at.max(now), now).await?;
        }
        Ok(told)
    }

    /// Tells members who were left out when a date that they know was taken back, and are back, that it does not stand.
    pub(super) async fn tell_undone_after_all(
        &self,
        tx: &mut Tx,
        memberships: &Batch,
        now: Timestamp,
        policy: &Policy,
    ) -> Result<u64, StoreError> {
        let sql = format!(
            "SELECT u.id, e.company_id, e.id AS enforcement_id, e.planned_time_zone, u.time_zone AS user_zone, s.due_at
             FROM {} JOIN memberships AS m ON m.company_id = batch.company_id AND m.user_id = batch.user_id
             JOIN users AS u ON u.id = m.user_id
             JOIN companies AS c ON c.id = m.company_id
             JOIN enforcements AS e ON e.company_id = c.id AND (c.enforcement_date IS NULL OR e.state = 'reverted'
                 AND EXISTS (SELECT 1 FROM enforcements AS held WHERE held.company_id = c.id AND held.state = 'held'))
             JOIN milestones AS s ON s.enforcement_id = e.id AND s.kind = 'cancelled' AND {EXPANDED}
             WHERE {} AND u.mfa_enrolled_at IS NULL AND {} IS NOT NULL AND NOT {REQUIRED} AND NOT {REQUIRED_BEFORE}
             ORDER BY u.id, e.company_id, s.due_at DESC, e.id DESC",
            memberships.table(tx.dialect(), 2),
            subject(1),
            told_date()
        );
        let mut told = BTreeSet::new();
        let mut made = 0;
        for row in tx.fetch_all(&sql, bind![!policy.leave_out_sso, memberships.clone()]).await? {
            let (user, company): (Id, Id) = (row.get("id")?, row.get("company_id")?);
            let zone = reader_zone(&row, planned_zone(&row)?)?;
            // Of several dates that were taken back the last tells of all.
            let is_last = told.insert((user, company));
            let due_at = review::undone_due_at(row.get("due_at")?, zone, now, policy).filter(|_| is_last);
            if let Some(due_at) = due_at {
                let enforcement = row.get("enforcement_id")?;
                made += self.add_notice(tx, enforcement, user, NoticeKind::Cancelled, due_at, now).await?;
            }
        }
        Ok(made)
    }
}
