//! Tables of the knowledge base: a line of column names, then rows; `#` begins a comment.

use super::Problem;

/// One row, with its place.
pub(super) struct Row<'a> {
    file: &'a str,
    line: usize,
    columns: &'a [String],
    cells: Vec<&'a str>,
}

/// A table as it was read.
pub(super) struct Table<'a> {
    file: &'a str,
    columns: Vec<String>,
    rows: Vec<(usize, Vec<&'a str>)>,
}

impl<'a> Table<'a> {
    /// - Errors: a column that is not among `known`, one of them that is missing, a row that is
    ///   longer than the line of names.
    pub fn read(file: &'a str, text: &'a str, known: &[&str]) -> Result<Table<'a>, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut lines = text
            .lines()
            .enumerate()
            .map(|(at, line)| (at + 1, line))
            .filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
        let Some((at, names)) = lines.next() else {
            return Err([Problem::new(file, "there is no line of column names")].into());
        };
        let columns: Vec<String> = names.split('\t').map(|it| it.trim().to_owned()).collect();
        for column in columns.iter().filter(|it| !known.contains(&it.as_str())) {
            let what = format!("there is no column {column}");
            problems.push(Problem::new(format!("{file}:{at}"), what));
        }
        for column in known.iter().filter(|it| !columns.iter().any(|c| c == *it)) {
            let what = format!("the column {column} is missing");
            problems.push(Problem::new(format!("{file}:{at}"), what));
        }
        let mut rows = Vec::new();
        for (at, line) in lines {
            let cells: Vec<&str> = line.split('\t').map(str::trim).collect();
            if columns.len() < cells.len() {
                let what = "the row has more cells than there are columns";
                problems.push(Problem::new(format!("{file}:{at}"), what));
            }
            rows.push((at, cells));
        }
        if problems.is_empty() { Ok(Table { file, columns, rows }) } else { Err(problems) }
    }

    pub fn rows(&'a self) -> impl Iterator<Item = Row<'a>> {
        self.rows.iter().map(|(line, cells)| Row {
            file: self.file,
            line: *line,
            columns: &self.columns,
            cells: cells.clone(),
        })
    }
}

impl<'a> Row<'a> {
    /// The cell of that column; empty when it is not there.
    pub fn cell(&self, column: &str) -> &'a str {
        let at = self.columns.iter().position(|it| it == column);
        at.and_then(|at| self.cells.get(at)).copied().unwrap_or_default()
    }

    /// The parts of a cell, apart by `|`.
    pub fn list(&self, column: &str) -> impl Iterator<Item = &'a str> {
        self.cell(column).split('|').map(str::trim).filter(|it| !it.is_empty())
    }

    pub fn problem(&self, what: impl Into<String>) -> Problem {
        Problem::new(format!("{}:{}", self.file, self.line), what)
    }

    pub fn required(&self, column: &str) -> Result<&'a str, Problem> {
        match self.cell(column) {
            "" => Err(self.problem(format!("{column} is empty"))),
            cell => Ok(cell),
        }
    }

    pub fn number(&self, column: &str) -> Result<Option<f64>, Problem> {
        match self.cell(column) {
            "" => Ok(None),
            cell => match cell.parse::<f64>() {
                Ok(number) if number.is_finite() => Ok(Some(number)),
                _ => Err(self.problem(format!("{column} is no number"))),
            },
        }
    }
}
