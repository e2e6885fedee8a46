//! Help: every command has examples, and every example works.

use clap::CommandFactory as _;
use mfa_enforcer::cli::Cli;

use super::sample::Sample;

/// The words of every command, the program's own (none) first.
fn commands(command: &clap::Command, words: &[String]) -> Vec<Vec<String>> {
    let of_subcommands =
        command.get_subcommands().filter(|subcommand| subcommand.get_name() != "help").flat_map(|subcommand| {
            let words: Vec<String> = words.iter().cloned().chain([subcommand.get_name().to_owned()]).collect();
            commands(subcommand, &words)
        });
    std::iter::once(words.to_vec()).chain(of_subcommands).collect()
}

fn examples(help: &str) -> Vec<String> {
    let after = help.split_once("\nExamples:\n").map_or("", |(_, after)| after);
    let is_example = |line: &&str| line.starts_with("  ") && line.contains("mfa-enforcer");
    after.lines().take_while(|line| !line.is_empty()).filter(is_example).map(|line| line.trim().to_owned()).collect()
}

/// What has to have come before it can be undone.
const HAS_COME: &str = "UPDATE enforcements SET state = 'in_force', flipped_at = '2026-12-01T10:00:00.000000Z'
    WHERE company_id IS NOT NULL";

/// What was tried, and is to be tried again later.
const WAS_PUT_OFF: &str = "UPDATE notices SET due_at = '2026-11-30T08:00:00.000000Z', attempts = 1
    WHERE id = '01980000-0000-7000-8000-000000000003'";

#[tokio::test]
async fn every_example_works() {
    let help = Sample::empty().await;
    let all = commands(&Cli::command(), &[]);
    assert!(all.len() > 15, "{all:?}");
    for words in all {
        let words = words.join(" ");
        let seen = help.shell(&format!("mfa-enforcer {words} --help"), &[]);
        assert_eq!((seen.code, seen.stderr.as_str()), (0, ""), "{words}");
        let examples = examples(&seen.stdout);
        let is_group = seen.stdout.contains("\nCommands:\n");
        assert!(is_group || !examples.is_empty(), "`{words} --help` has no examples");
        for example in examples {
            assert!(example.contains(&format!("mfa-enforcer {words}").trim_end().to_owned()), "{words}: {example}");
            assert!(example.len() <= 78, "a terminal of 80 columns would break it: {example}");
            let sample = Sample::new().await;
            match words.as_str() {
                "enforcement revert" => sample.db.execute(HAS_COME).await,
                "notice retry" => sample.db.execute(WAS_PUT_OFF).await,
                _ => {}
            }
            let seen = sample.shell(&example, &[]);
            assert_eq!(seen.code, 0, "{example}\n{}{}", seen.stdout, seen.stderr);
        }
    }
}

#[tokio::test]
async fn without_a_command_the_help_is_shown() {
    let sample = Sample::empty().await;
    let seen = sample.shell("mfa-enforcer", &[]);
    assert_eq!((seen.code, seen.stdout.as_str()), (2, ""));
    assert!(seen.stderr.contains("Usage: mfa-enforcer") && !seen.stderr.contains("error"), "{}", seen.stderr);
    assert_eq!(
        sample.shell("mfa-enforcer --version", &[]).stdout,
        format!("mfa-enforcer {}\n", env!("CARGO_PKG_VERSION"))
    );
}
