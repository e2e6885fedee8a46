//! What is to come for a company, read in one state of the database, its members page by page. Nothing is changed.

use std::collections::BTreeSet;

use async_trait::async_trait;
use chrono::NaiveDate;
use chrono_tz::Tz;
use serde::Serialize;

use super::companies::{self, Company, Lock};
use super::enforcements::{company_facts, refusal};
use super::forecast_facts::{self, Page, StoredCourse};
use super::holds::nothing_to_hold;
use super::predicate::DATE_STANDS;
use super::revert::{self, Reversal, nothing_to_revert};
use super::safety;
use super::sql::Tx;
use super::values::bind;
use super::{SqlStore, StoreError};
use crate::domain::forecast::{Course, Forecast, Replanned, Tally, released, replanned, reverted};
use crate::domain::ids::Id;
use crate::domain::notice::{EnforcementState, HoldReason};
use crate::domain::planning::{self, Change, CompanyFacts, EnforcementFacts};
use crate::domain::policy::Policy;
use crate::domain::safety::{Finding, Measured, Response, findings};
use crate::domain::schedule;
use crate::domain::time::{self, Timestamp};

/// How many members are read at a time.
const PAGE: i64 = 500;

/// What is to be foretold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proposal {
    /// What will come as things are.
    Nothing,
    /// What would come if the company got this date now.
    Date(NaiveDate),
    /// What would come if its date was taken away now.
    Cancel,
    /// What would come if its held enforcement was released now.
    Release,
    /// What would come if its scheduled enforcement was held now.
    Hold,
    /// What would come if what it requires was undone now.
    Revert,
}

/// An enforcement, as a forecast names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Outlined {
    /// Its date.
    pub date: NaiveDate,
    /// Where it stands, or would.
    pub state: EnforcementState,
    /// When it takes effect.
    pub enforce_at: Timestamp,
    /// The zone in which that was computed.
    pub time_zone: String,
}

/// What is to come for a company.
#[derive(Clone, Debug, Serialize)]
pub struct Outlook {
    /// The company, as its row is.
    pub company: Company,
    /// The date that its row has, or would have.
    pub date: Option<NaiveDate>,
    /// Its enforcement that is to come, as it is or would be.
    pub coming: Option<Outlined>,
    /// The one in force before it.
    pub in_force: Option<Outlined>,
    /// Why what was proposed is refused.
    #[serde(skip)]
    pub hold: Option<HoldReason>,
    /// The same in words, with the remedy.
    pub objection: Option<String>,
    /// Whether things stand already as was proposed.
    pub stands_already: bool,
    /// What, as things stand, will have the enforcement held on its day; empty: nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub held_for: Vec<Finding>,
    /// Of a revert: what would be undone, and for whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reversal: Option<Reversal>,
    /// What happens, by day.
    #[serde(flatten)]
    pub forecast: Forecast,
}

/// Foretelling.
#[async_trait]
pub trait ForecastStore {
    /// What is to come for the company with this key, seen from `now`, if what is proposed is done. A proposal that is
    /// refused is foretold all the same, as if it had been allowed.
    async fn forecast(
        &self,
        company: &str,
        proposal: Proposal,
        now: Timestamp,
        policy: &Policy,
    ) -> Result<Outlook, StoreError>;
}

#[async_trait]
impl ForecastStore for SqlStore {
    async fn forecast(
        &self,
        company: &str,
        proposal: Proposal,
        now: Timestamp,
        policy: &Policy,
    ) -> Result<Outlook, StoreError> {
        let mut tx = self.database.begin_read().await?;
        let company = companies::find(&mut tx, company, Lock::No).await?;
        let stored = courses_of(&mut tx, company.id, now, policy).await?;
        let in_line = is_reconciled(&mut tx, company.id).await?;
        let reversal = match proposal {
            Proposal::Revert => Some(revert::reversal(&mut tx, company.id).await?),
            _ => None,
        };
        let mut replan = Replan::of(&company, stored, in_line, proposal, reversal.as_ref(), now, policy);
        replan.after.held_on_their_day = held_elsewhere(&mut tx, company.id, now, policy).await?;
        let mut tally = add_up(&mut tx, &replan, now, policy).await?;
        let (unsafe_id, held_for) = held_for(&mut tx, &replan, tally.told(), now, policy).await?;
        if unsafe_id.is_some() {
            replan.after.held_on_their_day.extend(unsafe_id);
            tally = add_up(&mut tx, &replan, now, policy).await?;
        }
        let coming =
            |one: &&Course| one.stands && matches!(one.state, EnforcementState::Scheduled | EnforcementState::Held);
        let in_force = |one: &&Course| one.state == EnforcementState::InForce || one.flipping;
        // What ends for newcomers alone goes on for whom it requires.
        let requiring = if proposal == Proposal::Cancel { &replan.before } else { &replan.after.courses };
        let releasing = proposal == Proposal::Release;
        let words = |hold| replan.date.map(|date| refusal(&company, date, hold, releasing, now, policy));
        Ok(Outlook {
            date: replan.date,
            coming: replan.after.courses.iter().find(coming).map(outlined),
            in_force: requiring.iter().find(in_force).map(outlined),
            hold: replan.hold,
            objection: replan.objection.or_else(|| replan.hold.and_then(words)),
            stands_already: replan.stands_already,
            held_for,
            reversal,
            forecast: tally.finish(),
            company,
        })
    }
}

async fn courses_of(
    tx: &mut Tx,
    company: Id,
    now: Timestamp,
    policy: &Policy,
) -> Result<Vec<StoredCourse>, StoreError> {
    let mut stored = forecast_facts::courses(tx, &[company], now, policy).await?;
    stored.retain(|one| one.course.company_id == Some(company)); // not the payee mandate
    Ok(stored)
}

/// The enforcements that will be held on their day at other companies of the members, who then have no mail from there that
/// a reminder from here would yield to. What holds others in turn is not looked at for that.
async fn held_elsewhere(tx: &mut Tx, company: Id, now: Timestamp, policy: &Policy) -> Result<BTreeSet<Id>, StoreError> {
    let mut held = BTreeSet::new();
    if !policy.safety.may_hold() {
        return Ok(held);
    }
    let sql = format!(
        "SELECT DISTINCT c.id FROM memberships AS ours JOIN memberships AS theirs ON theirs.user_id = ours.user_id
         JOIN companies AS c ON c.id = theirs.company_id
         JOIN enforcements AS e ON e.company_id = c.id AND e.state = 'scheduled' AND {DATE_STANDS}
         WHERE ours.company_id = $1 AND c.id <> $1 ORDER BY c.id"
    );
    for row in tx.fetch_all(&sql, bind![company]).await? {
        let other = companies::find(tx, &row.get::<Id>("id")?.to_string(), Lock::No).await?;
        let stored = courses_of(tx, other.id, now, policy).await?;
        let replan = Replan::of(&other, stored, true, Proposal::Nothing, None, now, policy);
        let counts_told = policy.safety.not_told == Response::Hold;
        let told = if counts_told { add_up(tx, &replan, now, policy).await?.told() } else { 0 };
        held.extend(held_for(tx, &replan, told, now, policy).await?.0);
    }
    Ok(held)
}

/// Walks all of the company's people ahead, page by page.
async fn add_up(tx: &mut Tx, replan: &Replan, now: Timestamp, policy: &Policy) -> Result<Tally, StoreError> {
    let mut tally = Tally::new(replan.company_id);
    let mut after = None;
    loop {
        let page = Page::read(tx, replan, after, PAGE, now, policy).await?;
        let Some(last) = page.last() else { return Ok(tally) };
        after = Some(last);
        page.people.into_iter().for_each(|person| tally.add(person, &page.courses, &replan.after, now, policy));
    }
}

/// The enforcement that will be held on its day, and for what, if nobody enrolls and `told` people will have been told it.
async fn held_for(
    tx: &mut Tx,
    replan: &Replan,
    told: u64,
    now: Timestamp,
    policy: &Policy,
) -> Result<(Option<Id>, Vec<Finding>), StoreError> {
    let is_coming = |one: &&Course| one.stands && one.state == EnforcementState::Scheduled;
    let coming = replan.after.courses.iter().find(is_coming).filter(|_| policy.safety.may_hold());
    let Some(coming) = coming.filter(|one| replan.flipping != Some(one.id)) else {
        return Ok((None, Vec::new()));
    };
    let sql = "SELECT risk_accepted FROM enforcements WHERE id = $1";
    let row = tx.fetch_optional(sql, bind![coming.id]).await?;
    if replan.accepts_risk || row.map_or(Ok(false), |row| row.get("risk_accepted"))? {
        return Ok((None, Vec::new()));
    }
    let measured = safety::measured(tx, replan.company_id, coming.date, coming.enforce_at.max(now), policy).await?;
    let mut findings = findings(&Measured { told, ..measured }, &policy.safety);
    findings.retain(|one| one.response == Response::Hold);
    Ok(((!findings.is_empty()).then_some(coming.id), findings))
}

async fn is_reconciled(tx: &mut Tx, company: Id) -> Result<bool, StoreError> {
    let sql = "SELECT revision = reconciled_revision AS reconciled FROM companies WHERE id = $1";
    let row = tx.fetch_optional(sql, bind![company]).await?;
    row.map_or(Ok(true), |row| row.get("reconciled"))
}

fn outlined(course: &Course) -> Outlined {
    Outlined {
        date: course.date,
        state: course.state,
        enforce_at: course.enforce_at,
        time_zone: course.zone.name().to_owned(),
    }
}

/// A company's enforcements before and after what is proposed.
pub(super) struct Replan {
    pub company_id: Id,
    /// The date in the company's row, as it will be.
    pub date: Option<NaiveDate>,
    pub before: Vec<Course>,
    pub after: Replanned,
    /// The company whose requirements are undone, if they are.
    pub reverted: Option<Id>,
    /// The enforcement whose flip is under way.
    flipping: Option<Id>,
    /// What was held for safety is released: it is not held for that again.
    accepts_risk: bool,
    hold: Option<HoldReason>,
    objection: Option<String>,
    stands_already: bool,
}

impl Replan {
    fn of(
        company: &Company,
        stored: Vec<StoredCourse>,
        in_line: bool,
        proposal: Proposal,
        reversal: Option<&Reversal>,
        now: Timestamp,
        policy: &Policy,
    ) -> Self {
        let of_state = |wanted: &[EnforcementState]| stored.iter().find(|one| wanted.contains(&one.facts.state));
        let open = of_state(&[EnforcementState::Scheduled, EnforcementState::Held]).map(|one| one.facts.clone());
        let in_force = of_state(&[EnforcementState::InForce]).map(|one| one.facts.clone());
        let before: Vec<Course> = stored.into_iter().map(|one| one.course).collect();
        let mut row = company_facts(company);
        let mut plan = Self {
            company_id: company.id,
            date: row.enforcement_date,
            after: Replanned { courses: before.clone(), review_first: true, ..Replanned::default() },
            before,
            reverted: None,
            flipping: in_force.as_ref().filter(|one| !one.flipped).map(|one| one.id),
            accepts_risk: false,
            hold: None,
            objection: None,
            stands_already: false,
        };
        let grace = policy.grace_days(company.new_member_grace_days);
        let mut reconcile = |row: &CompanyFacts, allowed: bool| {
            let mut changes = planning::reconcile(row, open.as_ref(), in_force.as_ref(), now, allowed, policy);
            if allowed {
                for change in &mut changes {
                    allow(change, row, now, policy);
                }
            }
            plan.after = replanned(&plan.before, row, changes, grace, now, policy);
        };
        match proposal {
            Proposal::Nothing if in_line => {}
            Proposal::Nothing => reconcile(&row, false),
            Proposal::Cancel => {
                row.enforcement_date = None;
                reconcile(&row, true);
                plan.stands_already = company.enforcement_date.is_none() && open.is_none() && in_force.is_none();
            }
            Proposal::Date(date) => {
                let known = [&open, &in_force].into_iter().flatten().any(|one| one.enforcement_date == date);
                let hold = planning::judge(&row, date, now, false, policy);
                row.enforcement_date = Some(date);
                row.mfa_available = true;
                reconcile(&row, true);
                plan.hold = hold.filter(|_| !known);
                plan.stands_already = known && company.enforcement_date == Some(date);
            }
            Proposal::Hold => {
                if !in_line {
                    reconcile(&row, false);
                }
                plan.after.review_first &= !in_line;
                plan.hold(company, in_force.as_ref());
            }
            Proposal::Revert => {
                if !in_line {
                    reconcile(&row, false);
                }
                if in_force.as_ref().is_some_and(|one| row.enforcement_date == Some(one.enforcement_date)) {
                    row.enforcement_date = None;
                }
                plan.after.review_first &= !in_line;
                plan.revert(company, in_force.as_ref(), reversal, now, policy);
            }
            Proposal::Release => {
                plan.hold =
                    open.as_ref().and_then(|open| planning::judge(&row, open.enforcement_date, now, false, policy));
                plan.stands_already = open.as_ref().is_none_or(|open| open.state != EnforcementState::Held);
                let reason = open.as_ref().and_then(EnforcementFacts::hold_reason);
                plan.accepts_risk = reason.is_some_and(HoldReason::is_safety);
                release(&mut plan.after.courses, &row, open.as_ref(), now, policy);
            }
        }
        plan.date = row.enforcement_date;
        plan
    }

    fn hold(&mut self, company: &Company, in_force: Option<&EnforcementFacts>) {
        let is_open = |one: &&mut Course| {
            let has_come = in_force.is_some_and(|in_force| in_force.id == one.id); // its flip may be under way
            !has_come && matches!(one.state, EnforcementState::Scheduled | EnforcementState::Held)
        };
        match self.after.courses.iter_mut().find(is_open) {
            Some(course) => {
                self.stands_already = course.state == EnforcementState::Held;
                course.state = EnforcementState::Held;
            }
            None => self.objection = Some(nothing_to_hold(company, in_force.map(|one| one.enforcement_date))),
        }
    }

    fn revert(
        &mut self,
        company: &Company,
        in_force: Option<&EnforcementFacts>,
        found: Option<&Reversal>,
        now: Timestamp,
        policy: &Policy,
    ) {
        let Some(found) = found else { return };
        let (Some(id), Some(date)) = (found.enforcement_id, found.date) else {
            let is_open = |one: &&Course| matches!(one.state, EnforcementState::Scheduled | EnforcementState::Held);
            let open = self.after.courses.iter().find(is_open);
            self.objection = nothing_to_revert(company, open.map(|one| (one.date, one.state)), found);
            self.stands_already = self.objection.is_none();
            return;
        };
        self.reverted = Some(company.id);
        let zone = time::zone(&company.time_zone).unwrap_or(Tz::UTC);
        let undone = Course {
            id,
            company_id: Some(company.id),
            state: EnforcementState::Cancelled,
            date,
            enforce_at: in_force.map_or_else(|| schedule::enforce_at(date, zone), |one| one.enforce_at),
            zone,
            stands: false,
            flipping: false,
            grace_days: 0,
            milestones: Vec::new(),
        };
        reverted(&mut self.after, undone, now, policy);
    }

    /// The instant that a personal date has where it is only the day of an enforcement that is closed or moved.
    pub fn forgotten(&self, course: &Course) -> Option<Timestamp> {
        match self.before.iter().find(|one| one.id == course.id) {
            Some(before) => (before.enforce_at != course.enforce_at).then_some(before.enforce_at),
            None => self
                .before
                .iter()
                .find(|one| matches!(one.state, EnforcementState::Scheduled | EnforcementState::Held))
                .map(|one| one.enforce_at),
        }
    }
}

/// A plan that would be held becomes what it would be without the reason for that.
fn allow(change: &mut Change, row: &CompanyFacts, now: Timestamp, policy: &Policy) {
    if let (Change::Plan(plan), Some(date)) = (change, row.enforcement_date)
        && plan.hold.take().is_some()
    {
        plan.milestones = planning::milestones(row, date, plan.zone, now, policy);
    }
}

/// The held enforcement becomes what it would be once it is released.
fn release(
    courses: &mut [Course],
    row: &CompanyFacts,
    open: Option<&EnforcementFacts>,
    now: Timestamp,
    policy: &Policy,
) {
    let held = courses.iter_mut().find(|course| course.state == EnforcementState::Held);
    let (Some(course), Some(open)) = (held, open) else { return };
    let zone = time::zone(&row.time_zone).unwrap_or(course.zone);
    let milestones = planning::milestones(row, open.enforcement_date, zone, now, policy);
    released(course, planning::refresh(row, open, zone, now, policy), &milestones, now, policy);
}
