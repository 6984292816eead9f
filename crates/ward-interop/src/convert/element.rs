//! Resources while they are made: a tree whose list items have names, not places.

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
    pub members: Vec<(String, Node)>,
    /// The row whose data type map filled it, the segment and the repetition: another one does not
    /// mix with it.
    pub filled_by: Option<(RowId, usize, u16)>,
}

/// One step from an element to what it holds.
#[derive(Clone, Debug)]
pub(super) struct Hop {
    pub name: String,
    /// `None` where the element does not repeat.
    pub key: Option<Key>,
}

impl Hop {
    /// To an element that does not repeat.
    pub fn new(name: &str) -> Hop {
        Hop { name: name.to_owned(), key: None }
    }
}

impl Element {
    pub fn get(&self, name: &str) -> Option<&Node> {
        self.members.iter().find(|(n, _)| n == name).map(|(_, node)| node)
    }

    fn get_mut(&mut self, name: &str) -> Option<&mut Node> {
        self.members.iter_mut().find(|(n, _)| n == name).map(|(_, node)| node)
    }

    /// What stands at `path`.
    pub fn find(&self, path: &[Hop]) -> Option<&Node> {
        let (hop, rest) = path.split_first()?;
        let mut node = self.get(&hop.name)?;
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
        if self.get(&hop.name).is_none() {
            let empty = if hop.key.is_some() {
                Node::List(Vec::new())
            } else {
                Node::Object(Element::default())
            };
            self.members.push((hop.name.clone(), empty));
        }
        let node = self.get_mut(&hop.name)?;
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
