//! Defaults, then the file, then the environment, then the command line.

use std::{
    collections::BTreeMap,
    fs, io,
    ops::Range,
    path::{Path, PathBuf},
};

use toml::de::{DeTable, DeValue};

use super::{
    sections::{Config, Setting},
    value::Value,
};

/// Where a setting's value comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Origin {
    Default,
    File { path: PathBuf, line: usize },
    Environment(String),
    Flag,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File { path, line } => write!(f, "{} line {line}", path.display()),
            Origin::Environment(name) => f.write_str(name),
            Origin::Flag => f.write_str("command line"),
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("reading `{0}`")]
    Read(PathBuf, #[source] io::Error),
    #[error("{path}, line {line}, column {column}: {why}")]
    File { path: String, line: usize, column: usize, why: String },
    #[error("environment variable {name}: {why}")]
    Environment { name: String, why: String },
    #[error("`--{name}`: {why}")]
    Flag { name: String, why: String },
}

/// All settings, and where each one comes from.
#[derive(Clone, Default, Debug)]
pub struct Settings {
    pub config: Config,
    /// By full name; what is not here is a default.
    origins: BTreeMap<String, Origin>,
}

impl Settings {
    pub fn origin(&self, section: &str, name: &str) -> Origin {
        self.origins.get(&full(section, name)).cloned().unwrap_or(Origin::Default)
    }

    /// Puts a file's settings over what is there.
    ///
    /// - Errors: the first name that is not known, with the nearest that is, or the first value
    ///   that does not fit, with line and column.
    pub fn add_file(&mut self, path: &Path) -> Result<(), ConfigError> {
        let text = fs::read_to_string(path).map_err(|e| ConfigError::Read(path.to_owned(), e))?;
        self.add_text(path, &text)
    }

    pub(super) fn add_text(&mut self, path: &Path, text: &str) -> Result<(), ConfigError> {
        let wrong = |span: Range<usize>, why: String| {
            let (line, column) = place_of(text, span.start);
            ConfigError::File { path: path.display().to_string(), line, column, why }
        };
        let table = DeTable::parse(text).map_err(|error| {
            // The reader's own text quotes the line, and the line may be a secret in a wrong place.
            wrong(error.span().unwrap_or(0..0), error.message().to_owned())
        })?;
        for (name, value) in table.get_ref() {
            if let DeValue::Table(inner) = value.get_ref() {
                let section = name.get_ref().as_ref();
                if section.is_empty() || !self.has_section(section) {
                    let nearest = nearest(section, &self.section_names());
                    return Err(wrong(name.span(), format!("no such table `{section}`{nearest}")));
                }
                for (name, value) in inner {
                    let text_of = scalar(value.get_ref());
                    let at = (section, name.get_ref().as_ref());
                    self.set_from_file(at, text_of, path, text, (name.span(), value.span()))?;
                }
            } else {
                let at = ("", name.get_ref().as_ref());
                let text_of = scalar(value.get_ref());
                self.set_from_file(at, text_of, path, text, (name.span(), value.span()))?;
            }
        }
        Ok(())
    }

    fn set_from_file(
        &mut self,
        (section, name): (&str, &str),
        value: Option<(String, bool)>,
        path: &Path,
        text: &str,
        (name_span, value_span): (Range<usize>, Range<usize>),
    ) -> Result<(), ConfigError> {
        let wrong = |span: Range<usize>, why: String| {
            let (line, column) = place_of(text, span.start);
            ConfigError::File { path: path.display().to_string(), line, column, why }
        };
        let known = self.names_of(section);
        let Some(setting) = known.iter().find(|known| known.name == name) else {
            let names: Vec<&str> = known.iter().map(|known| known.name).collect();
            let nearest = nearest(name, &names);
            let whole = full(section, name);
            return Err(wrong(name_span, format!("no such setting `{whole}`{nearest}")));
        };
        let (value, was_quoted) = value.ok_or_else(|| {
            wrong(value_span.clone(), "expected one value, not a list or table".to_owned())
        })?;
        if was_quoted != setting.is_quoted {
            let why =
                if setting.is_quoted { "expected text in quotes" } else { "expected no quotes" };
            return Err(wrong(value_span, why.to_owned()));
        }
        let value = match path.parent() {
            // A path in a file starts at the file, wherever the command is run.
            Some(folder) if setting.kind == <PathBuf as Value>::KIND && !value.is_empty() => {
                folder.join(value).to_string_lossy().into_owned()
            }
            _ => value,
        };
        if let Some(Err(why)) = self.set(section, name, &value) {
            return Err(wrong(value_span, why));
        }
        let (line, _) = place_of(text, name_span.start);
        let origin = Origin::File { path: path.to_owned(), line };
        self.origins.insert(full(section, name), origin);
        Ok(())
    }

    /// Puts `WARD_HTTP_ADDRESS` and its like over what is there.
    ///
    /// - Errors: a variable that starts as a setting's does and is none.
    pub fn add_environment(
        &mut self,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<(), ConfigError> {
        let known: BTreeMap<String, (&'static str, &'static str)> = self
            .config
            .sections()
            .iter()
            .flat_map(|section| {
                let key = section.key();
                section
                    .settings()
                    .into_iter()
                    .map(move |it| (variable(key, it.name), (key, it.name)))
            })
            .collect();
        let tables: Vec<String> =
            self.section_names().iter().map(|key| variable(key, "")).collect();
        for (name, value) in variables {
            let Some((section, field)) = known.get(&name) else {
                // Others have variables too; those that start as a table's are meant for it.
                if !tables.iter().any(|table| name.starts_with(table)) {
                    continue;
                }
                let names: Vec<&str> = known.keys().map(String::as_str).collect();
                let why = format!("no such setting{}", nearest(&name, &names));
                return Err(ConfigError::Environment { name, why });
            };
            if let Some(Err(why)) = self.set(section, field, &value) {
                return Err(ConfigError::Environment { name, why });
            }
            self.origins.insert(full(section, field), Origin::Environment(name));
        }
        Ok(())
    }

    /// Puts what the command line says over everything else.
    pub fn add_flag(
        &mut self,
        section: &'static str,
        name: &'static str,
        value: &str,
    ) -> Result<(), ConfigError> {
        let wrong = |why| ConfigError::Flag { name: full(section, name), why };
        self.set(section, name, value)
            .unwrap_or_else(|| Err("no such setting".to_owned()))
            .map_err(wrong)?;
        self.origins.insert(full(section, name), Origin::Flag);
        Ok(())
    }

    fn set(&mut self, section: &str, name: &str, text: &str) -> Option<Result<(), String>> {
        let mut sections = self.config.sections_mut().into_iter();
        sections.find(|it| it.key() == section)?.set(name, text)
    }

    fn has_section(&self, name: &str) -> bool {
        self.section_names().contains(&name)
    }

    fn section_names(&self) -> Vec<&'static str> {
        self.config.sections().iter().map(|it| it.key()).filter(|key| !key.is_empty()).collect()
    }

    fn names_of(&self, section: &str) -> Vec<Setting> {
        let sections = self.config.sections();
        sections.iter().filter(|it| it.key() == section).flat_map(|it| it.settings()).collect()
    }
}

/// `http.address`; a setting before the first table is its own full name.
pub fn full(section: &str, name: &str) -> String {
    if section.is_empty() { name.to_owned() } else { format!("{section}.{name}") }
}

/// The environment variable of a setting.
pub fn variable(section: &str, name: &str) -> String {
    let name = full(section, name).replace('.', "_").to_uppercase();
    format!("WARD_{name}")
}

/// A single value as text, and whether it was in quotes.
fn scalar(value: &DeValue<'_>) -> Option<(String, bool)> {
    match value {
        DeValue::String(text) => Some((text.to_string(), true)),
        // Digits may be grouped: `1_000`.
        DeValue::Integer(n) => Some((n.to_string().replace('_', ""), false)),
        DeValue::Float(n) => Some((n.to_string().replace('_', ""), false)),
        DeValue::Boolean(flag) => Some((flag.to_string(), false)),
        _ => None,
    }
}

/// Line and column, from 1, of a byte.
fn place_of(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

/// A hint with the known name that is the fewest letters away, if it is near enough.
fn nearest(name: &str, known: &[&str]) -> String {
    let found = known.iter().map(|it| (distance(name, it), *it)).min();
    match found {
        Some((away, known)) if away <= 2.max(name.chars().count() / 3) => {
            format!("; is it `{known}`?")
        }
        _ => String::new(),
    }
}

/// How many letters to insert, drop or change.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut last = i + 1;
        let mut next = vec![last];
        for ((y, above), diagonal) in b.iter().zip(row.iter().skip(1)).zip(&row) {
            last = (diagonal + usize::from(x != *y)).min(above + 1).min(last + 1);
            next.push(last);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}
