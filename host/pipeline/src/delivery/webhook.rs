//! A channel that is a receiver over HTTP: a POST of the message, signed. Nothing of the answer counts but its status, and nothing in it leads anywhere else.

use std::time::Duration;

use overt_deployment::Webhook;
use ureq::config::Config;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Timeout};

use super::NotTaken;

/// From the first look-up of a name to the answer's head.
const PATIENCE: Duration = Duration::from_secs(10);

/// Until the connection stands.
const CONNECT: Duration = Duration::from_secs(5);

/// The most of an answer's head that is read; of its body, nothing is.
const HEAD_BYTES: usize = 16 << 10;

/// Most bytes of a file of certificates.
const CERTIFICATES: u64 = 1 << 20;

/// What a receiver is reached by.
pub(super) struct Post {
    webhook: Webhook,
}

impl Post {
    pub(super) fn new(webhook: &Webhook) -> Post {
        Post {
            webhook: webhook.clone(),
        }
    }

    /// Sends a message. Taken is what is answered with a status from 200 to 299.
    pub(super) fn send(&self, body: &str, signature: &[u8; 64], key: &str) -> Result<(), NotTaken> {
        let answer = self
            .agent()?
            .post(self.webhook.address.to_string())
            .header("Content-Type", "application/json")
            .header("Overt-Signature", hex::encode(signature))
            .header("Overt-Key", key)
            .send(body);
        match answer {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(NotTaken {
                cause: format!(
                    "the receiver answered with status {}",
                    answer.status().as_u16()
                ),
                // It may have done something before it said so.
                never_left: false,
                nobody: false,
            }),
            Err(error) => Err(NotTaken {
                never_left: never_left(&error),
                nobody: true,
                cause: error.to_string(),
            }),
        }
    }

    /// One for each message: no connection is kept, and the certificates' file is read anew.
    fn agent(&self) -> Result<Agent, NotTaken> {
        let roots = match &self.webhook.authorities {
            None => RootCerts::WebPki,
            Some(path) => certificates(path).map_err(|cause| NotTaken {
                cause: format!("{}: {cause}", path.display()),
                never_left: true,
                nobody: true,
            })?,
        };
        let config = Config::builder()
            .https_only(self.webhook.address.is_https())
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            // The environment's would see the messages.
            .proxy(None)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .max_response_header_size(HEAD_BYTES)
            .max_idle_connections(0)
            .timeout_connect(Some(CONNECT))
            .timeout_global(Some(PATIENCE))
            .user_agent(concat!("overt/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(config.new_agent())
    }
}

fn certificates(path: &std::path::Path) -> Result<RootCerts, String> {
    use std::io::Read as _;
    let mut pem = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(CERTIFICATES).read_to_end(&mut pem))
        .map_err(|error| error.to_string())?;
    let mut found: Vec<Certificate<'static>> = Vec::new();
    for item in parse_pem(&pem) {
        match item.map_err(|error| error.to_string())? {
            PemItem::Certificate(certificate) => found.push(certificate),
            _ => return Err("it holds something other than certificates".to_owned()),
        }
    }
    match found.is_empty() {
        true => Err("it holds no certificate".to_owned()),
        false => Ok(RootCerts::new_with_certs(&found)),
    }
}

/// Whether nothing of the message can have arrived: the connection never stood.
fn never_left(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::HostNotFound
        | ureq::Error::ConnectionFailed
        | ureq::Error::Tls(_)
        | ureq::Error::Rustls(_)
        | ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect) => true,
        ureq::Error::Io(error) => matches!(
            error.kind(),
            std::io::ErrorKind::ConnectionRefused
                | std::io::ErrorKind::HostUnreachable
                | std::io::ErrorKind::NetworkUnreachable
        ),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
