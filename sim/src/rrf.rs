//! A release of RxNorm in its Rich Release Format, made from what a test says.

use std::{fs, io, path::Path};

/// Rows of the files of one release. Numbers are RXCUIs.
#[derive(Clone, Default, Debug)]
pub struct Rrf {
    conso: String,
    rel: String,
    sat: String,
    cui: String,
    n: u64,
}

/// A clinical drug with one ingredient.
#[derive(Clone, Copy, Debug)]
pub struct Drug<'d> {
    pub rxcui: u32,
    pub name: &'d str,
    /// The ingredient with its strength, as `furosemide 20 MG`.
    pub component: (u32, &'d str),
    pub ingredient: u32,
    pub form: (u32, &'d str),
    /// Of 11 digits.
    pub packages: &'d [&'d str],
}

impl Rrf {
    /// One name of a concept.
    pub fn concept(&mut self, rxcui: u32, tty: &str, name: &str) -> &mut Rrf {
        self.atom(rxcui, "RXNORM", tty, &rxcui.to_string(), name, "N")
    }

    /// A concept that is not to be used any more.
    pub fn suppressed(&mut self, rxcui: u32, tty: &str, name: &str) -> &mut Rrf {
        self.atom(rxcui, "RXNORM", tty, &rxcui.to_string(), name, "O")
    }

    /// An ingredient with its substance in FDA's registry.
    pub fn ingredient(&mut self, rxcui: u32, name: &str, unii: &str) -> &mut Rrf {
        self.concept(rxcui, "IN", name);
        if !unii.is_empty() {
            self.atom(rxcui, "MTHSPL", "SU", unii, &name.to_uppercase(), "N");
        }
        self
    }

    /// A salt or the like.
    pub fn precise(&mut self, rxcui: u32, name: &str, of: u32) -> &mut Rrf {
        self.concept(rxcui, "PIN", name).both(rxcui, ("form_of", "has_form"), of)
    }

    /// Several ingredients together.
    pub fn multiple(&mut self, rxcui: u32, name: &str, of: &[u32]) -> &mut Rrf {
        self.concept(rxcui, "MIN", name);
        for of in of {
            self.both(rxcui, ("has_part", "part_of"), *of);
        }
        self
    }

    pub fn brand(&mut self, rxcui: u32, name: &str, of: u32) -> &mut Rrf {
        self.concept(rxcui, "BN", name).both(rxcui, ("tradename_of", "has_tradename"), of)
    }

    pub fn drug(&mut self, drug: &Drug<'_>) -> &mut Rrf {
        let (component, component_name) = drug.component;
        let (form, form_name) = drug.form;
        self.concept(drug.rxcui, "SCD", drug.name);
        self.concept(component, "SCDC", component_name);
        self.concept(form, "DF", form_name);
        self.both(drug.rxcui, ("consists_of", "constitutes"), component);
        self.both(component, ("has_ingredient", "ingredient_of"), drug.ingredient);
        self.both(drug.rxcui, ("has_dose_form", "dose_form_of"), form);
        for package in drug.packages {
            self.attribute(drug.rxcui, "NDC", "RXNORM", package);
        }
        self
    }

    /// A concept that is gone, and what took its place.
    pub fn moved(&mut self, from: u32, to: u32) -> &mut Rrf {
        self.cui.push_str(&format!("{from}|2010AA|2020AB|1|{to}|\n"));
        self
    }

    /// A code of ATC, as full releases have them.
    pub fn atc(&mut self, code: &str, rxcui: u32, name: &str) -> &mut Rrf {
        self.atom(rxcui, "ATC", "IN", code, name, "N")
    }

    pub fn attribute(&mut self, rxcui: u32, name: &str, sab: &str, value: &str) -> &mut Rrf {
        self.n += 1;
        let n = self.n;
        self.sat
            .push_str(&format!("{rxcui}|||A{n}|AUI|{rxcui}|AT{n}||{name}|{sab}|{value}|N|4096|\n"));
        self
    }

    fn atom(
        &mut self,
        rxcui: u32,
        sab: &str,
        tty: &str,
        code: &str,
        name: &str,
        suppress: &str,
    ) -> &mut Rrf {
        self.n += 1;
        let n = self.n;
        self.conso.push_str(&format!(
            "{rxcui}|ENG||||||A{n}|A{n}|{code}||{sab}|{tty}|{code}|{name}||{suppress}|4096|\n"
        ));
        self
    }

    /// A relation in both directions, as the files have it.
    fn both(&mut self, more: u32, (rela, inverse): (&str, &str), less: u32) -> &mut Rrf {
        for (first, rela, second) in [(less, rela, more), (more, inverse, less)] {
            self.n += 1;
            let n = self.n;
            self.rel.push_str(&format!(
                "{first}||CUI|RO|{second}||CUI|{rela}|R{n}||RXNORM||||N|4096|\n"
            ));
        }
        self
    }

    /// The files by name.
    pub fn files(&self) -> [(&'static str, &str); 4] {
        [
            ("RXNCONSO.RRF", &self.conso),
            ("RXNREL.RRF", &self.rel),
            ("RXNSAT.RRF", &self.sat),
            ("RXNCUI.RRF", &self.cui),
        ]
    }

    pub fn write(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        for (name, text) in self.files() {
            fs::write(folder.join(name), text)?;
        }
        Ok(())
    }
}
