//! The text format of the knowledge base, and the starter one that comes with Ward.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use super::{
    Class, ConditionGroup, CrossGroup, CrossStrength, Ingredient, KnowledgeBase, Limit, Measure,
    Molar, Parts, Predicate, Problem, Product, Rxcui, Strength, Substance, Term,
    base::fold,
    toml_rules,
    tsv::{Row, Table},
};
use crate::medication::{issue::Tier, route::Route};

/// The files of a knowledge base as texts; see `docs/medication-checks.md` for their columns.
#[derive(Clone, Copy, Default, Debug)]
pub struct Files<'a> {
    pub substances: &'a str,
    pub products: &'a str,
    pub classes: &'a str,
    pub cross_groups: &'a str,
    pub conditions: &'a str,
    pub limits: &'a str,
    /// Name, version and notice of the knowledge base, and its rules.
    pub rules: &'a str,
}

const STARTER: Files<'static> = Files {
    substances: include_str!("../../../data/medication/substances.tsv"),
    products: include_str!("../../../data/medication/products.tsv"),
    classes: include_str!("../../../data/medication/classes.tsv"),
    cross_groups: include_str!("../../../data/medication/cross-groups.tsv"),
    conditions: include_str!("../../../data/medication/conditions.tsv"),
    limits: include_str!("../../../data/medication/limits.tsv"),
    rules: include_str!("../../../data/medication/rules.toml"),
};

/// The knowledge base that comes with Ward. Not for care: its maxima are illustrative.
///
/// - Errors: none in a built Ward; a test holds that it loads.
pub fn starter() -> &'static Result<KnowledgeBase, Vec<Problem>> {
    static BASE: LazyLock<Result<KnowledgeBase, Vec<Problem>>> =
        LazyLock::new(|| KnowledgeBase::build(starter_parts()?));
    &BASE
}

/// Its parts, for who puts others on top.
pub fn starter_parts() -> Result<Parts, Vec<Problem>> {
    STARTER.read()
}

impl Files<'_> {
    /// Reads all files.
    ///
    /// - Errors: everything that is wrong, with file and line; nothing is left out silently.
    pub fn read(&self) -> Result<Parts, Vec<Problem>> {
        let mut problems = Vec::new();
        let substances = rows(
            "substances.tsv",
            self.substances,
            &[
                "rxcui",
                "unii",
                "name",
                "names",
                "atc",
                "also",
                "routes",
                "g_per_mol",
                "valence",
                "mg_per_unit",
                "source",
            ],
            substance,
            &mut problems,
        );
        let names = Names::of(&substances);
        let products = rows(
            "products.tsv",
            self.products,
            &[
                "rxcui",
                "ndc",
                "name",
                "brand",
                "form",
                "routes",
                "ingredients",
                "excipients",
                "manufacturer",
                "schedule",
                "source",
            ],
            |row| product(row, &names),
            &mut problems,
        );
        let drafts = rows(
            "classes.tsv",
            self.classes,
            &["id", "scheme", "name", "duplicate_at", "members", "source"],
            |row| class(row, &names),
            &mut problems,
        );
        let classes = closed(drafts, &mut problems);
        let cross_groups = rows(
            "cross-groups.tsv",
            self.cross_groups,
            &["id", "name", "names", "strength", "members", "note", "source"],
            |row| cross_group(row, &names),
            &mut problems,
        );
        let condition_groups = rows(
            "conditions.tsv",
            self.conditions,
            &["id", "name", "icd10", "snomed", "words"],
            condition_group,
            &mut problems,
        );
        let limits = rows(
            "limits.tsv",
            self.limits,
            &[
                "id",
                "substance",
                "measure",
                "routes",
                "when",
                "value",
                "unit",
                "cap",
                "tier",
                "illustrative",
                "note",
                "source",
                "version",
            ],
            |row| limit(row, &names),
            &mut problems,
        );
        let term = |name: &str| names.term(name);
        let head = match toml_rules::read("rules.toml", self.rules, &term) {
            Ok(head) => head,
            Err(more) => {
                problems.extend(more);
                toml_rules::Head::default()
            }
        };
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Parts {
            name: head.name,
            version: head.version,
            notice: head.notice,
            substances,
            products,
            classes,
            cross_groups,
            condition_groups,
            rules: head.rules,
            limits,
        })
    }
}

fn rows<T>(
    file: &str,
    text: &str,
    columns: &[&str],
    one: impl Fn(&Row<'_>) -> Result<T, Problem>,
    problems: &mut Vec<Problem>,
) -> Vec<T> {
    let mut made = Vec::new();
    match Table::read(file, text, columns) {
        Err(more) => problems.extend(more),
        Ok(table) => {
            for row in table.rows() {
                match one(&row) {
                    Ok(it) => made.push(it),
                    Err(problem) => problems.push(problem),
                }
            }
        }
    }
    made
}

/// Substances by what they are called.
struct Names(BTreeMap<String, Rxcui>);

impl Names {
    fn of(substances: &[Substance]) -> Names {
        let mut names = BTreeMap::new();
        for it in substances {
            for name in &it.names {
                names.entry(fold(name)).or_insert(it.rxcui);
            }
        }
        for it in substances {
            names.insert(fold(&it.name), it.rxcui);
        }
        Names(names)
    }

    /// By name or by RXCUI.
    fn id(&self, text: &str) -> Option<Rxcui> {
        text.parse().ok().or_else(|| self.0.get(&fold(text)).copied())
    }

    /// `@nsaid` and `class:nsaid` are classes, anything else is a substance.
    fn term(&self, text: &str) -> Option<Term> {
        match text.strip_prefix('@').or_else(|| text.strip_prefix("class:")) {
            Some(class) => Some(Term::Class(class.to_owned())),
            None => self.id(text).map(Term::Substance),
        }
    }

    fn ids<'a>(
        &self,
        row: &Row<'a>,
        names: impl Iterator<Item = &'a str>,
    ) -> Result<Vec<Rxcui>, Problem> {
        let one = |name: &'a str| {
            self.id(name).ok_or_else(|| row.problem(format!("{name} is no substance that is here")))
        };
        names.map(one).collect()
    }
}

fn texts<'a>(list: impl Iterator<Item = &'a str>) -> Vec<String> {
    list.map(str::to_owned).collect()
}

fn routes(row: &Row<'_>) -> Result<Vec<Route>, Problem> {
    let one = |name| Route::parse(name).ok_or_else(|| row.problem(format!("{name} is no route")));
    row.list("routes").map(one).collect()
}

fn substance(row: &Row<'_>) -> Result<Substance, Problem> {
    let id = |text: &str| text.parse::<Rxcui>().map_err(|e| row.problem(e.to_string()));
    let valence = row.cell("valence").parse::<u8>().ok().filter(|n| (1..=3).contains(n));
    let molar = match (row.number("g_per_mol")?, valence) {
        (Some(grams_per_mole), Some(valence)) => Some(Molar { grams_per_mole, valence }),
        (None, None) if row.cell("valence").is_empty() => None,
        _ => return Err(row.problem("g_per_mol needs a valence of 1 to 3, and the other way")),
    };
    Ok(Substance {
        rxcui: id(row.required("rxcui")?)?,
        unii: match row.cell("unii") {
            "" => None,
            text => Some(text.parse().map_err(|_| row.problem("unii is none"))?),
        },
        name: row.required("name")?.to_owned(),
        names: texts(row.list("names")),
        atc: texts(row.list("atc")),
        also: row.list("also").map(id).collect::<Result<_, _>>()?,
        routes: routes(row)?,
        molar,
        mg_per_unit: row.number("mg_per_unit")?,
        source: row.required("source")?.to_owned(),
    })
}

/// An ingredient is `NAME`, or `NAME=325 mg/1` for so much in one piece, or `NAME=5 mg/1 mL`.
fn product(row: &Row<'_>, names: &Names) -> Result<Product, Problem> {
    let ingredient = |text: &str| -> Result<Ingredient, Problem> {
        let (name, strength) = match text.split_once('=') {
            Some((name, strength)) => (name, Some(strength)),
            None => (text, None),
        };
        let substance = names
            .id(name)
            .ok_or_else(|| row.problem(format!("{name} is no substance that is here")))?;
        let strength = strength
            .map(|text| strength_of(text).ok_or_else(|| row.problem("a strength is unreadable")))
            .transpose()?;
        Ok(Ingredient { substance, strength })
    };
    let some = |text: &str| Some(text.to_owned()).filter(|it| !it.is_empty());
    Ok(Product {
        rxcui: match row.cell("rxcui") {
            "" => None,
            text => Some(text.parse().map_err(|_| row.problem("rxcui is none"))?),
        },
        ndc: row
            .list("ndc")
            .map(|text| text.parse().map_err(|_| row.problem("ndc is none")))
            .collect::<Result<_, _>>()?,
        name: row.required("name")?.to_owned(),
        brand: some(row.cell("brand")),
        form: row.required("form")?.to_owned(),
        routes: routes(row)?,
        ingredients: row.list("ingredients").map(ingredient).collect::<Result<_, _>>()?,
        excipients: match row.cell("excipients") {
            "" => None,
            _ => Some(texts(row.list("excipients"))),
        },
        manufacturer: some(row.cell("manufacturer")),
        schedule: some(row.cell("schedule")),
        source: row.required("source")?.to_owned(),
    })
}

fn strength_of(text: &str) -> Option<Strength> {
    let (amount, per) = text.split_once('/')?;
    let (value, unit) = amount.trim().split_once(' ')?;
    let (per_value, per_unit) = per.trim().split_once(' ').unwrap_or((per.trim(), "1"));
    Some(Strength {
        value: value.parse().ok()?,
        unit: unit.to_owned(),
        per_value: per_value.parse().ok()?,
        per_unit: per_unit.to_owned(),
    })
}

/// A class whose members may be whole classes, as `@ID`.
struct Draft {
    class: Class,
    includes: Vec<String>,
    place: Problem,
}

fn class(row: &Row<'_>, names: &Names) -> Result<Draft, Problem> {
    let includes = row.list("members").filter_map(|it| it.strip_prefix('@'));
    Ok(Draft {
        includes: texts(includes),
        place: row.problem(""),
        class: Class {
            id: row.required("id")?.to_owned(),
            scheme: row.required("scheme")?.to_owned(),
            name: row.required("name")?.to_owned(),
            members: names.ids(row, row.list("members").filter(|it| !it.starts_with('@')))?,
            duplicate_at: match row.cell("duplicate_at") {
                "" => None,
                text => Some(text.parse().map_err(|_| row.problem("duplicate_at is no number"))?),
            },
            source: row.required("source")?.to_owned(),
        },
    })
}

/// Classes with the members of the classes they include, and of those that these include.
fn closed(drafts: Vec<Draft>, problems: &mut Vec<Problem>) -> Vec<Class> {
    let by_id: BTreeMap<&str, &Draft> =
        drafts.iter().map(|draft| (draft.class.id.as_str(), draft)).collect();
    let mut made = Vec::new();
    for draft in &drafts {
        let mut members: BTreeSet<Rxcui> = draft.class.members.iter().copied().collect();
        let mut seen = BTreeSet::from([draft.class.id.as_str()]);
        let mut open: Vec<&str> = draft.includes.iter().map(String::as_str).collect();
        while let Some(id) = open.pop() {
            if !seen.insert(id) {
                continue;
            }
            match by_id.get(id) {
                None => problems.push(Problem {
                    what: format!("there is no class {id}"),
                    ..draft.place.clone()
                }),
                Some(other) => {
                    members.extend(&other.class.members);
                    open.extend(other.includes.iter().map(String::as_str));
                }
            }
        }
        made.push(Class { members: members.into_iter().collect(), ..draft.class.clone() });
    }
    made
}

fn cross_group(row: &Row<'_>, names: &Names) -> Result<CrossGroup, Problem> {
    Ok(CrossGroup {
        id: row.required("id")?.to_owned(),
        name: row.required("name")?.to_owned(),
        names: texts(row.list("names")),
        strength: match row.required("strength")? {
            "likely" => CrossStrength::Likely,
            "unlikely" => CrossStrength::Unlikely,
            _ => return Err(row.problem("strength is likely or unlikely")),
        },
        members: names.ids(row, row.list("members"))?,
        note: row.cell("note").to_owned(),
        source: row.required("source")?.to_owned(),
    })
}

fn condition_group(row: &Row<'_>) -> Result<ConditionGroup, Problem> {
    Ok(ConditionGroup {
        id: row.required("id")?.to_owned(),
        name: row.required("name")?.to_owned(),
        icd10: texts(row.list("icd10")),
        snomed: texts(row.list("snomed")),
        words: row.list("words").map(fold).collect(),
    })
}

fn limit(row: &Row<'_>, names: &Names) -> Result<Limit, Problem> {
    let name = row.required("substance")?;
    let when = row.cell("when").split(';').map(str::trim).filter(|it| !it.is_empty());
    let when = when
        .map(|text| Predicate::parse(text, &|name| names.term(name)))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| row.problem(e.to_string()))?;
    Ok(Limit {
        id: row.required("id")?.to_owned(),
        substance: names
            .id(name)
            .ok_or_else(|| row.problem(format!("{name} is no substance that is here")))?,
        measure: match row.required("measure")? {
            "single" => Measure::Single,
            "daily" => Measure::Daily,
            "cumulative" => Measure::Cumulative,
            "rate" => Measure::Rate,
            "interval" => Measure::Interval,
            "duration" => Measure::Duration,
            "concentration" => Measure::Concentration,
            _ => return Err(row.problem("measure is none that is known")),
        },
        routes: routes(row)?,
        when,
        value: row.number("value")?.ok_or_else(|| row.problem("value is empty"))?,
        unit: row.required("unit")?.to_owned(),
        cap: row.number("cap")?,
        tier: Tier::named(row.required("tier")?)
            .ok_or_else(|| row.problem("tier is none that is known"))?,
        note: row.cell("note").to_owned(),
        source: row.required("source")?.to_owned(),
        version: match row.cell("version") {
            "" => 1,
            text => text.parse().map_err(|_| row.problem("version is no number"))?,
        },
        illustrative: match row.cell("illustrative") {
            "yes" => true,
            "" | "no" => false,
            _ => return Err(row.problem("illustrative is yes or no")),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::{Files, STARTER, starter};

    #[test]
    fn the_starter_loads() {
        let kb = starter().as_ref().unwrap_or_else(|problems| panic!("{problems:#?}"));
        assert_eq!(kb.substance_named("Lasix").unwrap().name, "furosemide");
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let wrong = Files {
            classes: "id\tscheme\tname\tduplicate_at\tmembers\tsource\nx\tward\tx\t\tnothing\tus\n",
            rules: "name = \"a\"\nversion = \"1\"\nnotice = \"\"\n\n[[rule]]\nid = \"r\"\nkind = \"age\"\nleft = \"codeine\"\nwhen = [\"age < twelve\"]\ntier = \"passive\"\nmechanism = \"\"\naction = \"\"\nevidence = \"\"\nsource = \"\"\n",
            ..STARTER
        };
        let problems: Vec<String> =
            wrong.read().unwrap_err().iter().map(ToString::to_string).collect();
        assert_eq!(
            problems,
            [
                "classes.tsv:2: nothing is no substance that is here",
                "rules.toml:6: `age` needs a comparison (<, <=, >, >=) and a number",
            ]
        );
    }
}
