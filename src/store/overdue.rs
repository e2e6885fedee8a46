//! Which due notices a claim looks at: the longest overdue that may be claimed.

use std::collections::BTreeSet;

use super::StoreError;
use super::predicate::{DATE_STANDS, is_shelved};
use super::requirements::{id_batch, id_rows};
use super::sql::Tx;
use super::values::bind;
use crate::domain::ids::Id;
use crate::domain::time::Timestamp;

/// Nothing of the notice's enforcement may be claimed while it is held, its date does not stand for those whom it does not
/// require yet (R5), or a due milestone of it is unexpanded (R7).
pub(super) fn claimable() -> String {
    format!(
        "e.state <> 'held'
         AND (e.state <> 'scheduled' OR {DATE_STANDS}) AND NOT {} AND NOT {IS_UNEXPANDED}",
        is_shelved()
    )
}

/// Whether a milestone of enforcement `e` is due and not expanded.
const IS_UNEXPANDED: &str = "EXISTS (SELECT 1 FROM milestones AS s
    WHERE s.enforcement_id = e.id AND s.state = 'pending' AND s.due_at <= $1)";

/// Whom the longest overdue notices are for, and whose they are.
#[derive(Default)]
pub(super) struct Found {
    pub users: BTreeSet<Id>,
    /// Those of them who are not gone.
    pub locked_users: BTreeSet<Id>,
    /// The company that enforces, of each of the notices; none: the vendor does.
    pub companies: Vec<Option<Id>>,
    notices: i64,
}

/// Of how many enforcements a claim takes notices at most where it goes from one to the next.
const ENFORCEMENTS_MOST: usize = 20;

/// Which notices `n` are looked for.
#[derive(Clone, Copy)]
struct Sought<'a> {
    now: Timestamp,
    /// How many at most.
    limit: i64,
    /// What makes them due: a condition of SQL, in which `$1` is now.
    due: &'a str,
    /// The companies whose are left out.
    passed_over: &'a BTreeSet<Id>,
    /// Whose they are; none: anyone's.
    enforcement: Option<Id>,
}

/// Finds `limit` of the longest overdue notices, but for those of the companies that were passed over, and locks their users.
pub(super) async fn find(
    tx: &mut Tx,
    now: Timestamp,
    limit: i64,
    passed_over: &BTreeSet<Id>,
) -> Result<Found, StoreError> {
    let mut found = Found::default();
    let due = "n.state = 'pending' AND n.next_attempt_at <= $1";
    let pending = Sought { now, limit, due, passed_over, enforcement: None };
    if is_any_held(tx, now).await? {
        let mut enforcements = 0;
        for enforcement in free_enforcements(tx, now, passed_over).await? {
            let before = found.notices;
            let left = limit - before;
            found.add(tx, Sought { limit: left, enforcement: Some(enforcement), ..pending }).await?;
            enforcements += usize::from(found.notices > before);
            if found.notices >= limit || enforcements == ENFORCEMENTS_MOST {
                break;
            }
        }
    } else {
        found.add(tx, pending).await?;
    }
    found.add(tx, Sought { due: "n.state = 'sending' AND n.claimed_until < $1", ..pending }).await?;
    Ok(found)
}

impl Found {
    /// Adds whom these are for.
    async fn add(&mut self, tx: &mut Tx, sought: Sought<'_>) -> Result<(), StoreError> {
        let Sought { limit, due, .. } = sought;
        // Who is passed over is not counted: the next are taken instead, so that many daemons share a campaign.
        let lock = tx.dialect().for_update_skip_locked("u");
        let with_user = format!("JOIN users AS u ON u.id = n.user_id WHERE {due}");
        let mut overdue = longest_overdue(tx, sought, &with_user, &lock).await?;
        self.locked_users.extend(overdue.iter().map(|(user, _)| *user));
        if i64::try_from(overdue.len()) != Ok(limit) {
            // What is due to users who are gone has to be put aside.
            let gone = format!("WHERE {due} AND NOT EXISTS (SELECT 1 FROM users AS u WHERE u.id = n.user_id)");
            overdue.extend(longest_overdue(tx, sought, &gone, "").await?);
        }
        self.notices += i64::try_from(overdue.len()).unwrap_or(i64::MAX);
        self.users.extend(overdue.iter().map(|(user, _)| *user));
        self.companies.extend(overdue.into_iter().map(|(_, company)| company));
        Ok(())
    }
}

/// Whether notices of held enforcements are due. All of these would be gone through each time, as they are the longest
/// overdue before long; so the others are come to from their enforcements.
async fn is_any_held(tx: &mut Tx, now: Timestamp) -> Result<bool, StoreError> {
    let sql = "SELECT e.id FROM enforcements AS e WHERE e.state = 'held' AND EXISTS (SELECT 1 FROM notices AS n
        WHERE n.enforcement_id = e.id AND n.state = 'pending' AND n.next_attempt_at <= $1) LIMIT 1";
    Ok(tx.fetch_optional(sql, bind![now]).await?.is_some())
}

/// The enforcements of due notices that are not held, that of the longest overdue first. They are come to from one to the next by the index of
/// what is open, however many notices each has.
async fn free_enforcements(tx: &mut Tx, now: Timestamp, passed_over: &BTreeSet<Id>) -> Result<Vec<Id>, StoreError> {
    let sql = format!(
        "WITH RECURSIVE open(id) AS (
             SELECT (SELECT n.enforcement_id FROM notices AS n WHERE n.state = 'pending' ORDER BY n.enforcement_id LIMIT 1)
             UNION ALL SELECT (SELECT n.enforcement_id FROM notices AS n WHERE n.state = 'pending' AND n.enforcement_id > open.id
                 ORDER BY n.enforcement_id LIMIT 1) FROM open WHERE open.id IS NOT NULL)
         SELECT e.id, e.company_id, (SELECT n.next_attempt_at FROM notices AS n WHERE n.enforcement_id = e.id AND n.state = 'pending'
                 AND n.next_attempt_at <= $1 ORDER BY n.next_attempt_at LIMIT 1) AS earliest
         FROM open JOIN enforcements AS e ON e.id = open.id WHERE e.state <> 'held' AND NOT {IS_UNEXPANDED}"
    );
    let mut free: Vec<(Timestamp, Id)> = Vec::new();
    for row in tx.fetch_all(&sql, bind![now]).await? {
        let company: Option<Id> = row.get("company_id")?;
        let is_passed_over = company.is_some_and(|company| passed_over.contains(&company));
        if let (Some(earliest), false) = (row.get("earliest")?, is_passed_over) {
            free.push((earliest, row.get("id")?));
        }
    }
    free.sort_unstable();
    Ok(free.into_iter().map(|(_, id)| id).collect())
}

/// The users of the longest overdue of those that are sought, and the companies that enforce. `which` of them says a `WHERE`,
/// with what that needs to be joined.
async fn longest_overdue(
    tx: &mut Tx,
    sought: Sought<'_>,
    which: &str,
    lock: &str,
) -> Result<Vec<(Id, Option<Id>)>, StoreError> {
    let Sought { now, limit, passed_over, enforcement, .. } = sought;
    let mut order = "n.next_attempt_at, n.user_id";
    let (besides, what) = if let Some(enforcement) = enforcement {
        // Not as equal, and in an order that only the index of what is open has: by that of what is due, which may seem as
        // good, all that is held would be gone through.
        order = "n.enforcement_id, n.next_attempt_at, n.user_id";
        let of_it = "AND n.enforcement_id >= $3 AND (n.enforcement_id, n.next_attempt_at) <= ($3, $1)";
        (of_it.to_owned(), bind![enforcement])
    } else if passed_over.is_empty() {
        (String::new(), vec![])
    } else {
        let besides = format!("AND (e.company_id IS NULL OR e.company_id NOT IN (SELECT id FROM {}))", id_rows(tx, 3));
        (besides, bind![id_batch(passed_over.iter().copied())])
    };
    let values = bind![now, limit].into_iter().chain(what).collect();
    let sql = format!(
        "SELECT n.user_id, e.company_id FROM notices AS n JOIN enforcements AS e ON e.id = n.enforcement_id
         LEFT JOIN companies AS c ON c.id = e.company_id {which} AND {} {besides}
         ORDER BY {order} LIMIT $2{lock}",
        claimable()
    );
    let rows = tx.fetch_all(&sql, values).await?;
    rows.iter().map(|row| Ok((row.get("user_id")?, row.get("company_id")?))).collect()
}
