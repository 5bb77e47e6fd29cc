//! Console output. All writes to standard output and standard error go through this module.

use indicatif::{ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Destination of results and notes: the terminal, or memory in tests.
#[derive(Clone)]
pub struct Console {
    inner: Arc<Inner>,
}

struct Inner {
    captured: Option<Mutex<Captured>>,
    bar: Mutex<Option<indicatif::ProgressBar>>,
}

#[derive(Default)]
struct Captured {
    output: String,
    notes: String,
}

impl Console {
    /// Writes results to standard output, and notes and progress to standard error.
    pub fn terminal() -> Console {
        Console::of(None)
    }

    /// Captures everything in memory, see [`Console::output`] and [`Console::notes`].
    pub fn captured() -> Console {
        Console::of(Some(Mutex::default()))
    }

    fn of(captured: Option<Mutex<Captured>>) -> Console {
        Console { inner: Arc::new(Inner { captured, bar: Mutex::new(None) }) }
    }

    /// Returns the captured results.
    pub fn output(&self) -> String {
        self.inner.captured.as_ref().map(|captured| lock(captured).output.clone()).unwrap_or_default()
    }

    /// Returns the captured notes.
    pub fn notes(&self) -> String {
        self.inner.captured.as_ref().map(|captured| lock(captured).notes.clone()).unwrap_or_default()
    }

    /// Writes a line of the result. Ignores write errors: the reader may have closed the pipe.
    pub(crate) fn line(&self, text: &str) {
        match &self.inner.captured {
            Some(captured) => {
                let mut captured = lock(captured);
                captured.output.push_str(text);
                captured.output.push('\n');
            }
            None => drop(writeln!(std::io::stdout(), "{text}")),
        }
    }

    /// Writes the result as one line of JSON.
    pub(crate) fn json(&self, value: &impl Serialize) {
        match serde_json::to_string(value) {
            Ok(text) => self.line(&text),
            Err(error) => self.eprint(&format!("error: the result cannot be written as JSON: {error}")),
        }
    }

    /// Writes a note, above the progress bar if there is one.
    pub(crate) fn eprint(&self, text: &str) {
        match &self.inner.captured {
            Some(captured) => {
                let mut captured = lock(captured);
                captured.notes.push_str(text);
                captured.notes.push('\n');
            }
            None => match &*lock(&self.inner.bar) {
                Some(bar) => bar.suspend(|| drop(writeln!(std::io::stderr(), "{text}"))),
                None => drop(writeln!(std::io::stderr(), "{text}")),
            },
        }
    }

    /// Shows a progress bar on standard error, if that is a terminal.
    pub(crate) fn bar(&self, length: u64, what: &'static str) -> ProgressBar<'_> {
        let visible = self.inner.captured.is_none() && std::io::stderr().is_terminal();
        let target = if visible { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = indicatif::ProgressBar::with_draw_target(Some(length), target).with_message(what);
        if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {per_sec} {eta}") {
            bar.set_style(style);
        }
        *lock(&self.inner.bar) = Some(bar.clone());
        ProgressBar { console: self, bar }
    }
}

/// A progress bar that disappears when it goes out of scope.
pub(crate) struct ProgressBar<'a> {
    console: &'a Console,
    bar: indicatif::ProgressBar,
}

impl ProgressBar<'_> {
    pub(crate) fn step(&self) {
        self.bar.inc(1);
    }
}

impl Drop for ProgressBar<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
        *lock(&self.console.inner.bar) = None;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Formats rows as a table. `right` marks the right-aligned columns.
pub(crate) fn table(rows: &[Vec<String>], right: &[bool]) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| {
            match right.get(column).copied().unwrap_or(false) {
                true => format!("{cell:>width$}"),
                false => format!("{cell:<width$}"),
            }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_columns_are_as_wide_as_their_widest_cells() {
        let rows = [vec!["a".into(), "1".into(), "x".into()], vec!["bcd".into(), "22".into()]];
        assert_eq!(table(&rows, &[false, true, false]), ["a     1  x", "bcd  22"]);
    }
}
