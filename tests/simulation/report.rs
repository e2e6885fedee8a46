//! What is told of a failure.

use std::fmt::Write as _;

use super::plan::named;
use super::smaller::Failing;
use super::world::Failure;
use crate::support::Kind;

/// How many of the last lines are shown.
const LINES: usize = 25;

/// A failure, for people: the rule, what happened, and how to see it again.
pub fn report(failure: &Failure, failing: &Failing, events_before: usize) -> String {
    let plan = &failing.plan;
    let kind = if plan.kind == Kind::Postgres { " --postgres" } else { "" };
    let mut text = String::new();
    let smaller = failing.ending.failure.as_ref().unwrap_or(failure);
    let _ = writeln!(text, "\nSeed {} breaks {}.", plan.seed, failure.rule);
    let _ = writeln!(text, "  {}", named(&failure.text).replace(" and R", "\n  and R"));
    let _ = writeln!(text, "See it again: tests/run simulation --seed {}{kind}", plan.seed);
    let _ = writeln!(
        text,
        "Made smaller, {events_before} events to {}, in {} tries; with {:?}, {:?}; begun at {}:",
        plan.events.len(),
        failing.tried,
        plan.machines,
        plan.settings,
        plan.begins
    );
    for event in &plan.events {
        let _ = writeln!(text, "  {event}");
    }
    let _ = writeln!(text, "which breaks {}:\n  {}", smaller.rule, named(&smaller.text));
    let _ = writeln!(text, "What happened last:");
    let trace = &failing.ending.trace;
    for line in &trace[trace.len().saturating_sub(LINES)..] {
        let _ = writeln!(text, "  {}", named(line));
    }
    text
}
