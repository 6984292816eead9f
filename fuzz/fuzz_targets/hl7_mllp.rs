//! However the bytes come in, the blocks are the same, and no byte is in two events.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ward_hl7::mllp::{AfterEnd, Deframer, Event};

fn events(bytes: &[u8], step: usize, after_end: AfterEnd) -> Vec<Event> {
    let mut deframer = Deframer::new(64, after_end);
    let mut all = Vec::new();
    for piece in bytes.chunks(step) {
        deframer.push(piece);
        all.extend(std::iter::from_fn(|| deframer.next()));
    }
    deframer.finish();
    all.extend(std::iter::from_fn(|| deframer.next()));
    all
}

fuzz_target!(|bytes: &[u8]| {
    for after_end in [AfterEnd::MustReturn, AfterEnd::MayReturn] {
        let whole = events(bytes, bytes.len().max(1), after_end);
        for step in [1, 2, 7] {
            assert_eq!(events(bytes, step, after_end), whole);
        }
        let n_bytes: usize = whole
            .iter()
            .map(|event| match event {
                Event::Block(block) => block.len(),
                Event::Dropped(dropped) => dropped.n_bytes,
            })
            .sum();
        assert!(n_bytes <= bytes.len());
    }
});
