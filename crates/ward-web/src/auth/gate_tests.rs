//! The gate over a real chart, with a clock in the test's hand.

use std::sync::Arc;

use ward_core::Phi;
use ward_crypto::{RootKeyVariable, SeededRandom};
use ward_policy::Policy;
use ward_store::{AuditEntry, AuditFilter, ChartOptions, StoreLimits};
use zeroize::Zeroizing;

use super::*;
use crate::auth::{Credentials, NewAccount, NewToken, accounts, accounts::Change};

const PASSWORD: &str = "a long enough password";

struct House {
    gate: Gate,
    random: SeededRandom,
    _folder: tempfile::TempDir,
}

fn at(s: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + s).unwrap()
}

impl House {
    /// A chart with the nurse `nina`.
    async fn new() -> House {
        let folder = tempfile::tempdir().unwrap();
        let root = RootKeyVariable::new("TEST", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
        let options = ChartOptions {
            data: folder.path().join("data"),
            root: Arc::new(root.unwrap()),
            random: Arc::new(SeededRandom::new(1)),
            policy: Arc::new(Policy::standard()),
            anchors: Vec::new(),
            limits: StoreLimits::default(),
        };
        let gate = Gate::new(Chart::init(options, at(0)).unwrap());
        let house = House { gate, random: SeededRandom::new(2), _folder: folder };
        let new = NewAccount {
            name: "nina".to_owned(),
            password: PASSWORD.to_owned(),
            role: Role::Nurse,
            practitioner: None,
        };
        accounts::create(&house.gate.chart, &house.cx(0), &house.random, new).await.unwrap();
        house
    }

    fn cx(&self, s: i64) -> Ctx {
        system_ctx(at(s), &self.random, "test")
    }

    async fn sign_in(
        &self,
        password: &str,
        new: Option<&str>,
        s: i64,
    ) -> Result<String, AuthError> {
        let given = Credentials {
            name: "nina".to_owned(),
            password: Zeroizing::new(password.to_owned()),
            new_password: new.map(|new| Zeroizing::new(new.to_owned())),
        };
        self.gate.sign_in(given, at(s), &self.random, "ward 3").await
    }

    async fn is_in(&self, cookie: &str, s: i64) -> bool {
        self.gate.session(cookie, at(s), &self.random).await.is_ok()
    }

    async fn log(&self, action: AuditAction) -> Vec<AuditEntry> {
        let filter = AuditFilter { limit: 1_000, ..AuditFilter::default() };
        let page = self.gate.chart.audit_entries(&self.cx(0), &filter).await.unwrap();
        page.entries.into_iter().filter(|entry| entry.action == action).collect()
    }
}

#[tokio::test]
async fn the_end_of_a_session_is_on_record_when_it_is_noticed() {
    let house = House::new().await;
    let cookie = house.sign_in(PASSWORD, None, 0).await.unwrap();
    assert!(house.is_in(&cookie, 899).await);
    assert!(!house.is_in(&cookie, 899 + 900).await);
    assert!(!house.is_in(&cookie, 899 + 900).await, "and only once");
    let log = house.log(AuditAction::Logout).await;
    let [entry] = &log[..] else { panic!("{} entries", log.len()) };
    assert_eq!((entry.role, entry.source.as_str()), (Role::Nurse, "ward 3"));
    assert_eq!(entry.actor.kind, ActorKind::Person);
    let why = "ended after 15 minutes without a request";
    assert!(entry.detail == Some(Phi::new(why.to_owned())));
}

#[tokio::test]
async fn the_end_of_a_session_is_on_record_when_nobody_comes_back() {
    let house = House::new().await;
    let (first, second) = (
        house.sign_in(PASSWORD, None, 0).await.unwrap(),
        house.sign_in(PASSWORD, None, 600).await.unwrap(),
    );
    house.gate.sweep(at(1_000), &house.random).await.unwrap();
    assert!(house.is_in(&second, 1_000).await && !house.is_in(&first, 1_000).await);
    house.gate.sweep(at(90_000), &house.random).await.unwrap();
    house.gate.sweep(at(90_000), &house.random).await.unwrap();
    assert_eq!(house.log(AuditAction::Logout).await.len(), 2);
    assert!(!house.is_in(&second, 90_000).await);
}

#[tokio::test]
async fn a_temporary_password_lapses() {
    let house = House::new().await;
    let id = accounts::id_of("nina").unwrap();
    let reset = async |s| {
        let cx = house.cx(s);
        let done = house.gate.change_account(&cx, &house.random, &id, Change::ResetPassword);
        done.await.unwrap().unwrap()
    };
    let new = Some("another long password");
    let temporary = reset(0).await;
    let late = house.sign_in(&temporary, new, 24 * 3600).await;
    assert!(matches!(late, Err(AuthError::Wrong)));
    let temporary = reset(30 * 3600).await;
    let none = house.sign_in(&temporary, None, 31 * 3600).await;
    assert!(matches!(none, Err(AuthError::Temporary)));
    house.sign_in(&temporary, new, 31 * 3600).await.unwrap();
    house.sign_in("another long password", None, 100 * 3600).await.unwrap();
}

#[tokio::test]
async fn the_last_sign_in_is_written_once_a_day() {
    let house = House::new().await;
    let id = accounts::id_of("nina").unwrap();
    let key = accounts::key_of_id(id.clone());
    let mut seen = Vec::new();
    for s in [0, 60, 120, 86_400, 86_460] {
        house.sign_in(PASSWORD, None, s).await.unwrap();
        let version = house.gate.chart.current(&key).unwrap().unwrap().0;
        let view = house.gate.account(&house.cx(s), &id).await.unwrap();
        seen.push((version, view.last_sign_in.unwrap()));
    }
    let day = |s| at(s).strftime("%Y-%m-%d").to_string();
    let (first, next) = (day(0), day(86_400));
    let expected = [(2, &first), (2, &first), (2, &first), (3, &next), (3, &next)];
    assert_eq!(seen, expected.map(|(version, day)| (version, day.clone())));
    assert_eq!(house.log(AuditAction::Login).await.len(), 5, "the log has every one");
}

#[tokio::test]
async fn a_token_that_ended_is_known_no_longer() {
    let house = House::new().await;
    let chart = &house.gate.chart;
    let make = async |expires| {
        let new = NewToken { role: Role::Integration, label: String::new(), expires };
        tokens::create(chart, &house.cx(0), &house.random, new).await.unwrap()
    };
    let opens =
        async |token: &str, s| house.gate.bearer(token, at(s), &house.random, "test").await.is_ok();
    let (kept, gone, short) = (make(None).await, make(None).await, make(Some(at(60))).await);
    for token in [&kept, &gone, &short] {
        assert!(opens(token, 1).await);
    }
    let id = hex(&password::token_digest(&gone)).parse().unwrap();
    house.gate.revoke_token(&house.cx(2), &id).await.unwrap();
    assert!(!opens(&gone, 3).await);
    assert!(opens(&short, 59).await && !opens(&short, 60).await);
    assert!(opens(&kept, 61).await);
    let uses = house.gate.last_uses();
    assert_eq!(uses.get(&hex(&password::token_digest(&kept))), Some(&at(61)));
    assert_eq!(uses.len(), 2, "what ended is forgotten");
}

/// Whichever comes first: who signs in while the account is closed has no session afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_slips_in_while_the_account_is_closed() {
    let house = House::new().await;
    let id = accounts::id_of("nina").unwrap();
    let key = accounts::key_of_id(id.clone());
    let version = || house.gate.chart.current(&key).unwrap().unwrap().0;
    let change = async |change, s| {
        let cx = house.cx(s);
        house.gate.change_account(&cx, &house.random, &id, change).await.unwrap();
    };
    for round in 0..20 {
        // A day apart: no failure slows the next, and each sign-in writes the account too.
        let s = round * 86_400;
        let before = version();
        let close = async {
            // Every other time just when the sign-in has written, and no session is there yet.
            while round % 2 == 0 && version() == before {
                tokio::task::yield_now().await;
            }
            change(Change::Deactivate, s).await;
        };
        let (cookie, ()) = tokio::join!(house.sign_in(PASSWORD, None, s), close);
        if let Ok(cookie) = cookie {
            assert!(!house.is_in(&cookie, s).await, "round {round}");
        }
        assert_eq!(house.gate.sessions_of(&house.cx(s), &id).await.unwrap().len(), 0);
        change(Change::Activate, s).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_ends_while_it_is_looked_up_is_not_known() {
    let house = House::new().await;
    for s in 0..20 {
        let new = NewToken { role: Role::Integration, label: String::new(), expires: None };
        let cx = house.cx(s);
        let token = tokens::create(&house.gate.chart, &cx, &house.random, new).await.unwrap();
        let id = hex(&password::token_digest(&token)).parse().unwrap();
        let used = house.gate.bearer(&token, at(s), &house.random, "test");
        let (_either, ended) = tokio::join!(used, house.gate.revoke_token(&cx, &id));
        ended.unwrap();
        assert!(house.gate.bearer(&token, at(s), &house.random, "test").await.is_err(), "{s}");
    }
}
