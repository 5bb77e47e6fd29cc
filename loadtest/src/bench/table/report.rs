//! Writes the figures as a Markdown table and as JSON.

use super::Measurement;
use super::target::{COMPARISONS, FIGURES, Target};
use crate::Failure;
use crate::bench::resource_usage::ResourceUsage;
use crate::report::{markdown, write_json};
use indicatif::HumanFloatCount;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

#[derive(Default)]
pub(super) struct Report(Vec<Figure>);

/// A figure with its values of all rounds.
struct Figure {
    key: String,
    name: String,
    unit: &'static str,
    rounds: Vec<(f64, Option<ResourceUsage>)>,
}

impl Figure {
    fn median(&self) -> &(f64, Option<ResourceUsage>) {
        &self.rounds[self.rounds.len() / 2]
    }

    /// For a figure of each process: returns the key without the process, the description, and the process.
    fn process(&self) -> Option<(&str, &str, &str)> {
        let (key, process) = self.key.rsplit_once(' ')?;
        let description = self.name.strip_suffix(process)?.strip_suffix(": ")?;
        Some((key, description, process))
    }

    /// Returns the number of the row, without its letter.
    fn row(&self) -> u64 {
        let digits: String = self.key.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().unwrap_or_default()
    }
}

impl Report {
    /// Prints a figure, and adds it or a round of it.
    pub(super) fn add(&mut self, measured: Measurement, round: Option<usize>) {
        let Measurement { key, name, value, unit, usage } = measured;
        let round = round.map_or_else(String::new, |round| format!("round {round}, "));
        println!("{round}{key}: {name}: {value:.1} {unit}");
        let at = self.0.iter().position(|figure| figure.key == key).unwrap_or_else(|| {
            self.0.push(Figure { key, name, unit, rounds: Vec::new() });
            self.0.len() - 1
        });
        self.0[at].rounds.push((value, usage));
        self.0[at].rounds.sort_by(|left, right| left.0.total_cmp(&right.0));
    }

    /// Sorts the figures by row.
    pub(super) fn in_order(mut self) -> Report {
        self.0.sort_by_key(Figure::row);
        self
    }

    pub(super) fn median(&self, key: &str) -> Option<f64> {
        self.0.iter().find(|figure| figure.key == key).map(|figure| figure.median().0)
    }

    /// Returns the baseline of a figure, the ratio, and the target of the ratio.
    fn ratio(&self, figure: &Figure) -> Option<(&'static str, f64, Target)> {
        let (_, of, target) = COMPARISONS.iter().find(|(key, ..)| *key == figure.key)?;
        Some((of, figure.median().0 / self.median(of)?, *target))
    }

    /// Returns the table in Markdown. Figures of each process are listed below it.
    pub(super) fn table(&self) -> String {
        let mut rows = Vec::new();
        let mut lines: BTreeMap<&str, (String, Vec<String>)> = BTreeMap::new();
        for figure in &self.0 {
            match figure.process().filter(|_| self.ratio(figure).is_none()) {
                None => rows.push(self.cells(figure)),
                Some((key, description, process)) => {
                    let title = || (format!("row {key}: {description}, {}", figure.unit), Vec::new());
                    let value = number(figure.median().0);
                    lines.entry(key).or_insert_with(title).1.push(format!("{process} {value}"));
                }
            }
        }
        let head = ["row", "measured", "figure:", "spread:", "ratio:", "target", "CPU of the machine, %"];
        let mut table = markdown(head, &rows);
        for (title, values) in lines.values() {
            table += &format!("\n{title}: {}\n", values.join("; "));
        }
        table
    }

    fn cells(&self, figure: &Figure) -> [String; 7] {
        let (value, usage) = figure.median();
        let target = FIGURES.iter().find(|(key, _)| *key == figure.key).map(|(_, target)| *target);
        let mut result = target.map_or_else(String::new, |target| target.describe(*value));
        let mut ratio = String::new();
        if let Some((of, of_it, target)) = self.ratio(figure) {
            ratio = format!("{} × {of}", number(of_it));
            result = target.describe(of_it);
        }
        let spread = match (figure.rounds.first(), figure.rounds.last()) {
            (Some(low), Some(high)) if figure.rounds.len() > 1 => {
                format!("{}–{}", number(low.0), number(high.0))
            }
            _ => String::new(),
        };
        let shares = usage.as_ref().map_or_else(String::new, ResourceUsage::shares);
        let value = format!("{} {}", number(*value), figure.unit);
        [figure.key.clone(), figure.name.clone(), value, spread, ratio, result, shares]
    }

    /// Writes the figures as JSON.
    pub(super) fn write(&self, path: &Path) -> Result<(), Failure> {
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory)?;
        }
        write_json(&self.0.iter().map(|figure| self.object(figure)).collect::<Vec<_>>(), path)
    }

    fn object(&self, figure: &Figure) -> Value {
        let Figure { key, name, unit, .. } = figure;
        let value = figure.median().0;
        let mut object = json!({
            "row": figure.row(), "entry": key, "name": name, "value": value, "unit": unit,
            "rounds": figure.rounds.len(),
        });
        if let Some((of, ratio, target)) = self.ratio(figure) {
            object["ratio"] = json!(ratio);
            object["of"] = json!(of);
            if let Some(met) = target.met(ratio) {
                object["met"] = json!(met);
            }
        }
        object
    }
}

/// Formats a number with thousands separators; with one decimal below 100, with two below 10.
pub(super) fn number(value: f64) -> String {
    let digits = match value.abs() {
        value if value >= 100.0 => 0,
        value if value >= 10.0 => 1,
        _ => 2,
    };
    format!("{:.digits$}", HumanFloatCount(value))
}

#[cfg(test)]
mod tests {
    use super::super::row::Row;
    use super::*;
    use clap::ValueEnum;

    fn measured(key: &str, value: f64) -> Measurement {
        Measurement { key: key.to_owned(), name: format!("figure {key}"), value, unit: "bids/s", usage: None }
    }

    fn written(report: &Report) -> Vec<Value> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("target/bench.json");
        report.write(&path).unwrap();
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    }

    #[test]
    fn json_report_contains_medians_and_ratios() {
        let mut report = Report::default();
        for value in [50_000.0, 10_000.0, 40_000.0] {
            report.add(measured("1", value), None);
        }
        report.add(measured("2a", 30_000.0), None);
        report.add(measured("6 p99", 9.0), None);
        let written = written(&report);
        assert_eq!(
            written[0],
            json!({"row": 1, "entry": "1", "name": "figure 1", "value": 40_000.0, "unit": "bids/s", "rounds": 3})
        );
        assert_eq!(
            written[1],
            json!({"row": 2, "entry": "2a", "name": "figure 2a", "value": 30_000.0, "unit": "bids/s",
                   "rounds": 1, "ratio": 0.75, "of": "1", "met": false})
        );
        // No ratio: its baseline was not measured.
        assert_eq!(
            written[2],
            json!({"row": 6, "entry": "6 p99", "name": "figure 6 p99", "value": 9.0, "unit": "bids/s", "rounds": 1})
        );
        assert_eq!(written.len(), 3);
    }

    #[test]
    fn table_shows_whether_targets_are_met() {
        let mut report = Report::default();
        report.add(measured("1", 40_000.0), None);
        report.add(measured("2a", 38_000.0), None);
        report.add(measured("5", 19_000.0), None);
        let table = report.table();
        let line = |key: &str| table.lines().find(|line| line.starts_with(&format!("| {key} "))).unwrap();
        assert!(
            line("1").contains("| 40,000 bids/s |") && line("1").contains("48600 or more: missed"),
            "{table}"
        );
        assert!(line("2a").contains("| 0.95 × 1 | 0.9 or more: met |"), "{table}");
        assert!(line("5").contains("| 0.47 × 1 | 0.5 or more: missed |"), "{table}");
    }

    #[test]
    fn figures_by_process_are_listed_in_one_line() {
        let mut report = Report::default();
        for (process, value) in [("writer", 7.5), ("redis", 2.25)] {
            let (key, name) =
                (format!("10 auctions {process}"), format!("memory for 1,000 auctions: {process}"));
            report.add(Measurement { key, name, value, unit: "MB", usage: None }, None);
        }
        let table = report.table();
        let line = "row 10 auctions: memory for 1,000 auctions, MB: writer 7.5; redis 2.25";
        assert!(table.lines().any(|found| found == line), "{table}");
        assert_eq!(written(&report)[1]["row"], 10);
    }

    #[test]
    fn comparisons_refer_to_existing_rows() {
        let keys: Vec<String> = Row::value_variants().iter().map(|row| row.key()).collect();
        for (key, of, _) in COMPARISONS {
            for key in [key, of] {
                let row = key.split(' ').next().unwrap();
                assert!(keys.iter().any(|known| known == row), "{key}");
            }
        }
    }
}
