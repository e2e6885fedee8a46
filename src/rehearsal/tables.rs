//! What the database holds after a time in lapse, read through the store's use-cases.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use chrono_tz::Tz;

use crate::domain::audit::{AuditEvent, Verifier};
use crate::domain::ids::Id;
use crate::domain::notice::NoticeState;
use crate::domain::time::{self, Timestamp};
use crate::store::admin_history::AdminMailRecord;
use crate::store::audit::AuditFilter;
use crate::store::companies::Company;
use crate::store::enforcement_history::EnforcementRecord;
use crate::store::notice_history::{NoticeFilter, NoticeRecord};
use crate::store::people::{Binding, Person};
use crate::store::{Store, StoreError};

/// How many rows are read at a time.
const PAGE: i64 = 500;

/// What was there before, and is no part of the story, which ends before some instant.
#[derive(Clone, Debug, Default)]
pub struct Before {
    /// The last event of the audit trail.
    last_event: i64,
    /// The notices of which nothing more was to come. A skipped one may be due again all the same.
    settled: BTreeMap<Id, NoticeState>,
    /// The mails to admins.
    admin_mails: BTreeSet<Id>,
    /// Who was required by which enforcement from the story's first instant on.
    required: BTreeSet<(Id, Id)>,
    /// From when to when; none: everything.
    span: Option<(Timestamp, Timestamp)>,
}

impl Before {
    /// What the database holds at `now`; the story goes on from there, and ends before `until`.
    ///
    /// # Errors
    /// What the database answers.
    pub async fn read(store: &dyn Store, now: Timestamp, until: Timestamp) -> Result<Self, StoreError> {
        let mut before = Self { span: Some((now, until)), ..Self::default() };
        before.last_event = store.audit_head().await?.0;
        each_notice(store, |notice| {
            if is_settled(&notice) {
                before.settled.insert(notice.id, notice.state);
            }
        })
        .await?;
        each_admin_mail(store, |mail| {
            if mail.sent_at.is_some() {
                before.admin_mails.insert(mail.id);
            }
        })
        .await?;
        each_person(store, |person| {
            let recent = person.requirements.iter().filter(|one| one.required_at >= now);
            before.required.extend(recent.map(|one| (person.id, one.enforcement_id)));
        })
        .await?;
        Ok(before)
    }

    /// Whether the story tells of this notice: something came of it, or is to come.
    fn tells_of(&self, notice: &NoticeRecord) -> bool {
        let is_later = self.span.is_some_and(|(_, until)| notice.due_at >= until);
        self.settled.get(&notice.id) != Some(&notice.state) && (is_settled(notice) || !is_later)
    }

    /// Whether the story tells that this user became required.
    fn tells_requirement(&self, user: Id, requirement: &Binding) -> bool {
        let is_new = self.span.is_none_or(|(begin, _)| requirement.required_at >= begin);
        is_new && !self.required.contains(&(user, requirement.enforcement_id))
    }
}

fn is_settled(notice: &NoticeRecord) -> bool {
    !matches!(notice.state, NoticeState::Pending | NoticeState::Sending)
}

/// What was read.
#[derive(Debug)]
pub struct Tables {
    /// The companies by id.
    pub companies: BTreeMap<Id, Company>,
    /// The enforcements of companies, each with its company.
    pub enforcements: BTreeMap<Id, (Id, EnforcementRecord)>,
    /// Everybody.
    pub people: BTreeMap<Id, Person>,
    /// Every notice of which something came, or is to come.
    pub notices: Vec<NoticeRecord>,
    /// Every mail to an admin that was sent.
    pub admin_mails: Vec<AdminMailRecord>,
    /// The audit trail since.
    pub events: Vec<AuditEvent>,
    /// Whether the trail is whole, from its first event on.
    pub audit_sound: bool,
    /// What is no part of the story.
    before: Before,
}

impl Tables {
    /// Reads everything but what was there `before`.
    ///
    /// # Errors
    /// What the database answers.
    pub async fn read(store: &dyn Store, before: Before) -> Result<Self, StoreError> {
        let mut tables = Self {
            companies: BTreeMap::new(),
            enforcements: BTreeMap::new(),
            people: BTreeMap::new(),
            notices: Vec::new(),
            admin_mails: Vec::new(),
            events: Vec::new(),
            audit_sound: false,
            before,
        };
        tables.read_companies(store).await?;
        each_person(store, |person| drop(tables.people.insert(person.id, person))).await?;
        each_notice(store, |notice| {
            if tables.before.tells_of(&notice) {
                // What a timeline does not tell is not kept: there may be many.
                tables.notices.push(NoticeRecord { email: None, server_reply: None, ..notice });
            }
        })
        .await?;
        each_admin_mail(store, |mail| {
            if mail.sent_at.is_some() && !tables.before.admin_mails.contains(&mail.id) {
                tables.admin_mails.push(mail);
            }
        })
        .await?;
        tables.read_events(store).await?;
        Ok(tables)
    }

    async fn read_companies(&mut self, store: &dyn Store) -> Result<(), StoreError> {
        loop {
            let after = self.companies.keys().next_back().copied();
            let page = store.companies_page(after, PAGE).await?;
            if page.is_empty() {
                return Ok(());
            }
            for listed in page {
                let id = listed.company.id;
                let history = store.enforcement_history(&id.to_string()).await?;
                self.enforcements.extend(history.enforcements.into_iter().map(|one| (one.id, (id, one))));
                self.companies.insert(id, listed.company);
            }
        }
    }

    async fn read_events(&mut self, store: &dyn Store) -> Result<(), StoreError> {
        let (mut verifier, mut is_sound, mut last) = (Verifier::new(None), true, 0);
        loop {
            let page = store.audit_page(&AuditFilter::default(), last, PAGE).await?;
            let Some(end) = page.last() else { break };
            last = end.seq;
            for event in page {
                is_sound = is_sound && verifier.next(&event).is_ok();
                if event.seq > self.before.last_event {
                    self.events.push(event);
                }
            }
        }
        let (seq, hash) = store.audit_head().await?;
        self.audit_sound = is_sound && verifier.finish(seq, &hash).is_ok();
        Ok(())
    }

    /// Whether the story begins with an empty database.
    #[must_use]
    pub fn is_from_the_start(&self) -> bool {
        self.before.span.is_none()
    }

    /// The instant, or the story's first one if it was before.
    #[must_use]
    pub fn in_story(&self, at: Timestamp) -> Timestamp {
        self.before.span.map_or(at, |(begin, _)| at.max(begin))
    }

    /// The requirements of this person that are part of the story.
    pub fn new_requirements<'a>(&'a self, person: &'a Person) -> impl Iterator<Item = &'a Binding> {
        person.requirements.iter().filter(|one| self.before.tells_requirement(person.id, one))
    }

    /// The company's name; none for the payee mandate.
    #[must_use]
    pub fn company_name(&self, company: Option<Id>) -> Option<&str> {
        self.companies.get(&company?).map(|company| company.name.as_str())
    }

    /// The day that it is for this company at this instant.
    #[must_use]
    pub fn company_day(&self, company: Id, at: Timestamp) -> NaiveDate {
        let zone = self.companies.get(&company).and_then(|company| time::zone(&company.time_zone));
        at.date_in(zone.unwrap_or(Tz::UTC))
    }

    /// The zone of a user's days: their own, that of the company that writes to them, or of the one they work for.
    #[must_use]
    pub fn reader_zone(&self, user: Id, company: Option<Id>) -> Tz {
        let person = self.people.get(&user);
        let own = person.and_then(|person| person.time_zone.as_deref());
        let home = person.and_then(|person| Some(person.memberships.first()?.0));
        let of_companies =
            company.into_iter().chain(home).filter_map(|id| Some(self.companies.get(&id)?.time_zone.as_str()));
        own.into_iter().chain(of_companies).find_map(time::zone).unwrap_or(Tz::UTC)
    }

    /// The name of the user, or the id of one who is known no more.
    #[must_use]
    pub fn user_name(&self, user: &str) -> String {
        let found = user.parse().ok().and_then(|id: Id| self.people.get(&id));
        found.map_or_else(|| user.to_owned(), |person| person.name.clone())
    }
}

/// Hands every notice to `take`, in the order of ids.
async fn each_notice(store: &dyn Store, mut take: impl FnMut(NoticeRecord)) -> Result<(), StoreError> {
    let mut after = None;
    loop {
        let page = store.notices_page(&NoticeFilter::default(), after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.id);
        page.into_iter().for_each(&mut take);
    }
}

/// Hands every mail to an admin to `take`, in the order of ids.
async fn each_admin_mail(store: &dyn Store, mut take: impl FnMut(AdminMailRecord)) -> Result<(), StoreError> {
    let mut after = None;
    loop {
        let page = store.admin_mails_page(after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.id);
        page.into_iter().for_each(&mut take);
    }
}

/// Hands everybody to `take`, in the order of ids.
async fn each_person(store: &dyn Store, mut take: impl FnMut(Person)) -> Result<(), StoreError> {
    let mut after = None;
    loop {
        let page = store.people_page(after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.id);
        page.into_iter().for_each(&mut take);
    }
}
