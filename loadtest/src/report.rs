//! What is told of a run: a table, JSON, a page.

mod json;
mod page;
mod table;

use crate::checker::CheckReport;
use crate::run::measure::Figures;
use serde::Serialize;

/// Everything that is known of a run.
#[derive(Serialize)]
pub(crate) struct Report {
    pub(crate) scenario: String,
    pub(crate) about: String,
    /// The command line.
    pub(crate) command: String,
    pub(crate) seed: u64,
    pub(crate) version: &'static str,
    /// What it ran on.
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) figures: Figures,
    /// What the scenario adds, such as how long it took to recover.
    pub(crate) findings: Vec<String>,
    pub(crate) verdict: CheckReport,
    /// Bounds that were missed.
    pub(crate) missed: Vec<String>,
}

pub(crate) use json::write as write_json;
pub(crate) use page::write as write_page;
pub(crate) use table::{print, print_verdict};
