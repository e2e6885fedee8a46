//! `forecast`: by day, for a date that stands and for one that might; nothing is changed.

use super::enforcement::with_initech;

#[tokio::test]
async fn what_comes_is_told_by_day() {
    let sample = with_initech().await;
    let before = sample.db.dump().await;
    let seen = sample.transcript(&[
        "forecast globex",
        "forecast acme",
        "forecast initech --date 2027-01-15",
        "forecast initech --date 2026-12-03",
        "forecast initech --date 2027-01-15 --json",
    ]);
    assert_eq!(sample.db.dump().await, before);
    insta::assert_snapshot!(seen);
}

#[tokio::test]
async fn rubbish_about_a_forecast_is_refused() {
    let sample = with_initech().await;
    insta::assert_snapshot!("usage", sample.refusals(2, &["forecast", "forecast initech --date 15.01.2027"]).await);
    insta::assert_snapshot!("failed", sample.refusals(1, &["forecast nobody"]).await);
}
