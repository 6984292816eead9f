//! The words every floor of Ward shares.
//!
//! Ids, actor and purpose of use, kinds of error, the wrapper for patient data, the vocabulary of
//! events and audit entries, and limits. This crate knows no format, no storage and no protocol.

pub mod amount;
pub mod audit;
pub mod ctx;
pub mod event;
pub mod ids;
pub mod kind;
pub mod limits;
pub mod phi;
pub mod resource_type;

pub use amount::{Amount, ParseAmountError};
pub use audit::{AuditAction, AuditOutcome};
pub use ctx::{Actor, ActorKind, CareScope, Ctx, PurposeOfUse, Role};
pub use event::{EventPriority, MedicalEventType};
pub use ids::{FhirId, ParseIdError, RecordKey};
pub use kind::Kind;
pub use phi::Phi;
pub use resource_type::ResourceType;
