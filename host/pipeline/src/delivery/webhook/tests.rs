//! Receivers that are not what they should be.
#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use overt_deployment::{ChannelKind, Deployment};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tempfile::TempDir;

use super::*;

/// An authority that exists for one test, and a receiver at 127.0.0.1 that it vouches for.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl Authority {
    fn new() -> Authority {
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("authority.pem"), issuer.pem()).unwrap();
        Authority { issuer, folder }
    }

    /// A file for the deployment to name.
    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What a deployment file says so that this authority is believed.
    fn believed(&self) -> String {
        format!("authorities = {:?}", self.file("authority.pem"))
    }

    /// A receiver with a certificate for 127.0.0.1.
    fn serve_https(&self) -> (u16, Receiver<String>) {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(["127.0.0.1".to_owned()])
            .and_then(|receiver| receiver.signed_by(&key, &self.issuer))
            .unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        serve(move |stream| {
            let connection = ServerConnection::new(Arc::new(config)).unwrap();
            let mut stream = StreamOwned::new(connection, stream);
            let came = hear(&mut stream)?;
            taken(&mut stream)?;
            stream.conn.send_close_notify();
            stream.flush()?;
            Ok(came)
        })
    }
}

/// A webhook as a deployment file says it.
fn post(url: &str, more: &str) -> Post {
    let text = include_str!("../../../../deployment/tests/ui/least.toml");
    let text = text.replace(
        "[trust]",
        &format!("[[channel]]\nname = \"far\"\npurpose = \"review\"\nkind = \"webhook\"\nurl = {url:?}\n{more}\n[trust]"),
    );
    let deployment = Deployment::parse("least.toml".as_ref(), &text).unwrap();
    match &deployment.channels[1].kind {
        ChannelKind::Webhook(webhook) => Post::new(webhook),
        other => panic!("{other:?}"),
    }
}

fn send(post: &Post) -> Result<(), NotTaken> {
    post.send("{\"overt-message\":1}", &[7; 64], "ab")
}

/// Listens, and does this with the first connection; what came over it.
fn serve(
    answer: impl FnOnce(TcpStream) -> std::io::Result<Vec<u8>> + Send + 'static,
) -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, told) = channel();
    thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let came = answer(stream).unwrap_or_default();
        let _ = tell.send(String::from_utf8_lossy(&came).into_owned());
    });
    (port, told)
}

/// Reads a request to the end of its body.
fn hear(stream: &mut impl std::io::Read) -> std::io::Result<Vec<u8>> {
    let mut came = Vec::new();
    let mut bytes = [0; 1024];
    while !came.ends_with(b"}") {
        let read = stream.read(&mut bytes)?;
        if read == 0 {
            break;
        }
        came.extend(&bytes[..read]);
    }
    Ok(came)
}

fn taken(stream: &mut impl Write) -> std::io::Result<()> {
    stream.write_all(b"HTTP/1.1 204 Taken\r\nConnection: close\r\n\r\n")?;
    stream.flush()
}

#[test]
fn a_message_is_a_signed_post_over_https_to_a_receiver_that_the_named_authority_vouches_for() {
    let authority = Authority::new();
    let (port, told) = authority.serve_https();
    send(&post(
        &format!("https://127.0.0.1:{port}/alerts?x=1"),
        &authority.believed(),
    ))
    .unwrap();
    let came = told.recv().unwrap().to_lowercase();
    assert!(came.starts_with("post /alerts?x=1 http/1.1\r\n"), "{came}");
    assert!(
        came.contains("content-type: application/json\r\n"),
        "{came}"
    );
    assert!(
        came.contains(&format!("overt-signature: {}\r\n", "07".repeat(64))),
        "{came}"
    );
    assert!(came.contains("overt-key: ab\r\n"), "{came}");
    assert!(came.ends_with("\r\n\r\n{\"overt-message\":1}"), "{came}");
}

#[test]
fn nothing_is_told_to_a_receiver_that_nobody_vouches_for() {
    let authority = Authority::new();
    let believed = authority.believed();
    // Browsers know no such authority; and the certificate is for another name.
    for (host, more) in [("127.0.0.1", ""), ("localhost", &*believed)] {
        let (port, told) = authority.serve_https();
        let refused = send(&post(&format!("https://{host}:{port}/"), more)).unwrap_err();
        assert!(refused.never_left && refused.nobody, "{refused:?}");
        assert_eq!(told.recv().unwrap(), "", "{refused:?}");
    }
}

#[test]
fn certificates_that_are_none_are_told_and_nothing_leaves() {
    let authority = Authority::new();
    let key = authority.issuer.key().serialize_pem();
    std::fs::write(authority.file("key.pem"), key).unwrap();
    std::fs::write(authority.file("words.pem"), "None of it is a certificate.").unwrap();
    for (file, words) in [
        ("key.pem", "something other than certificates"),
        ("words.pem", "no certificate"),
        ("not-there.pem", "No such file"),
    ] {
        let more = format!("authorities = {:?}", authority.file(file));
        let refused = send(&post("https://127.0.0.1:1/", &more)).unwrap_err();
        assert!(
            refused.never_left && refused.cause.contains(words),
            "{refused:?}"
        );
    }
}

#[test]
fn a_refusal_is_no_delivery_and_a_redirect_is_followed_nowhere() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let other = elsewhere.local_addr().unwrap().port();
    for (status, more) in [
        (500, String::new()),
        (307, format!("Location: http://127.0.0.1:{other}/\r\n")),
    ] {
        let (port, _told) = serve(move |mut stream| {
            let came = hear(&mut stream)?;
            write!(
                stream,
                "HTTP/1.1 {status} No\r\n{more}Content-Length: 0\r\n\r\n"
            )?;
            Ok(came)
        });
        let refused = send(&post(&format!("http://127.0.0.1:{port}/"), "")).unwrap_err();
        assert!(refused.cause.contains(&status.to_string()), "{refused:?}");
        assert!(!refused.never_left && !refused.nobody, "{refused:?}");
    }
    let followed = elsewhere.accept().map(drop);
    assert_eq!(followed.unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn an_answer_without_end_is_not_read_to_its_end() {
    let (port, told) = serve(|mut stream| {
        let came = hear(&mut stream)?;
        stream.write_all(b"HTTP/1.1 200 Yes\r\n")?;
        // Until whoever asked has had enough.
        while stream.write_all(b"X-More: and more and more\r\n").is_ok() {}
        Ok(came)
    });
    let refused = send(&post(&format!("http://127.0.0.1:{port}/"), "")).unwrap_err();
    assert!(!refused.never_left, "{refused:?}");
    assert!(told.recv().unwrap().starts_with("POST"));

    // A body without end is none of ours: the status has said it.
    let (port, told) = serve(|mut stream| {
        let came = hear(&mut stream)?;
        stream.write_all(b"HTTP/1.1 200 Yes\r\nTransfer-Encoding: chunked\r\n\r\n")?;
        while stream.write_all(b"1\r\nx\r\n").is_ok() {}
        Ok(came)
    });
    send(&post(&format!("http://127.0.0.1:{port}/"), "")).unwrap();
    assert!(told.recv().unwrap().starts_with("POST"));
}

#[test]
fn where_nobody_listens_nothing_has_left_and_where_the_line_is_cut_it_may_have() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let refused = send(&post(&format!("http://127.0.0.1:{port}/"), "")).unwrap_err();
    assert!(refused.never_left && refused.nobody, "{refused:?}");
    let (port, _told) = serve(|mut stream| hear(&mut stream));
    let refused = send(&post(&format!("http://127.0.0.1:{port}/"), "")).unwrap_err();
    assert!(!refused.never_left && refused.nobody, "{refused:?}");
}
