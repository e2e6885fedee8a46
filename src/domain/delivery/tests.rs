//! Properties of the decision about a user's due notices: R1, R2 and R7, whatever the facts.

use std::collections::BTreeSet;

use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use uuid::Uuid;

use super::*;
use crate::domain::time::tests::{any_instant, any_zone};

fn id(number: u128) -> Id {
    Id(Uuid::from_u128(number))
}

/// Mostly somebody who may be told.
fn user() -> impl Strategy<Value = Option<UserFacts>> {
    let rarely = || prop::bool::weighted(0.1);
    let facts = (rarely(), rarely(), rarely(), any::<bool>(), rarely(), rarely()).prop_map(
        |(service, inactive, sso, payee, enrolled, bounced)| UserFacts {
            person: !service,
            active: !inactive,
            sso,
            payee,
            enrolled,
            bounced,
        },
    );
    option::weighted(0.95, facts)
}

fn notice(now: Timestamp) -> impl Strategy<Value = NoticeFacts> {
    use EnforcementState::{Cancelled, InForce, Scheduled, Superseded};
    let ago = |most: i64| (0..most).prop_map(move |minutes| now.plus(-chrono::TimeDelta::minutes(minutes)));
    let date = || select(vec!["2027-01-15", "2027-02-15"]).prop_map(|date| date.parse::<NaiveDate>().unwrap());
    let again = select(vec![Again::Now, Again::Now, Again::WithTheRest, Again::Never]);
    let mail = (0_u128..3, any::<bool>(), again).prop_map(|(mail, maybe_received, again)| EarlierMail {
        id: id(500 + mail),
        maybe_received,
        again,
    });
    let membership =
        (option::weighted(0.1, ago(10)), prop::bool::weighted(0.1)).prop_map(|(exempt_until, flipping)| {
            MembershipFacts {
                exempt_until: exempt_until.map(|until| until.plus(chrono::TimeDelta::minutes(5))),
                require_at: None,
                flipping,
            }
        });
    (
        (select(NoticeKind::ALL.to_vec()), ago(5000), 0_u128..4),
        (select(vec![Scheduled, Scheduled, InForce, Cancelled, Superseded]), date(), option::of(date())),
        (option::weighted(0.9, membership), any::<(bool, bool)>(), option::of(date()), option::weighted(0.3, mail)),
    )
        .prop_map(
            move |(
                (kind, due_at, enforcement),
                (state, date, company_date),
                (membership, (required, required_before), told_date, mail),
            )| {
                NoticeFacts {
                    id: id(0),
                    kind,
                    due_at,
                    next_attempt_at: due_at,
                    enforcement_id: id(100 + enforcement),
                    state,
                    date,
                    company_id: (enforcement != 3).then(|| id(800 + enforcement)),
                    company_date,
                    company_date_held: false,
                    membership,
                    required,
                    required_before,
                    told_date,
                    told_at: None,
                    required_at: now,
                    mail,
                }
            },
        )
}

/// Up to eight due notices, each with an id of its own, and an instant.
fn notices() -> impl Strategy<Value = (Vec<NoticeFacts>, Timestamp)> {
    any_instant().prop_flat_map(|now| {
        prop::collection::vec(notice(now), 0..8).prop_map(move |mut notices| {
            for (number, notice) in (1..).zip(&mut notices) {
                notice.id = id(number);
            }
            (notices, now)
        })
    })
}

/// What a decision sends, skips and puts off, in no order.
type Sets = (BTreeSet<Id>, BTreeSet<(Id, SkipReason)>, BTreeSet<(Id, Timestamp)>);

fn sets(decision: &Decision) -> Sets {
    (
        decision.send.iter().copied().collect(),
        decision.skip.iter().copied().collect(),
        decision.wait.iter().copied().collect(),
    )
}

#[test]
fn an_overdue_announcement_keeps_the_readers_hours() {
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let (zone, policy) = (chrono_tz::Europe::Berlin, Policy::default());
    let user = UserFacts { person: true, active: true, sso: false, payee: false, enrolled: false, bounced: false };
    let mut notice = NoticeFacts {
        id: id(1),
        kind: NoticeKind::Announcement,
        due_at: at("2026-12-01T09:00:00Z"),
        next_attempt_at: at("2026-12-01T09:00:00Z"),
        enforcement_id: id(100),
        state: EnforcementState::Scheduled,
        date: "2027-01-15".parse().unwrap(),
        company_id: Some(id(800)),
        company_date: "2027-01-15".parse().ok(),
        company_date_held: false,
        membership: Some(MembershipFacts { exempt_until: None, require_at: None, flipping: false }),
        required: false,
        required_before: false,
        told_date: None,
        told_at: None,
        required_at: at("2027-01-15T00:00:00Z"),
        mail: None,
    };
    let night = at("2026-12-03T02:00:00Z");
    let now_and_then = Policy { runs_through: false, ..policy.clone() };
    let decided_by = |policy: &Policy, notice: &NoticeFacts, now| {
        decide(Some(&user), std::slice::from_ref(notice), &[], zone, now, policy)
    };
    let decided = |notice: &NoticeFacts, now| decided_by(&policy, notice, now);
    assert_eq!(decided(&notice, night).wait, [(id(1), at("2026-12-03T07:00:00Z"))], "a daemon that was down waits");
    notice.next_attempt_at = at("2026-12-03T07:00:00Z");
    let next_night = at("2026-12-04T02:00:00Z");
    assert_eq!(decided(&notice, next_night).wait, [(id(1), at("2026-12-04T07:00:00Z"))], "also one that missed them");
    assert_eq!(
        decided_by(&now_and_then, &notice, next_night).send,
        [id(1)],
        "one that is run at night only must not for ever"
    );
    notice.next_attempt_at = at("2026-12-03T01:00:00Z");
    assert_eq!(decided(&notice, night).send, [], "a retry that fell into the night waits");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn every_notice_is_sent_or_skipped_or_waits_and_only_one(
        user in user(), (notices, now) in notices(), zone in any_zone(), today in prop::collection::vec(0_u128..5, 0..2),
    ) {
        let policy = Policy::default();
        let mailed_today: Vec<Id> = today.iter().map(|mail| id(500 + mail)).collect();
        let decision = decide(user.as_ref(), &notices, &mailed_today, zone, now, &policy);
        let mut seen: Vec<Id> = decision.send.clone();
        seen.extend(decision.skip.iter().map(|(id, _)| *id));
        seen.extend(decision.wait.iter().map(|(id, _)| *id));
        seen.sort_unstable();
        let all: Vec<Id> = notices.iter().map(|notice| notice.id).collect();
        prop_assert_eq!(seen, all);

        // R1: who may not be told is not told.
        let sent: Vec<_> = notices.iter().filter(|notice| decision.send.contains(&notice.id)).collect();
        prop_assert!(sent.iter().all(|notice| ineligible(user.as_ref(), notice, zone, now, &policy).is_none()));
        // R7: at most one notice of each enforcement.
        let enforcements: BTreeSet<_> = sent.iter().map(|notice| notice.enforcement_id).collect();
        prop_assert_eq!(enforcements.len(), sent.len());
        // R2: nothing on a day that had another mail, and what may have been received is repeated, not changed.
        let another = mailed_today.iter().any(|mail| decision.mail.is_none_or(|own| own.id != *mail));
        prop_assert!(decision.send.is_empty() || !another);
        prop_assert!(decision.mail.is_none() || !decision.send.is_empty());
        if let Some(mail) = decision.mail.filter(|mail| mail.maybe_received) {
            prop_assert!(sent.iter().all(|notice| notice.mail.is_some_and(|own| own.id == mail.id)));
        }
        // Nor is it passed over for anything else while it waits for the rest of it.
        let awaits = |mail: EarlierMail| mail.again == Again::WithTheRest;
        prop_assert!(decision.send.is_empty() || !notices.iter().any(|notice| notice.mail.is_some_and(awaits)));
        // What waits comes again, and later.
        prop_assert!(decision.wait.iter().all(|(_, until)| *until > now));
        // Nobody is told that they are required before they are.
        prop_assert!(sent.iter().all(|notice| notice.kind != NoticeKind::NowRequired || notice.required));
        // Nobody hears of another date who is required already, or is about to be.
        let of_another = |notice: &&NoticeFacts| notice.kind == NoticeKind::Rescheduled || notice.kind == NoticeKind::Cancelled;
        prop_assert!(!sent.iter().copied().filter(of_another).any(|notice| notice.required_before || notice.is_flipping()));
    }

    #[test]
    fn the_order_of_the_notices_does_not_matter(
        user in user(), (notices, now) in notices(), zone in any_zone(),
    ) {
        let policy = Policy::default();
        let mut turned = notices.clone();
        turned.reverse();
        let one = decide(user.as_ref(), &notices, &[], zone, now, &policy);
        let other = decide(user.as_ref(), &turned, &[], zone, now, &policy);
        prop_assert_eq!(sets(&one), sets(&other));
        prop_assert_eq!(one.mail, other.mail);
    }

    /// R7: an announcement that is due is never passed over for a reminder.
    #[test]
    fn an_announcement_beats_reminders((notices, now) in notices(), zone in any_zone()) {
        let policy = Policy::default();
        let user = UserFacts { person: true, active: true, sso: false, payee: true, enrolled: false, bounced: false };
        let decision = decide(Some(&user), &notices, &[], zone, now, &policy);
        for sent in notices.iter().filter(|notice| decision.send.contains(&notice.id) && notice.kind.is_reminder()) {
            let passed_over = notices.iter().any(|other| {
                other.enforcement_id == sent.enforcement_id
                    && other.kind == NoticeKind::Announcement
                    && !other.is_flipping()
                    && ineligible(Some(&user), other, zone, now, &policy).is_none()
            });
            prop_assert!(!passed_over);
        }
    }
}
