//! What servers do wrong, and what a sender makes of it.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use ward_hl7::ack::Next;

use super::{ClientSettings, HttpError, HttpSender, HttpSent, NotSent};

const MESSAGE: &[u8] = b"MSH|^~\\&|A|B|C|D|||ADT^A01|7|P|2.5\r";

fn ack(status: u16, code: &str, of: &str) -> String {
    response(status, &format!("MSH|^~\\&|||||||ACK|9|P|2.5\rMSA|{code}|{of}\r"))
}

fn response(status: u16, body: &str) -> String {
    format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

/// Reads one request; its head and its body.
async fn request(stream: &mut TcpStream) -> Option<String> {
    let mut all = Vec::new();
    loop {
        let mut buffer = [0; 1024];
        let n = stream.read(&mut buffer).await.ok().filter(|n| *n != 0)?;
        all.extend_from_slice(&buffer[..n]);
        let text = String::from_utf8_lossy(&all).into_owned();
        if text.contains("\r\n\r\n") && text.ends_with("|2.5\r") {
            return Some(text);
        }
    }
}

/// A server that answers each request on each connection with what `answers` says of its number;
/// nothing is silence.
async fn server(answers: impl Fn(usize) -> Option<String> + Send + 'static) -> HttpSender {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut n = 0;
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            while let Some(head) = request(&mut stream).await {
                assert!(head.starts_with("POST /hl7 HTTP/1.1\r\n"), "{head}");
                assert!(head.contains("content-type: application/hl7-v2"), "{head}");
                assert!(head.contains("authorization: Bearer s3\r\n"), "{head}");
                let Some(answer) = answers(n) else {
                    n += 1;
                    // Silent, until the sender gives up.
                    let _gone = stream.read(&mut [0; 8]).await;
                    break;
                };
                n += 1;
                let is_last = answer.is_empty();
                let _gone = stream.write_all(answer.as_bytes()).await;
                if is_last {
                    break;
                }
            }
        }
    });
    sender(&format!("http://{address}/hl7"))
}

fn sender(url: &str) -> HttpSender {
    let endpoint = url.parse().unwrap();
    let settings =
        ClientSettings { endpoint, tls: None, connect_s: 5, answer_s: 1, answer_bytes: 4096 };
    HttpSender::new(settings, Some(" s3\n")).unwrap()
}

#[tokio::test]
async fn the_acknowledgment_decides_whatever_the_status() {
    for (status, code, next) in [
        (200, "AA", Next::Done),
        (200, "CA", Next::Done),
        (200, "AE", Next::SetAside),
        (500, "AE", Next::SetAside),
        (500, "CE", Next::SetAside),
        (400, "AR", Next::Resend),
        (503, "AR", Next::Resend),
    ] {
        let mut sender = server(move |_| Some(ack(status, code, "7"))).await;
        let Ok(HttpSent::Answered(answer, _)) = sender.send("7", MESSAGE).await else {
            panic!("{status} {code}")
        };
        assert_eq!(answer.next(), next, "{status} {code}");
    }
}

#[tokio::test]
async fn without_one_only_what_speaks_of_the_content_refuses_it() {
    for status in [400, 413, 415, 422] {
        let mut sender = server(move |_| Some(response(status, "no"))).await;
        assert!(matches!(sender.send("7", MESSAGE).await, Ok(HttpSent::Wrong(it)) if it == status));
    }
    for status in [200, 202, 301, 401, 403, 404, 429, 500, 502, 503] {
        let mut sender = server(move |_| Some(response(status, "no"))).await;
        let error = sender.send("7", MESSAGE).await;
        assert!(matches!(error, Err(NotSent::Status(it)) if it == status), "{status}");
    }
}

#[tokio::test]
async fn an_answer_to_another_message_is_none() {
    let mut sender = server(|n| Some(ack(200, "AA", ["6", "", "7"][n]))).await;
    for _ in 0..2 {
        assert!(matches!(sender.send("7", MESSAGE).await, Err(NotSent::OtherAnswer)));
    }
    assert!(matches!(sender.send("7", MESSAGE).await, Ok(HttpSent::Answered(..))));
}

#[tokio::test]
async fn silence_and_broken_connections_are_no_answer() {
    let mut silent = server(|n| (0 < n).then(|| ack(200, "AA", "7"))).await;
    let error = silent.send("7", MESSAGE).await;
    assert!(matches!(error, Err(NotSent::Http(HttpError::AnswerTimeout(1)))));
    assert!(matches!(silent.send("7", MESSAGE).await, Ok(HttpSent::Answered(..))));
    let mut closed = server(|_| Some(String::new())).await;
    assert!(matches!(closed.send("7", MESSAGE).await, Err(NotSent::Http(HttpError::Broken(_)))));
    let mut large = server(|_| Some(response(200, &"x".repeat(4097)))).await;
    assert!(matches!(large.send("7", MESSAGE).await, Err(NotSent::Http(HttpError::TooLarge))));
    let half = "HTTP/1.1 200 X\r\ncontent-length: 900\r\n\r\nMSH|".to_owned();
    let mut half = server(move |_| Some(half.clone())).await;
    let error = half.send("7", MESSAGE).await;
    assert!(matches!(error, Err(NotSent::Http(HttpError::AnswerTimeout(1)))));
    let mut nobody = sender("http://127.0.0.1:1/hl7");
    assert!(matches!(nobody.send("7", MESSAGE).await, Err(NotSent::Http(HttpError::Connect(_)))));
}

#[tokio::test]
async fn a_connection_is_used_again_and_made_anew() {
    let mut sender = server(|_| Some(ack(200, "AA", "7"))).await;
    for _ in 0..3 {
        assert!(matches!(sender.send("7", MESSAGE).await, Ok(HttpSent::Answered(..))));
    }
}
