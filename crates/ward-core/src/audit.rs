//! The vocabulary of the audit log.
//!
//! Entries follow IHE BALP and render as FHIR AuditEvent when read. The words are closed: an
//! action that is not here cannot happen without a change to this file.

use std::fmt;

use crate::ctx::words;

words! {
    /// What was done.
    ///
    /// - Source: IHE Basic Audit Log Patterns 1.1.4; DICOM PS3.15 A.5; FHIR R4
    ///   restful-interaction.
    AuditAction {
        Create = "create",
        Read = "read",
        Vread = "vread",
        Update = "update",
        Patch = "patch",
        Delete = "delete",
        Search = "search",
        HistoryInstance = "history-instance",
        HistoryType = "history-type",
        HistorySystem = "history-system",
        Batch = "batch",
        Transaction = "transaction",
        /// An operation such as `$everything`; the entry names it.
        Operation = "operation",
        Capabilities = "capabilities",
        Import = "import",
        Export = "export",
        Login = "login",
        LoginFailed = "login-failed",
        Logout = "logout",
        AccountChanged = "account-changed",
        TokenCreated = "token-created",
        TokenRevoked = "token-revoked",
        KeysRotated = "keys-rotated",
        KeyDestroyed = "key-destroyed",
        AuditRead = "audit-read",
        Reindexed = "reindexed",
        Scrubbed = "scrubbed",
        Started = "started",
        Stopped = "stopped",
        SettingChanged = "setting-changed",
    }
}

impl AuditAction {
    /// AuditEvent.action: create, read, update, delete, execute.
    ///
    /// - Source: FHIR R4, audit-event-action.
    pub const fn letter(self) -> char {
        use AuditAction as A;
        match self {
            A::Create | A::Import | A::TokenCreated => 'C',
            A::Read
            | A::Vread
            | A::HistoryInstance
            | A::HistoryType
            | A::HistorySystem
            | A::Capabilities
            | A::AuditRead
            | A::Export => 'R',
            A::Update | A::Patch | A::AccountChanged | A::KeysRotated | A::SettingChanged => 'U',
            A::Delete | A::TokenRevoked | A::KeyDestroyed => 'D',
            A::Search
            | A::Batch
            | A::Transaction
            | A::Operation
            | A::Login
            | A::LoginFailed
            | A::Logout
            | A::Reindexed
            | A::Scrubbed
            | A::Started
            | A::Stopped => 'E',
        }
    }
}

words! {
    /// How it ended.
    ///
    /// - Source: FHIR R4, audit-event-outcome (0, 4, 8, 12).
    AuditOutcome {
        Success = "0",
        /// The caller's fault: refused, not found, invalid.
        MinorFailure = "4",
        /// Ward's fault.
        SeriousFailure = "8",
        MajorFailure = "12",
    }
}
