//! Settings that are well formed one by one and still cannot be worked with.

use super::Config;
use super::problem::Problem;
use super::smtp::MailTarget;

/// What the settings are to be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// `check`: everything that would embarrass in production.
    Check,
    /// `run`: as `check`, but values made for examples are let through, with a warning, where mail stays on this machine.
    Run,
}

impl Config {
    /// What keeps these settings from being used for `purpose`; empty if nothing does.
    ///
    /// Nowhere to send mail; no sender; a simulated clock with a mail server elsewhere; values made for examples.
    #[must_use]
    pub fn problems(&self, purpose: Purpose) -> Vec<Problem> {
        let mut messages = Vec::new();
        let target = self.smtp.target().ok().flatten();
        let lets_examples_through = self.clock.simulated || purpose == Purpose::Run && self.stays_here();
        if !(lets_examples_through && target.is_some()) {
            messages.extend(self.smtp.problems_for_real_mail());
            messages.extend(self.notices.problems_for_real_mail());
            messages.extend(self.bounces.problems_for_real_mail());
        } else if self.notices.from.is_none() {
            messages
                .push("notices.from is not set: name the sender, such as \"Acme Security <security@acme.com>\"".into());
        }
        let elsewhere = target.as_ref().and_then(MailTarget::server_elsewhere);
        if let Some(server) = elsewhere.filter(|_| self.clock.simulated) {
            messages.push(format!(
                "smtp.url names {}, but clock.simulated is true: then mail goes only into a folder (file:DIR) or to a \
                 mail server on this machine",
                server.host
            ));
        }
        messages.into_iter().map(Problem::anywhere).collect()
    }

    /// What somebody who starts the daemon should know each time, though it may be meant.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if let Ok(Some(MailTarget::Folder(dir))) = self.smtp.target() {
            warnings
                .push(format!("smtp.url is a folder: mail is written into {}, and nobody receives it", dir.display()));
        }
        if self.stays_here() && !self.clock.simulated {
            warnings.extend(self.smtp.problems_for_real_mail());
            warnings.extend(self.notices.problems_for_real_mail());
            warnings.extend(self.bounces.problems_for_real_mail());
        }
        if self.smtp.redirect_all_to.is_some() && self.bounces.takes_any() {
            warnings.push(
                "smtp.redirect_all_to is set: no bounces are recorded, as they would be about that address".to_owned(),
            );
        }
        if self.clock.simulated {
            warnings.push("clock.simulated is true: time moves only as commands tell it to".to_owned());
        }
        warnings
    }

    /// Whether mail stays on this machine: in a folder, or with mail servers on the loopback.
    fn stays_here(&self) -> bool {
        self.smtp.target().ok().flatten().is_some_and(|target| target.server_elsewhere().is_none())
    }

    /// What can never work, whatever the settings are used for.
    pub(super) fn contradictions(&self) -> Vec<String> {
        let mut messages = self.notices.problems();
        messages.extend(self.smtp.problems());
        messages.extend(self.bounces.problems());
        if self.bounces.webhook_token.is_some() && self.http.listen.is_none() {
            messages.push(
                "bounces.webhook_token is set, but http.listen is \"\", so that nothing is served: set http.listen, or leave the token out"
                    .into(),
            );
        }
        if self.smtp.timeout >= self.schedule.lease {
            messages.push(
                "smtp.timeout must be shorter than schedule.lease: no mail could be sent while its lease lasts".into(),
            );
        }
        if self.schedule.retry_first > self.schedule.retry_most {
            messages.push("schedule.retry_first must not be longer than schedule.retry_most".into());
        }
        messages
    }
}
