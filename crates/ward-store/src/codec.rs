//! Compression before sealing: what is sealed no longer compresses.
//!
//! Records of a few hundred bytes share most of their words, so a dictionary stands in for the
//! history that a short text does not have: simulated records, written for this purpose, one of
//! each common sort, and their packed terms. An edition on disk never changes; a better one gets a
//! number of its own.

use std::{cell::RefCell, sync::LazyLock};

use ward_core::limits::RESOURCE_BYTES_MAX;
use zstd::{
    bulk::{Compressor, Decompressor},
    dict::{DecoderDictionary, EncoderDictionary},
};

/// How plain bytes were made shorter. Numbers are on disk and never reused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Codec(u8);

impl Codec {
    const PLAIN: Codec = Codec(0);
    pub(crate) const ZSTD: Codec = Codec(1);
    /// zstd with the dictionary for bodies, first edition: only text.
    const BODY_1: Codec = Codec(2);
    /// zstd with the dictionary for packed terms, first edition: only text.
    const TERMS_1: Codec = Codec(3);
    /// zstd with the dictionary for bodies, second edition: text and statistics.
    pub(crate) const BODY: Codec = Codec(4);
    /// zstd with the dictionary for packed terms, second edition: text and statistics.
    pub(crate) const TERMS: Codec = Codec(5);
    /// zstd with the dictionary for messages of interfaces.
    pub(crate) const MESSAGE: Codec = Codec(6);

    pub(crate) fn number(self) -> u8 {
        self.0
    }

    pub(crate) fn from_number(number: u8) -> Option<Codec> {
        (number <= Self::MESSAGE.0).then_some(Codec(number))
    }
}

#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    #[error("compressed with a codec that this release does not know")]
    Unknown,
    #[error("compressed bytes are damaged or longer than allowed")]
    Damaged,
    #[error("compression failed")]
    Failed(#[source] std::io::Error),
}

/// zstd's default; higher levels cost more than they save on records this short.
const LEVEL: i32 = 3;

/// For messages, which are packed while their sender waits: of 119 real ones it costs 43% less time
/// than level 3 and 1% more room.
const MESSAGE_LEVEL: i32 = 1;

/// Below this many bytes a frame's own header eats what compression saves.
const WORTH_BYTES_MIN: usize = 24;

/// Largest plain text a compressed one may open to, in bytes.
/// LIMIT: one resource, and its terms, which are never longer.
const PLAIN_BYTES_MAX: usize = RESOURCE_BYTES_MAX + 1024;

static BODY_1: &[u8] = include_bytes!("../data/samples-1.ndjson");
static TERMS_1: &[u8] = include_bytes!("../data/terms-1.zdict");

static BODY_2: &[u8] = include_bytes!("../data/body-2.zdict");
static TERMS_2: &[u8] = include_bytes!("../data/terms-2.zdict");
static MESSAGE: &[u8] = include_bytes!("../data/message-1.zdict");

static ENCODE_BODY: LazyLock<EncoderDictionary<'static>> =
    LazyLock::new(|| EncoderDictionary::copy(BODY_2, LEVEL));
static ENCODE_TERMS: LazyLock<EncoderDictionary<'static>> =
    LazyLock::new(|| EncoderDictionary::copy(TERMS_2, LEVEL));
static ENCODE_MESSAGE: LazyLock<EncoderDictionary<'static>> =
    LazyLock::new(|| EncoderDictionary::copy(MESSAGE, MESSAGE_LEVEL));
static DECODE_BODY_1: LazyLock<DecoderDictionary<'static>> =
    LazyLock::new(|| DecoderDictionary::copy(BODY_1));
static DECODE_TERMS_1: LazyLock<DecoderDictionary<'static>> =
    LazyLock::new(|| DecoderDictionary::copy(TERMS_1));
static DECODE_BODY: LazyLock<DecoderDictionary<'static>> =
    LazyLock::new(|| DecoderDictionary::copy(BODY_2));
static DECODE_TERMS: LazyLock<DecoderDictionary<'static>> =
    LazyLock::new(|| DecoderDictionary::copy(TERMS_2));
static DECODE_MESSAGE: LazyLock<DecoderDictionary<'static>> =
    LazyLock::new(|| DecoderDictionary::copy(MESSAGE));

thread_local! {
    // Contexts are large and slow to make; each thread keeps its own.
    static BODY_OUT: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static ZSTD_OUT: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static TERMS_OUT: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static MESSAGE_OUT: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static BODY_1_IN: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
    static TERMS_1_IN: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
    static BODY_IN: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
    static TERMS_IN: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
    static MESSAGE_IN: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Compresses `plain`, or says that it is better left as it is.
///
/// - Shape: the length of the plain text in 4 bytes, then one zstd frame.
pub(crate) fn compress(wanted: Codec, plain: &[u8]) -> Result<(Codec, Vec<u8>), CodecError> {
    let as_is = || Ok((Codec::PLAIN, plain.to_vec()));
    if plain.len() < WORTH_BYTES_MIN || PLAIN_BYTES_MAX < plain.len() {
        return as_is();
    }
    let packed = match wanted {
        Codec::BODY => compress_on(&BODY_OUT, &ENCODE_BODY, plain),
        Codec::TERMS => compress_on(&TERMS_OUT, &ENCODE_TERMS, plain),
        Codec::MESSAGE => compress_on(&MESSAGE_OUT, &ENCODE_MESSAGE, plain),
        _ => ZSTD_OUT.with_borrow_mut(|slot| {
            let compressor = match slot {
                Some(compressor) => compressor,
                None => slot.insert(Compressor::new(LEVEL)?),
            };
            compressor.compress(plain)
        }),
    }
    .map_err(CodecError::Failed)?;
    if plain.len() <= packed.len() + 4 {
        return as_is();
    }
    let Ok(len) = u32::try_from(plain.len()) else { return as_is() };
    let mut out = Vec::with_capacity(4 + packed.len());
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(&packed);
    Ok((wanted, out))
}

/// Appends the plain form of `packed` to `out`, never more than [`PLAIN_BYTES_MAX`].
pub(crate) fn decompress(codec: Codec, packed: &[u8], out: &mut Vec<u8>) -> Result<(), CodecError> {
    if codec == Codec::PLAIN {
        out.extend_from_slice(packed);
        return Ok(());
    }
    let (len, frame) = packed.split_first_chunk::<4>().ok_or(CodecError::Damaged)?;
    let len = usize::try_from(u32::from_be_bytes(*len)).map_err(|_| CodecError::Damaged)?;
    if PLAIN_BYTES_MAX < len {
        return Err(CodecError::Damaged);
    }
    let plain = match codec {
        Codec::BODY_1 => decompress_on(&BODY_1_IN, &DECODE_BODY_1, frame, len),
        Codec::TERMS_1 => decompress_on(&TERMS_1_IN, &DECODE_TERMS_1, frame, len),
        Codec::BODY => decompress_on(&BODY_IN, &DECODE_BODY, frame, len),
        Codec::TERMS => decompress_on(&TERMS_IN, &DECODE_TERMS, frame, len),
        Codec::MESSAGE => decompress_on(&MESSAGE_IN, &DECODE_MESSAGE, frame, len),
        Codec::ZSTD => zstd::bulk::decompress(frame, len),
        _ => return Err(CodecError::Unknown),
    }
    .map_err(|_| CodecError::Damaged)?;
    if plain.len() != len {
        return Err(CodecError::Damaged);
    }
    out.extend_from_slice(&plain);
    Ok(())
}

type Slot<T> = std::thread::LocalKey<RefCell<Option<T>>>;

fn compress_on(
    slot: &'static Slot<Compressor<'static>>,
    dictionary: &'static LazyLock<EncoderDictionary<'static>>,
    plain: &[u8],
) -> std::io::Result<Vec<u8>> {
    slot.with_borrow_mut(|slot| {
        let compressor = match slot {
            Some(compressor) => compressor,
            None => {
                let slot = slot.insert(Compressor::with_prepared_dictionary(dictionary)?);
                // The codec says which dictionary it is, and the length stands before the frame.
                slot.include_dictid(false)?;
                slot.include_contentsize(false)?;
                slot
            }
        };
        compressor.compress(plain)
    })
}

fn decompress_on(
    slot: &'static Slot<Decompressor<'static>>,
    dictionary: &'static LazyLock<DecoderDictionary<'static>>,
    frame: &[u8],
    len: usize,
) -> std::io::Result<Vec<u8>> {
    slot.with_borrow_mut(|slot| {
        let decompressor = match slot {
            Some(decompressor) => decompressor,
            None => slot.insert(Decompressor::with_prepared_dictionary(dictionary)?),
        };
        decompressor.decompress(frame, len)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out() {
        let text = br#"{"resourceType":"Patient","id":"1","active":true,"gender":"female"}"#;
        for codec in [Codec::ZSTD, Codec::BODY, Codec::TERMS, Codec::MESSAGE] {
            for plain in [&b""[..], b"short", text, &text.repeat(500)] {
                let (used, packed) = compress(codec, plain).unwrap();
                let mut out = b"kept".to_vec();
                decompress(used, &packed, &mut out).unwrap();
                assert_eq!(&out[4..], plain);
            }
        }
    }

    /// What is compressed in practice: bodies with their id in front, and packed terms.
    struct Samples {
        bodies: Vec<Vec<u8>>,
        terms: Vec<Vec<u8>>,
    }

    impl Samples {
        fn add(&mut self, mut json: ward_fhir::Json<'_>) {
            use ward_fhir::Json;
            let kind = json.get("resourceType").and_then(Json::as_str).unwrap();
            let kind: ward_core::ResourceType = kind.parse().unwrap();
            let id = json.get("id").and_then(Json::as_str).unwrap().to_owned();
            let meta = br#"{"versionId":"1","lastUpdated":"2026-01-02T03:04:05.678Z"}"#;
            if let Some(object) = json.as_object_mut()
                && object.get("meta").is_none()
            {
                object.insert_at(2, "meta", Json::parse(meta).unwrap());
            }
            let mut body = vec![u8::try_from(id.len()).unwrap()];
            body.extend_from_slice(id.as_bytes());
            body.extend_from_slice(&json.to_bytes());
            self.bodies.push(body);
            let mut terms = Vec::new();
            ward_fhir::search::pack(&ward_fhir::search::extract(kind, &json).terms, &mut terms);
            self.terms.push(terms);
        }
    }

    fn samples() -> Samples {
        let mut samples = Samples { bodies: Vec::new(), terms: Vec::new() };
        // Each sort of the first edition's samples counts as much as a few simulated patients.
        for line in BODY_1.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
            for _ in 0..4 {
                samples.add(ward_fhir::Json::parse(line).unwrap());
            }
        }
        let hospital = ward_sim::Hospital::new(2);
        for n in 0..60 {
            let bundle = String::from_utf8(hospital.patient_bundle(n)).unwrap();
            let tree = ward_fhir::Json::parse(bundle.as_bytes()).unwrap();
            // Links as the chart keeps them.
            let mut text = bundle.clone();
            for entry in tree.get("entry").unwrap().items() {
                let url = entry.get("fullUrl").and_then(ward_fhir::Json::as_str).unwrap();
                let kind = entry.get("resource").and_then(|it| it.get("resourceType")).unwrap();
                let id = url.trim_start_matches("urn:uuid:");
                let path = format!("{}/{id}", kind.as_str().unwrap());
                text = text.replace(url, &path);
            }
            let tree = ward_fhir::Json::parse(text.as_bytes()).unwrap();
            for entry in tree.get("entry").unwrap().items() {
                let path = entry.get("fullUrl").and_then(ward_fhir::Json::as_str).unwrap();
                let id = path.split_once('/').unwrap().1.to_owned();
                let mut resource = entry.get("resource").unwrap().clone();
                let object = resource.as_object_mut().unwrap();
                object.insert_at(1, "id", ward_fhir::Json::string(id));
                samples.add(resource);
            }
        }
        samples
    }

    /// Messages of a day as they are kept: the bytes, and what stands with them.
    fn messages() -> Vec<Vec<u8>> {
        let midnight: jiff::Timestamp = "2026-01-02T00:00:00Z".parse().unwrap();
        let mut samples = Vec::new();
        for (n, sent) in ward_sim::Hospital::new(2).day(midnight, 150).into_iter().enumerate() {
            let fields: Vec<&str> = sent.text.split('|').collect();
            let (event, id) = (fields[8].replace("^ADT_A01", ""), fields[9]);
            let sender = format!("{}|{}", fields[2], fields[3]);
            let detail = [
                r#"{"peer":"10.1.2.3"}"#,
                r#"{"peer":"10.1.2.3","records":["Patient/01a22362-4b30-7333-9630-50bdc1db13c3","Encounter/61747638-4b4d-8197-bd84-3f6c586f22d7"]}"#,
            ][n % 2];
            let answer = format!(
                "MSH|^~\\&|WARD|HOSP|{sender}|20260102080{n:03}||ACK^{event}^ACK|0H3K5M7P9R1T3V5X{n:04}|P|2.5.1\rMSA|AA|{id}\r"
            );
            let parts = ["adt", &event, id, &sender, "", detail, &answer].map(str::as_bytes);
            samples.push(crate::message::sealing::head_of(parts).unwrap());
            samples.push(sent.text.into_bytes());
        }
        samples
    }

    /// Writes the dictionary for messages. Only for a new edition.
    #[test]
    #[ignore = "writes into the source tree"]
    fn write_dictionary_of_messages() {
        let bytes = zstd::dict::from_samples(&messages(), 32 * 1024).unwrap();
        let folder = std::env::var("CARGO_MANIFEST_DIR").unwrap();
        std::fs::write(format!("{folder}/data/message-1.zdict"), bytes).unwrap();
    }

    #[test]
    fn a_dictionary_more_than_halves_a_message() {
        let len = |codec| {
            let all = messages();
            all.iter().map(|it| compress(codec, it).unwrap().1.len()).sum::<usize>()
        };
        assert!(2 * len(Codec::MESSAGE) < len(Codec::ZSTD));
    }

    /// Writes the dictionaries of the second edition. Only for a new edition: what is on disk
    /// opens with the dictionary that sealed it.
    #[test]
    #[ignore = "writes into the source tree"]
    fn write_dictionaries() {
        let samples = samples();
        for (name, samples) in [("body-2", &samples.bodies), ("terms-2", &samples.terms)] {
            let bytes = zstd::dict::from_samples(samples, 48 * 1024).unwrap();
            let folder = std::env::var("CARGO_MANIFEST_DIR").unwrap();
            let path = format!("{folder}/data/{name}.zdict");
            std::fs::write(path, bytes).unwrap();
        }
    }

    #[test]
    fn dictionaries_are_what_was_released() {
        let digest = |bytes| {
            let hex = ward_crypto::sha256(bytes).map(|b| format!("{b:02x}")).concat();
            hex.get(..16).unwrap().to_owned()
        };
        expect_test::expect!["b42df3cf5f241e22 4e9b3500fdfdd49f"].assert_eq(&format!(
            "{} {}",
            digest(BODY_1),
            digest(TERMS_1)
        ));
        expect_test::expect!["75bbd40b52698fd4 f4f7c4f8d0fd7039"].assert_eq(&format!(
            "{} {}",
            digest(BODY_2),
            digest(TERMS_2)
        ));
        expect_test::expect!["abdd624cf8f4a406"].assert_eq(&digest(MESSAGE));
    }

    #[test]
    fn a_dictionary_more_than_halves_a_short_record() {
        let text = br#"{"resourceType":"Observation","id":"x","status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs"}]}],"code":{"coding":[{"system":"http://loinc.org","code":"2708-6"}]},"subject":{"reference":"Patient/7"},"effectiveDateTime":"2020-05-05T05:05:05Z","valueQuantity":{"value":98,"unit":"%","system":"http://unitsofmeasure.org","code":"%"}}"#;
        let len = |codec| compress(codec, text).unwrap().1.len();
        assert!(2 * len(Codec::BODY) < len(Codec::ZSTD));
    }

    #[test]
    fn a_bomb_is_refused() {
        let bomb = zstd::bulk::compress(&vec![0; PLAIN_BYTES_MAX + 1], LEVEL).unwrap();
        for len in [16, u32::MAX] {
            let packed = [&len.to_be_bytes(), bomb.as_slice()].concat();
            let mut out = Vec::new();
            assert!(decompress(Codec::ZSTD, &packed, &mut out).is_err());
            assert!(out.is_empty());
        }
        assert!(decompress(Codec::ZSTD, b"ab", &mut Vec::new()).is_err());
    }
}
