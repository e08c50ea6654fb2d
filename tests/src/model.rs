//! The models of the hostile plugins: one that never ends, a `Loop` of 2⁶² turns; and one that works on as much as it is given. Written out field
//! by field as protobuf, so that no file has to be kept, and their digests are always the same.

/// Protobuf's wire type 2: bytes of a stated length.
pub(crate) fn bytes(field: u8, value: &[u8]) -> Vec<u8> {
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
pub(crate) fn number(field: u8, value: u8) -> Vec<u8> {
    vec![field << 3, value]
}

pub(crate) fn text(field: u8, value: &str) -> Vec<u8> {
    bytes(field, value.as_bytes())
}

pub(crate) fn message(field: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    bytes(field, &parts.concat())
}

pub(crate) const FLOAT: u8 = 1;
pub(crate) const INT64: u8 = 7;
pub(crate) const BOOL: u8 = 9;

/// An input (11) or output (12) of a graph: one value, or one dimension of one value.
pub(crate) fn port(field: u8, name: &str, element: u8, dimensions: usize) -> Vec<u8> {
    sided_port(field, name, element, &vec![number(1, 1); dimensions])
}

/// The same with these sides, each a number (1) or a name (2).
pub(crate) fn sided_port(field: u8, name: &str, element: u8, sides: &[Vec<u8>]) -> Vec<u8> {
    let sides: Vec<_> = sides.iter().map(|side| bytes(1, side)).collect();
    let tensor = [number(1, element), message(2, &sides)];
    message(field, &[text(1, name), message(2, &[message(1, &tensor)])])
}

pub(crate) fn node(operator: &str, inputs: &[&str], outputs: &[&str], more: Vec<u8>) -> Vec<u8> {
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
    file(&graph)
}

/// The sum of a picture of any size (float32, [1, 3, height, width]) after eight steps, each of which takes as much memory as the picture.
pub fn wide() -> Vec<u8> {
    const STEPS: usize = 8;
    let name = |step: usize| format!("step-{step}");
    let mut graph: Vec<_> = (0..STEPS)
        .map(|step| node("Sigmoid", &[&name(step)], &[&name(step + 1)], Vec::new()))
        .collect();
    let sides = [
        number(1, 1),
        number(1, 3),
        text(2, "height"),
        text(2, "width"),
    ];
    graph.extend([
        node("ReduceMax", &[&name(STEPS)], &["most"], Vec::new()),
        text(2, "wide"),
        sided_port(11, &name(0), FLOAT, &sides),
        port(12, "most", FLOAT, 4),
    ]);
    file(&graph)
}

/// A model file of this graph, with the operators of opset 17.
pub(crate) fn file(graph: &[Vec<u8>]) -> Vec<u8> {
    file_of(17, graph)
}

/// The same with the operators of another opset.
pub(crate) fn file_of(opset: u8, graph: &[Vec<u8>]) -> Vec<u8> {
    let opset = [number(2, opset)];
    [number(1, 8), message(7, graph), message(8, &opset)].concat()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    #[test]
    fn the_digests_are_those_of_the_manifest() {
        let manifest = include_str!("../hostile/hostile-perception/plugin.toml");
        for bytes in [super::endless(), super::wide()] {
            let (_, model) = crate::hostile::model_file(&bytes).unwrap();
            assert!(manifest.contains(model.sha256()), "{}", model.sha256());
        }
    }
}
