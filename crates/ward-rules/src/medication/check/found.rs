//! Issues as they are collected.

use super::{drug::Resolved, facts::Facts};
use crate::medication::{
    CheckContext, Issue, IssueKind, KnowledgeBase, Tier,
    issue::{Message, NotCheckable, RuleRef},
    knowledge::{Rule, RuleKind},
};

/// Collects issues; knows the knowledge base, its version, and the patient.
pub(super) struct Finder<'a> {
    pub kb: &'a KnowledgeBase,
    pub cx: &'a CheckContext,
    pub facts: Facts,
    label: String,
    issues: Vec<Issue>,
    /// Rules that fired with the issues they take the place of: rule, orders.
    lifted: Vec<(String, Vec<String>)>,
}

impl<'a> Finder<'a> {
    pub fn new(kb: &'a KnowledgeBase, cx: &'a CheckContext) -> Finder<'a> {
        Finder {
            kb,
            cx,
            facts: Facts::of(kb, cx),
            label: kb.label(),
            issues: Vec::new(),
            lifted: Vec::new(),
        }
    }

    /// An issue of the check itself, not of a rule in the knowledge base.
    pub fn own(&self, kind: IssueKind, tier: Tier, orders: &[&Resolved<'_>]) -> Issue {
        let id = format!("check.{}", kind.name());
        self.issue(
            kind,
            tier,
            RuleRef { id, version: 1, knowledge_base: self.label.clone() },
            orders,
        )
    }

    pub fn of_rule(&self, rule: &Rule, orders: &[&Resolved<'_>]) -> Issue {
        let kind = match rule.kind {
            RuleKind::Interaction => IssueKind::Interaction,
            RuleKind::Condition => IssueKind::Condition,
            RuleKind::Renal => IssueKind::Renal,
            RuleKind::Hepatic => IssueKind::Hepatic,
            RuleKind::Pregnancy => IssueKind::Pregnancy,
            RuleKind::Lactation => IssueKind::Lactation,
            RuleKind::Age => IssueKind::Age,
            RuleKind::Laboratory => IssueKind::Laboratory,
            RuleKind::Monitoring => IssueKind::Monitoring,
            RuleKind::Route => IssueKind::Route,
            RuleKind::Frequency => IssueKind::Frequency,
        };
        let by = RuleRef {
            id: rule.id.clone(),
            version: rule.version,
            knowledge_base: self.label.clone(),
        };
        let mut issue = self.issue(kind, rule.tier, by, orders);
        issue.illustrative = rule.illustrative;
        issue.message = Message {
            summary: String::new(),
            mechanism: rule.mechanism.clone(),
            action: rule.action.clone(),
            evidence: rule.evidence.clone(),
            source: rule.source.clone(),
        };
        issue
    }

    /// An issue by something in the knowledge base that is no rule: a limit, a group.
    pub fn of_entry(
        &self,
        kind: IssueKind,
        tier: Tier,
        id: &str,
        version: u16,
        orders: &[&Resolved<'_>],
    ) -> Issue {
        let by = RuleRef { id: id.to_owned(), version, knowledge_base: self.label.clone() };
        self.issue(kind, tier, by, orders)
    }

    fn issue(&self, kind: IssueKind, tier: Tier, rule: RuleRef, orders: &[&Resolved<'_>]) -> Issue {
        Issue {
            kind,
            tier,
            why: None,
            rule,
            orders: orders.iter().map(|it| it.order.id.clone()).collect(),
            others: Vec::new(),
            substances: Vec::new(),
            message: Message::default(),
            used: Vec::new(),
            illustrative: false,
            key: String::new(),
        }
    }

    pub fn add(&mut self, issue: Issue) {
        self.issues.push(issue);
    }

    /// Remembers that `rule` fired for these orders, so that what it lifts is silent.
    pub fn lift(&mut self, rule: &Rule, orders: &[String]) {
        for id in &rule.lifts {
            self.lifted.push((id.clone(), sorted(orders)));
        }
    }

    pub fn not_checkable(
        &mut self,
        why: NotCheckable,
        tier: Tier,
        orders: &[&Resolved<'_>],
        summary: String,
    ) {
        let mut issue = self.own(IssueKind::NotCheckable, tier, orders);
        issue.rule.id = format!("check.{}", why.name());
        issue.why = Some(why);
        issue.message.summary = summary;
        issue.message.action = why.action().to_owned();
        self.add(issue);
    }

    pub fn too_many(&mut self, n: usize, most: usize) {
        let summary = format!("{n} orders were given, and only {most} were checked.");
        self.not_checkable(NotCheckable::UnreadableSource, Tier::HardStop, &[], summary);
    }

    /// What the source holds and nobody could take.
    pub fn gaps(&mut self) {
        for gap in &self.cx.gaps {
            let summary = format!("{}: {}", gap.place, gap.what);
            self.not_checkable(NotCheckable::UnreadableSource, Tier::Interruptive, &[], summary);
        }
    }

    /// Gravest first, each once.
    pub fn finish(mut self) -> Vec<Issue> {
        let lifted = std::mem::take(&mut self.lifted);
        let is_lifted = |issue: &Issue| {
            let orders = sorted(&issue.orders);
            lifted.iter().any(|(rule, of)| *rule == issue.rule.id && *of == orders)
        };
        self.issues.retain(|issue| !is_lifted(issue));
        for issue in &mut self.issues {
            issue.used.dedup();
            issue.others.sort();
            issue.others.dedup();
            issue.key = key(issue);
        }
        self.issues.sort_by(|a, b| {
            b.tier
                .cmp(&a.tier)
                .then_with(|| a.kind.cmp(&b.kind))
                .then_with(|| a.rule.cmp(&b.rule))
                .then_with(|| a.substances.cmp(&b.substances))
                .then_with(|| a.orders.cmp(&b.orders))
                .then_with(|| a.message.summary.cmp(&b.message.summary))
        });
        self.issues.dedup_by(|a, b| a.key == b.key && sorted(&a.orders) == sorted(&b.orders));
        self.issues
    }
}

fn sorted(orders: &[String]) -> Vec<String> {
    let mut orders = orders.to_vec();
    orders.sort();
    orders.dedup();
    orders
}

/// The same as long as rule, substances, message and values stay the same; neither the ids of
/// orders nor the ages of values are in it. It is a hash, so that it tells nothing of the patient.
fn key(issue: &Issue) -> String {
    let mut hash = Fnv::new();
    hash.text(issue.kind.name());
    hash.text(issue.tier.name());
    hash.text(&issue.rule.id);
    hash.text(&issue.rule.version.to_string());
    let mut substances = issue.substances.clone();
    substances.sort();
    for id in substances {
        hash.text(&id.to_string());
    }
    for other in &issue.others {
        hash.text(other);
    }
    hash.text(&issue.message.summary);
    for used in &issue.used {
        hash.text(&used.what);
        hash.text(&used.value);
    }
    format!("{:016x}", hash.0)
}

/// FNV-1a, 64 bits: small, and the same on every machine and in every version.
struct Fnv(u64);

impl Fnv {
    const fn new() -> Fnv {
        Fnv(0xcbf2_9ce4_8422_2325)
    }

    fn text(&mut self, text: &str) {
        // A byte that is in no text ends each part.
        for byte in text.bytes().chain([0xff]) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}
