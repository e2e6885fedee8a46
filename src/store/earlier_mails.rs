//! Mails that were tried before: whether they are tried again.

use std::collections::{BTreeMap, BTreeSet};

use super::StoreError;
use super::predicate::is_shelved;
use super::requirements::{id_batch, id_rows};
use super::sql::{Row, Tx};
use super::values::bind;
use crate::domain::delivery::{Again, EarlierMail, NoticeFacts};
use crate::domain::ids::Id;

/// The mail that a notice was tried with, of whose row `maybe_received` and `mail_state` are known.
pub(super) fn earlier_mail(id: Id, row: &Row) -> Result<EarlierMail, StoreError> {
    let state = row.text("mail_state")?;
    let again = if matches!(state.as_deref(), Some("sending" | "deferred")) { Again::Now } else { Again::Never };
    Ok(EarlierMail { id, maybe_received: row.get::<Option<bool>>("maybe_received")?.unwrap_or(false), again })
}

/// Of the notices that are about to be sent, sees that no mail is tried again with a part of what it carried: the rest, whose company's
/// row is being changed, or is held, would count as told by it. What may have been received waits for the rest, but not for what has
/// been put aside for long.
pub(super) async fn keep_whole(tx: &mut Tx, notices: Vec<&mut NoticeFacts>) -> Result<(), StoreError> {
    let is_tried = |mail: &EarlierMail| mail.again == Again::Now;
    let mails: BTreeSet<Id> =
        notices.iter().filter_map(|notice| notice.mail.filter(is_tried)).map(|mail| mail.id).collect();
    if mails.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "SELECT n.id, l.id AS mail_id, (e.state = 'held' OR {}) AS put_aside FROM {} JOIN mails AS l ON l.id = batch.id
         JOIN notices AS n ON n.user_id = l.user_id AND n.mail_id = l.id JOIN enforcements AS e ON e.id = n.enforcement_id
         LEFT JOIN companies AS c ON c.id = e.company_id WHERE n.state IN ('pending', 'sending')",
        is_shelved(),
        id_rows(tx, 1)
    );
    let here: BTreeSet<Id> = notices.iter().map(|notice| notice.id).collect();
    let mut is_rest_awaited: BTreeMap<Id, bool> = BTreeMap::new();
    for row in tx.fetch_all(&sql, bind![id_batch(mails)]).await? {
        if !here.contains(&row.get("id")?) {
            *is_rest_awaited.entry(row.get("mail_id")?).or_default() |= !row.get::<bool>("put_aside")?;
        }
    }
    for mail in notices.into_iter().filter_map(|notice| notice.mail.as_mut()) {
        if let Some(is_awaited) = is_rest_awaited.get(&mail.id) {
            mail.again = match (mail.maybe_received, is_awaited) {
                (false, _) => Again::Never,
                (true, true) => Again::WithTheRest,
                (true, false) => Again::Now,
            };
        }
    }
    Ok(())
}
