//! Dice of the benches' made-up traffic, which are the same in every run.

/// xorshift64*.
pub struct Chance(u64);

impl Chance {
    /// The first throw of every run.
    pub fn new() -> Chance {
        Chance(0x9E37_79B9_7F4A_7C15)
    }

    /// One of so many sides, from 0 on.
    pub fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let wide = u128::from(self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)) * sides as u128;
        (wide >> 64) as usize
    }
}
