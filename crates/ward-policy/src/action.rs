//! What somebody wants to do: a closed list.

use std::fmt;

/// What the policy is asked about.
///
/// The first six are done to a record and answered by [`crate::Policy::grant`]; the others are
/// done to the house as a whole and answered by [`crate::Policy::allows`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Action {
    /// Read one record by its id, in its current or an older version.
    Read,
    /// Find records; also every parameter that looks into another type.
    Search,
    /// List the versions of records.
    History,
    Create,
    Update,
    Delete,
    /// Read the audit log.
    AuditRead,
    /// Create, change and lock sign-in accounts.
    ManageAccounts,
    /// Hand out and revoke tokens.
    ManageTokens,
    /// Rotate and destroy keys.
    ManageKeys,
    /// Reindex, scrub, back up, change settings.
    ManageSystem,
    /// Start a bulk export. Each record still needs a grant to be in it.
    Export,
    /// Start a bulk import. Each record still needs a grant to be written.
    Import,
    /// Read the numbers of the running system.
    ReadMetrics,
    /// Bring messages of interfaces into the chart, and send them out.
    CarryMessages,
    /// Read kept messages of interfaces, whole.
    ReadMessages,
    /// Admit, move and discharge patients, and look after beds.
    ManageStays,
    /// See who lies where, and how far an admission is.
    ReadStays,
    /// See what waits for a person; what does not concern the role is left out.
    ReadTasks,
    /// Say what was found out, and what a payer decided.
    WorkTasks,
    /// See what patients get and what is due, and the stock.
    ReadMedication,
    /// Draft, sign, hold and stop orders of medication.
    OrderMedication,
    /// Verify orders, and send them back.
    VerifyMedication,
    /// Prepare and dispense.
    DispenseMedication,
    /// Give, hold and waste doses at the bedside.
    AdministerMedication,
    /// Receive, move, count, quarantine and recall what is on the shelves.
    ManageStock,
    /// Join two registrations of one patient, and part them again.
    JoinPatients,
}

impl Action {
    pub const ALL: &'static [Action] = &[
        Action::Read,
        Action::Search,
        Action::History,
        Action::Create,
        Action::Update,
        Action::Delete,
        Action::AuditRead,
        Action::ManageAccounts,
        Action::ManageTokens,
        Action::ManageKeys,
        Action::ManageSystem,
        Action::Export,
        Action::Import,
        Action::ReadMetrics,
        Action::CarryMessages,
        Action::ReadMessages,
        Action::ManageStays,
        Action::ReadStays,
        Action::ReadTasks,
        Action::WorkTasks,
        Action::JoinPatients,
        Action::ReadMedication,
        Action::OrderMedication,
        Action::VerifyMedication,
        Action::DispenseMedication,
        Action::AdministerMedication,
        Action::ManageStock,
    ];

    /// The word used in policies.
    pub const fn as_str(self) -> &'static str {
        match self {
            Action::Read => "read",
            Action::Search => "search",
            Action::History => "history",
            Action::Create => "create",
            Action::Update => "update",
            Action::Delete => "delete",
            Action::AuditRead => "audit-read",
            Action::ManageAccounts => "manage-accounts",
            Action::ManageTokens => "manage-tokens",
            Action::ManageKeys => "manage-keys",
            Action::ManageSystem => "manage-system",
            Action::Export => "export",
            Action::Import => "import",
            Action::ReadMetrics => "read-metrics",
            Action::CarryMessages => "carry-messages",
            Action::ReadMessages => "read-messages",
            Action::ManageStays => "manage-stays",
            Action::ReadStays => "read-stays",
            Action::ReadTasks => "read-tasks",
            Action::WorkTasks => "work-tasks",
            Action::JoinPatients => "join-patients",
            Action::ReadMedication => "read-medication",
            Action::OrderMedication => "order-medication",
            Action::VerifyMedication => "verify-medication",
            Action::DispenseMedication => "dispense-medication",
            Action::AdministerMedication => "administer-medication",
            Action::ManageStock => "manage-stock",
        }
    }

    pub fn from_word(word: &str) -> Option<Action> {
        Self::ALL.iter().copied().find(|it| it.as_str() == word)
    }

    /// Whether this is done to a record rather than to the house.
    pub const fn is_on_records(self) -> bool {
        matches!(
            self,
            Action::Read
                | Action::Search
                | Action::History
                | Action::Create
                | Action::Update
                | Action::Delete
        )
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
