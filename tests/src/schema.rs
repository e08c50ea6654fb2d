//! Holds a value against a JSON schema, as far as the schemas of this repository use the language; a keyword that is not known here panics, so nothing
//! passes unchecked. A library for all of JSON Schema switches on features of crates that wasmtime is built from, and the whole of it would
//! be compiled a second time for this one test.

use serde_json::Value;

/// A schema.
pub struct Schema(Value);

impl Schema {
    /// Reads a schema; a text that is none is a mistake in the repository.
    pub fn parse(text: &str) -> Schema {
        Schema(serde_json::from_str(text).unwrap())
    }

    /// Where and how the value differs from the schema.
    pub fn errors(&self, value: &Value) -> Vec<String> {
        let mut errors = Vec::new();
        self.check(&self.0, value, "", &mut errors);
        errors
    }

    /// Whether the value is as the schema says.
    pub fn is_valid(&self, value: &Value) -> bool {
        self.errors(value).is_empty()
    }

    fn check(&self, schema: &Value, value: &Value, at: &str, errors: &mut Vec<String>) {
        for (keyword, wanted) in schema.as_object().unwrap() {
            let length = value.as_str().map(|text| text.chars().count() as u64);
            let items = value.as_array().map(|items| items.len() as u64);
            let holds = match keyword.as_str() {
                "$schema" | "$defs" | "title" | "description" => true,
                "$ref" => {
                    let pointer = wanted.as_str().unwrap().strip_prefix('#').unwrap();
                    self.check(self.0.pointer(pointer).unwrap(), value, at, errors);
                    true
                }
                "type" => match wanted {
                    Value::Array(types) => types.iter().any(|wanted| is_of(value, wanted)),
                    wanted => is_of(value, wanted),
                },
                "const" => value == wanted,
                "minItems" => items.is_none_or(|items| items >= wanted.as_u64().unwrap()),
                "maxItems" => items.is_none_or(|items| items <= wanted.as_u64().unwrap()),
                "oneOf" => {
                    let fits = |one: &&Value| {
                        let mut errors = Vec::new();
                        self.check(one, value, at, &mut errors);
                        errors.is_empty()
                    };
                    wanted.as_array().unwrap().iter().filter(fits).count() == 1
                }
                "enum" => wanted.as_array().unwrap().contains(value),
                "minimum" => value
                    .as_f64()
                    .is_none_or(|number| number >= wanted.as_f64().unwrap()),
                "maximum" => value
                    .as_f64()
                    .is_none_or(|number| number <= wanted.as_f64().unwrap()),
                "minLength" => length.is_none_or(|length| length >= wanted.as_u64().unwrap()),
                "maxLength" => length.is_none_or(|length| length <= wanted.as_u64().unwrap()),
                "pattern" => {
                    assert_eq!(wanted, "^[0-9a-f]{64}$", "the one pattern known here");
                    let hexadecimal = |text: &str| {
                        text.len() == 64
                            && text
                                .bytes()
                                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
                    };
                    value.as_str().is_none_or(hexadecimal)
                }
                "required" => value.as_object().is_none_or(|object| {
                    wanted
                        .as_array()
                        .unwrap()
                        .iter()
                        .all(|key| object.contains_key(key.as_str().unwrap()))
                }),
                "properties" | "additionalProperties" => {
                    self.members(schema, keyword, value, at, errors);
                    true
                }
                "items" => {
                    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.check(wanted, item, &format!("{at}/{index}"), errors);
                    }
                    true
                }
                other => panic!("{at}: the keyword {other} is not known here"),
            };
            if !holds {
                errors.push(format!("{at}: {value} is not {keyword} {wanted}"));
            }
        }
    }

    /// An object's members: those named by `properties`, or the rest.
    fn members(
        &self,
        schema: &Value,
        keyword: &str,
        value: &Value,
        at: &str,
        errors: &mut Vec<String>,
    ) {
        for (key, member) in value.as_object().into_iter().flatten() {
            let at = format!("{at}/{key}");
            let named = schema
                .get("properties")
                .and_then(|properties| properties.get(key));
            match (keyword, named) {
                ("properties", Some(named)) => self.check(named, member, &at, errors),
                ("additionalProperties", None) => match &schema[keyword] {
                    Value::Bool(true) => {}
                    Value::Bool(false) => errors.push(format!("{at}: no such key")),
                    rest => self.check(rest, member, &at, errors),
                },
                _ => {}
            }
        }
    }
}

fn is_of(value: &Value, wanted: &Value) -> bool {
    match wanted.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        other => panic!("unknown type {other}"),
    }
}
