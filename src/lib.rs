//! The MFA enforcement scheduler: a vendor's customers pick a day from which all their people need multi-factor
//! authentication; this tells the people in time, by mail, and makes it required on the day.
//!
//! `ARCHITECTURE.md` says what the words mean, and follows one date through the house. This page says what to read in the
//! code, and in which order. Each module begins with what it is for; arrows run one way, from what is named last here to
//! what is named first.
//!
//! **First, [`domain`]: what is decided.** Pure functions over plain types, which know no database and no clock.
//! [`domain::schedule`] computes a date's instants, [`domain::planning`] what a date that was written has to change,
//! [`domain::expansion`] who is owed which notice, [`domain::delivery`] what goes into one mail and what is no longer sent.
//! Whoever has read these four knows the rules; [`domain::forecast`] runs the same functions ahead of time.
//!
//! **Then [`store`]: what is kept.** The only place with SQL. Each method of its trait is a whole use-case in one
//! transaction: it locks rows, reads facts, lets `domain` decide, and writes. [`store::reconcile`], [`store::expand`],
//! [`store::claim`], [`store::outcome`] and [`store::enforce`] are the walk of a date; the others are for the commands.
//! Beside it stands [`mail`], which writes a mail ([`mail::templates`], [`mail::compose`]) and hands it over
//! ([`mail::transport`], which says whether a failure is worth another attempt).
//!
//! **Then [`tasks`]: what happens by itself.** Each task is an idempotent function without input that asks the store for
//! what is due and does it. [`tasks::driver`] wakes them by a tick, and by one another; [`tasks::run_until_idle`] runs the
//! same tasks until nothing is due, for `run --once`, for [`demo`] and for tests.
//!
//! **Last [`app`]: how it is put together.** It builds every part from the settings ([`config`]), guards the first run,
//! runs the tasks and ends them in order. [`cli`] is the way in, one file per command; [`http`] and [`telemetry`] are what
//! operators see; by [`lmtp`] a mail server hands over what came back. [`clock`] is the only place that asks the time and makes randomness, so that everything can be played on
//! a simulated clock: [`rehearsal`] does, for [`demo`] with the people of [`sample`], and with a copy of a real database.

pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod demo;
pub mod domain;
pub mod http;
pub mod lmtp;
pub mod mail;
pub mod rehearsal;
pub mod sample;
pub mod store;
pub mod tasks;
pub mod telemetry;
pub mod tls;
