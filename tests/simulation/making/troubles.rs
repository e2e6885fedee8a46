//! What goes wrong with machines, as far as it is planned.

use chrono::TimeDelta;

use super::Making;
use crate::simulation::plan::{Deed, Machines, Weather};

impl Making {
    pub(super) fn make_troubles(&mut self, machines: Machines) {
        let days = (self.ends.utc() - self.begins.utc()).num_days();
        if machines.mail_troubles {
            for _ in 0..=days / 60 {
                let at = self.moment();
                let weather = self.dice.weighted(&[(3, Weather::Choosy), (3, Weather::Stormy), (2, Weather::Down)]);
                let minutes = *self.dice.pick(&[10, 120, 60 * 8, 60 * 24, 60 * 24 * 4]);
                self.add(at, Deed::Mail(weather));
                self.add(at.plus(TimeDelta::minutes(self.dice.between(1, minutes))), Deed::Mail(Weather::Fair));
            }
        }
        if machines.clock_jumps {
            for _ in 0..=days / 80 {
                let at = self.moment();
                let back = *self.dice.pick(&[1, 59, 600, 3_600]);
                self.add(at, Deed::ClockBack(TimeDelta::seconds(self.dice.between(1, back))));
            }
        }
        for _ in 0..days / 150 {
            if self.dice.chance(60) {
                let at = self.moment();
                let minutes = *self.dice.pick(&[5, 600, 60 * 24 * 2, 60 * 24 * 9]);
                self.add(at, Deed::Sleep(TimeDelta::minutes(self.dice.between(1, minutes))));
            }
        }
    }
}
