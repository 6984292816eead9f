use super::{Profile, ProfileError};
use crate::version::Version;

fn refused(text: &str) -> String {
    let rules = text.parse::<Profile>().and_then(|profile| profile.rules(Version::V2_5_1));
    match rules.err() {
        Some(ProfileError::Toml(_)) => "toml".to_owned(),
        Some(other) => other.to_string(),
        None => "taken".to_owned(),
    }
}

#[test]
fn entries_that_mean_nothing_are_named() {
    for (entry, expected) in [
        ("", "taken"),
        ("nonsense = 1", "toml"),
        ("[severity]\nnonsense = 'error'", "`severity.nonsense`: there is no such problem"),
        ("[severity]\ntoo-long = 'bad'", "toml"),
        ("[segments.pid]", "`segments.pid`: not a segment name"),
        ("[segments.PID.fields.0]", "`segments.PID.fields.0`: not a number from 1 to 1,000"),
        ("[segments.PID.fields.1]\nusage = 'Q'", "toml"),
        (
            "[segments.PID.fields.1]\ntype = 'QQ'",
            "`segments.PID.fields.1`: version 2.5.1 has no such data type",
        ),
        (
            "[segments.PID.fields.1]\nmax = 'many'",
            "`segments.PID.fields.1.max`: a limit is a number, or \"*\" for none",
        ),
        ("[tables.x]\nopen = true", "`tables.x`: a table is only, also, or open = true"),
        ("[tables.1]\nopen = false", "`tables.1`: a table is only, also, or open = true"),
        (
            "[structures.ADT_Z01]",
            "`structures.ADT_Z01`: version 2.5.1 has no such structure; say what it `is`",
        ),
        ("[structures.ADT_Z01]\nis = 'MSH ('", "`structures.ADT_Z01.is`"),
        (
            "[structures.ADT_A01]\nsegments.RXA = { min = 0 }",
            "`structures.ADT_A01.segments.RXA`: the structure has no segment there",
        ),
        (
            "[structures.ADT_A01]\nsegments.PV2 = { min = 2 }",
            "`structures.ADT_A01.segments.PV2.min`: a limit is a number, or \"*\" for none",
        ),
    ] {
        assert_eq!(refused(&format!("name = 'x'\n{entry}")), expected, "{entry}");
    }
}
