//! The folder: made anew when it is a demonstration's, left as it is when it is anybody else's.

use std::fmt::Write as _;
use std::fs;

use super::stage::Stage;

#[test]
fn what_is_not_ours_is_left_as_it_is() {
    let stage = Stage::new();
    fs::create_dir_all(stage.path().join("theirs/mails")).unwrap();
    fs::write(stage.path().join("theirs/mfa-enforcer.db"), "precious").unwrap();
    fs::write(stage.path().join("theirs/mails/1.eml"), "precious").unwrap();
    fs::write(stage.path().join("file"), "precious").unwrap();
    let mut text = String::new();
    for dir in ["theirs", "file", "file/below", "."] {
        let seen = stage.shell(&format!("mfa-enforcer demo --dir {dir}"), &[]);
        assert_eq!((seen.code, seen.stdout.as_str()), (1, ""), "{dir}");
        writeln!(text, "$ mfa-enforcer demo --dir {dir}\n{}", seen.stderr).unwrap();
    }
    let files = stage.done("find . -type f | sort; cat theirs/mfa-enforcer.db theirs/mails/1.eml file");
    assert_eq!(files, "./file\n./theirs/mails/1.eml\n./theirs/mfa-enforcer.db\npreciouspreciousprecious");
    insta::assert_snapshot!(text);
}

#[test]
fn our_own_is_made_anew_and_what_somebody_put_there_stays() {
    let stage = Stage::new();
    fs::create_dir(stage.path().join("empty")).unwrap();
    stage.done("mfa-enforcer demo --dir empty --users 9");
    let first = stage.mails("empty");
    fs::write(stage.path().join("empty/notes.txt"), "mine").unwrap();
    stage.done("mfa-enforcer demo --dir empty --users 3");
    let second = stage.mails("empty");
    assert!(second.len() < first.len());
    assert_eq!(fs::read_to_string(stage.path().join("empty/notes.txt")).unwrap(), "mine");
}

#[test]
fn a_daemon_at_work_in_the_folder_is_not_disturbed() {
    let stage = Stage::new();
    stage.done("mfa-enforcer demo --users 3");
    let before = stage.mails("mfa-enforcer-demo");
    let file =
        fs::File::options().write(true).open(stage.path().join("mfa-enforcer-demo/mfa-enforcer.db.lock")).unwrap();
    file.try_lock().unwrap();
    let seen = stage.shell("mfa-enforcer demo --users 5", &[]);
    assert_eq!(seen.code, 1);
    assert!(seen.stderr.contains("another daemon runs on this database"), "{}", seen.stderr);
    assert!(before == stage.mails("mfa-enforcer-demo"));
}

#[test]
fn nothing_is_taken_from_the_environment() {
    let stage = Stage::new();
    let real = [
        ("MFA_ENFORCER__DATABASE__URL", "sqlite://real.db"),
        ("MFA_ENFORCER__SMTP__URL", "smtp://127.0.0.1:1"),
        ("MFA_ENFORCER__CLOCK__SIMULATED", "false"),
    ];
    let seen = stage.shell("mfa-enforcer demo --users 3", &real);
    assert_eq!((seen.code, seen.stderr.as_str()), (0, ""));
    assert!(!stage.path().join("real.db").exists());
    assert!(!stage.mails("mfa-enforcer-demo").is_empty());
}
