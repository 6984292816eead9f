//! Signed checkpoints of the Merkle log: what is kept outside, so that a rolled-back or rewritten
//! log is found.
//!
//! - Source: C2SP tlog-checkpoint and signed-note, signature type 1 (Ed25519).

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{CryptoFailed, Secret32, merkle::Hash, sha256};

/// The state of the log at one moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checkpoint {
    /// Which log, such as `ward.audit/<tenant>`. No spaces and no `+`; the reader refuses them.
    pub origin: String,
    pub len: u64,
    pub root: Hash,
    /// Milliseconds since 1970, as the signer's clock had it.
    pub time_ms: i64,
}

/// LIMIT: five short lines and one signature.
pub const CHECKPOINT_BYTES_MAX: usize = 2048;

#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CheckpointError {
    #[error("not a signed checkpoint: {0}")]
    Format(&'static str),
    #[error("the checkpoint's signature is not by this log's key")]
    Signature,
}

impl CheckpointError {
    /// The log, or what was kept outside, is not what Ward wrote.
    pub fn kind(&self) -> ward_core::Kind {
        ward_core::Kind::Unprocessable
    }
}

/// Signs checkpoints.
pub struct CheckpointSigner(Ed25519KeyPair);

impl CheckpointSigner {
    pub fn new(seed: &Secret32) -> Result<CheckpointSigner, CryptoFailed> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.expose()).map_err(|_| CryptoFailed)?;
        Ok(CheckpointSigner(pair))
    }

    pub fn public_key(&self) -> [u8; 32] {
        let mut key = [0; 32];
        for (to, from) in key.iter_mut().zip(self.0.public_key().as_ref()) {
            *to = *from;
        }
        key
    }

    /// The public key as other verifiers of signed notes take it: `origin+id+key`.
    pub fn verifier_key(&self, origin: &str) -> String {
        verifier_key(origin, &self.public_key())
    }

    /// The checkpoint as text with its signature.
    pub fn sign(&self, checkpoint: &Checkpoint) -> String {
        let body = body_of(checkpoint);
        let mut signature = key_id(&checkpoint.origin, &self.public_key()).to_vec();
        signature.extend_from_slice(self.0.sign(body.as_bytes()).as_ref());
        format!("{body}\n\u{2014} {} {}\n", checkpoint.origin, STANDARD.encode(signature))
    }
}

/// Reads a checkpoint signed by `public_key`.
pub fn verify(text: &str, public_key: &[u8; 32]) -> Result<Checkpoint, CheckpointError> {
    let (checkpoint, signatures) = parse(text)?;
    let signed = body_of(&checkpoint);
    let id = key_id(&checkpoint.origin, public_key);
    for line in signatures.lines() {
        let Some(rest) = line.strip_prefix("\u{2014} ") else { continue };
        let Some((name, signature)) = rest.split_once(' ') else { continue };
        let Ok(bytes) = STANDARD.decode(signature) else { continue };
        if let Some((claimed, signature)) = bytes.split_first_chunk::<4>()
            && name == checkpoint.origin
            && *claimed == id
        {
            return UnparsedPublicKey::new(&ED25519, public_key)
                .verify(signed.as_bytes(), signature)
                .map(|()| checkpoint)
                .map_err(|_| CheckpointError::Signature);
        }
    }
    Err(CheckpointError::Signature)
}

/// Takes a checkpoint apart without a look at who signed it: its claims and its signature lines.
pub fn parse(text: &str) -> Result<(Checkpoint, &str), CheckpointError> {
    let wrong = CheckpointError::Format;
    if CHECKPOINT_BYTES_MAX < text.len() {
        return Err(wrong("too long"));
    }
    let (body, signatures) = text.split_once("\n\n").ok_or(wrong("no signature"))?;
    let mut lines = body.split('\n');
    let mut next = |what| lines.next().ok_or(wrong(what));
    let origin = next("origin")?.to_owned();
    if origin.is_empty() || origin.contains(|c: char| c.is_whitespace() || c == '+') {
        return Err(wrong("origin"));
    }
    let len = next("size")?.parse().map_err(|_| wrong("size"))?;
    let root = STANDARD.decode(next("root")?).map_err(|_| wrong("root"))?;
    let root: Hash = root.try_into().map_err(|_| wrong("root"))?;
    let time = next("time")?.strip_prefix("time ").ok_or(wrong("time"))?;
    let time_ms = time.parse().map_err(|_| wrong("time"))?;
    let checkpoint = Checkpoint { origin, len, root, time_ms };
    // One checkpoint has one text: no sign, no leading zero, no further line.
    match body_of(&checkpoint).strip_suffix('\n') {
        Some(canonical) if canonical == body => Ok((checkpoint, signatures)),
        _ => Err(wrong("lines")),
    }
}

fn verifier_key(origin: &str, public_key: &[u8; 32]) -> String {
    let id = u32::from_be_bytes(key_id(origin, public_key));
    let mut key = [ED25519_NOTE].to_vec();
    key.extend_from_slice(public_key);
    format!("{origin}+{id:08x}+{}", STANDARD.encode(key))
}

/// The signature type Ed25519 of signed notes.
const ED25519_NOTE: u8 = 1;

fn body_of(checkpoint: &Checkpoint) -> String {
    let Checkpoint { origin, len, root, time_ms } = checkpoint;
    format!("{origin}\n{len}\n{}\ntime {time_ms}\n", STANDARD.encode(root))
}

/// Names the key in a signature line.
fn key_id(origin: &str, public_key: &[u8; 32]) -> [u8; 4] {
    let mut named = origin.as_bytes().to_vec();
    named.extend_from_slice(&[b'\n', ED25519_NOTE]);
    named.extend_from_slice(public_key);
    let [a, b, c, d, ..] = sha256(&named);
    [a, b, c, d]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn signed() -> (CheckpointSigner, Checkpoint, String) {
        let signer = CheckpointSigner::new(&Secret32::new([7; 32])).unwrap();
        let checkpoint =
            Checkpoint { origin: "ward.audit/x".to_owned(), len: 12, root: [3; 32], time_ms: 5 };
        let text = signer.sign(&checkpoint);
        (signer, checkpoint, text)
    }

    #[test]
    fn a_checkpoint_reads_back_and_a_changed_one_does_not() {
        let (signer, checkpoint, text) = signed();
        let key = signer.public_key();
        assert_eq!(verify(&text, &key), Ok(checkpoint));
        assert_eq!(
            verify(&text.replace("\n12\n", "\n11\n"), &key),
            Err(CheckpointError::Signature)
        );
        assert_eq!(
            verify(&text.replace("time 5", "time 6"), &key),
            Err(CheckpointError::Signature)
        );
        assert!(verify(&text.replace("\n12\n", "\n012\n"), &key).is_err());
        let other = CheckpointSigner::new(&Secret32::new([8; 32])).unwrap();
        assert_eq!(verify(&text, &other.public_key()), Err(CheckpointError::Signature));
    }

    #[test]
    fn the_public_key_is_written_as_other_verifiers_take_it() {
        // The example key of the Go package golang.org/x/mod/sumdb/note.
        let text = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        let key = STANDARD.decode(text.rsplit('+').next().unwrap()).unwrap();
        assert_eq!(verifier_key("PeterNeumann", key[1..].try_into().unwrap()), text);
    }

    #[test]
    fn the_text_is_as_specified() {
        let (signer, _, text) = signed();
        let signature = text.lines().last().unwrap().rsplit(' ').next().unwrap();
        let bytes = STANDARD.decode(signature).unwrap();
        assert_eq!(bytes.len(), 4 + 64);
        let root = "AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=";
        let body = format!("ward.audit/x\n12\n{root}\ntime 5\n");
        assert_eq!(text, format!("{body}\n\u{2014} ward.audit/x {signature}\n"));
        UnparsedPublicKey::new(&ED25519, signer.public_key())
            .verify(body.as_bytes(), &bytes[4..])
            .unwrap();
    }

    #[test]
    fn one_checkpoint_has_one_text() {
        let (signer, checkpoint, text) = signed();
        for (from, to) in [
            ("\n12\n", "\n+12\n"),
            ("\n12\n", "\n12\r\n"),
            ("time 5\n", "time 5\nmore\n"),
            ("time 5", "time 05"),
            ("ward.audit/x\n12", "\n12"),
        ] {
            let other = text.replacen(from, to, 1);
            assert!(matches!(parse(&other), Err(CheckpointError::Format(_))), "{to:?}");
        }
        for origin in ["", "a b", "a+b", "a\n7"] {
            let text = signer.sign(&Checkpoint { origin: origin.to_owned(), ..checkpoint.clone() });
            assert!(parse(&text).is_err(), "{origin:?}");
        }
        assert_eq!(parse(&text).map(|it| it.0), Ok(checkpoint));
    }

    proptest! {
        #[test]
        fn garbage_is_refused(text in ".{0,300}", cut in 0usize..300) {
            let (signer, _, signed) = signed();
            let key = signer.public_key();
            prop_assert!(verify(&text, &key).is_err());
            if let Some(part) = signed.get(..cut.min(signed.len() - 2)) {
                prop_assert!(verify(part, &key).is_err());
            }
        }
    }
}
