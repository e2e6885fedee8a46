//! `import`: good lines are kept, bad ones told with number and reason, and files that are none refused whole.

use std::fmt::Write as _;

use super::sample::{Sample, Seen};
use crate::support::Kind;

fn import(sample: &Sample, what: &str, name: &str, contents: impl AsRef<[u8]>) -> Seen {
    sample.write(name, contents);
    sample.shell(&format!("mfa-enforcer import {what} {name}"), &[])
}

#[tokio::test]
async fn good_lines_are_kept_and_bad_ones_told() {
    let sample = Sample::new().await;
    let companies = import(
        &sample,
        "companies",
        "companies.csv",
        b"external_id,name,time_zone,locale,mfa_available,enforcement_date,notice_days,new_member_grace_days\n\
          acme,,,,,,\"[30,7]\",\n\
          globex,Globex,America/New_York,,no,,,\n\
          initech,\"Initech, \"\"Inc.\"\"\",America/Chicago,pt_BR,TRUE,2027-03-01,,30\n\
          \n\
          hooli,Hooli,America/Los_Angles,,,,,\n\
          umbrella,,Europe/London,,,,,\n\
          initech,Initech,America/Chicago,,,,,\n\
          x-1,X,UTC,,,15/01/2027,,\n\
          x-2,X,UTC,,maybe,,,\n\
          x-3,X,UTC,,,,\"[0]\",\n\
          x-4,X,UTC,,,,,-1\n\
          x-5,X\n\
          x-6,\"X,UTC,,,,,\n\
          x-7,X\xff,UTC,,,,,\n\
          ,X,UTC,,,,,\n\
          last,Last,UTC,,,,,"
            .as_slice(),
    );
    let users = import(
        &sample,
        "users",
        "users.jsonl",
        r#"{"external_id": "u-1", "name": "Jo D.", "company": "globex", "role": "admin"}
{"external_id": "u-2", "company": "acme", "mfa_enrolled_at": null}
{"external_id": 7, "email": "seven@example.org", "name": "Seven", "sso": 1, "payee": true, "mfa_enrolled_at": "2026-11-01 08:00:00+00", "mfa_method": "sms"}
{"external_id": "y-1", "email": "y", "name": "Y"}
{"external_id": "y-2", "email": "y@example.org", "name": "Y\u001b[31m"}
{"external_id": "y-3", "email": "y@example.org", "name": "Y", "mfa_required_at": "2026-11-01T08:00:00Z"}
{"external_id": "y-4", "email": "y@example.org", "nmae": "Y"}
{"external_id": "y-5", "email": "y@example.org", "name": "Y", "company": "nobody"}
{"external_id": "y-6", "email": "y@example.org", "name": "Y", "role": "admin"}
{"external_id": "y-7", "email": "y@example.org", "name": "Y", "company": "acme", "role": "boss"}
{"external_id": "y-8", "email": "y@example.org", "name": "Y", "country": "Germany"}
{"external_id": "y-9", "email": "y@example.org", "name": "Y", "company": "acme", "exempt_until": "2027-03-01"}
{"external_id": "y-10", "email": "y@example.org", "name": "Y", "company": "acme", "exempt_until": "2027-03-01T00:00:00Z"}
{"external_id": "y-11", "email": "y@example.org", "name": {"first": "Y"}}
{"external_id": "y-12", "email": "y@example.org"}
{"external_id": "u-1", "company": "globex"}
["y-13"]
{"external_id": "y-14", 
{"email": "y@example.org", "name": "Y"}
{"external_id": "y-15", "email": "y@example.org", "name": "Y", "id": "01980000-0000-7000-8000-00000000e001"}
{"external_id": "y-16", "email": "y@example.org", "name": "Y", "mfa_method": "sms"}
"#,
    );
    insta::assert_snapshot!(companies.shown(&sample) + &users.shown(&sample));
    let rows = "SELECT external_id, name, time_zone, locale, mfa_available, enforcement_date, enforcement_set_by,
         notice_days, new_member_grace_days FROM companies ORDER BY external_id";
    let rows = sample.db.rows(rows).await;
    let expected = [
        ["acme", "Acme", "Europe/Berlin", "en", "1", "null", "null", "[30,7]", "null"],
        ["globex", "Globex", "America/New_York", "en", "0", "null", "null", "null", "null"],
        ["initech", "Initech, \"Inc.\"", "America/Chicago", "pt-BR", "1", "2027-03-01", "cli", "null", "30"],
        ["last", "Last", "UTC", "en", "1", "null", "null", "null", "null"],
    ];
    assert_eq!(rows, expected);
    let users = sample.db.rows("SELECT external_id, name, mfa_enrolled_at FROM users ORDER BY external_id").await;
    let users: Vec<_> = users.iter().map(|row| row.join("|").replace('\u{1b}', "ESC").replace('\n', "LF")).collect();
    let expected = [
        "7|Seven|2026-11-01T08:00:00.000000Z",
        "u-1|Jo D.|null",
        "u-2|李|null",
        "u-3|Sam|null",
        "u-4|Sam the second|null",
        "u-5|EvilESC[31mLFroot|null",
    ];
    assert_eq!(users, expected);
}

#[tokio::test]
async fn the_same_file_again_changes_nothing() {
    let sample = Sample::new().await;
    let mut text = sample.transcript(&["import companies companies.csv", "import users users.csv --json"]);
    let before = sample.db.dump().await;
    text += &sample.transcript(&["import companies companies.csv", "import users users.csv --json"]);
    assert_eq!(sample.db.dump().await, before);
    text += &sample.transcript(&["audit list"]);
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn files_as_spreadsheets_write_them_are_read() {
    let sample = Sample::new().await;
    let seen =
        import(&sample, "users", "users.csv", "\u{feff}external_id , email,name\r\nn-1, n@example.org , N N\r\n\r\n");
    assert_eq!((seen.code, seen.stderr.as_str()), (0, ""));
    let row = sample.db.rows("SELECT email, name FROM users WHERE external_id = 'n-1'").await;
    assert_eq!(row, [["n@example.org", "N N"]]);
}

#[tokio::test]
async fn bad_lines_of_a_large_file_cost_themselves_alone() {
    let sample = Sample::new().await;
    let mut file = "external_id,email,name,company\n".to_owned();
    for number in 0..2500 {
        let address = if number % 500 == 499 { "none".to_owned() } else { format!("n{number}@example.org") };
        writeln!(file, "n-{number},{address},N,acme").unwrap();
    }
    let long = "x".repeat(200_000);
    writeln!(file, "long,{long}@example.org,N,acme\nafter,after@example.org,N,acme").unwrap();
    let seen = import(&sample, "users", "users.csv", file);
    assert_eq!(seen.code, 1);
    assert_eq!(seen.stdout, "2502 lines: 2496 added, 0 changed, 0 unchanged, 6 bad.\n");
    let lines: Vec<&str> = seen.stderr.lines().map(|line| line.split(": ").nth(1).unwrap()).collect();
    let expected = [501, 1001, 1501, 2001, 2501, 2502].map(|line| format!("users.csv:{line}"));
    assert_eq!(lines, expected);
    assert!(seen.stderr.len() < 2000, "a long line is not repeated: {}", seen.stderr);
    assert_eq!(sample.db.value("SELECT count(*) FROM users WHERE external_id = 'after'").await, "1");
    assert_eq!(sample.db.value("SELECT count(*) FROM audit_events WHERE action = 'users_imported'").await, "3");
}

const COMPANIES: &str = "external_id,name,time_zone\na,A,UTC\nb,B,UTC\nc,C,UTC\n";

#[tokio::test]
async fn users_who_are_in_every_batch_are_added_once() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let sample = Sample::empty_in(kind).await;
        import(&sample, "companies", "companies.csv", COMPANIES);
        let mut file = "external_id,email,name,company\n".to_owned();
        for company in ["a", "b", "c"] {
            for number in 0..1000 {
                writeln!(file, "n-{number},n{number}@example.org,N,{company}").unwrap();
            }
        }
        let seen = import(&sample, "users", "users.csv", file);
        assert_eq!(
            (seen.stdout.as_str(), seen.stderr.as_str()),
            ("3000 lines: 3000 added, 0 changed, 0 unchanged, 0 bad.\n", "")
        );
        assert_eq!(sample.db.value("SELECT count(*) FROM users").await, "1000");
        assert_eq!(sample.db.value("SELECT count(*) FROM memberships").await, "3000");
    }
}

#[tokio::test]
async fn what_is_stored_when_a_batch_fails_is_told() {
    for (kind, refusal) in [
        (
            Kind::Sqlite,
            "CREATE TRIGGER refuse BEFORE INSERT ON users WHEN NEW.name = 'Nobody' BEGIN SELECT RAISE(ABORT, 'not here'); END",
        ),
        (Kind::Postgres, "ALTER TABLE users ADD CONSTRAINT refuse CHECK (name <> 'Nobody')"),
    ] {
        let sample = Sample::empty_in(kind).await;
        sample.db.execute(refusal).await;
        let mut file = "external_id,email,name\n".to_owned();
        for number in 0..20_000 {
            let name = if number == 1500 { "Nobody" } else { "N" };
            writeln!(file, "n-{number},n{number}@example.org,{name}").unwrap();
        }
        let seen = import(&sample, "users", "users.csv", file);
        let stored = sample.db.value("SELECT count(*) FROM users").await;
        assert_eq!((seen.code, seen.stdout.as_str()), (1, ""));
        assert!(seen.stderr.contains("stopped early; so far:"), "{}", seen.stderr);
        assert!(
            seen.stderr.contains(&format!(" lines: {stored} added, 0 changed, 0 unchanged, 0 bad.")),
            "{stored}: {}",
            seen.stderr
        );
        assert!(stored.parse::<u32>().unwrap() < 10_000, "no batch begins after that: {stored}");
    }
}

#[tokio::test]
async fn files_that_are_none_are_refused_whole() {
    let sample = Sample::new().await;
    std::fs::create_dir(sample.path().join("folder.csv")).unwrap();
    let good_row = "a-1,a@example.org,A,x";
    for (name, header) in [
        ("empty.csv", ""),
        ("latin1.csv", ""),
        ("unknown.csv", "external_id,email,nmae,x"),
        ("daemons.csv", "external_id,email,name,mfa_required_at"),
        ("ids.csv", "external_id,email,name,user_id"),
        ("twice.csv", "external_id,email,name,name"),
        ("keyless.csv", "email,name,company,role"),
        ("semicolons.csv", "external_id;email;name"),
        ("quote.csv", "external_id,\"email,name,company"),
    ] {
        let contents = if header.is_empty() { String::new() } else { format!("{header}\n{good_row}\n") };
        sample.write(name, contents);
    }
    sample.write("latin1.csv", b"external_id,\xe9mail\n");
    let failed = [
        "import users empty.csv",
        "import users latin1.csv",
        "import users unknown.csv",
        "import users daemons.csv",
        "import users ids.csv",
        "import users twice.csv",
        "import users keyless.csv",
        "import users semicolons.csv",
        "import users quote.csv",
        "import users folder.csv",
        "import users missing.csv",
        "import companies users.csv",
    ];
    let usage = [
        "import users head.txt",
        "import users -",
        "import users",
        "import",
        "import people users.csv",
        "import users users.csv --format xml",
    ];
    let text = sample.refusals(1, &failed).await + &sample.refusals(2, &usage).await;
    insta::assert_snapshot!(text);
}
