//! Two hundred at the door of fifty beds, and everything that can break does.

use std::{
    collections::BTreeMap,
    os::unix::process::ExitStatusExt,
    path::PathBuf,
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use serde_json::json;
use ward_clinical::admission::{ADMISSION, Admission};
use ward_rules::workflow::{Definition, State, StepState};
use ward_store::workflow::{At, EngineError, Interrupt, Moment, Outcome, Trouble, Work, Workflow};

use crate::rig::{Folder, Rig};

const N_PATIENTS: usize = 200;
const N_BEDS: usize = 50;
const MOMENTS: [Moment; 2] = [Moment::BeforeCommit, Moment::AfterCommit];

/// What the child process is told: folder, step, moment, and how often the step comes by first.
const TOLD: &str = "WARD_CROWD";

/// Everybody comes at once. Who is not in a bed waits, every other one; the others are refused.
async fn all_at_once(rig: &Arc<Rig>) {
    let tasks: Vec<_> = (0..N_PATIENTS)
        .map(|n| {
            let rig = Arc::clone(rig);
            tokio::spawn(async move {
                let if_no_bed = if n % 2 == 0 { "wait" } else { "refuse" };
                let request = json!({ "ifNoBed": if_no_bed, "reasons": [{ "text": "Pneumonia" }] });
                match rig.admit(n, request).await {
                    Ok(_) | Err(EngineError::Interrupted) => {}
                    Err(error) => panic!("{error}"),
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

/// Whatever was broken off is gone on with, by who asks again and by the queue.
async fn all_again(rig: &Arc<Rig>) {
    all_at_once(rig).await;
    for _ in 0..3 {
        rig.pass(61);
        match rig.engine.work().await {
            Ok(_) | Err(EngineError::Interrupted) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

/// How many admissions ended how, by the state of the whole and of the step that finds a bed.
async fn ends(rig: &Rig) -> BTreeMap<&'static str, usize> {
    let mut ends = BTreeMap::new();
    for n in 0..N_PATIENTS {
        let id = format!("admission-{n}").parse().unwrap();
        let instance = rig.engine.read(&rig.cx(), &id).await.unwrap();
        let end = match (instance.kept.state, instance.step("assign-room").unwrap().state) {
            (State::Completed, StepState::Done) => "in a bed",
            (State::Running, StepState::Waiting) => "waits",
            (State::Cancelled, StepState::Failed) => "refused",
            (State::Cancelled, _) => "taken back",
            other => panic!("{n}: {other:?}"),
        };
        *ends.entry(end).or_default() += 1;
    }
    ends
}

async fn fifty_are_in(rig: &Rig, what: &str) {
    rig.check(N_PATIENTS).await;
    let ends = ends(rig).await;
    assert_eq!(ends.get("in a bed"), Some(&N_BEDS), "{what}: {ends:?}");
    assert_eq!(ends.values().sum::<usize>(), N_PATIENTS);
    assert_eq!(ends.get("taken back"), None, "{what}: {ends:?}");
    assert_eq!(rig.search("Encounter", "status=in-progress").await.len(), N_BEDS, "{what}");
    assert_eq!(rig.search("Communication", "").await.len(), N_BEDS, "{what}");
}

/// Ends its own process as `kill -9` does, when a step comes by for the nth time.
struct Kill {
    step: String,
    moment: String,
    left: AtomicI64,
}

impl Interrupt for Kill {
    fn stops(&self, step: &str, moment: Moment) -> bool {
        let is_it = step == self.step && format!("{moment:?}") == self.moment;
        if is_it && self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            let own = std::process::id().to_string();
            let killed = Command::new("kill").args(["-9", &own]).status();
            panic!("still alive: {killed:?}");
        }
        false
    }
}

/// The process that is killed. By itself it does nothing.
#[test]
#[ignore = "another test starts it"]
fn the_crowd_that_is_killed() {
    let Ok(told) = std::env::var(TOLD) else { return };
    let [folder, step, moment, nth]: [&str; 4] =
        told.split(',').collect::<Vec<_>>().try_into().unwrap();
    let nth: i64 = nth.parse().unwrap();
    let kill = Kill { step: step.to_owned(), moment: moment.to_owned(), left: AtomicI64::new(nth) };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
    runtime.block_on(async {
        let (folder, clock) = (Folder::at(PathBuf::from(folder)), Arc::new(AtomicI64::new(1)));
        let rig = Rig::open(folder, 77, clock, Some(Arc::new(kill))).await;
        all_at_once(&Arc::new(rig)).await;
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_are_in_however_the_house_is_killed() {
    let mut seed = 1000;
    for (n, step) in ADMISSION.steps.iter().enumerate() {
        // A kill before the payer's step has anything to write is one before the next step.
        for moment in MOMENTS {
            let what = format!("{} {moment:?}", step.name);
            let folder = Rig::new(N_BEDS, N_PATIENTS).await.closed();
            let told = format!("{},{},{moment:?},{}", folder.path.display(), step.name, 1 + n * 7);
            let child = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "crowd::the_crowd_that_is_killed", "--ignored", "--nocapture"])
                .env(TOLD, told)
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&child.stderr);
            assert_eq!(child.status.signal(), Some(9), "{what}: {said}");
            seed += 1;
            let rig = Rig::open(folder, seed, Arc::new(AtomicI64::new(20)), None).await;
            // At once, before anybody has gone on with anything.
            rig.check(N_PATIENTS).await;
            let rig = Arc::new(rig);
            all_again(&rig).await;
            fifty_are_in(&rig, &what).await;
        }
    }
}

/// Breaks the work of somebody off at every place, five times each, while others go on.
#[derive(Default)]
struct Everywhere {
    n: Mutex<BTreeMap<(String, Moment), usize>>,
}

impl Interrupt for Everywhere {
    fn stops(&self, step: &str, moment: Moment) -> bool {
        let mut n = self.n.lock().unwrap();
        let n = n.entry((step.to_owned(), moment)).or_default();
        *n += 1;
        *n <= 5
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_are_in_though_the_work_breaks_off_before_and_after_every_step() {
    let everywhere = Arc::new(Everywhere::default());
    let folder = Rig::new(N_BEDS, N_PATIENTS).await.closed();
    let clock = Arc::new(AtomicI64::new(1));
    let interrupt: Arc<dyn Interrupt> = everywhere.clone();
    let rig = Rig::open(folder, 5, clock, Some(interrupt)).await;
    let rig = Arc::new(rig);
    all_at_once(&rig).await;
    rig.check(N_PATIENTS).await;
    for _ in 0..4 {
        all_again(&rig).await;
        rig.check(N_PATIENTS).await;
    }
    let n = everywhere.n.lock().unwrap().clone();
    for step in ADMISSION.steps {
        for moment in MOMENTS {
            assert!(5 < n[&(step.name.to_owned(), moment)], "{} {moment:?}", step.name);
        }
    }
    fifty_are_in(&rig, "broken off").await;
}

/// An admission one of whose steps fails for some, forward or back.
struct Failing {
    inner: Arc<Admission>,
    n_failed: AtomicU64,
}

impl Failing {
    /// The step that fails for an instance: another for each, and none for some.
    fn fails_at(at: &At<'_>) -> Option<&'static str> {
        let n: usize = at.instance.id.as_str().rsplit('-').next()?.parse().ok()?;
        ADMISSION.steps.get(n % 10).map(|step| step.name)
    }
}

impl Workflow for Failing {
    fn definition(&self) -> &'static Definition {
        &ADMISSION
    }

    fn run(&self, at: &At<'_>, step: &str) -> Result<Work, Trouble> {
        if Self::fails_at(at) == Some(step) {
            self.n_failed.fetch_add(1, Ordering::Relaxed);
            return Ok(Work::ended(Outcome::Failed("injected".to_owned())));
        }
        self.inner.run(at, step)
    }

    fn undo(&self, at: &At<'_>, step: &str) -> Result<Work, Trouble> {
        self.inner.undo(at, step)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_fails_at_any_step_leaves_nothing_behind() {
    let rig = Rig::new(N_BEDS, N_PATIENTS).await;
    let rig = rig.with_flow(6, |beds| {
        Arc::new(Failing { inner: Admission::new(beds), n_failed: AtomicU64::new(0) })
    });
    let rig = Arc::new(rig.await);
    all_at_once(&rig).await;
    rig.check(N_PATIENTS).await;
    all_again(&rig).await;
    rig.check(N_PATIENTS).await;
    let ends = ends(&rig).await;
    // Of ten, three fail at a step that has to be; what else fails holds up nobody.
    assert_eq!(ends.get("in a bed"), Some(&N_BEDS), "{ends:?}");
    let n_back = ends.get("taken back").copied().unwrap_or_default();
    assert_eq!(n_back, 2 * N_PATIENTS / 10, "{ends:?}");
    let active = rig.search("Encounter", "status=arrived,in-progress").await.len();
    let waits = ends.get("waits").copied().unwrap_or_default();
    assert_eq!(active, N_BEDS + waits, "{ends:?}");
}
