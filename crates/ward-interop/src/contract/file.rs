//! Batches and files: every message is answered for itself.

use ward_hl7::{batch, mllp};

use super::{Interface, Note, Receiver, Taken, receive::One};

impl Receiver {
    /// Takes a batch, a file, or several messages in one block; `None` when it is one message.
    ///
    /// - Shape: the answers of a batch are a batch; those of a bare row of messages are blocks of
    ///   their own. A count that is wrong is noted with every message and told in BTS-2.
    /// - Source: HL7 v2.8, 2.10.3 Batch protocol.
    pub(super) async fn take_file(
        &self,
        interface: &Interface,
        peer: &str,
        raw: &[u8],
    ) -> Option<Taken> {
        let is_batch = batch::is_file(raw);
        if !is_batch && !has_second_header(raw) {
            return None;
        }
        let (file, problems) = batch::File::read(raw);
        if !is_batch && file.messages().nth(1).is_none() {
            return None;
        }
        let messages: Vec<&[u8]> = file.messages().collect();
        let mut answers = Vec::new();
        let mut n = 0u32;
        for message in messages {
            n = n.saturating_add(1);
            let note = Note { of_batch: Some(n), ..Note::of(interface, peer) };
            match self.take_one(interface, message, note.with(&problems)).await {
                One::Answer(answer) => answers.push(answer),
                One::Silent => {}
                // The whole is sent again; what was taken is answered as it was.
                One::Close => return Some(Taken::Close),
            }
        }
        if n == 0 {
            let dropped =
                mllp::Dropped { why: mllp::Why::Outside, bytes: raw.to_vec(), n_bytes: raw.len() };
            self.quarantine(interface, peer, &dropped).await;
            return Some(Taken::Close);
        }
        Some(match (is_batch, answers.is_empty()) {
            (_, true) => Taken::Silent,
            (false, _) => Taken::Answers(answers),
            (true, _) => {
                let flag = problems.first().map_or("", |problem| problem.kind.word());
                Taken::Answers(vec![batch_of(&answers, flag)])
            }
        })
    }
}

impl Receiver {
    /// Takes the messages of a file that nobody waits at. Answers whether all were accepted; `None`
    /// when the chart could not take them now.
    ///
    /// - Repeat: safe; what was taken before is answered as it was.
    pub async fn take_file_whole(&self, interface: &Interface, bytes: &[u8]) -> Option<bool> {
        let taken = match self.take_file(interface, "file", bytes).await {
            Some(taken) => taken,
            None => self.take(interface, "file", bytes).await,
        };
        match taken {
            Taken::Close => None,
            Taken::Silent => Some(true),
            // The chart is at fault and not the file: it is tried again.
            Taken::Answers(answers)
                if answers.iter().any(|it| memchr::memmem::find(it, b"|207^").is_some()) =>
            {
                None
            }
            Taken::Answers(answers) => {
                let codes = answers.iter().flat_map(|answer| codes_of(answer));
                Some(codes.into_iter().all(|code| code.ends_with(b"A")))
            }
        }
    }
}

/// MSA-1 of each acknowledgment.
fn codes_of(answer: &[u8]) -> Vec<&[u8]> {
    let lines = answer.split(|b| *b == b'\r').filter_map(|line| line.strip_prefix(b"MSA"));
    lines.filter_map(|rest| rest.get(1..3)).collect()
}

/// A batch of acknowledgments.
fn batch_of(answers: &[Vec<u8>], flag: &str) -> Vec<u8> {
    let mut out = b"BHS|^~\\&\r".to_vec();
    for answer in answers {
        out.extend_from_slice(answer);
    }
    out.extend_from_slice(format!("BTS|{}", answers.len()).as_bytes());
    if !flag.is_empty() {
        out.push(b'|');
        out.extend_from_slice(flag.as_bytes());
    }
    out.push(b'\r');
    out
}

/// Whether another line than the first begins with MSH. UTF-16 has no such lines.
fn has_second_header(raw: &[u8]) -> bool {
    memchr::memmem::find_iter(raw, b"MSH")
        .filter(|at| {
            at.checked_sub(1).and_then(|at| raw.get(at)).is_some_and(|b| b"\r\n".contains(b))
        })
        .any(|at| raw.get(..at).is_some_and(|before| !before.trim_ascii().is_empty()))
}
