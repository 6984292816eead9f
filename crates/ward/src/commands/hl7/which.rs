//! The messages that a command works on.

use hyper::Method;
use serde_json::Value;
use ward_crypto::OsRandom;
use ward_web::{filter_of, system_ctx};

use super::log::escaped;
use crate::{Failure, open::Holder};

/// Which messages, when none is named.
pub(super) struct Which<'a> {
    pub(super) state: &'a str,
    pub(super) direction: Option<&'a str>,
    pub(super) since: Option<&'a str>,
    pub(super) until: Option<&'a str>,
}

/// Messages looked for at once.
const STEP: usize = 1_000;

/// Their numbers, oldest first.
pub(super) async fn wanted(holder: &Holder, which: &Which<'_>) -> Result<Vec<u64>, Failure> {
    let mut query = format!("state={}&limit={STEP}", escaped(which.state));
    let rest = [("direction", which.direction), ("since", which.since), ("until", which.until)];
    for (name, value) in rest {
        query.extend(value.iter().map(|value| format!("&{name}={}", escaped(value))));
    }
    let mut ids: Vec<u64> = Vec::new();
    loop {
        let mut page = query.clone();
        page.extend(ids.last().iter().map(|id| format!("&before={id}")));
        let found: Vec<u64> = match holder {
            Holder::Chart(chart) => {
                let cx = system_ctx(ward_web::now(), &OsRandom::default(), "command line");
                let heads = chart.messages(&cx, &filter_of(&page)?).await?;
                heads.iter().map(|head| head.id.0).collect()
            }
            Holder::Server(server) => {
                let path = format!("/api/messages?{page}");
                let said = server.json(Method::GET, &path, &Value::Null).await?;
                let lines = said.get("messages").and_then(Value::as_array);
                let id = |line: &Value| line.get("id").and_then(Value::as_u64);
                lines.into_iter().flatten().filter_map(id).collect()
            }
        };
        let n = found.len();
        ids.extend(found);
        if n < STEP {
            ids.reverse();
            return Ok(ids);
        }
    }
}
