//! Where a webhook's messages go: an address of HTTPS, or of HTTP on this machine alone. It opens none.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use crate::source::{AddressFault, host_and_port};

/// A receiver that is told over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Webhook {
    /// `url`.
    pub address: WebhookAddress,
    /// `authorities`: the file with the certificates, as PEM, of the authorities that may vouch for the receiver, resolved. Absent: those that browsers trust.
    pub authorities: Option<PathBuf>,
}

/// `https://host[:port]/path`, or the same with `http` for a receiver on this machine; without a user or a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookAddress {
    is_https: bool,
    host: String,
    port: u16,
    path: String,
}

/// Why a text is no [`WebhookAddress`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookFault {
    /// It is longer than 1,024 bytes, or holds spaces or other than visible ASCII.
    #[error("at most 1,024 visible ASCII characters")]
    Characters,
    /// It begins with neither.
    #[error(
        "an address that begins with `https://`, or with `http://` for a receiver on this machine"
    )]
    Scheme,
    /// It is not encrypted and leaves this machine.
    #[error("an address with `https://`, since it leaves this machine")]
    Unencrypted,
    /// It holds a user or a password.
    #[error("an address without a user or a password")]
    Credentials,
    /// It names no host.
    #[error("a host after `://`")]
    Host,
    /// Its port is none.
    #[error("a port from 1 to 65535 after the host's colon")]
    Port,
    /// It has a fragment, which no receiver would see.
    #[error("an address without `#`")]
    Fragment,
}

impl WebhookAddress {
    /// Reads an address.
    ///
    /// # Errors
    ///
    /// What an address has that this text has not.
    pub fn parse(text: &str) -> Result<Self, WebhookFault> {
        if text.len() > 1_024 || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(WebhookFault::Characters);
        }
        let (is_https, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (false, rest),
            (None, None) => return Err(WebhookFault::Scheme),
        };
        if text.contains('#') {
            return Err(WebhookFault::Fragment);
        }
        let (place, path) = match rest.find(['/', '?']) {
            Some(end) => rest.split_at(end),
            None => (rest, ""),
        };
        let (host, port) = host_and_port(place).map_err(|fault| match fault {
            AddressFault::Credentials => WebhookFault::Credentials,
            AddressFault::Port => WebhookFault::Port,
            AddressFault::Characters | AddressFault::Scheme | AddressFault::Host => {
                WebhookFault::Host
            }
        })?;
        // A name can be made to lead anywhere, so that only an address counts as this machine.
        let is_here = host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
        if !is_https && !is_here {
            return Err(WebhookFault::Unencrypted);
        }
        Ok(Self {
            is_https,
            host: host.to_owned(),
            port: port.unwrap_or(if is_https { 443 } else { 80 }),
            path: path.to_owned(),
        })
    }

    /// Whether it is HTTPS.
    pub fn is_https(&self) -> bool {
        self.is_https
    }

    /// The host's name or address; an IPv6 address without its brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl fmt::Display for WebhookAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_https { "https" } else { "http" };
        let Self {
            host, port, path, ..
        } = self;
        match host.contains(':') {
            true => write!(f, "{scheme}://[{host}]:{port}{path}"),
            false => write!(f, "{scheme}://{host}:{port}{path}"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn an_address_is_encrypted_or_this_machines() {
        for (text, shown) in [
            (
                "https://desk.example/in?x=1",
                "https://desk.example:443/in?x=1",
            ),
            ("https://[2001:db8::1]:8443/", "https://[2001:db8::1]:8443/"),
            ("http://127.0.0.1:8080/in", "http://127.0.0.1:8080/in"),
            ("http://[::1]/in", "http://[::1]:80/in"),
        ] {
            let address = WebhookAddress::parse(text).unwrap();
            assert_eq!(address.to_string(), shown);
            assert_eq!(WebhookAddress::parse(shown), Ok(address));
        }
    }

    #[test]
    fn what_is_no_address_is_told() {
        for (text, fault) in [
            ("ftp://desk/", WebhookFault::Scheme),
            ("http://desk.example/", WebhookFault::Unencrypted),
            ("http://localhost/", WebhookFault::Unencrypted),
            ("http://10.0.0.7/", WebhookFault::Unencrypted),
            ("https://", WebhookFault::Host),
            ("https://user:secret@desk/", WebhookFault::Credentials),
            ("https://desk:0/", WebhookFault::Port),
            ("https://desk/#here", WebhookFault::Fragment),
            ("https://desk\u{1b}/", WebhookFault::Characters),
        ] {
            assert_eq!(WebhookAddress::parse(text), Err(fault), "{text}");
        }
    }
}
