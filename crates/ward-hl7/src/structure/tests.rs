use super::{Node, Structure, What};
use crate::{
    SegmentId,
    message::{Message, ReadSettings},
};

/// The groups and problems of a message that has these segments behind MSH.
fn fit(structure: &str, segments: &str) -> String {
    let structure = Structure::parse("M", structure).unwrap();
    let text = format!("MSH|^~\\&||||||||1|P|2.5\r{}\r", segments.replace(' ', "\r"));
    let message = Message::read(text.as_bytes(), &ReadSettings::default()).0.unwrap();
    let mut findings = Vec::new();
    let tree = structure.fit(&message, &mut |kind, at| findings.push((kind, at)));
    let mut out = String::new();
    write(&tree, &message, 0, &mut out);
    for (kind, at) in findings {
        out.push_str(&format!(" {}:{at}", kind.word()));
    }
    out
}

fn write(tree: &super::Tree, message: &Message<'_>, group: usize, out: &mut String) {
    for child in &tree.group(group).unwrap().children {
        match child {
            super::Child::Segment { place, node } => {
                let name = message.segment_at(*place).unwrap().raw()[..3].to_owned();
                let mark = if node.is_none() { "!" } else { "" };
                out.push_str(&format!("{name}{mark} "));
            }
            super::Child::Group(at) => {
                let group = tree.group(*at).unwrap();
                out.push_str(&format!("{}{}(", group.name, group.occurrence));
                write(tree, message, *at, out);
                *out = format!("{}) ", out.trim_end());
            }
        }
    }
    if group == 0 {
        *out = out.trim_end().to_owned();
    }
}

/// As in later versions, which do not say that an ORC may have a PRT of its own.
const TAKING_PART: &str = "MSH ORDER(ORC? OBR PRT* OBSERVATION(OBX PRT*)*)+";

#[test]
fn who_takes_part_stays_with_the_segment_before() {
    for (segments, expected) in [
        ("ORC OBR PRT OBX PRT", "MSH ORDER1(ORC OBR PRT OBSERVATION1(OBX PRT))"),
        ("ORC PRT OBR OBX", "MSH ORDER1(ORC PRT! OBR OBSERVATION1(OBX)) segment-order:PRT[1]"),
    ] {
        assert_eq!(fit(TAKING_PART, segments), expected, "{segments}");
    }
}

const REPORT: &str = "MSH RESULT(PATIENT(PID NTE* VISIT(PV1 PV2?)?)? \
                      ORDER(ORC? OBR NTE* OBSERVATION(OBX NTE*)* SPECIMEN(SPM OBX*)*)+)+ DSC?";

#[test]
fn segments_go_to_their_groups() {
    for (segments, expected) in [
        (
            "PID PV1 ORC OBR NTE OBX NTE NTE OBX SPM OBX OBX",
            "MSH RESULT1(PATIENT1(PID VISIT1(PV1)) ORDER1(ORC OBR NTE OBSERVATION1(OBX NTE NTE) \
             OBSERVATION2(OBX) SPECIMEN1(SPM OBX OBX)))",
        ),
        (
            "PID OBR OBX OBR OBX PID OBR DSC",
            "MSH RESULT1(PATIENT1(PID) ORDER1(OBR OBSERVATION1(OBX)) ORDER2(OBR \
             OBSERVATION1(OBX))) RESULT2(PATIENT1(PID) ORDER1(OBR)) DSC",
        ),
        (
            "PID ZPI OBR ZOB OBX ZRX",
            "MSH RESULT1(PATIENT1(PID ZPI!) ORDER1(OBR ZOB! OBSERVATION1(OBX ZRX!)))",
        ),
    ] {
        assert_eq!(fit(REPORT, segments), expected);
    }
}

#[test]
fn what_does_not_fit_is_put_where_it_belongs_and_named() {
    for (structure, segments, expected) in [
        (
            REPORT,
            "PID OBX",
            "MSH RESULT1(PATIENT1(PID) ORDER1(OBSERVATION1(OBX))) missing-segment:OBR[1]",
        ),
        (REPORT, "PID", "MSH RESULT1(PATIENT1(PID)) missing-group:OBR[1]"),
        ("MSH EVN PID PV1", "EVN PID", "MSH EVN PID missing-segment:PV1[1]"),
        ("MSH EVN PID PV1", "EVN PV1 PID", "MSH EVN PV1 PID segment-order:PID[1]"),
        ("MSH EVN PID PV1", "EVN PID PID PV1", "MSH EVN PID PID PV1 segment-cardinality:PID[2]"),
        ("MSH EVN PID PV1", "EVN PID AL1 PV1", "MSH EVN PID AL1! PV1 unexpected-segment:AL1[1]"),
        ("MSH EVN PID PV1", "pid EVN PID PV1", "MSH pid! EVN PID PV1"),
        (
            "MSH R(RGS S(AIS NTE*)* L(AIL NTE*)*)+",
            "RGS AIL AIS NTE",
            "MSH R1(RGS L1(AIL) S1(AIS NTE)) segment-order:AIS[1]",
        ),
        ("MSH <OBR|RXO> @*", "RXO NTE ABC", "MSH RXO NTE ABC"),
        ("MSH G(PR1 ROL*)* Z(ZAA)+", "PR1 PR1 ROL", "MSH G1(PR1) G2(PR1 ROL) missing-group:ZAA[1]"),
    ] {
        assert_eq!(fit(structure, segments), expected);
    }
}

#[test]
fn paths_go_through_groups() {
    let structure = Structure::parse("M", REPORT).unwrap();
    let text = "MSH|^~\\&|\rPID|1\rOBR|1\rOBX|1\rOBX|2\rOBR|2\rOBX|3\rOBX|4\r";
    let message = Message::read(text.as_bytes(), &ReadSettings::default()).0.unwrap();
    let tree = structure.fit(&message, &mut |_, _| {});
    let at = |path: &str| {
        tree.find(&message, &path.parse().unwrap()).and_then(|part| part.text()).unwrap_or_default()
    };
    assert_eq!(at("RESULT.ORDER[2].OBX[2]-1"), "4");
    assert_eq!(at("ORDER[2].OBSERVATION.OBX-1"), "3");
    assert_eq!(at("OBX[3]-1"), "3");
    assert_eq!(at("ORDER[3].OBX-1"), "");
    assert_eq!(at("PATIENT.OBX-1"), "");
}

#[test]
fn what_is_no_structure_is_refused_with_its_place() {
    for (text, at) in [
        ("", 0),
        ("MSH (PID)", 4),
        ("MSH A(PID", 9),
        ("MSH A()", 6),
        ("MSH <PID", 8),
        ("MSH PATIENT", 11),
        ("MSH)", 3),
        ("MSH PID&", 7),
    ] {
        assert_eq!(Structure::parse("M", text).unwrap_err().at, at, "{text}");
    }
    let deep = "A(".repeat(20) + "PID" + &")".repeat(20);
    assert!(Structure::parse("M", &deep).is_err());
}

#[test]
fn a_segment_can_be_put_in() {
    let mut structure = Structure::parse("M", "MSH A(PID B(PV1)) C(OBR OBX) DSC").unwrap();
    let zpd = SegmentId::new(b"ZPD").unwrap();
    for after in [&["A", "B"][..], &["A"], &["C"]] {
        let segment = if after.contains(&"C") { b"OBX" } else { b"PV1" };
        let segment = SegmentId::new(segment).unwrap();
        let at = structure.find(after, segment).unwrap();
        let node =
            Node { what: What::Segments(vec![zpd]), is_required: true, max: Some(1), end: 0 };
        structure.insert(at, node);
    }
    let groups: Vec<(usize, usize)> = (0..)
        .map_while(|at| structure.node(at).map(|node| (at, node)))
        .filter(|(_, node)| matches!(node.what, What::Group(_)))
        .map(|(at, node)| (at, node.end))
        .collect();
    assert_eq!(groups, [(0, 13), (2, 8), (4, 8), (8, 12)]);
    let names: Vec<String> = structure.segments().map(|id| id.to_string()).collect();
    assert_eq!(names, ["MSH", "PID", "PV1", "ZPD", "ZPD", "OBR", "OBX", "ZPD", "DSC"]);
}

/// Ends soon only if the work does not grow with the square of the message.
#[test]
fn a_long_message_is_no_attack() {
    let structure = Structure::parse("M", REPORT).unwrap();
    for line in ["OBX|1\r", "AAA|1\r", "MSH|1\r", "NTE|1\r", "OBR|1\rAAA|1\r", "PID|1\r", "aaa\r"] {
        let text = format!("MSH|^~\\&|\rPID|1\rOBR|1\r{}", line.repeat(100_000));
        let (message, problems) = Message::read(text.as_bytes(), &ReadSettings::default());
        assert!(problems.len() <= crate::problem::PROBLEMS_MAX + 1);
        let message = message.unwrap();
        let mut n_findings = 0;
        let tree = structure.fit(&message, &mut |_, _| n_findings += 1);
        assert!(n_findings <= 2 * message.n_segments());
        assert_eq!(tree.segments_within(0, &message).len(), message.n_segments());
    }
}
