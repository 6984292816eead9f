//! The one table of everything that can be asked over HTTP.
//!
//! Routing, OpenAPI, docs/api.md and the authorization test are all made from it.

use std::{fmt::Write as _, pin::Pin};

use ward_core::AuditAction;
use ward_policy::Action;

use crate::{
    app::App,
    handlers::{
        access, accounts, admit_operation, audit, cds, events, fhir, house, interface, interfaces,
        keys, meds, messages, payers, plans, registry, stays, subscriptions, tasks, vitals,
    },
    request::Asked,
    respond::Answer,
};

/// One row: what may be asked, by whom, and what the audit log says of it.
pub struct Endpoint {
    pub method: &'static str,
    /// Segments in braces match anything; `{type}` matches a resource type.
    pub path: &'static str,
    pub access: Access,
    pub audit: Option<AuditAction>,
    pub summary: &'static str,
    pub(crate) handler: Handler,
}

/// Who may ask.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// Anybody: it shows nothing of the chart.
    Public,
    /// Anybody signed in; the chart asks the policy for each record.
    SignedIn(Action),
    /// Those whom the policy allows this action of the house.
    House(Action),
}

pub(crate) type Handler =
    for<'a> fn(&'a App, &'a Asked) -> Pin<Box<dyn Future<Output = Answer> + Send + 'a>>;

macro_rules! rows {
    ($($method:literal $path:literal $access:expr, $audit:expr, $handler:path, $summary:literal;)+) => {
        &[$(Endpoint {
            method: $method,
            path: $path,
            access: $access,
            audit: $audit,
            summary: $summary,
            handler: |app, asked| Box::pin($handler(app, asked)),
        }),+]
    };
}

use Access::{House, Public, SignedIn};
use AuditAction as A;

/// Every endpoint. The first row that fits is taken.
#[rustfmt::skip]
pub static ALL: &[Endpoint] = rows! {
    "GET" "/" Public, None, interface::index, "The interface";
    "GET" "/assets/{file}" Public, None, interface::file, "A file of the interface";
    "GET" "/healthz" Public, None, house::healthz, "The process lives";
    "GET" "/readyz" Public, None, house::readyz, "The chart takes requests";
    "GET" "/metrics" House(Action::ReadMetrics), None, house::metrics, "Figures for Prometheus; never patient data";
    "GET" "/openapi.json" Public, None, house::openapi, "This table as OpenAPI";
    "GET" "/fhir/metadata" Public, None, fhir::metadata, "CapabilityStatement";
    "POST" "/api/setup" Public, Some(A::AccountChanged), access::set_up, "First account, with the one-time token";
    "POST" "/api/sign-in" Public, Some(A::Login), access::sign_in, "Start a session";
    "POST" "/api/sign-out" Public, Some(A::Logout), access::sign_out, "End the session";
    "GET" "/api/me" SignedIn(Action::Read), None, access::me, "Who is signed in";
    "POST" "/api/me/password" SignedIn(Action::Read), Some(A::AccountChanged), access::change_password, "Change the own password; the person's other sessions end";
    "GET" "/api/accounts" House(Action::ManageAccounts), Some(A::Read), accounts::list, "Every account, without its password";
    "POST" "/api/accounts" House(Action::ManageAccounts), Some(A::AccountChanged), accounts::create, "Make an account";
    "GET" "/api/accounts/{id}" House(Action::ManageAccounts), Some(A::Read), accounts::read, "One account";
    "PUT" "/api/accounts/{id}/role" House(Action::ManageAccounts), Some(A::AccountChanged), accounts::set_role, "Give an account another role; its sessions end";
    "PUT" "/api/accounts/{id}/active" House(Action::ManageAccounts), Some(A::AccountChanged), accounts::set_active, "Close an account, which ends its sessions, or open it again";
    "POST" "/api/accounts/{id}/reset-password" House(Action::ManageAccounts), Some(A::AccountChanged), accounts::reset_password, "Make a temporary password; the account's sessions end";
    "GET" "/api/accounts/{id}/sessions" House(Action::ManageAccounts), Some(A::Read), accounts::sessions, "The sessions of an account";
    "DELETE" "/api/accounts/{id}/sessions" House(Action::ManageAccounts), Some(A::Logout), accounts::end_sessions, "End all sessions of an account";
    "DELETE" "/api/accounts/{id}/sessions/{session}" House(Action::ManageAccounts), Some(A::Logout), accounts::end_session, "End one session of an account";
    "GET" "/api/tokens" House(Action::ManageTokens), Some(A::Read), accounts::tokens, "Every bearer token, without its text";
    "POST" "/api/tokens" House(Action::ManageTokens), Some(A::TokenCreated), accounts::create_token, "Make a bearer token";
    "DELETE" "/api/tokens/{id}" House(Action::ManageTokens), Some(A::TokenRevoked), accounts::revoke_token, "End a bearer token";
    "GET" "/api/audit" House(Action::AuditRead), Some(A::AuditRead), audit::list, "The audit log, newest first; AuditEvent says more of each entry";
    "GET" "/api/interfaces" House(Action::ReadMessages), None, interfaces::list, "Listeners, channels and destinations: what is open, what waits, how many messages are in each state; never patient data";
    "GET" "/api/messages" House(Action::ReadMessages), Some(A::Search), messages::list, "Messages of interfaces, newest first, without their bytes";
    "GET" "/api/messages/{id}" House(Action::ReadMessages), Some(A::Read), messages::read, "One message with its bytes and its answer, and both as a tree of segments, fields and components; `parts=all` shows empty ones too";
    "GET" "/api/messages/{id}/preview" House(Action::ReadMessages), Some(A::Import), messages::preview, "What a message would change if it were worked on now, or where it would be sent";
    "POST" "/api/messages/{id}/replay" House(Action::CarryMessages), Some(A::Import), messages::replay, "Work on a message again, or send one that went out again";
    "POST" "/api/messages/{id}/dismiss" House(Action::CarryMessages), Some(A::Operation), messages::dismiss, "Nothing is to be done about a message that was given up or set aside; `found` says why";
    "POST" "/api/patients" House(Action::ManageStays), Some(A::Create), registry::register, "Register a patient; 409 with those who may be the same and were not seen";
    "POST" "/api/patients/{id}/join" House(Action::JoinPatients), Some(A::Operation), registry::join, "Make everything of this registration part of another one";
    "POST" "/api/patients/{id}/part" House(Action::JoinPatients), Some(A::Operation), registry::part, "Take a joining back; what was written since stays where it is";
    "POST" "/api/admissions" House(Action::ManageStays), Some(A::Operation), stays::admit, "Admit a patient; 201 when it waits for somebody or is done, 409 when it was taken back";
    "GET" "/api/admissions" House(Action::ReadStays), Some(A::Search), stays::list, "Admissions, newest first; `state` is `all`, `open` or `over`";
    "GET" "/api/admissions/waiting" House(Action::ReadStays), Some(A::Search), stays::waiting, "Admissions that wait for a bed, oldest first";
    "GET" "/api/admissions/{id}" House(Action::ReadStays), Some(A::Read), stays::read, "How far an admission is";
    "POST" "/api/admissions/{id}/cancel" House(Action::ManageStays), Some(A::Operation), stays::cancel, "Take an admission back, with everything that it did";
    "POST" "/api/admissions/{id}/authorization" House(Action::WorkTasks), Some(A::Operation), stays::authorize, "Enter what the payer decided";
    "POST" "/api/encounters/{id}/transfer" House(Action::ManageStays), Some(A::Operation), stays::transfer, "Move a patient to another bed";
    "POST" "/api/encounters/{id}/leave" House(Action::ManageStays), Some(A::Operation), stays::leave, "The patient goes on leave; the bed is kept";
    "POST" "/api/encounters/{id}/return" House(Action::ManageStays), Some(A::Operation), stays::come_back, "The patient is back from leave";
    "POST" "/api/encounters/{id}/discharge" House(Action::ManageStays), Some(A::Operation), stays::discharge, "End a stay; the bed has to be cleaned";
    "POST" "/api/encounters/{id}/cancel-discharge" House(Action::ManageStays), Some(A::Operation), stays::cancel_discharge, "The discharge was entered in error: back to the bed, or another";
    "POST" "/api/encounters/{id}/claim" SignedIn(Action::Create), Some(A::Operation), payers::bill, "Bill what is billable of a stay that is over; 409 when nothing is";
    "GET" "/api/beds" House(Action::ReadStays), Some(A::Search), stays::board, "Every bed, and who lies in it";
    "PUT" "/api/beds/{id}" House(Action::ManageSystem), Some(A::Operation), stays::set_bed, "Make a bed, under the id of its Location, or say what it offers";
    "POST" "/api/beds/{id}/clean" House(Action::ManageStays), Some(A::Operation), stays::clean_bed, "The bed was cleaned";
    "POST" "/api/beds/{id}/close" House(Action::ManageStays), Some(A::Operation), stays::close_bed, "Take a bed out of use";
    "POST" "/api/beds/{id}/reopen" House(Action::ManageStays), Some(A::Operation), stays::reopen_bed, "Take a bed into use again";
    "POST" "/api/beds/{id}/hold" House(Action::ManageStays), Some(A::Operation), stays::hold_bed, "Keep a bed for a patient who is expected, for a time";
    "POST" "/api/beds/{id}/unhold" House(Action::ManageStays), Some(A::Operation), stays::unhold_bed, "Keep it no longer";
    "POST" "/api/patients/{id}/vital-signs" SignedIn(Action::Create), Some(A::Transaction), vitals::enter, "Enter vital signs; 422 with what cannot be, and what is unlikely until it is confirmed";
    "GET" "/api/tasks" House(Action::ReadTasks), Some(A::Search), tasks::list, "What waits for a person, oldest first; for `billing`, what payers leave to one";
    "POST" "/api/tasks/{id}/done" House(Action::WorkTasks), Some(A::Operation), tasks::close, "Somebody has looked, and this is what they found";
    "POST" "/api/meds/check" House(Action::OrderMedication), Some(A::Read), meds::check, "What would speak against orders, without keeping anything";
    "GET" "/api/meds/reasons" House(Action::ReadMedication), None, meds::reasons, "The coded reasons for going on in spite of a finding";
    "POST" "/api/meds/orders" House(Action::OrderMedication), Some(A::Operation), meds::order, "Draft an order, or sign it at once; 409 with what has to be answered for";
    "GET" "/api/meds/orders/{id}" House(Action::ReadMedication), Some(A::Read), meds::read, "One order, with its supply and its doses";
    "PUT" "/api/meds/orders/{id}" House(Action::OrderMedication), Some(A::Operation), meds::revise, "Write a draft anew";
    "POST" "/api/meds/orders/{id}/sign" House(Action::OrderMedication), Some(A::Operation), meds::sign, "Sign an order that was checked";
    "POST" "/api/meds/orders/{id}/hold" House(Action::OrderMedication), Some(A::Operation), meds::hold, "Put an order on hold";
    "POST" "/api/meds/orders/{id}/resume" House(Action::OrderMedication), Some(A::Operation), meds::resume, "Take an order up again; it is checked and verified anew";
    "POST" "/api/meds/orders/{id}/stop" House(Action::OrderMedication), Some(A::Operation), meds::stop, "Stop an order";
    "POST" "/api/meds/orders/{id}/cancel" House(Action::OrderMedication), Some(A::Operation), meds::cancel, "Throw a draft away";
    "POST" "/api/meds/orders/{id}/verify" House(Action::VerifyMedication), Some(A::Operation), meds::verify, "Verify an order, and say what is given for it";
    "POST" "/api/meds/orders/{id}/reject" House(Action::VerifyMedication), Some(A::Operation), meds::reject, "Send an order back to who signed it";
    "POST" "/api/meds/orders/{id}/prepare" House(Action::VerifyMedication), Some(A::Operation), meds::prepare, "Make a batch for an order";
    "POST" "/api/meds/orders/{id}/dispense" House(Action::DispenseMedication), Some(A::Operation), meds::dispense, "Hand out, from the lot that expires first";
    "POST" "/api/meds/orders/{id}/look" House(Action::AdministerMedication), Some(A::Read), meds::look, "What a scan finds, without giving anything";
    "POST" "/api/meds/orders/{id}/give" House(Action::AdministerMedication), Some(A::Operation), meds::give, "Give a dose, or begin an infusion; 409 with what stands in the way";
    "POST" "/api/meds/orders/{id}/withhold" House(Action::AdministerMedication), Some(A::Operation), meds::withhold, "A dose is held, refused or missed";
    "POST" "/api/meds/orders/{id}/waste" House(Action::AdministerMedication), Some(A::Operation), meds::waste, "Throw away what is on the ward; controlled substances before a witness";
    "POST" "/api/meds/orders/{id}/return" House(Action::DispenseMedication), Some(A::Operation), meds::take_back, "Give back what is on the ward";
    "POST" "/api/meds/orders/{id}/doses/{dose}/correct" House(Action::AdministerMedication), Some(A::Operation), meds::correct, "What was recorded of a dose was wrong; the record stays and says so";
    "POST" "/api/meds/orders/{id}/doses/{dose}/infusion" House(Action::AdministerMedication), Some(A::Operation), meds::infuse, "Another rate, a pause, or the end of an infusion";
    "POST" "/api/meds/orders/{id}/doses/{dose}/follow-up" House(Action::AdministerMedication), Some(A::Operation), meds::follow_up, "Whether a dose that was needed has helped";
    "GET" "/api/meds/patients/{id}/sheet" House(Action::ReadMedication), Some(A::Read), meds::sheet, "What a patient gets, what is due and what was given";
    "GET" "/api/meds/patients/{id}/reconciliation" House(Action::ReadMedication), Some(A::Read), meds::to_reconcile, "What has to be decided at admission, transfer or discharge";
    "POST" "/api/meds/reconciliations" House(Action::OrderMedication), Some(A::Operation), meds::reconcile, "Decide on every drug of a list";
    "GET" "/api/meds/waiting/{what}" House(Action::ReadMedication), Some(A::Search), meds::waiting, "Orders that wait: verify, prepare, dispense or administer";
    "POST" "/api/meds/scan" House(Action::ReadMedication), Some(A::Search), meds::scan, "What a barcode says, and which product it is of";
    "GET" "/api/meds/products" House(Action::ReadMedication), Some(A::Search), meds::products, "Every product, with its lots";
    "PUT" "/api/meds/products/{id}" House(Action::ManageStock), Some(A::Operation), meds::set_product, "Make a product, or say anew what it is";
    "POST" "/api/meds/products/{id}/move" House(Action::ManageStock), Some(A::Operation), meds::move_stock, "Receive, transfer, discard, count, quarantine or recall";
    "GET" "/api/meds/products/{id}/ledger" House(Action::ManageStock), Some(A::HistoryInstance), meds::ledger, "Every movement of a product, newest first";
    "GET" "/api/meds/products/{id}/lots/{lot}/recall" House(Action::ManageStock), Some(A::Search), meds::recall, "Where a lot is, and whom it reached";
    "GET" "/api/events" SignedIn(Action::Read), Some(A::Search), events::stream, "What happens, as server-sent events; each of what the reader may see then";
    "GET" "/api/events/{id}" SignedIn(Action::Read), Some(A::Read), events::about, "What a notification was about";
    "GET" "/api/subscriptions/websocket" Public, None, subscriptions::socket, "A websocket for notifications; shows nothing before `bind-with-token`";
    "GET" "/api/meds/knowledge" SignedIn(Action::Read), None, cds::knowledge, "Which knowledge base medication checks go by";
    "GET" "/api/meds/overrides" SignedIn(Action::Search), Some(A::Search), cds::overrides, "How often each rule fired and was overridden, and why; since a day";
    "GET" "/cds-services" Public, None, cds::services, "CDS Hooks: the services there are";
    "POST" "/cds-services/{id}" SignedIn(Action::Search), Some(A::Operation), cds::call, "CDS Hooks: cards for orders, a patient or a stay";
    "POST" "/cds-services/{id}/feedback" SignedIn(Action::Create), Some(A::Create), cds::feedback, "CDS Hooks: what became of cards";
    "POST" "/api/keys/rotate" House(Action::ManageKeys), Some(A::KeysRotated), keys::rotate, "Make a new tenant key";
    "DELETE" "/api/keys/{id}" House(Action::ManageKeys), Some(A::KeyDestroyed), keys::shred, "Destroy a patient's key and with it the patient's data";
    "PUT" "/api/imports/{id}" House(Action::Import), Some(A::Transaction), house::import_load, "Load a transaction once; 208 when it was loaded before";
    "POST" "/fhir" SignedIn(Action::Create), Some(A::Transaction), fhir::bundle, "Batch or transaction";
    "GET" "/fhir" SignedIn(Action::Search), Some(A::Search), fhir::search_system, "Search all types";
    "GET" "/fhir/_history" SignedIn(Action::History), Some(A::HistorySystem), fhir::history_system, "History of everything";
    "POST" "/fhir/_search" SignedIn(Action::Search), Some(A::Search), fhir::search_system_post, "Search all types by form";
    "POST" "/fhir/{type}/_search" SignedIn(Action::Search), Some(A::Search), fhir::search_type_post, "Search a type by form";
    "GET" "/fhir/SubscriptionTopic" SignedIn(Action::Search), None, subscriptions::topics, "The topics that can be subscribed to";
    "GET" "/fhir/{type}" SignedIn(Action::Search), Some(A::Search), fhir::search_type, "Search a type";
    "POST" "/fhir/{type}" SignedIn(Action::Create), Some(A::Create), fhir::create, "Create";
    "PUT" "/fhir/{type}" SignedIn(Action::Update), Some(A::Update), fhir::conditional_update, "Update the one match";
    "DELETE" "/fhir/{type}" SignedIn(Action::Delete), Some(A::Delete), fhir::conditional_delete, "Delete the one match";
    "GET" "/fhir/{type}/_history" SignedIn(Action::History), Some(A::HistoryType), fhir::history_type, "History of a type";
    "POST" "/fhir/{type}/$validate" SignedIn(Action::Create), None, fhir::validate, "Say what is wrong with a resource";
    "POST" "/fhir/Claim/$submit" House(Action::CarryMessages), Some(A::Operation), payers::submit, "Submit a Claim for authorization (Da Vinci PAS); the simulated payer answers";
    "POST" "/fhir/Claim/$inquire" House(Action::CarryMessages), Some(A::Operation), payers::inquire, "What became of a Claim (Da Vinci PAS)";
    "POST" "/fhir/MedicationRequest/$check" SignedIn(Action::Search), Some(A::Operation), cds::check, "What speaks against orders, as DetectedIssues";
    "POST" "/fhir/MedicationRequest/{id}/$check" SignedIn(Action::Search), Some(A::Operation), cds::check_one, "What speaks against an order of the chart";
    "POST" "/fhir/Patient/$match" SignedIn(Action::Search), Some(A::Search), registry::find_matches, "Who may be this patient";
    "POST" "/fhir/Encounter/$admit" House(Action::ManageStays), Some(A::Operation), admit_operation::admit, "Admit a patient, asked for and answered as Parameters";
    "POST" "/fhir/PlanDefinition/$apply" SignedIn(Action::Read), Some(A::Read), plans::apply, "What the plan in the body comes to for a patient; nothing is written";
    "GET" "/fhir/PlanDefinition/{id}/$apply" SignedIn(Action::Read), Some(A::Read), plans::apply, "What a plan comes to for a patient; nothing is written";
    "POST" "/fhir/PlanDefinition/{id}/$apply" SignedIn(Action::Read), Some(A::Read), plans::apply, "The same, with Parameters";
    "GET" "/fhir/Patient/{id}/$everything" SignedIn(Action::Search), Some(A::Search), fhir::everything, "A patient's whole chart";
    "GET" "/fhir/Subscription/$status" SignedIn(Action::Read), Some(A::Operation), subscriptions::status, "How subscriptions stand, by `id`";
    "POST" "/fhir/Subscription/$status" SignedIn(Action::Read), Some(A::Operation), subscriptions::status, "How subscriptions stand, by Parameters";
    "GET" "/fhir/Subscription/{id}/$status" SignedIn(Action::Read), Some(A::Operation), subscriptions::status, "How a subscription stands";
    "POST" "/fhir/Subscription/{id}/$status" SignedIn(Action::Read), Some(A::Operation), subscriptions::status, "How a subscription stands";
    "GET" "/fhir/Subscription/{id}/$events" SignedIn(Action::Read), Some(A::Operation), subscriptions::events, "What was told before, by numbers";
    "POST" "/fhir/Subscription/{id}/$events" SignedIn(Action::Read), Some(A::Operation), subscriptions::events, "What was told before, by Parameters";
    "GET" "/fhir/Subscription/$get-ws-binding-token" SignedIn(Action::Read), Some(A::Operation), subscriptions::binding_token, "A token that binds a websocket, by `id`";
    "POST" "/fhir/Subscription/$get-ws-binding-token" SignedIn(Action::Read), Some(A::Operation), subscriptions::binding_token, "A token that binds a websocket, by Parameters";
    "GET" "/fhir/Subscription/{id}/$get-ws-binding-token" SignedIn(Action::Read), Some(A::Operation), subscriptions::binding_token, "A token that binds a websocket";
    "POST" "/fhir/Subscription/{id}/$get-ws-binding-token" SignedIn(Action::Read), Some(A::Operation), subscriptions::binding_token, "A token that binds a websocket";
    "GET" "/fhir/{type}/{id}" SignedIn(Action::Read), Some(A::Read), fhir::read, "Read";
    "PUT" "/fhir/{type}/{id}" SignedIn(Action::Update), Some(A::Update), fhir::update, "Update, or create under this id";
    "PATCH" "/fhir/{type}/{id}" SignedIn(Action::Update), Some(A::Patch), fhir::patch, "Change parts, by JSON Patch or FHIRPath Patch";
    "DELETE" "/fhir/{type}/{id}" SignedIn(Action::Delete), Some(A::Delete), fhir::delete, "Delete";
    "GET" "/fhir/{type}/{id}/_history" SignedIn(Action::History), Some(A::HistoryInstance), fhir::history_instance, "History of a resource";
    "GET" "/fhir/{type}/{id}/_history/{version}" SignedIn(Action::Read), Some(A::Vread), fhir::vread, "Read a version";
    "POST" "/fhir/{compartment}/{id}/{type}/_search" SignedIn(Action::Search), Some(A::Search), fhir::search_compartment_post, "Search a compartment by form";
    "GET" "/fhir/{compartment}/{id}/{type}" SignedIn(Action::Search), Some(A::Search), fhir::search_compartment, "Search a compartment";
};

/// The row for a request, with the values of its braces.
pub(crate) fn find(method: &str, path: &str) -> Found {
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    let mut others = Vec::new();
    for row in ALL {
        if let Some(values) = fit(row.path, &segments) {
            // HEAD is GET without a body.
            if row.method == method || (method == "HEAD" && row.method == "GET") {
                return Found::Row(row, values);
            }
            if !others.contains(&row.method) {
                others.push(row.method);
            }
        }
    }
    if others.is_empty() { Found::Nothing } else { Found::OtherMethod(others) }
}

pub(crate) enum Found {
    Row(&'static Endpoint, Vec<(&'static str, String)>),
    /// The address exists, for these methods.
    OtherMethod(Vec<&'static str>),
    Nothing,
}

fn fit(pattern: &'static str, segments: &[&str]) -> Option<Vec<(&'static str, String)>> {
    let mut values = Vec::new();
    let mut rest = segments.iter();
    for part in pattern.trim_start_matches('/').split('/') {
        let segment = rest.next()?;
        match part.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            None if part == *segment => {}
            None => return None,
            Some(name) => {
                let is_type = segment.chars().next().is_some_and(char::is_uppercase);
                if matches!(name, "type" | "compartment") && !is_type && *segment != "*" {
                    return None;
                }
                values.push((name, (*segment).to_owned()));
            }
        }
    }
    rest.next().is_none().then_some(values)
}

/// The table as a page of docs/.
pub fn api_page() -> String {
    let mut page = String::from(
        "# HTTP API\n\nGenerated from the endpoint table by `ward docs api`; a test compares.\n\n\
         | method | path | who | audit | what |\n|---|---|---|---|---|\n",
    );
    for row in ALL {
        let who = match row.access {
            Access::Public => "anybody".to_owned(),
            Access::SignedIn(action) => {
                format!("signed in; policy `{}` per record", action.as_str())
            }
            Access::House(action) => format!("policy `{}`", action.as_str()),
        };
        let audit = row.audit.map_or("-", AuditAction::as_str);
        // Writing to a String cannot fail.
        let _ok = writeln!(
            page,
            "| {} | `{}` | {who} | {audit} | {} |",
            row.method, row.path, row.summary
        );
    }
    page
}
