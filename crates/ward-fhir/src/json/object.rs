//! An object: its members in the order they came.

use std::borrow::Cow;

use super::Json;

/// Members by name. Few enough in FHIR that a walk beats a hash.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Object<'a>(Vec<(Cow<'a, str>, Json<'a>)>); // INVARIANT: no name twice.

impl<'a> Object<'a> {
    pub fn new() -> Object<'a> {
        Object(Vec::new())
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn get(&self, name: &str) -> Option<&Json<'a>> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| value)
    }

    pub fn get_mut(&mut self, name: &str) -> Option<&mut Json<'a>> {
        self.0.iter_mut().find(|(n, _)| n == name).map(|(_, value)| value)
    }

    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Replaces the member of that name where it stands, or appends it.
    pub fn insert(&mut self, name: impl Into<Cow<'a, str>>, value: Json<'a>) {
        let name = name.into();
        match self.0.iter_mut().find(|(n, _)| *n == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
    }

    /// Replaces the member of that name where it stands, or puts it at `at` among the members.
    pub fn insert_at(&mut self, at: usize, name: impl Into<Cow<'a, str>>, value: Json<'a>) {
        let name = name.into();
        match self.0.iter_mut().find(|(n, _)| *n == name) {
            Some((_, old)) => *old = value,
            None => self.0.insert(at.min(self.0.len()), (name, value)),
        }
    }

    pub fn remove(&mut self, name: &str) -> Option<Json<'a>> {
        let at = self.0.iter().position(|(n, _)| n == name)?;
        Some(self.0.remove(at).1)
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Json<'a>)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }

    pub fn iter_mut(&mut self) -> impl ExactSizeIterator<Item = (&str, &mut Json<'a>)> {
        self.0.iter_mut().map(|(name, value)| (&**name, value))
    }

    pub fn retain(&mut self, mut keep: impl FnMut(&str, &Json<'a>) -> bool) {
        self.0.retain(|(name, value)| keep(name, value));
    }

    pub fn into_owned(self) -> Object<'static> {
        let own = |(name, value): (Cow<'a, str>, Json<'a>)| {
            (Cow::Owned(name.into_owned()), value.into_owned())
        };
        Object(self.0.into_iter().map(own).collect())
    }

    /// Appends without looking for the name; the parser has looked.
    pub(super) fn push(&mut self, name: Cow<'a, str>, value: Json<'a>) {
        self.0.push((name, value));
    }
}

impl<'a> FromIterator<(&'static str, Json<'a>)> for Object<'a> {
    fn from_iter<T: IntoIterator<Item = (&'static str, Json<'a>)>>(members: T) -> Object<'a> {
        let mut object = Object::new();
        for (name, value) in members {
            object.insert(name, value);
        }
        object
    }
}
