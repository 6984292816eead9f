//! As much of MLLP and HL7 v2 as the tests need, over a plain socket.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    time::Duration,
};

/// One connection to a listener, plain or within TLS.
pub struct Peer<S = TcpStream> {
    stream: S,
    held: Vec<u8>,
}

/// What an acknowledgment says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ack {
    /// MSA-1.
    pub code: String,
    /// MSA-2.
    pub of: String,
    /// MSH-10, its own.
    pub id: String,
    /// MSA-4.
    pub expected: String,
    /// ERR-3.1 of the first ERR.
    pub error: String,
}

/// A message as a block.
pub fn frame(message: &[u8]) -> Vec<u8> {
    let mut out = vec![0x0b];
    out.extend_from_slice(message);
    out.extend_from_slice(&[0x1c, 0x0d]);
    out
}

impl Peer {
    pub fn connect(address: &str) -> io::Result<Peer> {
        Peer::of(TcpStream::connect(address)?)
    }

    /// The other end of a connection that is open.
    pub fn of(stream: TcpStream) -> io::Result<Peer> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(300)))?;
        Ok(Peer::over(stream))
    }

    /// Says that nothing more will come.
    pub fn end(&self) -> io::Result<()> {
        self.stream.shutdown(std::net::Shutdown::Write)
    }
}

impl<S: Read + Write> Peer<S> {
    /// Over a stream that is ready.
    pub fn over(stream: S) -> Peer<S> {
        Peer { stream, held: Vec::new() }
    }

    /// Writes bytes as they are.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)?;
        self.stream.flush()
    }

    /// The content of the next block; an error at the end of the stream.
    pub fn read(&mut self) -> io::Result<Vec<u8>> {
        loop {
            let end = self.held.windows(2).position(|two| two == [0x1c, 0x0d]);
            if let Some(end) = end {
                let block: Vec<u8> = self.held.drain(..end + 2).collect();
                assert_eq!(block[0], 0x0b, "an answer is framed");
                return Ok(block[1..end].to_vec());
            }
            let mut buffer = [0; 4096];
            let n = self.stream.read(&mut buffer)?;
            if n == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.held.extend_from_slice(&buffer[..n]);
        }
    }

    /// Sends a message and reads its acknowledgment.
    pub fn send(&mut self, message: &str) -> io::Result<Ack> {
        self.write(&frame(message.as_bytes()))?;
        Ok(Ack::read(&self.read()?))
    }

    /// Whether the other side closes without another word.
    pub fn is_closed(&mut self) -> bool {
        matches!(self.read(), Err(error) if error.kind() != io::ErrorKind::WouldBlock)
    }
}

impl Ack {
    pub fn read(bytes: &[u8]) -> Ack {
        let text = String::from_utf8_lossy(bytes);
        let field = |name: &str, n: usize| {
            let line = text.split('\r').find(|line| line.starts_with(name)).unwrap_or_default();
            line.split('|').nth(n).unwrap_or_default().to_owned()
        };
        let error = field("ERR", 3).split('^').next().unwrap_or_default().to_owned();
        // MSH-1 is the delimiter itself.
        let (code, of, expected) = (field("MSA", 1), field("MSA", 2), field("MSA", 4));
        Ack { code, of, id: field("MSH", 9), expected, error }
    }
}
