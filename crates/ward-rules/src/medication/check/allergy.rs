//! What the patient does not stand.

use super::{
    drug::{Part, Resolved, substances},
    found::Finder,
};
use crate::medication::{
    Issue, IssueKind, Tier,
    context::{Allergies, Allergy, AllergyCategory, AllergyKind, Criticality, system},
    knowledge::{CrossGroup, CrossStrength, Substance, fold},
};

/// Codes of SNOMED CT for anaphylaxis: the reaction, the shock, the disorder.
const ANAPHYLAXIS: &[&str] = &["39579001", "417516000", "241929008", "442038006", "213320003"];

const SEVERE_WORDS: &[&str] = &[
    "anaphyla",
    "angioedema",
    "stevens",
    "epidermal necrolysis",
    "dress",
    "airway",
    "swelling of the throat",
    "throat swelling",
    "respiratory arrest",
    "shock",
];

pub(super) fn check(finder: &mut Finder<'_>, it: &Resolved<'_>) {
    let cx = finder.cx;
    match &cx.allergies {
        Allergies::NotAssessed => {
            let mut issue = finder.own(IssueKind::AllergyNotAssessed, Tier::Interruptive, &[it]);
            issue.message.summary =
                "Nobody has recorded whether the patient has allergies.".to_owned();
            issue.message.action =
                "Ask, and record the allergies or that there are none.".to_owned();
            finder.add(issue);
        }
        Allergies::NoneKnown => {}
        Allergies::Known(all) => {
            for allergy in all.iter().filter(|allergy| allergy.is_held) {
                one(finder, it, allergy);
            }
        }
    }
}

/// What an allergy is to.
struct To<'a> {
    substances: Vec<&'a Substance>,
    /// Groups that it names as a whole.
    groups: Vec<&'a CrossGroup>,
}

fn one(finder: &mut Finder<'_>, it: &Resolved<'_>, allergy: &Allergy) {
    let to = target(finder, allergy);
    let mut worst: Option<Issue> = None;
    for part in &it.ingredients {
        if let Some(issue) = against(finder, it, part, allergy, &to)
            && worst.as_ref().is_none_or(|here| here.tier < issue.tier)
        {
            worst = Some(issue);
        }
    }
    let is_found = worst.is_some();
    worst.into_iter().for_each(|issue| finder.add(issue));
    if is_found || excipient(finder, it, allergy) {
        return;
    }
    let is_drug = !matches!(allergy.category, AllergyCategory::Food | AllergyCategory::Environment);
    if to.substances.is_empty() && to.groups.is_empty() && is_drug {
        let tier = if is_severe(allergy) { Tier::Interruptive } else { Tier::Passive };
        let mut issue = finder.own(IssueKind::AllergyUnmatched, tier, &[it]);
        issue.others = [allergy.id.clone()].into();
        issue.message.summary = format!(
            "The allergy to {} could not be checked: nothing in the knowledge base has that name.",
            name(allergy)
        );
        issue.message.action = "Compare by hand, and record the allergy with a code.".to_owned();
        finder.add(issue);
    }
}

fn target<'a>(finder: &Finder<'a>, allergy: &Allergy) -> To<'a> {
    let kb = finder.kb;
    let coded = allergy.to.codes.iter().any(|it| {
        it.system == system::RXNORM && it.code.parse().is_ok_and(|id| kb.substance(id).is_some())
    });
    let groups = if coded { Vec::new() } else { kb.cross_groups_in(&allergy.to.text) };
    let substances = substances(kb, &allergy.to.codes, &allergy.to.text);
    To { substances, groups }
}

fn against(
    finder: &Finder<'_>,
    it: &Resolved<'_>,
    part: &Part<'_>,
    allergy: &Allergy,
    to: &To<'_>,
) -> Option<Issue> {
    let id = part.substance.rxcui;
    let mine = part.substance.name.as_str();
    if to.substances.iter().any(|it| it.rxcui == id) {
        let mut issue = finder.own(IssueKind::Allergy, direct(allergy), &[it]);
        issue.message.summary =
            format!("{mine}: the patient is recorded as allergic to it{}.", reactions(allergy));
        return Some(filled(issue, part, allergy));
    }
    if let Some(group) = to.groups.iter().find(|group| group.members.contains(&id)) {
        let tier = match group.strength {
            CrossStrength::Likely => direct(allergy),
            CrossStrength::Unlikely => Tier::Passive,
        };
        let mut issue = finder.of_entry(IssueKind::CrossAllergy, tier, &group.id, 1, &[it]);
        issue.message.summary = format!(
            "{mine} is one of the {}, to which the patient is recorded as allergic{}.",
            group.name,
            reactions(allergy)
        );
        issue.message.mechanism = group.note.clone();
        issue.message.source = group.source.clone();
        return Some(filled(issue, part, allergy));
    }
    // Kin by name of a group that is named: shown, whatever the reaction was.
    let is_kin = |group: &&CrossGroup| {
        group.strength == CrossStrength::Unlikely
            && to.groups.iter().any(|to| to.members.iter().any(|it| group.members.contains(it)))
    };
    if let Some(group) = finder.kb.cross_groups_of(id).find(is_kin) {
        let mut issue =
            finder.of_entry(IssueKind::CrossAllergy, Tier::Passive, &group.id, 1, &[it]);
        issue.message.summary = format!(
            "{mine}: the patient is recorded as allergic to {}{}; both are {}.",
            name(allergy),
            reactions(allergy),
            group.name
        );
        issue.message.mechanism = group.note.clone();
        issue.message.source = group.source.clone();
        return Some(filled(issue, part, allergy));
    }
    let shared = finder
        .kb
        .cross_groups_of(id)
        .filter(|group| to.substances.iter().any(|it| group.members.contains(&it.rxcui)))
        .min_by_key(|group| group.strength)?;
    let tier = match (shared.strength, allergy.kind) {
        (CrossStrength::Unlikely, _) | (_, AllergyKind::Intolerance) => Tier::Passive,
        (CrossStrength::Likely, _) if is_severe(allergy) => Tier::HardStop,
        (CrossStrength::Likely, _) => Tier::Interruptive,
    };
    let mut issue = finder.of_entry(IssueKind::CrossAllergy, tier, &shared.id, 1, &[it]);
    issue.message.summary = format!(
        "{mine}: the patient is recorded as allergic to {}{}; both are {}.",
        name(allergy),
        reactions(allergy),
        shared.name
    );
    issue.message.mechanism = shared.note.clone();
    issue.message.source = shared.source.clone();
    Some(filled(issue, part, allergy))
}

fn filled(mut issue: Issue, part: &Part<'_>, allergy: &Allergy) -> Issue {
    issue.substances = [part.substance.rxcui].into();
    issue.others = [allergy.id.clone()].into();
    issue
}

/// Of the drug itself, or of a group that is named.
fn direct(allergy: &Allergy) -> Tier {
    match allergy.kind {
        AllergyKind::Intolerance if !is_severe(allergy) => Tier::Passive,
        _ if is_severe(allergy) => Tier::HardStop,
        _ => Tier::Interruptive,
    }
}

fn is_severe(allergy: &Allergy) -> bool {
    allergy.criticality == Some(Criticality::High)
        || allergy.reactions.iter().any(|it| {
            let text = it.text.to_lowercase();
            it.is_severe
                || it.codes.iter().any(|code| ANAPHYLAXIS.contains(&code.code.as_str()))
                || SEVERE_WORDS.iter().any(|word| text.contains(word))
        })
}

fn name(allergy: &Allergy) -> &str {
    match allergy.to.text.as_str() {
        "" => "something without a name",
        text => text,
    }
}

fn reactions(allergy: &Allergy) -> String {
    let texts: Vec<&str> =
        allergy.reactions.iter().map(|it| it.text.as_str()).filter(|it| !it.is_empty()).collect();
    if texts.is_empty() { String::new() } else { format!(" ({})", texts.join(", ")) }
}

/// What else is in the product; false when it is none of it, or nobody knows what is in it.
fn excipient(finder: &mut Finder<'_>, it: &Resolved<'_>, allergy: &Allergy) -> bool {
    let of_product = it.product.and_then(|product| product.excipients.as_ref());
    let of_order =
        it.order.drug.ingredients.iter().filter(|it| !it.is_active).map(|it| fold(&it.text));
    let excipients: Vec<String> =
        of_product.into_iter().flatten().map(|it| fold(it)).chain(of_order).collect();
    let to = fold(&allergy.to.text);
    let Some(found) = excipients.iter().find(|it| {
        !to.is_empty() && !it.is_empty() && (it.contains(&to) || to.contains(it.as_str()))
    }) else {
        return false;
    };
    let tier = if is_severe(allergy) { Tier::HardStop } else { Tier::Interruptive };
    let mut issue = finder.own(IssueKind::Allergy, tier, &[it]);
    issue.rule.id = "check.excipient".to_owned();
    issue.others = [allergy.id.clone()].into();
    issue.message.summary = format!(
        "{} contains {found}, to which the patient is recorded as allergic{}.",
        it.name(),
        reactions(allergy)
    );
    finder.add(issue);
    true
}
