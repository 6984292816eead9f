//! FHIR REST: the address and headers of each interaction.

use hyper::header;
use ward_core::{Ctx, RecordKey};
use ward_records::{HistoryParams, PatchFormat, RecordsError, SearchTarget};
use ward_store::HistoryOf;

use crate::{app::App, request::Asked, respond, respond::Answer};

pub(crate) async fn metadata(app: &App, _: &Asked) -> Answer {
    respond::reply(app.records.capability())
}

pub(crate) async fn read(app: &App, asked: &Asked) -> Answer {
    let response = respond::reply(app.records.read(&asked.cx, &asked.key()?).await?)?;
    Ok(respond::unless_known(response, asked.header(header::IF_NONE_MATCH)))
}

pub(crate) async fn vread(app: &App, asked: &Asked) -> Answer {
    let version = asked.value("version")?.parse().map_err(|_| not_a_version())?;
    respond::reply(app.records.vread(&asked.cx, &asked.key()?, version).await?)
}

pub(crate) async fn create(app: &App, asked: &Asked) -> Answer {
    let condition = asked.header("if-none-exist");
    let done = app
        .records
        .create(&asked.cx, asked.kind()?, &asked.body, condition, asked.prefer())
        .await?;
    respond::reply(done)
}

pub(crate) async fn update(app: &App, asked: &Asked) -> Answer {
    let done = app
        .records
        .update(&asked.cx, &asked.key()?, &asked.body, asked.if_match()?, asked.prefer())
        .await?;
    respond::reply(done)
}

pub(crate) async fn conditional_update(app: &App, asked: &Asked) -> Answer {
    let (kind, prefer) = (asked.kind()?, asked.prefer());
    let done =
        app.records.conditional_update(&asked.cx, kind, &asked.query, &asked.body, prefer).await?;
    respond::reply(done)
}

pub(crate) async fn patch(app: &App, asked: &Asked) -> Answer {
    let written = asked.header(header::CONTENT_TYPE).unwrap_or_default();
    let format = match written.split(';').next().map(str::trim) {
        Some("application/json-patch+json") => PatchFormat::Json,
        Some("application/fhir+json" | "application/json") => PatchFormat::FhirPath,
        _ => {
            return Err(RecordsError::new(
                ward_core::Kind::Invalid,
                "a patch is `application/json-patch+json`, or Parameters as \
                 `application/fhir+json`",
            ));
        }
    };
    let (key, if_match, prefer) = (asked.key()?, asked.if_match()?, asked.prefer());
    let done = app.records.patch(&asked.cx, &key, format, &asked.body, if_match, prefer).await?;
    respond::reply(done)
}

pub(crate) async fn validate(app: &App, asked: &Asked) -> Answer {
    respond::reply(app.records.validate(asked.kind()?, &asked.body))
}

pub(crate) async fn everything(app: &App, asked: &Asked) -> Answer {
    let id = asked.value("id")?.parse();
    let id = id.map_err(|_| RecordsError::new(ward_core::Kind::Invalid, "not an id"))?;
    respond::reply(app.records.everything(&asked.cx, &id, &asked.query).await?)
}

pub(crate) async fn delete(app: &App, asked: &Asked) -> Answer {
    respond::reply(app.records.delete(&asked.cx, &asked.key()?, asked.if_match()?).await?)
}

pub(crate) async fn conditional_delete(app: &App, asked: &Asked) -> Answer {
    let kind = asked.kind()?;
    respond::reply(app.records.conditional_delete(&asked.cx, kind, &asked.query).await?)
}

pub(crate) async fn bundle(app: &App, asked: &Asked) -> Answer {
    respond::reply(app.records.bundle(&asked.cx, &asked.body).await?)
}

pub(crate) async fn search_type(app: &App, asked: &Asked) -> Answer {
    search(app, asked, SearchTarget::Type(asked.kind()?), &asked.query).await
}

pub(crate) async fn search_type_post(app: &App, asked: &Asked) -> Answer {
    search(app, asked, SearchTarget::Type(asked.kind()?), &form_of(asked)?).await
}

pub(crate) async fn search_system(app: &App, asked: &Asked) -> Answer {
    search(app, asked, SearchTarget::System, &asked.query).await
}

pub(crate) async fn search_system_post(app: &App, asked: &Asked) -> Answer {
    search(app, asked, SearchTarget::System, &form_of(asked)?).await
}

pub(crate) async fn search_compartment(app: &App, asked: &Asked) -> Answer {
    search_within(app, asked, &asked.query).await
}

pub(crate) async fn search_compartment_post(app: &App, asked: &Asked) -> Answer {
    search_within(app, asked, &form_of(asked)?).await
}

async fn search_within(app: &App, asked: &Asked, query: &str) -> Answer {
    let compartment = asked.value("compartment")?.parse();
    let compartment = compartment
        .map_err(|_| RecordsError::new(ward_core::Kind::NotFound, "no such compartment"))?;
    let id = asked.value("id")?.parse();
    let id = id.map_err(|_| RecordsError::new(ward_core::Kind::Invalid, "not an id"))?;
    let kind = match asked.value("type")? {
        "*" => None,
        _ => Some(asked.kind()?),
    };
    let target = SearchTarget::Compartment { of: RecordKey::new(compartment, id), kind };
    search(app, asked, target, query).await
}

async fn search(app: &App, asked: &Asked, target: SearchTarget, query: &str) -> Answer {
    respond::reply(app.records.search(&asked.cx, &target, query, asked.is_lenient()).await?)
}

pub(crate) async fn history_instance(app: &App, asked: &Asked) -> Answer {
    history(app, &asked.cx, HistoryOf::Instance(asked.key()?), asked).await
}

pub(crate) async fn history_type(app: &App, asked: &Asked) -> Answer {
    history(app, &asked.cx, HistoryOf::Type(asked.kind()?), asked).await
}

pub(crate) async fn history_system(app: &App, asked: &Asked) -> Answer {
    history(app, &asked.cx, HistoryOf::System, asked).await
}

async fn history(app: &App, cx: &Ctx, of: HistoryOf, asked: &Asked) -> Answer {
    let params = HistoryParams::parse(&asked.query)?;
    respond::reply(app.records.history(cx, of, params).await?)
}

/// The parameters of a search by form, together with those of the address.
fn form_of(asked: &Asked) -> Result<String, RecordsError> {
    let form = std::str::from_utf8(&asked.body)
        .map_err(|_| RecordsError::new(ward_core::Kind::Invalid, "the form is not UTF-8"))?;
    Ok(match (asked.query.is_empty(), form.is_empty()) {
        (true, _) => form.to_owned(),
        (false, true) => asked.query.clone(),
        (false, false) => format!("{}&{form}", asked.query),
    })
}

fn not_a_version() -> RecordsError {
    RecordsError::new(ward_core::Kind::NotFound, "no such version")
}
