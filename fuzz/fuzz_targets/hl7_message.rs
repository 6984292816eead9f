//! Every input is a message or has a problem; a message is written as it came, is validated, and
//! can be acknowledged with something that is a message again.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use ward_hl7::{
    Draft, Header, Message, ReadSettings, Rules, Version,
    ack::{AckCode, Reply, Verdict},
    batch::File,
    validate,
};

static RULES: LazyLock<Rules> = LazyLock::new(|| Rules::standard(Version::V2_5_1));

fuzz_target!(|bytes: &[u8]| {
    let settings = ReadSettings::default();
    let (message, problems) = Message::read(bytes, &settings);
    match &message {
        Some(message) => {
            assert_eq!(Draft::of(message).to_bytes().expect("nothing was changed"), bytes);
            let tree = validate(message, &RULES).tree;
            if let Some(tree) = tree {
                assert_eq!(tree.segments_within(0, message).len(), message.n_segments());
            }
        }
        None => assert!(!problems.is_empty()),
    }
    if let Some(header) = Header::scan(bytes, &settings).0 {
        let reply = Reply {
            code: AckCode::application(Verdict::of(&problems)),
            control_id: "1",
            now: "2024".parse().expect("a time"),
            expected_sequence: header.sequence_number(),
            problems: &problems,
        };
        // MSA-2 is echoed as it is.
        let is_plain = !header.raw(10).contains(|c: char| c.is_ascii_control());
        if let Ok(reply) = reply.to_bytes(&header)
            && is_plain
        {
            assert!(Message::read(&reply, &settings).0.is_some());
        }
    }
    let (file, _) = File::read(bytes);
    assert!(file.messages().map(<[u8]>::len).sum::<usize>() <= bytes.len());
});
