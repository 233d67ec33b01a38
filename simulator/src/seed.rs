//! Numbers that look random and follow from the seed alone, so that nothing about the world has to be stored.

/// A point in the tree of derived numbers: every question about the world is a path of parts below the seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seed(u64);

impl Seed {
    pub(crate) fn new(seed: u64) -> Self {
        Self(mix(seed ^ 0x0069_6773_796e_6321))
    }

    /// The branch named `part`.
    pub(crate) fn with(self, part: u64) -> Self {
        Self(mix(self.0 ^ part.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }

    pub(crate) fn bits(self) -> u64 {
        self.0
    }

    /// Evenly distributed over `0..bound`.
    pub(crate) fn below(self, bound: u64) -> u64 {
        ((u128::from(self.0) * u128::from(bound)) >> 64) as u64
    }

    /// Evenly distributed over `low..=high`.
    pub(crate) fn between(self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    pub(crate) fn below_u32(self, bound: u32) -> u32 {
        u32::try_from(self.below(u64::from(bound))).unwrap_or(bound)
    }

    /// True in `per_mille` of 1,000 cases.
    pub(crate) fn per_mille(self, per_mille: u32) -> bool {
        self.below(1000) < u64::from(per_mille)
    }

    pub(crate) fn pick<T>(self, choices: &[T]) -> &T {
        let index = self.below(choices.len() as u64);
        &choices[usize::try_from(index).unwrap_or(0)]
    }

    /// Appends `length` letters and digits.
    pub(crate) fn text_into(self, length: usize, out: &mut String) {
        const ALPHABET: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
        let mut branch = self;
        for position in 0..length {
            if position % 10 == 0 {
                branch = branch.with(position as u64);
            }
            let letter = (branch.0 >> (6 * (position % 10))) & 63;
            out.push(char::from(ALPHABET[letter as usize]));
        }
    }

    pub(crate) fn text(self, length: usize) -> String {
        let mut out = String::with_capacity(length);
        self.text_into(length, &mut out);
        out
    }
}

/// A reversible shuffle of the numbers below `2^(2 * half_bits)`: ids look arbitrary and can still be read back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Permutation {
    key: Seed,
    half_bits: u32,
}

impl Permutation {
    const ROUNDS: u64 = 4;

    pub(crate) fn new(key: Seed, half_bits: u32) -> Self {
        Self { key, half_bits }
    }

    pub(crate) fn apply(self, plain: u64) -> u64 {
        let (mut left, mut right) = self.split(plain);
        for round in 0..Self::ROUNDS {
            (left, right) = (right, left ^ self.scramble(round, right));
        }
        (left << self.half_bits) | right
    }

    pub(crate) fn revert(self, shuffled: u64) -> u64 {
        let (mut left, mut right) = self.split(shuffled);
        for round in (0..Self::ROUNDS).rev() {
            (left, right) = (right ^ self.scramble(round, left), left);
        }
        (left << self.half_bits) | right
    }

    fn split(self, whole: u64) -> (u64, u64) {
        let mask = (1 << self.half_bits) - 1;
        (whole >> self.half_bits, whole & mask)
    }

    fn scramble(self, round: u64, half: u64) -> u64 {
        self.key.with(round).with(half).bits() >> (64 - self.half_bits)
    }
}

/// The finalizer of splitmix64: cheap, and every input bit reaches every output bit.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permutation_gives_back_every_number() {
        let permutation = Permutation::new(Seed::new(7), 25);
        for plain in (0..1 << 50).step_by(1_000_003_000_019) {
            assert_eq!(permutation.revert(permutation.apply(plain)), plain);
            assert!(permutation.apply(plain) < 1 << 50);
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_numbers_everywhere() {
        assert_eq!(Seed::new(1).with(2).bits(), 13_180_055_757_501_067_544);
        assert_eq!(Seed::new(1).text(12), "s49be-BOyamG");
    }

    #[test]
    fn chances_are_met_roughly() {
        let hits = (0..10_000)
            .filter(|n| Seed::new(3).with(*n).per_mille(250))
            .count();
        assert!((2_300..2_700).contains(&hits), "{hits}");
    }
}
