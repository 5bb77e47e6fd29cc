//! Writes a report as JSON.

use super::Report;
use crate::Failure;
use std::path::Path;

pub(crate) fn write(report: &Report, file: &Path) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(report)?;
    std::fs::write(file, text + "\n").map_err(|error| format!("{}: {error}", file.display()).into())
}
