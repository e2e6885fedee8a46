//! The metrics: their names, what they mean, and that they are there from the start, so that an alert on one that is
//! missing or zero can be written before anything has happened.
//!
//! Whoever measures uses the macros of the `metrics` crate with these names:
//! `counter!(MAILS_TOTAL, "kind" => kind.as_str(), "outcome" => SENT).increment(1)`.

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

use crate::domain::bounce::Verdict;
use crate::domain::notice::NoticeKind;

/// Counter: mails handed over, by `kind` of their first notice and `outcome`.
pub const MAILS_TOTAL: &str = "mfa_enforcer_mails_total";
/// Gauge: notices that are due and not yet sent.
pub const NOTICES_PENDING: &str = "mfa_enforcer_notices_pending";
/// Histogram: how much later than due mails were sent, in seconds.
pub const MAIL_LATENESS_SECONDS: &str = "mfa_enforcer_mail_lateness_seconds";
/// Counter: accounts that MFA was made required for.
pub const REQUIRED_TOTAL: &str = "mfa_enforcer_required_total";
/// Gauge: for how many seconds the oldest unfinished flip has been due; 0 when none is.
pub const FLIP_LAG_SECONDS: &str = "mfa_enforcer_flip_lag_seconds";
/// Gauge: enforcements that are held, and wait for a person.
pub const ENFORCEMENTS_HELD: &str = "mfa_enforcer_enforcements_held";
/// Gauge: enforcements of which was warned when they were looked at last, 7 days or 1 day before their date.
pub const ENFORCEMENTS_AT_RISK: &str = "mfa_enforcer_enforcements_at_risk";
/// Gauge: when a `task` last ended well, in seconds since 1970 (UTC); 0 if it never has.
pub const TASK_LAST_SUCCESS_TIMESTAMP: &str = "mfa_enforcer_task_last_success_timestamp";
/// Counter: runs of a `task` that failed. It counts also where the database cannot record them.
pub const TASK_FAILURES_TOTAL: &str = "mfa_enforcer_task_failures_total";
/// Histogram: how long a `task` took, in seconds.
pub const TASK_SECONDS: &str = "mfa_enforcer_task_seconds";
/// Counter: mails that the mail server did not take, by `class`.
pub const SMTP_ERRORS_TOTAL: &str = "mfa_enforcer_smtp_errors_total";
/// Gauge: how many seconds lie between two mails to a mail server that has asked for less, the slowest of all; 0: none has.
pub const SMTP_PACE_SECONDS: &str = "mfa_enforcer_smtp_pace_seconds";
/// Counter: mails that came back, by `verdict` and the `source` that told of it.
pub const BOUNCES_TOTAL: &str = "mfa_enforcer_bounces_total";
/// Gauge: by how many seconds the database's clock is ahead of this machine's; 0 on SQLite.
pub const CLOCK_SKEW_SECONDS: &str = "mfa_enforcer_clock_skew_seconds";

/// `outcome`: the mail server took it.
pub const SENT: &str = "sent";
/// `outcome`: it did not, and will be asked again.
pub const PUT_OFF: &str = "put_off";
/// `outcome`: it did not, for good.
pub const FAILED: &str = "failed";

/// `class`: worth another try.
pub const TRANSIENT: &str = "transient";
/// `class`: refused for good.
pub const PERMANENT: &str = "permanent";
/// `class`: worth another try, though the mail server may have taken it.
pub const UNKNOWN: &str = "unknown";

/// `source`: a report in the Maildir.
pub const MAILDIR: &str = "maildir";
/// `source`: a report by LMTP.
pub const LMTP: &str = "lmtp";
/// `source`: a provider's call.
pub const WEBHOOK: &str = "webhook";

/// Seconds up to which lateness is counted: from a tick to a week.
const LATENESS_BUCKETS: &[f64] = &[1.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 14_400.0, 86_400.0, 604_800.0];
/// Seconds up to which a task's time is counted.
const TASK_BUCKETS: &[f64] = &[0.005, 0.025, 0.1, 0.5, 1.0, 5.0, 10.0, 60.0, 300.0, 1800.0];

/// Begins to collect metrics for the rest of the process, and shows all of them for these `tasks`.
///
/// The handle renders them. Its `run_upkeep` must be called now and then, or what is measured piles up in memory:
/// [`http::serve`](crate::http::serve) does.
///
/// # Errors
/// On a second call.
pub fn install(tasks: &[&'static str]) -> Result<PrometheusHandle, BuildError> {
    let handle = builder()?.install_recorder()?;
    describe();
    begin(tasks);
    Ok(handle)
}

fn builder() -> Result<PrometheusBuilder, BuildError> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full(MAIL_LATENESS_SECONDS.to_owned()), LATENESS_BUCKETS)?
        .set_buckets_for_metric(Matcher::Full(TASK_SECONDS.to_owned()), TASK_BUCKETS)
}

fn describe() {
    describe_counter!(MAILS_TOTAL, "Mails handed over, by kind and outcome");
    describe_gauge!(NOTICES_PENDING, "Notices that are due and not yet sent");
    describe_histogram!(MAIL_LATENESS_SECONDS, Unit::Seconds, "How much later than due mails were sent");
    describe_counter!(REQUIRED_TOTAL, "Accounts that MFA was made required for");
    describe_gauge!(FLIP_LAG_SECONDS, Unit::Seconds, "For how long the oldest unfinished flip has been due");
    describe_gauge!(ENFORCEMENTS_HELD, "Enforcements that are held, and wait for a person");
    describe_gauge!(ENFORCEMENTS_AT_RISK, "Enforcements of which was warned when they were looked at last");
    describe_gauge!(TASK_LAST_SUCCESS_TIMESTAMP, Unit::Seconds, "When the task last ended well (Unix time)");
    describe_counter!(TASK_FAILURES_TOTAL, "Runs of the task that failed");
    describe_histogram!(TASK_SECONDS, Unit::Seconds, "How long the task took");
    describe_counter!(SMTP_ERRORS_TOTAL, "Mails that the mail server did not take, by class");
    describe_gauge!(
        SMTP_PACE_SECONDS,
        Unit::Seconds,
        "Time between two mails to a mail server that has asked for less"
    );
    describe_gauge!(CLOCK_SKEW_SECONDS, Unit::Seconds, "By how much the database's clock is ahead of this machine's");
    describe_counter!(BOUNCES_TOTAL, "Mails that came back, by verdict and who told of it");
}

/// Shows every metric with nothing counted yet.
fn begin(tasks: &[&'static str]) {
    for kind in NoticeKind::ALL {
        for outcome in [SENT, PUT_OFF, FAILED] {
            counter!(MAILS_TOTAL, "kind" => kind.as_str(), "outcome" => outcome).increment(0);
        }
    }
    for class in [TRANSIENT, PERMANENT, UNKNOWN] {
        counter!(SMTP_ERRORS_TOTAL, "class" => class).increment(0);
    }
    for verdict in Verdict::ALL {
        for source in [MAILDIR, LMTP, WEBHOOK] {
            counter!(BOUNCES_TOTAL, "verdict" => verdict.as_str(), "source" => source).increment(0);
        }
    }
    counter!(REQUIRED_TOTAL).increment(0);
    gauge!(NOTICES_PENDING).set(0);
    gauge!(FLIP_LAG_SECONDS).set(0);
    gauge!(ENFORCEMENTS_HELD).set(0);
    gauge!(ENFORCEMENTS_AT_RISK).set(0);
    gauge!(SMTP_PACE_SECONDS).set(0);
    gauge!(CLOCK_SKEW_SECONDS).set(0);
    let _ = histogram!(MAIL_LATENESS_SECONDS);
    for task in tasks {
        gauge!(TASK_LAST_SUCCESS_TIMESTAMP, "task" => *task).set(0);
        counter!(TASK_FAILURES_TOTAL, "task" => *task).increment(0);
        let _ = histogram!(TASK_SECONDS, "task" => *task);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// What a scrape shows after `measure`, in a registry of its own.
    pub(crate) fn scraped(measure: impl FnOnce()) -> (PrometheusHandle, String) {
        let recorder = builder().unwrap().build_recorder();
        let handle = recorder.handle();
        metrics::with_local_recorder(&recorder, || {
            describe();
            begin(&["reconcile", "enforce"]);
            measure();
        });
        let text = handle.render();
        (handle, text)
    }

    #[test]
    fn all_metrics_are_there_before_anything_happened() {
        let (_, text) = scraped(|| {});
        for line in [
            "mfa_enforcer_mails_total{kind=\"final_reminder\",outcome=\"sent\"} 0",
            "mfa_enforcer_notices_pending 0",
            "mfa_enforcer_mail_lateness_seconds_bucket{le=\"60\"} 0",
            "mfa_enforcer_mail_lateness_seconds_count 0",
            "mfa_enforcer_required_total 0",
            "mfa_enforcer_flip_lag_seconds 0",
            "mfa_enforcer_enforcements_held 0",
            "mfa_enforcer_enforcements_at_risk 0",
            "mfa_enforcer_task_last_success_timestamp{task=\"enforce\"} 0",
            "mfa_enforcer_task_failures_total{task=\"enforce\"} 0",
            "mfa_enforcer_task_seconds_count{task=\"reconcile\"} 0",
            "mfa_enforcer_smtp_errors_total{class=\"permanent\"} 0",
            "mfa_enforcer_smtp_pace_seconds 0",
            "mfa_enforcer_clock_skew_seconds 0",
            "mfa_enforcer_bounces_total{verdict=\"no_such_address\",source=\"lmtp\"} 0",
        ] {
            assert!(text.lines().any(|shown| shown == line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn what_is_measured_is_counted() {
        let (_, text) = scraped(|| {
            counter!(MAILS_TOTAL, "kind" => "welcome", "outcome" => SENT).increment(3);
            histogram!(MAIL_LATENESS_SECONDS).record(45.0);
        });
        assert!(text.contains("mfa_enforcer_mails_total{kind=\"welcome\",outcome=\"sent\"} 3\n"));
        assert!(text.contains("mfa_enforcer_mail_lateness_seconds_bucket{le=\"30\"} 0\n"));
        assert!(text.contains("mfa_enforcer_mail_lateness_seconds_bucket{le=\"60\"} 1\n"));
    }
}
