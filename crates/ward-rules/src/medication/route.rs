//! Ways into the body.

use serde::{Deserialize, Serialize};

/// A route of administration, as far as checks tell them apart.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Route {
    Oral,
    /// By tube into stomach or gut.
    Enteral,
    Sublingual,
    Buccal,
    Rectal,
    Vaginal,
    Intravenous,
    Intramuscular,
    Subcutaneous,
    Intradermal,
    Intraosseous,
    Intrathecal,
    Epidural,
    Intraarticular,
    Intravitreal,
    Inhaled,
    Nasal,
    Ophthalmic,
    Otic,
    Topical,
    Transdermal,
    Intravesical,
    Irrigation,
}

/// Names and codes: HL7 v2 table 0162, SNOMED CT, what people write.
const NAMES: &[(Route, &[&str])] = &[
    (Route::Oral, &["oral", "po", "by mouth", "orally", "per os", "26643006"]),
    (
        Route::Enteral,
        &[
            "enteral",
            "ng",
            "og",
            "gt",
            "nasogastric",
            "orogastric",
            "gastrostomy",
            "per tube",
            "via tube",
            "peg",
            "j-tube",
            "jejunostomy",
            "gtt",
            "127492001",
            "418441008",
        ],
    ),
    (Route::Sublingual, &["sublingual", "sl", "under the tongue", "37839007"]),
    (Route::Buccal, &["buccal", "bucc", "bu", "54471007"]),
    (Route::Rectal, &["rectal", "pr", "per rectum", "rectally", "37161004"]),
    (Route::Vaginal, &["vaginal", "vag", "vg", "pv", "vaginally", "16857009"]),
    (
        Route::Intravenous,
        &[
            "intravenous",
            "iv",
            "ivp",
            "ivpb",
            "iv push",
            "iv piggyback",
            "iv bolus",
            "intravenously",
            "47625008",
            "255560000",
            "418114005",
            "419993007",
        ],
    ),
    (Route::Intramuscular, &["intramuscular", "im", "intramuscularly", "78421000", "255559005"]),
    (
        Route::Subcutaneous,
        &["subcutaneous", "sc", "sq", "subq", "subcut", "subcutaneously", "34206005"],
    ),
    (Route::Intradermal, &["intradermal", "id", "372464004"]),
    (Route::Intraosseous, &["intraosseous", "io", "417255000"]),
    (Route::Intrathecal, &["intrathecal", "it", "intrathecally", "72607000"]),
    (Route::Epidural, &["epidural", "ep", "404820008"]),
    (Route::Intraarticular, &["intraarticular", "intra-articular", "12130007"]),
    (Route::Intravitreal, &["intravitreal", "418401004"]),
    (
        Route::Inhaled,
        &[
            "inhaled",
            "inhalation",
            "inh",
            "ih",
            "neb",
            "nebulized",
            "nebulised",
            "nebulizer",
            "by inhalation",
            "respiratory",
            "respiratory tract",
            "447694001",
            "18679011000001101",
        ],
    ),
    (Route::Nasal, &["nasal", "in", "ns", "nasally", "intranasal", "intranasally", "46713006"]),
    (
        Route::Ophthalmic,
        &["ophthalmic", "op", "opth", "ou", "od", "os", "eye", "in the eye", "54485002"],
    ),
    (Route::Otic, &["otic", "ot", "au", "ad", "as", "ear", "auricular", "10547007"]),
    (Route::Topical, &["topical", "top", "tp", "cutaneous", "to skin", "topically", "6064005"]),
    (Route::Transdermal, &["transdermal", "td", "patch", "transdermally", "45890007"]),
    (Route::Intravesical, &["intravesical", "372471009"]),
    (Route::Irrigation, &["irrigation", "ir", "irrig"]),
];

impl Route {
    /// The route that a name or a code means.
    ///
    /// - Source: HL7 v2.8 table 0162; SNOMED CT, descendants of 284009009.
    pub fn parse(text: &str) -> Option<Route> {
        let text = text.trim().trim_end_matches('.').to_ascii_lowercase();
        let text = text.trim_end_matches(" (qualifier value)");
        let text = text.trim_end_matches(" route").trim_end_matches(" use");
        NAMES.iter().find(|(_, names)| names.contains(&text)).map(|(route, _)| *route)
    }

    pub const fn name(self) -> &'static str {
        match self {
            Route::Oral => "oral",
            Route::Enteral => "enteral",
            Route::Sublingual => "sublingual",
            Route::Buccal => "buccal",
            Route::Rectal => "rectal",
            Route::Vaginal => "vaginal",
            Route::Intravenous => "intravenous",
            Route::Intramuscular => "intramuscular",
            Route::Subcutaneous => "subcutaneous",
            Route::Intradermal => "intradermal",
            Route::Intraosseous => "intraosseous",
            Route::Intrathecal => "intrathecal",
            Route::Epidural => "epidural",
            Route::Intraarticular => "intraarticular",
            Route::Intravitreal => "intravitreal",
            Route::Inhaled => "inhaled",
            Route::Nasal => "nasal",
            Route::Ophthalmic => "ophthalmic",
            Route::Otic => "otic",
            Route::Topical => "topical",
            Route::Transdermal => "transdermal",
            Route::Intravesical => "intravesical",
            Route::Irrigation => "irrigation",
        }
    }

    /// Whether it passes the gut, so that what binds or is digested there matters.
    pub const fn is_enteral(self) -> bool {
        matches!(self, Route::Oral | Route::Enteral)
    }

    /// Whether so little reaches the blood that limits and interactions of the whole body are not
    /// meant.
    pub const fn is_local(self) -> bool {
        matches!(
            self,
            Route::Ophthalmic
                | Route::Otic
                | Route::Topical
                | Route::Intravitreal
                | Route::Intraarticular
                | Route::Intradermal
                | Route::Irrigation
        )
    }

    /// Whether it goes through a needle or a catheter.
    pub const fn is_parenteral(self) -> bool {
        matches!(
            self,
            Route::Intravenous
                | Route::Intramuscular
                | Route::Subcutaneous
                | Route::Intradermal
                | Route::Intraosseous
                | Route::Intrathecal
                | Route::Epidural
                | Route::Intraarticular
                | Route::Intravitreal
        )
    }
}
