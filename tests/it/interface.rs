//! The interface in a real browser: each story of `web/test` over a house of its own.

use std::{path::PathBuf, process::Command};

use serde_json::Value;
use ward_tests::{House, skip};

use crate::hl7::{channel, free_address};

/// Chromium, and the packages that drive it; nothing where one is missing.
fn browser() -> Option<PathBuf> {
    let web = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../web");
    let chromium = std::env::var_os("WARD_CHROMIUM").unwrap_or("/usr/bin/chromium".into());
    let all = [
        PathBuf::from(chromium),
        web.join("node_modules/playwright-core"),
        web.join("node_modules/axe-core"),
        web.join("dist/index.html"),
    ];
    all.iter().all(|it| it.exists()).then_some(web)
}

/// Lets a browser tell one story over a new chart.
fn tell(story: &str) {
    tell_with(story, &[], &[]);
}

/// The same with settings of the server, and words for the story.
fn tell_with(story: &str, settings: &[(&str, &str)], words: &[(&str, &str)]) {
    let Some(web) = browser() else { return skip("the interface in Chromium") };
    let house = House::new();
    let server = house.serve_with(settings);
    let out = Command::new("node")
        .arg(web.join("test").join(story))
        .env("WARD_URL", format!("http://{}", server.address))
        .env("WARD_MLLP", &server.mllp)
        .env("WARD_SETUP", server.setup_token().unwrap())
        .env("WARD_TOKEN", house.token_for("integration"))
        .env("WARD_ADMIN", house.token_for("administrator"))
        .envs(words.iter().copied())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{said}");
}

#[test]
fn the_story_of_a_stay_in_a_browser() {
    tell("story.mjs");
}

#[test]
fn a_doctors_day_in_a_chart() {
    tell("chart.mjs");
}

#[test]
fn messages_are_looked_at_and_who_looked_at_a_chart() {
    tell("interfaces.mjs");
}

#[test]
fn interfaces_and_their_messages_are_looked_after() {
    let folder = tempfile::tempdir().unwrap();
    let (lab, nobody) = (free_address(), free_address());
    let archive = folder.path().join("kept");
    channel(
        folder.path(),
        "north",
        &format!(
            "[from]\ninterface = \"mllp\"\n[take]\ntypes = [\"ADT^A01\"]\n\
             [[to]]\nname = \"lab\"\nmllp = \"{lab}\"\n\
             [[to]]\nname = \"registry\"\nmllp = \"{nobody}\"\n\
             [[to]]\nname = \"archive\"\nfolder = \"{}\"\n",
            archive.display()
        ),
    );
    let settings = [("WARD_HL7_CHANNELS", folder.path().to_str().unwrap())];
    tell_with("messages.mjs", &settings, &[("WARD_LAB", &lab)]);
}

#[test]
fn nothing_of_an_order_of_another_system_is_left_out() {
    tell("elsewhere.mjs");
}

#[test]
fn every_page_in_both_languages() {
    tell("languages.mjs");
}

/// What goes into the binary may be linked by anybody.
#[test]
fn packages_of_the_interface_have_permissive_licenses() {
    let lock = concat!(env!("CARGO_MANIFEST_DIR"), "/../web/package-lock.json");
    let lock: Value = serde_json::from_str(&std::fs::read_to_string(lock).unwrap()).unwrap();
    let packages = lock["packages"].as_object().unwrap();
    let shipped = packages.iter().filter(|(path, it)| !path.is_empty() && it["dev"] != true);
    let mut n = 0;
    for (path, package) in shipped {
        let license = package["license"].as_str().unwrap_or_default();
        let known = ["MIT", "ISC", "Apache-2.0", "BSD-3-Clause", "0BSD", "(MIT OR CC0-1.0)"];
        assert!(known.contains(&license), "{path} {license}");
        n += 1;
    }
    assert!(10 < n, "{n}");
}
