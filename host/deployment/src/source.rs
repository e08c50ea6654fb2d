//! Where a camera's frames come from: a video file, a device of this machine, or a camera on the network. It opens none of them.

use std::fmt;
use std::path::PathBuf;

/// Where a camera's frames come from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// `file`: a video, resolved. Every frame is read; none is dropped.
    File(PathBuf),
    /// `source = "v4l2:0"`: the Video4Linux device of this number, 0 to 255.
    V4l2(u32),
    /// `source = "rtsp://…"`: a camera on the network.
    Rtsp(RtspSource),
    /// Photographs that are searched. No deployment file names it: whoever searches says which.
    Photographs,
}

impl Source {
    /// Whether frames come at the source's own pace and are gone if nobody takes them.
    pub fn is_live(&self) -> bool {
        !matches!(self, Self::File(_) | Self::Photographs)
    }

    /// The kind of source: `file`, `v4l2`, `rtsp` or `photographs`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::File(_) => "file",
            Self::V4l2(_) => "v4l2",
            Self::Rtsp(_) => "rtsp",
            Self::Photographs => "photographs",
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::V4l2(number) => write!(f, "v4l2:{number}"),
            Self::Rtsp(source) => source.address.fmt(f),
            Self::Photographs => f.write_str("photographs"),
        }
    }
}

/// A camera on the network.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RtspSource {
    /// Its address.
    pub address: RtspAddress,
    /// `credentials`: the file with `user:password` in its first line, resolved.
    pub credentials: Option<PathBuf>,
}

/// The address of a stream: `rtsp://host[:port]/path`, without a user or a password, which have a file of their own: a deployment file is
/// shown to auditors, and a report names its cameras.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RtspAddress {
    host: String,
    port: u16,
    path: String,
}

/// Why a text is no [`RtspAddress`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressFault {
    /// It is longer than 1,024 bytes, or holds spaces or other than visible ASCII.
    #[error("at most 1,024 visible ASCII characters")]
    Characters,
    /// It does not begin with `rtsp://`.
    #[error("an address that begins with `rtsp://`")]
    Scheme,
    /// It holds a user or a password.
    #[error("an address without a user or a password")]
    Credentials,
    /// It names no host.
    #[error("a host after `rtsp://`")]
    Host,
    /// Its port is none.
    #[error("a port from 1 to 65535 after the host's colon")]
    Port,
}

impl RtspAddress {
    /// The port where the address names none.
    const PORT: u16 = 554;

    /// Reads an address.
    ///
    /// # Errors
    ///
    /// What an address has that this text has not.
    pub fn parse(text: &str) -> Result<Self, AddressFault> {
        if text.len() > 1_024 || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(AddressFault::Characters);
        }
        let rest = text.strip_prefix("rtsp://").ok_or(AddressFault::Scheme)?;
        let (place, path) = match rest.find(['/', '?', '#']) {
            Some(end) => rest.split_at(end),
            None => (rest, ""),
        };
        let (bare, port) = host_and_port(place)?;
        let port = port.unwrap_or(Self::PORT);
        Ok(Self {
            host: bare.to_owned(),
            port,
            path: path.to_owned(),
        })
    }

    /// The host's name or address; an IPv6 address without its brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, 554 where the address names none.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What follows the port: a path with its query, or nothing.
    pub fn path(&self) -> &str {
        &self.path
    }
}

/// The host and the port of an address's part between scheme and path.
pub(crate) fn host_and_port(place: &str) -> Result<(&str, Option<u16>), AddressFault> {
    if place.contains('@') {
        return Err(AddressFault::Credentials);
    }
    // An IPv6 address stands in brackets, and its colons are no port's.
    let (host, port) = match place.rfind(':') {
        Some(colon) if !place[colon..].contains(']') => {
            (&place[..colon], Some(&place[colon + 1..]))
        }
        _ => (place, None),
    };
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
    if bare.is_empty() || !bare.bytes().all(letters) {
        return Err(AddressFault::Host);
    }
    let Some(digits) = port else {
        return Ok((bare, None));
    };
    match digits.parse() {
        Ok(port) if port > 0 && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            Ok((bare, Some(port)))
        }
        _ => Err(AddressFault::Port),
    }
}

impl fmt::Display for RtspAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, path } = self;
        match host.contains(':') {
            true => write!(f, "rtsp://[{host}]:{port}{path}"),
            false => write!(f, "rtsp://{host}:{port}{path}"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn an_address_is_a_host_a_port_and_a_path() {
        for (text, host, port, path) in [
            ("rtsp://gate", "gate", 554, ""),
            (
                "rtsp://10.0.0.7:8554/live?x=1",
                "10.0.0.7",
                8554,
                "/live?x=1",
            ),
            ("rtsp://[fe80::1]/a", "fe80::1", 554, "/a"),
            ("rtsp://[fe80::1]:99/a@b", "fe80::1", 99, "/a@b"),
        ] {
            let address = RtspAddress::parse(text).unwrap();
            assert_eq!(
                (address.host(), address.port(), address.path()),
                (host, port, path)
            );
            assert_eq!(RtspAddress::parse(&address.to_string()), Ok(address));
        }
    }

    #[test]
    fn what_is_no_address_is_told() {
        for (text, fault) in [
            ("http://gate/", AddressFault::Scheme),
            ("rtsp://", AddressFault::Host),
            ("rtsp:///live", AddressFault::Host),
            ("rtsp://ga te/", AddressFault::Characters),
            ("rtsp://gate\u{1b}/", AddressFault::Characters),
            ("rtsp://user:secret@gate/", AddressFault::Credentials),
            ("rtsp://gate:0/", AddressFault::Port),
            ("rtsp://gate:+1/", AddressFault::Port),
            ("rtsp://gate:70000/", AddressFault::Port),
            ("rtsp://gate;rm/", AddressFault::Host),
        ] {
            assert_eq!(RtspAddress::parse(text), Err(fault), "{text}");
        }
        let long = format!("rtsp://gate/{}", "x".repeat(1_024));
        assert_eq!(RtspAddress::parse(&long), Err(AddressFault::Characters));
    }
}
