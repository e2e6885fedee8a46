//! What the demonstration says is what the commands say, and what is on the disk.

use std::collections::BTreeMap;

use serde_json::Value;

use super::stage::Stage;

#[test]
fn counts_are_those_of_the_commands() {
    let stage = Stage::new();
    let shown = stage.json("mfa-enforcer demo --json");
    let summary = &shown["summary"];
    let look =
        |command: &str| stage.json(&format!("mfa-enforcer --config mfa-enforcer-demo/config.toml {command} --json"));
    let notices = look("notice list");
    let notices = notices.as_array().unwrap();
    assert_eq!(summary["notices"], notices.len());
    for (state, count) in summary["notices_by_state"].as_object().unwrap() {
        assert_eq!(count, notices.iter().filter(|notice| notice["state"] == **state).count(), "{state}");
    }
    for (reason, count) in summary["skipped_because"].as_object().unwrap() {
        assert_eq!(count, notices.iter().filter(|notice| notice["skip_reason"] == **reason).count(), "{reason}");
    }
    let mails = stage.mails("mfa-enforcer-demo");
    let count = |key: &str| usize::try_from(summary[key].as_u64().unwrap()).unwrap();
    assert_eq!((count("mails") + count("admin_mails"), count("mail_files")), (mails.len(), mails.len()));
    assert!(count("admin_mails") > 20);
    let mut named: std::collections::BTreeSet<_> =
        notices.iter().filter_map(|notice| Some(format!("{}.eml", notice["mail_id"].as_str()?))).collect();
    for admin in shown["timeline"].as_array().unwrap().iter().filter(|line| line["what"] == "told_admins") {
        assert!(admin["people"].as_u64().unwrap() >= 1, "{admin}");
    }
    for user in ["u-001", "u-005"] {
        let dossier = look(&format!("user show {user}"));
        let ids = dossier["admin_mails"]
            .as_array()
            .unwrap()
            .iter()
            .map(|mail| format!("{}.eml", mail["id"].as_str().unwrap()));
        named.extend(ids);
    }
    assert_eq!(named, mails.into_iter().map(|(name, _)| name).collect());
    assert_eq!(summary["audit_events"], look("audit list").as_array().unwrap().len());
    let verified = look("audit verify");
    assert_eq!((&verified["sound"], &verified["head"]), (&true.into(), &summary["audit_head"]));
    assert_eq!(summary["audit_sound"], true);

    timeline_adds_up(&shown, notices);
    let companies = look("company list");
    let members: u64 = companies
        .as_array()
        .unwrap()
        .iter()
        .map(|company| look(&format!("company show {}", company["id"].as_str().unwrap()))["members"].as_u64().unwrap())
        .sum();
    assert_eq!(members, summary["users"].as_u64().unwrap() + 1, "one user has two memberships");
}

/// Each notice is on one line of the timeline, and everybody who is required became so on one.
fn timeline_adds_up(shown: &Value, notices: &[Value]) {
    let mut people: BTreeMap<&str, u64> = BTreeMap::new();
    for line in shown["timeline"].as_array().unwrap() {
        *people.entry(line["what"].as_str().unwrap()).or_default() += line["people"].as_u64().unwrap();
    }
    let of = |state: &str| notices.iter().filter(|notice| notice["state"] == *state).count() as u64;
    assert_eq!((people["sent"], people["skipped"]), (of("sent"), of("skipped")));
    assert_eq!(people["imported"] + people["joined"], shown["summary"]["users"].as_u64().unwrap());
    assert!(people["required"] >= shown["summary"]["required"].as_u64().unwrap());
    assert!(people["enrolled"] > 10 && people["exemption_ended"] == 1 && people["joined"] == 2);
}

#[test]
fn the_printed_commands_work() {
    let stage = Stage::new();
    let shown = stage.done("mfa-enforcer demo --dir 'my demo' --users 12");
    let commands: Vec<&str> = shown.lines().filter(|line| line.starts_with("  mfa-enforcer ")).map(str::trim).collect();
    assert_eq!(commands.len(), 5, "{shown}");
    for command in commands {
        assert!(stage.done(command).lines().count() >= 1, "{command}");
    }
    assert!(stage.done("mfa-enforcer --config 'my demo/config.toml' status").contains("All is well"));
    let before = stage.mails("my demo");
    let again = stage.done("mfa-enforcer --config 'my demo/config.toml' run --once --json 2>log");
    assert!(again.contains("\"next_due\": null"), "{again}");
    assert!(stage.mails("my demo") == before, "nothing more is sent");
}
