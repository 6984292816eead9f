//! A stream that must say its first bytes in time.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// Reading fails when fewer than the wanted bytes have come before the deadline.
pub(crate) struct Impatient<S> {
    stream: S,
    /// Bytes still missing, and until when; `None` once all are there.
    waiting: Option<(usize, Pin<Box<Sleep>>)>,
}

impl<S> Impatient<S> {
    pub(crate) fn new(stream: S, n_bytes: usize, patience: Duration) -> Impatient<S> {
        Impatient { stream, waiting: Some((n_bytes, Box::pin(sleep(patience)))) }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Impatient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if let Some((_, deadline)) = &mut this.waiting
            && deadline.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buffer))?;
        if let Some((missing, _)) = &mut this.waiting {
            *missing = missing.saturating_sub(buffer.filled().len().saturating_sub(before));
            if *missing == 0 {
                this.waiting = None;
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Impatient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_says_too_little_is_hung_up_on() {
        let (mut near, far) = tokio::io::duplex(64);
        let mut far = Impatient::new(far, 4, Duration::from_secs(10));
        near.write_all(b"ab").await.unwrap();
        let mut read = [0; 2];
        far.read_exact(&mut read).await.unwrap();
        let error = far.read_exact(&mut read).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn who_said_enough_may_take_time() {
        let (mut near, far) = tokio::io::duplex(64);
        let mut far = Impatient::new(far, 4, Duration::from_secs(10));
        near.write_all(b"abcd").await.unwrap();
        let mut read = [0; 4];
        far.read_exact(&mut read).await.unwrap();
        tokio::time::advance(Duration::from_secs(60)).await;
        near.write_all(b"efgh").await.unwrap();
        far.read_exact(&mut read).await.unwrap();
        assert_eq!(&read, b"efgh");
    }
}
