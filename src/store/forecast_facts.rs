//! What a forecast has to know: enforcements with their milestones, and a page of members with all that binds them.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use chrono::{NaiveDate, TimeDelta};
use chrono_tz::Tz;
use serde_json::{Value as Json, json};

use super::StoreError;
use super::claim_facts::mailed;
use super::dialect::ColumnType;
use super::earlier_mails::earlier_mail;
use super::forecast::Replan;
use super::predicate::{
    ANNOUNCED_AT, DATE_STANDS, REQUIRED, REQUIRED_BEFORE, skipped_for_now, told_at, told_date, would_be_required,
};
use super::requirements::{id_batch, id_rows};
use super::sql::{Row, Tx};
use super::values::{Ids, bind};
use crate::domain::delivery::UserFacts;
use crate::domain::forecast::{Course, Membership, Milestone, Notice, Person, Tie};
use crate::domain::ids::{Id, PAYEE_MANDATE};
use crate::domain::notice::{EnforcementState, NoticeState};
use crate::domain::planning::EnforcementFacts;
use crate::domain::policy::Policy;
use crate::domain::review::UNDONE_NEWS;
use crate::domain::schedule::PlannedMilestone;
use crate::domain::time::{self, Timestamp};
use crate::domain::values::EmailAddress;

/// An enforcement, for planning and for the way ahead.
pub(super) struct StoredCourse {
    pub facts: EnforcementFacts,
    pub course: Course,
}

/// The enforcements of companies that have anything to come or to be told, and the payee mandate, which has no company.
pub(super) async fn courses(
    tx: &mut Tx,
    companies: &[Id],
    now: Timestamp,
    policy: &Policy,
) -> Result<Vec<StoredCourse>, StoreError> {
    let sql = format!(
        "SELECT e.id, e.company_id, e.enforcement_date, e.time_zone, e.planned_time_zone, e.enforce_at, e.state, e.reason,
             e.flipped_at, c.new_member_grace_days,
             {ANNOUNCED_AT} AS announced_at, COALESCE({DATE_STANDS}, false) AS stands
         FROM enforcements AS e LEFT JOIN companies AS c ON c.id = e.company_id
         WHERE e.id = $2 OR e.company_id IN (SELECT id FROM {}) AND (e.state IN ('scheduled', 'held', 'in_force')
             OR e.state IN ('cancelled', 'reverted') AND (
                 EXISTS (SELECT 1 FROM milestones AS s WHERE s.enforcement_id = e.id
                     AND (s.state = 'pending' OR s.kind = 'cancelled' AND s.due_at > $3))
                 OR EXISTS (SELECT 1 FROM notices AS n WHERE n.enforcement_id = e.id AND n.state = 'pending')))
         ORDER BY e.created_at, e.id",
        id_rows(tx, 1)
    );
    let values = bind![id_batch(companies.iter().copied()), PAYEE_MANDATE, now.plus(-UNDONE_NEWS)];
    let rows = tx.fetch_all(&sql, values).await?;
    let mut stored = rows.iter().map(|row| stored_course(row, policy)).collect::<Result<Vec<_>, _>>()?;
    let sql = format!(
        "SELECT id, enforcement_id, kind, days_before, due_at, state, cursor FROM milestones
         WHERE enforcement_id IN (SELECT id FROM {}) ORDER BY round, due_at, id",
        id_rows(tx, 1)
    );
    for row in tx.fetch_all(&sql, bind![id_batch(stored.iter().map(|one| one.course.id))]).await? {
        let enforcement: Id = row.get("enforcement_id")?;
        if let Some(one) = stored.iter_mut().find(|one| one.course.id == enforcement) {
            one.course.milestones.push(milestone(&row)?);
        }
    }
    Ok(stored)
}

fn stored_course(row: &Row, policy: &Policy) -> Result<StoredCourse, StoreError> {
    let planned_time_zone = row.text("planned_time_zone")?.unwrap_or_default();
    let facts = EnforcementFacts {
        id: row.get("id")?,
        enforcement_date: row.get("enforcement_date")?,
        time_zone: row.text("time_zone")?.unwrap_or_default(),
        enforce_at: row.get("enforce_at")?,
        state: row.name("state")?,
        reason: row.text("reason")?,
        flipped: row.get::<Option<Timestamp>>("flipped_at")?.is_some(),
        announced_at: row.get("announced_at")?,
        planned_time_zone,
    };
    let stands = row.get("stands")?;
    // A flip that is not complete goes on at once, as one that begins now.
    let flipping = facts.state == EnforcementState::InForce && !facts.flipped;
    let course = Course {
        id: facts.id,
        company_id: row.get("company_id")?,
        state: if flipping { EnforcementState::Scheduled } else { facts.state },
        date: facts.enforcement_date,
        enforce_at: facts.enforce_at,
        zone: time::zone(&facts.planned_time_zone).unwrap_or(Tz::UTC),
        stands,
        flipping,
        grace_days: policy.grace_days(row.get("new_member_grace_days")?),
        milestones: Vec::new(),
    };
    Ok(StoredCourse { facts, course })
}

fn milestone(row: &Row) -> Result<Milestone, StoreError> {
    let days: Option<i64> = row.get("days_before")?;
    Ok(Milestone {
        id: row.get("id")?,
        planned: PlannedMilestone {
            kind: row.name("kind")?,
            days_before: days.and_then(|days| u16::try_from(days).ok()),
            due_at: row.get("due_at")?,
        },
        state: row.name("state")?,
        cursor: row.get("cursor")?,
    })
}

/// Some of a company's members, and the courses of all companies that they work for.
pub(super) struct Page {
    pub people: Vec<Person>,
    pub courses: Vec<Course>,
}

impl Page {
    /// Up to `limit` members after the one with the id `after`, in the order of ids.
    pub async fn read(
        tx: &mut Tx,
        replan: &Replan,
        after: Option<Id>,
        limit: i64,
        now: Timestamp,
        policy: &Policy,
    ) -> Result<Self, StoreError> {
        let sql = "SELECT user_id FROM memberships WHERE company_id = $1 AND ($2 IS NULL OR user_id > $2)
            ORDER BY user_id LIMIT $3";
        let rows = tx.fetch_all(sql, bind![replan.company_id, after, limit]).await?;
        let ids: Vec<Id> = rows.iter().map(|row| row.get("user_id")).collect::<Result<_, _>>()?;
        if ids.is_empty() {
            return Ok(Self { people: vec![], courses: vec![] });
        }
        let users = id_batch(ids);
        let sql =
            format!("SELECT DISTINCT company_id FROM memberships WHERE user_id IN (SELECT id FROM {})", id_rows(tx, 1));
        let rows = tx.fetch_all(&sql, bind![users.clone()]).await?;
        let companies: Vec<Id> = rows.iter().map(|row| row.get("company_id")).collect::<Result<_, _>>()?;
        let courses: Vec<Course> =
            courses(tx, &companies, now, policy).await?.into_iter().map(|stored| stored.course).collect();
        let mut people = people(tx, replan, &courses, &users, now, policy).await?;
        add_notices(tx, &mut people, &courses, &users, now).await?;
        add_mails(tx, &mut people, &users, now).await?;
        Ok(Self { people: people.into_values().collect(), courses })
    }

    /// The last of them.
    pub fn last(&self) -> Option<Id> {
        self.people.last().map(|person| person.id)
    }
}

/// The courses as the table `e`: as they will be, each with the instant at which it is asked whom it requires.
fn course_batch(replan: &Replan, courses: &[Course], now: Timestamp) -> Json {
    let replanned: BTreeSet<Id> = replan.after.courses.iter().map(|course| course.id).collect();
    let others = courses.iter().filter(|course| !replanned.contains(&course.id));
    let row = |course: &Course, forgotten: Option<Timestamp>| {
        json!({
            "id": course.id, "company_id": course.company_id, "enforce_at": course.enforce_at,
            "at": course.enforce_at.max(now), "forgotten": forgotten,
        })
    };
    let ours = replan.after.courses.iter().map(|course| row(course, replan.forgotten(course)));
    ours.chain(others.map(|course| row(course, None))).collect()
}

async fn people(
    tx: &mut Tx,
    replan: &Replan,
    courses: &[Course],
    users: &Ids,
    now: Timestamp,
    policy: &Policy,
) -> Result<BTreeMap<Id, Person>, StoreError> {
    let columns = [
        ("id", ColumnType::Id),
        ("company_id", ColumnType::Id),
        ("enforce_at", ColumnType::Instant),
        ("at", ColumnType::Instant),
        ("forgotten", ColumnType::Instant),
    ];
    let sql = format!(
        "SELECT u.id, u.kind, u.active, u.sso, u.payee, u.email, u.email_status, u.time_zone, u.reviewed AS user_reviewed,
             (u.mfa_enrolled_at IS NOT NULL) AS enrolled, EXISTS (SELECT 1 FROM requirements AS r JOIN enforcements AS source ON source.id = r.enforcement_id
                 WHERE r.user_id = u.id AND r.cleared_at IS NULL
                 AND ($5 IS NULL OR source.company_id IS NULL OR source.company_id <> $5)) AS required_already,
             (SELECT home.time_zone FROM memberships AS any_m JOIN companies AS home ON home.id = any_m.company_id
                 WHERE any_m.user_id = u.id ORDER BY home.id LIMIT 1) AS home_zone,
             EXISTS (SELECT 1 FROM requirements AS r WHERE r.user_id = u.id AND r.enforcement_id = $4 AND r.cleared_at IS NULL)
                 AS mandated,
             m.company_id, m.exempt_until, m.exemption_told, m.require_at, m.reviewed, m.reviewed_as, c.enforcement_date AS company_date,
             e.id AS enforcement_id, {} AS told_date, {} AS told_at, {REQUIRED} AS required, {REQUIRED_BEFORE} AS required_before,
             COALESCE({}, false) AS on_the_day
         FROM users AS u JOIN memberships AS m ON m.user_id = u.id JOIN companies AS c ON c.id = m.company_id
         LEFT JOIN {} ON e.company_id = m.company_id
         WHERE u.id IN (SELECT id FROM {}) ORDER BY u.id, m.company_id, e.id",
        told_date(),
        told_at(),
        would_be_required("e.at", "$3", "NULLIF(m.require_at, e.forgotten)"),
        tx.dialect().rows(2, "e", &columns),
        id_rows(tx, 1),
    );
    let batch = course_batch(replan, courses, now);
    let values = bind![users.clone(), batch, !policy.leave_out_sso, PAYEE_MANDATE, replan.reverted];
    let mut people = BTreeMap::new();
    for row in tx.fetch_all(&sql, values).await? {
        let id: Id = row.get("id")?;
        let person = match people.entry(id) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(person(&row)?),
        };
        add_membership(person, &row, replan)?;
    }
    Ok(people)
}

fn person(row: &Row) -> Result<Person, StoreError> {
    let zone = |column| -> Result<Option<Tz>, StoreError> { Ok(row.text(column)?.as_deref().and_then(time::zone)) };
    let mandate = Tie {
        enforcement_id: PAYEE_MANDATE,
        required: row.get("mandated")?,
        required_before: false,
        on_the_day: false,
    };
    Ok(Person {
        id: row.get("id")?,
        facts: UserFacts {
            person: row.get::<String>("kind")? == "person",
            active: row.get("active")?,
            sso: row.get("sso")?,
            payee: row.get("payee")?,
            enrolled: row.get("enrolled")?,
            bounced: row.get::<String>("email_status")? == "bounced",
        },
        addressable: row.text("email")?.unwrap_or_default().trim().parse::<EmailAddress>().is_ok(),
        reviewed: row.get("user_reviewed")?,
        required: row.get("required_already")?,
        zone: zone("time_zone")?,
        home_zone: zone("home_zone")?.unwrap_or(Tz::UTC),
        memberships: vec![],
        ties: vec![mandate],
        notices: vec![],
        mails: vec![],
    })
}

fn add_membership(person: &mut Person, row: &Row, replan: &Replan) -> Result<(), StoreError> {
    let company_id: Id = row.get("company_id")?;
    if person.memberships.last().is_none_or(|last| last.company_id != company_id) {
        let company_date = if company_id == replan.company_id { replan.date } else { row.get("company_date")? };
        person.memberships.push(Membership {
            company_id,
            company_date,
            exempt_until: row.get("exempt_until")?,
            exemption_told: row.get("exemption_told")?,
            require_at: row.get("require_at")?,
            reviewed: row.get("reviewed")?,
            was_subject: row.get::<Option<String>>("reviewed_as")?.map(|found| found == "subject"),
            told_date: row.get("told_date")?,
            told_at: row.get("told_at")?,
        });
    }
    if let Some(enforcement_id) = row.get("enforcement_id")? {
        person.ties.push(Tie {
            enforcement_id,
            required: row.get("required")?,
            required_before: row.get("required_before")?,
            on_the_day: row.get("on_the_day")?,
        });
    }
    Ok(())
}

async fn add_notices(
    tx: &mut Tx,
    people: &mut BTreeMap<Id, Person>,
    courses: &[Course],
    users: &Ids,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = format!(
        "SELECT n.id, n.user_id, n.kind, n.milestone_id, n.enforcement_id, n.due_at, n.next_attempt_at, n.mail_id,
             CASE WHEN n.state = 'sending' AND n.claimed_until < $3 THEN 'pending' ELSE n.state END AS state,
             l.maybe_received, l.state AS mail_state, ({}) AS skipped_for_now,
             (n.state = 'skipped' AND n.skip_reason = 'date_stands' AND n.mail_id IS NULL) AS date_stood
         FROM notices AS n LEFT JOIN mails AS l ON l.id = n.mail_id
         WHERE n.user_id IN (SELECT id FROM {}) AND n.enforcement_id IN (SELECT id FROM {})",
        skipped_for_now(),
        id_rows(tx, 1),
        id_rows(tx, 2)
    );
    let enforcements = id_batch(courses.iter().map(|course| course.id));
    for row in tx.fetch_all(&sql, bind![users.clone(), enforcements, now]).await? {
        let mail = match row.get::<Option<Id>>("mail_id")? {
            Some(id) => Some(earlier_mail(id, &row)?),
            None => None,
        };
        let state: NoticeState = row.name("state")?;
        if let Some(person) = people.get_mut(&row.get("user_id")?) {
            person.notices.push(Notice {
                id: row.get("id")?,
                kind: row.name("kind")?,
                milestone_id: row.get("milestone_id")?,
                enforcement_id: row.get("enforcement_id")?,
                state,
                due_at: row.get("due_at")?,
                next_attempt_at: row.get("next_attempt_at")?,
                mail,
                skipped_for_now: row.get::<Option<bool>>("skipped_for_now")?.unwrap_or(false),
                date_stood: row.get::<Option<bool>>("date_stood")?.unwrap_or(false),
            });
        }
    }
    Ok(())
}

async fn add_mails(
    tx: &mut Tx,
    people: &mut BTreeMap<Id, Person>,
    users: &Ids,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = format!(
        "SELECT user_id, sent_day, attempted_at, id FROM mails WHERE user_id IN (SELECT id FROM {}) AND maybe_received AND sent_day >= $2",
        id_rows(tx, 1)
    );
    let since: NaiveDate = now.plus(-TimeDelta::days(2)).utc().date_naive();
    for row in tx.fetch_all(&sql, bind![users.clone(), since]).await? {
        if let Some(person) = people.get_mut(&row.get("user_id")?) {
            person.mails.push(mailed(&row)?);
        }
    }
    Ok(())
}
