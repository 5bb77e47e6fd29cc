//! Report of a run: a table, JSON, and an HTML page.

mod json;
mod page;
mod table;

use crate::checker::CheckReport;
use crate::run::measure::Figures;
use serde::Serialize;

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

pub(crate) use json::write as write_json;
pub(crate) use page::write as write_page;
pub(crate) use table::{print, print_check_report};
