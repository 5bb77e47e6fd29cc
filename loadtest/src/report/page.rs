//! A report as one page that needs no network: the figures are in it, and the library that draws them.

use super::Report;
use crate::Failure;
use std::path::Path;

const PAGE: &str = include_str!("../../assets/report.html");

/// uPlot (MIT, see its `LICENSE`).
const UPLOT_CSS: &str = include_str!("../../assets/uplot/uPlot.min.css");
const UPLOT_JS: &str = include_str!("../../assets/uplot/uPlot.iife.min.js");

pub(crate) fn write(report: &Report, file: &Path) -> Result<(), Failure> {
    let page = page(&serde_json::to_string(report)?);
    std::fs::write(file, page).map_err(|error| format!("{}: {error}", file.display()).into())
}

/// The figures come last: nothing in them is taken for a place to fill in.
fn page(json: &str) -> String {
    // Nothing that is told may end the script that it is told in.
    let json = json.replace('<', "\\u003c");
    PAGE.replace("/*UPLOT_CSS*/", UPLOT_CSS).replace("/*UPLOT_JS*/", UPLOT_JS).replace("/*REPORT*/", &json)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_needs_nothing_from_elsewhere_and_what_it_tells_stays_text() {
        let page = page(r#"{"command":"</script><script>alert(1)"}"#);
        assert!(page.contains(r#"{"command":"\u003c/script>\u003cscript>alert(1)"}"#));
        assert!(!page.contains("/*UPLOT") && !page.contains("/*REPORT*/"), "everything is filled in");
        for elsewhere in ["src=\"", "href=\"", "@import", "url(", "fetch("] {
            assert!(!page.contains(elsewhere), "{elsewhere}");
        }
    }
}
