//! Keys and authenticated encryption: XChaCha20-Poly1305, whose 192-bit nonces may be random. Knows nothing of what is
//! encrypted or where it is kept.

use crate::error::RecordsError;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

/// Bytes of a key.
pub(crate) const KEY: usize = 32;
/// Bytes of a nonce.
pub(crate) const NONCE: usize = 24;
/// Bytes that encryption adds after the text, to authenticate it.
pub(crate) const TAG: usize = 16;

/// A key, zeroed when dropped.
pub(crate) type Key = Zeroizing<[u8; KEY]>;

/// The text was altered, or is not under this key and associated data.
#[derive(Debug)]
pub(crate) struct NotAuthentic;

/// Random bytes from the operating system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], RecordsError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|cause| RecordsError::NoRandomness { cause })?;
    Ok(bytes)
}

/// A fresh random key.
pub(crate) fn random_key() -> Result<Key, RecordsError> {
    let mut key = Key::new([0; KEY]);
    getrandom::fill(&mut *key).map_err(|cause| RecordsError::NoRandomness { cause })?;
    Ok(key)
}

/// Encrypts under a random nonce: nonce, text, tag. The associated data is not stored, but has to be the same to decrypt.
pub(crate) fn seal(key: &Key, text: &[u8], associated: &[u8]) -> Result<Vec<u8>, RecordsError> {
    let nonce: [u8; NONCE] = random()?;
    let payload = Payload {
        msg: text,
        aad: associated,
    };
    let sealed = XChaCha20Poly1305::new((&**key).into()).encrypt(&XNonce::from(nonce), payload);
    let Ok(sealed) = sealed else {
        // The cipher refuses only texts of more than 256 GiB.
        let (what, problem) = ("a payload".into(), "it is too large to seal".into());
        return Err(RecordsError::Refused { what, problem });
    };
    let mut whole = Vec::with_capacity(NONCE + sealed.len());
    whole.extend_from_slice(&nonce);
    whole.extend_from_slice(&sealed);
    Ok(whole)
}

/// Decrypts what [`seal`] made.
pub(crate) fn open(
    key: &Key,
    sealed: &[u8],
    associated: &[u8],
) -> Result<Zeroizing<Vec<u8>>, NotAuthentic> {
    let (nonce, sealed) = sealed.split_first_chunk::<NONCE>().ok_or(NotAuthentic)?;
    let payload = Payload {
        msg: sealed,
        aad: associated,
    };
    XChaCha20Poly1305::new((&**key).into())
        .decrypt(&XNonce::from(*nonce), payload)
        .map(Zeroizing::new)
        .map_err(|_| NotAuthentic)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn what_was_sealed_opens_and_no_flipped_bit_goes_unseen() {
        let key = random_key().unwrap();
        let sealed = seal(&key, b"a face", b"here").unwrap();
        assert_eq!(sealed.len(), NONCE + 6 + TAG);
        assert_eq!(&**open(&key, &sealed, b"here").unwrap(), b"a face");
        for bit in 0..sealed.len() * 8 {
            let mut altered = sealed.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            assert!(open(&key, &altered, b"here").is_err(), "bit {bit}");
        }
    }

    #[test]
    fn what_was_sealed_opens_nowhere_else_and_not_when_cut_short() {
        let key = random_key().unwrap();
        let sealed = seal(&key, b"a face", b"here").unwrap();
        assert!(open(&key, &sealed, b"there").is_err());
        assert!(open(&random_key().unwrap(), &sealed, b"here").is_err());
        for length in 0..sealed.len() {
            assert!(open(&key, &sealed[..length], b"here").is_err());
        }
    }

    #[test]
    fn the_same_text_is_never_sealed_to_the_same_bytes() {
        let key = random_key().unwrap();
        assert_ne!(
            seal(&key, b"x", b"").unwrap(),
            seal(&key, b"x", b"").unwrap()
        );
    }
}
