//! What came back, recorded.

use mfa_enforcer::domain::bounce::{Bounce, BouncedMail, Verdict};
use mfa_enforcer::store::bounces::{BounceStore as _, Recorded};

use crate::support::vendor::{add_user, user_id};
use crate::support::{TestDatabase, on_both};

on_both!(
    a_mail_that_came_back_fails_its_notices_and_marks_the_address_once,
    a_mail_that_was_refused_leaves_the_address_alone,
    a_delay_is_only_written_down,
    an_address_that_was_corrected_meanwhile_is_not_marked,
    who_names_no_mail_means_the_last_to_that_address,
    told_again_by_address_it_is_still_the_last_mail,
    an_admin_s_mail_may_be_the_last_one,
    an_admin_s_mail_is_waited_for_while_its_claim_lasts,
    what_is_about_no_mail_of_ours_changes_nothing,
    a_mail_that_is_being_sent_is_waited_for,
    whose_claim_has_lapsed_is_not_being_sent_any_more,
);

const MAIL: &str = "01980000-0000-7000-8000-0000000000aa";
const NOTICE: &str = "01980000-0000-7000-8000-0000000000bb";
const NOW: &str = "2027-01-02T09:00:00.000000Z";
const JUST_BEFORE: &str = "2027-01-02T08:59:59.999999Z";
const TOO_SOON: Recorded = Recorded { mails: 1, notices: 0, addresses: 0, too_soon: true };

/// A user whose mail the server took at nine on the first.
async fn sent_mail(db: &TestDatabase) {
    add_user(db, 1).await;
    db.execute(&format!(
        "INSERT INTO mails (id, user_id, address, locale, message_id, state, maybe_received, sent_day, attempted_at, sent_at, server_reply)
         SELECT '{MAIL}', id, email, 'en', '<{MAIL}@ledger.example>', 'sent', true, '2027-01-01', '2027-01-01T09:00:00.000000Z',
             '2027-01-01T09:00:01.000000Z', '250 taken' FROM users WHERE id = '{}'",
        user_id(1)
    ))
    .await;
    db.execute(&format!(
        "INSERT INTO notices (id, kind, milestone_id, enforcement_id, user_id, due_at, state, next_attempt_at, mail_id)
         VALUES ('{NOTICE}', 'announcement', '{NOTICE}', '{NOTICE}', '{}', '2027-01-01T09:00:00.000000Z', 'sent',
             '2027-01-01T09:00:00.000000Z', '{MAIL}')",
        user_id(1)
    ))
    .await;
}

async fn record(db: &TestDatabase, mail: BouncedMail, verdict: Verdict) -> Recorded {
    let bounce = Bounce { mail, verdict, reply: "550 5.1.1 unknown".to_owned() };
    db.store(1).await.record_bounce(&bounce, NOW.parse().unwrap()).await.unwrap()
}

fn by_id() -> BouncedMail {
    BouncedMail::Id(MAIL.parse().unwrap())
}

async fn states(db: &TestDatabase) -> String {
    let sql = "SELECT n.state, l.state, l.maybe_received, u.email_status FROM notices AS n
        JOIN mails AS l ON l.id = n.mail_id JOIN users AS u ON u.id = n.user_id";
    db.rows(sql).await.concat().join(" ")
}

async fn a_mail_that_came_back_fails_its_notices_and_marks_the_address_once(db: &TestDatabase) {
    sent_mail(db).await;
    let once = Recorded { mails: 1, notices: 1, addresses: 1, too_soon: false };
    assert_eq!(record(db, by_id(), Verdict::NoSuchAddress).await, once);
    assert_eq!(states(db).await, "failed failed 0 bounced");
    let history = db.rows("SELECT outcome, reply FROM mail_history ORDER BY at").await;
    assert_eq!(history, [["accepted", "250 taken"], ["no_such_address", "550 5.1.1 unknown"]]);
    assert_eq!(db.value("SELECT bounced_at FROM mails").await, NOW);
    assert_eq!(db.value("SELECT count(*) FROM audit_events WHERE action = 'mail_bounced'").await, "1");
    let before = db.dump().await;
    let again = Recorded { mails: 1, notices: 0, addresses: 0, too_soon: false };
    let message_id = BouncedMail::MessageId(format!("<{MAIL}@ledger.example>"));
    assert_eq!(record(db, message_id, Verdict::NoSuchAddress).await, again);
    assert_eq!(db.dump().await, before);
}

async fn a_mail_that_was_refused_leaves_the_address_alone(db: &TestDatabase) {
    sent_mail(db).await;
    assert_eq!(
        record(db, by_id(), Verdict::Refused).await,
        Recorded { mails: 1, notices: 1, addresses: 0, too_soon: false }
    );
    assert_eq!(states(db).await, "failed failed 0 ok");
}

async fn a_delay_is_only_written_down(db: &TestDatabase) {
    sent_mail(db).await;
    assert_eq!(
        record(db, by_id(), Verdict::Delayed).await,
        Recorded { mails: 1, notices: 0, addresses: 0, too_soon: false }
    );
    assert_eq!(states(db).await, "sent sent 1 ok");
    assert_eq!(db.rows("SELECT outcome FROM mail_history").await, [["delayed"]]);
    assert_eq!(db.value("SELECT count(*) FROM audit_events").await, "0");
}

async fn an_address_that_was_corrected_meanwhile_is_not_marked(db: &TestDatabase) {
    sent_mail(db).await;
    db.execute("UPDATE users SET email = 'new@example.org'").await;
    assert_eq!(
        record(db, by_id(), Verdict::NoSuchAddress).await,
        Recorded { mails: 1, notices: 1, addresses: 0, too_soon: false }
    );
    assert_eq!(states(db).await, "failed failed 0 ok");
    // What failed since it was looked at is looked at once it is corrected again.
    db.execute("UPDATE users SET reviewed = true").await;
    db.execute("UPDATE users SET name = 'New', email = 'NEW@example.org'").await;
    assert_eq!(db.value("SELECT reviewed FROM users").await, "1");
    db.execute("UPDATE users SET email = 'newer@example.org'").await;
    assert_eq!(db.value("SELECT reviewed FROM users").await, "0");
}

async fn who_names_no_mail_means_the_last_to_that_address(db: &TestDatabase) {
    sent_mail(db).await;
    let address = db.value("SELECT upper(email) FROM users").await;
    assert_eq!(record(db, BouncedMail::Address(address), Verdict::NoSuchAddress).await.notices, 1);
    assert_eq!(states(db).await, "failed failed 0 bounced");
}

async fn what_is_about_no_mail_of_ours_changes_nothing(db: &TestDatabase) {
    sent_mail(db).await;
    let before = db.dump().await;
    for mail in [
        BouncedMail::Id(NOTICE.parse().unwrap()),
        BouncedMail::MessageId(format!("<{MAIL}@elsewhere.example>")),
        BouncedMail::MessageId("rubbish".to_owned()),
        BouncedMail::Address("nobody@example.org".to_owned()),
    ] {
        assert_eq!(record(db, mail, Verdict::NoSuchAddress).await, Recorded::default());
    }
    assert_eq!(db.dump().await, before);
}

async fn a_mail_that_is_being_sent_is_waited_for(db: &TestDatabase) {
    sent_mail(db).await;
    db.execute("UPDATE mails SET state = 'sending'").await;
    db.execute(&format!("UPDATE notices SET state = 'sending', claimed_by = id, claimed_until = '{NOW}'")).await;
    let before = db.dump().await;
    assert_eq!(record(db, by_id(), Verdict::NoSuchAddress).await, TOO_SOON);
    assert_eq!(db.dump().await, before);
    db.execute("UPDATE mails SET state = 'sent'; UPDATE notices SET state = 'sent'").await;
    assert_eq!(record(db, by_id(), Verdict::NoSuchAddress).await.notices, 1);
    assert_eq!(states(db).await, "failed failed 0 bounced");
}

async fn whose_claim_has_lapsed_is_not_being_sent_any_more(db: &TestDatabase) {
    sent_mail(db).await;
    db.execute("UPDATE mails SET state = 'sending'").await;
    db.execute(&format!("UPDATE notices SET state = 'sending', claimed_by = id, claimed_until = '{JUST_BEFORE}'"))
        .await;
    assert_eq!(record(db, by_id(), Verdict::Refused).await.notices, 1);
    assert_eq!(states(db).await, "failed failed 0 ok");
    assert_eq!(
        db.value("SELECT count(*) FROM notices WHERE claimed_by IS NULL").await,
        "1",
        "the outcome of then is fenced"
    );
}

async fn told_again_by_address_it_is_still_the_last_mail(db: &TestDatabase) {
    sent_mail(db).await;
    // An earlier one, which arrived.
    let (mail, notice) = (MAIL.replace("aa", "a1"), NOTICE.replace("bb", "b1"));
    db.execute(&format!(
        "INSERT INTO mails (id, user_id, address, locale, message_id, state, maybe_received, sent_day, attempted_at, sent_at, server_reply)
         SELECT '{mail}', user_id, address, locale, '<{mail}@ledger.example>', 'sent', true, '2026-12-20', '2026-12-20T09:00:00.000000Z',
             '2026-12-20T09:00:01.000000Z', '250 taken' FROM mails"
    ))
    .await;
    db.execute(&format!(
        "INSERT INTO notices (id, kind, milestone_id, enforcement_id, user_id, due_at, state, next_attempt_at, mail_id)
         SELECT '{notice}', 'welcome', '{notice}', enforcement_id, user_id, '2026-12-20T09:00:00.000000Z', 'sent',
             '2026-12-20T09:00:00.000000Z', '{mail}' FROM notices"
    ))
    .await;
    let address = db.value("SELECT email FROM users").await;
    for notices in [1, 0, 0] {
        let recorded = record(db, BouncedMail::Address(address.clone()), Verdict::Refused).await;
        assert_eq!((recorded.mails, recorded.notices), (1, notices));
    }
    assert_eq!(
        db.rows("SELECT kind, state FROM notices ORDER BY kind").await,
        [["announcement", "failed"], ["welcome", "sent"]]
    );
}

/// A digest for the same user, in this state, an hour before.
async fn digest(db: &TestDatabase, state: &str) -> String {
    let mail = MAIL.replace("aa", "ad");
    db.execute(&format!(
        "INSERT INTO admin_mails (id, kind, company_id, enforcement_id, user_id, cause, due_at, state, next_attempt_at, address, message_id, sent_at)
         SELECT '{mail}', 'digest', id, id, id, 'x', '2027-01-02T08:00:00.000000Z', '{state}', '2027-01-02T08:00:00.000000Z', email, 'x',
             '2027-01-02T08:00:00.000000Z' FROM users"
    ))
    .await;
    mail
}

async fn an_admin_s_mail_may_be_the_last_one(db: &TestDatabase) {
    sent_mail(db).await;
    digest(db, "sent").await;
    let address = db.value("SELECT email FROM users").await;
    let recorded = record(db, BouncedMail::Address(address), Verdict::Refused).await;
    assert_eq!((recorded.mails, recorded.notices), (1, 0));
    assert_eq!(states(db).await, "sent sent 1 ok", "what was a notice's stays so");
    assert_eq!(db.value("SELECT state FROM admin_mails").await, "failed");
}

async fn an_admin_s_mail_is_waited_for_while_its_claim_lasts(db: &TestDatabase) {
    sent_mail(db).await;
    let id = BouncedMail::Id(digest(db, "sending").await.parse().unwrap());
    db.execute(&format!("UPDATE admin_mails SET claimed_by = id, claimed_until = '{NOW}'")).await;
    assert_eq!(record(db, id.clone(), Verdict::Refused).await, TOO_SOON);
    db.execute(&format!("UPDATE admin_mails SET claimed_until = '{JUST_BEFORE}'")).await;
    assert_eq!(record(db, id, Verdict::Refused).await.mails, 1);
    assert_eq!(db.value("SELECT state FROM admin_mails WHERE claimed_by IS NULL").await, "failed");
}
