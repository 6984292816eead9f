//! What went wrong, in as few words as code can branch on.

/// The kinds of failure. Each wire turns a kind into its own form in one place.
///
/// Adding a kind is a decision for the whole house: every wire's table must grow with it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Kind {
    /// The request cannot be understood: syntax, unknown parameter, wrong type.
    Invalid,
    /// The request is understood and breaks a rule of the standard or of the data.
    Unprocessable,
    /// Nobody is signed in, or the sign-in has ended.
    Unauthenticated,
    /// Known to the policy, and not allowed.
    Refused,
    /// Not there, or not for this caller to know of.
    NotFound,
    /// It was there and is deleted or destroyed.
    Gone,
    /// Somebody else changed it first; trying again with fresh data may work.
    Conflict,
    /// A condition that the caller set does not hold.
    Precondition,
    /// Larger than a documented limit.
    TooLarge,
    /// More work than can be taken now; try later.
    Busy,
    /// A part that is needed does not answer; nothing was lost.
    Unavailable,
    /// The disk or the quota is full; nothing was written.
    Full,
    /// A defect in Ward. Its chain goes to the log, never to the caller.
    Bug,
}
