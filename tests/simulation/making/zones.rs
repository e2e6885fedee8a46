//! Where companies and people are: everywhere, the odd places more often.

use chrono_tz::{TZ_VARIANTS, Tz};

use crate::simulation::dice::Dice;

/// Half-hour summer time, skipped days, the first and the last to begin a day, midnights that do not exist, two-hour changes.
const ODD: [&str; 22] = [
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Kiritimati",
    "Pacific/Chatham",
    "America/St_Johns",
    "Africa/Casablanca",
    "America/Santiago",
    "Asia/Beirut",
    "Antarctica/Troll",
    "Pacific/Pago_Pago",
    "Etc/GMT+12",
    "Etc/GMT-14",
    "Asia/Kathmandu",
    "America/Havana",
    "America/Asuncion",
    "Africa/Cairo",
    "Europe/Dublin",
    "America/Scoresbysund",
    "Atlantic/Azores",
    "Pacific/Easter",
    "Asia/Gaza",
    "America/Nuuk",
];
/// Where most people are.
const COMMON: [&str; 6] =
    ["Europe/Berlin", "America/New_York", "America/Los_Angeles", "Asia/Tokyo", "Europe/London", "Australia/Sydney"];
/// No zones.
const RUBBISH: [&str; 5] = ["Mars/Olympus_Mons", "", "berlin", "UTC+2", "Europe/Berlin "];

/// A zone that exists.
pub fn known(dice: &Dice) -> Tz {
    let name = match dice.weighted(&[(3, 0), (3, 1), (4, 2)]) {
        0 => *dice.pick(&ODD),
        1 => *dice.pick(&COMMON),
        _ => return *dice.pick(&TZ_VARIANTS),
    };
    name.parse().expect("the zone exists")
}

/// What stands for no zone.
pub fn rubbish(dice: &Dice) -> &'static str {
    RUBBISH[dice.below(RUBBISH.len())]
}
