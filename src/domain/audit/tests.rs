//! Properties of the hash chain: a trail that was written is sound, and no single change of it goes unseen.

use proptest::option;
use proptest::prelude::*;
use proptest::sample::Index;
use uuid::Uuid;

use super::*;
use crate::domain::time::tests::any_instant;

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-zé\" ]{0,8}".prop_map(Value::from)
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[a-c]{1,2}", inner, 0..3)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn trail() -> impl Strategy<Value = Vec<AuditEvent>> {
    let event =
        (any_instant(), "[a-z ]{0,6}", "[a-z_]{1,6}", option::of(any::<u128>()), option::of("[a-z0-9]{1,6}"), json());
    prop::collection::vec(event, 1..8).prop_map(|events| {
        let mut prev_hash = GENESIS.to_owned();
        let chained = (1..).zip(events).map(|(seq, (at, actor, action, company, subject, detail))| {
            let company_id = company.map(|id| Id(Uuid::from_u128(id)));
            let mut event = AuditEvent {
                seq,
                at,
                actor,
                action,
                company_id,
                subject,
                detail,
                prev_hash: prev_hash.clone(),
                hash: String::new(),
            };
            event.hash = event.computed_hash();
            prev_hash.clone_from(&event.hash);
            event
        });
        chained.collect()
    })
}

/// Walks a trail whose head row is that of `whole`.
fn verify(trail: &[AuditEvent], whole: &[AuditEvent], noted: Option<&str>) -> Result<(), String> {
    let mut verifier = Verifier::new(noted);
    trail.iter().try_for_each(|event| verifier.next(event))?;
    let head = whole.last().unwrap();
    verifier.finish(head.seq, &head.hash)
}

/// Changes one column of an event.
fn change(event: &mut AuditEvent, column: usize) {
    match column {
        0 => event.seq += 1,
        1 => event.at = event.at.plus(chrono::TimeDelta::microseconds(1)),
        2 => event.actor.push('x'),
        3 => event.action.push('x'),
        4 => event.company_id = if event.company_id.is_some() { None } else { Some(Id(Uuid::from_u128(1))) },
        5 => event.subject = if event.subject.is_some() { None } else { Some("x".to_owned()) },
        6 => event.detail = serde_json::json!({ "before": event.detail }),
        7 => event.prev_hash = sha256_hex([&event.prev_hash]),
        _ => event.hash = sha256_hex([&event.hash]),
    }
}

proptest! {
    #[test]
    fn what_was_written_is_sound(trail in trail(), noted in any::<Index>()) {
        let hash = noted.get(&trail).hash.to_uppercase();
        prop_assert_eq!(verify(&trail, &trail, Some(&hash)), Ok(()));
    }

    #[test]
    fn any_changed_column_is_found(trail in trail(), at in any::<Index>(), column in 0_usize..9) {
        let mut changed = trail.clone();
        change(&mut changed[at.index(trail.len())], column);
        prop_assert!(verify(&changed, &trail, None).is_err());
    }

    /// Also when the changed event is hashed anew: the one after it, or the head, does not follow on.
    #[test]
    fn a_change_with_a_fitting_hash_is_found(trail in trail(), at in any::<Index>(), column in 1_usize..7) {
        let mut changed = trail.clone();
        let event = &mut changed[at.index(trail.len())];
        change(event, column);
        event.hash = event.computed_hash();
        prop_assert!(verify(&changed, &trail, None).is_err());
    }

    #[test]
    fn a_removed_a_doubled_and_a_swapped_event_are_found(trail in trail(), at in any::<Index>()) {
        let place = at.index(trail.len());
        let mut removed = trail.clone();
        removed.remove(place);
        prop_assert!(verify(&removed, &trail, None).is_err());
        let mut doubled = trail.clone();
        doubled.insert(place, trail[place].clone());
        prop_assert!(verify(&doubled, &trail, None).is_err());
        if place > 0 {
            let mut swapped = trail.clone();
            swapped.swap(place - 1, place);
            prop_assert!(verify(&swapped, &trail, None).is_err());
        }
    }

    /// A tail that was cut off together with the head row is found by whoever noted down the head.
    #[test]
    fn a_cut_tail_is_found_by_a_noted_head(trail in trail(), at in any::<Index>()) {
        let cut = &trail[..at.index(trail.len())];
        let noted = &trail.last().unwrap().hash;
        let mut verifier = Verifier::new(Some(noted));
        cut.iter().try_for_each(|event| verifier.next(event)).unwrap();
        let (seq, hash) = cut.last().map_or((0, GENESIS), |event| (event.seq, event.hash.as_str()));
        prop_assert!(verifier.finish(seq, hash).is_err());
    }

    /// PostgreSQL does not keep the order of keys.
    #[test]
    fn the_order_of_keys_does_not_matter(trail in trail()) {
        for event in &trail {
            let again = AuditEvent { detail: turned(&event.detail), ..event.clone() };
            prop_assert_eq!(again.computed_hash(), event.hash.clone());
        }
    }
}

fn turned(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            Value::Object(fields.iter().rev().map(|(key, value)| (key.clone(), turned(value))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(turned).collect()),
        other => other.clone(),
    }
}
