//! What is shown while it runs: a bar on a terminal, else a line now and then.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Between two lines where there is no terminal.
const LINES: Duration = Duration::from_secs(5);

/// Between two looks.
const LOOK: Duration = Duration::from_millis(200);

/// Counted by whoever answers.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) answered: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) unanswered: AtomicU64,
}

impl Counts {
    /// One more answer.
    pub(crate) fn count(&self, status: u16) {
        let counter = match status {
            0 => &self.unanswered,
            200..=399 => &self.answered,
            _ => &self.refused,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    fn text(&self) -> String {
        let [answered, refused, unanswered] =
            [&self.answered, &self.refused, &self.unanswered].map(|count| count.load(Ordering::Relaxed));
        format!("{answered} answered, {refused} refused, {unanswered} without an answer")
    }
}

/// A line about what is done now, which takes no time.
pub(crate) fn note(text: &str) {
    eprintln!("{text}");
}

/// Shows how it goes, for so many seconds and until it is dropped.
pub(crate) async fn show(counts: &Counts, seconds: f64) {
    let is_terminal = std::io::stderr().is_terminal();
    let target = if is_terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some((seconds * 10.0) as u64), target);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {elapsed} {msg}") {
        bar.set_style(style);
    }
    let _gone = Gone(&bar);
    let (began, mut ticks, mut told) = (Instant::now(), tokio::time::interval(LOOK), Instant::now());
    loop {
        ticks.tick().await;
        bar.set_position((began.elapsed().as_secs_f64().min(seconds) * 10.0) as u64);
        if is_terminal {
            bar.set_message(counts.text());
        } else if told.elapsed() >= LINES {
            told = Instant::now();
            note(&format!("{:>4.0} of {seconds:.0} s: {}", began.elapsed().as_secs_f64(), counts.text()));
        }
    }
}

/// Takes the bar away.
struct Gone<'a>(&'a ProgressBar);

impl Drop for Gone<'_> {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
