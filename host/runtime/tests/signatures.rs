//! Signed plugin files: what a signature holds to, and every way in which a file can change under one.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;

use jiff::Timestamp;
use overt_contract::{PublicKey, Signer};
use overt_runtime::signature::{KeyError, SecretKey, read_public_key, sign};
use overt_runtime::trust::Standing;
use overt_runtime::{PluginBytes, PluginError, PluginFile, Role, Trust, TrustedFile, TrustedKey};
use support::{path, policy, policy_manifest, runtime, terms};
use wasm_encoder::{ComponentSection as _, CustomSection, Encode as _};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn plugin() -> Vec<u8> {
    policy("(i32.const 0)", "")
}

fn signed(bytes: Vec<u8>, keys: &[&SecretKey]) -> Vec<u8> {
    keys.iter().fold(bytes, |bytes, key| {
        let file = PluginFile::from_bytes(&path(), bytes).unwrap();
        sign(&file, key).unwrap().bytes().to_vec()
    })
}

fn key(name: &str, signer: Signer, key: PublicKey) -> TrustedKey {
    TrustedKey {
        name: name.into(),
        signer,
        key,
        expires: None,
        revoked: None,
    }
}

/// A rule that wants one signature of each of these.
fn trust(keys: Vec<TrustedKey>) -> Trust {
    let require: BTreeMap<Signer, u32> = keys.iter().map(|key| (key.signer, 1)).collect();
    Trust::signed(require, keys).unwrap()
}

fn admit(bytes: Vec<u8>, trust: &Trust) -> Result<TrustedFile, PluginError> {
    TrustedFile::admit(PluginBytes::of(&path(), bytes), trust, NOW)
}

fn section(name: &str, data: &[u8]) -> Vec<u8> {
    let section = CustomSection {
        name: name.into(),
        data: data.into(),
    };
    let mut bytes = vec![section.id()];
    section.encode(&mut bytes);
    bytes
}

#[test]
fn a_plugin_that_vendor_and_force_have_signed_is_admitted_and_runs() {
    let (vendor, force) = (SecretKey::generate(), SecretKey::generate());
    let rule = trust(vec![
        key("acme", Signer::Vendor, vendor.public()),
        key("office", Signer::Force, force.public()),
    ]);
    let file = admit(signed(plugin(), &[&vendor, &force]), &rule).unwrap();
    assert_eq!(file.signatures().len(), 2);
    runtime().accept(&file, terms(Role::MatcherPolicy)).unwrap();

    for keys in [vec![], vec![&vendor], vec![&force]] {
        let error = admit(signed(plugin(), &keys), &rule).unwrap_err();
        assert!(matches!(error, PluginError::NotTrusted { .. }), "{error}");
        let missing = if keys.len() == 1 && std::ptr::eq(keys[0], &vendor) {
            "force"
        } else {
            "vendor"
        };
        assert!(error.to_string().contains(missing), "{error}");
    }
}

#[test]
fn signing_changes_the_digest_and_neither_the_content_nor_what_a_component_is() {
    let (one, other) = (SecretKey::generate(), SecretKey::generate());
    let before = PluginFile::from_bytes(&path(), plugin()).unwrap();
    let after = PluginFile::from_bytes(&path(), signed(plugin(), &[&one, &other])).unwrap();
    assert_ne!(before.sha256(), after.sha256());
    assert_eq!(before.content_sha256(), after.content_sha256());
    assert_eq!(before.imports(), after.imports());
    let again = sign(&after, &one).unwrap_err();
    assert!(matches!(again, PluginError::SignedAlready { .. }));
}

#[test]
fn a_signature_by_an_unknown_key_counts_for_nothing() {
    let (vendor, stranger) = (SecretKey::generate(), SecretKey::generate());
    let rule = trust(vec![key("acme", Signer::Vendor, vendor.public())]);
    let error = admit(signed(plugin(), &[&stranger]), &rule).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("a key that the deployment does not name"),
        "{error}"
    );
    // Beside a good one it does no harm.
    let file = admit(signed(plugin(), &[&stranger, &vendor]), &rule).unwrap();
    assert_eq!(file.signatures().len(), 1);
}

#[test]
fn a_key_that_expired_or_was_revoked_counts_no_more_and_is_named() {
    let vendor = SecretKey::generate();
    let file = signed(plugin(), &[&vendor]);
    let good = key("acme", Signer::Vendor, vendor.public());
    let soon = Timestamp::from_second(1).unwrap();
    let expiring = |at| TrustedKey {
        expires: Some(at),
        ..good.clone()
    };
    admit(file.clone(), &trust(vec![expiring(soon)])).unwrap();
    let error = admit(file.clone(), &trust(vec![expiring(NOW)])).unwrap_err();
    assert!(
        error.to_string().contains("acme (vendor), which expired"),
        "{error}"
    );
    let revoked = TrustedKey {
        revoked: Some("lost on 3 May".into()),
        ..good
    };
    let rule = trust(vec![revoked]);
    let error = admit(file.clone(), &rule).unwrap_err();
    assert!(error.to_string().contains("lost on 3 May"), "{error}");
    let verdict = rule.verdict(&PluginBytes::of(&path(), file), NOW).unwrap();
    assert!(matches!(
        verdict.signatures[0].standing,
        Standing::Revoked { .. }
    ));
}

#[test]
fn one_key_is_never_two_signers() {
    let both = SecretKey::generate().public();
    let keys = vec![
        key("acme", Signer::Vendor, both),
        key("office", Signer::Force, both),
    ];
    let same = Trust::signed(BTreeMap::from([(Signer::Vendor, 1)]), keys).unwrap_err();
    assert_eq!((&*same.first, &*same.second), ("acme", "office"));
}

#[test]
fn two_signatures_of_the_force_are_of_two_of_its_keys() {
    let (one, other) = (SecretKey::generate(), SecretKey::generate());
    let keys = vec![
        key("a", Signer::Force, one.public()),
        key("b", Signer::Force, other.public()),
    ];
    let rule = Trust::signed(BTreeMap::from([(Signer::Force, 2)]), keys).unwrap();
    let error = admit(signed(plugin(), &[&one]), &rule).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("2 signatures of the force, found 1"),
        "{error}"
    );
    admit(signed(plugin(), &[&one, &other]), &rule).unwrap();
}

#[test]
fn an_edited_manifest_is_found_out() {
    let vendor = SecretKey::generate();
    let rule = trust(vec![key("acme", Signer::Vendor, vendor.public())]);
    let mut file = signed(plugin(), &[&vendor]);
    let manifest = policy_manifest();
    let place = file
        .windows(manifest.len())
        .position(|window| window == manifest.as_bytes())
        .unwrap();
    let log = manifest.find("log = true").unwrap();
    file[place + log..][..10].copy_from_slice(b"log =false");
    let error = admit(file, &rule).unwrap_err();
    assert!(
        matches!(error, PluginError::ChangedSinceSigned { .. }),
        "{error}"
    );
}

#[test]
fn a_second_manifest_and_an_appended_section_are_found_out() {
    let vendor = SecretKey::generate();
    let rule = trust(vec![key("acme", Signer::Vendor, vendor.public())]);
    let whole = signed(plugin(), &[&vendor]);
    let with = |more: Vec<u8>| admit([whole.clone(), more].concat(), &rule).unwrap_err();
    let second = with(section("overt:manifest", policy_manifest().as_bytes()));
    assert!(
        matches!(second, PluginError::ManifestCount { count: 2, .. }),
        "{second}"
    );
    let appended = with(section("note", b"harmless"));
    assert!(
        matches!(appended, PluginError::ChangedSinceSigned { .. }),
        "{appended}"
    );
    let divided = with(section("signature_delimiter", &[0; 16]));
    assert!(
        matches!(divided, PluginError::Malformed { .. }),
        "{divided}"
    );
    let late = with(section("signature", b""));
    assert!(matches!(late, PluginError::Malformed { .. }), "{late}");
    // In front of the signatures.
    let front = [&whole[..8], &section("note", b"harmless"), &whole[8..]].concat();
    assert!(matches!(
        admit(front, &rule),
        Err(PluginError::Malformed { .. })
    ));
}

#[test]
fn a_signature_taken_from_another_plugin_is_found_out() {
    let vendor = SecretKey::generate();
    let rule = trust(vec![key("acme", Signer::Vendor, vendor.public())]);
    let (one, other) = (
        signed(plugin(), &[&vendor]),
        policy("(i32.const 0)", "(func)"),
    );
    let plain = plugin();
    let signature = &one[8..one.len() - (plain.len() - 8)];
    let transplanted = [&other[..8], signature, &other[8..]].concat();
    let error = admit(transplanted, &rule).unwrap_err();
    assert!(
        matches!(error, PluginError::ChangedSinceSigned { .. }),
        "{error}"
    );
}

#[test]
fn no_flipped_byte_is_admitted() {
    let vendor = SecretKey::generate();
    let rule = trust(vec![key("acme", Signer::Vendor, vendor.public())]);
    let whole = signed(plugin(), &[&vendor]);
    let content = plugin().len() - 8;
    let mut hints = 0;
    for place in 0..whole.len() {
        for bit in [0x01, 0x80] {
            let mut flipped = whole.clone();
            flipped[place] ^= bit;
            let Ok(file) = admit(flipped, &rule) else {
                continue;
            };
            // The hint at the key, which decides nothing, is all that can change under a signature; the file's digest tells.
            assert!(
                place < whole.len() - content,
                "byte {place} of {}",
                whole.len()
            );
            assert_ne!(
                file.sha256(),
                PluginBytes::of(&path(), whole.clone()).sha256()
            );
            hints += 1;
        }
    }
    assert_eq!(
        hints,
        2 * 8,
        "the eight bytes of the key's hint, each flipped twice"
    );
}

#[test]
fn what_is_pinned_is_asked_for_before_anything_is_read() {
    let bytes = PluginBytes::of(&path(), b"not even WebAssembly".to_vec());
    let pin = "0".repeat(64);
    assert!(matches!(
        bytes.expect(&pin),
        Err(PluginError::Digest { .. })
    ));
    bytes.expect(bytes.sha256()).unwrap();
}

#[test]
fn a_file_that_is_not_trusted_is_not_looked_into() {
    // Its manifest is no manifest and its component no component: neither is what is complained of.
    let vendor = SecretKey::generate();
    let rule = trust(vec![key("acme", Signer::Vendor, vendor.public())]);
    let mut file = vec![0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00];
    file.extend(section("overt:manifest", b"\xff\xff"));
    file.extend([4, 3, 1, 2, 3]);
    let error = admit(file.clone(), &rule).unwrap_err();
    assert!(matches!(error, PluginError::NotTrusted { .. }), "{error}");
    let error = admit(file, &Trust::unsigned()).unwrap_err();
    assert!(matches!(error, PluginError::Manifest { .. }), "{error}");
}

#[test]
fn keys_are_written_once_and_a_secret_that_others_can_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let made = SecretKey::generate();
    made.write(&file("a.key"), &file("a.pub"), None).unwrap();
    assert_eq!(read_public_key(&file("a.pub")).unwrap(), made.public());
    assert_eq!(
        SecretKey::read(&file("a.key")).unwrap().public(),
        made.public()
    );
    let mode = |name: &str| std::fs::metadata(file(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("a.key"), 0o600);
    assert!(!format!("{made:?}").contains("PRIVATE"));

    let again = SecretKey::generate();
    for (secret, public) in [("a.key", "b.pub"), ("b.key", "a.pub")] {
        let error = again.write(&file(secret), &file(public), None).unwrap_err();
        assert!(matches!(error, KeyError::File { .. }), "{error}");
        assert!(!file("b.pub").exists() && !file("b.key").exists());
    }
    assert!(matches!(
        SecretKey::read(&file("a.pub")),
        Err(KeyError::NoKey { .. })
    ));
    let error = read_public_key(&file("a.key")).unwrap_err();
    assert!(error.to_string().contains("secret"), "{error}");
    std::fs::set_permissions(file("a.key"), std::fs::Permissions::from_mode(0o640)).unwrap();
    let error = SecretKey::read(&file("a.key")).unwrap_err();
    assert!(
        matches!(error, KeyError::Exposed { mode: 0o640, .. }),
        "{error}"
    );
}

#[test]
fn inspect_says_that_signatures_of_other_content_are_worth_nothing() {
    let vendor = SecretKey::generate();
    let sound = signed(plugin(), &[&vendor]);
    let describe = |bytes: Vec<u8>| {
        overt_runtime::inspect::describe(&PluginFile::from_bytes(&path(), bytes).unwrap())
    };
    let inspection = describe(sound.clone());
    assert_eq!(inspection.signature_fault, None);
    assert_eq!(inspection.signature_hints.len(), 1);
    // It is a component still, with a manifest that agrees: without this, it would look like one that nobody has signed.
    let changed = [sound, section("note", b"appended")].concat();
    let inspection = describe(changed);
    let fault = inspection.signature_fault.unwrap();
    assert!(fault.contains("changed after it was signed"), "{fault}");
    assert_eq!(describe(plugin()).signature_fault, None);
}

#[test]
fn the_content_stays_the_same_under_every_signature_and_is_told_without_reading_further() {
    let (one, other) = (SecretKey::generate(), SecretKey::generate());
    let content = |bytes: Vec<u8>| PluginBytes::of(&path(), bytes).content_sha256().unwrap();
    let bare = content(plugin());
    assert_eq!(content(signed(plugin(), &[&one])), bare);
    assert_eq!(content(signed(plugin(), &[&one, &other])), bare);
    assert_eq!(
        PluginFile::from_bytes(&path(), plugin())
            .unwrap()
            .content_sha256(),
        bare
    );
}

#[test]
fn a_hint_that_fills_a_screen_is_refused() {
    let vendor = SecretKey::generate();
    let sound = signed(plugin(), &[&vendor]);
    // The format: version, kind, hash; one set; its length; one digest; one signature; its length; the hint's length.
    let content: [u8; 32] = hex::decode(PluginBytes::of(&path(), sound).content_sha256().unwrap())
        .unwrap()
        .try_into()
        .unwrap();
    let with_hint = |length: u8| {
        let mut signature = vec![length];
        signature.extend(std::iter::repeat_n(0xaa, usize::from(length)));
        signature.extend([1, 64]);
        signature.extend([0; 64]);
        let length_of = |bytes: &[u8]| {
            let length = bytes.len();
            vec![(length & 0x7f) as u8 | 0x80, (length >> 7) as u8]
        };
        let mut set = vec![1];
        set.extend(content);
        set.push(1);
        set.extend(length_of(&signature));
        set.extend(signature);
        let mut data = vec![1, 1, 1, 1];
        data.extend(length_of(&set));
        data.extend(set);
        let plain = plugin();
        let (header, rest) = plain.split_at(8);
        [header, &section("signature", &data), rest].concat()
    };
    let unsigned = trust(vec![key("acme", Signer::Vendor, vendor.public())]);
    let error = admit(with_hint(64), &unsigned).unwrap_err();
    assert!(matches!(error, PluginError::NotTrusted { .. }), "{error}");
    let error = admit(with_hint(65), &unsigned).unwrap_err();
    assert!(
        error.to_string().contains("longer than 64 bytes"),
        "{error}"
    );
}
