use super::{codes, dictionary, load};
use crate::{location::SegmentId, version::Version};

#[test]
fn no_line_of_the_tables_is_left_out() {
    let (mut n_types, mut n_segments, mut n_structures, mut n_parts) = (0, 0, 0, 0);
    for version in Version::ALL {
        let known = dictionary(version);
        n_types += known.types.len();
        n_segments += known.segments.len();
        n_structures += known.structures.len();
        n_parts += known.types.values().map(|t| t.components.len()).sum::<usize>();
        n_parts += known.segments.values().map(|s| s.fields.len()).sum::<usize>();
        assert!(20 <= known.types.len() && 38 <= known.segments.len(), "{version}");
    }
    let count = |kind: &[&str]| {
        load::lines().filter(|line| kind.iter().any(|k| line.starts_with(k))).count()
    };
    assert_eq!(n_types, count(&["T\t"]));
    assert_eq!(n_segments, count(&["S\t"]));
    assert_eq!(n_structures, count(&["M\t"]));
    assert_eq!(n_parts, count(&["C\t", "F\t"]));
    assert_eq!(load::shared().codes.len(), count(&["K\t"]));
}

#[test]
fn every_type_is_defined_and_every_structure_has_known_segments() {
    for version in Version::ALL {
        let known = dictionary(version);
        let parts = known.types.values().flat_map(|t| &t.components);
        for part in parts.chain(known.segments.values().flat_map(|s| &s.fields)) {
            assert!(known.data_type(&part.kind).is_some(), "{version} {}", part.kind);
        }
        for (name, structure) in known.structures() {
            let first = structure.segments().next();
            assert_eq!(first, Some(SegmentId::MSH), "{version} {name}");
        }
    }
}

#[test]
fn facts_are_as_the_standard_says() {
    let known = dictionary(Version::V2_5_1);
    let pid = known.segment(SegmentId::new(b"PID").unwrap()).unwrap();
    let list = &pid.fields[2];
    assert_eq!((list.kind.as_ref(), list.max, list.usage), ("CX", None, super::Usage::Required));
    assert_eq!(pid.fields.len(), 39);
    assert_eq!(known.structure_of("ADT", "A01"), Some("ADT_A01"));
    assert_eq!(known.structure_of("MDM", "T10"), Some("MDM_T02"));
    assert_eq!(known.structure_of("REF", "I14"), Some("REF_I12"));
    assert_eq!(known.structure_of("ACK", "A01"), Some("ACK"));
    assert_eq!(known.structure_of("ADT", "Z99"), None);
    assert!(known.has_type("ADT") && !known.has_type("XYZ"));
    assert!(codes(1).unwrap().binary_search(&"F").is_ok());
    assert_eq!(codes(60_000), None);
    for table in load::shared().codes.values() {
        assert!(table.is_sorted());
    }
}
