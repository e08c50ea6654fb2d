//! Hostile models: files that claim what is not so, want what lies elsewhere, or never end. Each breaks one thing; what is said of each by whom is
//! told beside it, and `tests/models.rs` looks whether it is.

use crate::model::{
    BOOL, FLOAT, INT64, bytes, endless, file, file_of, message, node, number, port, sided_port,
    text,
};

/// Who sends a hostile model away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sentinel {
    /// The reader of model files, before any library sees it.
    Reader,
    /// The library that would run it, when it is loaded.
    Library,
    /// Whichever is first: libraries differ in what they check.
    Either,
    /// The run: an error, and no answer.
    Run,
    /// Nobody has to: it is odd and harmless. Whatever happens, the next model works.
    Nobody,
}

/// A hostile model.
pub struct HostileModel {
    /// What is wrong with it.
    pub name: String,
    /// The file.
    pub bytes: Vec<u8>,
    /// Who sends it away.
    pub sentinel: Sentinel,
}

/// A model that does what it says: `y` = `x` + `x`, one float32.
pub fn sound() -> Vec<u8> {
    file(&[
        node("Add", &["x", "x"], &["y"], Vec::new()),
        text(2, "sound"),
        port(11, "x", FLOAT, 1),
        port(12, "y", FLOAT, 1),
    ])
}

/// A number of more than seven bits.
fn large(field: u8, value: u64) -> Vec<u8> {
    let mut out = vec![field << 3];
    let mut value = value;
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}

/// The graph of [`sound`] with other nodes and more.
fn graph(parts: Vec<Vec<u8>>) -> Vec<u8> {
    let mut all = parts;
    all.extend([
        text(2, "g"),
        port(11, "x", FLOAT, 1),
        port(12, "y", FLOAT, 1),
    ]);
    file(&all)
}

/// A constant of the graph that claims these sides and this element.
fn constant(name: &str, sides: &[u64], element: u8, data: &[u8]) -> Vec<u8> {
    let mut parts: Vec<_> = sides.iter().map(|side| large(1, *side)).collect();
    parts.extend([number(2, element), text(8, name), bytes(9, data)]);
    message(5, &parts)
}

fn add(to: &str) -> Vec<u8> {
    node("Add", &["x", to], &["y"], Vec::new())
}

/// A constant whose numbers lie in `location`.
fn elsewhere(location: &str) -> Vec<u8> {
    let entry = |key: &str, value: &str| message(13, &[text(1, key), text(2, value)]);
    message(
        5,
        &[
            number(1, 1),
            number(2, FLOAT),
            text(8, "w"),
            entry("location", location),
            number(14, 1),
        ],
    )
}

/// A node of this domain.
fn foreign(operator: &str, domain: &str) -> Vec<u8> {
    node(operator, &["x"], &["y"], text(7, domain))
}

/// `If`s within each other.
fn nested(levels: usize) -> Vec<u8> {
    let mut inner = vec![text(2, "b"), port(12, "y", FLOAT, 1)];
    for _ in 0..levels {
        // Field 20 takes two bytes.
        let graph_kind = vec![0xa0, 0x01, 5];
        let branch = [text(1, "then_branch"), message(6, &inner), graph_kind];
        inner = vec![
            node("If", &["go"], &["y"], message(5, &branch)),
            text(2, "b"),
            port(12, "y", FLOAT, 1),
        ];
    }
    inner.push(port(11, "go", BOOL, 0));
    file(&inner)
}

/// An attribute that is a whole number under 128.
fn setting(name: &str, value: u8) -> Vec<u8> {
    const INT: u8 = 2;
    // Field 20 takes two bytes.
    let kind = vec![0xa0, 0x01, INT];
    message(5, &[text(1, name), number(3, value), kind])
}

/// `y` = the greatest of `x`, when it stands there so often: four bytes go in and four come out.
pub fn swelling(times: u64) -> Vec<u8> {
    graph(vec![
        node("Expand", &["x", "times"], &["many"], Vec::new()),
        node("Sin", &["many"], &["sines"], Vec::new()),
        node("ReduceMax", &["sines"], &["y"], Vec::new()),
        constant("times", &[1], INT64, &times.to_le_bytes()),
    ])
}

/// `x` as text, joined with itself so often, is itself: 1.
fn long_text(times: usize) -> Vec<u8> {
    const STRING: u8 = 8;
    let name = |turn: usize| format!("text-{turn}");
    let mut nodes = vec![node("Cast", &["x"], &[&name(0)], setting("to", STRING))];
    nodes.extend((0..times).map(|turn| {
        let (from, to) = (name(turn), name(turn + 1));
        node("StringConcat", &[&from, &from], &[&to], Vec::new())
    }));
    let last = name(times);
    nodes.extend([
        node("Equal", &[&last, &last], &["same"], Vec::new()),
        node("Cast", &["same"], &["y"], setting("to", FLOAT)),
        text(2, "g"),
        port(11, "x", FLOAT, 1),
        port(12, "y", FLOAT, 1),
    ]);
    file_of(20, &nodes)
}

/// A list that is joined with itself in each of so many turns.
fn doubling(turns: u64) -> Vec<u8> {
    let open = [text(2, "n")];
    let body = [
        node("Identity", &["go"], &["go-on"], Vec::new()),
        node("Concat", &["list", "list"], &["longer"], setting("axis", 0)),
        text(2, "body"),
        port(11, "turn", INT64, 0),
        port(11, "go", BOOL, 0),
        sided_port(11, "list", FLOAT, &open),
        port(12, "go-on", BOOL, 0),
        sided_port(12, "longer", FLOAT, &open),
    ];
    const GRAPH: u8 = 5;
    let body = [text(1, "body"), message(6, &body), vec![0xa0, 0x01, GRAPH]];
    graph(vec![
        node("Loop", &["turns", "", "x"], &["list-1"], message(5, &body)),
        node("ReduceMax", &["list-1"], &["y"], Vec::new()),
        constant("turns", &[], INT64, &turns.to_le_bytes()),
    ])
}

/// A model whose answer depends on a constant that is computed from other constants, which a library does when it loads the model.
fn folded(nodes: Vec<Vec<u8>>) -> Vec<u8> {
    let mut parts = nodes;
    parts.extend([
        node("ReduceMax", &["folded"], &["most"], setting("keepdims", 0)),
        add("most"),
    ]);
    graph(parts)
}

/// What does its harm when it is loaded, if it is not refused before: with each, what it takes too much of.
pub fn bombs() -> Vec<(&'static str, Bomb, Vec<u8>)> {
    let one = || constant("one", &[1], FLOAT, &1f32.to_le_bytes());
    let shape = |sides: &[u64]| {
        let numbers: Vec<u8> = sides.iter().flat_map(|side| side.to_le_bytes()).collect();
        constant("shape", &[sides.len() as u64], INT64, &numbers)
    };
    let expand = |to: &str| node("Expand", &["one", "shape"], &[to], Vec::new());
    // 2 × 4,096³ operations each, and no more memory than three of them take.
    let mut products = vec![one(), shape(&[4_096, 4_096]), expand("p-0")];
    const PRODUCTS: usize = 100;
    for turn in 0..PRODUCTS {
        let (from, to) = (format!("p-{turn}"), format!("p-{}", turn + 1));
        let to = if turn + 1 == PRODUCTS { "folded" } else { &to };
        products.push(node("MatMul", &[&from, "p-0"], &[to], Vec::new()));
    }
    vec![
        (
            "16 GiB computed from a number",
            Bomb::Memory,
            folded(vec![one(), shape(&[1 << 32]), expand("folded")]),
        ),
        (
            "16 GiB of nought",
            Bomb::Memory,
            folded(vec![
                shape(&[1 << 32]),
                node("ConstantOfShape", &["shape"], &["folded"], Vec::new()),
            ]),
        ),
        ("products of constants", Bomb::Time, folded(products)),
    ]
}

/// What a bomb takes too much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bomb {
    /// Memory.
    Memory,
    /// CPU time.
    Time,
}

/// All of them that do not harm whoever loads them.
pub fn all() -> Vec<HostileModel> {
    use Sentinel::{Either, Library, Nobody, Reader, Run};
    let mut models = Vec::new();
    let mut model = |name: &str, sentinel: Sentinel, bytes: Vec<u8>| {
        models.push(HostileModel {
            name: name.to_owned(),
            bytes,
            sentinel,
        });
    };
    model("of nothing", Reader, Vec::new());
    model("of zeros", Reader, vec![0; 4096]);
    model(
        "of text",
        Reader,
        b"version https://git-lfs.github.com/spec/v1".to_vec(),
    );
    model(
        "numbers in /etc/passwd",
        Reader,
        graph(vec![add("w"), elsewhere("/etc/passwd")]),
    );
    model(
        "numbers in a file above",
        Reader,
        graph(vec![add("w"), elsewhere("../../w.bin")]),
    );
    model(
        "a vendor's operator",
        Reader,
        graph(vec![foreign("Backdoor", "vendor.secret")]),
    );
    model(
        "an operator that reads files",
        Reader,
        graph(vec![foreign("EPContext", "com.microsoft")]),
    );
    model(
        "an operator that runs Python",
        Reader,
        graph(vec![foreign("PyOp", "pyopmulti_1")]),
    );
    model("graphs within graphs", Reader, nested(2_000));
    model("graphs as deep as the reader allows", Either, nested(20));
    // A length of 2⁶¹ bytes.
    model(
        "longer than any file",
        Reader,
        [vec![0x3a], vec![0xff; 8], vec![0x1f]].concat(),
    );
    model(
        "an operator that no standard has",
        Library,
        graph(vec![node("Backdoor", &["x"], &["y"], Vec::new())]),
    );
    model("a version of the standard to come", Reader, {
        let nodes = [
            add("x"),
            text(2, "g"),
            port(11, "x", FLOAT, 1),
            port(12, "y", FLOAT, 1),
        ];
        [
            number(1, 8),
            message(7, &nodes),
            message(8, &[large(2, 1_000_000_000)]),
        ]
        .concat()
    });
    model(
        "a constant of a million numbers that has one",
        Library,
        graph(vec![
            add("w"),
            constant("w", &[1_000, 1_000], FLOAT, &[0; 4]),
        ]),
    );
    model(
        "a constant of 2⁶⁴ numbers",
        Library,
        graph(vec![add("w"), constant("w", &[1 << 62, 4], FLOAT, &[0; 4])]),
    );
    model(
        "a constant of a negative size",
        Library,
        graph(vec![add("w"), constant("w", &[u64::MAX], FLOAT, &[0; 4])]),
    );
    model(
        "a constant of an element that is none",
        Library,
        graph(vec![add("w"), constant("w", &[1], 99, &[0; 4])]),
    );
    model(
        "a circle",
        Reader,
        graph(vec![
            node("Add", &["x", "b"], &["a"], Vec::new()),
            node("Add", &["a", "x"], &["b"], Vec::new()),
            node("Add", &["a", "b"], &["y"], Vec::new()),
        ]),
    );
    model(
        "an input that nobody gives",
        Library,
        graph(vec![add("nobody")]),
    );
    model(
        "one value made twice",
        Library,
        graph(vec![add("x"), add("x")]),
    );
    model(
        "an answer that nobody makes",
        Library,
        graph(vec![node("Add", &["x", "x"], &["z"], Vec::new())]),
    );
    model("an answer of another element", Library, {
        file(&[
            add("x"),
            text(2, "g"),
            port(11, "x", FLOAT, 1),
            port(12, "y", INT64, 1),
        ])
    });
    model("an element that the contract lacks", Library, {
        const STRING: u8 = 8;
        file(&[
            node("Identity", &["x"], &["y"], Vec::new()),
            text(2, "g"),
            port(11, "x", STRING, 1),
            port(12, "y", STRING, 1),
        ])
    });
    model("an input of 2⁶² numbers", Run, {
        let sides = [large(1, 1 << 31), large(1, 1 << 31)];
        file(&[
            add("x"),
            text(2, "g"),
            sided_port(11, "x", FLOAT, &sides),
            sided_port(12, "y", FLOAT, &sides),
        ])
    });
    model("an answer of another shape than it says", Nobody, {
        let sides = [number(1, 7), number(1, 7)];
        file(&[
            add("x"),
            text(2, "g"),
            port(11, "x", FLOAT, 1),
            sided_port(12, "y", FLOAT, &sides),
        ])
    });
    model(
        "an answer of 2⁴⁰ numbers that it does not announce",
        Run,
        {
            let open = [text(2, "n")];
            let shape = constant("shape", &[1], INT64, &(1u64 << 40).to_le_bytes());
            file(&[
                node("Expand", &["x", "shape"], &["y"], Vec::new()),
                shape,
                text(2, "g"),
                port(11, "x", FLOAT, 1),
                sided_port(12, "y", FLOAT, &open),
            ])
        },
    );
    model("a name of a megabyte", Nobody, {
        let long = "n".repeat(1 << 20);
        file(&[
            node("Add", &["x", "x"], &[&long], Vec::new()),
            node("Add", &["x", &long], &["y"], Vec::new()),
            text(2, &long),
            port(11, "x", FLOAT, 1),
            port(12, "y", FLOAT, 1),
        ])
    });
    model(
        "an operator of a megabyte",
        Library,
        graph(vec![node(&"O".repeat(1 << 20), &["x"], &["y"], Vec::new())]),
    );
    model(
        "names that a terminal obeys",
        Library,
        graph(vec![node(
            "\u{1b}[2J",
            &["x"],
            &["\u{1b}]0;owned\u{7}"],
            Vec::new(),
        )]),
    );
    model("no end", Run, endless());
    model("four bytes, 2 GiB, and four bytes", Run, swelling(1 << 29));
    model("a list that doubles for ever", Run, doubling(1 << 40));
    model("a text that doubles fifty times", Run, long_text(50));
    let whole = sound();
    for length in 1..whole.len() {
        model(
            &format!("the first {length} bytes"),
            Either,
            whole[..length].to_vec(),
        );
    }
    models
}
