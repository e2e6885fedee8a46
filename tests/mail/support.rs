//! Settings, mailers and messages for tests.

use std::sync::LazyLock;

use mfa_enforcer::config::bounces::BounceSettings;
use mfa_enforcer::config::notices::NoticeSettings;
use mfa_enforcer::config::smtp::SmtpSettings;
use mfa_enforcer::domain::notice::NoticeKind;
use mfa_enforcer::mail::Mailer;
use mfa_enforcer::mail::compose::Composed;
use mfa_enforcer::mail::memory::MemoryTransport;
use mfa_enforcer::mail::return_path::ReturnPath;
use mfa_enforcer::mail::sample;
use mfa_enforcer::mail::transport::Transport;

/// Notice settings as an operator would write them; `changes` is TOML that is added or takes a key's place.
pub fn notice_settings(changes: &str) -> NoticeSettings {
    let mut table: toml::Table = toml::from_str(
        r#"
        send_at = "09:00"
        days_before = [30, 14, 7, 3, 1]
        announce_delay = "15m"
        announce_from = "08:00"
        announce_until = "20:00"
        from = "Ledger <no-reply@ledger.example>"
        product_name = "Ledger"
        sign_in_url = "https://app.ledger.example/sign-in"
        menu_path = ["profile settings", "Password & Security", "Two-Factor Authentication (2FA)"]
        authenticator_label = "Add Authenticator App"
        phone_label = "Add Phone Number"
        languages = []
        calendar = false
        dkim_keys = []
        brand_color = '#0b57d0'
        "#,
    )
    .unwrap();
    table.extend(toml::from_str::<toml::Table>(changes).unwrap());
    table.try_into().unwrap()
}

/// Mail server settings; `changes` is TOML that is added or takes a key's place.
pub fn smtp_settings(changes: &str) -> SmtpSettings {
    let mut table: toml::Table = toml::from_str(
        r#"
        tls = "auto"
        timeout = "20s"
        max_connections = 4
        max_per_minute = 0
        max_per_minute_per_domain = 0
        "#,
    )
    .unwrap();
    table.extend(toml::from_str::<toml::Table>(changes).unwrap());
    table.try_into().unwrap()
}

/// Bounce settings with an address and a key; `changes` is TOML that is added or takes a key's place.
pub fn bounce_settings(changes: &str) -> BounceSettings {
    let set = "address = 'bounces@mail.ledger.example'\nkey = 'a key that nobody knows'";
    let mut table: toml::Table = toml::from_str(set).unwrap();
    table.extend(toml::from_str::<toml::Table>(changes).unwrap());
    table.retain(|_, value| value.as_str() != Some(""));
    table.try_into().unwrap()
}

/// Return paths by the standard settings.
pub fn return_path() -> ReturnPath {
    ReturnPath::from_settings(&bounce_settings("")).unwrap().unwrap()
}

/// A mailer with the standard settings that sends into memory: the same one each time, as reading the templates takes long.
pub fn mailer() -> &'static Mailer {
    static MAILER: LazyLock<Mailer> =
        LazyLock::new(|| Mailer::new(&notice_settings(""), Transport::simulated(MemoryTransport::new())).unwrap());
    &MAILER
}

/// A mail of the standard sample.
pub fn mail() -> Composed {
    mailer().prepare(&sample::of_kind(NoticeKind::Announcement, true)).unwrap()
}

/// A mail of the standard sample to another address.
pub fn mail_to(address: &str) -> Composed {
    let mut message = sample::of_kind(NoticeKind::Announcement, true);
    address.clone_into(&mut message.reader.address);
    mailer().prepare(&message).unwrap()
}

/// The sections `[notices]` and `[smtp]` of `config/default.toml`, without the keys that are empty there: they are unset.
pub fn default_sections() -> String {
    let text = std::fs::read_to_string("config/default.toml").unwrap();
    let set: Vec<_> = text.lines().filter(|line| !line.ends_with(" = \"\"")).collect();
    let text = set.join("\n");
    let section = |name: &str| {
        let rest = &text[text.find(&format!("[{name}]\n")).unwrap()..];
        rest.find("\n[").map_or(rest, |end| &rest[..=end]).to_owned()
    };
    section("notices") + &section("smtp")
}
