//! Passwords: which are accepted, and what is kept of them. Argon2id, a random salt each; nothing else of a password is ever written.

use super::error::{ForceError, PasswordProblem};
use crate::cipher;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use constant_time_eq::constant_time_eq_32;
use serde::{Deserialize, Serialize};
use std::fmt;
use zeroize::{Zeroize, Zeroizing};

/// The least characters of a password. There is no rule about what they have to be.
pub const LEAST_PASSWORD: usize = 12;

/// The most bytes: hashing takes time for each.
const MOST_BYTES: usize = 1024;

/// The commonest passwords that are long enough, in small letters and without spaces.
const COMMONEST: [&str; 52] = [
    "123456789012",
    "1234567890123",
    "12345678901234",
    "123456789012345",
    "1234567890123456",
    "123123123123",
    "121212121212",
    "112233445566",
    "123456123456",
    "123456789123",
    "1234567891011",
    "0123456789012",
    "987654321098",
    "1q2w3e4r5t6y",
    "1q2w3e4r5t6y7u",
    "1qaz2wsx3edc",
    "1qaz2wsx3edc4rfv",
    "q1w2e3r4t5y6",
    "zaq12wsxcde3",
    "qazwsxedcrfv",
    "qwerty123456",
    "qwertyuiop12",
    "qwertyuiop123",
    "qwertyuiop[]",
    "qwertyuiopasdf",
    "qwertyuiopasdfghjkl",
    "qwertyqwerty",
    "asdfghjkl123",
    "asdfghjklzxcvbnm",
    "zxcvbnm123456",
    "abcdefghijkl",
    "abcdefghijklm",
    "abcdef123456",
    "abc123abc123",
    "abcd1234abcd",
    "password1234",
    "password12345",
    "password123456",
    "password123!",
    "passwordpassword",
    "passw0rd1234",
    "p@ssw0rd1234",
    "p@ssword1234",
    "mypassword123",
    "changeme1234",
    "changemechangeme",
    "letmeinletmein",
    "iloveyou1234",
    "iloveyouiloveyou",
    "administrator",
    "administrator1",
    "correcthorsebatterystaple",
];

/// A password on its way: gone from memory with the value, and never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// What somebody typed.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// Whether a person may choose it.
    pub(super) fn check(&self, id: &str, name: &str) -> Result<(), PasswordProblem> {
        let text = &*self.0;
        if text.chars().count() < LEAST_PASSWORD {
            return Err(PasswordProblem::Short);
        }
        if text.len() > MOST_BYTES {
            return Err(PasswordProblem::Long { most: MOST_BYTES });
        }
        let plain = |text: &str| -> Zeroizing<String> {
            let kept = text.chars().filter(|c| !c.is_whitespace());
            Zeroizing::new(kept.flat_map(char::to_lowercase).collect())
        };
        let mut characters = text.chars();
        let first = characters.next();
        let is_one_character = characters.all(|other| Some(other) == first);
        let text = plain(text);
        if is_one_character || COMMONEST.contains(&text.as_str()) {
            return Err(PasswordProblem::Common);
        }
        if *text == *plain(id) || *text == *plain(name) {
            return Err(PasswordProblem::OwnName);
        }
        Ok(())
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

/// What hashing a password costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hashing {
    memory_kib: u32,
    passes: u32,
}

impl Hashing {
    /// What OWASP's cheat sheet on password storage asks for at least: Argon2id with 19 MiB, two passes, one lane.
    pub const fn owasp() -> Self {
        Self {
            memory_kib: 19 * 1024,
            passes: 2,
        }
    }

    /// The least that Argon2 can do: for tests, in which nobody guesses.
    pub const fn cheapest() -> Self {
        Self {
            memory_kib: 8,
            passes: 1,
        }
    }

    /// Hashes a password; the same time for every password of a length.
    fn hash(self, password: &Password, salt: &[u8; 16]) -> Result<Zeroizing<[u8; 32]>, ForceError> {
        let failed = |cause: argon2::Error| ForceError::Hashing { cause };
        let params = Params::new(self.memory_kib, self.passes, 1, Some(32)).map_err(failed)?;
        let mut blocks = vec![Block::default(); params.block_count()];
        let mut hash = Zeroizing::new([0; 32]);
        let done = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(password.0.as_bytes(), salt, &mut *hash, &mut blocks);
        blocks.zeroize();
        done.map_err(failed)?;
        Ok(hash)
    }
}

/// What is kept of a password.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hashed {
    hashing: Hashing,
    salt: [u8; 16],
    argon2id: [u8; 32],
}

impl fmt::Debug for Hashed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hashed")
    }
}

impl Hashed {
    pub(super) fn new(password: &Password, hashing: Hashing) -> Result<Self, ForceError> {
        let salt = cipher::random()?;
        let argon2id = *hashing.hash(password, &salt)?;
        Ok(Self {
            hashing,
            salt,
            argon2id,
        })
    }

    /// What no password fits, for the time that a wrong one takes.
    pub(super) fn nobodys(hashing: Hashing) -> Result<Self, ForceError> {
        Ok(Self {
            hashing,
            salt: cipher::random()?,
            argon2id: cipher::random()?,
        })
    }

    /// Whether this is the password. Takes the same time for every wrong one.
    pub(super) fn fits(&self, password: &Password) -> Result<bool, ForceError> {
        if password.0.len() > MOST_BYTES {
            // Nobody has one that long, whoever they are.
            return Ok(false);
        }
        let hash = self.hashing.hash(password, &self.salt)?;
        Ok(constant_time_eq_32(&hash, &self.argon2id))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn check(text: &str) -> Result<(), PasswordProblem> {
        Password::new(text.to_owned()).check("anna.engineer", "Anna B. Engineer")
    }

    #[test]
    fn twelve_characters_of_any_kind_are_enough() {
        for text in [
            "xkqjzwvbpltm",
            "            x",
            "ñandú ñandú!",
            "漢字漢字漢字漢字漢字漢字",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
        assert_eq!(check("elevenchars"), Err(PasswordProblem::Short));
        // Characters count, not bytes.
        assert_eq!(check("漢字漢字"), Err(PasswordProblem::Short));
    }

    #[test]
    fn the_commonest_are_refused_however_they_are_spelt() {
        for text in [
            "password1234",
            "PassWord 1234",
            "correct horse battery staple",
            "aaaaaaaaaaaaaaa",
            "            ",
        ] {
            assert_eq!(check(text), Err(PasswordProblem::Common), "{text}");
        }
        for common in COMMONEST {
            assert_eq!(check(common), Err(PasswordProblem::Common), "{common}");
        }
        assert_eq!(check("Anna.Engineer"), Err(PasswordProblem::OwnName));
        assert_eq!(check("anna b. engineer"), Err(PasswordProblem::OwnName));
        assert!(matches!(
            check(&"xy".repeat(600)),
            Err(PasswordProblem::Long { .. })
        ));
    }

    #[test]
    fn a_password_fits_itself_alone_at_the_real_cost() {
        let password = Password::new("a password of some length".to_owned());
        let hashed = Hashed::new(&password, Hashing::owasp()).unwrap();
        assert!(hashed.fits(&password).unwrap());
        let other = Password::new("a password of some lengtH".to_owned());
        assert!(!hashed.fits(&other).unwrap());
        assert!(
            !Hashed::nobodys(Hashing::owasp())
                .unwrap()
                .fits(&password)
                .unwrap()
        );
        // The same password twice leaves nothing in common.
        let again = Hashed::new(&password, Hashing::owasp()).unwrap();
        assert_ne!(hashed.salt, again.salt);
        assert_ne!(hashed.argon2id, again.argon2id);
    }

    #[test]
    fn no_password_is_printed() {
        let password = Password::new("a password of some length".to_owned());
        let hashed = Hashed::new(&password, Hashing::cheapest()).unwrap();
        assert_eq!(format!("{password:?} {hashed:?}"), "Password Hashed");
    }
}
