//! Progress display: a bar on a terminal, otherwise a line every few seconds.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};
use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Interval between two lines if stderr is not a terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// Counters of responses, updated by the workers.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) succeeded: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) unanswered: AtomicU64,
}

impl Counts {
    pub(crate) fn count(&self, status: u16) {
        let counter = match status {
            0 => &self.unanswered,
            200..=399 => &self.succeeded,
            _ => &self.refused,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    fn text(&self) -> String {
        let [succeeded, refused, unanswered] =
            [&self.succeeded, &self.refused, &self.unanswered].map(|count| count.load(Ordering::Relaxed));
        format!("{succeeded} succeeded, {refused} refused, {unanswered} without a response")
    }
}

/// Prints a status line to stderr.
pub(crate) fn note(text: &str) {
    eprintln!("{text}");
}

/// Displays the progress of a load of this duration. Runs until the future is dropped.
pub(crate) async fn show(counts: &Counts, seconds: f64) {
    let is_terminal = std::io::stderr().is_terminal();
    let target = if is_terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some((seconds * 10.0) as u64), target);
    let bar = bar.with_finish(ProgressFinish::AndClear);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {elapsed} {msg}") {
        bar.set_style(style);
    }
    let (began, mut ticks, mut last_line) =
        (Instant::now(), tokio::time::interval(POLL_INTERVAL), Instant::now());
    loop {
        ticks.tick().await;
        bar.set_position((began.elapsed().as_secs_f64().min(seconds) * 10.0) as u64);
        if is_terminal {
            bar.set_message(counts.text());
        } else if last_line.elapsed() >= LINE_INTERVAL {
            last_line = Instant::now();
            note(&format!("{:>4.0} of {seconds:.0} s: {}", began.elapsed().as_secs_f64(), counts.text()));
        }
    }
}
