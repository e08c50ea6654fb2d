//! The outermost layer, on files that are made by hand: what is divided rightly, and what is refused before anything else is read.
#![allow(clippy::unwrap_used)]

use super::*;

fn section(id: u8, body: &[u8]) -> Vec<u8> {
    let mut section = vec![id];
    section.extend(leb(body.len()));
    section.extend_from_slice(body);
    section
}

fn custom(name: &str, data: &[u8]) -> Vec<u8> {
    let mut body = leb(name.len());
    body.extend_from_slice(name.as_bytes());
    body.extend_from_slice(data);
    section(0, &body)
}

fn leb(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

fn file(sections: &[Vec<u8>]) -> Vec<u8> {
    let mut file = COMPONENT.to_vec();
    file.extend(sections.concat());
    file
}

fn manifest() -> Vec<u8> {
    custom(crate::manifest::SECTION, b"[plugin]")
}

fn open(file: &[u8]) -> Result<Envelope<'_>, PluginError> {
    Envelope::open("some.wasm".as_ref(), file)
}

fn refused(file: &[u8]) -> String {
    open(file).unwrap_err().to_string()
}

#[test]
fn signatures_stand_first_and_everything_behind_them_is_the_content() {
    let (signature, other) = (custom("signature", b"abc"), section(4, b"anything"));
    let plain = file(&[other.clone(), manifest()]);
    let envelope = open(&plain).unwrap();
    assert!(envelope.signatures.is_none());
    assert_eq!(envelope.content, [other.clone(), manifest()].concat());
    assert_eq!(envelope.manifest, b"[plugin]");
    let signed = file(&[signature, other.clone(), manifest()]);
    let envelope = open(&signed).unwrap();
    assert_eq!(envelope.signatures, Some(&b"abc"[..]));
    assert_eq!(envelope.content, [other, manifest()].concat());
}

#[test]
fn signatures_elsewhere_or_twice_and_marks_that_divide_a_file_are_refused() {
    let signature = || custom("signature", b"");
    for late in [
        vec![manifest(), signature()],
        vec![signature(), signature(), manifest()],
    ] {
        assert!(refused(&file(&late)).contains("first section"));
    }
    let divided = file(&[manifest(), custom("signature_delimiter", &[0; 16])]);
    assert!(refused(&divided).contains("signed as a whole"));
}

#[test]
fn no_manifest_and_two_are_refused() {
    for (manifests, count) in [(vec![], 0), (vec![manifest(), manifest()], 2)] {
        assert!(matches!(
            open(&file(&manifests)),
            Err(PluginError::ManifestCount { count: found, .. }) if found == count
        ));
    }
}

#[test]
fn every_cut_is_refused_and_none_panics() {
    let whole = file(&[
        custom("signature", b"abc"),
        section(4, &[7; 200]),
        manifest(),
    ]);
    for cut in 0..whole.len() {
        assert!(open(&whole[..cut]).is_err(), "cut at {cut}");
    }
    open(&whole).unwrap();
}

#[test]
fn lengths_that_are_not_there_or_not_in_their_shortest_form_are_refused() {
    let with = |bytes: &[u8]| {
        let mut file = COMPONENT.to_vec();
        file.extend_from_slice(bytes);
        refused(&file)
    };
    assert!(with(&[4, 0xff, 0xff, 0xff, 0xff, 0x0f]).contains("beyond the end"));
    assert!(with(&[4, 0xff, 0xff, 0xff, 0xff, 0x1f]).contains("32 bits"));
    assert!(with(&[4, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]).contains("32 bits"));
    assert!(with(&[4, 0x80, 0x00]).contains("shortest form"));
    // A custom section whose name is longer than the section.
    assert!(with(&[0, 2, 9, b'x']).contains("beyond the end"));
}

#[test]
fn a_core_module_and_what_is_no_webassembly_are_told_apart() {
    assert!(matches!(open(&MODULE), Err(PluginError::CoreModule { .. })));
    assert!(refused(b"MZ").contains("4d5a"));
    assert!(refused(b"").contains("empty"));
}

/// A signature section as the library writes it: one content, so many signatures of 64 bytes.
fn signatures(count: usize) -> Vec<u8> {
    let mut set = vec![1];
    set.extend([7; 32]);
    set.extend(leb(count));
    for _ in 0..count {
        let mut signature = vec![3, b'k', b'e', b'y', 1, 64];
        signature.extend([9; 64]);
        set.extend(leb(signature.len()));
        set.extend(signature);
    }
    let mut section = vec![1, 1, 1, 1];
    section.extend(leb(set.len()));
    section.extend(set);
    section
}

#[test]
fn signatures_are_listed_with_what_they_are_of() {
    let listed = Signatures::read(&signatures(2)).unwrap();
    assert_eq!(listed.content, [7; 32]);
    let key_id = b"key".to_vec();
    assert_eq!(
        listed.listed,
        [
            Listed {
                key_id: key_id.clone()
            },
            Listed { key_id }
        ]
    );
    Signatures::read(&signatures(MOST_SIGNATURES)).unwrap();
}

#[test]
fn signature_sections_of_another_shape_are_refused_before_anybody_makes_room_for_them() {
    for wrong in [signatures(0), signatures(MOST_SIGNATURES + 1)] {
        assert!(Signatures::read(&wrong).is_err());
    }
    let whole = signatures(1);
    for cut in 0..whole.len() {
        assert!(Signatures::read(&whole[..cut]).is_err(), "cut at {cut}");
    }
    let longer = [whole.clone(), vec![0]].concat();
    assert!(Signatures::read(&longer).is_err());
    // Every byte that is a length, a count, a version or an algorithm.
    for place in [0, 1, 2, 3, 4, 5, 38, 39, 40, 44, 45] {
        let mut other = whole.clone();
        other[place] ^= 0x40;
        assert!(Signatures::read(&other).is_err(), "byte {place}");
    }
    // A length of 4 GiB in a section of ten bytes.
    let bomb = [1, 1, 1, 1, 0xff, 0xff, 0xff, 0xff, 0x0f, 0];
    assert_eq!(Signatures::read(&bomb), Err("a length goes beyond the end"));
}
