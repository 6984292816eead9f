//! The way to payers' servers: one client for each, over TLS where the address says so.

use std::{collections::BTreeMap, fs, sync::Arc};

use tokio::sync::Mutex;
use ward_billing::{
    Settings,
    pas::{Operation, Sending, Wire, WireError},
    payers::{PasWay, Way},
};
use ward_crypto::tls;
use ward_interop::http::{Client, ClientSettings, Endpoint, post};

use crate::Failure;

/// Seconds until a connection stands.
const CONNECT_S: u64 = 10;

/// Seconds until an answer is there.
/// LIMIT: shorter than the lease of a question, so that it is never asked twice at once.
const ANSWER_S: u64 = 25;

/// Most bytes of an answer.
/// LIMIT: a Bundle with one answer and what it is about.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// One payer's server.
struct Server {
    client: Mutex<Client>,
    /// Path of the base, without a slash at its end.
    path: String,
    token: Option<String>,
}

/// All payers that are asked by PAS.
pub struct PayerServers {
    servers: BTreeMap<String, Server>,
}

impl PayerServers {
    /// - Errors: an address, a certificate or a token that cannot be used.
    pub fn open(settings: &Settings) -> Result<Option<Arc<dyn Wire>>, Failure> {
        let mut servers = BTreeMap::new();
        for payer in &settings.payers.payers {
            if let Way::Pas(way) = &payer.way {
                servers.insert(payer.name.clone(), server(&payer.name, way)?);
            }
        }
        if servers.is_empty() {
            return Ok(None);
        }
        Ok(Some(Arc::new(PayerServers { servers })))
    }
}

fn server(name: &str, way: &PasWay) -> Result<Server, Failure> {
    let wrong = |why: &str| Failure::Usage(format!("payer `{name}`: {why}"));
    let endpoint: Endpoint = way.url.parse().map_err(|_| wrong("`url` is no address"))?;
    let is_here = matches!(endpoint.host.as_str(), "localhost" | "127.0.0.1" | "::1");
    if !endpoint.is_tls && !is_here {
        return Err(wrong("`url` begins with https: what is sent is about patients"));
    }
    let tls = match (endpoint.is_tls, &way.ca_file) {
        (false, _) => None,
        (true, None) => return Err(wrong("`ca_file` names the authority of its certificate")),
        (true, Some(ca)) => {
            let own = way.certificate_file.as_deref().zip(way.key_file.as_deref());
            let config = tls::client_config(ca, own)?;
            Some((Arc::new(config), tls::server_name(&endpoint.host)?))
        }
    };
    let token = way.token_file.as_ref().map(fs::read_to_string).transpose();
    let token = token.map_err(|e| Failure::Io("reading a payer's token", e))?;
    let path = endpoint.path.trim_end_matches('/').to_owned();
    let settings = ClientSettings {
        endpoint,
        tls,
        connect_s: CONNECT_S,
        answer_s: ANSWER_S,
        answer_bytes: ANSWER_BYTES_MAX,
    };
    let token = token.map(|it| it.trim().to_owned());
    Ok(Server { client: Mutex::new(Client::new(settings)), path, token })
}

impl Wire for PayerServers {
    fn post<'a>(&'a self, payer: &'a str, operation: Operation, body: Vec<u8>) -> Sending<'a> {
        Box::pin(async move {
            let unknown = || WireError("there is no such payer".to_owned());
            let server = self.servers.get(payer).ok_or_else(unknown)?;
            let path = format!("{}/{}", server.path, operation.path());
            let mut client = server.client.lock().await;
            let media = "application/fhir+json";
            let reply = post(&mut client, &path, media, server.token.as_deref(), body).await;
            // The chain says what failed; nothing of the body is in it.
            reply.map_err(|error| {
                let mut words = error.to_string();
                let mut next = std::error::Error::source(&error);
                while let Some(source) = next {
                    words = format!("{words}: {source}");
                    next = source.source();
                }
                WireError(words)
            })
        })
    }
}
