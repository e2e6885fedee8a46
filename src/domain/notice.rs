//! The words for notices: their kinds, states and the reasons for which one is not sent.

use serde::{Deserialize, Serialize};

/// Declares an enum whose variants are stored and shown under one name each.
macro_rules! names {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name { $($(#[$variant_doc])* #[serde(rename = $text)] $variant,)* }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name under which it is stored and shown.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($text => Ok(Self::$variant),)*
                    _ => Err(format!("'{text}' is none of: {}", [$($text),*].join(", "))),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

pub(super) use names;

names! {
    /// What a notice says; also the kind of the milestone it belongs to (a `rescheduled` belongs to an announcement).
    NoticeKind {
        /// The date, for the first time.
        Announcement = "announcement",
        /// Some days before.
        Reminder = "reminder",
        /// The day before.
        FinalReminder = "final_reminder",
        /// From now on.
        NowRequired = "now_required",
        /// Another date than the one told before.
        Rescheduled = "rescheduled",
        /// No date any more.
        Cancelled = "cancelled",
        /// The date, for somebody who joined after it was announced.
        Welcome = "welcome",
    }
}

impl NoticeKind {
    /// Whether it yields to another mail of the same local day (R2).
    #[must_use]
    pub fn is_reminder(self) -> bool {
        matches!(self, Self::Reminder | Self::FinalReminder)
    }

    /// Whether it only goes out in the hours of the day in which unexpected mail may arrive.
    #[must_use]
    pub fn keeps_hours(self) -> bool {
        matches!(self, Self::Announcement | Self::Rescheduled | Self::Cancelled)
    }

    /// Whether it is about a date that is set; `cancelled` alone is not.
    #[must_use]
    pub fn tells_date(self) -> bool {
        self != Self::Cancelled
    }

    /// Whether an enforcement in this state may send it (R1).
    #[must_use]
    pub fn allowed_in(self, state: EnforcementState) -> bool {
        match self {
            Self::Announcement | Self::Reminder | Self::FinalReminder | Self::Rescheduled => {
                state == EnforcementState::Scheduled
            }
            Self::Welcome => matches!(state, EnforcementState::Scheduled | EnforcementState::InForce),
            Self::NowRequired => state == EnforcementState::InForce,
            Self::Cancelled => matches!(state, EnforcementState::Cancelled | EnforcementState::Reverted),
        }
    }
}

names! {
    /// Where an enforcement stands.
    EnforcementState {
        /// The date is to come.
        Scheduled = "scheduled",
        /// The date has come.
        InForce = "in_force",
        /// Waits for `release` or another date; nothing is sent, nobody becomes required.
        Held = "held",
        /// The date was taken away.
        Cancelled = "cancelled",
        /// Another date took its place.
        Superseded = "superseded",
        /// It was in force and was undone.
        Reverted = "reverted",
    }
}

names! {
    /// Where a milestone stands.
    MilestoneState {
        /// Its notices are yet to be made.
        Pending = "pending",
        /// Its notices are made.
        Expanded = "expanded",
        /// Its enforcement was closed before.
        Dropped = "dropped",
    }
}

names! {
    /// Where a notice stands.
    NoticeState {
        /// To be sent when it is due.
        Pending = "pending",
        /// Claimed by a daemon, under a lease.
        Sending = "sending",
        /// Accepted by the mail server.
        Sent = "sent",
        /// Refused for good.
        Failed = "failed",
        /// Not sent, for a reason.
        Skipped = "skipped",
    }
}

names! {
    /// Why a notice was not sent.
    SkipReason {
        /// The user has set up MFA.
        Enrolled = "enrolled",
        /// The membership is exempt.
        Exempt = "exempt",
        /// The account is not active.
        Inactive = "inactive",
        /// The account is no person's.
        ServiceAccount = "service_account",
        /// The user left the company.
        NotAMember = "not_a_member",
        /// The user signs in through the company's identity provider.
        Sso = "sso",
        /// The user receives payments no longer.
        NotAPayee = "not_a_payee",
        /// The user's row is gone.
        UserDeleted = "user_deleted",
        /// The address was refused for good before.
        Bounced = "bounced",
        /// The address is none.
        InvalidAddress = "invalid_address",
        /// A later notice, or another enforcement, took its place.
        Superseded = "superseded",
        /// The enforcement was cancelled.
        Cancelled = "cancelled",
        /// The enforcement was reverted.
        Reverted = "reverted",
        /// The enforcement is in a state in which this kind is not sent.
        OutOfState = "out_of_state",
        /// The user knows the date already.
        AlreadyTold = "already_told",
        /// The user was never told a date, so that none is cancelled.
        NotTold = "not_told",
        /// A date stands, so that none is cancelled.
        DateStands = "date_stands",
        /// A reminder, on a day on which the user got another mail.
        SameDay = "same_day",
    }
}

impl SkipReason {
    /// Whether somebody whose notice of this kind was skipped for it gets that notice when they have to be told after all:
    /// what left them out has passed, or another date came between and the first came back.
    #[must_use]
    pub fn may_pass(self, kind: NoticeKind) -> bool {
        match self {
            Self::Enrolled
            | Self::Exempt
            | Self::Inactive
            | Self::ServiceAccount
            | Self::NotAMember
            | Self::Sso
            | Self::NotAPayee
            | Self::Bounced => true,
            Self::Superseded | Self::OutOfState => kind == NoticeKind::NowRequired,
            _ => false,
        }
    }
}

names! {
    /// Why an enforcement is held.
    HoldReason {
        /// MFA is not available for the company.
        MfaNotAvailable = "mfa_not_available",
        /// The company's time zone is not known.
        UnknownTimeZone = "unknown_time_zone",
        /// The date was over when it was first seen.
        DateInPast = "date_in_past",
        /// The date left less than the minimum notice when it was first seen.
        NoticeTooShort = "notice_too_short",
        /// A person wanted it so, and gave no reason.
        Requested = "requested",
        /// On the day, none of the company's admins was enrolled.
        NoEnrolledAdmin = "no_enrolled_admin",
        /// On the day, too many people were not enrolled.
        TooFewEnrolled = "too_few_enrolled",
        /// On the day, too many of those had not been told.
        TooFewTold = "too_few_told",
    }
}

impl HoldReason {
    /// Whether something spoke against the day, so that whoever releases it takes that on.
    #[must_use]
    pub fn is_safety(self) -> bool {
        matches!(self, Self::NoEnrolledAdmin | Self::TooFewEnrolled | Self::TooFewTold)
    }
}
