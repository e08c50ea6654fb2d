//! A receiver of webhook messages on this machine, which does to each what a test says.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver as Messages, Sender, channel};
use std::time::Duration;

use serde_json::Value;

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);

/// What happens to a message.
#[derive(Clone, Copy)]
pub(crate) enum Answer {
    /// A status, and a body where some receivers would put a lot.
    Status(u16),
    /// Read, and then the connection is closed without a word.
    Nothing,
    /// Somewhere else is asked to be tried.
    Redirect,
}

/// A message that came.
pub(crate) struct Came {
    pub(crate) body: String,
    pub(crate) headers: Vec<(String, String)>,
}

impl Came {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(key, _)| key == name);
        &found
            .unwrap_or_else(|| panic!("{name}: {:?}", self.headers))
            .1
    }

    /// Verifies it as `MESSAGES.md` says.
    pub(crate) fn is_signed_with(&self, key: &str) -> bool {
        let (mut public, mut signature) = ([0; 32], [0; 64]);
        hex::decode_to_slice(key, &mut public).unwrap();
        hex::decode_to_slice(self.header("overt-signature"), &mut signature).unwrap();
        let signature = ed25519_compact::Signature::new(signature);
        let key = ed25519_compact::PublicKey::new(public);
        key.verify(self.body.as_bytes(), &signature).is_ok()
    }
}

/// A port at which nobody listens now.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// The receiver; it goes on until the test ends.
pub(crate) struct Receiver {
    messages: Messages<Came>,
}

impl Receiver {
    /// Listens at this port. The first messages get these answers, one each, and all others a 204.
    pub(crate) fn start(port: u16, answers: &[Answer]) -> Receiver {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let (tell, messages) = channel();
        let answers = answers.to_vec();
        std::thread::spawn(move || {
            let mut answers = answers.into_iter();
            for stream in listener.incoming().flatten() {
                let answer = answers.next().unwrap_or(Answer::Status(204));
                if hear(stream, answer, &tell).is_none() {
                    return;
                }
            }
        });
        Receiver { messages }
    }

    /// The next message, with its JSON.
    pub(crate) fn next(&self) -> Came {
        let came = self.messages.recv_timeout(PATIENCE);
        came.expect("a message comes")
    }

    /// What has come and was not looked at.
    pub(crate) fn rest(&self) -> Vec<Came> {
        self.messages.try_iter().collect()
    }
}

fn hear(mut stream: TcpStream, answer: Answer, tell: &Sender<Came>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut headers = Vec::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some((key, value)) = line.split_once(": ") {
            let key = key.to_ascii_lowercase();
            if key == "content-length" {
                length = value.parse().unwrap();
            }
            headers.push((key, value.to_owned()));
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let body = String::from_utf8(body).unwrap();
    let answer = match answer {
        Answer::Status(status) => {
            format!("HTTP/1.1 {status} As Said\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        }
        Answer::Redirect => format!(
            "HTTP/1.1 307 Elsewhere\r\nLocation: http://127.0.0.1:{}/elsewhere\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            stream.local_addr().unwrap().port()
        ),
        Answer::Nothing => String::new(),
    };
    let _ = stream.write_all(answer.as_bytes());
    drop((reader, stream));
    tell.send(Came { body, headers }).ok()
}
