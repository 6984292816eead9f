use proptest::prelude::*;

use super::*;
use crate::{OsRandom, SeededRandom};

fn aad() -> Aad<'static> {
    Aad {
        tenant: &[1; 16],
        scope: &[2; 16],
        kind: 3,
        id: &[4; 16],
        version: 5,
        codec: 6,
        label: "body",
    }
}

/// Seals with a given nonce and additional data, as the published vectors do.
fn raw(key: [u8; 32], nonce: &[u8; 24], plain: &[u8], aad: &[u8]) -> String {
    let key = SealingKey::new(&Secret32::new(key), 1).unwrap();
    let (key, nonce) = key.message_key(nonce).unwrap();
    let mut body = plain.to_vec();
    key.seal_in_place_append_tag(nonce, aead::Aad::from(aad), &mut body).unwrap();
    body.iter().map(|b| format!("{b:02x}")).collect()
}

#[test]
fn the_published_vectors_of_the_suite() {
    let nonce = b"ABCDEFGHIJKLMNOPQRSTUVWX";
    assert_eq!(
        raw([1; 32], nonce, b"XAES-256-GCM", b""),
        "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"
    );
    assert_eq!(
        raw([3; 32], nonce, b"XAES-256-GCM", b"c2sp.org/XAES-256-GCM"),
        "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"
    );
}

#[test]
fn a_record_opens_only_where_it_was_sealed() {
    let key = SealingKey::new(&Secret32::new([9; 32]), 7).unwrap();
    let mut sealed = Vec::new();
    key.seal_into(&aad(), b"plain", &OsRandom::default(), &mut sealed).unwrap();
    assert_eq!(sealed.len(), 5 + OVERHEAD);
    assert_eq!(key_version(&sealed), Ok(7));

    let open = |aad: &Aad<'_>, sealed: &[u8]| {
        let mut out = Vec::new();
        key.open_into(aad, sealed, &mut out).map(|()| out)
    };
    assert_eq!(open(&aad(), &sealed), Ok(b"plain".to_vec()));
    let elsewhere = [
        Aad { tenant: &[0; 16], ..aad() },
        Aad { scope: &[0; 16], ..aad() },
        Aad { kind: 0, ..aad() },
        Aad { id: &[0; 16], ..aad() },
        Aad { version: 0, ..aad() },
        Aad { codec: 0, ..aad() },
        Aad { label: "terms", ..aad() },
    ];
    for place in elsewhere {
        assert_eq!(open(&place, &sealed), Err(OpenError::Tampered), "{place:?}");
    }
    for at in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        assert!(open(&aad(), &changed).is_err(), "byte {at}");
    }
    for len in 0..sealed.len() {
        assert!(open(&aad(), &sealed[..len]).is_err());
    }
    let other = SealingKey::new(&Secret32::new([8; 32]), 7).unwrap();
    let mut out = b"kept".to_vec();
    assert_eq!(other.open_into(&aad(), &sealed, &mut out), Err(OpenError::Tampered));
    assert_eq!(out, b"kept", "nothing of a refused record is left behind");
}

proptest! {
    #[test]
    fn everything_round_trips_and_garbage_never_opens(
        plain in prop::collection::vec(any::<u8>(), 0..3000),
        garbage in prop::collection::vec(any::<u8>(), 0..200),
        seed: u64,
    ) {
        let key = SealingKey::new(&Secret32::new([9; 32]), 1).unwrap();
        let mut sealed = Vec::new();
        key.seal_into(&aad(), &plain, &SeededRandom::new(seed), &mut sealed).unwrap();
        let mut out = Vec::new();
        key.open_into(&aad(), &sealed, &mut out).unwrap();
        prop_assert_eq!(out, plain);
        prop_assert!(key.open_into(&aad(), &garbage, &mut Vec::new()).is_err());
    }
}
