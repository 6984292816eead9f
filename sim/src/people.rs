//! Who they are: names, addresses, numbers.

use crate::dice::Dice;

pub(crate) struct Person {
    pub(crate) family: &'static str,
    pub(crate) given: &'static str,
    pub(crate) middle: Option<&'static str>,
    pub(crate) gender: &'static str,
    pub(crate) birth_year: u64,
    pub(crate) birth_date: String,
    pub(crate) mrn: String,
    pub(crate) ssn: String,
    pub(crate) phone: String,
    pub(crate) street: String,
    pub(crate) city: &'static str,
    pub(crate) postal_code: String,
    pub(crate) language: (&'static str, &'static str),
    pub(crate) race: (&'static str, &'static str),
    pub(crate) ethnicity: (&'static str, &'static str),
    pub(crate) married: bool,
}

const FAMILIES: [&str; 60] = [
    "Smith",
    "Johnson",
    "Williams",
    "Brown",
    "Jones",
    "Garcia",
    "Miller",
    "Davis",
    "Rodriguez",
    "Martinez",
    "Hernandez",
    "Lopez",
    "Gonzalez",
    "Wilson",
    "Anderson",
    "Thomas",
    "Taylor",
    "Moore",
    "Jackson",
    "Martin",
    "Lee",
    "Perez",
    "Thompson",
    "White",
    "Harris",
    "Sanchez",
    "Clark",
    "Ramirez",
    "Lewis",
    "Robinson",
    "Walker",
    "Young",
    "Allen",
    "King",
    "Wright",
    "Torres",
    "Nguyen",
    "Flores",
    "Adams",
    "Baker",
    "Wang",
    "Li",
    "Zhang",
    "Liu",
    "Chen",
    "Yang",
    "Huang",
    "Zhao",
    "Wu",
    "Zhou",
    "Schneider",
    "Fischer",
    "Novak",
    "Kowalski",
    "O'Brien",
    "Okafor",
    "Haddad",
    "Yilmaz",
    "Tanaka",
    "Kim",
];

const WOMEN: [&str; 30] = [
    "Mary",
    "Patricia",
    "Jennifer",
    "Linda",
    "Elizabeth",
    "Barbara",
    "Susan",
    "Jessica",
    "Sarah",
    "Karen",
    "Sofia",
    "Camila",
    "Valentina",
    "Lucia",
    "Isabella",
    "Mei",
    "Xiu",
    "Ling",
    "Jing",
    "Yan",
    "Amina",
    "Fatima",
    "Aiko",
    "Olga",
    "Ingrid",
    "Chloe",
    "Hannah",
    "Grace",
    "Ruth",
    "Nora",
];

const MEN: [&str; 30] = [
    "James", "Robert", "John", "Michael", "David", "William", "Richard", "Joseph", "Thomas",
    "Carlos", "Luis", "Jorge", "Miguel", "Mateo", "Diego", "Wei", "Jun", "Hao", "Feng", "Bo",
    "Omar", "Yusuf", "Kenji", "Ivan", "Lars", "Liam", "Noah", "Samuel", "Peter", "Hugo",
];

const STREETS: [&str; 16] = [
    "Maple Street",
    "Oak Avenue",
    "Cedar Lane",
    "Park Road",
    "Mill Street",
    "Church Street",
    "High Street",
    "Lake Drive",
    "River Road",
    "Hill Street",
    "Elm Court",
    "Pine Way",
    "Garden Terrace",
    "Station Road",
    "Harbor Walk",
    "Meadow Close",
];

const CITIES: [(&str, &str); 8] = [
    ("Boston", "021"),
    ("Worcester", "016"),
    ("Springfield", "011"),
    ("Lowell", "018"),
    ("Cambridge", "021"),
    ("Brockton", "023"),
    ("Quincy", "022"),
    ("Newton", "024"),
];

const LANGUAGES: [((&str, &str), u64); 4] = [
    (("en-US", "English (United States)"), 80),
    (("es", "Spanish"), 12),
    (("zh", "Chinese"), 5),
    (("fr", "French"), 3),
];

/// - Source: CDC Race and Ethnicity code system, OMB categories.
const RACES: [((&str, &str), u64); 5] = [
    (("2106-3", "White"), 60),
    (("2054-5", "Black or African American"), 16),
    (("2028-9", "Asian"), 14),
    (("1002-5", "American Indian or Alaska Native"), 4),
    (("2131-1", "Other Race"), 6),
];

impl Person {
    pub(crate) fn new(dice: &mut Dice, n: u64, this_year: u64) -> Person {
        let is_woman = dice.chance(52);
        let given = |dice: &mut Dice| dice.pick(if is_woman { &WOMEN } else { &MEN });
        // Two draws make a population with many elderly, as hospitals see it.
        let age = dice.below(50) + dice.below(48);
        let birth_year = this_year.saturating_sub(age);
        let (month, day) = (dice.between(1, 12), dice.between(1, 28));
        let (city, zip) = dice.pick(&CITIES);
        let hispanic = dice.chance(18);
        Person {
            family: dice.pick(&FAMILIES),
            given: given(dice),
            middle: dice.chance(40).then(|| given(dice)),
            gender: if is_woman { "female" } else { "male" },
            birth_year,
            birth_date: format!("{birth_year}-{month:02}-{day:02}"),
            mrn: format!("{:08}", 10_000_000 + n * 7 + dice.below(7)),
            // SPEC: 999 is never issued as an area number.
            ssn: format!("999-{:02}-{:04}", dice.between(10, 99), dice.between(1000, 9999)),
            // SPEC: 555-01xx is kept for fiction; the exchange is varied to have enough numbers.
            phone: format!("555-{:03}-{:04}", dice.between(200, 999), dice.between(1000, 9999)),
            street: format!("{} {}", dice.between(1, 1999), dice.pick(&STREETS)),
            city,
            postal_code: format!("{zip}{:02}", dice.between(1, 99)),
            language: weighted(dice, &LANGUAGES),
            race: weighted(dice, &RACES),
            ethnicity: match hispanic {
                true => ("2135-2", "Hispanic or Latino"),
                false => ("2186-5", "Not Hispanic or Latino"),
            },
            married: 20 < age && dice.chance(55),
        }
    }
}

fn weighted<T: Copy, const N: usize>(dice: &mut Dice, list: &[(T, u64); N]) -> T {
    let mut roll = dice.below(list.iter().map(|(_, weight)| weight).sum());
    for (value, weight) in list {
        match roll.checked_sub(*weight) {
            None => return *value,
            Some(rest) => roll = rest,
        }
    }
    dice.pick(list).0
}
