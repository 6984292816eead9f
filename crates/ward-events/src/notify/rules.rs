//! Rules: which events are told to whom. One TOML file, read at the start.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use ward_core::{EventPriority, MedicalEventType};

/// Rules of one house.
/// LIMIT: each is asked of every event.
const RULES_MAX: usize = 200;

/// Recipients of one rule.
/// LIMIT: more people are a mailing list.
const RECIPIENTS_MAX: usize = 20;

/// Shortest secret of a webhook, in bytes.
///
/// - Source: RFC 2104, section 3: no shorter than the hash.
const SECRET_BYTES_MIN: usize = 32;

/// Who is told of what.
#[derive(Clone, Default, Debug)]
pub struct Rules(pub(crate) Vec<Rule>);

/// One rule. An event must be of one of the events, of one of the priorities and of one of the
/// topics, where these are said.
#[derive(Clone, Debug)]
pub struct Rule {
    pub name: String,
    pub events: Vec<MedicalEventType>,
    pub priorities: Vec<EventPriority>,
    pub topics: Vec<String>,
    pub mail: Vec<String>,
    pub webhook: Option<Webhook>,
}

#[derive(Clone)]
pub struct Webhook {
    pub url: String,
    pub(crate) secret: Vec<u8>,
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook").finish_non_exhaustive()
    }
}

/// The file cannot be used; says where.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    #[error("rules of notifications `{0}` cannot be read")]
    Io(PathBuf, #[source] std::io::Error),
    #[error("rules of notifications `{0}`: {1}")]
    Toml(PathBuf, String),
    #[error("rules of notifications: rule `{rule}`: {says}")]
    Rule { rule: String, says: String },
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    rule: Vec<Written>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    #[serde(default)]
    events: Vec<String>,
    #[serde(default)]
    priorities: Vec<String>,
    #[serde(default)]
    topics: Vec<String>,
    #[serde(default)]
    mail: Vec<String>,
    webhook: Option<String>,
    secret_file: Option<PathBuf>,
}

impl Rules {
    /// Reads a file.
    ///
    /// - Shape: paths in it begin at its folder.
    pub fn read(path: &Path, allow_plaintext: bool) -> Result<Rules, RulesError> {
        let text = fs::read_to_string(path).map_err(|e| RulesError::Io(path.to_owned(), e))?;
        let folder = path.parent().unwrap_or(Path::new("."));
        Rules::from_text(&text, path, folder, allow_plaintext)
    }

    fn from_text(
        text: &str,
        path: &Path,
        folder: &Path,
        allow_plaintext: bool,
    ) -> Result<Rules, RulesError> {
        let file: File = toml::from_str(text)
            .map_err(|error| RulesError::Toml(path.to_owned(), error.message().to_owned()))?;
        if RULES_MAX < file.rule.len() {
            let says = format!("there are at most {RULES_MAX} rules");
            return Err(RulesError::Toml(path.to_owned(), says));
        }
        let mut names = BTreeSet::new();
        let mut rules = Vec::with_capacity(file.rule.len());
        for written in file.rule {
            let name = written.name.clone();
            let refused = |says: &str| RulesError::Rule { rule: name.clone(), says: says.into() };
            if !names.insert(written.name.clone()) {
                return Err(refused("the name is used twice"));
            }
            rules.push(rule(written, folder, allow_plaintext).map_err(|says| refused(&says))?);
        }
        Ok(Rules(rules))
    }

    /// Whether any rule sends mail.
    pub fn needs_mail(&self) -> bool {
        self.0.iter().any(|rule| !rule.mail.is_empty())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn rule(written: Written, folder: &Path, allow_plaintext: bool) -> Result<Rule, String> {
    let Written { name, events, priorities, topics, mail, webhook, secret_file } = written;
    let is_name = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if name.is_empty() || 64 < name.len() || !name.bytes().all(is_name) {
        return Err("a name is 1 to 64 of `A-Z a-z 0-9 - _`".to_owned());
    }
    let events = words(&events, MedicalEventType::ALL, MedicalEventType::from_word)?;
    let priorities = words(&priorities, EventPriority::ALL, EventPriority::from_word)?;
    if events.is_empty() && priorities.is_empty() && topics.is_empty() {
        return Err("it says neither `events` nor `priorities` nor `topics`".to_owned());
    }
    if mail.is_empty() && webhook.is_none() {
        return Err("it says neither `mail` nor `webhook`".to_owned());
    }
    if RECIPIENTS_MAX < mail.len() {
        return Err(format!("it has at most {RECIPIENTS_MAX} recipients"));
    }
    if let Some(wrong) = mail.iter().find(|it| it.parse::<lettre::Address>().is_err()) {
        return Err(format!("`{wrong}` is no mail address"));
    }
    let webhook = match (webhook, secret_file) {
        (None, None) => None,
        (None, Some(_)) => return Err("`secret_file` is for a `webhook`".to_owned()),
        (Some(_), None) => return Err("a `webhook` needs a `secret_file`".to_owned()),
        (Some(url), Some(file)) => {
            let is_good =
                url.starts_with("https://") || (allow_plaintext && url.starts_with("http://"));
            if !is_good || url.contains('@') {
                return Err("a webhook goes to an `https:` address without a user".to_owned());
            }
            let secret = fs::read(folder.join(file));
            let secret = secret.map_err(|_| "`secret_file` cannot be read".to_owned())?;
            let secret = secret.trim_ascii().to_vec();
            if secret.len() < SECRET_BYTES_MIN {
                return Err(format!("a secret has at least {SECRET_BYTES_MIN} bytes"));
            }
            Some(Webhook { url, secret })
        }
    };
    Ok(Rule { name, events, priorities, topics, mail, webhook })
}

fn words<T: Copy + std::fmt::Display>(
    said: &[String],
    all: &[T],
    read: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, String> {
    let one = |word: &String| {
        read(word).ok_or_else(|| {
            let known: Vec<String> = all.iter().map(ToString::to_string).collect();
            format!("no such word `{word}`; there are {}", known.join(", "))
        })
    };
    said.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<Rules, String> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("secret"), "x".repeat(32)).unwrap();
        fs::write(folder.path().join("short"), "x").unwrap();
        let path = folder.path().join("rules.toml");
        Rules::from_text(text, &path, folder.path(), false).map_err(|error| error.to_string())
    }

    #[test]
    fn rules_are_read_or_say_what_is_wrong() {
        let good = "[[rule]]\nname = \"a\"\nevents = [\"LabResult\"]\npriorities = [\"critical\"]\n\
                    mail = [\"on.call@ward.test\"]\nwebhook = \"https://x.test/y\"\n\
                    secret_file = \"secret\"\n";
        let rules = read(good).unwrap();
        assert!(rules.needs_mail());
        assert_eq!(format!("{:?}", rules.0[0].webhook), "Some(Webhook { .. })");
        for (from, to, says) in [
            ("\"critical\"", "\"urgent\"", "there are critical, high, medium, low"),
            ("LabResult", "Lab", "no such word `Lab`"),
            ("on.call@ward.test", "nobody", "no mail address"),
            ("https:", "http:", "`https:` address"),
            ("\"secret\"", "\"short\"", "at least 32 bytes"),
            ("\"secret\"", "\"none\"", "cannot be read"),
            ("name = \"a\"", "name = \"a b\"", "a name is"),
            ("mail", "mails", "unknown field"),
        ] {
            let why = read(&good.replacen(from, to, 1)).unwrap_err();
            assert!(why.contains(says), "{why}");
        }
        assert!(read(&format!("{good}{good}")).unwrap_err().contains("twice"));
        assert!(
            read("[[rule]]\nname = \"a\"\nmail = [\"a@b.test\"]").unwrap_err().contains("neither")
        );
    }

    /// Lines that are nearly right, in any order and number.
    fn line() -> impl Strategy<Value = String> {
        let word = "[A-Za-z0-9@.:/_-]{0,12}";
        prop_oneof![
            Just("[[rule]]".to_owned()),
            ("name|events|priorities|topics|mail|webhook|secret_file|[a-z]{1,4}", word)
                .prop_map(|(key, value)| format!("{key} = \"{value}\"")),
            ("name|events|priorities|topics|mail", prop::collection::vec(word, 0..3)).prop_map(
                |(key, all)| {
                    let all: Vec<String> = all.iter().map(|it| format!("{it:?}")).collect();
                    format!("{key} = [{}]", all.join(", "))
                }
            ),
            Just("events = [\"LabResult\"]".to_owned()),
            Just("mail = [\"a@b.test\"]".to_owned()),
            any::<String>(),
        ]
    }

    proptest! {
        /// Every text has an answer, and rules that are read can be kept.
        #[test]
        fn every_text_has_an_answer(lines in prop::collection::vec(line(), 0..12)) {
            let nowhere = Path::new("/nonexistent");
            match Rules::from_text(&lines.join("\n"), nowhere, nowhere, false) {
                Ok(rules) => {
                    let mut names = BTreeSet::new();
                    for rule in &rules.0 {
                        prop_assert!(names.insert(rule.name.clone()));
                        prop_assert!(!rule.mail.is_empty() || rule.webhook.is_some());
                        prop_assert!(rule.mail.len() <= RECIPIENTS_MAX);
                    }
                }
                Err(error) => prop_assert!(error.to_string().starts_with("rules of notifications")),
            }
        }
    }
}
