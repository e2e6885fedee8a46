//! `warn`: a week and a day before a date it is looked whether anything speaks against it, and said so.

use async_trait::async_trait;
use serde_json::json;

use super::{Report, Services, Task, TaskError};
use crate::domain::time::Timestamp;
use crate::telemetry::metrics::{ENFORCEMENTS_AT_RISK, ENFORCEMENTS_HELD};

/// The task.
pub struct Warn;

/// How many enforcements are asked for at a time.
const PAGE: i64 = 500;

#[async_trait]
impl Task for Warn {
    fn name(&self) -> &'static str {
        "warn"
    }

    async fn run(&self, services: &Services, now: Timestamp) -> Result<Report, TaskError> {
        let (mut looked_at, mut warned, mut failures) = (0_usize, 0_usize, Vec::new());
        let mut after = None;
        loop {
            let page = services.store.due_looks(now, after, PAGE).await?;
            after = page.last().map(|last| (last.id, last.enforce_at));
            for look in page.iter().filter(|look| look.days.is_some()) {
                match services.store.look(look.id, now, &services.policy).await {
                    Ok(None) => {}
                    Ok(Some(findings)) => {
                        looked_at += 1;
                        warned += usize::from(!findings.is_empty());
                        for finding in findings {
                            let (enforcement, days) = (look.id, look.days);
                            tracing::warn!(%enforcement, days, "at risk: {finding}; `mfa-enforcer status` says what helps");
                        }
                    }
                    Err(error) => failures.push(format!("enforcement {}: {error}", look.id)),
                }
            }
            if after.is_none() || services.shutdown.is_requested() {
                break;
            }
        }
        let figures = services.store.risk_figures().await?;
        #[expect(clippy::cast_precision_loss, reason = "a gauge is a float; so many enforcements fit")]
        let (held, at_risk) = (figures.held as f64, figures.at_risk as f64);
        metrics::gauge!(ENFORCEMENTS_HELD).set(held);
        metrics::gauge!(ENFORCEMENTS_AT_RISK).set(at_risk);
        if let Some(first) = failures.first() {
            let all = looked_at + failures.len();
            return Err(TaskError::Partly { failed: failures.len(), all, first: first.clone() });
        }
        Ok(Report { changed: looked_at > 0, detail: json!({ "looked_at": looked_at, "warned": warned }) })
    }
}
