//! Validation of a component within bounds. A validator takes whatever time and memory a component asks of it, and no child process stands
//! around it: without these bounds, a file of 10 MB was validated for 66 s, and one of 9 MB took 1.8 GB. Knows no manifest.

use std::path::Path;
use std::time::Duration;

use wasmparser::component_types::ComponentEntityType;
use wasmparser::types::Types;
use wasmparser::{
    BinaryReaderError, FuncToValidate, FuncValidatorAllocations, FunctionBody, Operator,
    OperatorsReader, Parser, Payload, ValidPayload, Validator, ValidatorResources,
};

use crate::error::PluginError;
use crate::limits;
use crate::package::features;
use crate::sandbox::thread_cpu_time;
use overt_contract::plain;

/// Why a component is refused.
enum Fault {
    /// It is not valid.
    Invalid(BinaryReaderError),
    /// A name that could not be shown to anybody: where it stands and its first odd character.
    Name(usize, char),
    /// It asks for more than it may.
    Limit(&'static str),
}

impl From<BinaryReaderError> for Fault {
    fn from(error: BinaryReaderError) -> Fault {
        Fault::Invalid(error)
    }
}

/// Operators after which the clock is read; asking it after each would take longer than validating them.
const OPERATORS: usize = 4096;

/// Validates a component, and gives the types of what it imports and exports. Names of its imports are printable ASCII.
pub(crate) fn validate(path: &Path, bytes: &[u8]) -> Result<Types, PluginError> {
    let path = || path.to_owned();
    types(bytes).map_err(|fault| match fault {
        Fault::Invalid(error) => PluginError::Malformed {
            path: path(),
            offset: error.offset() as u64,
            // It quotes names, which are a stranger's.
            cause: plain(error.message()),
        },
        Fault::Name(offset, character) => PluginError::Malformed {
            path: path(),
            offset: offset as u64,
            cause: format!(
                "a name has the character U+{:04X}; expected printable ASCII",
                u32::from(character)
            ),
        },
        Fault::Limit(limit) => PluginError::ReadLimit {
            path: path(),
            limit,
        },
    })
}

/// CPU time of this thread, so that a busy machine refuses no innocent.
struct Clock {
    end: Duration,
}

impl Clock {
    fn check(&self) -> Result<(), Fault> {
        match thread_cpu_time() > self.end {
            true => Err(Fault::Limit("5 s of CPU time for validating it")),
            false => Ok(()),
        }
    }
}

fn types(bytes: &[u8]) -> Result<Types, Fault> {
    let clock = Clock {
        end: thread_cpu_time() + limits::VALIDATE_CPU,
    };
    let mut parser = Parser::new(0);
    parser.set_features(features());
    let mut validator = Validator::new_with_features(features());
    let mut allocations = FuncValidatorAllocations::default();
    let (mut depth, mut described) = (0usize, 0usize);
    let mut names = Vec::new();
    let mut types = None;
    for payload in parser.parse_all(bytes) {
        let payload = payload?;
        match &payload {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(imports) if depth == 0 => {
                for import in imports.clone().into_iter_with_offsets() {
                    let (offset, import) = import?;
                    let name = import.name.name;
                    if let Some(odd) = name.chars().find(|odd| !matches!(odd, ' '..='~')) {
                        return Err(Fault::Name(offset, odd));
                    }
                    names.push(name);
                }
            }
            Payload::ComponentExportSection(exports) if depth == 0 => {
                for export in exports.clone() {
                    names.push(export?.name.name);
                }
            }
            _ => {}
        }
        if depth > limits::COMPONENT_DEPTH {
            return Err(Fault::Limit("32 components within each other"));
        }
        described += describing(&payload);
        if described > limits::COMPONENT_BYTES {
            return Err(Fault::Limit(
                "128 KiB for types, imports, exports and instances of components",
            ));
        }
        match validator.payload(&payload)? {
            ValidPayload::Func(function, body) => {
                allocations = function_within(&clock, function, &body, allocations)?;
            }
            ValidPayload::End(found) => types = Some(found),
            _ => {}
        }
        clock.check()?;
    }
    // The parser ends with the outermost component's end, or with an error.
    let types = types.ok_or(Fault::Limit("the file's own length"))?;
    named_within(&types, &names)?;
    Ok(types)
}

/// Bytes of a section that describes components. One instance type may be checked against others as often as a few bytes say so, so what
/// such a section costs does not grow with its length but with the square of it.
fn describing(payload: &Payload<'_>) -> usize {
    let range = match payload {
        Payload::ComponentTypeSection(section) => section.range(),
        Payload::CoreTypeSection(section) => section.range(),
        Payload::ComponentInstanceSection(section) => section.range(),
        Payload::InstanceSection(section) => section.range(),
        Payload::ComponentAliasSection(section) => section.range(),
        Payload::ComponentCanonicalSection(section) => section.range(),
        Payload::ComponentImportSection(section) => section.range(),
        Payload::ComponentExportSection(section) => section.range(),
        _ => return 0,
    };
    range.len()
}

fn function_within(
    clock: &Clock,
    function: FuncToValidate<ValidatorResources>,
    body: &FunctionBody<'_>,
    allocations: FuncValidatorAllocations,
) -> Result<FuncValidatorAllocations, Fault> {
    let mut validator = function.into_validator(allocations);
    let mut reader = body.get_binary_reader();
    validator.read_locals(&mut reader)?;
    let mut operators = OperatorsReader::new(reader);
    let mut count = 0usize;
    while !operators.eof() {
        let (operator, offset) = operators.read_with_offset()?;
        // Each target may ask for a thousand values to be compared.
        if let Operator::BrTable { targets } = &operator
            && targets.len() > limits::BRANCH_TARGETS
        {
            return Err(Fault::Limit("10,000 targets of one branch"));
        }
        validator.op(offset, &operator)?;
        count += 1;
        if count.is_multiple_of(OPERATORS) {
            clock.check()?;
        }
    }
    operators.finish()?;
    Ok(validator.into_allocations())
}

/// An instance type is written once and may be imported a thousand times, and whoever asks what a plugin imports is told all of its functions each
/// time.
fn named_within(types: &Types, names: &[&str]) -> Result<(), Fault> {
    let types = types.as_ref();
    let mut bytes = 0usize;
    for name in names {
        bytes += name.len();
        let item = types
            .component_item_for_import(name)
            .or_else(|| types.component_item_for_export(name));
        if let Some(ComponentEntityType::Instance(id)) = item.map(|item| item.ty) {
            bytes += types[id]
                .exports
                .keys()
                .map(|name| name.len())
                .sum::<usize>();
        }
        if bytes > limits::NAME_BYTES {
            return Err(Fault::Limit("128 KiB of names that it imports or exports"));
        }
    }
    Ok(())
}
