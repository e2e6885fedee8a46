//! `digest`: a company's admins are told of decisions, how ready their people are, and how the day has gone.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde_json::json;

use super::record::{Of, Offering, Recorded};
use super::send::{Outgoing, begin, hand_over};
use super::turn::TurnedAway;
use super::{Report, Services, Task, TaskError};
use crate::domain::admin_mail::{Action, News};
use crate::domain::ids::Id;
use crate::domain::time::Timestamp;
use crate::store::admin_claim::{AdminClaim, ClaimedAdminMail};
use crate::store::claim::ClaimTerms;
use crate::store::forecast::Proposal;
use crate::store::outcome::MailOutcome;

/// The task.
pub struct Digest;

/// How many events of the audit trail are looked through at a time.
const EVENTS_AT_ONCE: i64 = 1000;
/// How many enforcements are reported on in one transaction.
const REPORTS_AT_ONCE: i64 = 50;
/// How many mails are claimed at a time: each is written from what the tables say then.
const MAILS_AT_ONCE: i64 = 20;

#[async_trait]
impl Task for Digest {
    fn name(&self) -> &'static str {
        "digest"
    }

    async fn run(&self, services: &Services, now: Timestamp) -> Result<Report, TaskError> {
        let (mut decisions, mut reports, mut skipped) = (0, 0, 0);
        let mut recorded = Recorded::default();
        loop {
            let looked = services.store.make_decisions(now, EVENTS_AT_ONCE).await?;
            decisions += looked.decisions;
            if !looked.more {
                break;
            }
        }
        loop {
            let made = services.store.make_reports(now, &services.policy, REPORTS_AT_ONCE).await?;
            reports += made;
            if made == 0 || services.shutdown.is_requested() {
                break;
            }
        }
        let terms = ClaimTerms {
            limit: MAILS_AT_ONCE,
            lease: services.limits.lease,
            message_id_domain: services.mailer.message_id_domain().to_owned(),
        };
        let turned_away = TurnedAway::default();
        while !services.shutdown.is_requested() && !turned_away.is_noted() {
            let now = services.clock.now();
            let Some(mut claim) = services.store.claim_admin_mails(&terms, now, &services.policy).await? else { break };
            foretell(services, &mut claim).await?;
            if claim.mails.is_empty() && claim.skipped == 0 {
                break; // another daemon is at them
            }
            skipped += claim.skipped;
            send_all(services, &claim, &turned_away, &mut recorded).await;
        }
        let Recorded { sent, failed, deferred, waiting } = recorded;
        let others = skipped + failed + deferred + waiting;
        let changed = decisions + reports + sent + others > 0;
        let detail = json!({ "decisions": decisions, "planned": reports, "sent": sent, "not_sent": others });
        Ok(Report { changed, detail })
    }
}

/// Says in each decision that gives people a date whom it will be told to, as `forecast` has it.
async fn foretell(services: &Services, claim: &mut AdminClaim) -> Result<(), TaskError> {
    let mut foretold: BTreeMap<Id, (u64, Option<Timestamp>)> = BTreeMap::new();
    for mail in &mut claim.mails {
        let company = mail.message.company_id;
        let News::Decision(decision) = &mut mail.message.news else { continue };
        if !matches!(decision.action, Action::Set | Action::Moved | Action::Released) {
            continue;
        }
        if let std::collections::btree_map::Entry::Vacant(unknown) = foretold.entry(company) {
            let (key, now) = (company.to_string(), services.clock.now());
            let outlook = services.store.forecast(&key, Proposal::Nothing, now, &services.policy).await?;
            unknown.insert((outlook.forecast.mailed, outlook.forecast.first_mail_at));
        }
        (decision.people, decision.first_mail_at) = foretold[&company];
    }
    Ok(())
}

/// Sends the mails of a claim one by one, and records each outcome at once: what is sent and not recorded when the process
/// dies is sent again.
async fn send_all(services: &Services, claim: &AdminClaim, turned_away: &TurnedAway, recorded: &mut Recorded) {
    let mut offering = Offering::default();
    for mail in &claim.mails {
        let outcome = send_one(services, mail, claim.until, turned_away).await;
        recorded.count(outcome.result);
        offering.until_recorded(services, Of::AdminMails(claim.id), vec![outcome]).await;
    }
}

async fn send_one(
    services: &Services,
    mail: &ClaimedAdminMail,
    until: Timestamp,
    turned_away: &TurnedAway,
) -> MailOutcome {
    let message = &mail.message;
    let outgoing = Outgoing {
        mail_id: message.mail_id,
        kind: message.news.kind().as_str(),
        address: &message.address,
        attempt: mail.attempt,
        refused_since: mail.refused_since,
        maybe_received: false,
        until,
    };
    match begin(services, &outgoing, services.mailer.prepare_admin(message), turned_away).await {
        Ok(composed) => hand_over(services, &outgoing, &composed, None, turned_away).await,
        Err(outcome) => outcome,
    }
}
