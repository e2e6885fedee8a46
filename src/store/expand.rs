//! Task `expand`: from a due milestone to a notice for each eligible member, in chunks that can be resumed.

use std::collections::BTreeSet;

use async_trait::async_trait;
use chrono_tz::Tz;
use futures::channel::mpsc;
use futures::{SinkExt as _, StreamExt as _, join};
use serde_json::json;

use super::audit;
use super::batch::{Batch, Cells};
use super::predicate::{ANNOUNCED_AT, DATE_STANDS, REQUIRED, REQUIRED_BEFORE, TELLING, subject, told_at, told_date};
use super::reconcile::event;
use super::requirements::{id_batch, id_rows};
use super::side_by_side::{Done, WHOLE_CHUNKS, side_by_side};
use super::sql::{Row, Tx};
use super::values::{Ids, bind};
use super::{SqlStore, StoreError};
use crate::domain::audit::sha256_hex;
use crate::domain::expansion::{self, Enforcement, MemberFacts};
use crate::domain::ids::Id;
use crate::domain::notice::NoticeKind;
use crate::domain::policy::Policy;
use crate::domain::schedule::PlannedMilestone;
use crate::domain::time::{self, Timestamp};

/// What expanding one chunk came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expanded {
    /// Whether the chunk was taken: not, if another daemon is at it, or the company's row is being changed.
    pub taken: bool,
    /// How many notices were made.
    pub notices: u64,
    /// Whether the milestone has more members to go through.
    pub more: bool,
}

/// Expanding milestones.
#[async_trait]
pub trait ExpandStore {
    /// Up to `limit` milestones whose notices are to be made at `now`, the longest overdue first, with since when: those
    /// after `after` in that order.
    async fn due_milestones(
        &self,
        now: Timestamp,
        after: Option<(Id, Timestamp)>,
        limit: i64,
    ) -> Result<Vec<(Id, Timestamp)>, StoreError>;

    /// Makes the notices for up to `limit` further members of a milestone.
    async fn expand_chunk(
        &self,
        milestone: Id,
        now: Timestamp,
        policy: &Policy,
        limit: i64,
    ) -> Result<Expanded, StoreError>;

    /// The same for as many chunks as are done together, several at the same time, where the database can do that. The last
    /// members of all are left to [`expand_chunk`](Self::expand_chunk).
    async fn expand_whole_chunks(
        &self,
        milestone: Id,
        now: Timestamp,
        policy: &Policy,
        limit: i64,
    ) -> Result<Expanded, StoreError>;
}

/// The milestone may be expanded: its enforcement is in the state that its kind needs, and its date stands (R1, R5).
fn expandable() -> String {
    format!(
        "s.state = 'pending' AND s.due_at <= $1 AND (
            (s.kind IN ('announcement', 'reminder', 'final_reminder') AND e.state = 'scheduled' AND {DATE_STANDS})
            OR (s.kind = 'now_required' AND e.state = 'in_force' AND e.flipped_at IS NOT NULL)
            OR (s.kind = 'cancelled' AND e.state IN ('cancelled', 'reverted')))"
    )
}

#[async_trait]
impl ExpandStore for SqlStore {
    async fn due_milestones(
        &self,
        now: Timestamp,
        after: Option<(Id, Timestamp)>,
        limit: i64,
    ) -> Result<Vec<(Id, Timestamp)>, StoreError> {
        let sql = format!(
            "SELECT s.id, s.due_at FROM milestones AS s JOIN enforcements AS e ON e.id = s.enforcement_id
             JOIN companies AS c ON c.id = e.company_id
             WHERE {} AND ($3 IS NULL OR s.due_at > $3 OR s.due_at = $3 AND s.id > $2)
             ORDER BY s.due_at, s.id LIMIT $4",
            expandable()
        );
        let (after_id, after_at) = after.unzip();
        let rows = self.database.fetch_all(&sql, bind![now, after_id, after_at, limit]).await?;
        rows.iter().map(|row| Ok((row.get("id")?, row.get("due_at")?))).collect()
    }

    async fn expand_chunk(
        &self,
        milestone: Id,
        now: Timestamp,
        policy: &Policy,
        limit: i64,
    ) -> Result<Expanded, StoreError> {
        let mut tx = self.database.begin().await?;
        let Some(due) = DueMilestone::lock(&mut tx, milestone, now).await? else {
            return Ok(Expanded::default());
        };
        tx.expect_batches().await?;
        let members = due.members(&mut tx, due.cursor, policy, limit).await?;
        let more = i64::try_from(members.count()) == Ok(limit);
        let (state, cursor) = if more { ("pending", members.last()) } else { ("expanded", None) };
        tx.execute("UPDATE milestones SET state = $2, cursor = $3 WHERE id = $1", bind![milestone, state, cursor])
            .await?;
        let notices = self.make_notices(&mut tx, &due, &due.owed(self, &members, now, policy), now, !more).await?;
        tx.commit().await?;
        Ok(Expanded { taken: true, notices, more })
    }

    async fn expand_whole_chunks(
        &self,
        milestone: Id,
        now: Timestamp,
        policy: &Policy,
        limit: i64,
    ) -> Result<Expanded, StoreError> {
        let Some((beside, _right)) = self.database.beside() else {
            return Ok(Expanded::default());
        };
        let mut tx = self.database.begin().await?;
        let Some(due) = DueMilestone::lock(&mut tx, milestone, now).await? else {
            return Ok(Expanded::default());
        };
        tx.expect_batches().await?;
        // Members are read under the lock while the notices of those before them are made beside it.
        let whole = usize::try_from(limit).unwrap_or(usize::MAX);
        let (mut to_make, chunks) = mpsc::channel(0);
        let reading = async {
            let mut after = due.cursor;
            for _ in 0..WHOLE_CHUNKS {
                let members = due.members(&mut tx, after, policy, limit).await?;
                let Some(last) = members.last().filter(|_| members.count() == whole) else { break };
                after = Some(last);
                if to_make.send((due.owed(self, &members, now, policy), last)).await.is_err() {
                    break;
                }
            }
            drop(to_make);
            Ok::<_, StoreError>(())
        };
        let making = chunks.map(|(batch, last)| self.make_notices_beside(&due, batch, last, now));
        let (read, made) = join!(reading, side_by_side(beside, making));
        read?;
        let sql = "UPDATE milestones SET cursor = COALESCE($2, cursor) WHERE id = $1";
        tx.execute(sql, bind![milestone, made.cursor]).await?;
        tx.commit().await?;
        match made.failure {
            Some(error) => Err(error),
            None => Ok(Expanded { taken: true, notices: made.rows, more: made.chunks == WHOLE_CHUNKS }),
        }
    }
}

impl SqlStore {
    /// Makes the notices of a chunk in a transaction of its own, beside the one that holds the lock; none: the milestone may
    /// not be expanded any more, or the company's row is being changed.
    ///
    /// It is kept from standing on a date that moves (R5) by a lock of its own: the other's goes when its connection breaks.
    /// What it makes is made once, whether or not the other comes to note how far it is.
    async fn make_notices_beside(
        &self,
        due: &DueMilestone,
        batch: Vec<NewNotice>,
        last: Id,
        now: Timestamp,
    ) -> Result<Done, StoreError> {
        let mut tx = self.database.begin().await?;
        let sql = format!(
            "SELECT c.id FROM milestones AS s JOIN enforcements AS e ON e.id = s.enforcement_id
             JOIN companies AS c ON c.id = e.company_id WHERE s.id = $2 AND {} AND {}{}",
            expandable(),
            tx.dialect().unless_awaited("companies", "c"),
            tx.dialect().for_share_skip_locked("c")
        );
        if tx.fetch_optional(&sql, bind![now, due.id]).await?.is_none() {
            tx.rollback().await?;
            return Ok(None);
        }
        tx.expect_batches().await?;
        let made = self.make_notices(&mut tx, due, &batch, now, false).await?;
        tx.commit().await?;
        Ok(Some((made, last)))
    }

    /// Makes the notices of a chunk, and records them. Returns how many.
    async fn make_notices(
        &self,
        tx: &mut Tx,
        due: &DueMilestone,
        batch: &[NewNotice],
        now: Timestamp,
        complete: bool,
    ) -> Result<u64, StoreError> {
        let mut made = insert_notices(tx, due.id, due.enforcement_id, batch).await?;
        made.sort_unstable_by_key(|notice| notice.id);
        let lines = made.iter().map(|NewNotice { id, kind, user_id, .. }| format!("{id} {kind} {user_id}"));
        let detail = json!({
            "milestone": due.id, "kind": due.milestone.kind, "days_before": due.milestone.days_before,
            "notices": made.len(), "sha256": sha256_hex(lines), "complete": complete,
        });
        let expanded = event("daemon", "milestone_expanded", due.company_id, due.enforcement_id, detail);
        audit::append(tx, now, vec![expanded]).await?;
        Ok(made.len() as u64)
    }
}

/// A milestone that is being expanded, locked.
struct DueMilestone {
    id: Id,
    milestone: PlannedMilestone,
    enforcement: Enforcement,
    enforcement_id: Id,
    company_id: Option<Id>,
    company_zone: Tz,
    cursor: Option<Id>,
}

impl DueMilestone {
    /// Locks a milestone that is to be expanded; none if it is not, or another daemon is at it, or a review of its members, or
    /// the company's row is being changed.
    async fn lock(tx: &mut Tx, milestone: Id, now: Timestamp) -> Result<Option<Self>, StoreError> {
        let sql = format!(
            "SELECT s.id, s.kind, s.days_before, s.due_at, s.cursor, s.enforcement_id, e.company_id, e.enforcement_date,
                 e.enforce_at, e.planned_time_zone,
                 {ANNOUNCED_AT} AS announced_at
             FROM milestones AS s JOIN enforcements AS e ON e.id = s.enforcement_id JOIN companies AS c ON c.id = e.company_id
             WHERE s.id = $2 AND {} AND {}{}{}{}",
            expandable(),
            tx.dialect().unless_awaited("companies", "c"),
            tx.dialect().for_share_skip_locked("c"),
            // A review of the members holds it, and each has to see what the other did.
            tx.dialect().for_update_skip_locked("e"),
            tx.dialect().for_update_skip_locked("s")
        );
        tx.fetch_optional(&sql, bind![now, milestone]).await?.as_ref().map(Self::read).transpose()
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        let days: Option<i64> = row.get("days_before")?;
        Ok(Self {
            id: row.get("id")?,
            milestone: PlannedMilestone {
                kind: row.name::<NoticeKind>("kind")?,
                days_before: days.and_then(|days| u16::try_from(days).ok()),
                due_at: row.get("due_at")?,
            },
            enforcement: Enforcement {
                date: row.get("enforcement_date")?,
                enforce_at: row.get("enforce_at")?,
                announced_at: row.get("announced_at")?,
            },
            enforcement_id: row.get("enforcement_id")?,
            company_id: row.get("company_id")?,
            company_zone: time::zone(&row.get::<String>("planned_time_zone")?).unwrap_or(Tz::UTC),
            cursor: row.get("cursor")?,
        })
    }

    /// The next members after `after` who may be owed a notice: up to `limit`.
    ///
    /// They come together with whoever is alike: what travels by itself costs more than finding it, and is decided once.
    async fn members(
        &self,
        tx: &mut Tx,
        after: Option<Id>,
        policy: &Policy,
        limit: i64,
    ) -> Result<Members, StoreError> {
        let [told_date, told_at, telling, required] = self.looked_up();
        let sql = format!(
            "SELECT {} AS ids, time_zone, require_at, told_date, told_at, telling, required, required_before FROM (
                 SELECT u.id, u.time_zone, m.require_at, {told_date} AS told_date, {told_at} AS told_at, {telling} AS telling,
                     {required} AS required, {REQUIRED_BEFORE} AS required_before
                 FROM enforcements AS e JOIN memberships AS m ON m.company_id = e.company_id JOIN users AS u ON u.id = m.user_id
                 WHERE e.id = $1 AND m.user_id > $2 AND {} AND u.mfa_enrolled_at IS NULL
                 ORDER BY m.user_id LIMIT $4) AS member
             GROUP BY time_zone, require_at, told_date, told_at, telling, required, required_before",
            tx.dialect().gathered("id"),
            subject(3)
        );
        let values = bind![self.enforcement_id, after.unwrap_or(Id::FIRST), !policy.leave_out_sso, limit];
        let rows = tx.fetch_all(&sql, values).await?;
        let alike: Result<_, StoreError> =
            rows.iter().map(|row| Ok((self.member(row)?, row.get::<Ids>("ids")?.0))).collect();
        Ok(Members(alike?))
    }

    /// What these members are owed, in the order of their ids.
    fn owed(&self, store: &SqlStore, members: &Members, now: Timestamp, policy: &Policy) -> Vec<NewNotice> {
        let mut owed: Vec<(Id, NoticeKind, Timestamp)> = Vec::new();
        for (member, users) in &members.0 {
            if let Some((kind, due_at)) = expansion::owed(&self.milestone, self.enforcement, member, policy) {
                owed.extend(users.iter().map(|user| (*user, kind, due_at)));
            }
        }
        owed.sort_unstable();
        let owed = owed.into_iter();
        owed.map(|(user_id, kind, due_at)| NewNotice { id: store.randomness.id(now), kind, user_id, due_at }).collect()
    }

    /// What has to be looked up of each member, as [`expansion::owed`] asks for it: each look costs as much as the notice.
    fn looked_up(&self) -> [String; 4] {
        let (told_date, told_at, telling, required) = (told_date(), told_at(), TELLING.to_owned(), REQUIRED.to_owned());
        let (no_date, no_instant) = ("CAST(NULL AS date)".to_owned(), "CAST(NULL AS timestamptz)".to_owned());
        match self.milestone.kind {
            NoticeKind::Announcement => [told_date, told_at, telling, "false".to_owned()],
            NoticeKind::Cancelled => [told_date, no_instant, "false".to_owned(), required],
            _ => [no_date, no_instant, "false".to_owned(), "false".to_owned()],
        }
    }

    fn member(&self, row: &Row) -> Result<MemberFacts, StoreError> {
        let zone = row.text("time_zone")?;
        Ok(MemberFacts {
            zone: zone.as_deref().and_then(time::zone).unwrap_or(self.company_zone),
            require_at: row.get("require_at")?,
            told_date: row.get("told_date")?,
            told_at: row.get("told_at")?,
            telling: row.get("telling")?,
            required: row.get("required")?,
            required_before: row.get("required_before")?,
        })
    }
}

/// Members who come next, by what has to be known of them.
struct Members(Vec<(MemberFacts, Vec<Id>)>);

impl Members {
    /// How many they are.
    fn count(&self) -> usize {
        self.0.iter().map(|(_, users)| users.len()).sum()
    }

    /// The last of them.
    fn last(&self) -> Option<Id> {
        self.0.iter().flat_map(|(_, users)| users).max().copied()
    }
}

/// A notice to be stored.
#[derive(Clone, Copy, Debug)]
pub(super) struct NewNotice {
    pub id: Id,
    pub kind: NoticeKind,
    pub user_id: Id,
    pub due_at: Timestamp,
}

/// Stores a batch of notices, in the order of their users. A user who has one for this milestone keeps it (R2). Returns
/// those that were stored.
pub(super) async fn insert_notices(
    tx: &mut Tx,
    milestone: Id,
    enforcement: Id,
    notices: &[NewNotice],
) -> Result<Vec<NewNotice>, StoreError> {
    let (Some(first), Some(last)) = (notices.first(), notices.last()) else {
        return Ok(Vec::new());
    };
    // Mostly nobody has one: to ask that once costs less than to be ready for it at each row.
    let sql = "SELECT id FROM notices WHERE milestone_id = $1 AND user_id BETWEEN $2 AND $3 LIMIT 1";
    let some_have = tx.fetch_optional(sql, bind![milestone, first.user_id, last.user_id]).await?.is_some();
    let batch = Batch::new([
        ("id", Cells::Ids(notices.iter().map(|notice| notice.id).collect())),
        ("kind", Cells::texts(notices.iter().map(|notice| notice.kind.as_str()))),
        ("user_id", Cells::Ids(notices.iter().map(|notice| notice.user_id).collect())),
        ("due_at", Cells::Instants(notices.iter().map(|notice| Some(notice.due_at)).collect())),
    ]);
    let sql = format!(
        "INSERT INTO notices (id, kind, milestone_id, enforcement_id, user_id, due_at, next_attempt_at)
         SELECT batch.id, batch.kind, $1, $2, batch.user_id, batch.due_at, batch.due_at FROM {} WHERE true{}",
        batch.table(tx.dialect(), 3),
        if some_have { " ON CONFLICT DO NOTHING" } else { "" }
    );
    let stored = tx.execute(&sql, bind![milestone, enforcement, batch]).await.map_err(StoreError::of_a_race)?;
    if stored == notices.len() as u64 {
        return Ok(notices.to_vec());
    }
    let sql = format!("SELECT n.id FROM {} JOIN notices AS n ON n.id = batch.id", id_rows(tx, 1));
    let rows = tx.fetch_all(&sql, bind![id_batch(notices.iter().map(|notice| notice.id))]).await?;
    let stored: BTreeSet<Id> = rows.iter().map(|row| row.get("id")).collect::<Result<_, _>>()?;
    Ok(notices.iter().filter(|notice| stored.contains(&notice.id)).copied().collect())
}
