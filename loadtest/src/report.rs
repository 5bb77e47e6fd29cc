//! Reports: tables in Markdown, JSON, and the HTML page of a run.

use crate::Failure;
use crate::checker::CheckReport;
use crate::run::measure::Figures;
use serde::Serialize;
use std::path::Path;

const PAGE: &str = include_str!("../assets/report.html");

/// uPlot (MIT, see its `LICENSE`).
const UPLOT_CSS: &str = include_str!("../assets/uplot/uPlot.min.css");
const UPLOT_JS: &str = include_str!("../assets/uplot/uPlot.iife.min.js");

/// Results of a run, as printed and as written to JSON.
#[derive(Serialize)]
pub(crate) struct Report {
    pub(crate) scenario: String,
    pub(crate) description: String,
    pub(crate) command: String,
    pub(crate) seed: u64,
    pub(crate) version: &'static str,
    /// Machine and portal, as pairs of name and value.
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) figures: Figures,
    /// Observations that are not in the figures, such as the recovery time after a burst.
    pub(crate) findings: Vec<String>,
    pub(crate) check_report: CheckReport,
    /// Bounds of the command line that were missed, one sentence each.
    pub(crate) missed_bounds: Vec<String>,
}

impl Report {
    pub(crate) fn print(&self) {
        let figures = &self.figures;
        println!("{}: {}", self.scenario, self.command);
        println!(
            "seed {}; {} requests in {:.1} s, {:.0} per second\n",
            self.seed, figures.requests, figures.seconds, figures.per_second
        );
        let latencies = figures.latencies.iter().map(|latency| {
            let [p50, p90, p99, p999, max] =
                [latency.p50, latency.p90, latency.p99, latency.p999, latency.max]
                    .map(|ms| format!("{ms:.1}"));
            [latency.class.to_owned(), latency.count.to_string(), p50, p90, p99, p999, max]
        });
        let head = ["ms from due time until", "requests:", "p50:", "p90:", "p99:", "p99.9:", "max:"];
        println!("{}", markdown(head, &latencies.collect::<Vec<_>>()));
        println!("wait for a free connection, p99: {:.1} ms\n", figures.connection_wait_p99);
        let responses =
            figures.responses.iter().map(|(response, count)| [response.clone(), count.to_string()]);
        println!("{}", markdown(["response", "requests:"], &responses.collect::<Vec<_>>()));
        self.findings.iter().for_each(|finding| println!("{finding}"));
        print_check_report(&self.check_report);
        self.missed_bounds.iter().for_each(|missed| println!("missed bound: {missed}"));
    }

    /// Writes a self-contained HTML page: it includes the figures and the chart library.
    pub(crate) fn write_page(&self, file: &Path) -> Result<(), Failure> {
        write(&page(&serde_json::to_string(self)?), file)
    }
}

pub(crate) fn print_check_report(check_report: &CheckReport) {
    println!("checks:");
    for check in &check_report.checks {
        let sign = if check.passed() { "ok   " } else { "FAIL " };
        println!("  {sign} {} ({} checked)", check.name, check.checked);
        check.failures.iter().for_each(|failure| println!("        {failure}"));
        if check.more_failures > 0 {
            println!("        and {} more", check.more_failures);
        }
    }
    check_report.not_checked.iter().for_each(|item| println!("  not checked: {item}"));
}

/// Returns a table in Markdown. Columns whose head ends with a colon are aligned to the right.
pub(crate) fn markdown<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    let line = |cells: &[String; N]| format!("| {} |\n", cells.join(" | "));
    let rule = head.map(|cell| if cell.ends_with(':') { "---:|" } else { "---|" }).concat();
    let head = line(&head.map(|cell| cell.trim_end_matches(':').to_owned()));
    format!("{head}|{rule}\n{}", rows.iter().map(line).collect::<String>())
}

/// Writes results as JSON.
pub(crate) fn write_json(results: &impl Serialize, file: &Path) -> Result<(), Failure> {
    write(&(serde_json::to_string_pretty(results)? + "\n"), file)
}

fn write(text: &str, file: &Path) -> Result<(), Failure> {
    std::fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()).into())
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
