//! Bytes of strangers: whatever they are, reading them ends in a value that keeps its promises or in an error that can be shown. The fuzzer tries the same for
//! longer (`fuzz/README.md`).

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;
use std::sync::OnceLock;

use overt_tests::mutation::{Change, changed};
use overt_tests::{bodies, hostile};
use proptest::collection::vec;
use proptest::prelude::*;

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<u16>;
    // What TOML and WebAssembly are made of.
    let piece = prop_oneof![
        vec(any::<u8>(), 1..8),
        prop::sample::select(vec![
            "\n",
            "[",
            "]",
            "[[",
            "]]",
            "{",
            "}",
            "=",
            "\"",
            "\"\"\"",
            "'",
            ".",
            "#",
            "\\u001b",
            "\u{1b}",
            "\u{202e}",
            "\r",
            "\0",
            "1e999",
            "nan",
            "-inf",
            "9999-99-99T99:99:99Z",
            "0x",
            "[plugin]\n",
            "[[camera]]\n",
            "id = \"\"\n",
            "-1",
            "18446744073709551616",
            "\u{feff}",
            "true",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        prop::sample::select(vec![
            &[0xff, 0xff, 0xff, 0xff, 0x0f][..],
            &[0x80, 0x80, 0x80, 0x80, 0x00],
            b"\0asm\x01\0\0\0",
            b"\0asm\x0d\0\x01\0",
            &[0, 1, 0],
            &[1, 0],
            &[4, 0],
            &[7, 1, 0x40],
            &[0x0e],
            &[0x41],
            &[0x70],
        ])
        .prop_map(<[u8]>::to_vec),
    ];
    prop_oneof![
        4 => (at(), 1u8..).prop_map(|(at, bits)| Change::Flip { at, bits }),
        1 => at().prop_map(|at| Change::Cut { at }),
        2 => (at(), any::<u8>()).prop_map(|(at, length)| Change::Remove { at, length }),
        2 => (at(), 0..2_000u16, at()).prop_map(|(at, length, to)| Change::Duplicate { at, length, to }),
        4 => (at(), piece).prop_map(|(at, bytes)| Change::Insert { at, bytes }),
        1 => (at(), at()).prop_map(|(at, from)| Change::Splice { at, from }),
    ]
}

fn plugins() -> &'static [Vec<u8>; 2] {
    static PLUGINS: OnceLock<[Vec<u8>; 2]> = OnceLock::new();
    PLUGINS.get_or_init(|| {
        ["hostile-perception", "hostile-decision"]
            .map(|name| hostile::packed(name).bytes().to_vec())
    })
}

/// The files of these names under the repository's root.
fn texts(names: &[&str]) -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    names
        .iter()
        .map(|name| std::fs::read(root.join(name)).unwrap())
        .collect()
}

fn manifests() -> &'static Vec<Vec<u8>> {
    static MANIFESTS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    MANIFESTS.get_or_init(|| {
        texts(&[
            "tests/hostile/hostile-perception/plugin.toml",
            "plugins/encoder-mobilefacenet/plugin.toml",
        ])
    })
}

fn deployments() -> &'static Vec<Vec<u8>> {
    static DEPLOYMENTS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    DEPLOYMENTS.get_or_init(|| {
        texts(&[
            "examples/walk-past/deployment.toml",
            "host/deployment/tests/ui/sound.toml",
        ])
    })
}

/// One of two files, changed; most often in the last part, where the manifest of a plugin is.
fn of(files: &'static [Vec<u8>]) -> impl Strategy<Value = Vec<u8>> {
    (0..2usize, vec(change(), 1..4))
        .prop_map(move |(which, changes)| changed(&files[which], &files[1 - which], &changes))
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn a_changed_plugin_is_read_or_refused_in_words(bytes in of(plugins())) {
        bodies::plugin_file(&bytes);
    }

    #[test]
    fn any_bytes_after_a_components_header_are_read_or_refused_in_words(bytes in vec(any::<u8>(), 0..200)) {
        bodies::plugin_file(&[b"\0asm\x0d\0\x01\0", &bytes[..]].concat());
        bodies::plugin_file(&bytes);
    }
}

proptest! {
    #![proptest_config(cases(3_000))]

    #[test]
    fn a_changed_manifest_is_read_or_refused_in_words(bytes in of(manifests())) {
        bodies::manifest(&bytes);
    }

    #[test]
    fn a_changed_deployment_file_is_read_or_refused_in_words(bytes in of(deployments())) {
        bodies::deployment(&bytes);
    }
}

proptest! {
    #![proptest_config(cases(30_000))]

    #[test]
    fn an_answer_that_passes_keeps_every_promise(bytes in vec(any::<u8>(), 0..120)) {
        bodies::answers(&bytes);
    }
}
