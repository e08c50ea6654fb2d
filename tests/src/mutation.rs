//! Changes to sound files, as somebody makes them who wants to get through: a bit flipped, an end cut off, a piece twice, a piece of another file.

/// A change. Places are parts of 65,536 of the file's length, so that one change fits files of any length.
#[derive(Clone, Debug)]
pub enum Change {
    /// Flips bits of a byte.
    Flip {
        /// Where.
        at: u16,
        /// Which bits.
        bits: u8,
    },
    /// Cuts the file off.
    Cut {
        /// From where on.
        at: u16,
    },
    /// Takes bytes out.
    Remove {
        /// From where on.
        at: u16,
        /// How many bytes.
        length: u8,
    },
    /// Puts a copy of bytes elsewhere.
    Duplicate {
        /// From where on.
        at: u16,
        /// How many bytes.
        length: u16,
        /// To where.
        to: u16,
    },
    /// Puts these bytes in.
    Insert {
        /// Where.
        at: u16,
        /// What.
        bytes: Vec<u8>,
    },
    /// Goes on with the other file.
    Splice {
        /// From where on.
        at: u16,
        /// From where on in the other file.
        from: u16,
    },
}

fn place(part: u16, length: usize) -> usize {
    usize::from(part) * length / 65_536
}

/// Makes changes, one after the other, to a file; `other` is what it may be spliced with.
pub fn changed(file: &[u8], other: &[u8], changes: &[Change]) -> Vec<u8> {
    let mut bytes = file.to_vec();
    for change in changes {
        let length = bytes.len();
        match change {
            Change::Flip { at, bits } => {
                if let Some(byte) = bytes.get_mut(place(*at, length)) {
                    *byte ^= bits;
                }
            }
            Change::Cut { at } => bytes.truncate(place(*at, length)),
            Change::Remove { at, length: count } => {
                let start = place(*at, length);
                bytes.drain(start..length.min(start + usize::from(*count)));
            }
            Change::Duplicate {
                at,
                length: count,
                to,
            } => {
                let start = place(*at, length);
                let copy = bytes[start..length.min(start + usize::from(*count))].to_vec();
                let to = place(*to, length);
                bytes.splice(to..to, copy);
            }
            Change::Insert { at, bytes: new } => {
                let at = place(*at, length);
                bytes.splice(at..at, new.iter().copied());
            }
            Change::Splice { at, from } => {
                bytes.truncate(place(*at, length));
                bytes.extend(&other[place(*from, other.len())..]);
            }
        }
    }
    bytes
}
