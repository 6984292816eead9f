//! Who asks, why, for whom and when: the first argument of every service and store call.

use std::{collections::BTreeSet, fmt, sync::Arc};

use jiff::Timestamp;

use crate::ids::{ActorId, FhirId, TraceId};

/// The context of one request or message.
///
/// There is no way to the chart without one. `now` is read once, at the edge.
#[derive(Clone, Debug)]
pub struct Ctx {
    pub actor: Actor,
    pub role: Role,
    pub purpose: PurposeOfUse,
    /// The patients whom the actor has a care relationship with.
    pub care: CareScope,
    pub now: Timestamp,
    pub trace: TraceId,
    /// Network address the request came from, for the audit entry. Text, because a socket file
    /// and a folder are sources too.
    pub source: Arc<str>,
}

/// Who acts.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Actor {
    pub id: ActorId,
    pub kind: ActorKind,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum ActorKind {
    /// A person with an account.
    Person,
    /// A program with a token: an interface, a script, an app.
    Client,
    /// A part of Ward itself: a handler, the sampler, the command line on the data's own machine.
    System,
}

/// Which patients an actor cares for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CareScope {
    /// No relationship limits this actor (a role of the whole house, or Ward itself).
    Everyone,
    /// These patients, by logical id.
    Patients(Arc<BTreeSet<FhirId>>),
}

impl CareScope {
    pub fn contains(&self, patient: &FhirId) -> bool {
        match self {
            CareScope::Everyone => true,
            CareScope::Patients(set) => set.contains(patient),
        }
    }
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The word used in settings, tokens and audit entries.
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }

            pub fn from_word(word: &str) -> Option<$name> {
                Self::ALL.iter().copied().find(|it| it.as_str() == word)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use words;

words! {
    /// What somebody is in the hospital.
    Role {
        Physician = "physician",
        Nurse = "nurse",
        Pharmacist = "pharmacist",
        Registrar = "registrar",
        Radiographer = "radiographer",
        Billing = "billing",
        /// An interface or device gateway.
        Integration = "integration",
        /// Reads the audit log and nothing else.
        Auditor = "auditor",
        /// Runs the system: accounts, keys, settings. No chart access by itself.
        Administrator = "administrator",
        /// Ward itself, and the operator on the data's own machine.
        System = "system",
    }
}

words! {
    /// Why somebody asks.
    ///
    /// - Source: HL7 v3 ActReason, PurposeOfUse.
    PurposeOfUse {
        Treatment = "TREAT",
        Emergency = "ETREAT",
        Payment = "HPAYMT",
        Operations = "HOPERAT",
        Research = "HRESCH",
        PublicHealth = "PUBHLTH",
        PatientRequest = "PATRQT",
        /// Keeping the system itself alive: back-up, reindex, monitoring.
        SystemAdministration = "HSYSADMIN",
        /// Breaking the glass: access beyond the relationship, reviewed afterwards.
        BreakGlass = "BTG",
    }
}
