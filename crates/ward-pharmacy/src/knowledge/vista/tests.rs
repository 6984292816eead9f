use std::io::Cursor;

use proptest::prelude::*;

use super::{Node, Subscript, Vista, parse_node, read};
use crate::knowledge::{pair::PairFact, tests};

#[test]
fn nodes_are_read_as_they_are_written() {
    let node = parse_node("^PS(51.24,\"UPCASE\",\"A\"\"B\",45)=\"x^y\"\"z\"").unwrap();
    assert_eq!(node.global, "PS");
    assert_eq!(node.subscripts[2], Subscript::Text("A\"B".to_owned()));
    assert_eq!((node.piece(1), node.piece(2), node.piece(3)), ("x", "y\"z", ""));
    for (wrong, says) in [
        ("PS(1)=\"\"", "a node begins with `^`"),
        ("^PS=\"\"", "no `(` after the name of the global"),
        ("^(1)=\"\"", "the global has no name"),
        ("^PS(1=\"\"", "no `,` or `)` after a subscript"),
        ("^PS(1,)=\"\"", "a subscript is a number or in quotes"),
        ("^PS(1)", "no `=` after the subscripts"),
        ("^PS(1)=\"x", "a text without its second quote"),
        ("^PS(1)=\"x\"y", "something follows the value"),
    ] {
        assert_eq!(parse_node(wrong), Err(says), "{wrong}");
    }
}

#[test]
fn interactions_are_told_by_the_names_of_their_ingredients() {
    let text = "Export\nToday\n\
        ^PS(50.416,10,0)=\"WARFARIN\"\n\
        ^PS(50.416,11,0)=\"ASPIRIN\"\n\
        ^PS(56,1,0)=\"ASPIRIN/WARFARIN^11^10^2^1\"\n\
        ^PS(56,2,0)=\"LITHIUM/FUROSEMIDE^98^99^1^1\"\n\
        ^PS(56,3,0)=\"OLD/GONE^1^2^1^1^^3150101\"\n\
        ^PS(56,4,0)=\"ALONE^1^2^1\"\n\
        ^PS(56,\"B\",\"ASPIRIN/WARFARIN\",1)=\"\"\n";
    let mut all = Vista::default();
    let (_, problems) = tests::read(|it| read(Cursor::new(text), "56.zwr", &mut all, it).unwrap());
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].to_string().starts_with("56.zwr:8: NAME"));
    let pairs = PairFact::of_vista(&all.interactions);
    let shown = pairs
        .iter()
        .map(|it| (it.left.name.as_str(), it.right.name.as_str(), it.severity.as_str()));
    assert_eq!(
        shown.collect::<Vec<_>>(),
        [("ASPIRIN", "WARFARIN", "significant"), ("LITHIUM", "FUROSEMIDE", "critical")]
    );
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        global in "[A-Z%][A-Z0-9]{0,5}",
        texts in proptest::collection::vec("[ -~]{0,12}", 1..5),
        number in 0_u32..100_000,
        value in "[ -~]{0,30}",
    ) {
        let mut subscripts: Vec<Subscript> = texts.into_iter().map(Subscript::Text).collect();
        subscripts.push(Subscript::Number(number.to_string()));
        let node = Node { global, subscripts, value };
        prop_assert_eq!(parse_node(&node.to_line()), Ok(node));
    }
}
