//! Numbers without favour, from a seed and a proof.

use crate::seed::{Seed, mac};

/// Numbers that whoever has seed and proof can compute, and nobody else can guess.
pub(crate) struct DeterministicRng<'a> {
    seed: &'a Seed,
    proof: &'a [u8; 32],
    block: u64,
    /// The second half of the last block, if it was not used yet.
    left: Option<u128>,
}

impl<'a> DeterministicRng<'a> {
    pub(crate) fn new(seed: &'a Seed, proof: &'a [u8; 32]) -> DeterministicRng<'a> {
        DeterministicRng { seed, proof, block: 0, left: None }
    }

    /// From zero to below `end`, each as likely as the others. `end` is above zero.
    pub(crate) fn below(&mut self, end: u128) -> u128 {
        below(end, || self.next())
    }

    fn next(&mut self) -> u128 {
        if let Some(left) = self.left.take() {
            return left;
        }
        let block = mac(&self.seed.0, &[b"auction-promoter/number/1", self.proof, &self.block.to_be_bytes()]);
        self.block += 1;
        let half = |bytes: &[u8]| bytes.iter().fold(0, |number, byte| number << 8 | u128::from(*byte));
        self.left = Some(half(&block[16..]));
        half(&block[..16])
    }
}

/// Rejection sampling: of the 2^128 numbers the last few, which do not go evenly into `end`, are thrown
/// away. A plain remainder would favour small results.
pub(crate) fn below(end: u128, mut next: impl FnMut() -> u128) -> u128 {
    // 2^128 mod end, without 2^128.
    let uneven = (u128::MAX % end + 1) % end;
    loop {
        let number = next();
        if number <= u128::MAX - uneven {
            return number % end;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_would_favour_somebody_are_thrown_away() {
        // 2^128 mod 3 is 1: the very last number is one too many.
        let mut numbers = [u128::MAX, 5].into_iter();
        assert_eq!(below(3, || numbers.next().unwrap()), 2);
        // 2^128 divides evenly into 4.
        assert_eq!(below(4, || u128::MAX), 3);
        assert_eq!(below(1, || u128::MAX), 0);
        // Nearly every other number is thrown away for this one.
        let end = (1 << 127) + 1;
        let mut numbers = [u128::MAX, end, end - 1].into_iter();
        assert_eq!(below(end, || numbers.next().unwrap()), end - 1);
    }

    #[test]
    fn the_same_seed_and_proof_give_the_same_numbers_and_others_give_others() {
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
        assert_eq!(five.len(), 5, "no block comes twice");
    }
}
