//! `[enforcement]`: whom a date binds, and how soon.

use serde::Deserialize;

use super::range;

/// Whom a date binds, and how soon.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnforcementSettings {
    /// How many calendar days ahead a date must at least be (R10).
    #[serde(deserialize_with = "range::number::<_, _, 0, 365>")]
    pub minimum_notice_days: u16,
    /// What holds for users who sign in through their company's identity provider.
    pub sso_users: SsoUsers,
    /// How many days late joiners get where their company says nothing else.
    #[serde(deserialize_with = "range::number::<_, _, 0, 365>")]
    pub new_member_grace_days: u16,
}

/// What holds for users who sign in through their company's identity provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SsoUsers {
    /// Their company's enforcement passes them by: the identity provider asks for the second step.
    LeaveOut,
    /// They are treated as everybody else.
    Include,
}
