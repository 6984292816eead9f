//! Two drugs.

use super::{drug::Resolved, found::Finder};
use crate::medication::{Issue, IssueKind, issue::Message, knowledge::RuleKind};

pub(super) fn check(finder: &mut Finder<'_>, it: &Resolved<'_>, others: &[Resolved<'_>]) {
    let kb = finder.kb;
    for other in others {
        for (left, right) in [(it, other), (other, it)] {
            for part in &left.ingredients {
                for rule in kb.rules_of(part.substance.rxcui) {
                    let Some(term) = &rule.right else { continue };
                    if rule.kind != RuleKind::Interaction || !rule.when.is_empty() {
                        continue;
                    }
                    for with in &right.ingredients {
                        if !kb.is_in(with.substance.rxcui, term) {
                            continue;
                        }
                        let issue = Issue {
                            kind: IssueKind::Interaction,
                            tier: rule.tier,
                            why: None,
                            rule: finder.of(rule),
                            orders: [it.order.id.clone(), other.order.id.clone()].into(),
                            others: Vec::new(),
                            substances: [part.substance.rxcui, with.substance.rxcui].into(),
                            message: Message {
                                summary: format!(
                                    "{} with {}",
                                    part.substance.name, with.substance.name
                                ),
                                mechanism: rule.mechanism.clone(),
                                action: rule.action.clone(),
                                evidence: rule.evidence.clone(),
                                source: rule.source.clone(),
                            },
                            used: Vec::new(),
                            illustrative: rule.illustrative,
                            key: String::new(),
                        };
                        finder.add(issue);
                    }
                }
            }
        }
    }
}
