//! The wrapper that keeps patient data out of logs and errors.

use std::fmt;

/// Holds patient data. It cannot be printed or serialized by accident.
///
/// `reveal` is the only way out; tidy lists its callers.
#[derive(Clone, PartialEq, Eq)]
pub struct Phi<T>(T);

impl<T> Phi<T> {
    pub fn new(value: T) -> Phi<T> {
        Phi(value)
    }

    /// The data itself. Every caller is a place where patient data may leave the house.
    pub fn reveal(&self) -> &T {
        &self.0
    }

    pub fn into_revealed(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for Phi<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<phi>")
    }
}

#[cfg(test)]
mod tests {
    use super::Phi;

    #[test]
    fn debug_says_nothing() {
        assert_eq!(format!("{:?}", Some(Phi::new("Greenfelder"))), "Some(<phi>)");
    }
}
