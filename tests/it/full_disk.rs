//! A disk that fills up under a serving Ward.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;
use ward_tests::{Client, House, skip, wait_until};

/// Room on the small disk, and what is taken away beside Ward.
const DISK_MIB: usize = 64;
const FILLER_MIB: usize = 44;

/// Text that does not compress: forty of these are more than the room left.
const NOISE_BYTES: usize = 900 * 1024;
const N_RECORDS: usize = 40;

#[test]
fn a_full_disk_refuses_clearly_and_recovers() {
    let Some(disk) = SmallDisk::mount() else {
        return skip("a small disk cannot be mounted here; a full one is NOT tested");
    };
    let house = House::on(disk.path());
    let filler = disk.path().join("filler");
    fs::write(&filler, vec![0x5a; FILLER_MIB * 1024 * 1024]).unwrap();
    let mut server = house.serve();
    let mut client = server.client();

    let mut kept = BTreeSet::new();
    let mut n_refused = 0;
    for n in 0..N_RECORDS {
        let id = format!("big-{n}");
        let (status, answer) = put(&mut client, &id);
        if status == 201 {
            kept.insert(id);
            continue;
        }
        n_refused += 1;
        assert_eq!(status, 507, "{answer}");
        assert_eq!(answer["resourceType"], "OperationOutcome");
        assert!(server.is_up());
    }
    assert!(0 < n_refused && !kept.is_empty(), "{n_refused} refused, {} kept", kept.len());

    fs::remove_file(filler).unwrap();
    let mut again = (0, Value::Null);
    wait_until(Duration::from_secs(30), || {
        again = put(&mut client, "afterwards");
        again.0 == 201
    });
    assert_eq!(again.0, 201, "{}", again.1);
    // What was acknowledged is there, and what was refused is not.
    let all_of_it = |client: &mut Client| {
        for n in 0..N_RECORDS {
            let id = format!("big-{n}");
            let found = client.get(&format!("/fhir/Basic/{id}")).status;
            assert_eq!(found, if kept.contains(&id) { 200 } else { 404 }, "{id}");
        }
        let found = client.get("/fhir/Basic?code=urn:test%7Cfull&_summary=count").json();
        assert_eq!(found["total"], json!(kept.len() + 1));
    };
    all_of_it(&mut client);
    server.kill();
    house.must(&["audit", "verify"]);
    let server = house.serve();
    all_of_it(&mut server.client());
}

fn put(client: &mut Client, id: &str) -> (u16, Value) {
    let mut state = id.bytes().fold(0x9E37_79B9_7F4A_7C15_u64, |state, byte| {
        (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let noise: String = (0..NOISE_BYTES)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from(b'!' + u8::try_from((state >> 58) & 63).unwrap() % 58)
        })
        .filter(|letter| !matches!(letter, '"' | '\\'))
        .collect();
    let body = json!({
        "resourceType": "Basic",
        "id": id,
        "code": { "coding": [{ "system": "urn:test", "code": "full" }], "text": noise },
    });
    let path = format!("/fhir/Basic/{id}");
    let reply = client.send("PUT", &path, &[], body.to_string().as_bytes()).unwrap();
    (reply.status, serde_json::from_slice(&reply.body).unwrap_or(Value::Null))
}

/// A disk in memory that is taken down with this value.
struct SmallDisk(TempDir);

impl SmallDisk {
    /// `None` where mounting is not allowed.
    fn mount() -> Option<SmallDisk> {
        let folder = tempfile::tempdir().unwrap();
        let size = format!("size={DISK_MIB}m");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "ward-test"])
            .arg(folder.path())
            .output();
        mounted.is_ok_and(|it| it.status.success()).then(|| SmallDisk(folder))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let path: PathBuf = self.0.path().to_owned();
        // Lazily: a file may still be open while a failed test unwinds.
        let _done = Command::new("umount").arg("--lazy").arg(path).status();
    }
}
