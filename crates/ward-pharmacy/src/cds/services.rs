//! What others may ask: the services and what each wants to know.

use serde_json::{Map, Value, json};

/// When somebody asks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Hook {
    OrderSelect,
    OrderSign,
    PatientView,
    EncounterStart,
}

impl Hook {
    pub const ALL: [Hook; 4] =
        [Hook::OrderSelect, Hook::OrderSign, Hook::PatientView, Hook::EncounterStart];

    pub const fn name(self) -> &'static str {
        match self {
            Hook::OrderSelect => "order-select",
            Hook::OrderSign => "order-sign",
            Hook::PatientView => "patient-view",
            Hook::EncounterStart => "encounter-start",
        }
    }

    pub fn named(name: &str) -> Option<Hook> {
        Hook::ALL.into_iter().find(|it| it.name() == name)
    }

    /// Whether orders come with it.
    pub const fn has_orders(self) -> bool {
        matches!(self, Hook::OrderSelect | Hook::OrderSign)
    }

    /// The id of our service for it.
    pub const fn service(self) -> &'static str {
        match self {
            Hook::OrderSelect => "medication-order-select",
            Hook::OrderSign => "medication-order-sign",
            Hook::PatientView => "medication-patient-view",
            Hook::EncounterStart => "medication-encounter-start",
        }
    }

    pub fn of_service(id: &str) -> Option<Hook> {
        Hook::ALL.into_iter().find(|it| it.service() == id)
    }
}

/// What a check wants to know: the key of the prefetch, the type, and the query for it.
///
/// - Shape: `{{context.patientId}}` is the patient; read from our own chart where it does not come.
pub const PREFETCH: [(&str, &str, &str); 7] = [
    ("patient", "Patient", "Patient/{{context.patientId}}"),
    ("allergies", "AllergyIntolerance", "AllergyIntolerance?patient={{context.patientId}}"),
    // That there are no known allergies may be said by a list.
    ("lists", "List", "List?patient={{context.patientId}}&code=48765-2,52472-8"),
    ("conditions", "Condition", "Condition?patient={{context.patientId}}"),
    (
        "medications",
        "MedicationRequest",
        "MedicationRequest?patient={{context.patientId}}&status=active,on-hold",
    ),
    (
        "statements",
        "MedicationStatement",
        "MedicationStatement?patient={{context.patientId}}&status=active",
    ),
    (
        "observations",
        "Observation",
        "Observation?patient={{context.patientId}}&category=laboratory,vital-signs",
    ),
];

/// The answer to `GET /cds-services`.
pub fn discovery() -> Value {
    let prefetch: Map<String, Value> =
        PREFETCH.iter().map(|(key, _, query)| ((*key).to_owned(), json!(query))).collect();
    let services: Vec<Value> = Hook::ALL
        .into_iter()
        .map(|hook| {
            let (title, description) = match hook {
                Hook::OrderSelect => (
                    "Medication checks while choosing",
                    "What speaks against the drugs that are being chosen.",
                ),
                Hook::OrderSign => (
                    "Medication checks at signing",
                    "What speaks against the orders that are about to be signed, with reasons \
                     under which they may go on.",
                ),
                Hook::PatientView => {
                    ("Medication of this patient", "What speaks against what the patient gets now.")
                }
                Hook::EncounterStart => (
                    "Medication at the start of a stay",
                    "What speaks against what the patient gets now, and whether allergies were \
                     asked for.",
                ),
            };
            json!({
                "hook": hook.name(),
                "id": hook.service(),
                "title": title,
                "description": description,
                "prefetch": prefetch,
                "usageRequirements": "What is not prefetched is read from this server's own chart, \
                    under the rights of whoever asks. No other server is asked for records: \
                    `fhirServer` and `fhirAuthorization` are not used.",
            })
        })
        .collect();
    json!({ "services": services })
}
