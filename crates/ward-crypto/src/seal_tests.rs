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
fn raw_bytes(key: [u8; 32], nonce: &[u8; 24], plain: &[u8], aad: &[u8]) -> Vec<u8> {
    let key = SealingKey::new(&Secret32::new(key), 1).unwrap();
    let (key, nonce) = key.message_key(nonce).unwrap();
    let mut body = plain.to_vec();
    key.seal_in_place_append_tag(nonce, aead::Aad::from(aad), &mut body).unwrap();
    body
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn raw(key: [u8; 32], nonce: &[u8; 24], plain: &[u8], aad: &[u8]) -> String {
    hex(&raw_bytes(key, nonce, plain, aad))
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

/// Source: C2SP XAES-256-GCM, "Test Vectors": inputs are one SHAKE128 stream over nothing, and the
/// cipher texts go into another.
#[test]
fn the_published_accumulated_vector() {
    use sha3::{
        Shake128,
        digest::{ExtendableOutput, Update, XofReader},
    };
    let mut inputs = Shake128::default().finalize_xof();
    let mut outputs = Shake128::default();
    for _ in 0..10_000 {
        let (mut key, mut nonce, mut len) = ([0; 32], [0; 24], [0; 1]);
        inputs.read(&mut key);
        inputs.read(&mut nonce);
        inputs.read(&mut len);
        let mut plain = vec![0; usize::from(len[0])];
        inputs.read(&mut plain);
        inputs.read(&mut len);
        let mut aad = vec![0; usize::from(len[0])];
        inputs.read(&mut aad);
        outputs.update(&raw_bytes(key, &nonce, &plain, &aad));
    }
    let mut sum = [0; 32];
    outputs.finalize_xof().read(&mut sum);
    assert_eq!(hex(&sum), "e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939");
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
    fn another_implementation_opens_what_we_seal(
        secret: [u8; 32],
        plain in prop::collection::vec(any::<u8>(), 0..500),
        seed: u64,
    ) {
        use xaes_256_gcm::{Xaes256Gcm, aead::{Aead, KeyInit, Payload}};
        let key = SealingKey::new(&Secret32::new(secret), 7).unwrap();
        let mut sealed = Vec::new();
        key.seal_into(&aad(), &plain, &SeededRandom::new(seed), &mut sealed).unwrap();
        // The layout is written out here, so that a change of it does not pass unseen.
        prop_assert_eq!(&sealed[..6], &[1, 1, 0, 0, 0, 7]);
        let mut place = b"ward1".to_vec();
        place.extend([1; 16]);
        place.extend([2; 16]);
        place.extend([0, 3]);
        place.extend([4; 16]);
        place.extend([0, 0, 0, 5, 6]);
        place.extend(b"body");
        let nonce: [u8; 24] = sealed[6..30].try_into().unwrap();
        let opened = Xaes256Gcm::new(&secret.into())
            .decrypt(&nonce.into(), Payload { msg: &sealed[30..], aad: &place });
        prop_assert_eq!(opened.ok(), Some(plain));
    }

    #[test]
    fn a_head_is_read_from_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        match SealedHead::read(&bytes) {
            Ok(head) => {
                prop_assert!(bytes.len() >= 6 && bytes[0] == 1 && (1..=2).contains(&bytes[1]));
                prop_assert_eq!(key_version(&bytes), Ok(head.key_version));
            }
            Err(error) => prop_assert_eq!(key_version(&bytes), Err(error)),
        }
    }

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

/// How long one record takes. Not a test of speed: run it by hand with
/// `cargo test --release -p ward-crypto -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn measure() {
    let key = SealingKey::new(&Secret32::new([9; 32]), 1).unwrap();
    let random = OsRandom::default();
    let plain = vec![7; 1024];
    let (mut sealed, mut out) = (Vec::new(), Vec::new());
    let n = 200_000_u32;
    let start = std::time::Instant::now();
    for _ in 0..n {
        sealed.clear();
        key.seal_into(&aad(), &plain, &random, &mut sealed).unwrap();
    }
    println!("seal 1 KiB: {:?}", start.elapsed() / n);
    let start = std::time::Instant::now();
    for _ in 0..n {
        out.clear();
        key.open_into(&aad(), &sealed, &mut out).unwrap();
    }
    println!("open 1 KiB: {:?}", start.elapsed() / n);
    let tokens = crate::TokenKey::new(&Secret32::new([9; 32]));
    let start = std::time::Instant::now();
    let mut sum = 0_u8;
    for _ in 0..n {
        sum ^= tokens.token8_raw(&plain[..40])[0];
    }
    println!("token of 40 bytes: {:?} ({sum})", start.elapsed() / n);
}
