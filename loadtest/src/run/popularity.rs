//! Popularity of auctions: few are popular, most are rarely requested.

use crate::Failure;
use rand::rngs::StdRng;
use rand_distr::{Distribution, Zipf};

/// Picks numbers by Zipf's law: the n-th most popular is picked `n^-zipf_exponent` times as often as the
/// first.
pub(crate) struct Popularity {
    zipf: Zipf<f64>,
    last: u32,
}

impl Popularity {
    pub(crate) fn new(among: u32, zipf_exponent: f64) -> Result<Popularity, Failure> {
        let zipf = Zipf::new(f64::from(among.max(1)), zipf_exponent)
            .map_err(|error| format!("--zipf-exponent {zipf_exponent} for {among} auctions: {error}"))?;
        Ok(Popularity { zipf, last: among.max(1) - 1 })
    }

    /// Returns a number from 0; 0 is the most popular.
    pub(crate) fn pick(&self, random: &mut StdRng) -> u32 {
        // Samples are integers from 1 to the number of auctions.
        (self.zipf.sample(random) as u32).saturating_sub(1).min(self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn second_item_is_picked_half_as_often_as_the_first() {
        let (popularity, mut random) = (Popularity::new(100, 1.0).unwrap(), StdRng::seed_from_u64(3));
        let mut chosen = [0_u32; 100];
        (0..100_000).for_each(|_| chosen[popularity.pick(&mut random) as usize] += 1);
        let ratio = f64::from(chosen[0]) / f64::from(chosen[1]);
        assert!((1.9..2.1).contains(&ratio), "{ratio}");
        assert!(chosen.iter().all(|count| *count > 0), "every item is picked");
    }

    #[test]
    fn single_item_is_always_picked() {
        let (popularity, mut random) = (Popularity::new(1, 1.0).unwrap(), StdRng::seed_from_u64(3));
        assert!((0..100).all(|_| popularity.pick(&mut random) == 0));
    }
}
