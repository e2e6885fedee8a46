//! What is said about wrong settings, and how right ones are read.

use mfa_enforcer::config::smtp::{Encryption, MailServer, MailTarget};
use mfa_enforcer::mail::transport::Transport;

use crate::support::{bounce_settings, default_sections, notice_settings, smtp_settings};

#[test]
fn wrong_notice_settings_are_named_with_value_and_remedy() {
    assert!(notice_settings("").problems().is_empty());
    let wrong = notice_settings(
        r#"
        days_before = [0]
        announce_from = "20:00"
        from = "Ledger"
        reply_to = "Eve\r\n <eve@ledger.example>"
        product_name = ""
        sign_in_url = "http://ledger.example"
        menu_path = []
        support_contact = "two\nlines"
        template_dir = "/nowhere/at/all"
        logo = "/nowhere/logo.png"
        brand_color = "yellow"
        footer = "two\nlines"
        dkim_domain = "a.example; l=0"
        "#,
    );
    insta::assert_snapshot!("wrong_notice_settings", wrong.problems().join("\n\n"));
    for url in [
        "ledger.example",
        "ftp://ledger.example",
        "https://ada@ledger.example",
        "https://a b.example",
        "javascript:alert(1)",
    ] {
        assert_eq!(notice_settings(&format!("sign_in_url = '{url}'")).problems().len(), 1, "{url}");
    }
    assert!(notice_settings("sign_in_url = 'http://127.0.0.1:3000/'").problems().is_empty());
}

#[test]
fn a_domain_to_sign_for_is_one() {
    for domain in ["mail.ledger.example", "xn--bcher-kva.example"] {
        assert_eq!(notice_settings(&format!("dkim_domain = '{domain}'")).problems(), Vec::<String>::new());
    }
    let long = "a.".repeat(200) + "example";
    for none in ["x\\r\\nX-Evil: 1", "bücher.example", "user@a.example", ".", "a..b", "-a.example", "localhost", &long]
    {
        assert_eq!(notice_settings(&format!("dkim_domain = \"{none}\"")).problems().len(), 1, "{none}");
    }
}

#[test]
fn a_logo_that_is_no_picture_or_too_large_is_refused() {
    let file = tempfile::NamedTempFile::with_suffix(".png").unwrap();
    let settings = notice_settings(&format!("logo = '{}'", file.path().display()));
    for (bytes, expected) in [(vec![b'<'; 10], "is no PNG, JPEG or GIF file"), (vec![0; 102_401], "has 102401 bytes")] {
        std::fs::write(file.path(), bytes).unwrap();
        let problems = settings.problems();
        assert!(problems.len() == 1 && problems[0].contains(expected), "{problems:?}");
    }
}

#[test]
fn examples_are_no_settings_for_real_mail() {
    let part: toml::Table = toml::from_str(&default_sections()).unwrap();
    let defaults: mfa_enforcer::config::notices::NoticeSettings = part["notices"].clone().try_into().unwrap();
    let example = notice_settings("from = 'no-reply@example.com'\nsign_in_url = 'https://app.example.org/'");
    let smtp: mfa_enforcer::config::smtp::SmtpSettings = part["smtp"].clone().try_into().unwrap();
    let problems = [
        defaults.problems_for_real_mail(),
        example.problems_for_real_mail(),
        smtp.problems_for_real_mail(),
        smtp_settings("url = 'smtps://mail.example.com'").problems_for_real_mail(),
        smtp_settings("url = 'smtps://mail.acme.com smtps://mail.example.org'").problems_for_real_mail(),
    ];
    insta::assert_snapshot!("examples", problems.concat().join("\n\n"));
}

#[test]
fn wrong_smtp_settings_are_named_with_the_remedy_and_without_the_password() {
    let cases = [
        "url = 'mail.ledger.example'",
        "url = 'http://mail.ledger.example'",
        "url = 'file:'",
        "url = 'smtp://ada:s3cret@mail.ledger.example:587/x?tls=required'",
        "url = 'smtp://mail.ledger.example'\ntls = 'none'",
        "url = 'smtps://127.0.0.1'\ntls = 'none'",
        "url = 'smtps://ada@mail.ledger.example'",
        "url = 'smtps://mail.ledger.example'\npassword = 's3cret'",
        "url = 'smtps://ada:s3cret@mail.ledger.example'\npassword = 's3cret'",
        "url = 'smtps://ada:s3cret@mail.ledger.example'\nusername = 'bob'",
        "url = 'smtps://mail.ledger.example'\nurl_file = '/nowhere'",
        "url_file = '/nowhere'",
        "url = 'smtps://one.ledger.example file:mails'",
        "url = 'file:mails smtps://one.ledger.example'",
        "url = 'file:mails file:more'",
        "url = 'smtps://one.ledger.example mail.ledger.example'",
        "url = 'smtps://one.ledger.example, smtps://two.ledger.example'",
        "url = 'smtps://ada:s3cret@one.ledger.example smtps://bob:s3cret@two.ledger.example'\nusername = 'eve'\npassword = 's3cret'",
        "url = 'smtps://one.ledger.example smtps://two.ledger.example'\npassword = 's3cret'",
        "url = 'smtps://ada:s3cret@one.ledger.example smtps://two.ledger.example'\nusername = 'eve'",
        "max_connections = 0\ntimeout = '1h'\nhello_name = 'not a name'",
    ];
    let problems: Vec<_> = cases.iter().map(|case| smtp_settings(case).problems().join("\n")).collect();
    let all = problems.join("\n\n");
    assert!(!all.contains("s3cret"), "{all}");
    insta::assert_snapshot!("wrong_smtp_settings", all);
}

#[test]
fn a_wrong_ca_file_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    for (path, reason) in [("/nowhere.pem", "cannot be read"), (file.path().to_str().unwrap(), "holds no certificate")]
    {
        let settings = smtp_settings(&format!("url = 'smtps://mail.ledger.example'\nca_file = '{path}'"));
        let error = Transport::from_settings(&settings).unwrap_err();
        assert!(error.starts_with(&format!("smtp.ca_file = \"{path}\" {reason}")), "{error}");
    }
}

#[test]
fn encryption_is_required_unless_the_server_is_this_machine() {
    let server = |settings: &str| match smtp_settings(settings).target().unwrap().unwrap() {
        MailTarget::Servers(mut servers) => {
            let server = servers.remove(0);
            (server.host, server.port, server.encryption)
        }
        MailTarget::Folder(folder) => panic!("{folder:?}"),
    };
    let of = |host: &str, port, encryption| (host.to_owned(), port, encryption);
    assert_eq!(server("url = 'smtps://mail.ledger.example'"), of("mail.ledger.example", 465, Encryption::Implicit));
    assert_eq!(server("url = 'smtp://mail.ledger.example'"), of("mail.ledger.example", 587, Encryption::StartTls));
    assert_eq!(server("url = 'smtp://localhost'"), of("localhost", 25, Encryption::Plain));
    assert_eq!(server("url = 'smtp://[::1]:2525'"), of("::1", 2525, Encryption::Plain));
    assert_eq!(server("url = 'smtp://127.0.0.1'\ntls = 'required'"), of("127.0.0.1", 587, Encryption::StartTls));
    assert_eq!(server("url = 'smtp://127.0.0.1:25'\ntls = 'none'"), of("127.0.0.1", 25, Encryption::Plain));
    // A name that only looks like this machine is another one.
    assert_eq!(server("url = 'smtp://localhost.evil.example'").2, Encryption::StartTls);
}

/// Each server, with the user and password after it.
fn servers(settings: &str) -> Vec<String> {
    let Some(MailTarget::Servers(servers)) = smtp_settings(settings).target().unwrap() else { panic!("no server") };
    let shown = |server: &MailServer| match &server.credentials {
        Some((name, password)) => {
            format!("{} {name} {}", server.place(), secrecy::ExposeSecret::expose_secret(password))
        }
        None => server.place(),
    };
    servers.iter().map(shown).collect()
}

#[test]
fn several_servers_are_named_in_one_url() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("urls");
    std::fs::write(&file, "smtps://one.example\n\n  smtp://ada:hers@two.example:2525\r\n").unwrap();
    let of_file = format!("url_file = {file:?}");
    assert_eq!(servers(&of_file), ["one.example:465", "two.example:2525 ada hers"]);
    // The common name and password are for those that have none of their own.
    let common = format!("{of_file}\nusername = 'mfa'\npassword = 'ours'");
    assert_eq!(servers(&common), ["one.example:465 mfa ours", "two.example:2525 ada hers"]);
    let password = "url = 'smtps://ada@one.example smtps://two.example'\npassword = 'ours'";
    assert_eq!(servers(password), ["one.example:465 ada ours", "two.example:465"]);
}

#[test]
fn a_folder_may_have_a_space_in_its_name() {
    let target = smtp_settings("url = 'file:mails to nobody'").target().unwrap();
    assert!(matches!(target, Some(MailTarget::Folder(folder)) if folder == std::path::Path::new("mails to nobody")));
}

#[test]
fn secrets_may_stand_in_files() {
    let folder = tempfile::tempdir().unwrap();
    let (url, password) = (folder.path().join("url"), folder.path().join("password"));
    std::fs::write(&url, "smtps://mail.ledger.example\n").unwrap();
    std::fs::write(&password, "s3cret\n").unwrap();
    let settings = smtp_settings(&format!("url_file = {url:?}\nusername = 'ada'\npassword_file = {password:?}"));
    let Some(MailTarget::Servers(mut servers)) = settings.target().unwrap() else { panic!("no server") };
    let (name, password) = servers.remove(0).credentials.unwrap();
    assert_eq!((name.as_str(), secrecy::ExposeSecret::expose_secret(&password)), ("ada", "s3cret"));
    assert!(!format!("{settings:?}").contains("s3cret"));
}

#[test]
fn wrong_bounce_settings_are_named_with_value_and_remedy() {
    let fine = "maildir = '/srv/mail/bounces'\nlmtp_socket = '/run/lmtp'\nwebhook_token = 'a token of enough'";
    assert_eq!(bounce_settings(fine).problems(), Vec::<String>::new());
    assert_eq!(bounce_settings("address = ''\nkey = ''").problems(), Vec::<String>::new());
    for (changes, expected) in [
        (
            "address = 'bounces'",
            "bounces.address = \"bounces\" is not a mail address: write it as bounces@mail.example.com",
        ),
        (
            "address = 'bounces+x@ledger.example'",
            "bounces.address = \"bounces+x@ledger.example\" has a '+': leave it and what",
        ),
        (
            "address = 'sixteen-letters-@ledger.example'",
            "leaves no room for what each mail adds to it: give one of at most 15",
        ),
        ("address = 'bouncés@ledger.example'", "give one of at most 15 letters, digits, dots and hyphens"),
        ("key = ''", "bounces.address is set without a key: set bounces.key_file"),
        ("key = 'fifteen s3cret.'", "bounces.key is too short (it is not shown): give at least 16"),
        ("webhook_token = 's3cret'", "bounces.webhook_token is too short (it is not shown)"),
        (
            "address = ''\nmaildir = '/srv/x'",
            "bounces.maildir = \"/srv/x\" is set without an address: set bounces.address",
        ),
        ("address = ''\nlmtp_socket = '/run/x'", "bounces.lmtp_socket = \"/run/x\" is set without an address"),
    ] {
        let problems = bounce_settings(changes).problems();
        assert!(problems.len() == 1 && problems[0].contains(expected), "{changes}: {problems:?}");
        assert!(!problems[0].contains("s3cret"), "{problems:?}");
    }
    let example = bounce_settings("address = 'bounces@mail.example.com'").problems_for_real_mail();
    assert!(example.len() == 1 && example[0].contains("is an example: put an address of yours"), "{example:?}");
}
