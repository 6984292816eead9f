//! The simulated payer: what it says is decided by the member's number and by time alone, so that
//! demonstrations and tests go the same way each time. It is nobody, and says so.

use super::Verdict;

/// What stands wherever the simulated payer is shown.
pub const LABEL: &str = "SIMULATED PAYER";

/// Seconds after which what was pended is decided.
pub const LOOKS_S: i64 = 3;

/// What the simulated payer says of a member's stay, so many seconds after it was asked first.
///
/// | last digit of the number | at once | after [`LOOKS_S`] |
/// |---|---|---|
/// | 0 to 4, or no digit | granted | |
/// | 5 to 7 | pended | granted |
/// | 8 | pended | denied |
/// | 9 | denied | |
pub fn verdict(member: &str, since_asked_s: i64) -> Verdict {
    let digit = member.bytes().rev().find(u8::is_ascii_digit);
    match (digit, LOOKS_S <= since_asked_s) {
        (Some(b'5'..=b'7'), true) => Verdict::Granted,
        (Some(b'8'), true) | (Some(b'9'), _) => Verdict::Denied,
        (Some(b'5'..=b'8'), false) => Verdict::Pended,
        _ => Verdict::Granted,
    }
}
