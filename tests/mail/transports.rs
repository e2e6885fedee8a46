//! The folder and memory.

use std::os::unix::fs::{PermissionsExt as _, symlink};

use mfa_enforcer::mail::memory::MemoryTransport;
use mfa_enforcer::mail::transport::{About, SendError, Transport};

use crate::support::{mail, mail_to, smtp_settings};

#[tokio::test]
async fn the_folder_holds_one_file_per_mail_named_by_its_id() {
    let folder = tempfile::tempdir().unwrap();
    let mails = folder.path().join("mails");
    let transport = Transport::from_settings(&smtp_settings(&format!("url = 'file:{}'", mails.display()))).unwrap();
    assert!(transport.is_file() && transport.is_loopback());
    transport.test().await.unwrap();
    let mail = mail();
    // What another process has left there is not written through.
    let elsewhere = folder.path().join("elsewhere");
    symlink(&elsewhere, mails.join(format!(".{}.eml.unfinished", mail.mail_id))).unwrap();
    for _ in 0..2 {
        assert_eq!(transport.send(&mail).await.unwrap(), format!("written as {}.eml", mail.mail_id));
    }
    let names: Vec<_> = std::fs::read_dir(&mails).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, [std::ffi::OsString::from(format!("{}.eml", mail.mail_id))]);
    assert_eq!(std::fs::read(mails.join(&names[0])).unwrap(), mail.bytes);
    assert_eq!(std::fs::metadata(mails.join(&names[0])).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!elsewhere.exists());
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_to_is_worth_another_attempt() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let url = format!("url = 'file:{}/mails'", file.path().display());
    let transport = Transport::from_settings(&smtp_settings(&url)).unwrap();
    let error = transport.send(&mail()).await.unwrap_err();
    assert!(matches!(&error, SendError::Transient { maybe_received: false, .. }), "{error}");
    assert!(transport.test().await.unwrap_err().starts_with("smtp.url: cannot write to the folder "));
}

#[tokio::test]
async fn memory_refuses_on_command() {
    let memory = MemoryTransport::new();
    let transport = Transport::simulated(memory.clone());
    let transient =
        |maybe_received| SendError::Transient { reply: "450 later".to_owned(), about: About::AllMail, maybe_received };
    let permanent = SendError::Permanent { reply: "550 nobody".to_owned() };
    memory.refuse("Jo@example.com", permanent.clone());
    memory.refuse_next(transient(false));
    memory.refuse_next(transient(true));
    assert_eq!(transport.send(&mail_to("jo@example.com")).await, Err(permanent));
    assert_eq!(transport.send(&mail()).await, Err(transient(false)));
    assert_eq!(transport.send(&mail()).await, Err(transient(true)));
    assert_eq!(memory.received().len(), 1);
    memory.accept("jo@example.com");
    assert!(transport.send(&mail_to("jo@example.com")).await.is_ok());
    assert_eq!((memory.received().len(), memory.attempts()), (2, 4));
}
