//! The first line is a path, the rest a message; a path is written as it was read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ward_hl7::{Draft, Message, Path, Put, ReadSettings};

fuzz_target!(|text: &str| {
    let (path, rest) = text.split_once('\n').unwrap_or((text, "MSH|^~\\&|A\rPID|1|2^3&4~5\r"));
    let Ok(path) = path.parse::<Path>() else { return };
    assert_eq!(path.to_string().parse::<Path>().expect("a path"), path);
    let (Some(message), _) = Message::read(rest.as_bytes(), &ReadSettings::default()) else {
        return;
    };
    let _ = message.text_at(&path);
    let mut draft = Draft::of(&message);
    if draft.set(&path, Put::Text("new|\r")).is_ok() {
        // A line may hold what only the decoder of its character set knows.
        let Ok(written) = draft.to_bytes() else { return };
        let (again, _) = Message::read(&written, &ReadSettings::default());
        let again = again.expect("a message");
        assert_eq!(again.text_at(&path).expect("what was put"), "new|\r");
    }
});
