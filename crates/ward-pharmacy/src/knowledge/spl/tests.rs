use super::{DEPTH_MAX, read};
use crate::knowledge::{label::SectionKind, tests};

#[test]
fn what_is_no_label_is_told_with_its_line() {
    for (text, says) in [
        ("", "x.xml:1: not an SPL document"),
        ("<html/>", "x.xml:1: not an SPL document"),
        ("<document>\n<a>\n</b>\n</document>", "x.xml:3: not XML"),
        ("<document>", "x.xml:1: not an SPL document"),
    ] {
        let (label, problems) = tests::read(|it| read(text.as_bytes(), "x.xml", it));
        assert!(label.is_none(), "{text}");
        assert!(problems[0].to_string().starts_with(says), "{problems:?}");
    }
    let deep = format!("<document>{}", "<a>".repeat(DEPTH_MAX + 1));
    let (label, problems) = tests::read(|it| read(deep.as_bytes(), "x.xml", it));
    assert!(label.is_none() && problems[0].says.contains("nested deeper"));
}

#[test]
fn entities_of_others_are_not_expanded() {
    let text = "<!DOCTYPE d [<!ENTITY a \"aaaa\"><!ENTITY b SYSTEM \"file:///etc/passwd\">]>\
        <document><setId root=\"s\"/><component><section><code code=\"34066-1\"/>\
        <text>one&a;&b;two &#60; &lt;</text></section></component></document>";
    let (label, _) = tests::read(|it| read(text.as_bytes(), "x.xml", it));
    let label = label.unwrap();
    assert_eq!(label.section(SectionKind::BoxedWarning), Some("onetwo < <"));
}

#[test]
fn long_sections_are_cut_and_say_so() {
    let text = format!(
        "<document><component><section><code code=\"34066-1\"/><text>{}</text></section>\
         </component></document>",
        "wörd ".repeat(20_000)
    );
    let (label, _) = tests::read(|it| read(text.as_bytes(), "x.xml", it));
    let label = label.unwrap();
    assert!(label.sections[0].is_cut);
    assert!(label.sections[0].text.len() <= crate::knowledge::label::SECTION_BYTES_MAX);
}

#[test]
fn names_go_on_past_what_is_inside_them() {
    let text = "<document><title>A<br/>of B<sup>2</sup>C</title><component><section><subject>\
        <manufacturedProduct><manufacturedProduct><code code=\"0071-0155\" \
        codeSystem=\"2.16.840.1.113883.6.69\"/><name>Lipitor<suffix>XR</suffix></name>\
        </manufacturedProduct></manufacturedProduct></subject></section></component></document>";
    let (label, problems) = tests::read(|it| read(text.as_bytes(), "x.xml", it));
    let label = label.unwrap();
    assert_eq!(problems, []);
    assert_eq!(label.title, "A of B2C");
    assert_eq!(label.products[0].name, "Lipitor XR");
}
