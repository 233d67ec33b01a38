//! Progress on stderr: bars on a terminal, a line now and then without one.

use std::collections::HashMap;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::terminal::Terminal;
use crate::store::Outcome;
use crate::sync::{JobProgress, Waiting, World};

const REDRAW: Duration = Duration::from_millis(100);
const LINE_EVERY: Duration = Duration::from_secs(10);
const WAIT_LINE_EVERY: Duration = Duration::from_secs(15 * 60);

/// Shows the progress of `work` until it is done.
pub(super) async fn while_running<T>(
    terminal: &Terminal,
    world: &World,
    work: impl Future<Output = T>,
) -> T {
    let mut bars = terminal.bars().map(Bars::new);
    let mut lines = Lines::default();
    let mut tick = tokio::time::interval(REDRAW);
    tokio::pin!(work);
    let progress = &world.progress;
    let done = loop {
        tokio::select! {
            done = &mut work => break done,
            _ = tick.tick() => {
                let waiting = progress.waiting();
                let waiting = waiting.as_ref().map(|waiting| (waiting, left(world, waiting)));
                match &mut bars {
                    Some(bars) => bars.draw(&progress.jobs(), waiting),
                    None => lines.draw(terminal, &progress.jobs(), waiting),
                }
            }
        }
    };
    match bars {
        Some(bars) => bars.clear(),
        None => lines.draw(terminal, &progress.jobs(), None),
    }
    done
}

/// How long a wait still lasts.
fn left(world: &World, waiting: &Waiting) -> Duration {
    let left = (waiting.until - world.clock.now()).to_std();
    // Whole seconds: a clock that counts down needs no more.
    Duration::from_secs(left.unwrap_or_default().as_secs())
}

/// What is waited for, in one line.
fn waits(waiting: &Waiting, left: Duration) -> String {
    let others = match waiting.others {
        0 => String::new(),
        1 => " (and 1 more waits)".to_owned(),
        more => format!(" (and {more} more wait)"),
    };
    format!(
        "waiting {}: {}{others}",
        humantime::format_duration(left),
        waiting.why
    )
}

/// One bar a job that runs.
struct Bars<'a> {
    screen: &'a MultiProgress,
    running: HashMap<usize, ProgressBar>,
    waiting: Option<ProgressBar>,
}

impl<'a> Bars<'a> {
    fn new(screen: &'a MultiProgress) -> Self {
        Self {
            screen,
            running: HashMap::new(),
            waiting: None,
        }
    }

    fn draw(&mut self, jobs: &[JobProgress], waiting: Option<(&Waiting, Duration)>) {
        match waiting {
            Some((waiting, left)) => {
                let screen = self.screen;
                let bar = self.waiting.get_or_insert_with(|| screen.add(line()));
                bar.set_message(waits(waiting, left));
            }
            None => {
                if let Some(bar) = self.waiting.take() {
                    bar.finish_and_clear();
                }
            }
        }
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
        for bar in self.running.into_values().chain(self.waiting) {
            bar.finish_and_clear();
        }
    }
}

/// A bar of words alone.
fn line() -> ProgressBar {
    let bar = ProgressBar::no_length();
    if let Ok(style) = ProgressStyle::with_template("{wide_msg}") {
        bar.set_style(style);
    }
    bar
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
    /// What was said to be waited for, and when.
    waiting: Option<(Waiting, tokio::time::Instant)>,
}

impl Default for Lines {
    fn default() -> Self {
        Self {
            ended: Vec::new(),
            last: tokio::time::Instant::now(),
            waiting: None,
        }
    }
}

impl Lines {
    fn draw(
        &mut self,
        terminal: &Terminal,
        jobs: &[JobProgress],
        waiting: Option<(&Waiting, Duration)>,
    ) {
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
        let said = self.waiting.take();
        if let Some((waiting, left)) = waiting {
            let fresh = said.filter(|(what, at)| what == waiting && at.elapsed() < WAIT_LINE_EVERY);
            self.waiting = Some(fresh.unwrap_or_else(|| {
                terminal.tell(&waits(waiting, left));
                (waiting.clone(), tokio::time::Instant::now())
            }));
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
