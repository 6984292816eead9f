//! The check itself: one pure function over knowledge base and context.

mod drug;
mod found;
mod interaction;

use self::{drug::Resolved, found::Finder};
use super::{CheckContext, Issue, KnowledgeBase};

/// Everything a person should know before the proposed orders go on.
///
/// - Shape: gravest first; the same input gives the same list, in whatever order the orders come.
/// - Cost: under 5 ms for 30 active orders.
pub fn check(kb: &KnowledgeBase, cx: &CheckContext) -> Vec<Issue> {
    let proposed: Vec<Resolved<'_>> = cx.proposed.iter().map(|it| drug::resolve(kb, it)).collect();
    let active: Vec<Resolved<'_>> = cx.active.iter().map(|it| drug::resolve(kb, it)).collect();
    let mut finder = Finder::new(kb, cx);
    finder.gaps();
    for order in &proposed {
        drug::unknown(&mut finder, order);
        interaction::check(&mut finder, order, &active);
    }
    finder.finish()
}
