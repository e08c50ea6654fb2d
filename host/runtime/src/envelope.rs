//! The outermost layer of a plugin file: which sections it has at its top level, without looking into any of them. This is all that is parsed
//! before the signatures are checked, so it is short, allocates nothing and reads each byte at most once.

use std::path::Path;

use crate::error::PluginError;
use crate::manifest;

/// The first eight bytes of a component, and of a core module.
const COMPONENT: [u8; 8] = [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00];
const MODULE: [u8; 8] = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

/// The custom section that holds signatures, by the format of <https://github.com/wasm-signatures/design>.
const SIGNATURE: &[u8] = b"signature";

/// The custom section by which that format divides a file into parts that are signed one by one. No plugin may have it: who signs, signs all.
const DELIMITER: &[u8] = b"signature_delimiter";

/// A component, divided.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Envelope<'f> {
    /// What the signature section holds; absent where there is none.
    pub(crate) signatures: Option<&'f [u8]>,
    /// Everything behind the signature section: what signatures are made over.
    pub(crate) content: &'f [u8],
    /// The manifest.
    pub(crate) manifest: &'f [u8],
}

/// A custom or another section.
struct Section<'f> {
    /// Custom sections have one.
    name: Option<&'f [u8]>,
    data: &'f [u8],
}

/// A part of the file that is read from its beginning. What cannot be read is told by the offset in the file.
struct Cursor<'f> {
    file: &'f [u8],
    at: usize,
    end: usize,
}

type Fault = (usize, &'static str);

impl<'f> Cursor<'f> {
    fn rest(&self) -> &'f [u8] {
        &self.file[self.at..self.end]
    }

    fn byte(&mut self) -> Result<u8, Fault> {
        let byte = *self.rest().first().ok_or((self.at, "it ends too early"))?;
        self.at += 1;
        Ok(byte)
    }

    /// A LEB128 number of 32 bits in its shortest form: another form is another file with the same meaning, which no signature would tell apart.
    fn number(&mut self) -> Result<usize, Fault> {
        let start = self.at;
        let mut number = 0_u64;
        for shift in (0..35).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                if byte == 0 && shift > 0 {
                    return Err((start, "a number is not in its shortest form"));
                }
                return u32::try_from(number)
                    .map(|number| number as usize)
                    .map_err(|_| (start, "a number is larger than 32 bits"));
            }
        }
        Err((start, "a number is longer than 32 bits"))
    }

    fn take(&mut self, length: usize) -> Result<Cursor<'f>, Fault> {
        let end = self
            .at
            .checked_add(length)
            .filter(|end| *end <= self.end)
            .ok_or((self.at, "a length goes beyond the end"))?;
        let part = Cursor {
            file: self.file,
            at: self.at,
            end,
        };
        self.at = end;
        Ok(part)
    }

    fn section(&mut self) -> Result<Section<'f>, Fault> {
        let id = self.byte()?;
        let length = self.number()?;
        let mut body = self.take(length)?;
        let name = match id {
            0 => {
                let length = body.number()?;
                Some(body.take(length)?.rest())
            }
            _ => None,
        };
        Ok(Section {
            name,
            data: body.rest(),
        })
    }
}

impl<'f> Envelope<'f> {
    /// Divides a file: a component with one manifest, and with signatures in its first section or not at all.
    pub(crate) fn open(path: &Path, file: &'f [u8]) -> Result<Envelope<'f>, PluginError> {
        let path = || path.to_owned();
        match file.get(..COMPONENT.len()) {
            Some(header) if header == COMPONENT => {}
            Some(header) if header == MODULE => {
                return Err(PluginError::CoreModule { path: path() });
            }
            _ => {
                // The version stands behind the four bytes that say that it is WebAssembly; where they do not, it says nothing.
                let told = if file.starts_with(&COMPONENT[..4]) {
                    8
                } else {
                    4
                };
                let first = &file[..file.len().min(told)];
                return Err(PluginError::NotWasm {
                    path: path(),
                    found: match first {
                        [] => "an empty file".to_owned(),
                        first => hex::encode(first),
                    },
                });
            }
        }
        let malformed = |(offset, cause): Fault| PluginError::Malformed {
            path: path(),
            offset: offset as u64,
            cause: cause.to_owned(),
        };
        let mut cursor = Cursor {
            file,
            at: COMPONENT.len(),
            end: file.len(),
        };
        let mut envelope = Envelope {
            signatures: None,
            content: cursor.rest(),
            manifest: &[],
        };
        let mut manifests = 0;
        while !cursor.rest().is_empty() {
            let offset = cursor.at;
            let section = cursor.section().map_err(malformed)?;
            match section.name {
                Some(SIGNATURE) if offset == COMPONENT.len() => {
                    envelope.signatures = Some(section.data);
                    envelope.content = cursor.rest();
                }
                Some(SIGNATURE) => {
                    return Err(malformed((
                        offset,
                        "signatures that do not stand in the first section",
                    )));
                }
                Some(DELIMITER) => {
                    return Err(malformed((
                        offset,
                        "a mark that divides the file for signing; a plugin is signed as a whole",
                    )));
                }
                Some(name) if name == manifest::SECTION.as_bytes() => {
                    manifests += 1;
                    envelope.manifest = section.data;
                }
                _ => {}
            }
        }
        match manifests {
            1 => Ok(envelope),
            count => Err(PluginError::ManifestCount {
                path: path(),
                count,
            }),
        }
    }
}

/// A signature as the section lists it. Who made it is known only when a key verifies it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    /// A hint at the key, if its maker left one.
    pub(crate) key_id: Vec<u8>,
}

impl Listed {
    /// The hint as a fingerprint ([`overt_contract::PublicKey::fingerprint`]), where it has that form.
    pub(crate) fn hint(&self) -> String {
        match self.key_id.len() {
            8 => {
                let words: Vec<String> = self.key_id.chunks(2).map(hex::encode).collect();
                words.join("-")
            }
            0 => "no hint".to_owned(),
            _ => hex::encode(&self.key_id),
        }
    }
}

/// What the signature section says was signed, and the signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Signatures {
    /// SHA-256 of what was signed.
    pub(crate) content: [u8; 32],
    pub(crate) listed: Vec<Listed>,
}

/// Most signatures of a plugin. Each costs a verification for each trusted key.
pub(crate) const MOST_SIGNATURES: usize = 16;

/// Bytes of a signature's hint at its key. It is shown to people, and anybody may have written it.
const MOST_HINT: usize = 64;

impl Signatures {
    /// Reads a signature section. One that divides the file, signs several contents or claims lengths that are not there is refused here, before
    /// the library that verifies it makes room for them.
    pub(crate) fn read(section: &[u8]) -> Result<Signatures, &'static str> {
        let mut cursor = Cursor {
            file: section,
            at: 0,
            end: section.len(),
        };
        Self::of(&mut cursor).map_err(|(_, cause)| cause)
    }

    fn of(cursor: &mut Cursor<'_>) -> Result<Signatures, Fault> {
        let expect = |right: bool, at: usize, cause| match right {
            true => Ok(()),
            false => Err((at, cause)),
        };
        let (version, kind, hash) = (cursor.byte()?, cursor.byte()?, cursor.byte()?);
        // Version 1, a WebAssembly file, SHA-256.
        expect(
            [version, kind, hash] == [1, 1, 1],
            cursor.at,
            "the signatures are of a format that is not known",
        )?;
        let sets = cursor.number()?;
        expect(
            sets == 1,
            cursor.at,
            "the signatures are of several contents",
        )?;
        let length = cursor.number()?;
        let mut set = cursor.take(length)?;
        let hashes = set.number()?;
        expect(
            hashes == 1,
            set.at,
            "the signatures are of parts of the file",
        )?;
        let content = set.take(32)?;
        let content = content
            .rest()
            .try_into()
            .map_err(|_| (content.at, "a digest is of another length"))?;
        let count = set.number()?;
        expect(
            (1..=MOST_SIGNATURES).contains(&count),
            set.at,
            "there are no signatures, or more than 16",
        )?;
        let mut listed = Vec::with_capacity(count);
        for _ in 0..count {
            let length = set.number()?;
            let mut signature = set.take(length)?;
            let length = signature.number()?;
            expect(
                length <= MOST_HINT,
                signature.at,
                "a signature's hint at its key is longer than 64 bytes",
            )?;
            let key_id = signature.take(length)?.rest().to_vec();
            // Ed25519.
            expect(
                signature.byte()? == 1,
                signature.at,
                "a signature is of an algorithm that is not known",
            )?;
            let length = signature.number()?;
            expect(
                length == 64,
                signature.at,
                "a signature is of another length",
            )?;
            signature.take(length)?;
            expect(
                signature.rest().is_empty(),
                signature.at,
                "a signature is followed by something else",
            )?;
            listed.push(Listed { key_id });
        }
        expect(
            set.rest().is_empty() && cursor.rest().is_empty(),
            set.at,
            "the signatures are followed by something else",
        )?;
        Ok(Signatures { content, listed })
    }
}

#[cfg(test)]
mod tests;
