//! The protobuf wire format, just enough to change a few fields of a message and leave every other byte's meaning alone. Knows no
//! message type.
//!
//! A generated reader would drop the fields that it does not know, and a model must keep them.

/// One field of a message, in the order of the file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Field<'a> {
    pub(crate) number: u32,
    pub(crate) value: Value<'a>,
}

/// What a field holds, by wire type.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Varint(u64),
    Fixed64(&'a [u8]),
    Bytes(&'a [u8]),
    /// Bytes made here, in place of ones from the file.
    Made(Vec<u8>),
    Fixed32(&'a [u8]),
}

/// Why bytes are no protobuf message.
#[derive(Debug, PartialEq, thiserror::Error)]
#[error("no protobuf message: {why} at byte {at}")]
pub struct WireError {
    /// Offset in the message that was being read.
    pub at: usize,
    /// What was found there.
    pub why: &'static str,
}

impl Field<'_> {
    pub(crate) fn varint(number: u32, value: u64) -> Self {
        Field {
            number,
            value: Value::Varint(value),
        }
    }

    pub(crate) fn made(number: u32, bytes: Vec<u8>) -> Self {
        Field {
            number,
            value: Value::Made(bytes),
        }
    }

    /// The payload of a length-delimited field; nothing for another wire type.
    pub(crate) fn bytes(&self) -> Option<&[u8]> {
        match &self.value {
            Value::Bytes(bytes) => Some(bytes),
            Value::Made(bytes) => Some(bytes),
            Value::Varint(_) | Value::Fixed64(_) | Value::Fixed32(_) => None,
        }
    }
}

/// The fields of a message. Every length is checked against what is there.
pub(crate) fn read(message: &[u8]) -> Result<Vec<Field<'_>>, WireError> {
    let mut fields = Vec::new();
    let mut at = 0;
    while at < message.len() {
        let key = read_varint(message, &mut at)?;
        let number = u32::try_from(key >> 3).ok().filter(|number| *number != 0);
        let number = number.ok_or(WireError {
            at,
            why: "a field number out of range",
        })?;
        let value = match key & 7 {
            0 => Value::Varint(read_varint(message, &mut at)?),
            1 => Value::Fixed64(take(message, &mut at, 8)?),
            2 => {
                let length = read_varint(message, &mut at)?;
                let length = usize::try_from(length).map_err(|_| WireError {
                    at,
                    why: "a length out of range",
                })?;
                Value::Bytes(take(message, &mut at, length)?)
            }
            5 => Value::Fixed32(take(message, &mut at, 4)?),
            _ => {
                return Err(WireError {
                    at,
                    why: "an unknown wire type",
                });
            }
        };
        fields.push(Field { number, value });
    }
    Ok(fields)
}

/// The bytes of a message. What `read` gave comes out with the same meaning and in the same order.
pub(crate) fn write(fields: &[Field<'_>]) -> Vec<u8> {
    let mut message = Vec::new();
    for Field { number, value } in fields {
        let key = |wire_type: u64| u64::from(*number) << 3 | wire_type;
        match value {
            Value::Varint(varint) => {
                write_varint(&mut message, key(0));
                write_varint(&mut message, *varint);
            }
            Value::Fixed64(bytes) => {
                write_varint(&mut message, key(1));
                message.extend_from_slice(bytes);
            }
            Value::Bytes(bytes) => write_bytes(&mut message, key(2), bytes),
            Value::Made(bytes) => write_bytes(&mut message, key(2), bytes),
            Value::Fixed32(bytes) => {
                write_varint(&mut message, key(5));
                message.extend_from_slice(bytes);
            }
        }
    }
    message
}

fn write_bytes(message: &mut Vec<u8>, key: u64, bytes: &[u8]) {
    write_varint(message, key);
    write_varint(message, bytes.len() as u64);
    message.extend_from_slice(bytes);
}

fn take<'a>(message: &'a [u8], at: &mut usize, length: usize) -> Result<&'a [u8], WireError> {
    let end = at.checked_add(length).filter(|end| *end <= message.len());
    let end = end.ok_or(WireError {
        at: *at,
        why: "a field that reaches past the end",
    })?;
    let bytes = &message[*at..end];
    *at = end;
    Ok(bytes)
}

fn read_varint(message: &[u8], at: &mut usize) -> Result<u64, WireError> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = *message.get(*at).ok_or(WireError {
            at: *at,
            why: "a number that is cut short",
        })?;
        *at += 1;
        let bits = u64::from(byte & 0x7f);
        if shift == 63 && bits > 1 {
            break;
        }
        value |= bits << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(WireError {
        at: *at,
        why: "a number of more than 64 bits",
    })
}

fn write_varint(message: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        message.push(value as u8 | 0x80);
        value >>= 7;
    }
    message.push(value as u8);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Fields 1: varint 300; 2: "hi"; 3: fixed32; 4: fixed64; 100: varint 0.
    const MESSAGE: &[u8] = b"\x08\xac\x02\x12\x02hi\x1d\x01\x02\x03\x04\x21\x01\x02\x03\x04\x05\x06\x07\x08\xa0\x06\x00";

    #[test]
    fn a_message_of_every_wire_type_comes_out_as_it_went_in() {
        let fields = read(MESSAGE).unwrap();
        assert_eq!(
            fields.iter().map(|field| field.number).collect::<Vec<_>>(),
            [1, 2, 3, 4, 100]
        );
        assert_eq!(fields[0].value, Value::Varint(300));
        assert_eq!(fields[1].bytes(), Some(&b"hi"[..]));
        assert_eq!(write(&fields), MESSAGE);
    }

    #[test]
    fn the_largest_number_survives() {
        let bytes = write(&[Field::varint(1, u64::MAX)]);
        assert_eq!(read(&bytes).unwrap(), [Field::varint(1, u64::MAX)]);
    }

    #[test]
    fn every_cut_inside_a_field_is_an_error_and_no_panic() {
        let ends: Vec<usize> = {
            let fields = read(MESSAGE).unwrap();
            (0..=fields.len())
                .map(|count| write(&fields[..count]).len())
                .collect()
        };
        for cut in 0..MESSAGE.len() {
            assert_eq!(
                read(&MESSAGE[..cut]).is_ok(),
                ends.contains(&cut),
                "cut at {cut}"
            );
        }
    }

    #[test]
    fn lengths_and_numbers_out_of_range_are_refused() {
        let longest_length = b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
        assert_eq!(
            read(longest_length).unwrap_err().why,
            "a field that reaches past the end"
        );
        let eleven_bytes = b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
        assert_eq!(
            read(eleven_bytes).unwrap_err().why,
            "a number of more than 64 bits"
        );
        assert_eq!(
            read(b"\x00\x00").unwrap_err().why,
            "a field number out of range"
        );
        assert_eq!(read(b"\x0b").unwrap_err().why, "an unknown wire type");
    }
}
