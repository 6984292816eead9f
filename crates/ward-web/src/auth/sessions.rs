//! Sessions of people, in memory: a server that ends takes them with it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use ward_core::FhirId;
use ward_crypto::sha256;

use super::{Principal, hex};

/// Seconds without a request before a session ends.
/// LIMIT: 45 CFR 164.312(a)(2)(iii), automatic logoff; 15 minutes is the usual reading.
const IDLE_S: i64 = 15 * 60;

/// Seconds before a session ends whatever happens.
/// LIMIT: one long shift.
const ABSOLUTE_S: i64 = 12 * 60 * 60;

/// LIMIT: far more than the people of a large hospital on shift.
const SESSIONS_MAX: usize = 20_000;

/// Sessions by the digest of their cookie.
#[derive(Default)]
pub(super) struct Sessions(Mutex<HashMap<[u8; 32], Session>>);

#[derive(Clone)]
pub(super) struct Session {
    pub(super) principal: Principal,
    pub(super) account: FhirId,
    pub(super) source: Arc<str>,
    pub(super) began: Timestamp,
    pub(super) seen: Timestamp,
}

/// A session that ended by itself, and why.
pub(super) struct Expired {
    pub(super) session: Session,
    pub(super) why: &'static str,
}

pub(super) enum Found {
    Session(Session),
    Expired(Box<Expired>),
    Nothing,
}

/// What may be shown of a session: nothing that opens it.
#[derive(Serialize)]
pub(crate) struct SessionView {
    id: String,
    began: String,
    seen: String,
    /// Where it was begun from.
    source: String,
}

impl Session {
    /// Why it is over, if it is.
    fn is_over(&self, now: Timestamp) -> Option<&'static str> {
        let lasted =
            |since: Timestamp, s| SignedDuration::from_secs(s) <= now.duration_since(since);
        match () {
            () if lasted(self.began, ABSOLUTE_S) => Some("ended after 12 hours"),
            () if lasted(self.seen, IDLE_S) => Some("ended after 15 minutes without a request"),
            () => None,
        }
    }
}

impl Sessions {
    /// Begins a session, and gives those that ended to make room.
    pub(super) fn begin(&self, cookie: &str, session: Session) -> Vec<Expired> {
        let now = session.began;
        let mut sessions = self.lock();
        let mut ended = Vec::new();
        if SESSIONS_MAX <= sessions.len() {
            ended = take_expired(&mut sessions, now);
        }
        if SESSIONS_MAX <= sessions.len()
            && let Some(oldest) = sessions.iter().min_by_key(|(_, old)| old.seen).map(|(k, _)| *k)
            && let Some(session) = sessions.remove(&oldest)
        {
            ended.push(Expired { session, why: "ended to make room" });
        }
        sessions.insert(sha256(cookie.as_bytes()), session);
        ended
    }

    /// The session of a cookie, which is seen now.
    pub(super) fn find(&self, cookie: &str, now: Timestamp) -> Found {
        let digest = sha256(cookie.as_bytes());
        let mut sessions = self.lock();
        let Some(session) = sessions.get_mut(&digest) else { return Found::Nothing };
        let Some(why) = session.is_over(now) else {
            session.seen = now;
            return Found::Session(session.clone());
        };
        match sessions.remove(&digest) {
            Some(session) => Found::Expired(Box::new(Expired { session, why })),
            None => Found::Nothing,
        }
    }

    /// Whether the session of a cookie goes on; asking is no sign of life.
    pub(super) fn is_open(&self, cookie: &str, now: Timestamp) -> bool {
        let sessions = self.lock();
        sessions.get(&sha256(cookie.as_bytes())).is_some_and(|it| it.is_over(now).is_none())
    }

    pub(super) fn end(&self, cookie: &str) -> Option<Session> {
        self.lock().remove(&sha256(cookie.as_bytes()))
    }

    /// Ends the sessions of an account, but for the one of cookie `but`, and counts them.
    pub(super) fn end_all(&self, account: &FhirId, but: Option<&str>) -> usize {
        let but = but.map(|cookie| sha256(cookie.as_bytes()));
        let mut sessions = self.lock();
        let before = sessions.len();
        sessions.retain(|digest, it| it.account != *account || Some(*digest) == but);
        before.saturating_sub(sessions.len())
    }

    /// Ends one session of an account by the id that is shown, and answers whether there was one.
    pub(super) fn end_one(&self, account: &FhirId, id: &str) -> bool {
        let mut sessions = self.lock();
        let found = sessions.iter().find(|(k, it)| it.account == *account && shown(k) == id);
        let digest = found.map(|(digest, _)| *digest);
        digest.and_then(|digest| sessions.remove(&digest)).is_some()
    }

    /// Takes out what is over.
    pub(super) fn sweep(&self, now: Timestamp) -> Vec<Expired> {
        take_expired(&mut self.lock(), now)
    }

    /// The sessions of an account, the first begun first.
    pub(super) fn of(&self, account: &FhirId, now: Timestamp) -> Vec<SessionView> {
        let sessions = self.lock();
        let mut found: Vec<_> = sessions
            .iter()
            .filter(|(_, it)| it.account == *account && it.is_over(now).is_none())
            .collect();
        found.sort_by_key(|(digest, it)| (it.began, **digest));
        let view = |(digest, it): (&[u8; 32], &Session)| SessionView {
            id: shown(digest),
            began: it.began.to_string(),
            seen: it.seen.to_string(),
            source: it.source.to_string(),
        };
        found.into_iter().map(view).collect()
    }

    /// How many sessions each account has.
    pub(super) fn counts(&self, now: Timestamp) -> HashMap<FhirId, usize> {
        let mut counts = HashMap::new();
        for session in self.lock().values().filter(|it| it.is_over(now).is_none()) {
            *counts.entry(session.account.clone()).or_default() += 1;
        }
        counts
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn take_expired(sessions: &mut HashMap<[u8; 32], Session>, now: Timestamp) -> Vec<Expired> {
    let over = sessions.extract_if(|_, it| it.is_over(now).is_some());
    over.map(|(_, session)| {
        let why = session.is_over(now).unwrap_or_default();
        Expired { session, why }
    })
    .collect()
}

/// The id of a session that is shown: a piece of a digest of a digest, which opens nothing.
fn shown(digest: &[u8; 32]) -> String {
    let again = sha256(digest);
    hex(again.get(..8).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use ward_core::{Actor, ActorKind, Role, ids::ActorId};

    use super::*;

    fn at(s: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + s).unwrap()
    }

    fn session(account: &str, began: Timestamp) -> Session {
        let actor = Actor { id: ActorId::from_bytes([1; 16]), kind: ActorKind::Person };
        Session {
            principal: Principal { actor, role: Role::Nurse, practitioner: None, expires: None },
            account: account.parse().unwrap(),
            source: Arc::from("test"),
            began,
            seen: began,
        }
    }

    #[test]
    fn a_session_ends_when_nobody_asks_and_after_a_shift() {
        let sessions = Sessions::default();
        sessions.begin("idle", session("ann", at(0)));
        sessions.begin("busy", session("ann", at(0)));
        for s in (0..ABSOLUTE_S).step_by(600) {
            assert!(matches!(sessions.find("busy", at(s)), Found::Session(_)), "after {s} s");
        }
        let Found::Expired(expired) = sessions.find("idle", at(IDLE_S)) else { panic!("goes on") };
        assert!(expired.why.contains("15 minutes"));
        assert!(matches!(sessions.find("idle", at(IDLE_S)), Found::Nothing), "told once");
        let swept = sessions.sweep(at(ABSOLUTE_S));
        assert_eq!(swept.iter().map(|it| it.why).collect::<Vec<_>>(), ["ended after 12 hours"]);
        assert!(sessions.sweep(at(ABSOLUTE_S)).is_empty());
    }

    #[test]
    fn an_account_loses_its_own_sessions_only() {
        let sessions = Sessions::default();
        for (cookie, account) in [("a", "ann"), ("b", "ann"), ("c", "ann"), ("d", "bob")] {
            sessions.begin(cookie, session(account, at(0)));
        }
        let ann = "ann".parse().unwrap();
        let shown = sessions.of(&ann, at(1));
        assert_eq!(shown.len(), 3);
        assert!(!sessions.end_one(&"bob".parse().unwrap(), &shown[0].id), "not bob's");
        assert!(sessions.end_one(&ann, &shown[0].id));
        assert!(!sessions.end_one(&ann, &shown[0].id));
        let kept = if matches!(sessions.find("a", at(1)), Found::Session(_)) { "a" } else { "b" };
        assert_eq!(sessions.end_all(&ann, Some(kept)), 1);
        assert!(matches!(sessions.find(kept, at(1)), Found::Session(_)));
        assert_eq!(sessions.end_all(&ann, None), 1);
        assert!(matches!(sessions.find("d", at(1)), Found::Session(_)));
        assert_eq!(sessions.counts(at(1)).values().sum::<usize>(), 1);
    }

    #[test]
    fn the_table_stays_small() {
        let sessions = Sessions::default();
        for n in 0..SESSIONS_MAX {
            sessions.begin(&n.to_string(), session("ann", at(1)));
        }
        sessions.find("0", at(2));
        let ended = sessions.begin("one more", session("ann", at(2)));
        assert_eq!(ended.len(), 1);
        assert!(matches!(sessions.find("0", at(2)), Found::Session(_)), "seen lately");
        assert!(SESSIONS_MAX >= sessions.lock().len());
    }
}
