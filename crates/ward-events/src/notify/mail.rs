//! Mail by SMTP.

use std::{fs, path::PathBuf, time::Duration};

use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Mailbox, header::ContentType},
    transport::smtp::{
        authentication::Credentials,
        client::{Certificate, Tls, TlsParameters},
    },
};

use super::{Job, title_of};

/// Seconds for one mail, from the connection to the server's word that it has it.
/// LIMIT: RFC 5321 allows minutes; a server in the house answers within seconds.
const MAIL_S: u64 = 30;

/// How mail is sent.
#[derive(Clone, Debug)]
pub struct MailSettings {
    pub host: String,
    pub port: Option<u16>,
    pub tls: MailTls,
    /// PEM file with the authority of the server's certificate; the machine's own if absent.
    pub ca: Option<PathBuf>,
    pub user: Option<String>,
    pub password_file: Option<PathBuf>,
    pub from: String,
    /// Where people find what it is about.
    pub link: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MailTls {
    /// From the first byte (RFC 8314).
    Implicit,
    /// STARTTLS, and nothing without it.
    StartTls,
    None,
}

#[derive(Debug, thiserror::Error)]
pub enum MailError {
    #[error("mail: `{0}` cannot be read")]
    Io(PathBuf, #[source] std::io::Error),
    #[error("mail: the certificates are not understood")]
    Tls(#[source] lettre::transport::smtp::Error),
    #[error("mail: `{0}` is no address")]
    Address(String),
}

/// Sends mail.
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    domain: String,
    link: String,
}

impl Mailer {
    pub fn new(settings: &MailSettings) -> Result<Mailer, MailError> {
        let from: Address =
            settings.from.parse().map_err(|_| MailError::Address(settings.from.clone()))?;
        let read = |path: &PathBuf| fs::read(path).map_err(|e| MailError::Io(path.clone(), e));
        let mut builder =
            AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(settings.host.as_str())
                .timeout(Some(Duration::from_secs(MAIL_S)));
        let parameters = || -> Result<TlsParameters, MailError> {
            let mut parameters = TlsParameters::builder(settings.host.clone());
            if let Some(ca) = &settings.ca {
                let ca = Certificate::from_pem(&read(ca)?).map_err(MailError::Tls)?;
                parameters = parameters.add_root_certificate(ca);
            }
            parameters.build_rustls().map_err(MailError::Tls)
        };
        let (tls, usual) = match settings.tls {
            MailTls::Implicit => (Tls::Wrapper(parameters()?), 465),
            MailTls::StartTls => (Tls::Required(parameters()?), 587),
            MailTls::None => (Tls::None, 25),
        };
        builder = builder.tls(tls).port(settings.port.unwrap_or(usual));
        if let (Some(user), Some(file)) = (&settings.user, &settings.password_file) {
            let password = String::from_utf8_lossy(&read(file)?).trim_end().to_owned();
            builder = builder.credentials(Credentials::new(user.clone(), password));
        }
        let domain = from.domain().to_owned();
        let from = Mailbox::new(Some("Ward".to_owned()), from);
        Ok(Mailer { transport: builder.build(), from, domain, link: settings.link.clone() })
    }

    /// Sends one mail.
    ///
    /// - Shape: what happened, when, and where to look; nothing of a patient. The Message-ID is
    ///   the same however often it is sent.
    pub(super) async fn send(&self, job: &Job, to: &str) -> Result<(), String> {
        let to: Address = to.parse().map_err(|_| "the recipient is no address".to_owned())?;
        let title = title_of(&job.event, job.topic.as_deref());
        let text = format!(
            "{title}.\n\nEvent: {}\nPriority: {}\nTime: {}\n\nLook at it here, signed in:\n\
             {}/#/event/{}\n\nWard sent this by the rule \"{}\". It names no patient on purpose.\n",
            job.event, job.priority, job.time, self.link, job.place, job.rule
        );
        let mail = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(format!("Ward, {}: {title}", job.priority))
            .message_id(Some(format!("<{}@{}>", job.key, self.domain)))
            .header(ContentType::TEXT_PLAIN)
            .body(text)
            .map_err(|_| "the mail cannot be written".to_owned())?;
        // What a server answers may repeat what it was told: only its kind goes to the log.
        self.transport.send(mail).await.map(|_| ()).map_err(|error| match error.status() {
            Some(code) => format!("the mail server answered {code}"),
            None if error.is_timeout() => "the mail server is too slow".to_owned(),
            None if error.is_tls() => "TLS with the mail server failed".to_owned(),
            None => "no connection to the mail server".to_owned(),
        })
    }
}
