//! What must hold at the end of every test, whatever happened in it.

use std::collections::{BTreeMap, BTreeSet};

use mfa_enforcer::domain::audit::Verifier;
use mfa_enforcer::store::audit::AuditFilter;

use super::world::World;

impl World<'_> {
    /// Looks whether R2, R3 and R11 held for everybody, and whether all that is due was done.
    pub async fn finish(&self) {
        self.check_mails().await;
        self.check_requirements().await;
        self.check_trail().await;
    }

    /// R2: one mail for each of the user's days, none twice but after a crash, and then under its own Message-ID. R11: each
    /// stands in the tables as it was sent.
    async fn check_mails(&self) {
        let mut copies: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for user in self.all_users() {
            let mut days = BTreeMap::new();
            for (instant, mail) in self.notices_to(&user) {
                let of_day = days.entry(instant.date_in(user.zone)).or_insert_with(BTreeSet::new);
                of_day.insert(mail.message_id.clone());
                assert_eq!(of_day.len(), 1, "user {} got two mails on {}", user.id, instant.date_in(user.zone));
                copies.entry(mail.mail_id.to_string()).or_default().push(mail.message_id);
            }
        }
        for (mail_id, message_ids) in &copies {
            assert!(
                message_ids.len() == 1 || self.repeats_allowed.get(),
                "mail {mail_id} came {} times",
                message_ids.len()
            );
            assert!(message_ids.iter().all(|id| id == &message_ids[0]), "one mail, two Message-IDs: {message_ids:?}");
        }
        let sent = self
            .db
            .rows(
                "SELECT id, message_id, content_sha256, server_reply, sent_at FROM mails WHERE state = 'sent'
                 UNION ALL SELECT id, message_id, content_sha256, server_reply, sent_at FROM admin_mails WHERE state = 'sent'",
            )
            .await;
        for row in &sent {
            let copy = self.inbox().into_iter().rev().find(|(_, mail)| mail.mail_id.to_string() == row[0]);
            let (_, copy) = copy.unwrap_or_else(|| panic!("mail {} is said to be sent, and never came", row[0]));
            assert_eq!([&row[1], &row[2]], [&copy.message_id, &copy.sha256]);
            assert!(!row[3].is_empty() && row[4] != "null", "{row:?}");
        }
        let unexplained = "SELECT id FROM notices WHERE (state = 'sent' AND mail_id IS NULL) OR (state = 'skipped' AND skip_reason IS NULL)";
        assert!(self.db.rows(unexplained).await.is_empty());
    }

    /// R3: nobody is required before the instant of the enforcement. R11: who is required is so by a requirement.
    async fn check_requirements(&self) {
        let early = "SELECT r.user_id, r.required_at, e.enforce_at FROM requirements AS r JOIN enforcements AS e
            ON e.id = r.enforcement_id WHERE r.required_at < e.enforce_at";
        assert!(self.db.rows(early).await.is_empty(), "required too early");
        let underived = "SELECT u.id FROM users AS u WHERE u.mfa_required_at IS DISTINCT FROM
            (SELECT min(r.required_at) FROM requirements AS r WHERE r.user_id = u.id AND r.cleared_at IS NULL)";
        assert!(self.db.rows(underived).await.is_empty(), "mfa_required_at is not the earliest requirement's");
    }

    /// R11: the trail is whole.
    pub async fn check_trail(&self) {
        let (seq, hash) = self.services.store.audit_head().await.unwrap();
        let mut verifier = Verifier::new(Some(&hash));
        for event in self.services.store.audit_page(&AuditFilter::default(), 0, i64::MAX).await.unwrap() {
            verifier.next(&event).unwrap();
        }
        verifier.finish(seq, &hash).unwrap();
    }
}
