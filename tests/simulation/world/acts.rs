//! What people and the vendor's application do.

use std::collections::BTreeMap;

use mfa_enforcer::domain::methods::Method;
use mfa_enforcer::domain::time::Timestamp;
use mfa_enforcer::store::StoreError;
use mfa_enforcer::store::enforcements::Ordered;
use mfa_enforcer::store::exemptions::ExemptionStore as _;
use mfa_enforcer::store::reconcile::Authority;
use mfa_enforcer::store::users::UserStore as _;
use mfa_enforcer::tasks::dates;

use super::World;
use super::failure::Failure;
use super::foretold::Foretold;
use super::judge;
use crate::simulation::oracle::Step;
use crate::simulation::plan::{Deed, Event, Machines, Order, Row, Weather};
use crate::support::Kind;
use crate::support::vendor::{company_id, user_id};

/// Whose orders they are.
const BY: &str = "pat@example.com";

impl World<'_> {
    /// Everything that happens up to now: at once, or while the daemons are at work.
    pub(super) async fn act_on_what_is_due(&mut self) -> Result<(), Failure> {
        let plan = self.plan;
        while let Some(event) = plan.events.get(self.next_event).filter(|event| event.at <= self.now()) {
            self.next_event += 1;
            if event.amid {
                self.amid.push_back(event);
            } else {
                self.act_on_what_waits().await?;
                self.act(event).await?;
            }
        }
        Ok(())
    }

    pub(super) async fn act_on_what_waits(&mut self) -> Result<(), Failure> {
        while !self.amid.is_empty() {
            self.act_on_one_that_waits().await?;
        }
        Ok(())
    }

    pub(super) async fn act_on_one_that_waits(&mut self) -> Result<(), Failure> {
        match self.amid.pop_front() {
            Some(event) => self.act(event).await,
            None => Ok(()),
        }
    }

    pub(super) async fn act(&mut self, event: &Event) -> Result<(), Failure> {
        let now = self.now();
        self.note(event.to_string().split_off(26));
        let mut succeeded = true;
        match &event.deed {
            Deed::Sql(sql) => self.run_sql(sql).await,
            Deed::ReadRow(row) => self.read_row(*row).await,
            Deed::WriteRow(row, but) => self.write_row(*row, but).await,
            Deed::Order { company, what } => {
                self.tally.orders += 1;
                succeeded = self.carry_out(*company, *what).await?;
            }
            Deed::Exempt { company, user, until } => {
                let (user, company) = (user_id(*user).to_string(), company_id(*company).to_string());
                let done = self.desk.exempt(&user, &company, *until, "on leave", BY, now).await;
                succeeded = self.expect("exempt", done.map(drop))?;
            }
            Deed::EndExemption { company, user } => {
                let (user, company) = (user_id(*user).to_string(), company_id(*company).to_string());
                let done = self.desk.end_exemption(&user, &company, BY, now).await;
                succeeded = self.expect("end an exemption", done.map(drop))?;
            }
            Deed::Enroll { user, enrolled } => {
                let user = user_id(*user).to_string();
                let done = if *enrolled {
                    self.desk.enroll(&user, Method::Authenticator, &self.policy, BY, now).await
                } else {
                    self.desk.unenroll(&user, BY, now).await
                };
                self.expect("enroll", done.map(drop))?;
            }
            Deed::Mail(weather) => {
                if self.machines.mail_troubles {
                    self.weather = *weather;
                }
            }
            Deed::Mailbox { user, gone } => {
                let sql = format!("SELECT lower(email) FROM users WHERE id = '{}'", user_id(*user));
                for address in self.db.rows(&sql).await.concat() {
                    if *gone {
                        self.gone.insert(address)
                    } else {
                        self.gone.remove(&address)
                    };
                }
            }
            Deed::Sleep(span) => self.sleep(now.plus(*span)).await?,
            Deed::ClockBack(span) => {
                if self.machines.clock_jumps && self.daemons.iter().all(super::Daemon::is_free) {
                    self.clock.set(now.plus(-*span));
                }
            }
            Deed::Foretell => self.foretell(),
        }
        let text = event.to_string();
        let order = judge::order(&event.deed).filter(|_| succeeded);
        self.look(Step::Acted { text: &text, order }).await
    }

    async fn run_sql(&mut self, sql: &str) {
        if let Err(error) = self.db.try_execute(sql).await {
            self.note(format!("the database refused: {error}"));
        }
        self.count_companies(sql).await;
    }

    /// Notes which companies came and went by this.
    pub(super) async fn count_companies(&mut self, sql: &str) {
        // Companies come and go this way only.
        let of_companies = sql.contains("INTO companies") || sql.contains("FROM companies");
        if of_companies {
            let now = self.now();
            let there: Vec<String> = self.db.rows("SELECT id FROM companies").await.concat();
            for number in 1..=20 {
                let exists = there.contains(&company_id(number).to_string());
                if exists {
                    self.companies.entry(number).or_insert(now);
                } else if let Some(since) = self.companies.remove(&number) {
                    self.tally.company_years += (now.utc() - since.utc()).as_seconds_f64().max(0.0) / 86_400.0 / 365.25;
                }
            }
        }
    }

    /// Remembers the row as it is, in SQL's own words.
    async fn read_row(&mut self, row: Row) {
        let (table, columns, id) = whole(row);
        let mut read = BTreeMap::new();
        for column in columns {
            let shown = match self.db.kind() {
                Kind::Sqlite => format!("quote({column})"),
                Kind::Postgres => format!("quote_nullable({column}::text)"),
            };
            let value = self.db.rows(&format!("SELECT {shown} FROM {table} WHERE id = '{id}'")).await.concat();
            if let Some(value) = value.into_iter().next() {
                read.insert((*column).to_owned(), value);
            }
        }
        self.rows.insert(row, read);
    }

    async fn write_row(&mut self, row: Row, but: &str) {
        let (table, columns, id) = whole(row);
        let Some(read) = self.rows.get(&row) else { return };
        let changed = but.split(" = ").next().unwrap_or_default();
        let cast = |column: &str, value: &str| match (self.db.kind(), column) {
            (Kind::Postgres, "active" | "sso" | "payee" | "mfa_available") => format!("{value}::boolean"),
            (Kind::Postgres, "mfa_enrolled_at" | "mfa_required_at") => format!("{value}::timestamptz"),
            (Kind::Postgres, "enforcement_date") => format!("{value}::date"),
            (Kind::Postgres, "notice_days") => format!("{value}::jsonb"),
            (Kind::Postgres, "new_member_grace_days") => format!("{value}::integer"),
            _ => value.to_owned(),
        };
        let mut assignments: Vec<String> = columns
            .iter()
            .filter(|column| **column != changed)
            .filter_map(|column| read.get(*column).map(|value| format!("{column} = {}", cast(column, value))))
            .collect();
        if !but.is_empty() {
            assignments.push(but.to_owned());
        }
        if !assignments.is_empty() {
            self.run_sql(&format!("UPDATE {table} SET {} WHERE id = '{id}'", assignments.join(", "))).await;
        }
    }

    /// Carries an order out as the command does. Returns whether it was carried out.
    async fn carry_out(&mut self, company: u32, what: Order) -> Result<bool, Failure> {
        let overriding = matches!(what, Order::Set { overriding: true, .. } | Order::Release { overriding: true });
        let authority =
            Authority { actor: BY, override_notice: overriding, reason: overriding.then_some("it was agreed so") };
        let company = company_id(company).to_string();
        let order = dates::Order {
            store: &self.desk,
            company: &company,
            authority: &authority,
            now: self.now(),
            policy: &self.policy,
            chunk: self.plan.settings.chunk,
        };
        let ordered = match what {
            Order::Set { date, .. } => order.set_date(date).await,
            Order::Cancel => order.cancel_date().await,
            Order::Release { .. } => order.release().await,
            Order::Hold => order.hold().await,
            Order::Revert => order.revert().await,
        };
        let done = matches!(ordered, Ok(Ordered::Done));
        self.note(format!("{ordered:?}"));
        self.expect("order", ordered.map(drop))?;
        Ok(done)
    }

    /// A command may be refused for a reason; it must not fail otherwise.
    fn expect(&mut self, command: &str, done: Result<(), StoreError>) -> Result<bool, Failure> {
        match done {
            Ok(()) => Ok(true),
            Err(StoreError::Refused(reason) | StoreError::NotFound(reason)) => {
                self.note(format!("refused: {reason}"));
                Ok(false)
            }
            Err(error) => {
                Err(Failure::new("command", format!("the command failed that may only refuse: {command}: {error}")))
            }
        }
    }

    async fn sleep(&mut self, until: Timestamp) -> Result<(), Failure> {
        for at in 0..self.daemons.len() {
            if !self.daemons[at].is_free() {
                self.look(Step::Crashed { daemon: at }).await?;
            }
            self.daemons[at].die();
            self.daemons[at].down_until = None;
        }
        self.asleep_until = Some(self.asleep_until.map_or(until, |known| known.max(until)));
        Ok(())
    }

    /// From now on nothing goes wrong, and what is to come is foretold.
    fn foretell(&mut self) {
        self.weather = Weather::Fair;
        self.gone.clear();
        self.asleep_until = None;
        self.machines = Machines { side_by_side: 0, ..Machines::CALM };
        for daemon in &mut self.daemons {
            daemon.down_until = None;
            if !daemon.is_free() {
                daemon.die();
            }
        }
        self.foretold = Some(Foretold::default());
    }
}

/// A table with the columns that the vendor's application knows, and a row's id.
fn whole(row: Row) -> (&'static str, &'static [&'static str], String) {
    const USERS: &[&str] = &[
        "email",
        "name",
        "locale",
        "time_zone",
        "country",
        "kind",
        "active",
        "sso",
        "payee",
        "mfa_enrolled_at",
        "mfa_method",
        "mfa_required_at",
    ];
    const COMPANIES: &[&str] = &[
        "name",
        "time_zone",
        "locale",
        "mfa_available",
        "enforcement_date",
        "enforcement_set_by",
        "notice_days",
        "new_member_grace_days",
        "support_contact",
    ];
    match row {
        Row::User(number) => ("users", USERS, user_id(number).to_string()),
        Row::Company(number) => ("companies", COMPANIES, company_id(number).to_string()),
    }
}
