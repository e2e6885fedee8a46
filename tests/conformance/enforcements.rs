//! What people do with dates: each order whole or not at all, and nothing left for the daemon.

use mfa_enforcer::domain::ids::Id;
use mfa_enforcer::domain::notice::EnforcementState;
use mfa_enforcer::domain::time::Timestamp;
use mfa_enforcer::store::StoreError;
use mfa_enforcer::store::enforcements::Ordered;
use mfa_enforcer::store::reconcile::Authority;
use mfa_enforcer::tasks::dates::Order;

use crate::support::vendor::{add_company, add_member, add_user, company_id, user_id};
use crate::support::{Rehearsal, TestDatabase, on_both};

on_both!(
    an_order_leaves_nothing_for_the_daemon,
    who_is_there_already_is_no_late_joiner,
    a_first_date_waits_for_unreviewed_members,
    what_is_refused_changes_nothing,
    an_override_is_kept_only_where_it_was_needed,
    a_date_in_force_ends_for_newcomers_alone,
    a_flip_under_way_is_completed_before_it_is_cancelled,
    what_was_held_goes_on_where_it_stood,
    whom_a_date_requires_already_is_not_told_another,
    the_history_counts_what_became_of_notices,
);

const ZOE: Authority<'static> = Authority { actor: "Zoë", override_notice: false, reason: None };
const OVERRIDE: Authority<'static> = Authority { actor: "Zoë", override_notice: true, reason: Some("a test") };

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A company of three people, of whom no daemon has seen anything, at noon in Berlin.
async fn company(db: &TestDatabase) -> (Rehearsal, Id) {
    let id = add_company(db, 1).await;
    for number in 1..=3 {
        let user = add_user(db, number).await;
        add_member(db, id, user).await;
    }
    (Rehearsal::new(db, at("2026-11-23T11:00:00Z")).await, id)
}

/// Carries an order out at the daemon's instant.
struct Person<'a>(&'a Rehearsal, &'a Authority<'a>);

impl Person<'_> {
    async fn set(&self, date: &str) -> Result<Ordered, StoreError> {
        let company = company_id(1).to_string();
        self.order(&company).set_date(date.parse().unwrap()).await
    }

    async fn cancel(&self) -> Result<Ordered, StoreError> {
        let company = company_id(1).to_string();
        self.order(&company).cancel_date().await
    }

    async fn release(&self) -> Result<Ordered, StoreError> {
        let company = company_id(1).to_string();
        self.order(&company).release().await
    }

    fn order<'a>(&'a self, company: &'a str) -> Order<'a> {
        let services = &self.0.services;
        Order {
            store: services.store.as_ref(),
            company,
            authority: self.1,
            now: self.0.now(),
            policy: &services.policy,
            chunk: 2,
        }
    }
}

async fn states(db: &TestDatabase) -> Vec<String> {
    let sql = "SELECT enforcement_date, state, set_by FROM enforcements WHERE company_id IS NOT NULL
        ORDER BY created_at, enforcement_date, state";
    db.rows(sql).await.into_iter().map(|row| row.join(" ")).collect()
}

/// How many notices of a kind there are, in any state.
async fn notices(db: &TestDatabase, kind: &str) -> String {
    db.value(&format!("SELECT count(*) FROM notices WHERE kind = '{kind}'")).await
}

async fn actions(db: &TestDatabase) -> Vec<String> {
    let sql = "SELECT action, actor FROM audit_events WHERE actor <> 'daemon' ORDER BY seq";
    db.rows(sql).await.into_iter().map(|row| row.join(" ")).collect()
}

async fn an_order_leaves_nothing_for_the_daemon(db: &TestDatabase) {
    let (daemon, id) = company(db).await;
    let zoe = Person(&daemon, &ZOE);
    assert_eq!(zoe.set("2027-01-15").await.unwrap(), Ordered::Done);
    assert_eq!(zoe.set("2027-01-15").await.unwrap(), Ordered::StoodAlready);
    assert_eq!(daemon.services.store.unreconciled_companies(None, 10).await.unwrap(), []);
    assert_eq!(states(db).await, ["2027-01-15 scheduled Zoë"]);
    assert_eq!(zoe.set("2027-02-15").await.unwrap(), Ordered::Done);
    assert_eq!(states(db).await, ["2027-01-15 superseded Zoë", "2027-02-15 scheduled Zoë"]);
    let row = db.rows("SELECT enforcement_date, enforcement_set_by FROM companies").await;
    assert_eq!(row, [["2027-02-15", "Zoë"]]);
    assert_eq!(zoe.cancel().await.unwrap(), Ordered::Done);
    assert_eq!(zoe.cancel().await.unwrap(), Ordered::StoodAlready);
    assert_eq!(zoe.release().await.unwrap(), Ordered::StoodAlready);
    assert_eq!(daemon.services.store.unreconciled_companies(None, 10).await.unwrap(), []);
    assert_eq!(db.value(&format!("SELECT enforcement_date FROM companies WHERE id = '{id}'")).await, "null");
    assert_eq!(
        actions(db).await,
        [
            "enforcement_scheduled Zoë",
            "enforcement_superseded Zoë",
            "enforcement_scheduled Zoë",
            "enforcement_cancelled Zoë"
        ]
    );
}

async fn who_is_there_already_is_no_late_joiner(db: &TestDatabase) {
    let (daemon, id) = company(db).await;
    // Whose exemption has passed without a daemon having seen it was there as well.
    db.execute(&format!(
        "UPDATE memberships SET exempt_until = '2026-11-20T00:00:00.000000Z' WHERE company_id = '{id}' AND user_id = '{}'",
        user_id(1)
    ))
    .await;
    Person(&daemon, &ZOE).set("2027-01-15").await.unwrap();
    daemon.live_until(Some(at("2026-11-24T12:00:00Z"))).await;
    assert_eq!((notices(db, "welcome").await, notices(db, "announcement").await), ("0".to_owned(), "3".to_owned()));
    assert_eq!(db.value("SELECT count(*) FROM memberships WHERE require_at IS NOT NULL").await, "0");
}

async fn a_first_date_waits_for_unreviewed_members(db: &TestDatabase) {
    let (daemon, id) = company(db).await;
    let (store, policy, now) = (&daemon.services.store, &daemon.services.policy, daemon.now());
    let before = db.dump().await;
    let key = id.to_string();
    let date = "2027-01-15".parse().unwrap();
    assert_eq!(store.set_date(&key, date, &ZOE, now, policy, true).await.unwrap(), Ordered::Deferred);
    assert_eq!(db.dump().await, before);
    assert_eq!(store.set_date(&key, date, &ZOE, now, policy, false).await.unwrap(), Ordered::Done);
}

async fn what_is_refused_changes_nothing(db: &TestDatabase) {
    let (daemon, id) = company(db).await;
    let refused = |result: Result<Ordered, StoreError>| result.unwrap_err().to_string();
    let before = db.dump().await;
    let (zoe, overriding) = (Person(&daemon, &ZOE), Person(&daemon, &OVERRIDE));
    assert!(refused(zoe.set("2026-11-29").await).contains("2026-11-30"), "the earliest date is told");
    assert!(refused(zoe.set("2026-11-22").await).contains("in the past"));
    assert!(refused(overriding.set("2026-11-22").await).contains("in the past"));
    let silent = Authority { reason: None, ..OVERRIDE };
    assert!(refused(Person(&daemon, &silent).set("2026-11-29").await).contains("--reason"));
    assert_eq!(db.dump().await, before);
    for (column, remedy) in
        [("mfa_available = false", "account representative"), ("time_zone = 'Mars/Base'", "--time-zone")]
    {
        db.execute(&format!("UPDATE companies SET {column} WHERE id = '{id}'")).await;
        let before = db.dump().await;
        assert!(refused(overriding.set("2027-01-15").await).contains(remedy), "{column}");
        assert_eq!(db.dump().await, before, "{column}");
        db.execute(&format!("UPDATE companies SET mfa_available = true WHERE id = '{id}'")).await;
    }
}

async fn an_override_is_kept_only_where_it_was_needed(db: &TestDatabase) {
    let (daemon, _) = company(db).await;
    let zoe = Person(&daemon, &OVERRIDE);
    zoe.set("2027-01-15").await.unwrap();
    zoe.set("2026-11-25").await.unwrap();
    let sql = "SELECT enforcement_date, notice_overridden, reason FROM enforcements WHERE company_id IS NOT NULL
        ORDER BY enforcement_date";
    assert_eq!(db.rows(sql).await, [["2026-11-25", "1", "a test"], ["2027-01-15", "0", "a test"]]);
}

async fn a_date_in_force_ends_for_newcomers_alone(db: &TestDatabase) {
    let (daemon, id) = company(db).await;
    let zoe = Person(&daemon, &OVERRIDE);
    zoe.set("2026-11-23").await.unwrap();
    daemon.settle().await;
    assert_eq!(db.value("SELECT count(*) FROM users WHERE mfa_required_at IS NOT NULL").await, "3");
    assert_eq!(zoe.cancel().await.unwrap(), Ordered::Done);
    assert_eq!(states(db).await, ["2026-11-23 cancelled Zoë"]);
    let late = add_user(db, 4).await;
    add_member(db, id, late).await;
    daemon.live_until(None).await;
    assert_eq!(db.value("SELECT count(*) FROM users WHERE mfa_required_at IS NOT NULL").await, "3");
    assert_eq!(notices(db, "cancelled").await, "0", "nothing is cancelled for those who are required");
}

async fn a_flip_under_way_is_completed_before_it_is_cancelled(db: &TestDatabase) {
    let (daemon, id) = company(db).await;
    let zoe = Person(&daemon, &OVERRIDE);
    zoe.set("2026-11-23").await.unwrap();
    let enforcement: Id = db.value("SELECT id FROM enforcements WHERE company_id IS NOT NULL").await.parse().unwrap();
    let services = &daemon.services;
    assert!(services.store.flip_chunk(enforcement, daemon.now(), &services.policy, 1).await.unwrap().more);
    assert_eq!(zoe.cancel().await.unwrap(), Ordered::Done);
    assert_eq!(states(db).await, ["2026-11-23 in_force Zoë"]);
    assert_eq!(actions(db).await.last().unwrap(), "company_date_cleared Zoë");
    daemon.settle().await;
    assert_eq!(db.value("SELECT count(*) FROM users WHERE mfa_required_at IS NOT NULL").await, "3");
    assert_eq!(states(db).await, ["2026-11-23 cancelled Zoë"]);
    assert_eq!(db.value(&format!("SELECT enforcement_date FROM companies WHERE id = '{id}'")).await, "null");
}

async fn what_was_held_goes_on_where_it_stood(db: &TestDatabase) {
    let (daemon, id) = company(db).await;
    let zoe = Person(&daemon, &ZOE);
    zoe.set("2027-01-15").await.unwrap();
    daemon.live_until(Some(at("2026-12-20T12:00:00Z"))).await;
    db.execute(&format!("UPDATE companies SET mfa_available = false WHERE id = '{id}'")).await;
    daemon.live_until(Some(at("2027-01-02T12:00:00Z"))).await;
    assert_eq!(states(db).await, ["2027-01-15 held Zoë"]);
    assert!(zoe.release().await.unwrap_err().to_string().contains("account representative"));
    db.execute(&format!("UPDATE companies SET mfa_available = true WHERE id = '{id}'")).await;
    let sent = daemon.mail.received().len();
    assert_eq!(zoe.release().await.unwrap(), Ordered::Done);
    daemon.live_until(Some(at("2027-01-02T13:00:00Z"))).await;
    assert_eq!(states(db).await, ["2027-01-15 scheduled Zoë"]);
    assert_eq!(daemon.mail.received().len(), sent, "reminders whose day has passed are left out");
    daemon.live_until(None).await;
    assert_eq!(states(db).await, ["2027-01-15 in_force Zoë"]);
    assert_eq!(notices(db, "announcement").await, "3", "nobody is told twice");
}

async fn whom_a_date_requires_already_is_not_told_another(db: &TestDatabase) {
    let (daemon, id) = company(db).await;
    let zoe = Person(&daemon, &OVERRIDE);
    zoe.set("2026-11-23").await.unwrap();
    daemon.settle().await;
    zoe.set("2027-03-01").await.unwrap();
    let late = add_user(db, 4).await;
    add_member(db, id, late).await;
    daemon.settle().await;
    // Back and forth: everybody is looked at again.
    zoe.set("2026-11-23").await.unwrap();
    zoe.set("2027-03-01").await.unwrap();
    daemon.live_until(None).await;
    let told = "SELECT n.kind, count(DISTINCT n.user_id) FROM notices AS n WHERE n.state = 'sent'
        AND n.kind IN ('announcement', 'rescheduled', 'welcome') GROUP BY n.kind";
    let told: Vec<_> = db.rows(told).await.into_iter().map(|row| row.join(" ")).collect();
    assert_eq!(told, ["welcome 1"], "only the late joiner is told");
    assert_eq!(db.value("SELECT count(*) FROM users WHERE mfa_required_at IS NOT NULL").await, "4");
}

async fn the_history_counts_what_became_of_notices(db: &TestDatabase) {
    let (daemon, id) = company(db).await;
    let zoe = Person(&daemon, &ZOE);
    zoe.set("2027-01-15").await.unwrap();
    daemon.live_until(Some(at("2026-12-20T12:00:00Z"))).await;
    zoe.set("2027-03-01").await.unwrap();
    let history = daemon.services.store.enforcement_history(&id.to_string()).await.unwrap();
    let states: Vec<_> = history.enforcements.iter().map(|one| one.state).collect();
    assert_eq!(states, [EnforcementState::Scheduled, EnforcementState::Superseded]);
    let first = &history.enforcements[1];
    let line = |place: usize| {
        let one = &first.milestones[place];
        format!("{} {:?} {} {:?}", one.kind, one.days_before, one.state, one.notices)
    };
    assert_eq!(line(0), "welcome None expanded {}");
    assert_eq!(line(1), "announcement None expanded {Sent: 3}");
    assert_eq!(line(2), "reminder Some(30) expanded {Sent: 3}");
    assert_eq!(line(3), "reminder Some(14) dropped {}");
    assert_eq!((first.set_by.as_str(), first.required, first.flipped_at), ("Zoë", 0, None));
}
