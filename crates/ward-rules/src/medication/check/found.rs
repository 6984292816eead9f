//! Issues as they are collected.

use crate::medication::{
    CheckContext, Issue, IssueKind, KnowledgeBase, Tier,
    issue::{Message, NotCheckable, RuleRef},
    knowledge::Rule,
};

/// Collects issues; knows the knowledge base and its version.
pub(super) struct Finder<'a> {
    pub kb: &'a KnowledgeBase,
    pub cx: &'a CheckContext,
    issues: Vec<Issue>,
}

impl<'a> Finder<'a> {
    pub fn new(kb: &'a KnowledgeBase, cx: &'a CheckContext) -> Finder<'a> {
        Finder { kb, cx, issues: Vec::new() }
    }

    /// Of the check itself, not of a rule in the knowledge base.
    pub fn own(&self, id: &str) -> RuleRef {
        RuleRef { id: id.to_owned(), version: 1, knowledge_base: self.kb.label() }
    }

    pub fn of(&self, rule: &Rule) -> RuleRef {
        RuleRef { id: rule.id.clone(), version: rule.version, knowledge_base: self.kb.label() }
    }

    pub fn add(&mut self, issue: Issue) {
        self.issues.push(issue);
    }

    pub fn not_checkable(
        &mut self,
        why: NotCheckable,
        rule: &str,
        orders: &[&str],
        summary: String,
    ) {
        let issue = Issue {
            kind: IssueKind::NotCheckable,
            tier: Tier::Interruptive,
            why: Some(why),
            rule: self.own(rule),
            orders: orders.iter().map(|it| (*it).to_owned()).collect(),
            others: Vec::new(),
            substances: Vec::new(),
            message: Message { summary, ..Message::default() },
            used: Vec::new(),
            illustrative: false,
            key: String::new(),
        };
        self.add(issue);
    }

    /// What the source holds and nobody could take.
    pub fn gaps(&mut self) {
        for gap in &self.cx.gaps {
            self.not_checkable(
                NotCheckable::UnreadableSource,
                "check.unreadable-source",
                &[],
                format!("{}: {}", gap.place, gap.what),
            );
        }
    }

    /// Gravest first, each once.
    pub fn finish(mut self) -> Vec<Issue> {
        for issue in &mut self.issues {
            issue.key =
                format!("{}|{}|{}", issue.rule.id, issue.orders.join("|"), issue.message.summary);
        }
        self.issues.sort_by(|a, b| {
            b.tier.cmp(&a.tier).then_with(|| a.kind.cmp(&b.kind)).then_with(|| a.key.cmp(&b.key))
        });
        self.issues.dedup_by(|a, b| a.key == b.key);
        self.issues
    }
}
