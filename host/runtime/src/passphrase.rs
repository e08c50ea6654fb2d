//! A secret key under a passphrase: an encrypted PKCS #8 file (RFC 5958) by PBES2 (RFC 8018) with scrypt (RFC 7914) and AES-256-CBC, which
//! `openssl pkey` reads. It knows no file and asks nobody.

use pkcs8::pkcs5::pbes2;
use pkcs8::pkcs5::scrypt::Params;
use pkcs8::{EncryptedPrivateKeyInfoRef, LineEnding, PrivateKeyInfoRef, SecretDocument};
use zeroize::Zeroizing;

/// The least characters of a passphrase that a key is put under. There is no rule about what they have to be.
pub const LEAST_PASSPHRASE: usize = 12;

/// The mark of the PEM file.
const LABEL: &str = "ENCRYPTED PRIVATE KEY";

/// scrypt's cost: 2¹⁴ blocks of 8 × 128 bytes, five times over. OWASP's cheat sheet on password storage holds it for as good as 2¹⁷ once; that would take
/// 128 MiB, and OpenSSL gives scrypt 32 MiB at the most.
const COST: (u8, u32, u32) = (14, 8, 5);

/// A passphrase on its way: gone from memory with the value, and never printed.
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// What somebody typed, or a file holds.
    pub fn new(text: Zeroizing<String>) -> Passphrase {
        Passphrase(text)
    }

    /// Whether a key can be put under it.
    pub fn is_long_enough(&self) -> bool {
        self.0.chars().count() >= LEAST_PASSPHRASE
    }
}

impl std::fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Passphrase")
    }
}

/// Why a file under a passphrase does not open.
pub(crate) enum Unopened {
    /// It is no such file, or of a way to encrypt that is not known here.
    Unreadable(String),
    /// The passphrase is another one.
    WrongPassphrase,
}

/// Whether a PEM text says that it is under a passphrase.
pub(crate) fn is_locked(pem: &str) -> bool {
    pem.contains(LABEL)
}

/// The PEM text of a key, given as PKCS #8, under a passphrase.
///
/// # Errors
/// Where the operating system gives no random numbers, in its words.
pub(crate) fn lock(der: &[u8], passphrase: &Passphrase) -> Result<Zeroizing<String>, String> {
    let told = |error: &dyn std::fmt::Display| error.to_string();
    let (mut salt, mut iv) = ([0; 16], [0; 16]);
    getrandom::fill(&mut salt).map_err(|error| told(&error))?;
    getrandom::fill(&mut iv).map_err(|error| told(&error))?;
    let (log_n, r, p) = COST;
    let cost = Params::new(log_n, r, p).map_err(|error| told(&error))?;
    let parameters = pbes2::Parameters::generate_scrypt_aes256cbc(cost, &salt, iv)
        .map_err(|error| told(&error))?;
    PrivateKeyInfoRef::try_from(der)
        .map_err(|error| told(&error))?
        .encrypt_with_params(parameters, passphrase.0.as_bytes())
        .map_err(|error| told(&error))?
        .to_pem(LABEL, LineEnding::LF)
        .map_err(|error| told(&error))
}

/// The key in a PEM text under a passphrase, as PKCS #8. What `openssl pkey -aes256` writes (PBKDF2) opens too.
pub(crate) fn unlock(pem: &str, passphrase: &Passphrase) -> Result<SecretDocument, Unopened> {
    let unreadable = |error: &dyn std::fmt::Display| Unopened::Unreadable(error.to_string());
    let (label, document) =
        SecretDocument::from_pem(pem.trim()).map_err(|error| unreadable(&error))?;
    if label != LABEL {
        return Err(Unopened::Unreadable(format!("a file of {label}")));
    }
    let locked = EncryptedPrivateKeyInfoRef::try_from(document.as_bytes())
        .map_err(|error| unreadable(&error))?;
    locked
        .decrypt(passphrase.0.as_bytes())
        .map_err(|error| match error {
            // What comes out of a wrong passphrase has a wrong padding, or by chance a right one and is no key.
            pkcs8::Error::EncryptedPrivateKey(pkcs8::pkcs5::Error::DecryptFailed)
            | pkcs8::Error::Asn1(_) => Unopened::WrongPassphrase,
            other => unreadable(&other),
        })
}
