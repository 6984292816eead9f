//! What an object store answers, and what is made of it.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::{Bucket, BucketSettings, Credentials, S3Error, Stored};
use crate::http::ClientSettings;

/// A store that answers a PUT and a GET so.
async fn store(put: u16, get: u16, there: &'static str) -> Bucket {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut text = String::new();
        loop {
            let mut buffer = [0; 2048];
            let n = stream.read(&mut buffer).await.unwrap();
            text.push_str(&String::from_utf8_lossy(&buffer[..n]));
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let is_put = head.starts_with("PUT /kept/hl7/7.hl7 HTTP/1.1\r\n");
            assert!(is_put || head.starts_with("GET /kept/hl7/7.hl7 HTTP/1.1\r\n"), "{head}");
            if is_put && body != "MSH|ours" {
                continue;
            }
            assert_eq!(head.contains("if-none-match: *"), is_put, "{head}");
            let (status, body) = if is_put { (put, "") } else { (get, there) };
            let n = body.len();
            let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: {n}\r\n\r\n{body}");
            stream.write_all(answer.as_bytes()).await.unwrap();
            text.clear();
        }
    });
    let client = ClientSettings {
        endpoint: format!("http://{address}").parse().unwrap(),
        tls: None,
        connect_s: 5,
        answer_s: 5,
        answer_bytes: 100,
    };
    let text = |text: &str| text.to_owned();
    let settings = BucketSettings { region: text("r"), bucket: text("kept"), prefix: text("hl7/") };
    Bucket::new(client, settings, Credentials::new("a", "b", None).ok().unwrap())
}

#[tokio::test]
async fn a_name_that_is_taken_is_stored_only_if_the_object_is_ours() {
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    for (put, get, there, stored) in [
        (200, 0, "", Some(Stored::Stored)),
        (412, 200, "MSH|ours", Some(Stored::Stored)),
        (412, 200, "MSH|other", Some(Stored::Other)),
        (412, 403, "", None),
        (412, 404, "", None),
        (403, 0, "", None),
        (500, 0, "", None),
        (503, 0, "", None),
    ] {
        let mut bucket = store(put, get, there).await;
        let found = bucket.put("7.hl7", b"MSH|ours", now).await;
        match (found, stored) {
            (Ok(found), Some(stored)) => assert_eq!(found, stored, "{put} {get}"),
            (Err(S3Error::Status(status)), None) => {
                assert_eq!(status, if put == 412 { get } else { put });
            }
            _ => panic!("{put} {get}"),
        }
    }
}
