//! Chance with a seed: the same seed gives the same throws.

use std::cell::RefCell;

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// A source of chance.
pub struct Dice(RefCell<ChaCha8Rng>);

impl Dice {
    /// For one seed and one purpose; another purpose gives other throws.
    pub fn new(seed: u64, purpose: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        bytes[8..16].copy_from_slice(&purpose.to_le_bytes());
        Self(RefCell::new(ChaCha8Rng::from_seed(bytes)))
    }

    /// Any number.
    pub fn any(&self) -> u64 {
        self.0.borrow_mut().next_u64()
    }

    /// A number below `count`, which is not 0.
    pub fn below(&self, count: usize) -> usize {
        let drawn = self.any() % u64::try_from(count.max(1)).expect("it fits");
        usize::try_from(drawn).expect("it is small")
    }

    /// A number from `least` to `most`, both included.
    pub fn between(&self, least: i64, most: i64) -> i64 {
        let span = u64::try_from(most - least + 1).expect("least is not above most");
        least + i64::try_from(self.any() % span).expect("it is small")
    }

    /// True in `percent` of 100 throws.
    pub fn chance(&self, percent: i64) -> bool {
        self.between(0, 99) < percent
    }

    /// One of them.
    pub fn pick<'a, T>(&self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    /// One of them, each as likely as its weight says.
    pub fn weighted<T: Copy>(&self, all: &[(i64, T)]) -> T {
        let mut left = self.between(0, all.iter().map(|(weight, _)| weight).sum::<i64>() - 1);
        for (weight, one) in all {
            if left < *weight {
                return *one;
            }
            left -= weight;
        }
        all[all.len() - 1].1
    }
}
