//! What befalls a mail server besides being killed. The daemon says what is going on, waits after each attempt, and goes on by
//! itself; whoever is to be required becomes so meanwhile (R4).

use mfa_enforcer::clock::Clock;

use super::house::House;
use super::people::{FLIPPED, add_enrolled_company_of, give_date, let_the_day_come};
use super::site::Site;
use super::switch::{Switch, Way};
use crate::process::eventually;
use crate::support::{Kind, folder_in_memory};

const PEOPLE: usize = 12;

#[tokio::test]
async fn a_server_that_hangs_is_waited_for() {
    breaks(Way::Silent, "no answer from").await;
}

#[tokio::test]
async fn a_server_in_a_black_hole_is_waited_for() {
    breaks(Way::Unanswered, "no answer from").await;
}

#[tokio::test]
async fn a_server_that_answers_rubbish_is_waited_for() {
    breaks(Way::Rubbish, "a mail was not sent").await;
}

async fn breaks(way: Way, said: &str) {
    let house = House::new(Kind::Sqlite, folder_in_memory()).await;
    let line = Switch::new(way);
    let url = format!("smtp://127.0.0.1:{}", line.port);
    let settings = [("smtp.url", url.as_str()), ("smtp.timeout", "1s"), ("schedule.retry_most", "8s")];
    let mut site = Site::of(house, Way::Refused, &settings).await;
    site.add(PEOPLE).await;
    let flipped = add_enrolled_company_of(&site.house.db, FLIPPED, PEOPLE).await;
    let known = "SELECT count(*) FROM memberships WHERE reviewed";
    eventually("all are known", async || (site.house.number(known).await == 2 * PEOPLE).then_some(())).await;
    site.house.db.execute(&give_date(flipped)).await;
    site.daemon.says("a mail server does not work").await;
    site.daemon.says(said).await;

    let day = Clock::System.now();
    let required = format!("{}; SELECT count(*) FROM requirements", let_the_day_come(flipped, day));
    eventually("mail has no say in it", async || (site.house.number(&required).await == PEOPLE).then_some(())).await;

    // Each waits after each attempt.
    let waits = "SELECT count(*) FROM notices JOIN mails ON mails.id = notices.mail_id
        WHERE notices.attempts >= 3 AND mails.state = 'deferred' AND notices.next_attempt_at > mails.attempted_at";
    eventually("they are tried again", async || (site.house.number(waits).await > 0).then_some(())).await;
    assert!(site.metric("mfa_enforcer_smtp_errors_total{class=\"transient\"}").await >= 3.0);
    let put_off = "mfa_enforcer_mails_total{kind=\"announcement\",outcome=\"put_off\"}";
    assert!(site.metric(put_off).await >= 3.0);
    line.lead(Way::To(site.house.sink.port));
    site.recovers().await;
    drop(line);
}
