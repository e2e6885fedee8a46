//! Hard calendars: far zones, odd offsets, days on which clocks change, and midnights that do not exist or come twice. The
//! expected instants are from the zones' laws, not from the code: a date begins at the first instant of its day.

use super::world::{World, at};
use crate::support::{TestDatabase, on_both};
use mfa_enforcer::domain::time::add_days;

on_both!(
    calendars_r3_r4_every_day_begins_with_its_first_instant,
    calendars_reminders_come_at_nine_on_the_readers_clock,
    calendars_announcements_arrive_in_the_readers_day,
    calendars_a_zone_that_is_moved_keeps_the_enforcement,
);

/// A company's zone, its date, and the instant of that, in UTC.
const FIRST_INSTANTS: [(&str, &str, &str); 15] = [
    ("Europe/Berlin", "2027-01-15", "2027-01-14 23:00"),
    ("Europe/Berlin", "2027-03-28", "2027-03-27 23:00"), // clocks go forward at two in the morning
    ("Europe/Berlin", "2027-10-31", "2027-10-30 22:00"), // and back at three
    ("Pacific/Kiritimati", "2027-01-15", "2027-01-14 10:00"),
    ("Pacific/Honolulu", "2027-01-15", "2027-01-15 10:00"),
    ("Asia/Kathmandu", "2027-01-15", "2027-01-14 18:15"),
    ("Australia/Lord_Howe", "2027-04-04", "2027-04-03 13:00"), // half an hour back, in the night after midnight
    ("Australia/Lord_Howe", "2027-04-05", "2027-04-04 13:30"),
    ("Asia/Beirut", "2027-03-28", "2027-03-27 22:00"), // from 00:00 to 01:00
    ("America/Santiago", "2027-09-05", "2027-09-05 04:00"), // the same
    ("Africa/Cairo", "2027-04-30", "2027-04-29 22:00"), // the same
    ("America/Havana", "2027-11-07", "2027-11-07 04:00"), // midnight comes twice
    ("America/Asuncion", "2027-10-03", "2027-10-03 03:00"), // where it would have been skipped until 2024
    ("Africa/Casablanca", "2027-02-20", "2027-02-20 00:00"), // an hour back for Ramadan
    ("America/New_York", "2028-02-29", "2028-02-29 05:00"),
];

async fn calendars_r3_r4_every_day_begins_with_its_first_instant(db: &TestDatabase) {
    let world = World::begin(db, "2026-12-01 09:00").await;
    // Reminders are none of this test's business.
    let mut cases = Vec::new();
    for (zone, date, instant) in FIRST_INSTANTS {
        let company = world.company(zone).await;
        world.set_company(company, "notice_days = '[365]'").await;
        let user = world.member(company, "Europe/Berlin").await;
        world.enroll(&user).await;
        world.set_date(company, date).await;
        cases.push((instant, zone, user));
    }
    world.run_now().await;
    cases.sort_unstable_by_key(|(instant, ..)| *instant);
    for (instant, zone, user) in cases {
        world.services.clock.set(at(instant).plus(chrono::TimeDelta::microseconds(-1)));
        world.run_now().await;
        assert_eq!(world.required_since(&user).await, "", "{zone}: a microsecond before {instant}");
        world.run(instant).await;
        assert_eq!(world.required_since(&user).await, instant, "{zone}");
    }
    world.finish().await;
}

/// A company's zone and date; a reader's zone, the date there at that instant, and when the reader is told that it is so.
const READERS: [(&str, &str, &str, &str, &str); 14] = [
    ("Europe/Berlin", "2027-04-05", "Europe/Berlin", "2027-04-05", "09:00"), // over the change of clocks
    ("Europe/Berlin", "2027-04-05", "America/New_York", "2027-04-04", "18:00"),
    ("Europe/Berlin", "2027-04-05", "Pacific/Kiritimati", "2027-04-05", "12:00"),
    ("Europe/Berlin", "2027-04-05", "Pacific/Honolulu", "2027-04-04", "12:00"),
    ("Europe/Berlin", "2027-04-05", "Asia/Kathmandu", "2027-04-05", "09:00"),
    ("Europe/Berlin", "2027-04-05", "Australia/Lord_Howe", "2027-04-05", "09:00"),
    ("Pacific/Honolulu", "2027-04-05", "Pacific/Kiritimati", "2027-04-06", "09:00"), // a day and a night apart
    ("Pacific/Honolulu", "2027-04-05", "Europe/Berlin", "2027-04-05", "12:00"),
    ("Pacific/Kiritimati", "2027-04-05", "Pacific/Honolulu", "2027-04-04", "09:00"),
    ("Pacific/Kiritimati", "2027-04-05", "Pacific/Pago_Pago", "2027-04-03", "23:00"),
    ("Asia/Beirut", "2027-03-28", "Asia/Beirut", "2027-03-28", "09:00"),
    ("Africa/Cairo", "2027-04-30", "America/Santiago", "2027-04-29", "18:00"),
    ("America/Santiago", "2027-04-04", "America/Santiago", "2027-04-04", "09:00"), // the hour before midnight comes twice
    ("Australia/Lord_Howe", "2027-04-05", "Australia/Lord_Howe", "2027-04-05", "09:00"),
];

async fn calendars_reminders_come_at_nine_on_the_readers_clock(db: &TestDatabase) {
    let world = World::begin(db, "2027-02-01 12:00").await;
    let mut users = Vec::new();
    for (company_zone, date, reader_zone, ..) in READERS {
        let company = world.company(company_zone).await;
        users.push(world.member(company, reader_zone).await);
        world.set_date(company, date).await;
    }
    world.walk("2027-05-02 12:00").await;
    for ((company_zone, date, reader_zone, local_date, told), user) in READERS.iter().zip(&users) {
        let local_date: chrono::NaiveDate = local_date.parse().unwrap();
        let mut expected: Vec<String> = [30, 14, 7, 3, 1]
            .map(|days| {
                let kind = if days == 1 { "final_reminder" } else { "reminder" };
                format!("{} 09:00 {kind}", add_days(local_date, -days))
            })
            .to_vec();
        expected.push(format!("{local_date} {told} now_required"));
        let received = world.received(user).await;
        assert_eq!(received[1..], expected, "{company_zone} {date}, for a reader in {reader_zone}");
        assert!(received[0].ends_with(" announcement"));
    }
    world.finish().await;
}

async fn calendars_announcements_arrive_in_the_readers_day(db: &TestDatabase) {
    let world = World::begin(db, "2027-02-01 12:00").await;
    let berlin = world.company("Europe/Berlin").await;
    let expected = [
        ("Europe/Berlin", "2027-02-01 13:15"),
        ("Europe/London", "2027-02-01 12:15"),
        ("America/New_York", "2027-02-01 08:00"),
        ("America/Los_Angeles", "2027-02-01 08:00"),
        ("Pacific/Honolulu", "2027-02-01 08:00"),
        ("Asia/Kathmandu", "2027-02-01 18:00"),
        ("Asia/Shanghai", "2027-02-02 08:00"),
        ("Pacific/Kiritimati", "2027-02-02 08:00"),
        ("Asia/Bangkok", "2027-02-01 19:15"),
        ("Antarctica/Davis", "2027-02-01 19:15"),
    ];
    let mut users = Vec::new();
    for (zone, _) in expected {
        users.push(world.member(berlin, zone).await);
    }
    world.set_date(berlin, "2027-04-05").await;
    world.walk("2027-02-03 12:00").await;
    for ((zone, local), user) in expected.iter().zip(&users) {
        assert_eq!(world.received(user).await, [format!("{local} announcement")], "{zone}");
    }
    world.finish().await;
}

async fn calendars_a_zone_that_is_moved_keeps_the_enforcement(db: &TestDatabase) {
    let world = World::begin(db, "2027-02-01 12:00").await;
    let company = world.company("Pacific/Honolulu").await;
    let (with, without) = (world.member(company, "Europe/Berlin").await, world.member(company, "(Asia/Tokyo)").await);
    world.set_date(company, "2027-04-05").await;
    world.walk("2027-03-10 12:00").await;
    world.set_company(company, "time_zone = 'Asia/Tokyo'").await;
    world.walk("2027-04-06 12:00").await;
    assert_eq!(world.enforcements(company).await, ["2027-04-05 in_force"]);
    for user in [&with, &without] {
        assert_eq!(world.required_since(user).await, "2027-04-04 15:00");
    }
    // In Berlin it falls on the evening of the fourth now, and the reminders are a day earlier than they were.
    assert_eq!(
        world.received(&with).await[2..],
        [
            "2027-03-21 09:00 reminder",
            "2027-03-28 09:00 reminder",
            "2027-04-01 09:00 reminder",
            "2027-04-03 09:00 final_reminder",
            "2027-04-04 17:00 now_required"
        ]
    );
    assert_eq!(world.received(&without).await.last().unwrap(), "2027-04-05 09:00 now_required");
    world.finish().await;
}
