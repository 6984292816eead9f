//! The four characters that an interchange is cut by. Its first segment says which.

/// Separators of one interchange.
///
/// - Source: X12.5, interchange control structures; ISA11 and ISA16.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Separators {
    pub element: char,
    pub repetition: char,
    pub component: char,
    pub segment: char,
}

impl Separators {
    /// Those that nearly everybody uses.
    pub const RECOMMENDED: Separators =
        Separators { element: '*', repetition: '^', component: ':', segment: '~' };

    /// Whether a character cuts something.
    pub fn has(&self, c: char) -> bool {
        [self.element, self.repetition, self.component, self.segment].contains(&c)
    }
}
