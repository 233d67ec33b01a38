//! Progress on stderr: bars on a terminal, a line now and then without one.

use std::collections::HashMap;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::terminal::Terminal;
use crate::store::Outcome;
use crate::sync::{JobProgress, Progress};

const REDRAW: Duration = Duration::from_millis(100);
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Shows the progress of `work` until it is done.
pub(super) async fn while_running<T>(
    terminal: &Terminal,
    progress: &Progress,
    work: impl Future<Output = T>,
) -> T {
    let mut bars = terminal.bars().map(Bars::new);
    let mut lines = Lines::default();
    let mut tick = tokio::time::interval(REDRAW);
    tokio::pin!(work);
    let done = loop {
        tokio::select! {
            done = &mut work => break done,
            _ = tick.tick() => match &mut bars {
                Some(bars) => bars.draw(&progress.jobs()),
                None => lines.draw(terminal, &progress.jobs()),
            },
        }
    };
    match bars {
        Some(bars) => bars.clear(),
        None => lines.draw(terminal, &progress.jobs()),
    }
    done
}

/// One bar a job that runs.
struct Bars<'a> {
    screen: &'a MultiProgress,
    running: HashMap<usize, ProgressBar>,
}

impl<'a> Bars<'a> {
    fn new(screen: &'a MultiProgress) -> Self {
        Self {
            screen,
            running: HashMap::new(),
        }
    }

    fn draw(&mut self, jobs: &[JobProgress]) {
        for (place, job) in jobs.iter().enumerate() {
            if job.outcome.is_some() {
                if let Some(bar) = self.running.remove(&place) {
                    bar.finish_and_clear();
                }
                continue;
            }
            let screen = self.screen;
            let bar = self
                .running
                .entry(place)
                .or_insert_with(|| screen.add(bar(job)));
            bar.set_position(job.objects);
        }
    }

    fn clear(self) {
        for bar in self.running.into_values() {
            bar.finish_and_clear();
        }
    }
}

fn bar(job: &JobProgress) -> ProgressBar {
    let (bar, template) = match job.expected {
        Some(expected) => (
            ProgressBar::new(expected),
            "{msg:32} {bar:30} {pos}/{len} {elapsed}",
        ),
        None => (
            ProgressBar::no_length(),
            "{msg:32} {spinner} {pos} {elapsed}",
        ),
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_message(format!("{} {}", job.account, job.resource));
    bar
}

/// A line when a job ends, and one about those that run every few seconds.
struct Lines {
    ended: Vec<bool>,
    last: tokio::time::Instant,
}

impl Default for Lines {
    fn default() -> Self {
        Self {
            ended: Vec::new(),
            last: tokio::time::Instant::now(),
        }
    }
}

impl Lines {
    fn draw(&mut self, terminal: &Terminal, jobs: &[JobProgress]) {
        self.ended.resize(jobs.len(), false);
        for (job, ended) in jobs.iter().zip(&mut self.ended) {
            if let Some(outcome) = job.outcome.as_ref().filter(|_| !*ended) {
                *ended = true;
                terminal.tell(&format!("{}: {}", objects(job), outcome.text()));
            }
        }
        if self.last.elapsed() >= LINE_EVERY {
            self.last = tokio::time::Instant::now();
            for job in jobs.iter().filter(|job| job.outcome.is_none()) {
                terminal.tell(&objects(job));
            }
        }
    }
}

fn objects(job: &JobProgress) -> String {
    let expected = job
        .expected
        .filter(|_| job.outcome != Some(Outcome::Complete));
    let of = expected.map(|expected| format!(" of about {expected}"));
    format!(
        "{} {}: {}{} read",
        job.account,
        job.resource,
        job.objects,
        of.unwrap_or_default()
    )
}
