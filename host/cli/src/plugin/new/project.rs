//! The files of a new project that are its own: their texts, for one role or several of one family. It writes nothing.

use overt_runtime::manifest::is_id;
use overt_runtime::{CONTRACT, Capability, Role};

use super::starters::{self, Starter};

/// Names that a crate of Rust cannot have, or that the project's other crates have.
const TAKEN: &str = "\
    as async await box break const continue crate do dyn else enum extern false final fn for gen if impl in let loop macro match mod move mut override priv pub \
    ref return self static struct super trait true try type typeof unsafe unsized use virtual where while yield abstract become \
    alloc core std test proc-macro overt-sdk serde";

/// What a project is made of.
pub(super) struct Project {
    pub(super) name: String,
    pub(super) vendor: String,
    pub(super) roles: Vec<Role>,
    /// Where the SDK's crate is, as its `Cargo.toml` is to name it.
    pub(super) sdk: String,
}

/// Whether a project can be called so: an id of a plugin that is a crate's name as well.
pub(super) fn is_name(name: &str) -> bool {
    is_id(name) && !TAKEN.split_whitespace().any(|taken| taken == name)
}

impl Project {
    /// Every file by its path in the project.
    pub(super) fn files(&self) -> Vec<(String, String)> {
        let mut files = vec![
            ("Cargo.toml".to_owned(), self.cargo()),
            (".cargo/config.toml".to_owned(), CARGO_CONFIG.to_owned()),
            (".gitignore".to_owned(), GITIGNORE.to_owned()),
            ("README.md".to_owned(), self.readme()),
            ("plugin.toml".to_owned(), self.manifest()),
            ("src/lib.rs".to_owned(), self.library()),
        ];
        files.extend(self.starters().map(|starter| {
            let path = format!("src/{}.rs", starter.module);
            (path, starter.source.to_owned())
        }));
        files
    }

    /// The core module's name, as cargo makes it.
    pub(super) fn module(&self) -> String {
        format!("{}.wasm", self.name.replace('-', "_"))
    }

    fn starters(&self) -> impl Iterator<Item = &'static Starter> + '_ {
        self.roles.iter().map(|role| starters::of(*role))
    }

    fn perceives(&self) -> bool {
        self.roles.iter().any(|role| role.is_perception())
    }

    fn cargo(&self) -> String {
        format!(
            r#"[package]
name = "{name}"
version = "0.1.0"
edition = "2024"
publish = false

[lib]
crate-type = ["cdylib", "rlib"]     # cdylib: the plugin; rlib: tests and benchmarks

[dependencies]
overt-sdk = {{ path = {sdk} }}
serde = {{ version = "1", features = ["derive"] }}

[profile.release]
opt-level = 3
overflow-checks = true              # a sum that goes over ends the call, and is no wrong answer
debug = 0

# By itself, whatever folder it lies in.
[workspace]
"#,
            name = self.name,
            sdk = toml::Value::String(self.sdk.clone()),
        )
    }

    fn library(&self) -> String {
        let roles: Vec<_> = self.roles.iter().map(|role| role.name()).collect();
        let mut text = format!(
            "//! The plugin `{}`: {}. Each role has a file of its own.\n\n",
            self.name,
            roles.join(", ")
        );
        let mut modules: Vec<_> = self.starters().map(|starter| starter.module).collect();
        modules.sort_unstable();
        for module in modules {
            text += &format!("mod {module};\n");
        }
        text += "\n// What the plugin exports; plugin.toml declares the same roles.\n";
        for starter in self.starters() {
            let Starter { module, plugin, .. } = starter;
            text += &format!("overt_sdk::{module}!({module}::{plugin});\n");
        }
        text
    }

    fn manifest(&self) -> String {
        let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
        let said = |part: fn(&Starter) -> &'static str| {
            let parts: Vec<_> = self.starters().map(part).collect();
            quoted(&parts.join(" "))
        };
        let roles: Vec<_> = self.roles.iter().map(|role| quoted(role.name())).collect();
        let mut text = format!(
            r#"# What a force and an auditor read of this plugin before anything of it runs. `overt plugin pack` puts this text into the plugin file as it stands, and
# whoever signs the file signs it too. A key that nobody knows is an error.

[plugin]
id = "{name}"
version = "0.1.0"                      # a new one for whatever you ship
vendor = {vendor}
roles = [{roles}]
description = {does}
licence = "LicenseRef-Proprietary"     # an SPDX expression; yours to choose
# homepage = "https://…"

# What the folder overt/wit says.
[contract]
version = "{CONTRACT}"

"#,
            name = self.name,
            vendor = quoted(&self.vendor),
            roles = roles.join(", "),
            does = said(|starter| starter.does),
        );
        text += match self.perceives() {
            true => PERCEPTION_CAPABILITIES,
            false => DECISION_CAPABILITIES,
        };
        text += "\n# What one call needs: `overt plugin bench` measures it, and says what to write here.\n[limits]\nmemory-mib = 4         # all its memories and tables\n";
        text += &self.limits();
        if self.roles.contains(&Role::Encoder) {
            text += ENCODER;
        }
        if self.perceives() {
            text += MODEL;
        }
        text += &format!(
            r#"
# What only you can know; it is shown as your claim.
[algorithm]
intended-use = "A place to begin. Not for any real camera."
known-limits = {does_not}

# A measurement of it; the digests say of what: this plugin's content, and its models'.
# [[algorithm.evidence]]
# report = "…"
# date = "2026-11"
# dataset = "…"
# gallery-size = 10000
# threshold = 0.5
# figure = "…"
# digests = ["…"]

# What it answered on your machine. Every host asks it again before it accepts the plugin{asked}
"#,
            does_not = said(|starter| starter.does_not),
            asked = match self.perceives() {
                true =>
                    ", about a test card that every host has.\n# When the algorithm is another, so are these: `overt plugin test NAME.wasm --answers` prints them.",
                false => ". Each case is a\n# question and its answer.",
            },
        );
        let tests: Vec<_> = self.starters().map(|starter| starter.self_test).collect();
        text += &tests.join("\n");
        text += "\n# How it was made, for whoever wants to make it again.\n[build]\n# source = \"https://…\"\n# revision = \"…\"\ncommand = \"cargo build --release --target wasm32-unknown-unknown\"\n";
        text
    }

    /// Of all roles together, each line once.
    fn limits(&self) -> String {
        let mut lines: Vec<&str> = Vec::new();
        for line in self.starters().flat_map(|starter| starter.limits.lines()) {
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        lines.join("\n") + "\n"
    }

    fn readme(&self) -> String {
        let name = &self.name;
        let roles: Vec<_> = self.roles.iter().map(|role| format!("`{role}`")).collect();
        let files: String = self
            .starters()
            .map(|starter| {
                let does = starter.does.trim_end_matches('.');
                format!("| `src/{}.rs` | {does} |\n", starter.module)
            })
            .collect();
        let tables: String = self
            .starters()
            .map(|starter| {
                let role = starter.role;
                let mut table = format!("[plugins.{role}]\nfile = \"{name}.wasm\"\n");
                let granted = [Capability::Frames, Capability::Pixels].map(Capability::name);
                if role.is_perception() {
                    table += &format!("grants = {granted:?}\n");
                }
                if !starter.config.is_empty() {
                    table += &format!("[plugins.{role}.config]\n{}\n", starter.config);
                }
                table + "\n"
            })
            .collect();
        format!(
            r#"# {name}

A plugin for Overt ({roles}), as `overt plugin new` of overt {version} made it. It works as it is; what it computes is a place to begin.

{first}
| where | what |
|---|---|
{files}| `src/lib.rs` | what the plugin exports |
| `plugin.toml` | the manifest: what it is, what it asks for, what it answered here |
| `overt/wit` | the contract with the host; every field and function says its unit and range |
| `overt/sdk/rust` | the SDK, a copy from the program that made this project (MIT OR Apache-2.0). For a newer one, take the folder `overt` of a project that a newer program made |

## Make it yours

1. Write your algorithm. A call starts from a new instance, so nothing is remembered from one to the next.
2. Say in `plugin.toml` what it is; every section says there what it is for. When its answers are others, so is its self-test.
3. `overt plugin inspect {name}.wasm` shows what an auditor will see: what it can do, from its bytes.

## Try it in a deployment

```toml
{tables}```

While you develop, `unsigned = true` under `[trust]` and `overt run --rehearsal --unlocked` spare you a signature and a lock; whatever such a run leaves says so.

## Ship it

{last}"#,
            first = commands(&[
                ("cargo test".to_owned(), "the arithmetic, natively"),
                (
                    "cargo build --release --target wasm32-unknown-unknown".to_owned(),
                    "once before: rustup target add wasm32-unknown-unknown",
                ),
                (
                    format!(
                        "overt plugin pack plugin.toml target/wasm32-unknown-unknown/release/{}",
                        self.module()
                    ),
                    "",
                ),
                (
                    format!("overt plugin test {name}.wasm"),
                    "its self-test, in the sandbox that a force runs it in",
                ),
                (
                    format!("overt plugin bench {name}.wasm"),
                    "what a call costs, and what to write under [limits]",
                ),
            ]),
            last = commands(&[
                (
                    "overt key new my-company --passphrase".to_owned(),
                    "once: my-company.key is secret, my-company.pub is for your customers",
                ),
                (
                    format!("overt plugin sign {name}.wasm --key my-company.key"),
                    "",
                ),
                (
                    format!("overt plugin verify {name}.wasm --key my-company.pub"),
                    "",
                ),
            ]),
            roles = roles.join(" and "),
            version = env!("CARGO_PKG_VERSION"),
            tables = tables.trim_end().to_owned() + "\n",
        )
    }
}

/// Commands a line each, their remarks below one another.
fn commands(rows: &[(String, &str)]) -> String {
    let remarked = rows.iter().filter(|(_, remark)| !remark.is_empty());
    let width = remarked.map(|(command, _)| command.len()).max();
    let width = width.unwrap_or_default() + 4;
    let line = |(command, remark): &(String, &str)| match remark.is_empty() {
        true => format!("    {command}\n"),
        false => format!("    {command:<width$}# {remark}\n"),
    };
    rows.iter().map(line).collect()
}

const CARGO_CONFIG: &str = r#"# A stack of 64 KiB and not rustc's 1 MiB: the whole memory of a small plugin is then wiped in place after a call, which halves what a decision takes.
[target.wasm32-unknown-unknown]
rustflags = ["-C", "link-arg=-zstack-size=65536"]
"#;

const GITIGNORE: &str =
    "/target\n/*.wasm\n# A secret key never belongs into a repository.\n*.key\n*.passphrase\n";

const PERCEPTION_CAPABILITIES: &str = r#"# What it asks for. What is not here it does not get, and a force may refuse what is.
[capabilities]
frames = true          # tensors made of a camera's frame, to be given to models
pixels = true          # to read the numbers of such tensors; do without it where a model reads them
# inference = true     # to run the models that are named below
# log = true           # lines on your terminal in `overt plugin test` and `bench`; no host runs a plugin that sees faces and logs
"#;

const DECISION_CAPABILITIES: &str = r#"# What it asks for. A plugin that decides is asked with numbers and needs nothing.
[capabilities]
# log = true           # short lines in the host's log
"#;

const ENCODER: &str = r#"
# What its templates are. The host checks every one.
[encoder]
dimension = 256
metric = "cosine"
score-range = [-1.0, 1.0]
"#;

const MODEL: &str = r#"
# A model that it runs (`overt_sdk::Model::open("NAME")`), a file of its own that is pinned here: NAME.onnx, with all that it reads in it. The capability is `inference`.
# [[model]]
# name = "…"
# sha256 = "…"         # sha256sum NAME.onnx
# format = "onnx"
# licence = "…"        # of the weights
# training-data = "…"  # "not stated" where nobody says
"#;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use clap::CommandFactory as _;
    use overt_runtime::Manifest;

    use super::*;

    fn project(roles: &[Role]) -> Project {
        Project {
            name: "acme-plugin".into(),
            vendor: "Acme \"Faces\" Ltd".into(),
            roles: roles.to_vec(),
            sdk: "overt/sdk/rust".into(),
        }
    }

    #[test]
    fn the_manifest_of_every_role_and_of_all_roles_of_a_family_is_sound() {
        let families = [
            &[Role::Detector, Role::Encoder, Role::Quality][..],
            &[Role::MatcherPolicy, Role::AlertRouter],
        ];
        for roles in Role::ALL.iter().map(std::slice::from_ref).chain(families) {
            let text = project(roles).manifest();
            let manifest = Manifest::parse(text.as_bytes())
                .unwrap_or_else(|error| panic!("{roles:?}: {error}\n{text}"));
            assert_eq!(manifest.plugin.roles, roles);
            assert_eq!(manifest.plugin.vendor, "Acme \"Faces\" Ltd");
            let test = manifest.self_test.unwrap();
            assert!(roles.iter().all(|role| test.is_for(*role)), "{roles:?}");
        }
    }

    #[test]
    fn a_name_is_an_id_that_rust_takes() {
        for name in ["acme-detector", "a", "policy2"] {
            assert!(is_name(name), "{name}");
        }
        for name in [
            "",
            "Acme",
            "2nd",
            "a_b",
            "../a",
            "match",
            "serde",
            "overt-sdk",
            "std",
        ] {
            assert!(!is_name(name), "{name}");
        }
    }

    #[test]
    fn no_line_of_the_readme_names_a_command_that_is_not_taken() {
        let readme = project(&[Role::Detector]).readme();
        let lines: Vec<_> = readme
            .lines()
            .filter(|line| line.starts_with("    overt "))
            .collect();
        assert_eq!(lines.len(), 6, "{readme}");
        for line in lines {
            let line = line.split("   #").next().unwrap_or_default();
            let words = line.split_whitespace();
            let taken = crate::Arguments::command().try_get_matches_from(words);
            assert!(taken.is_ok(), "{line}: {taken:?}");
        }
    }
}
