//! The closed loop: orders, the pharmacy's lists, the bedside, the stock.

use hyper::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use ward_core::{FhirId, Kind};
use ward_fhir::outcome::{Issue, IssueCode};
use ward_pharmacy::{
    bedside::{Giving, InfusionAct, NotGiven, kind_of},
    emar::Waits,
    order::{MedsError, OrderKept, OrderRequest, Override, Pharmacy, Second, Verification},
    reconcile::Reconciling,
    stock::{About, ProductKept, StockAct},
    supply::{Dispensing, Leftover, Preparation},
};
use ward_records::RecordsError;
use ward_rules::{
    medication::issue::OverrideReason,
    medication_order::{barcode, order::Event, reconcile::Occasion},
};
use zeroize::Zeroizing;

use super::{
    access::{body_of, invalid},
    stays::{KEY_MAX, new_id},
};
use crate::{
    app::App,
    auth::Witness,
    request::Asked,
    respond,
    respond::{Answer, auth_error},
};

/// Most orders checked at once.
/// LIMIT: an order set.
const CHECKED_MAX: usize = 50;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewOrder {
    order: OrderRequest,
    /// Drafted only, when it is not to be signed.
    #[serde(default)]
    sign: bool,
    #[serde(default)]
    overrides: Vec<Override>,
    second: Option<SecondSaid>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Signing {
    overrides: Vec<Override>,
    second: Option<SecondSaid>,
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Checking {
    orders: Vec<OrderRequest>,
}

/// The second person: by name and password at the same screen, or by a token of their own.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SecondSaid {
    name: Option<String>,
    password: Option<String>,
    token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NotGivenSaid {
    due: Timestamp,
    what: NotGiven,
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reason {
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Effect {
    effect: String,
}

/// Says what would speak against orders, as somebody types them.
pub(crate) async fn check(app: &App, asked: &Asked) -> Answer {
    let Checking { orders } = body_of(asked)?;
    if CHECKED_MAX < orders.len() {
        return Err(invalid("more than 50 orders at once"));
    }
    let checked = pharmacy(app)?.preview(&asked.cx, &orders).await.map_err(meds_error)?;
    let answers: Vec<Value> = checked
        .into_iter()
        .map(|it| json!({ "found": it.found, "knowledgeBase": it.knowledge_base }))
        .collect();
    Ok(respond::value(StatusCode::OK, &json!({ "checked": answers })))
}

pub(crate) async fn order(app: &App, asked: &Asked) -> Answer {
    let pharmacy = pharmacy(app)?;
    let NewOrder { order, sign, overrides, second } = body_of(asked)?;
    let second = second_of(app, asked, second).await?;
    let id = new_id(app, asked, app.records.chart(), "medication-order")?;
    let signs = sign.then_some(overrides.as_slice());
    let kept = pharmacy.order(&asked.cx, &id, &order, signs, second).await;
    shown(pharmacy, asked, &id, kept, StatusCode::CREATED)
}

pub(crate) async fn read(app: &App, asked: &Asked) -> Answer {
    let (pharmacy, id) = (pharmacy(app)?, id(asked)?);
    let kept = pharmacy.read(&asked.cx, &id).await.map(|(kept, _)| kept);
    shown(pharmacy, asked, &id, kept, StatusCode::OK)
}

pub(crate) async fn revise(app: &App, asked: &Asked) -> Answer {
    let (pharmacy, id) = (pharmacy(app)?, id(asked)?);
    let request: OrderRequest = body_of(asked)?;
    let kept = pharmacy.revise(&asked.cx, &id, &request).await;
    shown(pharmacy, asked, &id, kept, StatusCode::OK)
}

pub(crate) async fn sign(app: &App, asked: &Asked) -> Answer {
    let (pharmacy, id) = (&acting(app, asked)?, id(asked)?);
    let Signing { overrides, second, .. } = or_default(asked)?;
    let second = second_of(app, asked, second).await?;
    let kept = pharmacy.sign(&asked.cx, &id, &overrides, second).await;
    shown(pharmacy, asked, &id, kept, StatusCode::OK)
}

pub(crate) async fn verify(app: &App, asked: &Asked) -> Answer {
    let (pharmacy, id) = (&acting(app, asked)?, id(asked)?);
    let (said, second) = with_second::<Verification>(app, asked).await?;
    let kept = pharmacy.verify(&asked.cx, &id, &said, second).await;
    shown(pharmacy, asked, &id, kept, StatusCode::OK)
}

pub(crate) async fn reject(app: &App, asked: &Asked) -> Answer {
    change(app, asked, Event::Reject).await
}

pub(crate) async fn hold(app: &App, asked: &Asked) -> Answer {
    change(app, asked, Event::Hold).await
}

pub(crate) async fn resume(app: &App, asked: &Asked) -> Answer {
    change(app, asked, Event::Resume).await
}

pub(crate) async fn stop(app: &App, asked: &Asked) -> Answer {
    change(app, asked, Event::Stop).await
}

pub(crate) async fn cancel(app: &App, asked: &Asked) -> Answer {
    change(app, asked, Event::Cancel).await
}

async fn change(app: &App, asked: &Asked, event: Event) -> Answer {
    let (pharmacy, id) = (&acting(app, asked)?, id(asked)?);
    let Signing { overrides, second, reason } = or_default(asked)?;
    let second = second_of(app, asked, second).await?;
    let kept = pharmacy.change(&asked.cx, &id, (event, &reason), &overrides, second).await;
    shown(pharmacy, asked, &id, kept, StatusCode::OK)
}

pub(crate) async fn prepare(app: &App, asked: &Asked) -> Answer {
    let (pharmacy, id) = (&acting(app, asked)?, id(asked)?);
    let (said, second) = with_second::<Preparation>(app, asked).await?;
    let kept = pharmacy.prepare(&asked.cx, &id, &said, second).await;
    shown(pharmacy, asked, &id, kept, StatusCode::OK)
}

pub(crate) async fn dispense(app: &App, asked: &Asked) -> Answer {
    let (pharmacy, id) = (&acting(app, asked)?, id(asked)?);
    let (said, second) = with_second::<Dispensing>(app, asked).await?;
    let kept = pharmacy.dispense(&asked.cx, &id, &said, second).await;
    shown(pharmacy, asked, &id, kept, StatusCode::OK)
}

/// What a scan would find, without giving anything.
pub(crate) async fn look(app: &App, asked: &Asked) -> Answer {
    let (pharmacy, id) = (pharmacy(app)?, id(asked)?);
    let (said, second) = with_second::<Giving>(app, asked).await?;
    let looked = pharmacy.look(&asked.cx, &id, &said, second).await.map_err(meds_error)?;
    Ok(respond::value(StatusCode::OK, &json!(looked)))
}

pub(crate) async fn give(app: &App, asked: &Asked) -> Answer {
    let (pharmacy, id) = (&acting(app, asked)?, id(asked)?);
    let (said, second) = with_second::<Giving>(app, asked).await?;
    let kept = pharmacy.give(&asked.cx, &id, &said, second).await;
    shown(pharmacy, asked, &id, kept, StatusCode::OK)
}

pub(crate) async fn withhold(app: &App, asked: &Asked) -> Answer {
    let (pharmacy, id) = (&acting(app, asked)?, id(asked)?);
    let NotGivenSaid { due, what, reason } = body_of(asked)?;
    let kept = pharmacy.withhold(&asked.cx, &id, (due, what, &reason)).await;
    shown(pharmacy, asked, &id, kept, StatusCode::OK)
}

pub(crate) async fn correct(app: &App, asked: &Asked) -> Answer {
    let (pharmacy, id) = (&acting(app, asked)?, id(asked)?);
    let Reason { reason } = body_of(asked)?;
    let kept = pharmacy.correct(&asked.cx, &id, asked.value("dose")?, &reason).await;
    shown(pharmacy, asked, &id, kept, StatusCode::OK)
}

pub(crate) async fn infuse(app: &App, asked: &Asked) -> Answer {
    let (pharmacy, id) = (&acting(app, asked)?, id(asked)?);
    let (said, second) = with_second::<InfusionAct>(app, asked).await?;
    let kept = pharmacy.infuse(&asked.cx, &id, asked.value("dose")?, &said, second).await;
    shown(pharmacy, asked, &id, kept, StatusCode::OK)
}

pub(crate) async fn follow_up(app: &App, asked: &Asked) -> Answer {
    let (pharmacy, id) = (&acting(app, asked)?, id(asked)?);
    let Effect { effect } = body_of(asked)?;
    let kept = pharmacy.follow_up(&asked.cx, &id, asked.value("dose")?, &effect).await;
    shown(pharmacy, asked, &id, kept, StatusCode::OK)
}

pub(crate) async fn waste(app: &App, asked: &Asked) -> Answer {
    let (pharmacy, id) = (&acting(app, asked)?, id(asked)?);
    let (said, second) = with_second::<Leftover>(app, asked).await?;
    let kept = pharmacy.waste(&asked.cx, &id, &said, second).await;
    shown(pharmacy, asked, &id, kept, StatusCode::OK)
}

pub(crate) async fn take_back(app: &App, asked: &Asked) -> Answer {
    let (pharmacy, id) = (&acting(app, asked)?, id(asked)?);
    let (said, second) = with_second::<Leftover>(app, asked).await?;
    let kept = pharmacy.take_back(&asked.cx, &id, &said, second).await;
    shown(pharmacy, asked, &id, kept, StatusCode::OK)
}

/// The sheet of a patient: `?from=...&to=...`, else the twelve hours before and after now.
pub(crate) async fn sheet(app: &App, asked: &Asked) -> Answer {
    let now = asked.cx.now;
    let time = |name: &str, other: SignedDuration| match query(asked, name) {
        Some(text) => text.parse::<Timestamp>().map_err(|_| invalid("`from` and `to` are times")),
        None => now.checked_add(other).map_err(|_| invalid("out of the calendar")),
    };
    let from = time("from", SignedDuration::from_hours(-12))?;
    let to = time("to", SignedDuration::from_hours(12))?;
    let patient = id(asked)?;
    let orders = pharmacy(app)?.sheet(&asked.cx, &patient, (from, to)).await;
    let orders = orders.map_err(meds_error)?;
    let body = json!({ "from": from.to_string(), "to": to.to_string(), "orders": orders });
    Ok(respond::value(StatusCode::OK, &body))
}

/// Orders that wait: `verify`, `prepare`, `dispense` or `administer`.
pub(crate) async fn waiting(app: &App, asked: &Asked) -> Answer {
    let what = match asked.value("what")? {
        "verify" => Waits::Verify,
        "prepare" => Waits::Prepare,
        "dispense" => Waits::Dispense,
        "administer" => Waits::Administer,
        _ => return Err(RecordsError::new(Kind::NotFound, "there is no such list")),
    };
    let orders = pharmacy(app)?.waiting(&asked.cx, what).await.map_err(meds_error)?;
    Ok(respond::value(StatusCode::OK, &json!({ "orders": orders })))
}

pub(crate) async fn products(app: &App, asked: &Asked) -> Answer {
    let pharmacy = pharmacy(app)?;
    let all = pharmacy.products(&asked.cx).await.map_err(meds_error)?;
    let all: Vec<Value> = all.iter().map(|(id, kept)| product(id.as_str(), kept, asked)).collect();
    Ok(respond::value(StatusCode::OK, &json!({ "products": all })))
}

pub(crate) async fn set_product(app: &App, asked: &Asked) -> Answer {
    let about: About = body_of(asked)?;
    let id = asked.value("id")?;
    let kept = pharmacy(app)?.set_product(&asked.cx, id, &about).await.map_err(meds_error)?;
    Ok(respond::value(StatusCode::OK, &product(id, &kept, asked)))
}

pub(crate) async fn move_stock(app: &App, asked: &Asked) -> Answer {
    let pharmacy = acting(app, asked)?;
    let (act, second) = with_second::<StockAct>(app, asked).await?;
    let id = asked.value("id")?;
    let kept = pharmacy.move_stock(&asked.cx, id, &act, second).await.map_err(meds_error)?;
    Ok(respond::value(StatusCode::OK, &product(id, &kept, asked)))
}

pub(crate) async fn ledger(app: &App, asked: &Asked) -> Answer {
    let lines = pharmacy(app)?.ledger(&asked.cx, asked.value("id")?).await.map_err(meds_error)?;
    Ok(respond::value(StatusCode::OK, &json!({ "movements": lines })))
}

pub(crate) async fn recall(app: &App, asked: &Asked) -> Answer {
    let (id, lot) = (asked.value("id")?, asked.value("lot")?);
    let found = pharmacy(app)?.recall(&asked.cx, id, lot).await.map_err(meds_error)?;
    Ok(respond::value(StatusCode::OK, &json!(found)))
}

/// What a barcode says, and which product it is of.
pub(crate) async fn scan(app: &App, asked: &Asked) -> Answer {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Scanned {
        text: String,
    }
    let Scanned { text } = body_of(asked)?;
    let scan = barcode::read(&text).map_err(|error| invalid(&error.to_string()))?;
    let all = pharmacy(app)?.products(&asked.cx).await.map_err(meds_error)?;
    let found = all.iter().find(|(_, kept)| kept.is_scanned(&scan));
    let found = found.map(|(id, kept)| json!({ "id": id.as_str(), "name": kept.about.name }));
    Ok(respond::value(StatusCode::OK, &json!({ "scan": scan, "product": found })))
}

pub(crate) async fn to_reconcile(app: &App, asked: &Asked) -> Answer {
    let occasion = query(asked, "occasion").unwrap_or_else(|| "admission".to_owned());
    let occasion = Occasion::from_word(&occasion);
    let occasion =
        occasion.ok_or_else(|| invalid("`occasion` is admission, transfer or discharge"))?;
    let patient = id(asked)?;
    let list = pharmacy(app)?.to_reconcile(&asked.cx, &patient, occasion).await;
    let list = list.map_err(meds_error)?;
    Ok(respond::value(StatusCode::OK, &json!({ "list": list })))
}

pub(crate) async fn reconcile(app: &App, asked: &Asked) -> Answer {
    let said: Reconciling = body_of(asked)?;
    let id = pharmacy(app)?.reconcile(&asked.cx, &said).await.map_err(meds_error)?;
    Ok(respond::value(StatusCode::CREATED, &json!({ "list": format!("List/{id}") })))
}

/// The words of the loop: reasons that an override may have.
pub(crate) async fn reasons(_: &App, _: &Asked) -> Answer {
    let all: Vec<Value> = OverrideReason::ALL
        .iter()
        .map(|it| json!({ "code": it.code(), "text": it.display(), "needsText": it.needs_text() }))
        .collect();
    Ok(respond::value(StatusCode::OK, &json!({ "reasons": all })))
}

fn product(id: &str, kept: &ProductKept, asked: &Asked) -> Value {
    let today = asked.cx.now.strftime("%Y-%m-%d").to_string().parse().ok();
    let lots: Vec<Value> = kept
        .stock
        .lots
        .iter()
        .map(|lot| {
            let word = today.map_or(lot.status.as_str(), |today| lot.word(today));
            let mut shown = json!(lot);
            ward_store::values::put(&mut shown, "word", json!(word));
            shown
        })
        .collect();
    let mut shown = json!(kept.about);
    ward_store::values::put(&mut shown, "id", json!(id));
    ward_store::values::put(&mut shown, "lots", Value::Array(lots));
    shown
}

fn shown(
    pharmacy: &Pharmacy,
    asked: &Asked,
    id: &FhirId,
    kept: Result<OrderKept, MedsError>,
    status: StatusCode,
) -> Answer {
    let kept = match kept {
        Ok(kept) => kept,
        // What was found comes with it, so that a program can ask for an answer to each.
        Err(MedsError::Unsettled(found)) => {
            let issue: Vec<Value> = found.iter().map(|it| issue(&it.summary, &it.kind)).collect();
            let body = json!({ "issue": issue, "found": found });
            return Ok(respond::value(StatusCode::CONFLICT, &body));
        }
        Err(MedsError::Bedside(found)) => {
            let issue: Vec<Value> = found.iter().map(|it| issue(&it.says, it.code)).collect();
            let body = json!({ "issue": issue, "findings": found });
            return Ok(respond::value(StatusCode::CONFLICT, &body));
        }
        Err(error) => return Err(meds_error(error)),
    };
    let patient = kept.request.patient.trim_start_matches("Patient/").parse::<FhirId>();
    let patient =
        patient.map_err(|_| RecordsError::new(Kind::Bug, "an order without a patient"))?;
    let shown = pharmacy.show(id, &patient, kept, asked.cx.now);
    Ok(respond::value(status, &json!(shown)))
}

fn issue(says: &str, code: &str) -> Value {
    json!({
        "severity": "error", "code": "business-rule", "diagnostics": says,
        "details": { "coding": [{ "code": code }] },
    })
}

/// A body with `second` beside what it says.
async fn with_second<T: serde::de::DeserializeOwned>(
    app: &App,
    asked: &Asked,
) -> Result<(T, Option<Second>), RecordsError> {
    let mut body: Value = body_of(asked)?;
    let second = match body.as_object_mut().and_then(|it| it.remove("second")) {
        None | Some(Value::Null) => None,
        Some(said) => {
            let said: SecondSaid = serde_json::from_value(said)
                .map_err(|_| invalid("`second` has `name` and `password`, or `token`"))?;
            second_of(app, asked, Some(said)).await?
        }
    };
    let said = serde_json::from_value(body)
        .map_err(|error| invalid(&format!("not the body expected here: {}", plain(&error))))?;
    Ok((said, second))
}

/// What is wrong with a body, without a value of it.
fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.split_once('`') {
        Some((before, rest)) if before.starts_with("missing field") => {
            format!("{before}`{}`", rest.split('`').next().unwrap_or_default())
        }
        _ => "a value is of another kind".to_owned(),
    }
}

async fn second_of(
    app: &App,
    asked: &Asked,
    said: Option<SecondSaid>,
) -> Result<Option<Second>, RecordsError> {
    let Some(said) = said else { return Ok(None) };
    let (now, random, source) = (asked.cx.now, app.random.as_ref(), &asked.cx.source);
    let principal = match said {
        SecondSaid { token: Some(token), .. } => {
            app.gate.bearer(token.trim(), now, random, source).await.map_err(auth_error)?
        }
        SecondSaid { name: Some(name), password: Some(password), .. } => {
            let witness = Witness { name, password: Zeroizing::new(password) };
            app.gate.vouch(witness, now, random, source).await.map_err(|_| {
                RecordsError::new(Kind::Refused, "the second person's name or password is wrong")
            })?
        }
        _ => return Err(invalid("`second` has `name` and `password`, or `token`")),
    };
    Ok(Some(Second { actor: principal.actor.id, role: principal.role }))
}

fn or_default<T: serde::de::DeserializeOwned + Default>(asked: &Asked) -> Result<T, RecordsError> {
    if asked.body.is_empty() { Ok(T::default()) } else { body_of(asked) }
}

fn query(asked: &Asked, name: &str) -> Option<String> {
    let pairs = asked.query.split('&').filter_map(|pair| pair.split_once('='));
    let found = pairs.into_iter().find(|(key, _)| *key == name)?.1;
    Some(found.replace("%3A", ":").replace("%3a", ":").replace("%2B", "+"))
}

fn pharmacy(app: &App) -> Result<&Pharmacy, RecordsError> {
    let none = || RecordsError::new(Kind::Unavailable, "medication is not managed here");
    app.pharmacy.as_ref().ok_or_else(none)
}

/// For one act, which is done once where the caller names it.
fn acting(app: &App, asked: &Asked) -> Result<Pharmacy, RecordsError> {
    let key = asked.header("idempotency-key");
    if key.is_some_and(|key| key.is_empty() || KEY_MAX < key.len()) {
        return Err(invalid("`Idempotency-Key` has 1 to 256 bytes"));
    }
    Ok(pharmacy(app)?.once(&asked.cx, key))
}

fn id(asked: &Asked) -> Result<FhirId, RecordsError> {
    asked.value("id")?.parse().map_err(|error| invalid(&format!("not an id: {error}")))
}

fn meds_error(error: MedsError) -> RecordsError {
    let kind = kind_of(&error);
    match error {
        MedsError::Request { place, why } => {
            RecordsError::with_issues(kind, vec![Issue::error(IssueCode::Value, why).at(place)])
        }
        MedsError::Undecided(wrong) => {
            let issues =
                wrong.iter().map(|it| Issue::error(IssueCode::BusinessRule, it.to_string()));
            RecordsError::with_issues(kind, issues.collect())
        }
        MedsError::Read(error) => error.into(),
        MedsError::Commit(error) => error.into(),
        MedsError::Search(error) => error.into(),
        MedsError::Engine(_) | MedsError::Json(_) | MedsError::Contended => {
            RecordsError::new(Kind::Busy, "others write the same records; ask again")
        }
        // Said to who may not see the order as to who asks for one that is not there.
        MedsError::NotAllowed => RecordsError::new(Kind::Refused, "not allowed for this patient"),
        error => RecordsError::new(kind, error.to_string()),
    }
}
