//! A model that never ends: a `Loop` of 2⁶² turns. Written out field by field as protobuf, so that no file has to be kept, and its digest is
//! always the same.

/// Protobuf's wire type 2: bytes of a stated length.
fn bytes(field: u8, value: &[u8]) -> Vec<u8> {
    let mut out = vec![field << 3 | 2];
    let mut length = value.len();
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend_from_slice(value);
    out
}

/// Protobuf's wire type 0, for values under 128.
fn number(field: u8, value: u8) -> Vec<u8> {
    vec![field << 3, value]
}

fn text(field: u8, value: &str) -> Vec<u8> {
    bytes(field, value.as_bytes())
}

fn message(field: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    bytes(field, &parts.concat())
}

const FLOAT: u8 = 1;
const INT64: u8 = 7;
const BOOL: u8 = 9;

/// An input (11) or output (12) of a graph: one value, or one dimension of one value.
fn port(field: u8, name: &str, element: u8, dimensions: usize) -> Vec<u8> {
    let sides = vec![message(1, &[number(1, 1)]); dimensions];
    let tensor = [number(1, element), message(2, &sides)];
    message(field, &[text(1, name), message(2, &[message(1, &tensor)])])
}

fn node(operator: &str, inputs: &[&str], outputs: &[&str], more: Vec<u8>) -> Vec<u8> {
    let inputs = inputs.iter().map(|input| text(1, input));
    let outputs = outputs.iter().map(|output| text(2, output));
    let mut parts: Vec<_> = inputs.chain(outputs).collect();
    parts.extend([text(4, operator), more]);
    message(1, &parts)
}

/// `end` = `start` (one float32) plus itself, 2⁶² times over.
pub fn endless() -> Vec<u8> {
    let body = [
        node("Identity", &["go"], &["go-on"], Vec::new()),
        node("Add", &["value", "value"], &["next"], Vec::new()),
        text(2, "body"),
        port(11, "turn", INT64, 0),
        port(11, "go", BOOL, 0),
        port(11, "value", FLOAT, 1),
        port(12, "go-on", BOOL, 0),
        port(12, "next", FLOAT, 1),
    ];
    const GRAPH: u8 = 5;
    let body = [
        text(1, "body"),
        message(6, &body),
        // Field 20 takes two bytes.
        vec![0xa0, 0x01, GRAPH],
    ];
    let turns = [
        number(2, INT64),
        text(8, "turns"),
        bytes(9, &(1i64 << 62).to_le_bytes()),
    ];
    let graph = [
        node("Loop", &["turns", "", "start"], &["end"], message(5, &body)),
        text(2, "endless"),
        message(5, &turns),
        port(11, "start", FLOAT, 1),
        port(12, "end", FLOAT, 1),
    ];
    let opset = [number(2, 17)];
    [number(1, 8), message(7, &graph), message(8, &opset)].concat()
}
