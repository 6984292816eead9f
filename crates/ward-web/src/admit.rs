//! Letting a caller in: who it is, for what, about whom.

use std::sync::Arc;

use hyper::{HeaderMap, Method, Uri, header};
use ward_core::{AuditOutcome, CareScope, Ctx, Kind, PurposeOfUse, Role, ids::TraceId};
use ward_crypto::Random;
use ward_records::{Records, RecordsError};
use ward_store::Interaction;

use crate::{
    App, AuthError,
    auth::{Principal, system_ctx},
    clock,
    endpoints::{Access, Endpoint},
    handlers::access::COOKIE,
    listen::Peer,
    request::Asked,
    respond::auth_error,
};

/// Lets the caller in, or not.
pub(crate) async fn context(
    app: &App,
    peer: &Peer,
    row: &'static Endpoint,
    (method, uri, headers): (&Method, &Uri, &HeaderMap),
    trace: TraceId,
) -> Result<Ctx, RecordsError> {
    let now = clock::now();
    let random = app.random.as_ref();
    let source = match peer {
        Peer::Operator => return Ok(Ctx { trace, ..system_ctx(now, random, "socket") }),
        Peer::Network { source, .. } => source,
    };
    if !headers.contains_key(header::AUTHORIZATION) && !method.is_safe() {
        same_origin(uri, headers)?;
    }
    if row.access == Access::Public {
        return Ok(Ctx { trace, source: Arc::clone(source), ..system_ctx(now, random, "") });
    }
    let principal = principal_of(app, headers, now, source).await?;
    let purpose = purpose_of(headers, principal.role)?;
    let care = care_of(&app.records, random, &principal, now, source).await?;
    let cx = Ctx {
        actor: principal.actor,
        role: principal.role,
        purpose,
        care,
        now,
        trace,
        source: Arc::clone(source),
    };
    if let Access::House(action) = row.access
        && !app.records.chart().policy().allows(&cx, action)
    {
        if let Some(audit) = row.audit {
            let act = Interaction::new(audit);
            app.records.chart().audit(&cx, act, AuditOutcome::MinorFailure).await?;
        }
        return Err(RecordsError::new(Kind::Refused, "not allowed"));
    }
    Ok(cx)
}

/// Whom somebody cares for now.
pub(crate) async fn care_of(
    records: &Records,
    random: &dyn Random,
    principal: &Principal,
    now: jiff::Timestamp,
    source: &str,
) -> Result<CareScope, RecordsError> {
    Ok(match principal.role {
        // Roles of the whole house; the policy limits what of it they see.
        Role::Integration | Role::System | Role::Auditor | Role::Administrator => {
            CareScope::Everyone
        }
        _ => match &principal.practitioner {
            None => CareScope::Patients(Arc::default()),
            Some(id) => {
                let cx = system_ctx(now, random, source);
                CareScope::Patients(records.patients_in_care(&cx, id).await?)
            }
        },
    })
}

async fn principal_of(
    app: &App,
    headers: &HeaderMap,
    now: jiff::Timestamp,
    source: &str,
) -> Result<Principal, RecordsError> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if let Some(token) = bearer.and_then(|value| value.strip_prefix("Bearer ")) {
        let principal = app.gate.bearer(token.trim(), now, app.random.as_ref(), source).await;
        return principal.map_err(auth_error);
    }
    let cookie = Asked::cookie(headers, COOKIE).ok_or_else(|| auth_error(AuthError::Needed))?;
    app.gate.session(cookie, now, app.random.as_ref()).await.map_err(auth_error)
}

/// Refuses what a page of another site asks in a person's name. Programs that are no browsers send
/// neither header.
///
/// - Source: OWASP Cross-Site Request Forgery Prevention, verifying origin; Fetch Metadata.
fn same_origin(uri: &Uri, headers: &HeaderMap) -> Result<(), RecordsError> {
    let text = |name| headers.get(name).and_then(|value: &header::HeaderValue| value.to_str().ok());
    let host = text(header::HOST).or(uri.authority().map(|it| it.as_str()));
    let from_here = match text(header::ORIGIN) {
        None => !headers.contains_key(header::ORIGIN),
        Some(origin) => origin.split_once("://").map(|(_, rest)| rest) == host && host.is_some(),
    };
    let site = headers.get("sec-fetch-site").map(header::HeaderValue::as_bytes);
    if from_here && matches!(site, None | Some(b"same-origin" | b"none")) {
        return Ok(());
    }
    Err(RecordsError::new(Kind::Refused, "the request comes from another site"))
}

fn purpose_of(headers: &HeaderMap, role: Role) -> Result<PurposeOfUse, RecordsError> {
    match headers.get("ward-purpose").map(|value| value.to_str()) {
        Some(Ok(word)) => PurposeOfUse::from_word(word)
            .ok_or_else(|| RecordsError::new(Kind::Invalid, "`Ward-Purpose` is not a purpose")),
        Some(Err(_)) => Err(RecordsError::new(Kind::Invalid, "`Ward-Purpose` is not a purpose")),
        None => Ok(match role {
            Role::Billing => PurposeOfUse::Payment,
            Role::Auditor => PurposeOfUse::Operations,
            Role::Administrator | Role::System => PurposeOfUse::SystemAdministration,
            _ => PurposeOfUse::Treatment,
        }),
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    #[test]
    fn pages_of_other_sites_are_refused() {
        let check = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(*name, HeaderValue::from_static(value));
            }
            same_origin(&Uri::from_static("/api/sign-in"), &headers).is_ok()
        };
        let host = ("host", "ward.example:8443");
        assert!(check(&[host]));
        assert!(check(&[host, ("origin", "https://ward.example:8443")]));
        assert!(check(&[host, ("sec-fetch-site", "same-origin")]));
        assert!(!check(&[host, ("origin", "https://evil.example")]));
        assert!(!check(&[host, ("origin", "https://ward.example")]));
        assert!(!check(&[host, ("origin", "null")]));
        assert!(!check(&[("origin", "https://ward.example:8443")]));
        assert!(!check(&[host, ("sec-fetch-site", "cross-site")]));
        assert!(!check(&[host, ("sec-fetch-site", "same-site")]));
    }
}
