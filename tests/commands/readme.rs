//! The README: its commands and statements work as they stand there.

use super::sample::Sample;
use crate::support::{TestDatabase, on_both, project_folder};

/// The fenced blocks of this language in the README.
fn blocks(language: &str) -> Vec<String> {
    let text = std::fs::read_to_string(project_folder().join("README.md")).unwrap();
    let fence = format!("```{language}\n");
    text.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn its_commands_work_in_their_order() {
    let mut tried = 0;
    for block in blocks("sh") {
        let sample = Sample::new().await;
        for line in block.lines().filter(|line| line.starts_with("mfa-enforcer ")) {
            let seen = sample.shell(line, &[]);
            assert_eq!(seen.code, 0, "{line}\n{}{}", seen.stdout, seen.stderr);
            tried += 1;
        }
    }
    assert!(tried >= 10, "only {tried} commands were found");
}

#[tokio::test]
async fn its_picture_is_what_the_demo_shows() {
    let sample = Sample::empty().await;
    let seen = sample.shell("mfa-enforcer demo --dir shown", &[]);
    assert_eq!(seen.code, 0, "{}", seen.stderr);
    let pictures = blocks("text");
    assert_eq!(pictures.len(), 1);
    assert!(seen.stdout.starts_with(&pictures[0]), "the demo shows something else by now:\n{}", seen.stdout);
}

on_both!(its_statements_work);

async fn its_statements_work(db: &TestDatabase) {
    let statements = blocks("sql");
    assert_eq!(statements.len(), 2, "{statements:?}");
    let company = crate::support::vendor::add_company(db, 1).await;
    db.execute(&format!("UPDATE companies SET external_id = 'acme' WHERE id = '{company}'")).await;
    let user = crate::support::vendor::add_user(db, 1).await;
    db.execute(&statements[0]).await;
    assert_eq!(db.value("SELECT enforcement_date FROM companies").await, "2027-01-15");
    let asked = statements[1].replace("$1", &format!("'{user}'"));
    let answer = db.rows(asked.trim_end().trim_end_matches(';')).await;
    assert_eq!(answer.len(), 1, "{answer:?}");
    assert_eq!(answer[0].len(), 3, "{answer:?}");
}
