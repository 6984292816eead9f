//! From a Subscription resource to what it asks for, with every finding in its place.

use jiff::Timestamp;

use super::{
    BACKPORT, Channel, Content, Criterion, EVENTS_DEFAULT, EVENTS_MAX, FILTERS_MAX, HEADERS_MAX,
    HEARTBEAT_S_MIN, Status, Subscription, TIMEOUT_S_DEFAULT, TIMEOUT_S_MAX, Topic, Wanted, Way,
    topic::TOPICS,
};
use crate::{
    Json,
    outcome::{Issue, IssueCode},
};

/// What the house allows.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Rules {
    /// Whether a rest-hook may go to `http:`.
    pub allow_plaintext: bool,
}

/// Reads a Subscription.
///
/// - Errors: what cannot be done, each with its place.
pub fn read(resource: &Json<'_>, base: &str, rules: Rules) -> Result<Subscription, Vec<Issue>> {
    let mut issues = Vec::new();
    let text = |json: &Json<'_>, name: &str| {
        json.get(name).and_then(Json::as_str).unwrap_or_default().to_owned()
    };
    let status = Status::from_code(&text(resource, "status"));
    let end = match resource.get("end").and_then(Json::as_str).map(str::parse::<Timestamp>) {
        Some(Err(_)) => {
            let says = "this is no instant";
            issues.push(Issue::error(IssueCode::Value, says).at("Subscription.end"));
            None
        }
        Some(Ok(end)) => Some(end),
        None => None,
    };
    let wanted = wanted(resource, base, &mut issues);
    let empty = Json::Object(crate::json::Object::new());
    let channel = channel(resource.get("channel").unwrap_or(&empty), rules, &mut issues);
    match (status, wanted, channel) {
        (Some(status), Some(wanted), Some(channel)) if issues.is_empty() => {
            Ok(Subscription { status, end, wanted, channel })
        }
        _ if issues.is_empty() => {
            let says = "`status` is requested, active, error or off";
            Err(vec![Issue::error(IssueCode::CodeInvalid, says).at("Subscription.status")])
        }
        _ => Err(issues),
    }
}

fn wanted(resource: &Json<'_>, base: &str, issues: &mut Vec<Issue>) -> Option<Wanted> {
    const PLACE: &str = "Subscription.criteria";
    let criteria = resource.get("criteria").and_then(Json::as_str).unwrap_or_default();
    if let Some(topic) = Topic::of(criteria) {
        let (mut filters, mut all_read) = (Vec::new(), true);
        let said = extensions(resource.get("_criteria"), "backport-filter-criteria");
        let said: Vec<&str> =
            said.filter_map(|it| it.get("valueString").and_then(Json::as_str)).collect();
        if FILTERS_MAX < said.len() {
            let says = format!("a subscription has at most {FILTERS_MAX} filters");
            issues.push(Issue::error(IssueCode::TooCostly, says).at(PLACE));
            return None;
        }
        for (at, filter) in said.iter().enumerate() {
            match filters_of(topic, filter, base) {
                Ok(read) => filters.extend(read),
                Err(found) => {
                    all_read = false;
                    let place = format!("{PLACE}.extension[{at}].valueString");
                    issues.extend(found.into_iter().map(|issue| issue.at(place.clone())));
                }
            }
        }
        if filters.is_empty() && !topic.is_of_events() && all_read {
            let says = "this topic needs a filter that names a type";
            issues.push(Issue::error(IssueCode::Required, says).at(PLACE));
            return None;
        }
        return Some(Wanted::Topic { topic, filters });
    }
    let is_url = criteria.split(['?', '/']).next().is_some_and(|first| first.contains(':'));
    if is_url {
        let known: Vec<&str> = TOPICS.iter().map(|it| it.url).collect();
        let says = format!("no such topic here; there are {}", known.join(", "));
        issues.push(Issue::error(IssueCode::NotSupported, says).at(PLACE));
        return None;
    }
    match Criterion::read(criteria, base) {
        Ok(criterion) => Some(Wanted::Criteria(criterion)),
        Err(found) => {
            issues.extend(found.into_iter().map(|issue| issue.at(PLACE)));
            None
        }
    }
}

/// A filter with its type; one without is of every type of the topic.
fn filters_of(topic: &Topic, filter: &str, base: &str) -> Result<Vec<Criterion>, Vec<Issue>> {
    let has_type = filter.chars().next().is_some_and(char::is_uppercase);
    if !has_type && topic.kinds().is_empty() {
        let says = "a filter of this topic begins with a type, such as `Observation?code=`";
        return Err(vec![Issue::error(IssueCode::Required, says)]);
    }
    if !has_type {
        let of = |kind: &ward_core::ResourceType| {
            Criterion::read(&format!("{kind}?{}", filter.trim_start_matches('?')), base)
        };
        return topic.kinds().iter().map(of).collect();
    }
    let criterion = Criterion::read(filter, base)?;
    if !topic.kinds().is_empty() && !topic.kinds().contains(&criterion.kind) {
        let says = format!("the topic does not speak of {}", criterion.kind);
        return Err(vec![Issue::error(IssueCode::NotSupported, says)]);
    }
    Ok(vec![criterion])
}

fn channel(channel: &Json<'_>, rules: Rules, issues: &mut Vec<Issue>) -> Option<Channel> {
    let text = |name: &str| channel.get(name).and_then(Json::as_str);
    let mut refuse = |code, place: &str, says: String| {
        issues.push(Issue::error(code, says).at(format!("Subscription.channel.{place}")));
    };
    let mime = text("payload");
    if let Some(mime) = mime
        && !matches!(
            mime.split(';').next().map(str::trim),
            Some("application/fhir+json" | "application/json")
        )
    {
        let says = "notifications are `application/fhir+json`".to_owned();
        refuse(IssueCode::NotSupported, "payload", says);
    }
    let content = extensions(channel.get("_payload"), "backport-payload-content").next();
    let content = content.and_then(|it| it.get("valueCode").and_then(Json::as_str));
    let content = match content.map(Content::from_code) {
        None => Content::IdOnly,
        Some(Some(content)) => content,
        Some(None) => {
            let says = "the content is `empty`, `id-only` or `full-resource`".to_owned();
            refuse(IssueCode::CodeInvalid, "payload.extension", says);
            Content::Empty
        }
    };
    let mut number = |name: &str, value: &str, least: u32, most: u32| {
        let found = extensions(Some(channel), name).next()?;
        let found = found.get(value).and_then(Json::as_number)?.as_str().parse::<u32>().ok();
        match found {
            Some(n) if (least..=most).contains(&n) => Some(n),
            _ => {
                let says = format!("`{name}` is {least} to {most}");
                refuse(IssueCode::Value, "extension", says);
                None
            }
        }
    };
    let heartbeat_s =
        number("backport-heartbeat-period", "valueUnsignedInt", HEARTBEAT_S_MIN, 86_400);
    let timeout_s = number("backport-timeout", "valueUnsignedInt", 1, TIMEOUT_S_MAX);
    let events_max = number("backport-max-count", "valuePositiveInt", 1, EVENTS_MAX);
    let way = match text("type") {
        Some("websocket") => Way::WebSocket,
        Some("rest-hook") => {
            let endpoint = text("endpoint").unwrap_or_default().to_owned();
            let is_https = endpoint.starts_with("https://");
            let is_allowed = rules.allow_plaintext && endpoint.starts_with("http://");
            if !is_https && !is_allowed {
                let says = "a rest-hook goes to an `https:` address".to_owned();
                refuse(IssueCode::Security, "endpoint", says);
            } else if endpoint.contains('@') || endpoint.contains('#') {
                let says = "an address has no user and no fragment".to_owned();
                refuse(IssueCode::Value, "endpoint", says);
            }
            let said = channel.get("header").map(Json::items).unwrap_or_default();
            let mut headers = Vec::new();
            for header in said.iter().filter_map(Json::as_str) {
                match header.split_once(':') {
                    Some((name, value)) if is_own(name.trim()) => {
                        headers.push((name.trim().to_owned(), value.trim().to_owned()));
                    }
                    _ => refuse(
                        IssueCode::Value,
                        "header",
                        "a header is `Name: value`, and none of the connection's own".to_owned(),
                    ),
                }
            }
            if HEADERS_MAX < headers.len() {
                let says = format!("a subscription has at most {HEADERS_MAX} headers");
                refuse(IssueCode::TooCostly, "header", says);
            }
            Way::RestHook { endpoint, headers }
        }
        _ => {
            let says = "there are the channels `rest-hook` and `websocket`".to_owned();
            refuse(IssueCode::NotSupported, "type", says);
            return None;
        }
    };
    Some(Channel {
        way,
        content,
        has_payload: mime.is_some(),
        heartbeat_s,
        timeout_s: timeout_s.unwrap_or(TIMEOUT_S_DEFAULT),
        events_max: events_max.unwrap_or(EVENTS_DEFAULT),
    })
}

/// Whether a header is the receiver's to choose.
fn is_own(name: &str) -> bool {
    let is_token = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    let of_connection = [
        "host",
        "content-length",
        "content-type",
        "transfer-encoding",
        "connection",
        "upgrade",
        "te",
        "trailer",
    ];
    !name.is_empty()
        && name.bytes().all(is_token)
        && !of_connection.contains(&name.to_ascii_lowercase().as_str())
}

/// The extensions of the backport of one name.
fn extensions<'j, 'a>(
    of: Option<&'j Json<'a>>,
    name: &str,
) -> impl Iterator<Item = &'j Json<'a>> + use<'j, 'a> {
    let url = format!("{BACKPORT}{name}");
    let all = of.and_then(|it| it.get("extension")).map(Json::items).unwrap_or_default();
    all.iter().filter(move |it| it.get("url").and_then(Json::as_str) == Some(url.as_str()))
}
