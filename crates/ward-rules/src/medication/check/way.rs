//! The way a drug is given, against the form it has and how it is written.

use super::{drug::Resolved, found::Finder};
use crate::medication::{
    IssueKind, Tier, context::RouteGiven, issue::NotCheckable, route::Route, units::lint,
};

/// Words of forms that are swallowed or put somewhere, and never go through a needle.
const NEVER_INJECTED: &[&str] = &[
    "tablet",
    "capsule",
    "suppository",
    "cream",
    "ointment",
    "lotion",
    "patch",
    "transdermal",
    "topical",
    "oral",
    "ophthalmic",
    "otic",
    "inhalation",
    "inhaler",
    "nasal",
    "rectal",
    "vaginal",
    "enema",
    "syrup",
    "elixir",
    "lozenge",
    "chewable",
    "powder for oral",
];

/// Words of forms for the skin, the eye or the lung, which are never swallowed.
const NEVER_SWALLOWED: &[&str] = &[
    "cream",
    "ointment",
    "lotion",
    "patch",
    "transdermal",
    "topical",
    "suppository",
    "enema",
    "ophthalmic",
    "otic",
    "inhaler",
    "inhalation",
];

/// Words of forms that must stay whole.
const NEVER_CRUSHED: &[&str] = &[
    "extended release",
    "extended-release",
    "delayed release",
    "delayed-release",
    "enteric",
    "sustained",
    "modified release",
    "controlled",
    "12 hr",
    "24 hr",
];

pub(super) fn check(finder: &mut Finder<'_>, it: &Resolved<'_>) {
    for (n, dosing) in it.order.dosing.iter().enumerate() {
        match &dosing.route {
            RouteGiven::Unknown(text) => finder.not_checkable(
                NotCheckable::UnknownRoute,
                Tier::Interruptive,
                &[it],
                format!("{}: the route {text} is not known.", it.name()),
            ),
            RouteGiven::Absent => finder.not_checkable(
                NotCheckable::NoRoute,
                Tier::Interruptive,
                &[it],
                format!("{}: no route is given.", it.name()),
            ),
            RouteGiven::Known(route) => against_form(finder, it, *route),
        }
        for writing in dosing.text.as_deref().map(lint).unwrap_or_default() {
            let mut issue = finder.own(IssueKind::Writing, Tier::Passive, &[it]);
            issue.rule.id = format!("check.writing.{n}.{writing:?}").to_lowercase();
            issue.message.summary = format!("{}: {}.", it.name(), writing.advice());
            finder.add(issue);
        }
    }
    if it.order.dosing.is_empty() {
        finder.not_checkable(
            NotCheckable::NoDose,
            Tier::Interruptive,
            &[it],
            format!("{}: the order says neither dose nor route nor how often.", it.name()),
        );
    }
}

fn against_form(finder: &mut Finder<'_>, it: &Resolved<'_>, route: Route) {
    let form = match it.form() {
        form if form.is_empty() => it.order.drug.text.to_lowercase(),
        form => form,
    };
    let has = |words: &[&str]| words.iter().any(|word| form.contains(word));
    let is_injectable = form.contains("inject") || form.contains("solution for infusion");
    let (tier, what, action) = if route.is_parenteral() && has(NEVER_INJECTED) && !is_injectable {
        (Tier::HardStop, "this form must never be injected", "Choose a form for injection.")
    } else if route.is_enteral() && has(NEVER_SWALLOWED) && !form.contains("oral") {
        (Tier::Interruptive, "this form is not for swallowing", "Choose an oral form.")
    } else if route == Route::Enteral && has(NEVER_CRUSHED) {
        (
            Tier::Interruptive,
            "this form must not be crushed for a tube",
            "Choose a liquid or an immediate-release form.",
        )
    } else {
        let routes = it.product.map(|product| product.routes.as_slice()).unwrap_or_default();
        let is_tube_of_oral = route == Route::Enteral && routes.contains(&Route::Oral);
        if routes.is_empty() || routes.contains(&route) || is_tube_of_oral {
            return;
        }
        (
            Tier::Interruptive,
            "this product is not made for that route",
            "Choose another product or route.",
        )
    };
    let mut issue = finder.own(IssueKind::Route, tier, &[it]);
    issue.rule.id = "check.route-form".to_owned();
    issue.substances = it.ingredients.iter().map(|it| it.substance.rxcui).collect();
    issue.message.summary = format!("{} by the {} route: {what}.", it.name(), route.name());
    issue.message.action = action.to_owned();
    finder.add(issue);
}
