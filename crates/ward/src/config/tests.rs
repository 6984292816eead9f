//! Layers, errors with their places, and the page.

use std::path::Path;

use super::{docs, layers::Settings};

fn from_text(text: &str) -> Result<Settings, String> {
    let mut settings = Settings::default();
    settings.add_text(Path::new("/etc/ward/ward.toml"), text).map_err(|error| error.to_string())?;
    Ok(settings)
}

fn why(text: &str) -> String {
    from_text(text).unwrap_err()
}

#[test]
fn the_later_layer_wins_and_says_so() {
    let mut settings = from_text(
        "keys = \"root.key\"\n[http]\naddress = \"127.0.0.1:1\"\n[limits]\nheader_s = 1_0\n[log]\nformat = \"json\"",
    )
    .unwrap();
    let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    settings
        .add_environment([
            variable("WARD_LIMITS_HEADER_S", "20"),
            variable("WARD_HTTP_ADDRESS", "127.0.0.1:2"),
            variable("WARD_ROOT_KEY", "secret"),
            variable("HOME", "/"),
            variable("WARD_TOKEN", "another"),
        ])
        .unwrap();
    settings.add_flag("http", "address", "127.0.0.1:3").unwrap();
    let config = &settings.config;
    assert_eq!(config.http.address.port(), 3);
    assert_eq!(config.limits.header_s.get(), 20);
    assert_eq!(config.place.keys.as_deref(), Some(Path::new("/etc/ward/root.key")));
    let printed = docs::print(&settings);
    for line in [
        "keys = \"/etc/ward/root.key\" # /etc/ward/ward.toml line 1",
        "address = \"127.0.0.1:3\" # command line",
        "header_s = 20 # WARD_LIMITS_HEADER_S",
        "format = \"json\" # /etc/ward/ward.toml line 7",
        "scrub_at = \"02:30\" # default",
        "# public_url is not set",
    ] {
        assert!(printed.lines().any(|it| it == line), "{line} is not in\n{printed}");
    }
    assert!(!printed.contains("secret"));
}

#[test]
fn what_is_printed_can_be_read_again() {
    let printed = docs::print(&Settings::default());
    assert_eq!(docs::print(&from_text(&printed).unwrap()).lines().count(), printed.lines().count());
}

#[test]
fn errors_say_where_and_what_was_meant() {
    let file = "/etc/ward/ward.toml, ";
    for (text, says) in [
        (
            "[http]\n\nadress = 1",
            "line 3, column 1: no such setting `http.adress`; is it `address`?",
        ),
        ("[htp]\n", "line 1, column 2: no such table `htp`; is it `http`?"),
        ("dat = \"x\"", "line 1, column 1: no such setting `dat`; is it `data`?"),
        ("quite_something_else = 1", "line 1, column 1: no such setting `quite_something_else`"),
        ("[limits]\n  header_s = 0", "line 2, column 14: expected a whole number of at least 1"),
        ("[limits]\nheader_s = \"9\"", "line 2, column 12: expected no quotes"),
        ("[log]\nformat = \"xml\"", "line 2, column 10: expected `text` or `json`"),
        (
            "[care]\nscrub_at = \"25:00\"",
            "line 2, column 12: expected a time of day in UTC such as `02:30`, or `never`",
        ),
        (
            "[registry]\ncertain = 1.0",
            "line 2, column 11: expected a number above 0 and below 1, such as `0.9`",
        ),
        ("[http]\naddress = [1]", "line 2, column 11: expected one value, not a list or table"),
        ("[http]\naddress = 8080", "line 2, column 11: expected text in quotes"),
    ] {
        assert_eq!(why(text), format!("{file}{says}"), "{text}");
    }
    assert!(why("[http\naddress").starts_with(&format!("{file}line 1, column ")));
    // A secret in the wrong place is not repeated.
    assert!(!why("passphrase_file = [\"correct horse\"]").contains("horse"));
    assert!(!why("passphrase = \"correct horse\"").contains("horse"));
    assert!(!why("passphrase_file = \"correct horse").contains("horse"));
}

#[test]
fn a_variable_that_is_no_setting_is_an_error() {
    let mut settings = Settings::default();
    let error = settings
        .add_environment([("WARD_HTTP_ADRESS".to_owned(), "x".to_owned())])
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "environment variable WARD_HTTP_ADRESS: no such setting; is it `WARD_HTTP_ADDRESS`?"
    );
}
