//! Putting a transaction together.

/// Entries of one transaction, written as they come.
pub(crate) struct Bundle {
    text: String,
    n: usize,
}

impl Bundle {
    pub(crate) fn new() -> Bundle {
        let text = String::from(r#"{"resourceType":"Bundle","type":"transaction","entry":["#);
        Bundle { text, n: 0 }
    }

    /// A resource that others refer to by `urn:uuid:`.
    pub(crate) fn post(&mut self, uuid: &str, kind: &str, body: &str) {
        self.entry(uuid, kind, body, "");
    }

    /// A resource that is only made when no other has this identifier.
    pub(crate) fn post_once(&mut self, uuid: &str, kind: &str, body: &str, identifier: &str) {
        self.entry(uuid, kind, body, &format!(r#","ifNoneExist":"identifier={identifier}""#));
    }

    fn entry(&mut self, uuid: &str, kind: &str, body: &str, condition: &str) {
        if self.n != 0 {
            self.text.push(',');
        }
        self.n += 1;
        self.text.push_str(&format!(
            r#"{{"fullUrl":"urn:uuid:{uuid}","resource":{{"resourceType":"{kind}",{body}}},"request":{{"method":"POST","url":"{kind}"{condition}}}}}"#
        ));
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.text.push_str("]}");
        self.text.into_bytes()
    }
}

/// A CodeableConcept with one coding.
pub(crate) fn concept(system: &str, code: &str, display: &str) -> String {
    format!(
        r#"{{"coding":[{{"system":"{system}","code":"{code}","display":"{display}"}}],"text":"{display}"}}"#
    )
}

pub(crate) const SNOMED: &str = "http://snomed.info/sct";
pub(crate) const LOINC: &str = "http://loinc.org";
pub(crate) const RXNORM: &str = "http://www.nlm.nih.gov/research/umls/rxnorm";
pub(crate) const UCUM: &str = "http://unitsofmeasure.org";
pub(crate) const HL7: &str = "http://terminology.hl7.org/CodeSystem";
