//! What a label says of a drug: products with their packages and ingredients, and its warnings.

use serde::{Deserialize, Serialize};

use ward_rules::medication::knowledge::{Ndc11, Unii};

/// Most bytes of one section that are kept.
/// LIMIT: the longest boxed warnings have some 5,000; a whole label has a million.
pub const SECTION_BYTES_MAX: usize = 32 * 1024;

macro_rules! sections {
    ($($(#[doc = $doc:literal])+ $name:ident = $loinc:literal | $field:literal),+ $(,)?) => {
        /// A section that is kept.
        ///
        /// - Source: LOINC, document sections of SPL; openFDA drug label fields.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum SectionKind { $($(#[doc = $doc])+ $name),+ }

        impl SectionKind {
            pub const ALL: &'static [SectionKind] = &[$(SectionKind::$name),+];

            pub const fn loinc(self) -> &'static str {
                match self { $(SectionKind::$name => $loinc),+ }
            }

            /// The member of openFDA's JSON.
            pub const fn openfda(self) -> &'static str {
                match self { $(SectionKind::$name => $field),+ }
            }

            pub fn of_loinc(code: &str) -> Option<SectionKind> {
                SectionKind::ALL.iter().copied().find(|it| it.loinc() == code)
            }
        }
    };
}

sections! {
    /// The warning in a box.
    BoxedWarning = "34066-1" | "boxed_warning",
    /// Who must not have it.
    Contraindications = "34070-3" | "contraindications",
    /// What it does with other drugs.
    Interactions = "34073-7" | "drug_interactions",
    /// In pregnancy.
    Pregnancy = "42228-7" | "pregnancy",
    /// While a child is nursed; labels from before 2015.
    NursingMothers = "34080-2" | "nursing_mothers",
    /// While a child is nursed.
    Lactation = "77290-5" | "lactation",
    /// Of drugs without prescription: who must not take it.
    DoNotUse = "50570-1" | "do_not_use",
    /// Of drugs without prescription: who asks a doctor first.
    AskDoctor = "50569-3" | "ask_doctor",
}

/// One version of one label.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Label {
    /// The same for every version of it.
    pub set_id: String,
    pub version: String,
    /// As `20171107`.
    pub effective: String,
    pub title: String,
    pub labeler: String,
    pub products: Vec<LabelProduct>,
    pub sections: Vec<LabelSection>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LabelSection {
    pub kind: SectionKind,
    pub text: String,
    /// Only its beginning is kept.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_cut: bool,
}

/// One product of a label or of a directory.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LabelProduct {
    /// Labeler and product, as `0069-4200`.
    pub code: String,
    pub name: String,
    pub generic: String,
    pub form: String,
    pub routes: Vec<String>,
    pub active: Vec<LabelIngredient>,
    /// What else is in it; absent where the source does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inactive: Option<Vec<LabelIngredient>>,
    pub packages: Vec<Ndc11>,
    /// `CII` to `CV`.
    pub schedule: String,
    /// Established pharmacologic classes and the like, with their kind: `... [EPC]`.
    pub classes: Vec<String>,
}

#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LabelIngredient {
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unii: Option<Unii>,
    /// What acts: sildenafil of sildenafil citrate.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub moieties: Vec<Moiety>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strength: Option<LabelStrength>,
}

#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Moiety {
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unii: Option<Unii>,
}

/// So much in so much: 25 mg in 1 piece.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LabelStrength {
    pub value: f64,
    pub unit: String,
    pub per_value: f64,
    /// `1` for a piece.
    pub per_unit: String,
}

impl Label {
    pub fn section(&self, kind: SectionKind) -> Option<&str> {
        self.sections.iter().find(|it| it.kind == kind).map(|it| it.text.as_str())
    }

    /// Keeps the text of a section, cut to what is kept of one.
    pub(crate) fn put(&mut self, kind: SectionKind, text: &str) {
        let text = text.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
        if text.is_empty() || self.section(kind).is_some() {
            return;
        }
        let mut end = text.len().min(SECTION_BYTES_MAX);
        while !text.is_char_boundary(end) {
            end = end.saturating_sub(1);
        }
        let kept = text.get(..end).unwrap_or_default().to_owned();
        let is_cut = kept.len() < text.len();
        self.sections.push(LabelSection { kind, text: kept, is_cut });
    }
}
