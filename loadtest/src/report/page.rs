//! Writes a report as a self-contained HTML page: it includes the figures and the chart library.

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

/// Fills the template. The report is inserted last, so that its text is not searched for placeholders.
fn page(json: &str) -> String {
    // Escaped, so that no text of the report can close the script element.
    let json = json.replace('<', "\\u003c");
    PAGE.replace("/*UPLOT_CSS*/", UPLOT_CSS).replace("/*UPLOT_JS*/", UPLOT_JS).replace("/*REPORT*/", &json)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_is_self_contained_and_escapes_the_report() {
        let page = page(r#"{"command":"</script><script>alert(1)"}"#);
        assert!(page.contains(r#"{"command":"\u003c/script>\u003cscript>alert(1)"}"#));
        assert!(!page.contains("/*UPLOT") && !page.contains("/*REPORT*/"), "a placeholder is left");
        for external in ["src=\"", "href=\"", "@import", "url(", "fetch("] {
            assert!(!page.contains(external), "{external}");
        }
    }
}
