//! A stream on the network by RTSP (RFC 2326): where it is, who may see it, and why nobody answers. FFmpeg, which plays it, says only that
//! it cannot; so the reason is found out here, with one question to the server.

use std::fmt::{self, Write as _};
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use super::error::CameraError;

/// Bytes of a server's answer that are looked at.
const MOST_ANSWER: usize = 4096;

/// A stream on the network.
#[derive(Clone, PartialEq, Eq)]
pub struct RtspStream {
    /// The address as people may see it.
    shown: String,
    host: String,
    port: u16,
    /// The address for FFmpeg, user and password included. Never shown.
    secret: zeroize::Zeroizing<String>,
    has_credentials: bool,
}

impl fmt::Debug for RtspStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RtspStream({})", self.shown)
    }
}

impl fmt::Display for RtspStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

/// Percent-encodes all but unreserved characters (RFC 3986), so that a password with an `@` is one.
fn encode(text: &str, into: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            into.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(into, "%{byte:02X}");
        }
    }
}

impl RtspStream {
    /// A stream at `rtsp://host:port` + `path`, for a user with a password where it needs one.
    pub fn new(host: &str, port: u16, path: &str, credentials: Option<(&str, &str)>) -> RtspStream {
        let bracketed = match host.contains(':') {
            true => format!("[{host}]"),
            false => host.to_owned(),
        };
        let place = format!("{bracketed}:{port}{path}");
        let mut secret = zeroize::Zeroizing::new("rtsp://".to_owned());
        if let Some((user, password)) = credentials {
            // So that it does not grow, which would leave a copy behind.
            secret.reserve(3 * (user.len() + password.len()) + 2 + place.len());
            encode(user, &mut secret);
            secret.push(':');
            encode(password, &mut secret);
            secret.push('@');
        }
        secret.push_str(&place);
        RtspStream {
            shown: format!("rtsp://{place}"),
            host: host.to_owned(),
            port,
            secret,
            has_credentials: credentials.is_some(),
        }
    }

    /// The address for FFmpeg. It may hold a password.
    pub(super) fn secret(&self) -> &str {
        &self.secret
    }

    /// Connects to the server, so that it is known whether and why not.
    pub(super) fn connect(&self, patience: Duration) -> Result<TcpStream, CameraError> {
        let no_answer = |cause: String| CameraError::NoAnswer {
            address: self.shown.clone(),
            cause,
        };
        let addresses = (self.host.as_str(), self.port)
            .to_socket_addrs()
            .map_err(|error| {
                no_answer(format!("no address is known for {}: {error}", self.host))
            })?;
        let mut last = None;
        let until = Instant::now() + patience;
        for address in addresses {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            match TcpStream::connect_timeout(&address, left) {
                Ok(stream) => return Ok(stream),
                Err(error) => last = Some(error),
            }
        }
        Err(no_answer(match last {
            Some(error) if error.kind() == ErrorKind::ConnectionRefused => {
                "the connection is refused; no server listens there".to_owned()
            }
            Some(error) if error.kind() != ErrorKind::TimedOut => error.to_string(),
            _ => format!("nothing came back in {} seconds", patience.as_secs()),
        }))
    }

    /// Asks the server what is wrong, once FFmpeg could not play the stream.
    pub(super) fn diagnose(&self, patience: Duration) -> CameraError {
        let mut stream = match self.connect(patience) {
            Ok(stream) => stream,
            Err(error) => return error,
        };
        let cause = match self.describe(&mut stream, patience) {
            Some(401 | 403) if self.has_credentials => {
                "the server refuses this user or password".to_owned()
            }
            Some(401 | 403) => "the server wants a user and a password".to_owned(),
            Some(404) => "the server has nothing at this path".to_owned(),
            Some(200) => "the server offers a stream that cannot be decoded".to_owned(),
            Some(status) => format!("the server answers {status}"),
            None => "what answers there is no RTSP server".to_owned(),
        };
        CameraError::NoStream {
            address: self.shown.clone(),
            cause,
        }
    }

    /// The status with which the server answers a plain DESCRIBE. No credentials are sent.
    fn describe(&self, stream: &mut TcpStream, patience: Duration) -> Option<u16> {
        stream.set_read_timeout(Some(patience)).ok()?;
        stream.set_write_timeout(Some(patience)).ok()?;
        let question = format!(
            "DESCRIBE {} RTSP/1.0\r\nCSeq: 1\r\nAccept: application/sdp\r\n\r\n",
            self.shown
        );
        stream.write_all(question.as_bytes()).ok()?;
        let mut answer = Vec::new();
        let mut part = [0; 512];
        let until = Instant::now() + patience;
        while !answer.contains(&b'\n') && answer.len() < MOST_ANSWER && Instant::now() < until {
            match stream.read(&mut part) {
                Ok(0) | Err(_) => break,
                Ok(count) => answer.extend_from_slice(&part[..count]),
            }
        }
        let line = answer.split(|byte| *byte == b'\n').next()?;
        let mut words = std::str::from_utf8(line).ok()?.split(' ');
        words.next()?.starts_with("RTSP/").then_some(())?;
        words.next()?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_password_is_in_the_secret_alone() {
        let stream = RtspStream::new("10.0.0.7", 554, "/live", Some(("op", "a@b:c/ü")));
        assert_eq!(
            stream.secret(),
            "rtsp://op:a%40b%3Ac%2F%C3%BC@10.0.0.7:554/live"
        );
        for shown in [format!("{stream}"), format!("{stream:?}")] {
            assert!(shown.contains("rtsp://10.0.0.7:554/live"), "{shown}");
            assert!(!shown.contains("op") && !shown.contains("a%40"), "{shown}");
        }
        assert_eq!(
            RtspStream::new("fe80::1", 8554, "", None).secret(),
            "rtsp://[fe80::1]:8554"
        );
    }

    #[test]
    fn a_port_where_nobody_listens_is_told_so() {
        // Bound and dropped: nobody listens there now.
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let error = RtspStream::new("127.0.0.1", port, "/", None)
            .connect(Duration::from_secs(5))
            .unwrap_err();
        assert!(error.to_string().contains("refused"), "{error}");
    }

    #[test]
    fn a_server_of_something_else_and_one_that_says_nothing_are_told_so() {
        for answer in [Some("HTTP/1.1 400 Bad Request\r\n\r\n"), None] {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let port = listener.local_addr().unwrap().port();
            let server = std::thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                let _ = stream.read(&mut [0; 256]);
                if let Some(answer) = answer {
                    stream.write_all(answer.as_bytes()).unwrap();
                }
                stream
            });
            let error =
                RtspStream::new("127.0.0.1", port, "/", None).diagnose(Duration::from_millis(500));
            assert!(error.to_string().contains("no RTSP server"), "{error}");
            drop(server.join());
        }
    }
}
