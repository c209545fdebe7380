//! The HTML page in a real browser: nothing is said on its console, nothing is fetched, nothing hangs over its edge.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do, by panicking")]

use std::path::Path;
use std::process::{Command, Output};

use loadtest::report::{self, Outputs};
use loadtest::results::Results;

use crate::samples;

/// Widths in pixels of the screens that are tried: a laptop's and a telephone's.
const WIDTHS: [u32; 2] = [1280, 390];

#[test]
fn a_browser_shows_the_page_whole_at_both_widths() {
    for (name, results) in [
        ("open", samples::open()),
        ("failed", samples::failed()),
        ("closed", samples::closed()),
        ("empty", samples::empty()),
    ] {
        let shown = Shown::of(&results);
        assert!(!shown.console.contains("CONSOLE"), "{name}: {}", shown.console);
        for width in WIDTHS {
            let frame = &shown.document[&width.to_string()];
            assert_eq!(frame["requests"], 0, "{name} at {width}: {frame}");
            assert_eq!(frame["width"], width, "{name}: {frame}");
            assert_eq!(
                frame["over"],
                serde_json::json!([]),
                "{name} hangs over {width} pixels: {frame}"
            );
            assert!(frame["height"].as_u64().unwrap() > 500, "{name} at {width}: {frame}");
            assert_eq!(frame["flat"], 0, "{name} at {width}: charts without room: {frame}");
        }
    }
}

/// What a browser has seen.
struct Shown {
    /// What each width measured.
    document: serde_json::Value,
    /// Standard error, where the browser repeats the console.
    console: String,
}

impl Shown {
    fn of(results: &Results) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let outputs = Outputs {
            html: Some(directory.path().join("run.html")),
            quiet: true,
            ..Outputs::default()
        };
        report::write(results, &outputs).unwrap();
        // Frames, because a browser's window is not made as narrow as a telephone; measured from outside, because the
        // page forbids scripts of its own.
        let frames: String = WIDTHS
            .iter()
            .map(|width| format!(r#"<iframe src="run.html" width="{width}" height="800" frameborder="0"></iframe>"#))
            .collect();
        let outside = directory.path().join("outside.html");
        std::fs::write(
            &outside,
            format!("<!doctype html>{frames}<pre></pre><script>{MEASURE}</script>"),
        )
        .unwrap();
        let output = browse(directory.path(), &outside);
        let document = String::from_utf8_lossy(&output.stdout).into_owned();
        let measured = scraper::Html::parse_document(&document);
        let measured = measured.select(&scraper::Selector::parse("pre").unwrap()).next();
        let measured: String = measured.map(|pre| pre.text().collect()).unwrap_or_default();
        let console = String::from_utf8_lossy(&output.stderr).into_owned();
        Shown {
            document: serde_json::from_str(&measured)
                .unwrap_or_else(|_| panic!("nothing measured: {document}\n{console}")),
            console,
        }
    }
}

/// For each frame: how wide and high it is, what it fetched, which elements end beyond its right edge without a scrolled
/// parent, and charts that have no height.
const MEASURE: &str = r#"
onload = () => {
  const seen = {};
  for (const frame of document.querySelectorAll("iframe")) {
    const page = frame.contentDocument, root = page.documentElement;
    const scrolled = e => e && (["auto", "scroll", "hidden"].includes(frame.contentWindow.getComputedStyle(e).overflowX) || scrolled(e.parentElement));
    const over = [...page.body.querySelectorAll("*")].filter(e => e.getBoundingClientRect().right > root.clientWidth + 1 && !scrolled(e));
    seen[frame.width] = {
      width: Math.max(root.scrollWidth, page.body.scrollWidth),
      height: root.scrollHeight,
      requests: frame.contentWindow.performance.getEntriesByType("resource").length,
      over: over.map(e => e.tagName + "." + (e.className.baseVal ?? e.className)).slice(0, 5),
      flat: [...page.querySelectorAll("svg[role=img]")].filter(e => e.getBoundingClientRect().height < 100).length,
    };
  }
  document.querySelector("pre").textContent = JSON.stringify(seen);
};"#;

fn browse(profile: &Path, page: &Path) -> Output {
    let output = Command::new("chromium")
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            "--no-first-run",
        ])
        .args([
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ])
        .args([
            "--allow-file-access-from-files",
            "--enable-logging=stderr",
            "--dump-dom",
        ])
        .arg(format!("--user-data-dir={}", profile.join("profile").display()))
        .arg(format!("file://{}", page.display()))
        .output();
    output.expect("the browser `chromium` is needed to look at the page: scripts/install-browser.sh installs it")
}
