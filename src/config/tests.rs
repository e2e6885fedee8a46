use secrecy::ExposeSecret as _;

use super::schema::Schema;
use super::*;

fn loaded(file: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("settings.toml");
    std::fs::write(&path, file).unwrap();
    let variables: Vec<_> = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Config::load(Some(&path), variables.into_iter())
}

#[test]
fn the_defaults_are_those_of_the_pure_core() {
    let config = Config::load(None, std::iter::empty()).unwrap();
    assert_eq!(format!("{:?}", config.policy()), format!("{:?}", Policy::default()));
}

#[test]
fn every_default_is_a_setting_with_a_comment() {
    let text = include_str!("../../config/default.toml");
    let lines: Vec<_> = text.lines().collect();
    let mut settings = 0;
    for (number, line) in lines.iter().enumerate() {
        if let Some((key, _)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) {
            assert!(lines[number - 1].starts_with("# "), "{key} has no comment");
            settings += 1;
        }
    }
    assert_eq!(Schema::built_in().unwrap().keys().count(), settings);
    assert!(loaded(text, &[]).is_ok());
}

#[test]
fn the_environment_lies_over_the_file_and_the_file_over_the_defaults() {
    let config = loaded(
        "[schedule]\ntick = '1m'\nchunk = 7\n[http]\nlisten = ''\n",
        &[
            ("MFA_ENFORCER__SCHEDULE__TICK", "2m"),
            ("MFA_ENFORCER__NOTICES__DAYS_BEFORE", "5,10,1, 5"),
            ("MFA_ENFORCER__METHODS__SMS_COUNTRIES", "['de', 'US']"),
            ("MFA_ENFORCER__CLOCK__SIMULATED", "true"),
            ("MFA_ENFORCER_CONFIG", "elsewhere"),
        ],
    )
    .unwrap();
    assert_eq!(config.schedule.tick, chrono::TimeDelta::minutes(2));
    assert_eq!((config.schedule.chunk, config.schedule.claim_batch), (7, 500));
    assert_eq!(config.http.listen, None);
    assert_eq!(config.policy().days_before, [10, 5, 1]);
    assert_eq!(config.methods.sms_countries.len(), 2);
    assert!(config.notices.from.is_some(), "a simulated clock has a sample sender");
}

#[test]
fn a_secret_comes_from_its_file_and_a_later_layer_replaces_either() {
    let dir = tempfile::tempdir().unwrap();
    let secret = dir.path().join("password");
    std::fs::write(&secret, "from the file\r\n").unwrap();
    let secret = secret.to_str().unwrap();
    let password = |file: &str, variables: &[(&str, &str)]| {
        let password = loaded(file, variables).unwrap().smtp.password;
        password.map(|password| password.expose_secret().to_owned())
    };
    let by_file = format!("[smtp]\npassword = ''\npassword_file = '{secret}'");
    assert_eq!(password(&by_file, &[]).as_deref(), Some("from the file"));
    assert_eq!(password(&by_file, &[("MFA_ENFORCER__SMTP__PASSWORD", "later")]).as_deref(), Some("later"));
    let variable = [("MFA_ENFORCER__SMTP__PASSWORD_FILE", secret)];
    assert_eq!(password("[smtp]\npassword = 'earlier'", &variable).as_deref(), Some("from the file"));
    let unset = [("MFA_ENFORCER__SMTP__PASSWORD_FILE", "")];
    assert_eq!(password("[smtp]\npassword = 'earlier'", &unset).as_deref(), Some("earlier"));
}

#[test]
fn secrets_are_never_shown() {
    let config = loaded("[database]\nurl = 'postgres://u:hush@db/x'\n[smtp]\npassword = 'hush'", &[]).unwrap();
    assert!(!format!("{config:?}").contains("hush"));
    let wrong = "[database]\nurl = 'mysql://u:hush@db/x'\n[smtp]\npassword = ['hush']\nusername = 'hush-user'";
    let error = loaded(wrong, &[]).unwrap_err();
    assert_eq!(error.problems.len(), 2);
    assert!(!format!("{error} {error:?}").contains("hush"));
}

#[test]
fn several_hosts_in_a_url_are_told_apart_from_other_mistakes() {
    for (url, expected) in [
        ("postgres://u:hush@h1:5432,h2:5432/x", "it names several hosts; name one"),
        ("mysql://u:hu,sh@db/x?application_name=a,b", "write sqlite://FILE or postgres://"),
    ] {
        let error = loaded(&format!("[database]\nurl = '{url}'"), &[]).unwrap_err().to_string();
        assert!(error.contains(expected) && !error.contains("hush") && !error.contains("hu,sh"), "{error}");
    }
}

#[test]
fn what_database_a_url_speaks_of() {
    let sqlite = |url: &str| loaded(&format!("[database]\nurl = '{url}'"), &[]).unwrap().database.sqlite_file();
    assert_eq!(sqlite("sqlite://mfa-enforcer.db").unwrap(), Path::new("mfa-enforcer.db"));
    assert_eq!(sqlite("sqlite:///var/lib/mfa.db?mode=rwc").unwrap(), Path::new("/var/lib/mfa.db"));
    assert_eq!(sqlite("sqlite:///srv/a%20b%3f.db").unwrap(), Path::new("/srv/a b?.db"));
    assert_eq!(sqlite("postgresql://u@db/x"), None);
}
