//! Bombs: files that are small, or sound, and large, deep or slow once somebody reads them. Reading runs in the host itself, so each is refused
//! within bounds, with a fact, in words that can be shown; and the next file is read.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::time::Duration;

use overt_runtime::manifest::{Manifest, ManifestError};
use overt_runtime::{PluginError, Role, inspect};
use support::{
    not_accepted, observation, policy, policy_beside, policy_manifest, read, refused, runtime,
    terms, with_manifest,
};
use wasm_encoder::{
    BlockType, CodeSection, ComponentBuilder, ComponentExportKind, ComponentTypeRef,
    ComponentValType, Function, FunctionSection, InstanceType, Instruction, Module,
    PrimitiveValType, TypeSection, ValType,
};

/// What this thread has used of a CPU.
fn thread_cpu_time() -> Duration {
    rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime)
        .try_into()
        .unwrap()
}

/// The error of reading a file that must cost next to nothing, after which another is read.
fn defused(component: ComponentBuilder) -> PluginError {
    defused_bytes(with_manifest(component.finish(), &policy_manifest()))
}

fn defused_bytes(bytes: Vec<u8>) -> PluginError {
    // The stack of a worker, not that of a program's main thread.
    let thread = std::thread::Builder::new().stack_size(1 << 20);
    let (error, used) = thread
        .spawn(move || (refused(bytes), thread_cpu_time()))
        .unwrap()
        .join()
        .unwrap();
    // Bounds are in this time of the thread's own; so is this, which is to notice a minute, not to measure.
    assert!(used < Duration::from_secs(40), "{used:?}");
    let text = error.to_string();
    assert!(is_readable(&text), "{text:?}");
    read(policy("(i32.const 0)", "")).unwrap();
    error
}

fn is_readable(text: &str) -> bool {
    text.len() < 20_000
        && text
            .chars()
            .all(|character| character == '\n' || !character.is_control())
}

fn limit(error: &PluginError) -> &'static str {
    match error {
        PluginError::ReadLimit { limit, .. } => limit,
        other => panic!("another error: {other}"),
    }
}

/// A component that imports a function of a type within a type within a type.
fn deep_types(
    levels: u32,
    wrap: impl Fn(&mut ComponentBuilder, ComponentValType) -> u32,
) -> ComponentBuilder {
    let mut component = ComponentBuilder::default();
    let (mut last, encoder) = component.type_defined(None);
    encoder.list(PrimitiveValType::U8);
    for _ in 0..levels {
        last = wrap(&mut component, ComponentValType::Type(last));
    }
    let (function, mut encoder) = component.type_function(None);
    encoder
        .params([("a", ComponentValType::Type(last))])
        .result(None);
    component.import("f", ComponentTypeRef::Func(function));
    component
}

fn list(component: &mut ComponentBuilder, of: ComponentValType) -> u32 {
    let (index, encoder) = component.type_defined(None);
    encoder.list(of);
    index
}

fn tuple(component: &mut ComponentBuilder, of: ComponentValType) -> u32 {
    let (index, encoder) = component.type_defined(None);
    encoder.tuple([of, of]);
    index
}

#[test]
fn types_within_types_are_refused_before_anything_follows_them_down() {
    for wrap in [list, tuple] {
        for levels in [100, 10_000] {
            let error = defused(deep_types(levels, wrap));
            let text = error.to_string();
            // Two of each make a type whose size doubles with each level; that comes first.
            assert!(
                matches!(error, PluginError::Malformed { .. })
                    && (text.contains("too deep") || text.contains("type size")),
                "{text}"
            );
        }
    }
    let error = defused(deep_types(900_000, list));
    assert!(limit(&error).contains("128 KiB for types"), "{error}");
}

#[test]
fn types_as_deep_as_a_file_may_have_them_go_through_the_compiler_or_not_and_the_host_goes_on() {
    let mut neighbour = "(type $t0 (list u8))".to_owned();
    for level in 1..90 {
        neighbour += &format!("(type $t{level} (option (tuple $t{} u8)))", level - 1);
    }
    let bytes = policy_beside(&format!("(component {neighbour})"));
    match read(bytes).and_then(|file| runtime().accept(&file, terms(Role::MatcherPolicy))) {
        Ok(plugin) => drop(plugin.decide(&observation()).unwrap()),
        Err(error) => assert!(is_readable(&error.to_string())),
    }
    read(policy("(i32.const 0)", "")).unwrap();
}

#[test]
fn hundreds_of_thousands_of_types_are_refused() {
    let mut component = ComponentBuilder::default();
    for _ in 0..300_000 {
        component.type_defined(None).1.list(PrimitiveValType::U8);
    }
    assert!(limit(&defused(component)).contains("128 KiB for types"));
}

#[test]
fn components_within_components_are_refused() {
    let mut inner = wat::parse_str("(component)").unwrap();
    for _ in 0..3_000 {
        let mut outer = ComponentBuilder::default();
        outer.component_raw(None, &inner);
        inner = outer.finish();
    }
    let error = defused_bytes(with_manifest(inner, &policy_manifest()));
    assert!(limit(&error).contains("32 components"), "{error}");
}

/// An instance type of so many functions whose names have this length.
fn instance_type(functions: usize, length: usize) -> InstanceType {
    let mut instance = InstanceType::new();
    let nothing: [(&str, ComponentValType); 0] = [];
    instance.ty().function().params(nothing).result(None);
    for number in 0..functions {
        let name = format!("a{number:06}{}", "a".repeat(length));
        instance.export(name.as_str(), ComponentTypeRef::Func(0));
    }
    instance
}

#[test]
fn names_that_are_written_once_and_imported_hundreds_of_times_are_not_copied() {
    // 90 MB of names in a file of 100 KB; in one of 64 MiB it was the host's whole memory.
    let mut component = ComponentBuilder::default();
    let described = component.type_instance(None, &instance_type(10, 9_000));
    for number in 0..900 {
        let name = format!("i{number}");
        component.import(&name, ComponentTypeRef::Instance(described));
    }
    let error = defused(component);
    assert!(limit(&error).contains("128 KiB of names"), "{error}");
}

#[test]
fn an_instance_that_is_held_against_its_type_without_end_is_refused() {
    let mut outer = ComponentBuilder::default();
    for _ in 0..40 {
        let mut component = ComponentBuilder::default();
        let described = component.type_instance(None, &instance_type(300, 0));
        let mut inner = ComponentBuilder::default();
        let wanted = inner.type_instance(None, &instance_type(300, 0));
        inner.import("i", ComponentTypeRef::Instance(wanted));
        let given = component.import("i", ComponentTypeRef::Instance(described));
        let inner = component.component_raw(None, &inner.finish());
        for _ in 0..900 {
            component.instantiate(None, inner, [("i", ComponentExportKind::Instance, given)]);
        }
        outer.component_raw(None, &component.finish());
    }
    assert!(limit(&defused(outer)).contains("128 KiB for types"));
}

/// A module whose functions have a block of this many results, to which a table branches this many times, this many tables to a function.
fn branching(functions: usize, tables: usize, targets: usize, results: usize) -> ComponentBuilder {
    let mut types = TypeSection::new();
    types.ty().function([], []);
    types.ty().function([], vec![ValType::I32; results]);
    let mut body = Function::new([]);
    for _ in 0..tables {
        body.instruction(&Instruction::Block(BlockType::FunctionType(1)));
        for _ in 0..=results {
            body.instruction(&Instruction::I32Const(0));
        }
        body.instruction(&Instruction::BrTable(vec![0; targets].into(), 0));
        body.instruction(&Instruction::End);
        for _ in 0..results {
            body.instruction(&Instruction::Drop);
        }
    }
    body.instruction(&Instruction::End);
    let (mut declared, mut code) = (FunctionSection::new(), CodeSection::new());
    for _ in 0..functions {
        declared.function(0);
        code.function(&body);
    }
    let mut module = Module::new();
    module.section(&types).section(&declared).section(&code);
    let mut component = ComponentBuilder::default();
    component.core_module_raw(None, &module.finish());
    component
}

#[test]
fn a_branch_of_a_million_targets_is_refused_before_it_is_validated() {
    let error = defused(branching(1, 1, 1_000_000, 1_000));
    assert!(limit(&error).contains("10,000 targets"), "{error}");
}

#[test]
fn a_file_that_takes_minutes_to_validate_is_given_up_after_seconds() {
    // 8 MB, of which each byte asks for a thousand comparisons.
    let error = defused(branching(40, 20, 9_999, 1_000));
    assert!(limit(&error).contains("5 s of CPU time"), "{error}");
}

#[test]
fn a_million_sections_and_thousands_of_manifests_are_counted_and_refused() {
    let mut bytes = wat::parse_str("(component)").unwrap();
    // Custom sections of nothing, named "".
    bytes.extend([0, 1, 0].repeat(1_000_000));
    read(with_manifest(bytes, &policy_manifest())).unwrap();

    let mut bytes = wat::parse_str("(component)").unwrap();
    let one = with_manifest(bytes.clone(), &policy_manifest());
    let section = one[bytes.len()..].repeat(20_000);
    bytes.extend(section);
    assert!(matches!(
        defused_bytes(bytes),
        PluginError::ManifestCount { .. }
    ));
}

#[test]
fn a_section_that_claims_to_be_longer_than_the_file_is_refused() {
    for claims in [
        &[0, 0xff, 0xff, 0xff, 0xff, 0x0f][..],
        &[7, 0xff, 0xff, 0xff, 0x7f],
    ] {
        let mut bytes = policy("(i32.const 0)", "");
        bytes.extend(claims);
        assert!(matches!(
            defused_bytes(bytes),
            PluginError::Malformed { .. }
        ));
    }
}

#[test]
fn names_in_a_file_write_nothing_to_a_terminal() {
    for wat in [
        r#"(import "url=<\1b[2J>" (component))"#,
        r#"(import "unlocked-dep=<a:\1b[2J>" (component))"#,
        r#"(import "integrity=<sha256-\1b[2J>" (component))"#,
        r#"(import "\1b[2J" (func))"#,
        r#"(import "\e2\80\ae" (func))"#,
        r#"(core module $m) (core instance $i (instantiate $m)) (alias core export $i "\1b[2J" (core func))"#,
        r#"(core module $m (import "\1b[2J" "\1b[2J" (func))) (core instance (instantiate $m))"#,
        r#"(core module (func (export "\1b[2J")) (func (export "\1b[2J")))"#,
        r#"(component $c (import "url=<\1b[2J>" (component))) (instance (instantiate $c))"#,
    ] {
        let bytes = wat::parse_str(format!("(component {wat})")).unwrap();
        let error = defused_bytes(with_manifest(bytes, &policy_manifest()));
        assert!(
            matches!(error, PluginError::Malformed { .. }),
            "{wat}: {error}"
        );
    }
}

/// What is said of a manifest that is a bomb.
fn manifest_of(text: &str) -> String {
    let error = Manifest::parse(text.as_bytes()).expect_err("this manifest should be refused");
    let said = error.to_string();
    assert!(is_readable(&said), "{} bytes", said.len());
    Manifest::parse(policy_manifest().as_bytes()).unwrap();
    said
}

#[test]
fn a_manifest_nested_without_end_is_refused_and_not_followed() {
    let sound = policy_manifest();
    let deep = 120_000;
    for bomb in [
        format!("x = {}{}", "[".repeat(deep), "]".repeat(deep)),
        format!("x = {}", "[".repeat(2 * deep)),
        format!("x = {}", "{a=".repeat(80_000)),
        format!("{}a = 1", "a.".repeat(deep)),
        format!("[{}a]", "a.".repeat(deep)),
        format!("[[{}a]]", "a.".repeat(deep)),
        (0..400).fold(String::new(), |text, level| {
            text + &format!("[{}a]\n", "a.".repeat(level % 70))
        }),
    ] {
        manifest_of(&format!("{sound}\n{bomb}"));
    }
}

#[test]
fn what_is_wrong_with_a_long_manifest_is_said_in_few_words() {
    let sound = policy_manifest();
    let long = "z".repeat(200_000);
    for bomb in [
        format!("{sound}\nx = \"{long}"),
        format!("{sound}\n{long}"),
        sound.replace("licence", &long),
        sound.replace("test-plugin", &long),
        sound.replace(
            "[\"matcher-policy\"]",
            &format!("[{}]", "\"quality\",".repeat(23_000)),
        ),
        sound
            .replace("log = true", "")
            .replace("[capabilities]", "")
            + &"[[model]]\nname='a'\nsha256='a'\nformat='onnx'\nlicence=''\ntraining-data=''\n"
                .repeat(3_000),
        format!("{sound}\n{}", "[[a]]\n".repeat(40_000)),
        format!("{sound}\n[limits]\nfuel = {}", "9".repeat(200_000)),
        sound.replace("For a test.", &"\\u001b".repeat(30_000)),
    ] {
        manifest_of(&bomb);
    }
}

#[test]
fn a_version_that_would_fill_every_message_is_refused() {
    let text = policy_manifest().replace("1.2.3", &format!("1.2.3-{}", "a".repeat(100_000)));
    assert!(manifest_of(&text).contains("at most 64 characters"));
}

#[test]
fn a_manifest_hides_no_text_and_turns_none_round() {
    for odd in [
        '\u{61c}',
        '\u{200b}',
        '\u{200e}',
        '\u{202e}',
        '\u{2066}',
        '\u{2028}',
        '\u{feff}',
        '\u{e0041}',
        '\u{9b}',
    ] {
        let text = policy_manifest().replace("For a test.", &format!("For {odd} a test."));
        assert!(
            matches!(
                Manifest::parse(text.as_bytes()),
                Err(ManifestError::Values(_) | ManifestError::Syntax { .. })
            ),
            "U+{:04X}",
            u32::from(odd)
        );
        manifest_of(&text);
    }
}

#[test]
fn what_is_inspected_can_be_printed() {
    let file = read(policy("(i32.const 0)", "")).unwrap();
    let said = format!("{:?}", inspect::describe(&file));
    assert!(said.chars().all(|character| !character.is_control()));
}

#[test]
fn a_hundred_thousand_globals_functions_and_elements_are_within_the_pool_or_refused() {
    let globals = "(global i64 (i64.const 1))".repeat(100_000);
    let error = not_accepted(
        policy("(i32.const 0)", &globals),
        terms(Role::MatcherPolicy),
    );
    assert!(error.to_string().contains("globals"), "{error}");

    let many = format!(
        "{} (table $t 90000 funcref) (elem (table $t) (i32.const 0) func {})",
        "(func)".repeat(50_000),
        "$decide ".repeat(90_000)
    );
    let plugin = support::accepted_policy("(i32.const 0)", &many, terms(Role::MatcherPolicy));
    plugin.decide(&observation()).unwrap();
}
