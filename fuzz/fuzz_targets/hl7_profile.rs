//! Every text is a profile or is refused; the rules of one validate a message.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ward_hl7::{Message, Profile, ReadSettings, Version, validate};

fuzz_target!(|text: &str| {
    let Ok(profile) = text.parse::<Profile>() else { return };
    let Ok(rules) = profile.rules(Version::V2_5_1) else { return };
    let bytes = b"MSH|^~\\&|||||||ADT^A01|1|P|2.5.1\rEVN|A01\rPID|1||2\rZPI|1\rPV1|1|I\r";
    let (message, _) = Message::read(bytes, &ReadSettings::default());
    let _ = validate(&message.expect("a message"), &rules);
});
