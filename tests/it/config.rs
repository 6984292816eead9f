//! Settings: where they come from, and what is said when they cannot be used.

use std::{fs, os::unix::fs::PermissionsExt, process::Command};

use ward_tests::{House, ward};

#[test]
fn the_file_in_the_data_folder_counts() {
    let house = House::new();
    let file = house.data().join("ward.toml");
    fs::write(&file, "[http]\naddress = \"127.0.0.1:4711\"\n").unwrap();
    let printed = said(&house.must(&["config", "print"]).stdout);
    let line = format!("address = \"127.0.0.1:4711\" # {} line 2", file.display());
    assert!(printed.lines().any(|it| it == line), "{printed}");
    let output = Command::new(ward())
        .args(["config", "print", "--data"])
        .arg(house.data())
        .env("WARD_HTTP_ADDRESS", "127.0.0.1:4712")
        .env("WARD_ROOT_KEY", "not-to-be-seen")
        .output()
        .unwrap();
    let printed = said(&output.stdout);
    assert!(printed.contains("127.0.0.1:4712\" # WARD_HTTP_ADDRESS"), "{printed}");
    assert!(!printed.contains("not-to-be-seen"));
}

#[test]
fn a_wrong_name_is_an_error_everywhere() {
    let house = House::new();
    let file = house.data().join("ward.toml");
    fs::write(&file, "[http]\nadress = \"127.0.0.1:1\"\n").unwrap();
    for command in [&["config", "check"][..], &["config", "print"], &["serve"], &["scrub"]] {
        let output = house.run(command);
        assert!(!output.status.success(), "{command:?}");
        let why = said(&output.stderr);
        let says = "line 2, column 1: no such setting `http.adress`; is it `address`?";
        assert!(why.contains(says), "{command:?}: {why}");
    }
}

#[test]
fn a_data_folder_does_not_name_another() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("ward-data");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("ward.toml"), "data = \"/elsewhere\"\n").unwrap();
    let print = |args: &[&str]| {
        let mut command = Command::new(ward());
        command.args(["config", "print"]).args(args).current_dir(folder.path()).output().unwrap()
    };
    let output = print(&[]);
    assert!(!output.status.success());
    let why = said(&output.stderr);
    assert!(why.contains("cannot name another"), "{why}");
    // The command line has the last word, and there is no other.
    assert!(print(&["--data", "ward-data"]).status.success());
}

#[test]
fn check_tells_good_from_wrong() {
    let house = House::new();
    let check = |house: &House| {
        let output = house.run(&["config", "check"]);
        (output.status.success(), said(&output.stdout))
    };
    let file = house.data().join("ward.toml");
    fs::write(&file, "[http]\naddress = \"127.0.0.1:0\"\n").unwrap();
    let (is_good, says) = check(&house);
    assert!(is_good && !says.contains("WRONG"), "{says}");

    // Each fault by itself is found, and only it.
    let keys = house.data().with_extension("keys");
    fs::set_permissions(&keys, fs::Permissions::from_mode(0o644)).unwrap();
    only_wrong(&check(&house).1, "can be read by others");
    fs::set_permissions(&keys, fs::Permissions::from_mode(0o600)).unwrap();
    for (text, says) in [
        ("[http]\naddress = \"0.0.0.0:0\"\n", "reached from outside"),
        ("[http]\naddress = \"192.0.2.1:1\"\nallow_plaintext = true\n", "cannot be used"),
        ("[audit]\ncheckpoint_dir = \"/nowhere/at/all\"\n", "checkpoint_dir"),
        ("[audit]\ncheckpoint_dir = \".\"\n", "must lie outside"),
        ("[http]\ntls_cert = \"c.pem\"\n", "only used together"),
        ("keys = \"ward.toml\"\n", "inside the data folder"),
    ] {
        fs::write(&file, text).unwrap();
        let (is_good, told) = check(&house);
        assert!(!is_good && told.contains(says), "{text}: {told}");
    }
}

#[test]
fn check_tells_when_certificates_end() {
    let house = House::new();
    let folder = house.data().with_extension("tls");
    fs::create_dir(&folder).unwrap();
    for (days, says) in
        [("400", "good   `http.tls_cert` holds until"), ("9", "doubt  `http.tls_cert` ends soon")]
    {
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"])
            .args(["-nodes", "-subj", "/CN=ward.example", "-days", days, "-keyout", "key.pem"])
            .args(["-out", "cert.pem"])
            .current_dir(&folder)
            .output();
        if made.is_err() {
            return ward_tests::skip("openssl is not on this machine");
        }
        let (cert, key) = (folder.join("cert.pem"), folder.join("key.pem"));
        let text = format!(
            "[http]\naddress = \"127.0.0.1:0\"\ntls_cert = {:?}\ntls_key = {:?}\n",
            cert.to_str().unwrap(),
            key.to_str().unwrap()
        );
        fs::write(house.data().join("ward.toml"), text).unwrap();
        let told = said(&house.must(&["config", "check"]).stdout);
        assert!(told.contains(says), "{told}");
    }
}

fn only_wrong(told: &str, says: &str) {
    let wrong: Vec<&str> = told.lines().filter(|line| line.starts_with("WRONG")).collect();
    assert!(matches!(wrong.as_slice(), [line] if line.contains(says)), "{told}");
}

fn said(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}
