//! Resources while they are made: a tree whose list items have names, not places.

use std::borrow::Cow;

use smallvec::SmallVec;
use ward_fhir::Json;
use ward_hl7::map::RowId;

/// What tells the items of a list apart while they are filled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Key {
    /// As the row says: `identifier[2]`.
    pub label: u16,
    /// The segment that fills it, by its place; `None` for all together.
    pub place: Option<usize>,
    /// Which repetition of the field.
    pub repetition: u16,
}

#[derive(Clone, Debug)]
pub(super) enum Node {
    Leaf(Json<'static>, RowId),
    Object(Element),
    List(Vec<(Key, Node)>),
    /// A reference to another resource of the message.
    Reference(usize, RowId),
}

#[derive(Clone, Default, Debug)]
pub(super) struct Element {
    // INVARIANT: no name twice.
    pub members: Vec<(Name, Node)>,
    /// The row whose data type map filled it, the segment and the repetition: another one does not
    /// mix with it.
    pub filled_by: Option<(RowId, usize, u16)>,
}

/// The name of a member: `birthDate`, or `_birthDate` for what stands beside a primitive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Name {
    /// As the definitions have it.
    pub plain: &'static str,
    pub is_beside: bool,
}

impl Name {
    pub fn new(plain: &'static str) -> Name {
        Name { plain, is_beside: false }
    }

    /// As JSON has it.
    pub fn to_json(self) -> Cow<'static, str> {
        if self.is_beside { format!("_{}", self.plain).into() } else { self.plain.into() }
    }
}

/// One step from an element to what it holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hop {
    pub name: Name,
    /// `None` where the element does not repeat.
    pub key: Option<Key>,
}

/// Where an element stands in its resource. Few are deeper than this, and need room of their own.
pub(super) type Hops = SmallVec<[Hop; 6]>;

impl Hop {
    /// To an element that does not repeat.
    pub fn new(name: &'static str) -> Hop {
        Hop { name: Name::new(name), key: None }
    }
}

impl Element {
    pub fn get(&self, name: &str) -> Option<&Node> {
        let is_it = |own: &Name| own.plain == name && !own.is_beside;
        self.members.iter().find(|(own, _)| is_it(own)).map(|(_, node)| node)
    }

    fn at(&self, name: Name) -> Option<usize> {
        self.members.iter().position(|(own, _)| *own == name)
    }

    /// What stands at `path`.
    pub fn find(&self, path: &[Hop]) -> Option<&Node> {
        let (hop, rest) = path.split_first()?;
        let mut node = self.at(hop.name).and_then(|at| self.members.get(at)).map(|(_, it)| it)?;
        if let (Some(key), Node::List(items)) = (hop.key, node) {
            node = items.iter().find(|(k, _)| *k == key).map(|(_, node)| node)?;
        }
        match (rest.is_empty(), node) {
            (true, node) => Some(node),
            (false, Node::Object(element)) => element.find(rest),
            (false, _) => None,
        }
    }

    /// The place at `path`, made where it is missing; `None` where something else stands there.
    pub fn place(&mut self, path: &[Hop]) -> Option<&mut Slot> {
        let (hop, rest) = path.split_first()?;
        let at = self.at(hop.name).unwrap_or(self.members.len());
        if at == self.members.len() {
            let empty = if hop.key.is_some() {
                Node::List(Vec::new())
            } else {
                Node::Object(Element::default())
            };
            self.members.push((hop.name, empty));
        }
        let (_, node) = self.members.get_mut(at)?;
        let node = match (hop.key, node) {
            (Some(key), Node::List(items)) => {
                let at = items.iter().position(|(k, _)| *k == key).unwrap_or(items.len());
                if at == items.len() {
                    items.push((key, Node::Object(Element::default())));
                }
                items.get_mut(at).map(|(_, node)| node)?
            }
            (_, node) => node,
        };
        if rest.is_empty() {
            return Some(node);
        }
        match node {
            Node::Object(element) => element.place(rest),
            _ => None,
        }
    }

    /// Whether there is any value, or a reference.
    pub fn is_empty(&self) -> bool {
        self.members.iter().all(|(_, node)| node.is_empty())
    }
}

/// A place in the tree.
pub(super) type Slot = Node;

impl Node {
    pub fn is_empty(&self) -> bool {
        match self {
            Node::Leaf(..) | Node::Reference(..) => false,
            Node::Object(element) => element.is_empty(),
            Node::List(items) => items.iter().all(|(_, node)| node.is_empty()),
        }
    }
}

/// A resource while it is made.
#[derive(Clone, Debug)]
pub(super) struct Making {
    pub kind: &'static str,
    pub root: Element,
    /// The segment it is from.
    pub segment: usize,
    /// The segments that fill it, by their places.
    pub filled_by: Vec<usize>,
    pub cleared: Vec<String>,
}
