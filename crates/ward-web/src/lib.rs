//! Everything HTTP: FHIR REST, sign-in, health and metrics, from one endpoint table.

#![cfg_attr(test, allow(clippy::string_slice, clippy::as_conversions, reason = "tests may"))]

mod admit;
mod app;
mod auth;
mod body;
mod care;
mod chart_figures;
mod clock;
mod endpoints;
mod gunzip;
mod handlers;
mod impatient;
mod listen;
mod metrics;
mod negotiate;
mod openapi;
mod peers;
mod request;
mod request_id;
mod respond;
mod serve;
mod working;

pub use self::{
    app::{App, Events, Stays, WebLimits},
    auth::{AuthError, NewAccount, NewToken, Principals, accounts, system_ctx, tokens},
    care::CareFigures,
    clock::now,
    endpoints::{ALL as ENDPOINTS, Access, Endpoint, api_page},
    handlers::{
        audit::AuditLine,
        messages::{MessageLine, filter_of, is_finding, shown},
    },
    listen::{Listening, ServeError, ServeOptions, serve},
    openapi::openapi,
};
