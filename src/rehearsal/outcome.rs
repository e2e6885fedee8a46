//! What a time in lapse came to, counted.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::tables::Tables;
use crate::domain::notice::{EnforcementState, NoticeKind, NoticeState, SkipReason};

/// The numbers at the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// Mails that were sent.
    pub mails: usize,
    /// Mails to admins that were sent.
    pub admin_mails: usize,
    /// To how many people.
    pub people_mailed: usize,
    /// How many notices of each kind they carried.
    pub sent_by_kind: BTreeMap<NoticeKind, usize>,
    /// How many notices were refused for good.
    pub failed: usize,
    /// How many are due, and were not sent: their enforcement is held, or they are put off.
    pub waiting: usize,
    /// Why how many were not sent.
    pub skipped_because: BTreeMap<SkipReason, usize>,
    /// For how many people MFA became required.
    pub newly_required: usize,
    /// How many of them have not set it up.
    pub newly_required_not_enrolled: usize,
    /// For how many people it is required in the end, those from before included.
    pub required: usize,
    /// How many dates came into force.
    pub dates_in_force: usize,
    /// How often the daemon warned that something speaks against a date.
    pub warnings: usize,
    /// How many dates wait for a person in the end.
    pub held: usize,
}

impl Outcome {
    /// Counts.
    #[must_use]
    pub fn count(tables: &Tables) -> Self {
        let of = |state: NoticeState| tables.notices.iter().filter(move |notice| notice.state == state);
        let events = |action: &str| tables.events.iter().filter(|event| event.action == action).count();
        let mails: BTreeSet<_> = of(NoticeState::Sent).filter_map(|notice| notice.mail_id).collect();
        let mailed: BTreeSet<_> = of(NoticeState::Sent).map(|notice| notice.user_id).collect();
        let mut sent_by_kind = BTreeMap::new();
        of(NoticeState::Sent).for_each(|notice| *sent_by_kind.entry(notice.kind).or_default() += 1);
        let mut skipped_because = BTreeMap::new();
        for reason in tables.notices.iter().filter_map(|notice| notice.skip_reason) {
            *skipped_because.entry(reason).or_default() += 1;
        }
        let required = || tables.people.values().filter(|person| person.mfa_required_at.is_some());
        // Whom another date required already is required by one more.
        let newly = || {
            tables.people.values().filter(|person| {
                let new = tables.new_requirements(person).count();
                new > 0 && new == person.requirements.len()
            })
        };
        let held = tables.enforcements.values().filter(|(_, one)| one.state == EnforcementState::Held);
        Self {
            mails: mails.len(),
            admin_mails: tables.admin_mails.len(),
            people_mailed: mailed.len(),
            sent_by_kind,
            failed: of(NoticeState::Failed).count(),
            waiting: of(NoticeState::Pending).chain(of(NoticeState::Sending)).count(),
            skipped_because,
            newly_required: newly().count(),
            newly_required_not_enrolled: newly().filter(|person| person.mfa_enrolled_at.is_none()).count(),
            required: required().count(),
            dates_in_force: events("enforcement_in_force"),
            warnings: events("enforcement_at_risk"),
            held: held.count(),
        }
    }
}
