//! A crate depends only on lower floors, and services never on services.

use std::{collections::BTreeMap, path::Path};

use super::{members, table};

/// The floor on which the services stand.
const SERVICES: i64 = 2;
/// Every crate may use this one.
const GROUND: &str = "ward-core";

pub fn check(root: &Path) -> Result<Vec<String>, String> {
    let mut breaches = Vec::new();
    let mut floors = BTreeMap::new();
    let mut uses = Vec::new();
    for member in members(root)? {
        let manifest = table(&member.join("Cargo.toml"))?;
        let package = manifest.get("package").and_then(|p| p.as_table());
        let name = package.and_then(|p| p.get("name")).and_then(|n| n.as_str());
        let Some(name) = name else {
            breaches.push(format!("{}: no name", member.display()));
            continue;
        };
        let ward = package.and_then(|p| p.get("metadata")).and_then(|m| m.get("ward"));
        match ward.and_then(|w| w.get("floor")).and_then(|f| f.as_integer()) {
            Some(floor) => drop(floors.insert(name.to_owned(), floor)),
            None => breaches.push(format!("{name}: no package.metadata.ward.floor")),
        }
        for kind in ["dependencies", "build-dependencies"] {
            let on = manifest.get(kind).and_then(|d| d.as_table());
            uses.extend(on.into_iter().flatten().map(|(on, _)| (name.to_owned(), on.clone())));
        }
    }
    for (name, on) in uses {
        let (Some(upper), Some(lower)) = (floors.get(&name), floors.get(&on)) else {
            continue; // Not one of ours, or already named above.
        };
        if upper == lower && *upper == SERVICES {
            breaches.push(format!("{name} uses {on}: services never use services"));
        } else if upper <= lower && on != GROUND && !is_known(&name, &on) {
            breaches.push(format!("{name} (floor {upper}) uses {on} (floor {lower})"));
        }
    }
    Ok(breaches)
}

/// Same-floor edges that the design draws itself: the store on the floor of what seals it.
fn is_known(name: &str, on: &str) -> bool {
    (name, on) == ("ward-store", "ward-crypto")
}
