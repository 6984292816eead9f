//! Payers at the other end of a folder, and of Da Vinci PAS.

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
    thread,
};

use serde_json::{Value, json};
use tempfile::TempDir;
use ward_tests::{Client, House, Server, wait_until};

use crate::billing::{
    PATIENCE, SIMULATED, admission, admit, answer_to, becomes, count, ends, insured, ok,
};

/// The files of a site with one payer by X12 and one by PAS.
struct Site {
    folder: TempDir,
}

impl Site {
    fn new(pas_url: &str, token: &str) -> Site {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        fs::write(at.join("token"), token).unwrap();
        fs::write(
            at.join("plans.toml"),
            r#"
            [[plan]]
            name = "Acme"
            payer = ["Acme Health"]
            ask = "x12"
            partner = "acme"

            [[plan]]
            name = "Beta"
            payer = ["Beta Health"]
            ask = "pas"
            partner = "beta"
            "#,
        )
        .unwrap();
        fs::write(
            at.join("payers.toml"),
            format!(
                r#"
                [provider]
                name = "General Hospital"
                npi = "1234567893"
                tax_id = "123456789"
                contact = "Billing"
                telephone = "555-123-4567"
                street = "1 High St"
                city = "Springfield"
                state = "IL"
                postal_code = "62701"

                [[payer]]
                name = "acme"
                way = "x12"
                folder = "acme"
                our_id = ["ZZ", "GENERAL"]
                their_id = ["ZZ", "ACME"]
                payer_name = "Acme Health"
                payer_id = "ACME01"
                test = true

                [[payer]]
                name = "beta"
                way = "pas"
                url = "{pas_url}"
                token_file = "token"
                poll_s = 1
                "#
            ),
        )
        .unwrap();
        Site { folder }
    }

    fn serve(&self, house: &House) -> Server {
        let path = |name: &str| self.folder.path().join(name).to_str().unwrap().to_owned();
        let (plans, payers) = (path("plans.toml"), path("payers.toml"));
        house.serve_with(&[("WARD_BILLING_PLANS", &plans), ("WARD_BILLING_PAYERS", &payers)])
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join("acme").join(name)
    }

    fn names(&self, name: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.at(name)) else { return Vec::new() };
        let names = entries.map(|it| it.unwrap().file_name().to_string_lossy().into_owned());
        let mut names: Vec<String> = names.filter(|it| !it.starts_with('.')).collect();
        names.sort();
        names
    }

    /// The first interchange that goes out and holds a word.
    fn sent(&self, word: &str) -> String {
        let find = || {
            let texts = self.names("out").into_iter().map(|it| self.at("out").join(it));
            texts.map(|it| fs::read_to_string(it).unwrap()).find(|it| it.contains(word))
        };
        assert!(wait_until(PATIENCE, || find().is_some()), "{word}: {:?}", self.names("out"));
        find().unwrap()
    }

    /// Puts a file where it is looked for, whole.
    fn give(&self, name: &str, text: &str) {
        let partial = self.at("in").join(format!(".{name}"));
        fs::write(&partial, text).unwrap();
        fs::rename(partial, self.at("in").join(name)).unwrap();
    }

    fn is_in(&self, folder: &str, name: &str) -> bool {
        wait_until(PATIENCE, || self.names(folder).iter().any(|it| it == name))
    }
}

/// Runs a command that opens no chart.
fn ward(args: &[&str]) -> (bool, String) {
    let output = std::process::Command::new(ward_tests::ward()).args(args).output().unwrap();
    (output.status.success(), String::from_utf8(output.stdout).unwrap())
}

/// An interchange of the payer.
fn from_payer(number: u32, functional: &str, version: &str, set: &str, body: &[&str]) -> String {
    let n = body.len() + 2;
    format!(
        "ISA*00*          *00*          *ZZ*ACME           *ZZ*GENERAL        \
         *260102*0830*^*00501*{number:09}*0*T*:~\n\
         GS*{functional}*ACME*GENERAL*20260102*0830*{number}*X*{version}~\n\
         ST*{set}*0001*{version}~\n{}~\nSE*{n}*0001~\nGE*1*{number}~\nIEA*1*{number:09}~\n",
        body.join("~\n")
    )
}

fn review(number: u32, trace: &str, decision: &str) -> String {
    let trn = format!("TRN*2*{trace}*9GENERALHO");
    from_payer(
        number,
        "HI",
        "005010X217",
        "278",
        &[
            "BHT*0007*11*R1*20260102*0831*18",
            "HL*1**20*1",
            "NM1*X3*2*ACME HEALTH*****PI*ACME01",
            "HL*2*1*21*1",
            "NM1*FA*2*GENERAL HOSPITAL*****XX*1234567893",
            "HL*3*2*22*1",
            "NM1*IL*1*MEYER*ANNA****MI*A-1",
            "HL*4*3*EV*0",
            &trn,
            "UM*AR*I**21:B",
            decision,
        ],
    )
}

fn trace_in(interchange: &str) -> String {
    let trn = interchange.lines().find(|it| it.starts_with("TRN*1*")).unwrap();
    trn.split('*').nth(2).unwrap().to_owned()
}

#[test]
fn a_stay_is_authorized_and_paid_by_files() {
    let house = House::new();
    let site = Site::new("http://127.0.0.1:9/fhir", "none");
    let mut server = site.serve(&house);
    let mut client = server.client();
    insured(&server, &house, "x12", "Acme Health", "A-1");
    let id = admit(&mut client, "x12");

    // Both questions in one interchange, which is as it should be.
    let asked = site.sent("ST*278*");
    assert!(
        asked.contains("ST*270*") && asked.contains("NM1*IL*1*MEYER*ANNA****MI*A-1~"),
        "{asked}"
    );
    assert!(asked.contains("HI*ABF:S72001A~"), "{asked}");
    let path = site.at("out").join(&site.names("out")[0]);
    let (is_good, said) = ward(&["x12", "validate", path.to_str().unwrap()]);
    assert!(is_good, "{said}");
    let trace = trace_in(&asked);

    // Killed while the answer lies there, again and again: it is taken once.
    server.kill();
    site.give("answer.x12", &review(7, &trace, "HCR*A1*AUTH-77"));
    for _ in 0..3 {
        server = site.serve(&house);
        server.kill();
    }
    server = site.serve(&house);
    client = server.client();
    let now = becomes(&mut client, &id, "granted");
    assert_eq!(
        (&now["authorizationOrigin"], &now["authorizationReference"]),
        (&json!("payer X12 278"), &json!("AUTH-77"))
    );
    assert!(site.is_in("done", "answer.x12"));
    assert_eq!(answer_to(&mut client, "x12")["meta"]["versionId"], "2");
    let acknowledged = site.sent("AK1*HI*7*005010X217~");
    assert!(acknowledged.contains("IK5*A~") && acknowledged.contains("AK9*A*1*1*1~"));

    // The number again, in another file: a duplicate, and nothing changes.
    site.give("again.x12", &review(7, &trace, "HCR*A3"));
    assert!(site.is_in("failed", "again.x12"));
    let refused = site.sent("*R*025~");
    assert!(refused.contains("TA1*000000007*260102*0830*R*025~"), "{refused}");
    assert_eq!(admission(&mut client, &id)["authorization"], "granted");

    // One that is not as it should be is refused, with its place.
    let bad = review(8, &trace, "HCR*A3").replace("UM*AR*I", "UM**I");
    site.give("bad.x12", &bad);
    assert!(site.is_in("failed", "bad.x12"));
    let refused = site.sent("IK3*UM*11**8~");
    assert!(refused.contains("IK4*1*1525*1~") && refused.contains("IK5*R*5~"), "{refused}");

    // Numbers that did not come are somebody's to ask for.
    site.give("gap.x12", &review(12, "NOBODYS", "HCR*A1*X"));
    assert!(site.is_in("done", "gap.x12"));
    assert_eq!(count(&mut client, "Task?code=x12-gap&status=on-hold"), 1);
    // Billing looks after it, without the rest of what waits on the wards.
    let mut clerk = Client::new(&server.address, Some(&house.token_for("billing")));
    let open = ok(&mut clerk, "GET", "/api/tasks", &Value::Null);
    let open = open["tasks"].as_array().unwrap();
    let gap = open.iter().find(|it| it["code"] == "x12-gap").unwrap();
    let path = format!("/api/tasks/{}/done", gap["id"].as_str().unwrap());
    ok(&mut clerk, "POST", &path, &json!({ "note": "the payer sends it again" }));
    assert_eq!(count(&mut client, "Task?code=x12-gap&status=on-hold"), 0);
    assert_eq!(clerk.get("/api/beds").status, 403);

    // The stay ends, and is billed by who may.
    let encounter = now["encounter"].as_str().unwrap().to_owned();
    let stay = encounter.trim_start_matches("Encounter/").to_owned();
    for (n, price) in [(1, 1200), (2, 300)] {
        let charge = json!({
            "resourceType": "ChargeItem", "id": format!("charge-{n}"), "status": "billable",
            "subject": { "reference": "Patient/x12" }, "context": { "reference": encounter },
            "code": { "coding": [{ "system": "http://www.ama-assn.org/go/cpt", "code": "99285" }] },
            "quantity": { "value": 1 }, "occurrenceDateTime": "2026-01-02",
            "priceOverride": { "value": price, "currency": "USD" },
        });
        ok(&mut client, "PUT", &format!("/fhir/ChargeItem/charge-{n}"), &charge);
    }
    let bill = format!("/api/encounters/{stay}/claim");
    assert_eq!(clerk.send("POST", &bill, &[], b"").unwrap().status, 409, "not over");
    ok(&mut client, "POST", &format!("/api/encounters/{stay}/discharge"), &json!({}));
    let mut nurse = Client::new(&server.address, Some(&house.token_for("nurse")));
    assert!(matches!(nurse.send("POST", &bill, &[], b"").unwrap().status, 403 | 404));
    let claim = ok(&mut clerk, "POST", &bill, &Value::Null);
    assert_eq!(claim["total"]["value"], 1500);
    assert_eq!(clerk.send("POST", &bill, &[], b"").unwrap().status, 409, "nothing is left");
    let sent = site.sent("ST*837*");
    assert!(
        sent.contains("REF*G1*AUTH-77~") && sent.contains("SV2*0500*HC:99285*1200*UN*1~"),
        "{sent}"
    );
    let number = sent.lines().find(|it| it.starts_with("CLM*")).unwrap();
    let number = number.split('*').nth(1).unwrap().to_owned();

    // The payment names it, and one that is nobody's.
    let paid = format!("CLP*{number}*1*1500*1150*250*CI*ICN-4*11*1");
    site.give("paid.x12", &from_payer(13, "HP", "005010X221A1", "835", &[
        "BPR*I*1150*C*ACH*CCP*01*021000021*DA*123456*9ACMEHEALT**01*021000089*DA*654321*20260110",
        "TRN*1*PAY-9*9ACMEHEALT",
        "N1*PR*ACME HEALTH*XV*ACME01",
        "N1*PE*GENERAL HOSPITAL*XX*1234567893",
        "LX*1",
        &paid,
        "CAS*PR*3*250",
        "CAS*CO*45*100",
        "CLP*NOBODYS*4*80*0*0*CI*ICN-5*11*1",
        "CAS*CO*29*80",
    ]));
    assert!(site.is_in("done", "paid.x12"));
    let posted = ok(&mut client, "GET", "/fhir/PaymentReconciliation", &Value::Null);
    let posted = &posted["entry"][0]["resource"];
    assert_eq!(
        (&posted["paymentAmount"]["value"], &posted["paymentDate"]),
        (&json!(1150), &json!("2026-01-10"))
    );
    let answer = posted["detail"][0]["response"]["reference"].as_str().unwrap();
    let answer = ok(&mut client, "GET", &format!("/fhir/{answer}"), &Value::Null);
    assert_eq!(answer["payment"]["amount"]["value"], 1150);
    assert_eq!(count(&mut client, "Task?code=x12-unknown-claim"), 1);
    assert_eq!(count(&mut client, "Task?code=x12-unbalanced"), 0);

    // A refusal of ours by the payer's reader is somebody's to look at.
    let number = sent.lines().find(|it| it.starts_with("GS*")).unwrap();
    let ak1 = format!("AK1*HC*{}*005010X223A2", number.split('*').nth(6).unwrap());
    site.give(
        "refusal.x12",
        &from_payer(
            14,
            "FA",
            "005010X231A1",
            "999",
            &[
                &ak1,
                "AK2*837*0001*005010X223A2",
                "IK3*DTP*20**8",
                "IK4*3*1251*8",
                "IK5*R*5",
                "AK9*R*1*1*0",
            ],
        ),
    );
    assert!(site.is_in("done", "refusal.x12"));
    let task = ok(&mut client, "GET", "/fhir/Task?code=payer-refused", &Value::Null);
    let why = task["entry"][0]["resource"]["businessStatus"]["text"].as_str().unwrap();
    assert!(why.contains("DTP at segment 20, element 3"), "{why}");
    house.must(&["audit", "verify"]);
}

const PASS: u8 = 0;
const DOWN: u8 = 1;
/// The payer hears the question, and its answer is lost.
const DEAF: u8 = 2;

/// A line to a payer that can be cut.
struct Line {
    address: String,
    mode: Arc<AtomicU8>,
    n_lost: Arc<AtomicU64>,
}

impl Line {
    fn to(address: &str) -> Line {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let own = listener.local_addr().unwrap().to_string();
        let (mode, n_lost) = (Arc::new(AtomicU8::new(PASS)), Arc::new(AtomicU64::new(0)));
        let (to, heard, lost) = (address.to_owned(), Arc::clone(&mode), Arc::clone(&n_lost));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                let (to, heard, lost) = (to.clone(), Arc::clone(&heard), Arc::clone(&lost));
                thread::spawn(move || carry(stream, &to, &heard, &lost));
            }
        });
        Line { address: own, mode, n_lost }
    }

    fn set(&self, mode: u8) {
        self.mode.store(mode, Ordering::SeqCst);
    }
}

fn carry(mut asker: TcpStream, to: &str, mode: &AtomicU8, n_lost: &AtomicU64) {
    if mode.load(Ordering::SeqCst) == DOWN {
        return;
    }
    let mut payer = TcpStream::connect(to).unwrap();
    let (mut back, mut asking) = (payer.try_clone().unwrap(), asker.try_clone().unwrap());
    thread::spawn(move || {
        let mut bytes = [0; 16 * 1024];
        while let Ok(n @ 1..) = asking.read(&mut bytes) {
            if payer.write_all(&bytes[..n]).is_err() {
                return;
            }
        }
        let _ended = payer.shutdown(std::net::Shutdown::Both);
    });
    let mut bytes = [0; 16 * 1024];
    while let Ok(n @ 1..) = back.read(&mut bytes) {
        match mode.load(Ordering::SeqCst) {
            PASS if asker.write_all(&bytes[..n]).is_ok() => {}
            PASS => return,
            _ => {
                n_lost.fetch_add(1, Ordering::SeqCst);
                let _ended = asker.shutdown(std::net::Shutdown::Both);
                return;
            }
        }
    }
    let _ended = asker.shutdown(std::net::Shutdown::Both);
}

#[test]
fn a_payer_is_asked_by_pas_whatever_happens_to_the_line() {
    let payer = House::new();
    let payers_server = payer.serve_with(&[SIMULATED]);
    let line = Line::to(&payers_server.address);
    let house = House::new();
    let site = Site::new(&format!("http://{}/fhir", line.address), &payer.token);
    let mut server = site.serve(&house);
    let mut client = server.client();
    for (id, member) in [("yes", "B-1"), ("no", "B-9"), ("later", "B-5"), ("lost", "B-6")] {
        insured(&server, &house, id, "Beta Health", member);
    }
    // The payer is not there: care goes on, and the authorization waits.
    line.set(DOWN);
    let yes = admit(&mut client, "yes");
    let denied = admit(&mut client, "no");
    let found = wait_until(PATIENCE, || count(&mut client, "ClaimResponse?outcome=queued") == 2);
    assert!(found && admission(&mut client, &yes)["authorization"] == "pended");
    line.set(PASS);
    let now = becomes(&mut client, &yes, "granted");
    assert_eq!(now["authorizationOrigin"], "PAS");
    assert!(now["authorizationReference"].as_str().unwrap().starts_with("SIM-"));
    becomes(&mut client, &denied, "denied");
    assert_eq!(count(&mut client, "Task?code=authorization-denied&status=on-hold"), 1);
    // Pended, and asked about until it is granted.
    let later = admit(&mut client, "later");
    becomes(&mut client, &later, "granted");
    let answer = answer_to(&mut client, "later");
    assert!(answer["disposition"].as_str().unwrap().contains("SIMULATED PAYER"), "{answer}");
    // The payer has heard it, the answer is lost, and the asker is killed: it asks the same again.
    line.set(DEAF);
    let lost = admit(&mut client, "lost");
    assert!(wait_until(PATIENCE, || 0 < line.n_lost.load(Ordering::SeqCst)));
    server.kill();
    line.set(PASS);
    server = site.serve(&house);
    client = server.client();
    let now = ends(&mut client, &lost, "granted");
    assert_eq!(now["authorizationOrigin"], "PAS");
    answer_to(&mut client, "lost");
    // Admitted, pended, granted.
    assert_eq!(count(&mut client, "Communication?subject=Patient/lost"), 3);
    house.must(&["audit", "verify"]);
}

#[test]
fn claims_of_others_are_answered_as_pas_has_it() {
    let house = House::new();
    let server = house.serve_with(&[SIMULATED]);
    let mut client = server.client();
    let claim = |id: &str, member: &str| {
        json!({
            "resourceType": "Bundle", "type": "collection",
            "entry": [
                { "fullUrl": "urn:uuid:c", "resource": {
                    "resourceType": "Claim", "status": "active", "use": "preauthorization",
                    "identifier": [{ "system": "urn:other", "value": id }],
                    "type": { "text": "institutional" }, "created": "2026-01-02",
                    "patient": { "reference": "urn:uuid:p" }, "priority": { "text": "normal" },
                    "provider": { "display": "another hospital" },
                    "insurance": [{ "sequence": 1, "focal": true, "coverage": { "reference": "urn:uuid:v" } }],
                    "item": [{ "sequence": 1, "productOrService": { "text": "stay" } }],
                } },
                { "fullUrl": "urn:uuid:v", "resource": {
                    "resourceType": "Coverage", "status": "active", "subscriberId": member,
                    "beneficiary": { "reference": "urn:uuid:p" }, "payor": [{ "display": "SIM" }],
                } },
            ],
        })
    };
    let ask = |client: &mut Client, operation: &str, id: &str, member: &str| {
        let path = format!("/fhir/Claim/${operation}");
        ok(client, "POST", &path, &claim(id, member))["entry"][0]["resource"].clone()
    };
    let first = ask(&mut client, "submit", "1", "N-5");
    assert_eq!(
        (&first["outcome"], &first["request"]["identifier"]["value"]),
        (&json!("queued"), &json!("1"))
    );
    let action =
        "/item/0/adjudication/0/extension/0/extension/0/valueCodeableConcept/coding/0/code";
    assert_eq!(first.pointer(action), Some(&json!("A4")));
    // The same again is the same; another member's is not.
    assert_eq!(ask(&mut client, "submit", "1", "N-5")["created"], first["created"]);
    let other = claim("1", "N-1").to_string();
    assert_eq!(
        client.send("POST", "/fhir/Claim/$submit", &[], other.as_bytes()).unwrap().status,
        409
    );
    let granted = |client: &mut Client| {
        let told = ask(client, "inquire", "1", "N-5");
        told["outcome"] == "complete" && told.pointer(action) == Some(&json!("A1"))
    };
    assert!(wait_until(PATIENCE, || granted(&mut client)));
    assert_eq!(ask(&mut client, "submit", "2", "N-9").pointer(action), Some(&json!("A3")));
    assert_eq!(ask(&mut client, "inquire", "unheard of", "N-1"), Value::Null);
    for (place, change) in [
        ("Bundle.entry[0].resource.identifier", "/entry/0/resource/identifier"),
        ("Bundle.entry[0].resource.insurance[0].coverage", "/entry/1/resource/subscriberId"),
        ("Bundle.entry[0].resource.use", "/entry/0/resource/use"),
        ("Bundle.entry[0].resource", "/entry/0/resource/resourceType"),
    ] {
        let mut bad = claim("3", "N-1");
        *bad.pointer_mut(change).unwrap() = Value::Null;
        let reply =
            client.send("POST", "/fhir/Claim/$submit", &[], bad.to_string().as_bytes()).unwrap();
        let issue = reply.json()["issue"][0].clone();
        assert_eq!((reply.status, &issue["expression"][0]), (400, &json!(place)), "{issue}");
    }
    let mut nurse = Client::new(&server.address, Some(&house.token_for("nurse")));
    let body = claim("4", "N-1").to_string();
    assert_eq!(
        nurse.send("POST", "/fhir/Claim/$submit", &[], body.as_bytes()).unwrap().status,
        403
    );
    // Nobody decides where no payer is played.
    let other = House::new();
    let plain = other.serve();
    let reply = plain.client().send("POST", "/fhir/Claim/$submit", &[], body.as_bytes()).unwrap();
    assert_eq!(reply.status, 404);
}

#[test]
fn files_are_read_judged_and_answered_on_the_command_line() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/ward-x12/tests/data");
    let sample = |name: &str| samples.join(name).to_str().unwrap().to_owned();
    let (is_good, parsed) = ward(&["x12", "parse", &sample("278-request.x12")]);
    assert!(is_good && parsed.contains("HI01\tABF:S72001A"), "{parsed}");
    let (is_good, said) = ward(&["x12", "validate", &sample("bad-date.x12")]);
    assert!(!is_good && said.contains("DMG02") && said.contains("IK403 8"), "{said}");
    let (is_good, told) = ward(&["x12", "answer", &sample("278-request.x12")]);
    assert!(is_good && told.contains("ST*278*") && told.contains("HCR*A4~"), "{told}");
    assert!(told.contains("MSG*SIMULATED PAYER~") && told.contains("IK5*A~"), "{told}");
    let (is_good, told) = ward(&["x12", "answer", &sample("bad-segment-count.x12")]);
    assert!(!is_good && told.contains("IK5*R*4~") && !told.contains("ST*271*"), "{told}");
    // What is answered is good itself.
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), ward(&["x12", "answer", &sample("two-groups.x12")]).1).unwrap();
    let (is_good, said) = ward(&["x12", "validate", file.path().to_str().unwrap()]);
    assert!(is_good, "{said}");
}
