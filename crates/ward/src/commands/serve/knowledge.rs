//! Medication: the knowledge base in use, and the services of others that are asked beside it.

use std::{fs, path::Path, pin::Pin, sync::Arc, time::Duration};

use serde_json::json;
use tokio::sync::Mutex;
use ward_core::{AuditAction, AuditOutcome, ids::uuid_v7};
use ward_crypto::{JwtKey, OsRandom, Random, jwt, tls};
use ward_interop::http::{Client, ClientSettings, Endpoint, HttpError, post};
use ward_pharmacy::{
    cds::{
        answer::Checks,
        remote::{ANSWER_BYTES_MAX, Asking, RemoteSettings, Remotes, Transport, TransportError},
    },
    knowledge::{House, house::STARTER},
};
use ward_store::{Chart, Interaction};
use ward_web::system_ctx;

use crate::{Failure, open::Site};

/// How often it is looked whether another version was chosen.
/// LIMIT: who takes a version into use sees it fire within two seconds.
const LOOK_REST: Duration = Duration::from_secs(1);

/// Connections that are kept to one service.
/// LIMIT: more calls at once each open one for themselves.
const KEPT_MAX: usize = 8;

/// Seconds for which a signed request is good.
/// LIMIT: CDS Hooks 2.0.1 asks for a short life; clocks of two houses are a minute or two apart.
const TOKEN_S: i64 = 300;

/// Opens the knowledge base that was chosen and the ways to services.
///
/// - Errors: the version that was chosen cannot be used, or the file of a service is wrong. A
///   server that would check by something else than what was chosen does not begin.
pub fn open(site: &Site) -> Result<Arc<Checks>, Failure> {
    let house = House::open(&site.knowledge()).map_err(|error| {
        let cause = std::error::Error::source(&error).map(|it| format!(": {it}"));
        Failure::Usage(format!("the knowledge base: {error}{}", cause.unwrap_or_default()))
    })?;
    let remotes = match &site.settings.config.knowledge.services {
        None => Remotes::default(),
        Some(folder) => Remotes::new(services(folder)?),
    };
    let zone = super::meds::zone(&site.settings.config.meds)?;
    Ok(Arc::new(Checks::new(Arc::new(house), remotes, zone)))
}

fn services(folder: &Path) -> Result<Vec<Asking>, Failure> {
    let failed = |e| Failure::Io("the folder of services", e);
    let mut files: Vec<_> = fs::read_dir(folder)
        .map_err(failed)?
        .map(|entry| entry.map(|it| it.path()))
        .collect::<Result<_, _>>()
        .map_err(failed)?;
    files.sort();
    let mut services = Vec::new();
    for path in files.iter().filter(|it| it.extension().is_some_and(|it| it == "toml")) {
        let wrong = |why: String| Failure::Usage(format!("{}: {why}", path.display()));
        let text = fs::read_to_string(path).map_err(|e| Failure::Io("a service", e))?;
        let settings = RemoteSettings::read(&text, folder).map_err(|e| wrong(e.to_string()))?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let transport = Arc::new(Wire::new(&settings)?);
        services.push(Asking { name, settings, transport });
    }
    Ok(services)
}

/// The way to one service over HTTP.
struct Wire {
    client: ClientSettings,
    token: Option<String>,
    signer: Option<Signer>,
    idle: Mutex<Vec<Client>>,
}

impl Wire {
    fn new(settings: &RemoteSettings) -> Result<Wire, Failure> {
        let endpoint: Endpoint = settings
            .url
            .parse()
            .map_err(|error| Failure::Usage(format!("`url` of a service is {error}")))?;
        let tls = match (endpoint.is_tls, &settings.tls_ca) {
            (true, Some(ca)) => {
                let own = settings.tls_cert.as_deref().zip(settings.tls_key.as_deref());
                let config = Arc::new(tls::client_config(ca, own)?);
                Some((config, tls::server_name(&endpoint.host)?))
            }
            _ => None,
        };
        let token = match &settings.token_file {
            None => None,
            Some(path) => {
                let token = fs::read_to_string(path)
                    .map_err(|e| Failure::Io("the token of a service", e))?;
                Some(token.trim().to_owned())
            }
        };
        // The limit of the whole is milliseconds and kept by who asks; these are its outer bounds.
        let whole_s = settings.time_limit_ms.div_ceil(1_000);
        let client = ClientSettings {
            endpoint,
            tls,
            connect_s: whole_s,
            answer_s: whole_s,
            answer_bytes: ANSWER_BYTES_MAX,
        };
        let signer = Signer::of(settings)?;
        Ok(Wire { client, token, signer, idle: Mutex::default() })
    }
}

/// Signs each request of ours.
///
/// - Source: CDS Hooks 2.0.1, trusting CDS clients.
struct Signer {
    key: JwtKey,
    header: Vec<u8>,
    issuer: String,
    audience: String,
}

impl Signer {
    fn of(settings: &RemoteSettings) -> Result<Option<Signer>, Failure> {
        let (Some(key), Some(issuer), Some(kid)) =
            (&settings.jwt_key, &settings.jwt_issuer, &settings.jwt_kid)
        else {
            return Ok(None);
        };
        let key = JwtKey::read(key)
            .map_err(|error| Failure::Usage(format!("`jwt_key` of a service: {error}")))?;
        let mut header = json!({ "alg": jwt::ALGORITHM, "typ": "JWT", "kid": kid });
        if let (Some(jku), Some(header)) = (&settings.jwt_jku, header.as_object_mut()) {
            header.insert("jku".to_owned(), json!(jku));
        }
        Ok(Some(Signer {
            key,
            header: header.to_string().into_bytes(),
            issuer: issuer.clone(),
            audience: settings.url.clone(),
        }))
    }

    /// A token for one request; `None` when there is no randomness or the key does not sign.
    fn token(&self) -> Option<String> {
        let now = ward_web::now();
        let mut random = [0; 10];
        OsRandom::default().fill(&mut random).ok()?;
        let issued = now.as_second();
        let claims = json!({
            "iss": self.issuer,
            "aud": self.audience,
            "iat": issued,
            "exp": issued.saturating_add(TOKEN_S),
            "jti": uuid_v7(now, random).to_string(),
        });
        self.key.sign(&self.header, claims.to_string().as_bytes()).ok()
    }
}

impl Transport for Wire {
    fn post(
        &self,
        body: Vec<u8>,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<u8>, TransportError>> + Send + '_>> {
        Box::pin(async move {
            let kept = self.idle.lock().await.pop();
            let mut client = kept.unwrap_or_else(|| Client::new(self.client.clone()));
            let path = self.client.endpoint.path.as_str();
            let signed = match &self.signer {
                None => None,
                Some(signer) => Some(signer.token().ok_or(TransportError::SetUp)?),
            };
            let token = signed.as_deref().or(self.token.as_deref());
            let reply = post(&mut client, path, "application/json", token, body).await;
            let (status, body) = reply.map_err(|error| match error {
                HttpError::Connect(_) | HttpError::Broken(_) => TransportError::Unreachable,
                HttpError::ConnectTimeout(_) | HttpError::AnswerTimeout(_) => {
                    TransportError::Timeout
                }
                HttpError::Request => TransportError::SetUp,
                HttpError::TooLarge => TransportError::TooLarge,
            })?;
            let mut idle = self.idle.lock().await;
            if idle.len() < KEPT_MAX {
                idle.push(client);
            }
            match status {
                200 => Ok(body),
                status => Err(TransportError::Status(status)),
            }
        })
    }
}

/// Takes another version into use when one was chosen.
///
/// - Audit: `setting-changed` with the version, each time; at the start too unless it is the starter.
pub async fn watching(chart: Chart, checks: Arc<Checks>) {
    if checks.house.current().version != STARTER {
        told(&chart, &checks).await;
    }
    let mut wrong = None;
    loop {
        tokio::time::sleep(LOOK_REST).await;
        let looking = Arc::clone(&checks);
        let looked = tokio::task::spawn_blocking(move || looking.house.look()).await;
        match looked {
            Ok(Ok(false)) => wrong = None,
            Ok(Ok(true)) => {
                wrong = None;
                let version = checks.house.current().version.clone();
                tracing::info!(version, "knowledge base changed");
                told(&chart, &checks).await;
            }
            // Said once, not every second.
            Ok(Err(error)) => {
                let says = error.to_string();
                if wrong.as_ref() != Some(&says) {
                    tracing::error!(error = says, "knowledge base not changed");
                    wrong = Some(says);
                }
            }
            Err(error) => tracing::error!(%error, "looking at the knowledge base broke off"),
        }
    }
}

async fn told(chart: &Chart, checks: &Checks) {
    let cx = system_ctx(ward_web::now(), &OsRandom::default(), "knowledge");
    let act = Interaction::new(AuditAction::SettingChanged)
        .with_detail(format!("knowledge base {}", checks.house.current().version));
    if let Err(error) = chart.audit(&cx, act, AuditOutcome::Success).await {
        tracing::error!(%error, "knowledge base in use not audited");
    }
}
