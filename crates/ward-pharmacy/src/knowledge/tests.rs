mod real;

use std::{io::Cursor, path::PathBuf};

use proptest::prelude::*;
use ward_rules::medication::{
    CheckContext, Tier, check,
    context::{Coded, Drug, Order, system},
    issue::NotCheckable,
};
use ward_sim::Rrf;

use super::{
    csv_tables,
    facts::{Brought, Facts, Source},
    fdamdd,
    file::{Shelf, decode, encode},
    house::{House, base, build},
    intake::{Intake, LINE_BYTES_MAX},
    ndc_directory, openfda,
    pair::PairFact,
    problem::Problem,
    release::{Release, Standing, TermType},
    rxnorm::Builder,
    spl, vista,
};

/// Reads in silence; the problems come with it.
pub(crate) fn read<T>(run: impl FnOnce(&mut Intake<'_>) -> T) -> (T, Vec<Problem>) {
    let mut tell = |_: super::intake::Step<'_>| {};
    let mut intake = Intake::new(&mut tell);
    let it = run(&mut intake);
    (it, intake.problems.kept)
}

pub(crate) fn release_of(rrf: &Rrf) -> (Release, Vec<Problem>) {
    read(|intake| {
        let mut builder = Builder::default();
        for (name, text) in rrf.files() {
            builder.read(name, Cursor::new(text), intake).unwrap();
        }
        builder.finish()
    })
}

pub(crate) fn source(kind: &str) -> Source {
    Source {
        kind: kind.to_owned(),
        name: "test".to_owned(),
        version: String::new(),
        taken: 0,
        problems: 0,
    }
}

/// The folder of real data, where it is.
pub(crate) fn shared() -> Option<PathBuf> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let data = std::env::var_os("WARD_SHARED_DATA").map_or(beside, Into::into).join("meds");
    if data.exists() {
        return Some(data);
    }
    eprintln!("!! SKIPPED: no drug data; set WARD_SHARED_DATA to test on real input");
    None
}

/// A few real drugs, and the ways in which sources get them wrong.
pub(crate) fn small() -> Rrf {
    let mut rrf = Rrf::default();
    rrf.ingredient(4603, "furosemide", "7LXU5N7ZO5")
        .ingredient(1037042, "dabigatran etexilate", "I0VM4M70GC")
        .ingredient(29046, "lisinopril", "E7199S1YWR")
        .ingredient(29561, "meropenem", "FV9J3JU8B1")
        .ingredient(1596450, "gentamicin", "T6Z9V48IKG")
        .ingredient(8410, "alteplase", "1RXS4UE564")
        .ingredient(723, "amoxicillin", "9EM05410Q9")
        .ingredient(11289, "warfarin", "5Q7ZVV76EI")
        .ingredient(1191, "aspirin", "R16CO5Y76E")
        .ingredient(343047, "atazanavir", "QZU4H47A3S")
        .ingredient(7646, "omeprazole", "KG60484QX9")
        .ingredient(5640, "ibuprofen", "WK2XYI10QM")
        .ingredient(3407, "digoxin", "73K4184T59")
        .ingredient(999_001, "novelimab", "")
        .precise(1_546_022, "lisinopril anhydrous", 29046)
        .precise(1_546_029, "meropenem anhydrous", 29561)
        .precise(203_151, "warfarin sodium", 11289)
        .multiple(691_803, "aspirin / omeprazole", &[1191, 7646])
        .brand(202_421, "Coumadin", 11289)
        .moved(142_438, 1_596_450)
        .suppressed(706, "IN", "amoxapine retired")
        .drug(&ward_sim::Drug {
            rxcui: 855_332,
            name: "warfarin sodium 5 MG Oral Tablet",
            component: (855_331, "warfarin sodium 5 MG"),
            ingredient: 11289,
            form: (317_541, "Oral Tablet"),
            packages: &["00056017270", "00056017275"],
        })
        .drug(&ward_sim::Drug {
            rxcui: 999_003,
            name: "novelimab 10 MG/ML Injection",
            component: (999_002, "novelimab 10 MG/ML"),
            ingredient: 999_001,
            form: (1_649_574, "Injection"),
            packages: &[],
        });
    rrf
}

pub(crate) fn facts_of(rrf: &Rrf) -> Facts {
    let mut facts = Facts::of_base(base().unwrap());
    let (release, problems) = release_of(rrf);
    assert_eq!(problems, []);
    facts.take(source("rxnorm"), Brought::Release(release));
    facts
}

pub(crate) fn ddi(text: &str) -> (Vec<PairFact>, Vec<Problem>) {
    read(|intake| csv_tables::read_interactions(Cursor::new(text), "ddi.csv", intake).unwrap())
}

#[test]
fn a_release_comes_down_to_ingredients() {
    let (release, problems) = release_of(&small());
    assert_eq!(problems, []);
    let id = |n: u32| n.to_string().parse().unwrap();
    for (of, ingredients) in [
        (855_332, vec![11289]),
        (855_331, vec![11289]),
        (203_151, vec![11289]),
        (202_421, vec![11289]),
        (691_803, vec![1191, 7646]),
        (11289, vec![11289]),
    ] {
        let expected: Vec<_> = ingredients.into_iter().map(id).collect();
        assert_eq!(release.ingredients(id(of)), expected, "{of}");
    }
    assert_eq!(release.standing(id(142_438)), Standing::Moved(vec![id(1_596_450)]));
    assert_eq!(release.standing(id(706)), Standing::Suppressed);
    assert_eq!(release.standing(id(460)), Standing::Unknown);
    let pin = release.standing(id(1_546_022));
    let lisinopril = vec![id(29046)];
    assert_eq!(pin, Standing::Other { tty: TermType::Pin, ingredients: lisinopril });
    assert_eq!(release.ndc[&"00056017270".parse().unwrap()], id(855_332));
    assert_eq!(release.named("WARFARIN"), Some(id(11289)));
}

#[test]
fn bad_rows_are_told_with_their_place_and_left_out() {
    let long = "x".repeat(LINE_BYTES_MAX + 10);
    let good = "11289|ENG||||||A1|A1|11289||RXNORM|IN|11289|warfarin||N|4096|";
    let text =
        format!("{good}\n1|2|3\nzero|ENG||||||A1|A1|0||RXNORM|IN|0|x||N|4096|\n{long}\n{good}");
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(b"\n\xff\xfe\n");
    let ((), problems) = read(|intake| {
        let mut builder = Builder::default();
        builder.read("RXNCONSO.RRF", Cursor::new(bytes), intake).unwrap();
        assert_eq!(builder.finish().concepts.len(), 1);
    });
    let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "RXNCONSO.RRF:2: 3 columns instead of 18",
            "RXNCONSO.RRF:3: RXCUI: `zero`: an RXCUI is a number of 1 to 8 digits that does not \
             begin with 0",
            "RXNCONSO.RRF:4: the line has more than 262144 bytes",
            "RXNCONSO.RRF:6: the line is not UTF-8",
        ]
    );
}

#[test]
fn a_version_is_named_by_what_is_in_it() {
    let facts = facts_of(&small());
    let one = encode(&facts).unwrap();
    assert_eq!(one.version, encode(&facts).unwrap().version);
    let (version, again) = decode(one.bytes.as_slice(), "x").unwrap();
    assert_eq!((version, &again), (one.version.clone(), &facts));
    for at in [0, 20, 45, one.bytes.len() / 2, one.bytes.len() - 1] {
        let mut damaged = one.bytes.clone();
        damaged[at] ^= 0x40;
        assert!(decode(damaged.as_slice(), "x").is_err(), "byte {at}");
    }
    for n in [0, 7, 47, 60, one.bytes.len() - 1] {
        assert!(decode(&one.bytes[..n], "x").is_err(), "{n} bytes");
    }
}

#[test]
fn another_version_is_taken_into_use_while_checks_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::open(folder.path()).unwrap();
    let first = house.current();
    assert_eq!(first.version, "starter");
    let shelf = Shelf::new(folder.path());
    let version = shelf.put(&facts_of(&small())).unwrap();
    assert!(!house.look().unwrap(), "nobody chose it yet");
    shelf.set_current(Some(&version)).unwrap();
    assert!(house.look().unwrap());
    let next = house.current();
    assert_eq!(next.version, version);
    assert!(next.base.label().ends_with(&format!("+{version}")), "{}", next.base.label());
    assert_eq!(first.version, "starter", "who has the old one keeps it");
    // A version that is not there does not take the place of one that works.
    shelf.set_current(Some("kb-000000000000")).unwrap();
    assert!(house.look().is_err());
    assert_eq!(house.current().version, version);
    assert!(House::open(folder.path()).is_err());
    shelf.set_current(None).unwrap();
    assert!(house.look().unwrap());
    assert_eq!(shelf.versions().unwrap(), [version]);
    for name in ["../x", "kb-../../x", ""] {
        assert!(shelf.get(name).is_err());
    }
}

fn order(id: &str, rxcui: u32, text: &str) -> Order {
    let code = Coded { system: system::RXNORM.to_owned(), code: rxcui.to_string() };
    Order {
        id: id.to_owned(),
        drug: Drug { codes: vec![code], text: text.to_owned(), ..Drug::default() },
        ..Order::default()
    }
}

#[test]
fn imported_interactions_fire_and_name_rule_and_version() {
    let mut facts = facts_of(&small());
    let (pairs, problems) = ddi("left,right,severity,mechanism,source,id\n\
         warfarin,ibuprofen,Major,\"bleeds, more\",Pharmacy,p1\n\
         novelimab,@ppi,contraindicated,,Pharmacy,p2\n");
    assert_eq!(problems, []);
    facts.take(source("ddi"), Brought::Pairs(pairs));
    let (kb, report) = build("kb-test", &facts).unwrap();
    assert_eq!(report.refused, 0, "{report}");
    let mut cx = CheckContext::empty(jiff::Timestamp::UNIX_EPOCH);
    cx.active.push(order("a", 855_332, "warfarin 5 MG tablet"));
    cx.proposed.push(order("b", 5640, "ibuprofen"));
    let issues = check(&kb, &cx);
    let it = issues.iter().find(|it| it.rule.id == "house-p1").expect("it fires");
    assert_eq!(it.tier, Tier::Interruptive);
    assert_eq!(it.message.mechanism, "bleeds, more");
    assert!(it.rule.knowledge_base.ends_with("+kb-test"));
    // Of a class, and of a drug that only the import is about.
    cx.active = vec![order("a", 7646, "omeprazole")];
    cx.proposed = vec![order("b", 999_003, "novelimab injection")];
    let issues = check(&kb, &cx);
    assert!(issues.iter().any(|it| it.rule.id == "house-p2" && it.tier == Tier::HardStop));
    assert!(!issues.iter().any(|it| it.why == Some(NotCheckable::UnknownDrug)));
}

#[test]
fn a_drug_known_by_name_alone_is_not_checkable() {
    let (kb, _) = build("kb-test", &facts_of(&small())).unwrap();
    for rxcui in [999_001, 999_003] {
        let mut cx = CheckContext::empty(jiff::Timestamp::UNIX_EPOCH);
        cx.proposed.push(order("a", rxcui, "novelimab"));
        let issues = check(&kb, &cx);
        assert!(issues.iter().any(|it| it.why == Some(NotCheckable::UnknownDrug)), "{rxcui}");
    }
    // A salt and a brand mean the ingredient that is known.
    assert_eq!(kb.substance("203151".parse().unwrap()).unwrap().name, "warfarin");
    assert_eq!(kb.substance_named("coumadin").unwrap().name, "warfarin");
    let product = kb.product("855332".parse().unwrap()).unwrap();
    let strength = product.ingredients[0].strength.clone().unwrap();
    assert_eq!(
        (strength.value, strength.unit.as_str(), product.form.as_str()),
        (5.0, "mg", "oral tablet")
    );
}

#[test]
fn an_import_takes_the_place_of_the_one_before() {
    let mut facts = facts_of(&small());
    for n in [2, 1] {
        let rows = "warfarin,aspirin,major\nwarfarin,ibuprofen,major\n";
        let text: String = rows.lines().take(n).map(|it| format!("{it}\n")).collect();
        let (pairs, _) = ddi(&format!("left,right,severity\n{text}"));
        facts.take(source("ddi"), Brought::Pairs(pairs));
    }
    assert_eq!((facts.pairs.len(), facts.sources.len()), (1, 2));
    // By its name, whatever the file is called and even when nothing is left in it.
    let (mut other, _) = ddi("left,right,severity\nwarfarin,aspirin,major\n");
    other[0].file = "next-month.csv".to_owned();
    facts.take(source("ddi"), Brought::Pairs(other.clone()));
    assert_eq!(facts.pairs.len(), 1);
    facts.take(Source { name: "another".to_owned(), ..source("ddi") }, Brought::Pairs(other));
    assert_eq!(facts.pairs.len(), 2);
    facts.take(source("ddi"), Brought::Pairs(Vec::new()));
    assert_eq!(facts.pairs.len(), 1);
    assert_eq!(facts.pairs[0].import, "ddi/another");
}

#[test]
fn strengths_are_read_from_names() {
    let read = |name: &str| {
        super::parts::strength_at_end(name)
            .map(|it| format!("{} {}/{}", it.value, it.unit, it.per_unit))
    };
    assert_eq!(read("bumetanide 0.25 MG/ML").as_deref(), Some("0.25 mg/mL"));
    assert_eq!(read("insulin lispro 100 UNT/ML").as_deref(), Some("100 units/mL"));
    assert_eq!(read("furosemide 20 MG").as_deref(), Some("20 mg/1"));
    assert_eq!(read("albuterol 0.09 MG/ACTUAT").as_deref(), Some("0.09 mg/1"));
    for none in ["furosemide", "", "vitamin B 12", "5 MG", "x -1 MG", "x inf MG"] {
        assert!(none == "5 MG" || read(none).is_none(), "{none}");
    }
}

pub(crate) fn digoxin_limit() -> ward_rules::medication::knowledge::Limit {
    use ward_rules::medication::knowledge::{Limit, Measure};
    Limit {
        id: "test-digoxin-daily".to_owned(),
        substance: "3407".parse().unwrap(),
        measure: Measure::Daily,
        routes: Vec::new(),
        when: Vec::new(),
        value: 0.5,
        unit: "mg".to_owned(),
        cap: None,
        tier: Tier::Interruptive,
        note: String::new(),
        source: "test".to_owned(),
        version: 1,
        illustrative: true,
    }
}

// ---- whatever comes

proptest! {
    #[test]
    fn no_bytes_break_a_reader(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        everything(&bytes);
    }

    #[test]
    fn no_almost_good_input_breaks_a_reader(
        at in any::<prop::sample::Index>(), with in any::<u8>(), which in 0_usize..6,
    ) {
        let mut bytes = GOOD[which].as_bytes().to_vec();
        let at = at.index(bytes.len());
        bytes[at] = with;
        everything(&bytes);
        everything(&bytes[..at]);
    }

    #[test]
    fn facts_survive_their_file(names in proptest::collection::vec("[a-z]{1,8}", 0..6)) {
        let mut facts = Facts::default();
        for (n, name) in names.iter().enumerate() {
            facts.pairs.push(PairFact { id: format!("{name}{n}"), ..PairFact::default() });
        }
        let encoded = encode(&facts).unwrap();
        prop_assert_eq!(decode(encoded.bytes.as_slice(), "x").unwrap().1, facts);
    }
}

const GOOD: [&str; 6] = [
    "11289|ENG||||||A1|A1|11289||RXNORM|IN|11289|warfarin||N|4096|\n",
    "<document xmlns=\"urn:hl7-org:v3\"><setId root=\"x\"/><component><section><code code=\"34070-3\"/><text>a &amp; b</text><subject><manufacturedProduct><manufacturedProduct><code code=\"0069-4200\" codeSystem=\"2.16.840.1.113883.6.69\"/></manufacturedProduct></manufacturedProduct></subject></section></component></document>",
    "{\"results\":[{\"set_id\":\"a\",\"boxed_warning\":[\"no\"],\"openfda\":{\"package_ndc\":[\"0069-4200-30\"],\"unii\":[\"BW9B0ZE037\"]}}]}",
    "PRODUCTNDC\tSUBSTANCENAME\tACTIVE_NUMERATOR_STRENGTH\tACTIVE_INGRED_UNIT\n0069-4200\tX\t25\tmg/1\n",
    "^PS(51.24,1,0)=\"A\"\"B^C\"\n^PS(51.24,1,1,1,0)=\"D\"\n",
    "left,right,severity\nwarfarin,\"a, b\",major\n",
];

fn everything(bytes: &[u8]) {
    read(|intake| {
        for name in ["RXNCONSO.RRF", "RXNREL.RRF", "RXNSAT.RRF", "RXNCUI.RRF", "RXNATOMARCHIVE.RRF"]
        {
            let mut builder = Builder::default();
            builder.read(name, Cursor::new(bytes), intake).unwrap();
            builder.finish();
        }
        spl::read(bytes, "x", intake);
        openfda::read(bytes, "x", intake);
        let _ = ndc_directory::read_products(Cursor::new(bytes), "x", intake);
        let mut all = vista::Vista::default();
        vista::read(Cursor::new(bytes), "x", &mut all, intake).unwrap();
        let _ = csv_tables::read_interactions(Cursor::new(bytes), "x", intake);
        let _ = csv_tables::read_classes(Cursor::new(bytes), "x", intake);
        let _ = csv_tables::read_doses(Cursor::new(bytes), "x", intake);
        let _ = fdamdd::read(Cursor::new(bytes), "x", intake);
    });
    let _ = decode(bytes, "x");
}
