//! The whole access matrix as text, for a compliance officer to read and sign.

use std::{collections::BTreeMap, fmt::Write as _};

use expect_test::expect_file;
use ward_core::{PurposeOfUse, ResourceType, Role};

use super::{STANDARD, cx, house_actions, kinds, record_actions};
use crate::{Facts, Grant, Policy, groups};

const HEAD: &str = "\
Who may do what with which record: the standard policies of Ward, worked out.

Each table is one role, acting for one of the purposes named above it. A line is a group of
kinds of record, or some kinds of a group; the groups are listed at the end. What has no line is
denied. A cell says for whose records the action is permitted:

    C  patients in the actor's care     c  the same, but not records labelled restricted
    O  all other patients               o  the same, but not records labelled restricted
    N  records of no patient            n  the same, but not records labelled restricted
    -  denied

`system` actions are those that are not done to a record.
";

const WIDTH_MAX: usize = 36;

#[test]
fn matrix() {
    expect_file!["../../tests/data/matrix.txt"].assert_eq(&print(&STANDARD));
}

fn print(policy: &Policy) -> String {
    let mut out = HEAD.to_owned();
    for role in Role::ALL {
        // Purposes with the same table share it.
        let mut tables: Vec<(String, Vec<&str>)> = Vec::new();
        for purpose in PurposeOfUse::ALL {
            let table = table(policy, *role, *purpose);
            match tables.iter_mut().find(|(known, _)| *known == table) {
                Some((_, purposes)) => purposes.push(purpose.as_str()),
                None => tables.push((table, vec![purpose.as_str()])),
            }
        }
        for (table, purposes) in tables {
            write!(out, "\n== {role}: {}\n{table}", purposes.join(", ")).unwrap();
        }
    }
    out.push_str("\n== Groups\n");
    for group in groups::ALL {
        let names: Vec<_> = group.kinds.iter().map(|kind| kind.name()).collect();
        let within = match group.within {
            [] => String::new(),
            within => format!(" (in {})", within.join(", ")),
        };
        writeln!(out, "{}{within}\n    {}", group.name, names.join("\n    ")).unwrap();
    }
    out
}

fn table(policy: &Policy, role: Role, purpose: PurposeOfUse) -> String {
    let cx = cx(role, purpose);
    let row = |kind: ResourceType| -> Vec<String> {
        record_actions().map(|action| cell(policy.grant(&cx, action, kind))).collect()
    };
    let mut lines = Vec::new();
    for group in groups::ALL {
        let mut alike: BTreeMap<Vec<String>, Vec<&str>> = BTreeMap::new();
        for kind in group.kinds {
            alike.entry(row(*kind)).or_default().push(kind.name());
        }
        for (cells, names) in &alike {
            if cells.iter().any(|cell| cell != "-") {
                let some = format!("{}: {}", group.name, names.join(", "));
                let label = if alike.len() == 1 { group.name.to_owned() } else { some };
                lines.push((label, cells.clone()));
            }
        }
    }
    let house: Vec<_> = house_actions()
        .filter(|action| policy.allows(&cx, *action))
        .map(|action| action.as_str())
        .collect();
    let mut out = String::new();
    if !house.is_empty() {
        writeln!(out, "system: {}", house.join(", ")).unwrap();
    }
    if lines.is_empty() {
        out.push_str("no records\n");
        return out;
    }
    let width = lines.iter().map(|(label, _)| label.len()).max().unwrap_or(0).min(WIDTH_MAX);
    let titles: Vec<String> = record_actions().map(|action| action.to_string()).collect();
    lines.insert(0, (String::new(), titles));
    for (label, cells) in lines {
        let cells: String = cells.iter().map(|cell| format!("  {cell:<7}")).collect();
        // A long list of kinds has its cells on a line of their own.
        let label = if label.len() <= width { label } else { format!("{label}\n{:width$}", "") };
        writeln!(out, "{}", format!("{label:<width$}{cells}").trim_end()).unwrap();
    }
    out
}

/// A grant in letters. See `HEAD`.
fn cell(grant: Grant) -> String {
    let mut out = String::new();
    let whose = [(false, false, 'n'), (true, true, 'c'), (true, false, 'o')];
    for (has_patient, in_care, letter) in whose {
        let at = |restricted| grant.permits(Facts { has_patient, in_care, restricted });
        match (at(false), at(true)) {
            (true, true) => out.push(letter.to_ascii_uppercase()),
            (true, false) => out.push(letter),
            // Only the restricted ones: no policy should say this, so it stands out.
            (false, true) => out.extend(['!', letter]),
            (false, false) => {}
        }
    }
    if out.is_empty() { "-".to_owned() } else { out }
}

#[test]
fn the_table_holds_every_kind() {
    assert!(kinds().iter().all(|kind| groups::group_of(*kind).is_some()));
}
