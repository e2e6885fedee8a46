//! Properties of planning: it is deterministic, and carried out and asked again it has nothing left to change.

use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use uuid::Uuid;

use super::*;
use crate::domain::time::tests::{any_date, any_instant, any_zone};

/// The names of zones, now and then one that nobody knows.
fn zone_name() -> impl Strategy<Value = String> {
    prop_oneof![8 => any_zone().prop_map(|zone| zone.name().to_owned()), 1 => Just("Mars/Olympus".to_owned())]
}

fn company() -> impl Strategy<Value = CompanyFacts> {
    let days = select(vec![None, Some("[10,2]"), Some("[]"), Some("nonsense")]);
    (option::weighted(0.8, any_date()), zone_name(), prop::bool::weighted(0.8), days).prop_map(
        |(enforcement_date, time_zone, mfa_available, days)| CompanyFacts {
            id: Id(Uuid::from_u128(7)),
            enforcement_date,
            time_zone,
            mfa_available,
            notice_days: days.map(str::to_owned),
        },
    )
}

/// What a company has: the enforcement that is open, and the one in force.
#[derive(Clone, Debug, Default)]
struct State {
    open: Option<EnforcementFacts>,
    in_force: Option<EnforcementFacts>,
    made: u128,
}

impl State {
    /// Carries changes out, as the store does.
    fn apply(&mut self, company: &CompanyFacts, changes: &[Change], now: Timestamp, policy: &Policy) {
        for change in changes {
            match change {
                Change::Plan(plan) => {
                    assert!(self.open.is_none(), "there can be one open enforcement");
                    self.made += 1;
                    self.open = Some(EnforcementFacts {
                        id: Id(Uuid::from_u128(100 + self.made)),
                        enforcement_date: company.enforcement_date.unwrap(),
                        time_zone: company.time_zone.clone(),
                        planned_time_zone: plan.zone.name().to_owned(),
                        enforce_at: plan.enforce_at,
                        state: if plan.hold.is_some() { EnforcementState::Held } else { EnforcementState::Scheduled },
                        reason: plan.hold.map(|hold| hold.as_str().to_owned()),
                        flipped: false,
                        announced_at: plan.hold.is_none().then(|| now.plus(policy.announce_delay)),
                    });
                }
                Change::Supersede(id) | Change::Cancel(id) => {
                    let closed = [&mut self.open, &mut self.in_force]
                        .into_iter()
                        .find(|one| one.as_ref().is_some_and(|one| one.id == *id));
                    *closed.unwrap() = None;
                }
                Change::Refresh(refresh) => {
                    let one = self.open.as_mut().filter(|one| one.id == refresh.id).unwrap();
                    one.time_zone.clone_from(&company.time_zone);
                    refresh.zone.name().clone_into(&mut one.planned_time_zone);
                    one.enforce_at = refresh.enforce_at;
                }
                Change::CopyZone(id) => {
                    let all = [self.open.as_mut(), self.in_force.as_mut()];
                    let one = all.into_iter().flatten().find(|one| one.id == *id).unwrap();
                    one.time_zone.clone_from(&company.time_zone);
                }
                Change::Hold(id, reason) => {
                    let one = self.open.as_mut().filter(|one| one.id == *id).unwrap();
                    one.state = EnforcementState::Held;
                    one.reason = Some(reason.as_str().to_owned());
                }
                Change::ReviewMembers => {}
                Change::Wait => self.in_force.as_mut().unwrap().flipped = true,
            }
        }
    }

    fn reconcile(&self, company: &CompanyFacts, now: Timestamp, policy: &Policy) -> Vec<Change> {
        reconcile(company, self.open.as_ref(), self.in_force.as_ref(), now, false, policy)
    }

    /// The day comes: what is scheduled is put in force.
    fn flip(&mut self, flipped: bool) {
        if let Some(open) = self.open.take_if(|open| open.state == EnforcementState::Scheduled) {
            self.in_force = Some(EnforcementFacts { state: EnforcementState::InForce, flipped, ..open });
        }
    }

    /// Whether a change leaves everything as it is.
    fn has(&self, change: &Change, company: &CompanyFacts) -> bool {
        match (change, &self.open) {
            (Change::Refresh(refresh), Some(open)) => {
                open.id == refresh.id
                    && open.time_zone == company.time_zone
                    && open.planned_time_zone == refresh.zone.name()
                    && open.enforce_at == refresh.enforce_at
            }
            _ => false,
        }
    }
}

proptest! {
    #[test]
    fn planning_is_deterministic(company in company(), date in any_date(), now in any_instant(), overridden: bool) {
        let policy = Policy::default();
        prop_assert_eq!(plan(&company, date, now, overridden, &policy), plan(&company, date, now, overridden, &policy));
    }

    /// A company's row changes again and again, and days come: after each change one look is enough, or two while a flip
    /// was under way.
    #[test]
    fn reconciling_twice_changes_nothing(
        rows in prop::collection::vec((company(), any_instant(), option::of(any::<bool>())), 1..8),
    ) {
        let policy = Policy::default();
        let mut state = State::default();
        for (company, now, flip) in rows {
            let changes = state.reconcile(&company, now, &policy);
            let waits = changes.contains(&Change::Wait);
            state.apply(&company, &changes, now, &policy);
            if waits {
                let changes = state.reconcile(&company, now, &policy);
                prop_assert!(!changes.contains(&Change::Wait));
                state.apply(&company, &changes, now, &policy);
            }
            let again = state.reconcile(&company, now, &policy);
            prop_assert!(again.iter().all(|change| state.has(change, &company)), "{:?} leaves {:?}", state, again);
            // The row and the enforcements agree on the date.
            let standing = [&state.open, &state.in_force].into_iter().flatten();
            let dates: Vec<_> = standing.map(|one| one.enforcement_date).collect();
            prop_assert_eq!(company.enforcement_date.is_none(), dates.is_empty());
            prop_assert!(company.enforcement_date.is_none_or(|date| dates.contains(&date)));
            if let Some(flipped) = flip {
                state.flip(flipped);
            }
        }
    }

    /// R10: a date is scheduled exactly when it leaves the minimum notice, counted in the company's days.
    #[test]
    fn r10_notice_given_to_the_day(zone in any_zone(), now in any_instant(), ahead in -40_i64..40, overridden: bool) {
        let policy = Policy::default();
        let company = CompanyFacts {
            id: Id(Uuid::from_u128(7)),
            enforcement_date: None,
            time_zone: zone.name().to_owned(),
            mfa_available: true,
            notice_days: None,
        };
        let date = time::add_days(now.date_in(zone), ahead);
        let expected = match ahead {
            ..0 => Some(HoldReason::DateInPast),
            0..7 if !overridden => Some(HoldReason::NoticeTooShort),
            _ => None,
        };
        prop_assert_eq!(judge(&company, date, now, overridden, &policy), expected);
    }
}
