//! `notice preview`: what notices look like, before anybody gets one.

use std::fs;

use mfa_enforcer::domain::notice::NoticeKind;
use mfa_enforcer::mail::sample;

use crate::installation::Installation;
use crate::support::{TestDatabase, on_both};

on_both!(a_user_s_own_words_steps_and_dates_are_shown);

/// Without a database, which no sample needs.
fn nowhere() -> Installation {
    let mut installation = Installation::bare();
    installation.set("database.url", "sqlite://no-such-folder/mfa.db").unset("notices.from").unset("smtp.url");
    installation
}

#[tokio::test]
async fn one_kind_is_shown_as_text_or_json() {
    let installation = nowhere();
    let text = installation.succeeds(&["notice", "preview", "--kind", "final_reminder"]).await;
    insta::assert_snapshot!(text);
    let json = installation.succeeds(&["notice", "preview", "--kind", "final_reminder", "--json"]).await;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["name"], &json["language"]), (&"final_reminder".into(), &"en".into()));
    assert_eq!(
        text,
        format!("Subject: {}\n\n{}\n", json["subject"].as_str().unwrap(), json["text"].as_str().unwrap().trim_end())
    );
    assert!(json["html"].as_str().unwrap().starts_with("<!"));
    // Announcements are what one thinks of first.
    let announcement = installation.succeeds(&["notice", "preview", "--kind", "announcement"]).await;
    assert_eq!(installation.succeeds(&["notice", "preview"]).await, announcement);
}

#[tokio::test]
async fn every_kind_is_written_into_a_folder_to_look_through() {
    let mut installation = nowhere();
    let said = installation.succeeds(&["notice", "preview", "--all", "a/b"]).await;
    let (cases, languages) = (NoticeKind::ALL.len() + 6 + sample::admin_gallery().len(), 7);
    assert_eq!(said, format!("Wrote {} mails into a/b: open a/b/index.html.\n", cases * languages));
    let folder = installation.folder().join("a/b");
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let index = read("index.html");
    for language in ["en", "de", "zh-Hant"] {
        for kind in NoticeKind::ALL.iter().map(|kind| kind.as_str()).chain([
            "several-companies",
            "now_required-payee",
            "decision-set",
            "digest",
            "day_report",
        ]) {
            let name = format!("{language}/{kind}");
            assert!(read(&format!("{name}.html")).contains(&format!("<html lang=\"{language}\"")));
            assert!(read(&format!("{name}.txt")).starts_with("Subject: "));
            let eml = read(&format!("{name}.eml"));
            assert!(eml.contains("\r\nSubject: ") && eml.contains("multipart/alternative"), "{eml}");
            for form in ["html", "txt", "eml"] {
                assert!(index.contains(&format!("href=\"{name}.{form}\"")), "{index}");
            }
        }
    }
    // Again into the same folder, with a picture that a browser shows without the mail, one language alone, and all of it on the terminal.
    fs::write(installation.folder().join("logo.gif"), "GIF89a").unwrap();
    installation.set("notices.logo", "logo.gif");
    installation.succeeds(&["notice", "preview", "--all", "a/b", "--json"]).await;
    assert!(read("en/reminder.html").contains("src=\"data:image/gif;base64,R0lGODlh\""));
    let german = installation.succeeds(&["notice", "preview", "--language", "DE"]).await;
    assert!(german.starts_with("Subject: Ab Freitag, 15. Januar 2027 verlangt Globex"), "{german}");
    let all = installation.succeeds(&["notice", "preview", "--all"]).await;
    assert_eq!(all.lines().filter(|line| line.starts_with("=== ")).count(), NoticeKind::ALL.len());
}

#[tokio::test]
async fn what_cannot_be_shown_is_said() {
    let mut installation = nowhere();
    fs::write(installation.folder().join("file"), "").unwrap();
    let message = installation.fails(&["notice", "preview", "file"]).await;
    assert_eq!(message, "mfa-enforcer: cannot write to the folder file: File exists (os error 17); name another");
    let message = installation.fails(&["notice", "preview", "--language", "xx"]).await;
    let expected = "mfa-enforcer: there are no notices in 'xx': use one of en, de, es, fr, it, pt, zh-Hant";
    assert!(message.starts_with(expected), "{message}");
    for (arguments, expected) in [
        (&["--kind", "bill"][..], "possible values: announcement"),
        (&["--kind", "welcome", "--all"], "cannot be used with"),
        (&["--user", "u-1"], "--company <COMPANY>"),
        (&["--date", "15/01/2027", "--user", "u-1", "--company", "acme"], "2027-01-15"),
    ] {
        let ended = installation.run(&[&["notice", "preview"], arguments].concat()).await;
        assert_eq!(ended.code, Some(2), "{arguments:?}");
        assert!(ended.stderr.contains(expected), "{}", ended.stderr);
    }
    fs::create_dir_all(installation.folder().join("templates/frame")).unwrap();
    fs::write(installation.folder().join("templates/frame/body.txt"), "\n{{ nmae }}").unwrap();
    installation.set("notices.template_dir", "templates");
    let message = installation.fails(&["notice", "preview"]).await;
    assert!(
        message.starts_with("mfa-enforcer: templates/frame/body.txt:2: there is no variable 'nmae' here"),
        "{message}"
    );
}

const ROWS: &str = "
INSERT INTO companies (id, external_id, name, time_zone, support_contact) VALUES
    ('0c000000-0000-4000-8000-000000000001', 'acme', 'Acme <b>', 'Europe/Berlin', 'it@acme.test'),
    ('0c000000-0000-4000-8000-000000000002', 'globex', 'Globex', 'Europe/Paris', NULL);
INSERT INTO users (id, external_id, email, name, time_zone, country, mfa_enrolled_at) VALUES
    ('0e000000-0000-4000-8000-000000000001', 'u-1', 'li@acme.test', 'Li', 'Asia/Tokyo', 'JP', NULL),
    ('0e000000-0000-4000-8000-000000000002', 'u-2', 'jo@acme.test', 'Jo', NULL, 'DE', '2026-01-01T00:00:00.000000Z');
INSERT INTO memberships (company_id, user_id) VALUES
    ('0c000000-0000-4000-8000-000000000001', '0e000000-0000-4000-8000-000000000001'),
    ('0c000000-0000-4000-8000-000000000001', '0e000000-0000-4000-8000-000000000002');
";

async fn a_user_s_own_words_steps_and_dates_are_shown(db: &TestDatabase) {
    db.execute(ROWS).await;
    let mut installation = Installation::on(db);
    installation.set("clock.simulated", "true");
    let preview = async |user: &str, more: &[&str]| {
        let at = ["notice", "preview", "--at", "2026-12-01T10:00:00Z", "--user", user, "--company", "acme"];
        installation.run(&[&at, more].concat()).await
    };
    let ended = preview("u-1", &[]).await;
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.ends_with("has no date yet: give one to try with --date\n"), "{}", ended.stderr);

    // In Tokyo, where no text messages are allowed, the day begins eight hours before Berlin's.
    let ended = preview("u-1", &["--date", "2027-01-15"]).await;
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    insta::assert_snapshot!("a_users_own_words", ended.stdout);

    db.execute("UPDATE companies SET enforcement_date = '2027-03-01' WHERE external_id = 'acme'").await;
    let before = db.dump().await;
    let ended = preview("li@acme.test", &["--kind", "reminder"]).await;
    assert!(ended.stdout.starts_with("Subject: In 30 days: Acme <b> needs"), "{}", ended.stdout);
    let ended = preview("u-2", &["--all", "jo"]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(ended.stderr.lines().filter(|line| line.ends_with(": enrolled")).count(), NoticeKind::ALL.len());
    let html = fs::read_to_string(installation.folder().join("jo/en/announcement.html")).unwrap();
    assert!(html.contains("Acme &lt;b&gt;"), "{html}");
    assert!(fs::read_to_string(installation.folder().join("jo/index.html")).unwrap().contains("Acme &lt;b&gt;"));

    let outsider = ["notice", "preview", "--user", "u-1", "--company", "globex", "--at", "2026-12-01T10:00:00Z"];
    let message = installation.fails(&outsider).await;
    assert!(message.contains("is no member of the company"), "{message}");
    assert_eq!(db.dump().await, before, "nothing is changed");
}
