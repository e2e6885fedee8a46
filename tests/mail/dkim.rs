//! Signatures, checked by another program than what made them.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use mfa_enforcer::domain::notice::NoticeKind;
use mfa_enforcer::mail::memory::MemoryTransport;
use mfa_enforcer::mail::transport::Transport;
use mfa_enforcer::mail::{Mailer, sample};
use serde_json::{Value, json};

use crate::support::notice_settings;

/// Says of each signature whether it holds. The records are what DNS would have.
const VERIFY: &str = r#"
import dkim, json, sys
given = json.load(sys.stdin)
mail, records = given["mail"].encode(), {name.encode(): text.encode() for name, text in given["records"].items()}
def ask(name, timeout=5):
    return records.get(name.rstrip(b"."))
# The mails are of a year to come, which a verifier does not believe.
dkim.time.time = lambda: 4e9
signatures = [h for h in dkim.rfc822_parse(mail)[0] if h[0].lower() == b"dkim-signature"]
def holds(number):
    try:
        return dkim.DKIM(mail).verify(idx=number, dnsfunc=ask)
    except dkim.ValidationError:
        return False
print(json.dumps([holds(number) for number in range(len(signatures))]))
"#;

fn verified(mail: &str, records: &Value) -> Value {
    let mut python = Command::new("/usr/bin/python3")
        .args(["-c", VERIFY])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("/usr/bin/python3 is missing");
    python.stdin.take().unwrap().write_all(json!({ "mail": mail, "records": records }).to_string().as_bytes()).unwrap();
    let output = python.wait_with_output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

fn openssl(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("openssl").args(arguments).output().expect("openssl is missing");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Makes a key, and gives back its file and its DNS record.
fn key(folder: &Path, name: &str, kind: &[&str]) -> (String, String) {
    use base64::Engine as _;
    let file = folder.join(name).display().to_string();
    openssl(&[&["genpkey", "-out", &file], kind].concat());
    let public = openssl(&["pkey", "-in", &file, "-pubout", "-outform", "DER"]);
    // An Ed25519 record has the key alone (RFC 8463, 4): the last 32 bytes.
    let (kind, public) =
        if kind.contains(&"ed25519") { ("ed25519", &public[public.len() - 32..]) } else { ("rsa", &public[..]) };
    (file, format!("v=DKIM1; k={kind}; p={}", base64::prelude::BASE64_STANDARD.encode(public)))
}

const RSA: &[&str] = &["-algorithm", "rsa", "-pkeyopt", "rsa_keygen_bits:2048"];
const ED25519: &[&str] = &["-algorithm", "ed25519"];

#[test]
fn another_program_verifies_both_signatures_and_sees_any_change() {
    let folder = tempfile::tempdir().unwrap();
    let ((rsa, rsa_record), (ed, ed_record)) = (key(folder.path(), "r.pem", RSA), key(folder.path(), "e.pem", ED25519));
    let settings = notice_settings(&format!("dkim_keys = ['2027a:{rsa}', '2027b:{ed}']"));
    let mailer = || Mailer::new(&settings, Transport::simulated(MemoryTransport::new())).unwrap();
    let records = json!({
        "2027a._domainkey.ledger.example": rsa_record,
        "2027b._domainkey.ledger.example": ed_record,
    });
    for kind in NoticeKind::ALL {
        let mut message = sample::of_kind(*kind, true);
        message.reader.name = "Zoë  \"Zed\"   Müller, 李".to_owned();
        message.reader.locales = vec!["zh-Hant".to_owned()];
        let mail = mailer().prepare(&message).unwrap();
        assert_eq!(mailer().prepare(&message).unwrap().sha256, mail.sha256, "the same message, the same bytes");
        let text = String::from_utf8(mail.bytes).unwrap();
        assert!(text.split("\r\n").all(|line| line.len() <= 998), "{text}");
        assert_eq!(verified(&text, &records), json!([true, true]), "{text}");
    }
    let text =
        String::from_utf8(mailer().prepare(&sample::of_kind(NoticeKind::Reminder, true)).unwrap().bytes).unwrap();
    for (what, changed) in [
        ("a word", text.replacen("Hello Ada", "Hello Eve", 1)),
        ("the subject", text.replacen("Subject: In 14 days", "Subject: In 41 days", 1)),
        ("a sender", text.replacen("From: Ledger", "From: Hedger", 1)),
        ("a header that there was not", text.replacen("\r\nTo: ", "\r\nReply-To: eve@evil.example\r\nTo: ", 1)),
        ("what follows", format!("{text}more\r\n")),
    ] {
        assert_ne!(changed, text, "{what}");
        assert_eq!(verified(&changed, &records), json!([false, false]), "{what}");
    }
    // What mail servers may do: fold differently, and add empty lines at the end.
    let relayed = text.replacen("Subject: In 14 days: ", "Subject:  In 14\r\n\tdays: ", 1) + "\r\n\r\n";
    assert_eq!(verified(&relayed, &records), json!([true, true]), "{relayed}");
}

#[test]
fn another_domain_may_sign() {
    let folder = tempfile::tempdir().unwrap();
    let (file, record) = key(folder.path(), "key.pem", ED25519);
    let settings = notice_settings(&format!("dkim_domain = 'mail.ledger.example'\ndkim_keys = ['s.1:{file}']"));
    let mailer = Mailer::new(&settings, Transport::simulated(MemoryTransport::new())).unwrap();
    let mail = mailer.prepare(&sample::of_kind(NoticeKind::Reminder, true)).unwrap();
    let records = json!({ "s.1._domainkey.mail.ledger.example": record });
    assert_eq!(verified(&String::from_utf8(mail.bytes).unwrap(), &records), json!([true]));
}

#[test]
fn a_key_that_cannot_sign_is_named_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let small = key(folder.path(), "small.pem", &["-algorithm", "rsa", "-pkeyopt", "rsa_keygen_bits:1024"]).0;
    let curve = key(folder.path(), "curve.pem", &["-algorithm", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]).0;
    let text = folder.path().join("text.pem").display().to_string();
    fs::write(&text, "s3cret").unwrap();
    let fine = key(folder.path(), "fine.pem", ED25519).0;
    for (entry, expected) in [
        (format!("s:{small}"), "is no RSA key of 2048 to 4096 bits"),
        (format!("s:{curve}"), "is no RSA key of 2048 to 4096 bits"),
        (format!("s:{text}"), "cannot be read as a private key in PEM"),
        ("s:/nowhere.pem".to_owned(), "cannot be read as a private key in PEM"),
        (fine.clone(), "is no SELECTOR:FILE"),
        (format!("a b:{fine}"), "begins with no selector"),
        (format!("a..b:{fine}"), "begins with no selector"),
        (format!(":{fine}"), "begins with no selector"),
        (format!("s:{}", fs::read_to_string(&fine).unwrap()), "not shown"),
        (fs::read_to_string(&fine).unwrap(), "not shown"),
    ] {
        let settings = notice_settings(&format!("dkim_keys = [\"\"\"{entry}\"\"\"]"));
        let error = Mailer::new(&settings, Transport::simulated(MemoryTransport::new())).unwrap_err().to_string();
        assert!(error.starts_with("notices.dkim_keys has ") && error.contains(expected), "{entry}: {error}");
        assert!(!error.contains("s3cret") && !error.contains("PRIVATE KEY"), "{error}");
    }
}
