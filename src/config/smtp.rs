//! `[smtp]`: where mail goes.

use std::path::{Path, PathBuf};

use chrono::TimeDelta;
use lettre::Address;
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use url::Url;

use super::notices::{is_loopback, is_reserved};
use super::{duration, range};

/// Where mail goes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmtpSettings {
    /// `file:DIR`, or mail servers: `smtp://[user:password@]host[:port]` or `smtps://…`, several with white space between
    /// them, the preferred one first. `run` needs one.
    #[serde(default)]
    pub url: Option<SecretString>,
    /// A file that holds the URL, in place of `url`.
    #[serde(default)]
    pub url_file: Option<PathBuf>,
    /// The name to authenticate with where the URL has none.
    #[serde(default)]
    pub username: Option<String>,
    /// Its password.
    #[serde(default)]
    pub password: Option<SecretString>,
    /// A file that holds the password, in place of `password`.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// Whether to encrypt.
    pub tls: Tls,
    /// A PEM file with certificate authorities to trust beside the system's.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// How long one mail may take, from its turn at a connection to the server's answer.
    #[serde(deserialize_with = "duration::positive")]
    pub timeout: TimeDelta,
    /// How many connections to a mail server are used at the same time.
    pub max_connections: u32,
    /// How many mails are handed over within a minute at most; 0: as many as there are.
    #[serde(deserialize_with = "range::number::<_, _, 0, 1_000_000>")]
    pub max_per_minute: u32,
    /// The same for mails to one domain.
    #[serde(deserialize_with = "range::number::<_, _, 0, 1_000_000>")]
    pub max_per_minute_per_domain: u32,
    /// What this machine calls itself (EHLO); its host name if not set.
    #[serde(default)]
    pub hello_name: Option<String>,
    /// One address that gets every mail instead of those whom it is for: for trials.
    #[serde(default)]
    pub redirect_all_to: Option<String>,
}

/// Whether to encrypt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tls {
    /// Always, but to this machine itself.
    Auto,
    /// Always.
    Required,
    /// Never: only to this machine itself.
    None,
}

/// Where mail goes, read and checked.
#[derive(Clone, Debug)]
pub enum MailTarget {
    /// A folder: one `.eml` file per mail.
    Folder(PathBuf),
    /// Mail servers, the preferred one first; never empty.
    Servers(Vec<MailServer>),
}

impl MailTarget {
    /// The first mail server that is not this machine itself.
    #[must_use]
    pub fn server_elsewhere(&self) -> Option<&MailServer> {
        match self {
            Self::Folder(_) => None,
            Self::Servers(servers) => servers.iter().find(|server| !server.is_loopback()),
        }
    }
}

/// A mail server and how to speak with it.
#[derive(Clone, Debug)]
pub struct MailServer {
    /// Its name or number, without brackets; its certificate must be for this.
    pub host: String,
    /// Its TCP port.
    pub port: u16,
    /// Whether and how the line is encrypted.
    pub encryption: Encryption,
    /// The name and password to authenticate with.
    pub credentials: Option<(String, SecretString)>,
}

/// Whether and how a line is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// From the first byte (RFC 8314).
    Implicit,
    /// By STARTTLS (RFC 3207), without which nothing is sent.
    StartTls,
    /// Not at all, to this machine itself.
    Plain,
}

impl MailServer {
    /// Whether it is this machine itself.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.host)
    }

    /// Host and port, as people write them.
    #[must_use]
    pub fn place(&self) -> String {
        let Self { host, port, .. } = self;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }
}

impl SmtpSettings {
    /// What cannot work: each message names the key, the value (unless secret) and the remedy.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut found: Vec<_> = self.target().err().into_iter().collect();
        if !(1..=100).contains(&self.max_connections) {
            found.push(format!("smtp.max_connections = {}: give a number from 1 to 100", self.max_connections));
        }
        if self.timeout > TimeDelta::minutes(10) {
            found.push(format!(
                "smtp.timeout = \"{}s\" is too long: give at most 10m, or one dead server holds up all mail",
                self.timeout.num_seconds()
            ));
        }
        if let Some(name) = self.hello_name.as_ref().filter(|name| !is_host_name(name)) {
            found.push(format!("smtp.hello_name = {name:?} is not a host name: write it as mailer.example.com"));
        }
        found.extend(self.redirect().err());
        found
    }

    /// The address that gets every mail, if one does.
    ///
    /// # Errors
    /// What is wrong with it, with the remedy.
    pub fn redirect(&self) -> Result<Option<Address>, String> {
        let read = |text: &String| {
            text.parse().map_err(|_| {
                format!("smtp.redirect_all_to = {text:?} is not a mail address: write it as staging@example.com, or leave it empty")
            })
        };
        self.redirect_all_to.as_ref().map(read).transpose()
    }

    /// What must be set before mail goes to real people: somewhere to send it that is not an example.
    #[must_use]
    pub fn problems_for_real_mail(&self) -> Vec<String> {
        match self.target() {
            Ok(None) => vec![format!("smtp.url is not set: {REMEDY}")],
            Ok(Some(MailTarget::Servers(servers))) => {
                let examples = servers.iter().filter(|server| is_reserved(&server.host));
                let said = |server: &MailServer| {
                    format!("smtp.url names '{}', which is an example: put your mail server in its place", server.host)
                };
                examples.map(said).collect()
            }
            Ok(Some(MailTarget::Folder(_))) | Err(_) => Vec::new(),
        }
    }

    /// Where mail goes, with the secrets read from their files; none when no URL is set.
    ///
    /// # Errors
    /// One message that names the key and the remedy, without any secret.
    pub fn target(&self) -> Result<Option<MailTarget>, String> {
        let Some(text) = secret("smtp.url", self.url.as_ref(), self.url_file.as_deref())? else { return Ok(None) };
        let text = text.expose_secret().trim();
        let urls: Vec<&str> = text.split_whitespace().collect();
        if urls.len() > 1 && urls.iter().any(|url| url.starts_with("file:")) && urls.iter().skip(1).any(is_url) {
            return Err("smtp.url names a folder (file:DIR) and something else: a folder stands alone".to_owned());
        }
        if let Some(dir) = text.strip_prefix("file:") {
            let dir = dir.strip_prefix("//").unwrap_or(dir);
            return if dir.is_empty() {
                Err(format!("smtp.url = \"file:\" names no folder: {REMEDY}"))
            } else {
                Ok(Some(MailTarget::Folder(PathBuf::from(dir))))
            };
        }
        // An empty text is one URL that cannot be read.
        let urls = if urls.is_empty() { vec![text] } else { urls };
        self.servers(&urls).map(|servers| Some(MailTarget::Servers(servers)))
    }

    fn servers(&self, urls: &[&str]) -> Result<Vec<MailServer>, String> {
        let mut servers = Vec::with_capacity(urls.len());
        let mut named = Vec::with_capacity(urls.len());
        for (place, text) in urls.iter().enumerate() {
            let which = if urls.len() == 1 { String::new() } else { format!(", URL {} of {}", place + 1, urls.len()) };
            let url = Url::parse(text).map_err(|_| unreadable(&which))?;
            servers.push(self.server(&url, &which, urls.len() == 1)?);
            named.push(!url.username().is_empty());
        }
        if named.iter().all(|named| *named) && self.username.is_some() {
            return Err("smtp.username is set, and each URL of smtp.url names a user: keep one of them".to_owned());
        }
        let password = self.password.is_some() || self.password_file.is_some();
        if password && servers.iter().all(|server| server.credentials.is_none()) {
            return Err(NO_USER.to_owned());
        }
        Ok(servers)
    }

    fn server(&self, url: &Url, which: &str, alone: bool) -> Result<MailServer, String> {
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| unreadable(which))?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        if let Some((before, _)) = host.split_once(',') {
            return Err(format!("smtp.url has a comma after '{before}': put spaces between several mail servers"));
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(format!("smtp.url has something after '{host}': leave it out; TLS is set by smtp.tls"));
        }
        let encryption = match (url.scheme(), self.tls) {
            ("smtps", Tls::None) => {
                return Err(
                    "smtp.tls = \"none\" contradicts smtp.url, which begins with smtps://: use \"auto\"".to_owned()
                );
            }
            ("smtps", _) => Encryption::Implicit,
            ("smtp", Tls::None) if !is_loopback(&host) => {
                return Err(format!(
                    "smtp.tls = \"none\" is only for a mail server on this machine, and smtp.url names '{host}': use \"auto\""
                ));
            }
            ("smtp", Tls::Auto) if is_loopback(&host) => Encryption::Plain,
            ("smtp", Tls::None) => Encryption::Plain,
            ("smtp", _) => Encryption::StartTls,
            _ => return Err(unreadable(which)),
        };
        let standard_port = match encryption {
            Encryption::Implicit => 465,
            Encryption::StartTls => 587,
            Encryption::Plain => 25,
        };
        Ok(MailServer {
            port: url.port().unwrap_or(standard_port),
            encryption,
            credentials: self.credentials(url, alone)?,
            host,
        })
    }

    /// The name and password for a URL. Where it is the only one, what is said twice is a mistake; of several, each has
    /// its own, or else the common ones.
    fn credentials(&self, url: &Url, alone: bool) -> Result<Option<(String, SecretString)>, String> {
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let from_url = Some(decoded(url.username())).filter(|name| !name.is_empty());
        if alone && from_url.is_some() && self.username.is_some() {
            return Err("smtp.username and smtp.url both name a user: keep one of them".to_owned());
        }
        let configured = secret("smtp.password", self.password.as_ref(), self.password_file.as_deref())?;
        if alone && url.password().is_some() && configured.is_some() {
            return Err("smtp.password and smtp.url both hold a password: keep one of them".to_owned());
        }
        let username = from_url.or_else(|| self.username.clone());
        let password = url.password().map(|password| decoded(password).into()).or(configured);
        match (username, password) {
            (Some(username), Some(password)) => Ok(Some((username, password))),
            (None, Some(_)) if url.password().is_none() && !alone => Ok(None),
            (None, None) => Ok(None),
            (Some(_), None) => Err("smtp.username is set without a password: set smtp.password_file".to_owned()),
            (None, Some(_)) => Err(NO_USER.to_owned()),
        }
    }
}

/// Whether a word is a URL of ours, rather than a part of a folder's name.
fn is_url(word: &&str) -> bool {
    ["file:", "smtp:", "smtps:"].iter().any(|scheme| word.starts_with(scheme))
}

fn unreadable(which: &str) -> String {
    format!("smtp.url cannot be read{which} (it is not shown, as it may hold a password): {REMEDY}")
}

const NO_USER: &str = "smtp.password is set without a user: set smtp.username";
const REMEDY: &str =
    "write smtps://mail.example.com, smtp://mail.example.com:587, or file:DIR for a folder that nobody reads but you";

/// A secret that is given either itself or by the file that holds it.
fn secret(key: &str, value: Option<&SecretString>, file: Option<&Path>) -> Result<Option<SecretString>, String> {
    match (value, file) {
        (Some(_), Some(_)) => Err(format!("{key} and {key}_file are both set: keep one of them")),
        (Some(value), None) => Ok(Some(value.clone())),
        (None, Some(file)) => std::fs::read_to_string(file)
            .map(|text| Some(text.trim_end_matches(['\r', '\n']).into()))
            .map_err(|error| format!("{key}_file = \"{}\" cannot be read: {error}", file.display())),
        (None, None) => Ok(None),
    }
}

fn is_host_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 253
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
}
