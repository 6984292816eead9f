//! Numbers that look random and are the same on every machine.

/// SplitMix64: small, fast, and defined by integer arithmetic alone.
///
/// - Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// A stream of its own for every (seed, stream) pair.
    pub fn new(seed: u64, stream: u64) -> Rng {
        let mut mixed = Rng(seed ^ stream.wrapping_mul(0xA24B_AED4_963E_E407));
        Rng(mixed.next().wrapping_add(stream))
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number from 0 up to, not including, `end`; 0 if `end` is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next().checked_rem(end).unwrap_or(0)
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = u64::try_from(high.saturating_sub(low)).unwrap_or(0).saturating_add(1);
        low.saturating_add(i64::try_from(self.below(span)).unwrap_or(0))
    }

    /// True in `percent` of 100 cases.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of a non-empty table.
    #[expect(clippy::indexing_slicing, reason = "below the length; every table has a row")]
    pub fn pick<'a, T>(&mut self, table: &'a [T]) -> &'a T {
        let end = u64::try_from(table.len()).unwrap_or(1);
        &table[usize::try_from(self.below(end)).unwrap_or(0)]
    }

    /// One of a table whose first rows are the common ones: the smaller of two draws.
    #[expect(clippy::indexing_slicing, reason = "below the length; every table has a row")]
    pub fn pick_common<'a, T>(&mut self, table: &'a [T]) -> &'a T {
        let end = u64::try_from(table.len()).unwrap_or(1);
        let at = self.below(end).min(self.below(end));
        &table[usize::try_from(at).unwrap_or(0)]
    }

    /// About normal, by adding twelve even draws: exact arithmetic, so equal everywhere.
    pub fn normal(&mut self, mean: f64, deviation: f64) -> f64 {
        let sum: f64 = (0..12)
            .map(|_| f64::from(u32::try_from(self.next() >> 32).unwrap_or(0)) / 4_294_967_296.0)
            .sum();
        mean + (sum - 6.0) * deviation
    }

    /// A random (version 4) UUID.
    pub fn uuid(&mut self) -> String {
        let (a, b) = (self.next(), self.next());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            a >> 32,
            (a >> 16) & 0xffff,
            a & 0xfff,
            ((b >> 48) & 0x3fff) | 0x8000,
            b & 0xffff_ffff_ffff
        )
    }
}
