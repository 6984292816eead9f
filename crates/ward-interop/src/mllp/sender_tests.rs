//! What receivers do wrong, and what a sender makes of it.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use ward_hl7::ack::Next;

use super::{SendError, SendSettings, Sender};

const MESSAGE: &[u8] = b"MSH|^~\\&|A|B|C|D|||ADT^A01|7|P|2.5\r";

fn ack(code: &str, of: &str) -> Vec<u8> {
    ward_hl7::mllp::frame(format!("MSH|^~\\&|||||||ACK|9|P|2.5\rMSA|{code}|{of}\r").as_bytes())
        .unwrap()
}

/// A receiver that does `does` with each connection after a message has come.
async fn receiver<F, Fut>(does: F) -> Sender
where
    F: Fn(TcpStream, usize) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        for n in 0.. {
            let Ok((mut stream, _)) = listener.accept().await else { return };
            let mut buffer = [0; 1024];
            let _message = stream.read(&mut buffer).await;
            does(stream, n).await;
        }
    });
    Sender::new(SendSettings { address, tls: None, connect_s: 5, answer_s: 1 })
}

async fn kept_open(stream: TcpStream) {
    let mut stream = stream;
    let mut buffer = [0; 64];
    while matches!(stream.read(&mut buffer).await, Ok(n) if n != 0) {}
}

#[tokio::test]
async fn codes_say_what_comes_next() {
    for (code, next) in [
        ("AA", Next::Done),
        ("CA", Next::Done),
        ("AE", Next::SetAside),
        ("CE", Next::SetAside),
        ("AR", Next::Resend),
        ("CR", Next::Resend),
    ] {
        let mut sender = receiver(move |mut stream, _| async move {
            stream.write_all(&ack(code, "7")).await.unwrap();
            kept_open(stream).await;
        })
        .await;
        let sent = sender.send("7", MESSAGE).await.unwrap();
        assert_eq!(sent.answer.next(), next, "{code}");
    }
}

#[tokio::test]
async fn an_answer_to_another_message_is_not_taken() {
    let mut sender = receiver(|mut stream, _| async move {
        stream.write_all(&ack("AA", "6")).await.unwrap();
        stream.write_all(&ack("AA", "")).await.unwrap();
        stream.write_all(&ack("AE", "7")).await.unwrap();
        kept_open(stream).await;
    })
    .await;
    assert_eq!(sender.send("7", MESSAGE).await.unwrap().answer.next(), Next::SetAside);
}

#[tokio::test]
async fn an_answer_that_comes_late_is_never_taken_for_the_next_one() {
    // The first connection answers only when the next message has been given up.
    let mut sender = receiver(|mut stream, n| async move {
        if n == 0 {
            tokio::spawn(async move {
                kept_open(stream).await;
            });
        } else {
            stream.write_all(&ack("AA", "7")).await.unwrap();
            stream.write_all(&ack("AE", "7")).await.unwrap();
            kept_open(stream).await;
        }
    })
    .await;
    assert!(matches!(sender.send("7", MESSAGE).await, Err(SendError::AnswerTimeout(1))));
    // A connection of its own: the same message again, and its answer.
    assert_eq!(sender.send("7", MESSAGE).await.unwrap().answer.next(), Next::Done);
}

#[tokio::test]
async fn what_is_not_framed_is_no_answer() {
    let mut sender = receiver(|mut stream, _| async move {
        stream.write_all(b"MSH|^~\\&|||||||ACK|9|P|2.5\rMSA|AA|7\r").await.unwrap();
        kept_open(stream).await;
    })
    .await;
    assert!(matches!(sender.send("7", MESSAGE).await, Err(SendError::AnswerTimeout(1))));
}

#[tokio::test]
async fn a_connection_that_ends_is_no_answer() {
    let mut closed = receiver(|stream, _| async move { drop(stream) }).await;
    let error = closed.send("7", MESSAGE).await;
    assert!(matches!(error, Err(SendError::Closed | SendError::Broken(_))));
    let mut reset = receiver(|stream, _| async move {
        stream.set_zero_linger().unwrap();
    })
    .await;
    let error = reset.send("7", MESSAGE).await;
    assert!(matches!(error, Err(SendError::Closed | SendError::Broken(_))));
    let mut half = receiver(|mut stream, _| async move {
        stream.shutdown().await.unwrap();
        kept_open(stream).await;
    })
    .await;
    assert!(matches!(half.send("7", MESSAGE).await, Err(SendError::Closed)));
}

#[tokio::test]
async fn nobody_there_and_nothing_to_carry() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let settings = SendSettings { address, tls: None, connect_s: 5, answer_s: 1 };
    let mut sender = Sender::new(settings);
    assert!(matches!(sender.send("7", MESSAGE).await, Err(SendError::Connect(_))));
    assert!(matches!(sender.send("7", b"\x0b").await, Err(SendError::Unframeable)));
}
