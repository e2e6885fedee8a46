//! Everything that the database holds after a demonstration, read through the same use-cases as the commands use.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use chrono_tz::Tz;

use crate::domain::audit::AuditEvent;
use crate::domain::ids::Id;
use crate::domain::time::{self, Timestamp};
use crate::store::audit::AuditFilter;
use crate::store::companies::Company;
use crate::store::enforcement_history::EnforcementRecord;
use crate::store::notice_history::{NoticeFilter, NoticeRecord};
use crate::store::users::UserDossier;
use crate::store::{Store, StoreError};

/// How many rows are read at a time.
const PAGE: i64 = 500;

/// What was read.
#[derive(Debug)]
pub struct Tables {
    /// The companies by id.
    pub companies: BTreeMap<Id, Company>,
    /// The enforcements of companies, each with its company.
    pub enforcements: BTreeMap<Id, (Id, EnforcementRecord)>,
    /// All that is known of each user.
    pub users: BTreeMap<Id, UserDossier>,
    /// Every notice.
    pub notices: Vec<NoticeRecord>,
    /// The audit trail.
    pub events: Vec<AuditEvent>,
}

impl Tables {
    /// Reads everything; `users` are the users' external ids.
    ///
    /// # Errors
    /// What the database answers.
    pub async fn read(store: &dyn Store, users: impl IntoIterator<Item = &str>) -> Result<Self, StoreError> {
        let mut tables = Self {
            companies: BTreeMap::new(),
            enforcements: BTreeMap::new(),
            users: BTreeMap::new(),
            notices: Vec::new(),
            events: Vec::new(),
        };
        for listed in store.companies_page(None, PAGE).await? {
            let id = listed.company.id;
            let history = store.enforcement_history(&id.to_string()).await?;
            tables.enforcements.extend(history.enforcements.into_iter().map(|one| (one.id, (id, one))));
            tables.companies.insert(id, listed.company);
        }
        for key in users {
            let dossier = store.user_dossier(key).await?;
            tables.users.insert(dossier.user_id, dossier);
        }
        loop {
            let after = tables.notices.last().map(|notice| notice.id);
            let mut page = store.notices_page(&NoticeFilter::default(), after, PAGE).await?;
            if page.is_empty() {
                break;
            }
            tables.notices.append(&mut page);
        }
        loop {
            let after = tables.events.last().map_or(0, |event| event.seq);
            let mut page = store.audit_page(&AuditFilter::default(), after, PAGE).await?;
            if page.is_empty() {
                break;
            }
            tables.events.append(&mut page);
        }
        Ok(tables)
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
        let dossier = self.users.get(&user);
        let own = dossier.and_then(|dossier| dossier.user.as_ref()?.time_zone.clone());
        let home = dossier.and_then(|dossier| Some(dossier.memberships.first()?.company_id));
        let of_companies =
            company.into_iter().chain(home).filter_map(|id| Some(self.companies.get(&id)?.time_zone.clone()));
        own.into_iter().chain(of_companies).find_map(|name| time::zone(&name)).unwrap_or(Tz::UTC)
    }

    /// The name of the user, or the id of one who is known no more.
    #[must_use]
    pub fn user_name(&self, user: &str) -> String {
        let found = user.parse().ok().and_then(|id: Id| self.users.get(&id)?.user.as_ref());
        found.map_or_else(|| user.to_owned(), |user| user.name.clone())
    }
}
