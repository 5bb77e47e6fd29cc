//! Unbiased pseudorandom numbers from a seed and a proof.

use crate::seed::{Seed, mac};

/// Sequence of numbers that is reproducible with the seed and the proof, and unpredictable without the seed.
///
/// Block `n` is the HMAC-SHA-256 of a fixed prefix, the proof and `n`, keyed with the seed. Each block gives
/// two numbers of 128 bits.
pub(crate) struct DeterministicRng<'a> {
    seed: &'a Seed,
    proof: &'a [u8; 32],
    block: u64,
    /// Second half of the last block, if it is unused.
    unused: Option<u128>,
}

impl<'a> DeterministicRng<'a> {
    pub(crate) fn new(seed: &'a Seed, proof: &'a [u8; 32]) -> DeterministicRng<'a> {
        DeterministicRng { seed, proof, block: 0, unused: None }
    }

    /// Returns a uniformly distributed number below `end`, which is above zero.
    pub(crate) fn below(&mut self, end: u128) -> u128 {
        below(end, || self.next())
    }

    fn next(&mut self) -> u128 {
        if let Some(half) = self.unused.take() {
            return half;
        }
        let block = mac(&self.seed.0, &[b"auction-promoter/number/1", self.proof, &self.block.to_be_bytes()]);
        self.block += 1;
        let half = |bytes: &[u8]| bytes.iter().fold(0, |number, byte| number << 8 | u128::from(*byte));
        self.unused = Some(half(&block[16..]));
        half(&block[..16])
    }
}

/// Maps 128-bit numbers to numbers below `end` by rejection sampling. The last 2^128 mod `end` inputs are
/// rejected: with a plain remainder they would make small results more likely.
pub(crate) fn below(end: u128, mut next: impl FnMut() -> u128) -> u128 {
    // 2^128 mod end, computed without overflow.
    let rejected = (u128::MAX % end + 1) % end;
    loop {
        let number = next();
        if number <= u128::MAX - rejected {
            return number % end;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_would_bias_the_result_are_rejected() {
        // 2^128 mod 3 is 1: only the last number is rejected.
        let mut numbers = [u128::MAX, 5].into_iter();
        assert_eq!(below(3, || numbers.next().unwrap()), 2);
        // 2^128 is a multiple of 4: no number is rejected.
        assert_eq!(below(4, || u128::MAX), 3);
        assert_eq!(below(1, || u128::MAX), 0);
        // Nearly half of all numbers are rejected.
        let end = (1 << 127) + 1;
        let mut numbers = [u128::MAX, end, end - 1].into_iter();
        assert_eq!(below(end, || numbers.next().unwrap()), end - 1);
    }

    #[test]
    fn numbers_are_determined_by_seed_and_proof() {
        let numbers = |seed: u8, proof: u8| {
            let (seed, proof) = (Seed([seed; 32]), [proof; 32]);
            let mut numbers = DeterministicRng::new(&seed, &proof);
            [(); 5].map(|()| numbers.below(u128::MAX))
        };
        assert_eq!(numbers(1, 1), numbers(1, 1));
        assert_ne!(numbers(1, 1), numbers(1, 2));
        assert_ne!(numbers(1, 1), numbers(2, 1));
        let mut five = numbers(1, 1).to_vec();
        five.sort_unstable();
        five.dedup();
        assert_eq!(five.len(), 5, "no number is repeated");
    }
}
