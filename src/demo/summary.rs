//! What it all came to, counted in the tables and in the folder.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::domain::notice::{NoticeState, SkipReason};
use crate::rehearsal::tables::Tables;

/// The numbers at the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Users.
    pub users: usize,
    /// Users who have set up MFA.
    pub enrolled: usize,
    /// Users for whom it is required.
    pub required: usize,
    /// Those of them who have not set it up: their next sign-in leads them through it.
    pub required_not_enrolled: usize,
    /// All notices, as `notice list` has them.
    pub notices: usize,
    /// How many of them are in which state.
    pub notices_by_state: BTreeMap<NoticeState, usize>,
    /// Why the skipped ones were.
    pub skipped_because: BTreeMap<SkipReason, usize>,
    /// Mails that the notices name.
    pub mails: usize,
    /// Mails to admins.
    pub admin_mails: usize,
    /// Files in the folder of mails.
    pub mail_files: usize,
    /// Events of the audit trail, as `audit list` has them.
    pub audit_events: usize,
    /// The hash of the last of them.
    pub audit_head: String,
    /// Whether the trail is whole.
    pub audit_sound: bool,
}

impl Summary {
    /// Counts. `audit_head` is the hash of the trail's last event.
    #[must_use]
    pub fn count(tables: &Tables, mail_files: usize, audit_head: String) -> Self {
        let users = || tables.people.values();
        let required = || users().filter(|user| user.mfa_required_at.is_some());
        let mut notices_by_state = BTreeMap::new();
        let mut skipped_because = BTreeMap::new();
        for notice in &tables.notices {
            *notices_by_state.entry(notice.state).or_default() += 1;
            if let Some(reason) = notice.skip_reason {
                *skipped_because.entry(reason).or_default() += 1;
            }
        }
        let mails: BTreeSet<_> = tables.notices.iter().filter_map(|notice| notice.mail_id).collect();
        Self {
            users: users().count(),
            enrolled: users().filter(|user| user.mfa_enrolled_at.is_some()).count(),
            required: required().count(),
            required_not_enrolled: required().filter(|user| user.mfa_enrolled_at.is_none()).count(),
            notices: tables.notices.len(),
            notices_by_state,
            skipped_because,
            mails: mails.len(),
            admin_mails: tables.admin_mails.len(),
            mail_files,
            audit_events: tables.events.len(),
            audit_head,
            audit_sound: tables.audit_sound,
        }
    }
}
