use proptest::prelude::*;

use super::*;
use crate::SeededRandom;

#[test]
fn a_key_file_is_private_and_checked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    let random = SeededRandom::new(1);
    let made = RootKeyFile::create(&path, None, &random).unwrap();
    let secret = Secret32::new([4; 32]);
    let wrapped = made.wrap(&secret, b"tenant").unwrap();

    let opened = RootKeyFile::open(&path, None).unwrap();
    assert_eq!(opened.unwrap(&wrapped, b"tenant").unwrap().expose(), secret.expose());
    assert!(matches!(opened.unwrap(&wrapped, b"other"), Err(RootKeyError::WrongRoot(_))));
    assert!(matches!(RootKeyFile::create(&path, None, &random), Err(RootKeyError::Io { .. })));
    std::fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(RootKeyFile::open(&path, None), Err(RootKeyError::Readable(_))));

    std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replacen(&text[20..21], "_", 1)).unwrap();
    assert!(matches!(RootKeyFile::open(&path, None), Err(RootKeyError::Format(_))));
}

#[test]
fn a_passphrase_is_needed_and_checked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    let made = RootKeyFile::create(&path, Some("correct horse"), &SeededRandom::new(1)).unwrap();
    let wrapped = made.wrap(&Secret32::new([4; 32]), b"x").unwrap();
    assert!(matches!(RootKeyFile::open(&path, None), Err(RootKeyError::PassphraseMissing)));
    assert!(matches!(
        RootKeyFile::open(&path, Some("battery")),
        Err(RootKeyError::PassphraseWrong)
    ));
    let opened = RootKeyFile::open(&path, Some("correct horse")).unwrap();
    assert!(opened.unwrap(&wrapped, b"x").is_ok());

    // What the passphrase costs is part of what is protected.
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("ward-root-key-1-argon2id\nm=65536,t=3,p=1\n"));
    for (cost, error) in [
        ("m=64,t=1,p=1", "wrong passphrase"),
        ("m=4294967295,t=3,p=1", "cost"),
        ("m=65536,t=0,p=1", "cost"),
        ("m=65536,t=3,p=2", "cost"),
        ("", "cost"),
    ] {
        std::fs::write(&path, text.replace("m=65536,t=3,p=1", cost)).unwrap();
        let refused = RootKeyFile::open(&path, Some("correct horse")).err().unwrap().to_string();
        assert!(refused.contains(error), "{cost}: {refused}");
    }
}

#[test]
fn a_change_of_root_wraps_anew() {
    let root = |byte: u8| RootKeyVariable::new("K", &STANDARD.encode([byte; 32])).unwrap();
    let (old, new) = (root(1), root(2));
    let wrapped = old.wrap(&Secret32::new([4; 32]), b"x").unwrap();
    let anew = rewrap(&old, &new, &wrapped, b"x").unwrap();
    assert_eq!(new.unwrap(&anew, b"x").unwrap().expose(), &[4; 32]);
    assert!(old.unwrap(&anew, b"x").is_err());
    assert!(rewrap(&new, &old, &wrapped, b"x").is_err());
}

#[test]
fn nothing_here_prints_its_key() {
    let secret = Secret32::new([0x41; 32]);
    assert_eq!(format!("{secret:?}"), "<secret>");
    let root = RootKeyVariable::new("WARD_ROOT", &STANDARD.encode([0x41; 32])).unwrap();
    assert_eq!(root.describe(), "environment variable WARD_ROOT");
}

#[test]
fn a_key_inside_the_data_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    assert!(RootKeyFile::check_outside(&data.join("keys"), &data).is_err());
    assert!(RootKeyFile::check_outside(&data.join("../data/keys"), &data).is_err());
    assert!(RootKeyFile::check_outside(&folder.path().join("data.keys"), &data).is_ok());
}

#[test]
fn a_variable_is_32_bytes_in_base64() {
    assert!(RootKeyVariable::new("K", &STANDARD.encode([1; 32])).is_ok());
    for bad in ["", "AAAA", "not base64!"] {
        assert!(matches!(RootKeyVariable::new("K", bad), Err(RootKeyError::Variable(_))));
    }
}

proptest! {
    #[test]
    fn garbage_is_no_key_file_and_unwraps_to_nothing(
        lines in prop::collection::vec(
            prop_oneof![
                Just("ward-root-key-1".to_owned()),
                Just("ward-root-key-1-argon2id".to_owned()),
                "m=[0-9]{0,12},t=[0-9]{0,4},p=[01]",
                prop::collection::vec(any::<u8>(), 0..40).prop_map(|bytes| line_of(&bytes)),
                ".{0,60}",
            ],
            0..6,
        ),
        garbage in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        let text = lines.join("\n");
        if let Ok(file) = KeyFile::parse(&text) {
            prop_assert!(text.starts_with("ward-root-key-1"));
            prop_assert_eq!(lines.len(), if file.needs_passphrase() { 4 } else { 2 });
        }
        let root = RootKeyVariable::new("K", &STANDARD.encode([1; 32])).unwrap();
        prop_assert!(matches!(root.unwrap(&garbage, b"x"), Err(RootKeyError::WrongRoot(_))));
    }
}
