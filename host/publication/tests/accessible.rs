//! axe-core, in a browser, finds nothing serious in any page, on a screen and in the plain order of the page. It needs Chromium and what `scripts/setup tests`
//! fetches; where they are not there it says that it was skipped.
#![allow(clippy::unwrap_used)]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// What axe finds, put where the page can be read from.
const RUN: &str = "<script>
axe.run(document, { resultTypes: ['violations'] }).then(function (found) {
  var pre = document.createElement('pre');
  pre.id = 'found';
  pre.textContent = JSON.stringify({ violations: found.violations.map(function (one) {
    return { id: one.id, impact: one.impact, nodes: one.nodes.map(function (node) { return node.html; }) };
  }), passes: found.passes.length });
  document.body.appendChild(pre);
});
</script>";

fn browser() -> Option<PathBuf> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|file| file.is_file())
}

/// What axe finds in a page.
fn look(browser: &Path, axe: &str, folder: &Path, html: &str) -> Value {
    // The page allows no script; its policy is left out for axe alone.
    let policy = html
        .find("<meta http-equiv=\"Content-Security-Policy\"")
        .unwrap();
    let end = policy + html[policy..].find('>').unwrap() + 1;
    let page = format!("{}{}", &html[..policy], &html[end..]);
    let page = page.replace("</body>", &format!("<script>{axe}</script>{RUN}</body>"));
    let file = folder.join("page.html");
    std::fs::write(&file, page).unwrap();
    let mut command = Command::new(browser);
    command
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
        ])
        .args([
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ])
        .arg(format!(
            "--user-data-dir={}",
            folder.join("browser").display()
        ))
        .args([
            "--window-size=1200,2000",
            "--virtual-time-budget=60000",
            "--dump-dom",
        ])
        .arg(format!("file://{}", file.display()));
    let out = command.output().unwrap();
    let dom = String::from_utf8(out.stdout).unwrap();
    let found = dom.split("<pre id=\"found\">").nth(1).unwrap_or_else(|| {
        panic!(
            "axe did not answer: {}",
            String::from_utf8_lossy(&out.stderr)
        )
    });
    let found = found.split("</pre>").next().unwrap();
    let found = found
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&");
    serde_json::from_str(&found).unwrap()
}

#[test]
fn axe_finds_nothing_serious_in_any_page_and_finds_what_is_wrong_with_a_broken_one() {
    let axe = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.overt/axe/axe.min.js");
    let (Some(browser), Ok(axe)) = (browser(), std::fs::read_to_string(&axe)) else {
        eprintln!("skipped: it takes Chromium, and axe-core, which `scripts/setup tests` fetches");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    for (name, html) in support::pages::all() {
        let found = look(&browser, &axe, folder.path(), &html);
        assert!(found["passes"].as_u64().unwrap() > 5, "{name}: {found:#}");
        let violations = found["violations"].as_array().unwrap();
        assert!(violations.is_empty(), "{name}: {violations:#?}");
    }
    // It does look.
    let (_, html) = &support::pages::all()[0];
    let broken = html
        .replace("--soft: #505a5f", "--soft: #d0d0d0")
        .replace("<html lang=\"en\">", "<html>");
    let found = look(&browser, &axe, folder.path(), &broken).to_string();
    assert!(
        found.contains("html-has-lang") && found.contains("color-contrast"),
        "{found}"
    );
}
