//! HL7 v2 over its wire, as senders good and bad use it.

mod apart;
mod backlog;
mod certificates;
mod channels;
mod charsets;
mod commands;
mod corpus;
mod dead;
mod desk;
mod disk;
mod framing;
mod http;
mod kills;
mod lanes;
mod numbered;
mod others;
mod queries;
mod reload;
mod s3;
mod scripts;
mod tls;
mod told;

use ward_tests::Client;

/// Segments, one a line, as one message.
pub fn message(lines: &str) -> String {
    lines.lines().map(|line| format!("{}\r", line.trim())).collect()
}

/// An ADT message about patient `mrn` and visit `V` + `mrn`.
pub fn adt(event: &str, id: &str, mrn: &str, time: &str) -> String {
    message(&format!(
        "MSH|^~\\&|REG|HOSP|WARD|HOSP|{time}||ADT^{event}^ADT_A01|{id}|P|2.5.1\n\
         EVN||{time}\n\
         PID|1||{mrn}^^^HOSP^MR||Meyer{mrn}^Anna||19700102|F\n\
         PV1|1|I|W1^101^A||||||||||||||||V{mrn}^^^HOSP^VN"
    ))
}

/// Messages kept under this control id.
pub fn kept(client: &mut Client, id: &str) -> Vec<serde_json::Value> {
    let said = client.get(&format!("/api/messages?control-id={id}")).json();
    said["messages"].as_array().unwrap().clone()
}

/// Writes the file of a channel.
pub fn channel(folder: &std::path::Path, name: &str, text: &str) {
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join(format!("{name}.toml")), text).unwrap();
}

/// An address on this machine that nobody listens at.
pub fn free_address() -> String {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// Control ids of what went to `destination` and is in `state`, oldest first.
pub fn outgoing(client: &mut Client, destination: &str, state: &str) -> Vec<String> {
    let path = format!(
        "/api/messages?interface={}&state={state}&limit=1000",
        destination.replace('/', "%2F")
    );
    let said = client.get(&path).json();
    let ids = said["messages"].as_array().unwrap().iter().rev();
    ids.map(|line| line["controlId"].as_str().unwrap().to_owned()).collect()
}

/// How many resources a search finds.
pub fn total(client: &mut Client, query: &str) -> u64 {
    let glue = if query.contains('?') { '&' } else { '?' };
    client.get(&format!("/fhir/{query}{glue}_summary=count")).json()["total"].as_u64().unwrap()
}
