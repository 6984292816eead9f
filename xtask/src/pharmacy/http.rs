//! One request after the other, to a server on this machine.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use serde_json::{Value, json};

use crate::run::Stop;

pub struct Client {
    address: String,
    /// The line by which the server knows who asks.
    who: String,
}

impl Client {
    pub fn with_token(address: &str, token: &str) -> Client {
        Client { address: address.to_owned(), who: format!("Authorization: Bearer {token}") }
    }

    pub fn signed_in(address: &str, name: &str, password: &str) -> Result<Client, Stop> {
        let nobody = Client { address: address.to_owned(), who: "X-Nobody: yet".to_owned() };
        let body = json!({ "name": name, "password": password });
        let (head, status, value) = nobody.exchange("POST", "/api/sign-in", &body)?;
        good("POST", "/api/sign-in", (status, value))?;
        let cookies = head.lines().filter_map(|it| it.split_once(": "));
        let cookie = cookies
            .filter(|(header, _)| header.eq_ignore_ascii_case("set-cookie"))
            .find_map(|(_, cookie)| cookie.split(';').next());
        let cookie = cookie.ok_or_else(|| Stop::Why("no session was given".to_owned()))?;
        Ok(Client { who: format!("Cookie: {cookie}"), ..nobody })
    }

    /// Status and body.
    pub fn send(&self, method: &str, path: &str, body: &Value) -> Result<(u16, Value), Stop> {
        self.exchange(method, path, body).map(|(_, status, value)| (status, value))
    }

    /// The body of an answer that says yes.
    pub fn ok(&self, method: &str, path: &str, body: &Value) -> Result<Value, Stop> {
        good(method, path, self.send(method, path, body)?)
    }

    fn exchange(
        &self,
        method: &str,
        path: &str,
        body: &Value,
    ) -> Result<(String, u16, Value), Stop> {
        let failed = |e: std::io::Error| Stop::Why(format!("{method} {path}: {e}"));
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let mut stream = TcpStream::connect(&self.address).map_err(failed)?;
        stream.set_read_timeout(Some(Duration::from_secs(60))).map_err(failed)?;
        // 1.0: the answer ends where the connection does.
        let request = format!(
            "{method} {path} HTTP/1.0\r\nHost: {}\r\n{}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            self.address,
            self.who,
            body.len(),
        );
        stream.write_all(request.as_bytes()).map_err(failed)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).map_err(failed)?;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head.split(' ').nth(1).and_then(|it| it.parse().ok()).unwrap_or(0);
        let value = serde_json::from_str(body).unwrap_or(Value::Null);
        Ok((head.to_owned(), status, value))
    }
}

/// What the server said, where it did not say yes.
pub fn good(method: &str, path: &str, (status, value): (u16, Value)) -> Result<Value, Stop> {
    match status {
        200..300 => Ok(value),
        _ => Err(Stop::Why(format!("{method} {path}: {status} {value}"))),
    }
}
