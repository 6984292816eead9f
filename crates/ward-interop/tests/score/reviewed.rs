//! Differences that somebody looked at, each with its reason.

/// `CORPUS | PATH | VALUE | REASON`; `*` in a path or value is anything.
pub struct Reviewed<'t> {
    rows: Vec<[&'t str; 4]>,
}

impl<'t> Reviewed<'t> {
    pub fn read(text: &'t str) -> Reviewed<'t> {
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let rows = lines.map(|line| {
            let cells: Vec<&str> = line.splitn(4, " | ").map(str::trim).collect();
            cells.try_into().unwrap_or_else(|_| panic!("not a row: {line}"))
        });
        Reviewed { rows: rows.collect() }
    }

    pub fn reason(&self, corpus: &str, path: &str, value: &str) -> Option<&'t str> {
        let fits =
            |row: &&[&str; 4]| is_of(row[0], corpus) && glob(row[1], path) && glob(row[2], value);
        self.rows.iter().find(fits).map(|row| row[3])
    }
}

/// Whether a row is for what is compared; `!NAME` is for all else.
fn is_of(row: &str, compared: &str) -> bool {
    let has = |name: &str| compared.split(' ').any(|own| own == name);
    row == "*" || row.strip_prefix('!').map_or_else(|| has(row), |other| !has(other))
}

fn glob(pattern: &str, text: &str) -> bool {
    let Some((before, after)) = pattern.split_once('*') else { return pattern == text };
    let Some(rest) = text.strip_prefix(before) else { return false };
    rest.char_indices().map(|(at, _)| at).chain([rest.len()]).any(|at| glob(after, &rest[at..]))
}
