//! JSON to write: members keep their order, numbers keep their text.

use std::fmt::Write as _;

/// A JSON value to write.
#[derive(Clone, Debug)]
pub enum Node {
    /// Left out of an object or a list.
    Absent,
    Text(String),
    /// A number, as it is to stand.
    Number(String),
    Flag(bool),
    List(Vec<Node>),
    Object(Vec<(&'static str, Node)>),
}

impl Node {
    /// Adds a member to an object.
    pub fn with(mut self, name: &'static str, value: impl Into<Node>) -> Node {
        if let Node::Object(members) = &mut self {
            members.push((name, value.into()));
        }
        self
    }

    pub fn write(&self, out: &mut String) {
        match self {
            Node::Absent => out.push_str("null"),
            Node::Text(text) => quote(text, out),
            Node::Number(text) => out.push_str(text),
            Node::Flag(flag) => out.push_str(if *flag { "true" } else { "false" }),
            Node::List(items) => {
                out.push('[');
                for (at, item) in items.iter().filter(|i| !matches!(i, Node::Absent)).enumerate() {
                    if 0 < at {
                        out.push(',');
                    }
                    item.write(out);
                }
                out.push(']');
            }
            Node::Object(members) => {
                out.push('{');
                let present = members.iter().filter(|(_, v)| !matches!(v, Node::Absent));
                for (at, (name, value)) in present.enumerate() {
                    if 0 < at {
                        out.push(',');
                    }
                    quote(name, out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }
}

fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c < ' ' => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

impl From<&str> for Node {
    fn from(text: &str) -> Node {
        Node::Text(text.to_owned())
    }
}

impl From<String> for Node {
    fn from(text: String) -> Node {
        Node::Text(text)
    }
}

impl From<&String> for Node {
    fn from(text: &String) -> Node {
        Node::Text(text.clone())
    }
}

impl From<bool> for Node {
    fn from(flag: bool) -> Node {
        Node::Flag(flag)
    }
}

impl From<i64> for Node {
    fn from(number: i64) -> Node {
        Node::Number(number.to_string())
    }
}

impl From<Vec<Node>> for Node {
    fn from(items: Vec<Node>) -> Node {
        if items.is_empty() { Node::Absent } else { Node::List(items) }
    }
}

impl<T: Into<Node>> From<Option<T>> for Node {
    fn from(value: Option<T>) -> Node {
        value.map_or(Node::Absent, Into::into)
    }
}

/// A JSON object: `obj! { "name": value, ... }`.
macro_rules! obj {
    ($($name:literal : $value:expr),* $(,)?) => {
        $crate::node::Node::Object(vec![$(($name, $crate::node::Node::from($value))),*])
    };
}

/// A JSON list: `list![value, ...]`.
macro_rules! list {
    ($($value:expr),* $(,)?) => {
        $crate::node::Node::List(vec![$($crate::node::Node::from($value)),*])
    };
}

pub(crate) use {list, obj};
