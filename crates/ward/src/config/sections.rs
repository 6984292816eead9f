//! Every setting, with what it means and what it is when nobody says.
//!
//! A setting is a field here: reading, printing, checking names and docs/config.md come from it.

use std::{
    net::SocketAddr,
    num::{NonZeroU32, NonZeroU64, NonZeroUsize},
    path::PathBuf,
};

use ward_events::notify::MailTls;
use ward_interop::listen::ListenSettings;
use ward_pharmacy::settings::Take;
use ward_rules::likeness::Thresholds;
use ward_store::StoreLimits;
use ward_web::WebLimits;

use super::value::{LogFormat, LogLevel, Probability, TimeOfDay, Value};

/// One setting as it stands.
pub struct Setting {
    pub name: &'static str,
    pub kind: &'static str,
    pub is_quoted: bool,
    pub doc: &'static str,
    /// As a settings file writes it.
    pub value: Option<String>,
}

/// A table of a settings file.
pub trait Section {
    /// The table's name; empty for what stands before the first table.
    fn key(&self) -> &'static str;
    fn about(&self) -> &'static str;
    fn settings(&self) -> Vec<Setting>;
    /// Sets the field of that name. `None` when there is none.
    fn set(&mut self, name: &str, text: &str) -> Option<Result<(), String>>;
}

macro_rules! section {
    (
        $(#[doc = $about:literal])+
        $key:literal $section:ident {
            $($(#[doc = $doc:literal])+ $field:ident: $type:ty = $default:expr;)+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Debug)]
        pub struct $section {
            $($(#[doc = $doc])+ pub $field: $type,)+
        }

        impl Default for $section {
            fn default() -> $section {
                $section { $($field: $default,)+ }
            }
        }

        impl Section for $section {
            fn key(&self) -> &'static str {
                $key
            }

            fn about(&self) -> &'static str {
                concat!($($about),+)
            }

            fn settings(&self) -> Vec<Setting> {
                vec![$(Setting {
                    name: stringify!($field),
                    kind: <$type as Value>::KIND,
                    is_quoted: <$type as Value>::IS_QUOTED,
                    doc: concat!($($doc),+),
                    value: self.$field.show(),
                }),+]
            }

            fn set(&mut self, name: &str, text: &str) -> Option<Result<(), String>> {
                match name {
                    $(stringify!($field) => {
                        Some(<$type as Value>::read(text).map(|value| self.$field = value))
                    })+
                    _ => None,
                }
            }
        }
    };
}

section! {
    /// Where the chart and its keys are. These stand before the first table.
    "" PlaceSection {
        /// Folder of the chart.
        data: PathBuf = PathBuf::from("./ward-data");
        /// Root key file, never inside the data folder; `<data>.keys` beside it if absent.
        keys: Option<PathBuf> = None;
        /// File with the passphrase of the root key. A path, never the passphrase itself.
        passphrase_file: Option<PathBuf> = None;
    }
}

section! {
    /// How the chart is served.
    "http" HttpSection {
        /// Address to listen on. Loopback unless the operator says otherwise.
        address: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 8080));
        /// Address the outside knows, such as `https://ward.example.org`; links start with it.
        public_url: Option<String> = None;
        /// PEM file with the certificate chain.
        tls_cert: Option<PathBuf> = None;
        /// PEM file with the private key. A path, never the key itself.
        tls_key: Option<PathBuf> = None;
        /// PEM file with the authority that client certificates must come from.
        tls_client_ca: Option<PathBuf> = None;
        /// Serve without TLS on an address that others can reach, such as behind a proxy.
        allow_plaintext: bool = false;
        /// Socket file for the operator's own commands; `<data>/ward.sock` if absent.
        socket: Option<PathBuf> = None;
    }
}

section! {
    /// How much one server takes on.
    "limits" LimitsSection {
        /// Largest request body, in bytes.
        body_bytes: NonZeroUsize = at_least_one(WebLimits::default().body_bytes);
        /// Connections at once; more wait to be accepted.
        connections: NonZeroUsize = at_least_one(WebLimits::default().connections);
        /// Requests worked on at once; more are answered with 503 or 429.
        requests: NonZeroUsize = at_least_one(WebLimits::default().requests);
        /// Seconds a client may take to send its header.
        header_s: NonZeroU64 = NonZeroU64::MIN.saturating_add(WebLimits::default().header_s - 1);
        /// Seconds one request may take.
        request_s: NonZeroU64 = NonZeroU64::MIN.saturating_add(WebLimits::default().request_s - 1);
    }
}

section! {
    /// The log on standard error. It is for operators and never holds patient data.
    "log" LogSection {
        /// How lines are written.
        format: LogFormat = LogFormat::Text;
        /// Which lines are written by `ward serve`.
        level: LogLevel = LogLevel::info();
    }
}

section! {
    /// What a running server does to find damage before a user meets it.
    "care" CareSection {
        /// Seconds between two samples in which the index is compared with truth.
        sample_s: NonZeroU32 = NonZeroU32::MIN.saturating_add(300 - 1);
        /// Records compared in one sample.
        sample_records: NonZeroU32 = NonZeroU32::MIN.saturating_add(200 - 1);
        /// When every sealed row is opened and checked, once a day.
        scrub_at: TimeOfDay = TimeOfDay::At(jiff::civil::time(2, 30, 0, 0));
    }
}

section! {
    /// Signed checkpoints of the audit log, which prove later that nothing was taken back.
    "audit" AuditSection {
        /// File outside the data folder; `<data>.checkpoints` beside it if absent.
        anchor: Option<PathBuf> = None;
        /// Folder for a second copy, best on another machine or on write-once storage.
        checkpoint_dir: Option<PathBuf> = None;
        /// Seconds between two checkpoints, when there is anything new.
        checkpoint_s: NonZeroU32 = NonZeroU32::MIN.saturating_add(60 - 1);
        /// Audit entries between two checkpoints.
        checkpoint_entries: NonZeroU64 =
            NonZeroU64::MIN.saturating_add(StoreLimits::default().checkpoint_entries - 1);
    }
}

section! {
    /// `ward import`.
    "import" ImportSection {
        /// Transactions on their way at the same time.
        under_way: NonZeroU32 = NonZeroU32::MIN.saturating_add(4 - 1);
        /// Bytes that are read and not yet loaded, at most; a file of any size fits.
        ahead_bytes: NonZeroUsize = at_least_one(2 * ward_core::limits::BODY_BYTES_MAX);
    }
}

section! {
    /// HL7 v2 messages: the listener, what it takes, and how long messages are kept.
    "hl7" Hl7Section {
        /// Address to listen on for MLLP. When it is the default and in use, the server goes on
        /// without a listener and says so.
        mllp: SocketAddr = DEFAULT_MLLP;
        /// Whether to listen for MLLP at all.
        mllp_enabled: bool = true;
        /// PEM file with the certificate chain of the listener; read again when it changes.
        tls_cert: Option<PathBuf> = None;
        /// PEM file with the private key. A path, never the key itself.
        tls_key: Option<PathBuf> = None;
        /// PEM file with the authority that senders' certificates must come from.
        tls_client_ca: Option<PathBuf> = None;
        /// Listen without TLS on an address that others can reach.
        allow_plaintext: bool = false;
        /// Largest message, in bytes.
        block_bytes: NonZeroUsize = at_least_one(ListenSettings::default().block_bytes);
        /// Connections at once; more wait to be accepted.
        connections: NonZeroUsize = at_least_one(ListenSettings::default().connections);
        /// Seconds a message may take from its first byte to its last.
        block_s: NonZeroU64 = NonZeroU64::MIN.saturating_add(ListenSettings::default().block_s - 1);
        /// Seconds a connection may be silent between messages; for ever if absent.
        idle_s: Option<NonZeroU64> = None;
        /// Character set of every message, by its name in table 0211, whatever MSH-18 says.
        charset: Option<String> = None;
        /// Character set of messages whose MSH-18 is empty.
        undeclared_charset: String = "ASCII".to_owned();
        /// Whether messages are only kept, for others to fetch, and the chart does not change.
        keep_only: bool = false;
        /// Whether messages of a type that no map knows are kept and accepted instead of rejected.
        keep_unmapped: bool = false;
        /// Whether queries (QBP: who is this patient, what are his numbers) are answered.
        answer_queries: bool = false;
        /// Clock of times without an offset, by its name in the IANA database; UTC if absent.
        zone: Option<String> = None;
        /// Whether senders number their messages (MSH-13), and what is not the next is refused.
        sequence_numbers: bool = false;
        /// Whether another message under an MSH-10 that its sender has used is refused.
        refuse_reused: bool = false;
        /// File with what the site adds to the maps from v2 to FHIR.
        maps: Option<PathBuf> = None;
        /// Folder of channels, one TOML file each; none if absent.
        channels: Option<PathBuf> = None;
        /// Days for which messages are kept that nobody has to look at any more.
        keep_days: NonZeroU32 = NonZeroU32::MIN.saturating_add(90 - 1);
    }
}

/// Where MLLP is listened for when nobody says otherwise.
pub const DEFAULT_MLLP: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 2575);

section! {
    /// Medication: the clock of the wards, and how far from its time a dose may be given.
    "meds" MedsSection {
        /// Time zone of the wards, such as `Europe/Berlin`.
        zone: Option<String> = None;
        /// Minutes before its time from which on a dose may be given without a reason.
        early_min: NonZeroU32 = sixty();
        /// Minutes after its time until which it may.
        late_min: NonZeroU32 = sixty();
        /// Minutes after its time from which on it counts as missed.
        missed_min: NonZeroU32 = NonZeroU32::MIN.saturating_add(239);
        /// File with windows of single wards: `[w1]`, `early-min = 30` and so on.
        windows: Option<PathBuf> = None;
        /// File with the house's list of high-alert drugs, in the place of the one Ward comes with.
        high_alert: Option<PathBuf> = None;
        /// Which orders of other systems wait for the pharmacist here: `all` of inpatients, those
        /// that are `placed` with a number, as every order of HL7 v2 is, or `none`.
        orders_of_others: Take = Take::default();
    }
}

section! {
    /// The registry: from how sure on somebody registered is shown to who registers somebody alike.
    "registry" RegistrySection {
        /// Shown as possible; below it nobody is asked to look.
        possible: Probability = Probability::of(Thresholds::default().possible);
        /// Shown as probable.
        probable: Probability = Probability::of(Thresholds::default().probable);
        /// Shown as certain, when name, birth date and a phone, e-mail or address are the same.
        certain: Probability = Probability::of(Thresholds::default().certain);
    }
}

section! {
    /// Who pays: what the site knows of its plans, and how payers are asked.
    "billing" BillingSection {
        /// Plan table, a TOML file; without one people enter what payers decide.
        plans: Option<PathBuf> = None;
        /// File of payers, in TOML: who this hospital is to them, and how each is reached.
        payers: Option<PathBuf> = None;
        /// Whether Ward plays a payer, for demonstrations and tests; with illustrative plans if
        /// there is no table. Never where real patients are.
        simulated_payer: bool = false;
    }
}

section! {
    /// What is told to others of what happens: subscriptions, and notifications by rules.
    "events" EventsSection {
        /// Whether a subscription or webhook may go to `http:`.
        allow_plaintext: bool = false;
        /// Addresses or names of machines, with commas, that may be told although they are this
        /// machine, on its link, or a cloud's metadata.
        allow_addresses: Option<String> = None;
        /// PEM file with the authorities of receivers' certificates; the machine's own if absent.
        ca: Option<PathBuf> = None;
        /// Hours after which a receiver that never answers is given up.
        give_up_h: NonZeroU32 = NonZeroU32::MIN.saturating_add(72 - 1);
        /// File with the rules of notifications; none are sent if absent.
        rules: Option<PathBuf> = None;
    }
}

section! {
    /// The mail server that notifications are sent by.
    "mail" MailSection {
        /// Name of the mail server; no mail is sent if absent.
        host: Option<String> = None;
        /// Port; that of the kind of TLS if absent (465, 587, 25).
        port: Option<NonZeroU32> = None;
        /// When TLS begins: at once, by STARTTLS and not without it, or not at all.
        tls: MailTls = MailTls::StartTls;
        /// PEM file with the authority of the server's certificate; the machine's own if absent.
        ca: Option<PathBuf> = None;
        /// Name to sign in with at the mail server.
        user: Option<String> = None;
        /// File with the password. A path, never the password itself.
        password_file: Option<PathBuf> = None;
        /// Address that mail comes from.
        from: String = "ward@localhost".to_owned();
    }
}

section! {
    /// What orders of drugs are checked by.
    "knowledge" KnowledgeSection {
        /// Folder with the versions of the knowledge base; `<data>/knowledge` if absent.
        folder: Option<PathBuf> = None;
        /// Folder of services of others that are asked beside it, one TOML file each; none if
        /// absent. See docs/cds-hooks.md.
        services: Option<PathBuf> = None;
    }
}

/// All settings.
#[derive(Clone, Default, Debug)]
pub struct Config {
    pub place: PlaceSection,
    pub http: HttpSection,
    pub limits: LimitsSection,
    pub log: LogSection,
    pub care: CareSection,
    pub audit: AuditSection,
    pub import: ImportSection,
    pub hl7: Hl7Section,
    pub meds: MedsSection,
    pub registry: RegistrySection,
    pub billing: BillingSection,
    pub events: EventsSection,
    pub mail: MailSection,
    pub knowledge: KnowledgeSection,
}

impl Config {
    pub fn sections(&self) -> [&dyn Section; 14] {
        [
            &self.place,
            &self.http,
            &self.limits,
            &self.log,
            &self.care,
            &self.audit,
            &self.import,
            &self.hl7,
            &self.meds,
            &self.registry,
            &self.billing,
            &self.events,
            &self.mail,
            &self.knowledge,
        ]
    }

    pub fn sections_mut(&mut self) -> [&mut dyn Section; 14] {
        [
            &mut self.place,
            &mut self.http,
            &mut self.limits,
            &mut self.log,
            &mut self.care,
            &mut self.audit,
            &mut self.import,
            &mut self.hl7,
            &mut self.meds,
            &mut self.registry,
            &mut self.billing,
            &mut self.events,
            &mut self.mail,
            &mut self.knowledge,
        ]
    }
}

fn at_least_one(n: usize) -> NonZeroUsize {
    NonZeroUsize::new(n).unwrap_or(NonZeroUsize::MIN)
}

fn sixty() -> NonZeroU32 {
    NonZeroU32::MIN.saturating_add(59)
}
