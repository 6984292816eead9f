//! One case is `NAME.hl7`, a segment a line, and, where something is wrong with it,
//! `NAME.problems`; what is shown is `NAME.txt`, and with every part that the standard knows
//! `NAME.all.txt`.

use std::{fmt::Write as _, fs, path::Path};

use expect_test::expect_file;
use ward_hl7::ReadSettings;
use ward_interop::contract::Told;

use super::{
    Parts, parsed,
    tree::{PartLine, Tree},
};

#[test]
fn golden() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/parsed");
    let mut n_cases = 0;
    for entry in fs::read_dir(&dir).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|it| it != "hl7") {
            continue;
        }
        let raw = fs::read_to_string(&path).unwrap().replace('\n', "\r");
        let told = fs::read_to_string(path.with_extension("problems")).unwrap_or_default();
        let told: Vec<Told> = told
            .lines()
            .map(|line| {
                let [severity, kind, at] = [0, 1, 2].map(|n| line.splitn(3, ' ').nth(n).unwrap());
                Told { severity: severity.into(), kind: kind.into(), at: at.into() }
            })
            .collect();
        let read = |parts| parsed(raw.as_bytes(), &ReadSettings::default(), &told, parts);
        expect_file![path.with_extension("txt")].assert_eq(&shown(read(Parts::Valued)));
        expect_file![path.with_extension("all.txt")].assert_eq(&shown(read(Parts::All)));
        n_cases += 1;
    }
    assert!(0 < n_cases, "no cases in {}", dir.display());
}

/// A tree, a part a line.
fn shown(tree: Option<Tree>) -> String {
    let Some(tree) = tree else { return "no message\n".to_owned() };
    let mut page =
        format!("{} {}, {} left\n", tree.version.unwrap_or_default(), tree.charset, tree.left);
    for (n, it) in tree.problems.iter().enumerate() {
        let place = if it.placed { "" } else { ", beside nothing" };
        writeln!(page, "#{n} {} {}: {}{place}", it.severity, it.at, it.says).unwrap();
    }
    for segment in &tree.segments {
        let name = segment.name.as_deref().unwrap_or("-");
        writeln!(page, "{} {name}{}", segment.at, marks(&segment.problems)).unwrap();
        page.extend(segment.raw.iter().map(|raw| format!("    {raw}\n")));
        for field in &segment.fields {
            let (name, kind) = (&field.is.name, &field.is.kind);
            let name = name.as_deref().unwrap_or("-");
            let kind = kind.as_deref().unwrap_or("-");
            let problems = marks(&field.is.problems);
            writeln!(page, "  {} {name} {kind}{problems}", field.is.at).unwrap();
            field.values.iter().for_each(|it| part(&mut page, it, 4));
        }
    }
    page
}

fn part(page: &mut String, it: &PartLine, depth: usize) {
    let name = it.is.name.as_deref().unwrap_or("-");
    write!(page, "{:depth$}{} {name}{}", "", it.is.at, marks(&it.is.problems)).unwrap();
    if it.deleted {
        page.push_str(" deleted");
    }
    if let Some(text) = &it.text {
        write!(page, " = {}", text.chars().take(60).collect::<String>()).unwrap();
    }
    page.extend(it.length.iter().map(|n| format!(" ... {n}")));
    page.push('\n');
    it.parts.iter().for_each(|it| part(page, it, depth + 2));
}

fn marks(problems: &[usize]) -> String {
    problems.iter().map(|n| format!(" #{n}")).collect()
}
