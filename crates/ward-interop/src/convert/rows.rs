//! Where the values of a resource are from.

use ward_hl7::map::RowId;

/// Each value's path in the resource, and the row of a map it is from.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct Rows {
    /// All paths, one after the other: a resource has dozens.
    paths: String,
    /// Where each path ends.
    rows: Vec<(usize, RowId)>,
}

impl Rows {
    /// Notes a value at the path that the parts make together.
    pub(super) fn push(&mut self, path: &[&str], row: RowId) {
        path.iter().for_each(|part| self.paths.push_str(part));
        self.rows.push((self.paths.len(), row));
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &RowId)> {
        let mut from = 0;
        self.rows.iter().map(move |(end, row)| {
            let path = self.paths.get(from..*end).unwrap_or_default();
            from = *end;
            (path, row)
        })
    }
}
