//! A world for one test: the vendor's rows, written with plain SQL, the daemon's own tasks on a simulated clock, and a mail
//! server in memory, so that a test can say what happened to whom, when.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use chrono::{NaiveDateTime, TimeDelta};
use chrono_tz::Tz;
use mfa_enforcer::app;
use mfa_enforcer::clock::{Clock, Randomness};
use mfa_enforcer::config::Config;
use mfa_enforcer::domain::ids::Id;
use mfa_enforcer::domain::policy::Policy;
use mfa_enforcer::domain::time::{Timestamp, instant_at};
use mfa_enforcer::mail::Mailer;
use mfa_enforcer::mail::compose::Composed;
use mfa_enforcer::mail::memory::MemoryTransport;
use mfa_enforcer::mail::transport::{About, SendError, Transport};
use mfa_enforcer::store::claim::{Claim, ClaimTerms};
use mfa_enforcer::store::enforcements::Ordered;
use mfa_enforcer::store::reconcile::Authority;
use mfa_enforcer::store::{Store, StoreError};
use mfa_enforcer::tasks::dates::Order;
use mfa_enforcer::tasks::{self, Limits, Report, Services, ShutdownTrigger, TaskError, run_until_idle};

use crate::support::TestDatabase;
use crate::support::vendor::{company_id, user_id};

/// What somebody has who has nothing.
pub const NOTHING: [&str; 0] = [];

/// A user, and the zone in which their days are told.
#[derive(Clone, Copy, Debug)]
pub struct User {
    pub id: Id,
    pub zone: Tz,
    number: u32,
}

impl User {
    pub fn address(&self) -> String {
        format!("user{}@example.com", self.number)
    }
}

/// See above.
pub struct World<'a> {
    pub db: &'a TestDatabase,
    pub services: Services,
    /// The mail server: what it received, and whom it refuses.
    pub mail: MemoryTransport,
    /// Whether a mail may be there twice, because something crashed.
    pub repeats_allowed: Cell<bool>,
    inbox: RefCell<Vec<(Timestamp, Composed)>>,
    users: RefCell<Vec<User>>,
    companies: Cell<u32>,
}

/// An instant: `2027-01-15 09:00` in UTC, or with a zone after it.
pub fn at(text: &str) -> Timestamp {
    let (time, zone) = text.split_at(16);
    let time = NaiveDateTime::parse_from_str(time, "%Y-%m-%d %H:%M").unwrap_or_else(|error| panic!("{text}: {error}"));
    let zone = if zone.is_empty() { Tz::UTC } else { zone.trim().parse().unwrap() };
    instant_at(time.date(), time.time(), zone)
}

/// How an instant reads on a clock in `zone`.
pub fn shown(instant: Timestamp, zone: Tz) -> String {
    instant.utc().with_timezone(&zone).format("%Y-%m-%d %H:%M").to_string()
}

/// A refusal that is worth another attempt.
pub fn busy() -> SendError {
    SendError::Transient { reply: "451 4.3.0 try again later".to_owned(), about: About::AllMail, maybe_received: false }
}

/// A refusal of this mail alone that is worth another attempt.
pub fn mailbox_full() -> SendError {
    SendError::Transient { reply: "452 4.2.2 mailbox full".to_owned(), about: About::ThisMail, maybe_received: false }
}

/// No refusal: others come first at the mail server.
pub fn no_turn() -> SendError {
    SendError::Transient { reply: "others before it".to_owned(), about: About::NoTurn, maybe_received: false }
}

/// No refusal: others are on all lines to the mail server.
pub fn no_line() -> SendError {
    SendError::Transient { reply: "others before it".to_owned(), about: About::NoLine, maybe_received: false }
}

/// An answer that was lost: the mail may have been received.
pub fn lost_answer() -> SendError {
    SendError::Transient { reply: "connection lost after DATA".to_owned(), about: About::AllMail, maybe_received: true }
}

/// A refusal for good.
pub fn no_such_user() -> SendError {
    SendError::Permanent { reply: "550 5.1.1 no such user".to_owned() }
}

/// Services as the daemon builds them, but for the mail server; small batches, so that every test has several.
fn services(store: Arc<dyn Store>, clock: Clock, mail: &MemoryTransport, seed: u64) -> Services {
    let variable = |name: &str, value: &str| (format!("MFA_ENFORCER__{name}"), value.to_owned());
    let variables = [
        variable("CLOCK__SIMULATED", "true"),
        variable("SMTP__URL", "file:mail"),
        variable("NOTICES__FROM", "Ledger <no-reply@ledger.example>"),
        variable("SCHEDULE__CHUNK", "3"),
        variable("SCHEDULE__CLAIM_BATCH", "5"),
    ];
    let config = Config::load(None, variables.into_iter()).unwrap();
    Services {
        store,
        clock,
        randomness: Randomness::seeded(seed),
        mailer: Mailer::new(&config.notices, Transport::simulated(mail.clone())).unwrap().into(),
        intake: None,
        policy: config.policy(),
        limits: Limits::from_config(&config),
        shutdown: ShutdownTrigger::new().1,
    }
}

/// An order of a person about a company's date.
pub struct PlacedOrder<'a> {
    world: &'a World<'a>,
    company: String,
    authority: &'a Authority<'a>,
}

impl PlacedOrder<'_> {
    fn order(&self) -> Order<'_> {
        let services = &self.world.services;
        Order {
            store: services.store.as_ref(),
            company: &self.company,
            authority: self.authority,
            now: self.world.now(),
            policy: &services.policy,
            chunk: services.limits.chunk,
        }
    }

    pub async fn set_date(&self, date: &str) -> Result<Ordered, StoreError> {
        self.order().set_date(date.parse().unwrap()).await
    }

    pub async fn cancel(&self) -> Result<Ordered, StoreError> {
        self.order().cancel_date().await
    }

    pub async fn release(&self) -> Result<Ordered, StoreError> {
        self.order().release().await
    }

    pub async fn hold(&self) -> Result<Ordered, StoreError> {
        self.order().hold().await
    }

    pub async fn revert(&self) -> Result<Ordered, StoreError> {
        self.order().revert().await
    }
}

impl<'a> World<'a> {
    /// An empty database and a clock that shows `now`.
    pub async fn begin(db: &'a TestDatabase, now: &str) -> Self {
        let mail = MemoryTransport::new();
        let services = services(Arc::new(db.store(1).await), Clock::simulated(at(now)), &mail, 1);
        app::prepare(&services).await.unwrap();
        Self {
            db,
            services,
            mail,
            repeats_allowed: Cell::new(false),
            inbox: RefCell::default(),
            users: RefCell::default(),
            companies: Cell::new(0),
        }
    }

    /// Another daemon on the same database, with the same clock and mail server.
    pub async fn another_daemon(&self, seed: u64) -> Services {
        let store = Arc::new(self.db.store(seed).await);
        let mut other = services(store, self.services.clock.clone(), &self.mail, seed);
        other.policy = self.services.policy.clone();
        other.limits = self.services.limits.clone();
        other
    }

    /// What the operator decides otherwise than by default.
    pub fn policy(&mut self) -> &mut Policy {
        &mut self.services.policy
    }

    pub fn now(&self) -> Timestamp {
        self.services.clock.now()
    }

    // --- what the vendor's application writes ---

    pub async fn company(&self, zone: &str) -> Id {
        let number = self.companies.get() + 1;
        self.companies.set(number);
        let id = company_id(number);
        let sql = format!("INSERT INTO companies (id, name, time_zone) VALUES ('{id}', 'Company {number}', '{zone}')");
        self.db.execute(&sql).await;
        id
    }

    /// A user of no company, whose zone is not stored if `zone` is in parentheses: `(Europe/Berlin)`.
    pub async fn user(&self, zone: &str) -> User {
        let number = u32::try_from(self.users.borrow().len()).unwrap() + 1;
        let own = zone.trim_matches(['(', ')']);
        let stored = if own == zone { format!("'{zone}'") } else { "NULL".to_owned() };
        let user = User { id: user_id(number), zone: own.parse().unwrap(), number };
        let sql = format!(
            "INSERT INTO users (id, email, name, time_zone) VALUES ('{}', '{}', 'User {number}', {stored})",
            user.id,
            user.address()
        );
        self.db.execute(&sql).await;
        self.users.borrow_mut().push(user);
        user
    }

    pub async fn join(&self, company: Id, user: &User) {
        let sql = format!("INSERT INTO memberships (company_id, user_id) VALUES ('{company}', '{}')", user.id);
        self.db.execute(&sql).await;
    }

    /// A new user in the company; the zone as for [`World::user`].
    pub async fn member(&self, company: Id, zone: &str) -> User {
        let user = self.user(zone).await;
        self.join(company, &user).await;
        user
    }

    /// Several new users in the company, in its own zone.
    pub async fn members(&self, company: Id, zone: &str, count: usize) -> Vec<User> {
        let mut members = Vec::with_capacity(count);
        for _ in 0..count {
            members.push(self.member(company, zone).await);
        }
        members
    }

    pub async fn set_date(&self, company: Id, date: &str) {
        self.set_company(company, &format!("enforcement_date = '{date}'")).await;
    }

    pub async fn clear_date(&self, company: Id) {
        self.set_company(company, "enforcement_date = NULL").await;
    }

    pub async fn set_company(&self, company: Id, columns: &str) {
        self.db.execute(&format!("UPDATE companies SET {columns} WHERE id = '{company}'")).await;
    }

    pub async fn set_user(&self, user: &User, columns: &str) {
        self.db.execute(&format!("UPDATE users SET {columns} WHERE id = '{}'", user.id)).await;
    }

    pub async fn enroll(&self, user: &User) {
        self.set_user(user, &format!("mfa_enrolled_at = '{}'", self.now())).await;
    }

    pub async fn set_membership(&self, company: Id, user: &User, columns: &str) {
        let of = format!("company_id = '{company}' AND user_id = '{}'", user.id);
        self.db.execute(&format!("UPDATE memberships SET {columns} WHERE {of}")).await;
    }

    // --- what people order ---

    /// An order about a company's date, carried out now.
    pub fn order<'b>(&'b self, company: Id, authority: &'b Authority<'b>) -> PlacedOrder<'b> {
        PlacedOrder { world: self, company: company.to_string(), authority }
    }

    // --- what the daemon does ---

    /// The clock shows `instant`, and the daemon does all that is due.
    pub async fn run(&self, instant: &str) {
        self.services.clock.set(at(instant));
        self.run_now().await;
    }

    pub async fn run_now(&self) {
        let errors = run_until_idle(&self.services).await;
        self.collect();
        assert!(errors.is_empty(), "at {}: {errors:?}", self.now());
    }

    /// The clock shows `instant`, and one task runs once.
    pub async fn task(&self, name: &str, instant: &str) -> Report {
        self.services.clock.set(at(instant));
        self.try_task(name).await.unwrap()
    }

    pub async fn try_task(&self, name: &str) -> Result<Report, TaskError> {
        let task = tasks::all().into_iter().find(|task| task.name() == name).unwrap();
        let report = tasks::run_task(task.as_ref(), &self.services).await;
        self.collect();
        report
    }

    /// The daemon runs at every instant at which something is due, from now to `instant`.
    pub async fn walk(&self, instant: &str) {
        let end = at(instant);
        self.run_now().await;
        while let Some(next) = self.services.store.next_due(self.now()).await.unwrap().filter(|next| *next < end) {
            self.services.clock.set(next);
            self.run_now().await;
        }
        self.run(instant).await;
    }

    /// Notes down when what came in came in.
    pub fn collect(&self) {
        let received = self.mail.received();
        let mut inbox = self.inbox.borrow_mut();
        let known = inbox.len();
        inbox.extend(received.into_iter().skip(known).map(|mail| (self.now(), mail)));
    }

    /// A daemon claims what is due, and is not heard of again.
    pub async fn claim(&self) -> Claim {
        let terms = ClaimTerms {
            limit: self.services.limits.claim_batch,
            lease: self.services.limits.lease,
            message_id_domain: self.services.mailer.message_id_domain().to_owned(),
        };
        self.services.store.claim(&terms, self.now(), &self.services.policy).await.unwrap()
    }

    // --- what became of it ---

    /// Every mail that came in, with the instant.
    pub fn inbox(&self) -> Vec<(Timestamp, Composed)> {
        self.inbox.borrow().clone()
    }

    pub fn all_users(&self) -> Vec<User> {
        self.users.borrow().clone()
    }

    /// The mails that a user received, each with the instant.
    pub fn mails_to(&self, user: &User) -> Vec<(Timestamp, Composed)> {
        let is_theirs = |mail: &Composed| mail.envelope.to().iter().any(|to| to.to_string() == user.address());
        self.inbox().into_iter().filter(|(_, mail)| is_theirs(mail)).collect()
    }

    /// The same without what they received as an admin, which is apart.
    pub fn notices_to(&self, user: &User) -> Vec<(Timestamp, Composed)> {
        let for_admins = |mail: &Composed| String::from_utf8_lossy(&mail.bytes).contains("\nList-Id: <mfa-admins.");
        self.mails_to(user).into_iter().filter(|(_, mail)| !for_admins(mail)).collect()
    }

    /// What a user received, such as `2027-01-14 09:00 final_reminder`, on their own clock; what came in one mail is joined
    /// by ` + `.
    pub async fn received(&self, user: &User) -> Vec<String> {
        let mut received = Vec::new();
        for (instant, mail) in self.notices_to(user) {
            let sql = format!("SELECT kind FROM notices WHERE mail_id = '{}' ORDER BY kind, id", mail.mail_id);
            let kinds = self.db.rows(&sql).await.concat().join(" + ");
            received.push(format!("{} {kinds}", shown(instant, user.zone)));
        }
        received
    }

    /// All that a user was owed and did not get, such as `reminder enrolled`, in the order in which it was due.
    pub async fn skipped(&self, user: &User) -> Vec<String> {
        let sql = format!(
            "SELECT kind, skip_reason FROM notices WHERE user_id = '{}' AND state = 'skipped' ORDER BY due_at, id",
            user.id
        );
        self.db.rows(&sql).await.into_iter().map(|row| row.join(" ")).collect()
    }

    /// How many notices were ever made for a user.
    pub async fn notices(&self, user: &User) -> usize {
        self.db.rows(&format!("SELECT id FROM notices WHERE user_id = '{}'", user.id)).await.len()
    }

    /// Since when MFA is required for a user, in UTC; empty: it is not.
    pub async fn required_since(&self, user: &User) -> String {
        let stored = self.db.value(&format!("SELECT mfa_required_at FROM users WHERE id = '{}'", user.id)).await;
        stored.parse().map_or(String::new(), |instant| shown(instant, Tz::UTC))
    }

    /// The states of a company's enforcements, the oldest first, such as `2027-01-15 superseded`.
    pub async fn enforcements(&self, company: Id) -> Vec<String> {
        let sql = format!(
            "SELECT enforcement_date, state FROM enforcements WHERE company_id = '{company}' ORDER BY created_at, id"
        );
        self.db.rows(&sql).await.into_iter().map(|row| row.join(" ")).collect()
    }

    /// A company's enforcement that was made last.
    pub async fn enforcement(&self, company: Id) -> Id {
        let sql = format!(
            "SELECT id FROM enforcements WHERE company_id = '{company}' ORDER BY created_at DESC, id DESC LIMIT 1"
        );
        self.db.value(&sql).await.parse().unwrap()
    }

    /// The plain text of the last mail that a user received, its soft line ends undone.
    pub fn last_text(&self, user: &User) -> String {
        let (_, mail) = self.mails_to(user).pop().expect("a mail");
        String::from_utf8_lossy(&mail.bytes).replace("=\r\n", "")
    }

    /// How long a claim holds, and a little more.
    pub fn lease_over(&self) {
        self.services.clock.set(self.now().plus(self.services.limits.lease + TimeDelta::seconds(1)));
    }
}

/// A company with one member, who was told its date.
pub async fn announced(db: &TestDatabase) -> (World<'_>, Id, User) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let user = world.member(berlin, "Europe/Berlin").await;
    world.set_date(berlin, "2027-01-15").await;
    world.walk("2026-12-03 09:00").await;
    assert_eq!(world.received(&user).await, ["2026-12-01 10:15 announcement"]);
    (world, berlin, user)
}
