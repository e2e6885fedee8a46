//! What must be true after any ordeal.

use std::collections::BTreeSet;

use super::ordeal::Ordeal;
use super::people::{FLIPPED, TOLD, address};
use super::post::{copies, received};

/// What was counted.
#[derive(Debug)]
pub struct Counts {
    /// How many mails the mail server has.
    pub mails: usize,
    /// How many of them it has more than once.
    pub repeats: usize,
}

impl Ordeal {
    /// Looks at what the mail server has, at what stands in the tables, and at the audit trail.
    pub async fn prove(&self) -> Counts {
        let counts = self.prove_mail().await;
        self.prove_records().await;
        self.prove_requirements().await;
        self.house.installation.succeeds(&["audit", "verify"]).await;
        counts
    }

    /// Nobody was forgotten, and no mail repeated but what was on its way at a kill, under its one Message-ID.
    async fn prove_mail(&self) -> Counts {
        let received = received(&self.house.sink);
        for number in 1..=self.terms.told {
            let address = address(TOLD, number);
            let ids = received.get(&address).unwrap_or_else(|| panic!("{address} got no mail"));
            let ids: BTreeSet<_> = ids.iter().collect();
            assert_eq!(ids.len(), 1, "{address} got two different mails: {ids:?}");
        }
        assert_eq!(received.len(), self.terms.told, "nobody else got any");
        let copies = copies(&received);
        let mut repeats = 0;
        for (id, count) in &copies {
            let unknown = self.unknown.get(id).copied().unwrap_or(0);
            assert!(count - 1 <= unknown, "{id} came {count} times, and was on its way at {unknown} kills");
            repeats += count - 1;
        }
        assert!(repeats <= self.on_their_way, "{repeats} repeats, and at most {} on their way", self.on_their_way);
        let recorded: BTreeSet<String> =
            self.house.rows("SELECT message_id FROM mails").await.concat().into_iter().collect();
        assert_eq!(recorded, copies.keys().cloned().collect(), "what is on record is what was received");
        Counts { mails: copies.values().sum(), repeats }
    }

    /// Each notice is sent, with one mail, and the trail says so once.
    async fn prove_records(&self) {
        let told = self.terms.told.to_string();
        for table in ["notices", "mails"] {
            let states = self.house.rows(&format!("SELECT state, count(*) FROM {table} GROUP BY state")).await;
            assert_eq!(states, [["sent".to_owned(), told.clone()]], "{table}");
        }
        let users = "SELECT count(DISTINCT user_id), count(DISTINCT mail_id) FROM notices";
        assert_eq!(self.house.rows(users).await, [[told.clone(), told]]);
        assert_eq!(self.in_trail("notices_sent", "mails").await, self.terms.told);
    }

    /// Everybody of the company whose day has come is required, once, and not before; nobody else is.
    async fn prove_requirements(&self) {
        let day = self.day.expect("it has come");
        let early = format!("SELECT count(*) FROM requirements WHERE required_at < '{day}'");
        assert_eq!(self.house.number(&early).await, 0, "nobody is required early");
        let flipped = self.terms.flipped.to_string();
        let once = "SELECT count(*), count(DISTINCT user_id) FROM requirements WHERE cleared_at IS NULL";
        assert_eq!(self.house.rows(once).await, [[flipped.clone(), flipped.clone()]]);
        // One by one, by the index of those that are not cleared: else SQLite would look for each among all.
        let agree = "SELECT count(*) FROM (
                SELECT (SELECT mfa_required_at FROM users WHERE id = m.user_id) AS shown,
                    (SELECT required_at FROM requirements WHERE user_id = m.user_id AND cleared_at IS NULL) AS required
                FROM memberships AS m WHERE m.company_id = '$'
            ) AS people WHERE shown = required";
        let company = crate::support::vendor::company_id(FLIPPED).to_string();
        assert_eq!(self.house.rows(&agree.replace('$', &company)).await.concat().concat(), flipped);
        let required = "SELECT count(*) FROM users WHERE mfa_required_at IS NOT NULL";
        assert_eq!(self.house.rows(required).await.concat(), [flipped]);
        assert_eq!(self.in_trail("users_required", "required").await, self.terms.flipped, "each is in the trail once");
        let begun = "SELECT count(*) FROM audit_events WHERE action = 'enforcement_in_force'";
        assert_eq!(self.house.number(begun).await, 1);
    }

    /// The sum of a number in all events of one action.
    async fn in_trail(&self, action: &str, number: &str) -> usize {
        let details = self.house.rows(&format!("SELECT detail FROM audit_events WHERE action = '{action}'")).await;
        let numbers = details.concat().into_iter().map(|detail| {
            let detail: serde_json::Value = serde_json::from_str(&detail).unwrap();
            usize::try_from(detail[number].as_u64().unwrap()).unwrap()
        });
        numbers.sum()
    }
}
