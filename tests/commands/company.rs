//! `company`: the tables, and what is refused.

use super::sample::Sample;

#[tokio::test]
async fn companies_are_listed_shown_added_and_set() {
    let sample = Sample::new().await;
    insta::assert_snapshot!(sample.transcript(&[
        "company list",
        "company list --json",
        "company show acme",
        "company show 01980000-0000-7000-8000-00000000c002 --json",
        "company add --name 'Initech' --time-zone Asia/Tokyo --external-id initech --notice-days 30,7 --by 'Jo Diaz'",
        "company set acme --time-zone Europe/Paris --notice-days 14,7,1 --support-contact '' --by 'Jo Diaz'",
        "company set acme --time-zone Europe/Paris",
        "company set acme --mfa-available false --new-member-grace-days '' --json",
        "audit list",
    ]));
}

#[tokio::test]
async fn an_empty_list_says_what_to_do() {
    let sample = Sample::empty().await;
    insta::assert_snapshot!(sample.transcript(&["company list", "company list --json"]));
}

#[tokio::test]
async fn rubbish_about_companies_is_wrong_usage() {
    let sample = Sample::new().await;
    let refused = [
        "company add --name Initech",
        "company add --name Initech --time-zone Europe/Berln",
        "company add --name Initech --time-zone ''",
        "company add --name '' --time-zone Europe/Berlin",
        "company add --name \"$(printf 'two\\nlines')\" --time-zone Europe/Berlin",
        "company show \"$(printf 'two\\nlines')\"",
        "company show \"$(printf 'x%.0s' $(seq 300))\"",
        "user show ''",
        "company add --name Initech --time-zone Europe/Berlin --locale 'plain English'",
        "company add --name Initech --time-zone Europe/Berlin --mfa-available perhaps",
        "company set acme",
        "company set acme --notice-days 30,7,0",
        "company set acme --notice-days soon",
        "company set acme --new-member-grace-days 366",
        "company set acme --new-member-grace-days -1",
        "company set acme --enforcement-date 2027-01-15",
        "company set acme --time-zome Europe/Paris",
        "company shwo acme",
    ];
    insta::assert_snapshot!(sample.refusals(2, &refused).await);
}

#[tokio::test]
async fn what_is_not_there_or_taken_is_refused() {
    let sample = Sample::new().await;
    let refused = [
        "company show nobody",
        "company show 01980000-0000-7000-8000-00000000cfff --json",
        "company set nobody --name Somebody",
        "company add --name Other --time-zone Europe/Berlin --external-id acme",
        "company set globex --external-id acme",
    ];
    insta::assert_snapshot!(sample.refusals(1, &refused).await);
}
