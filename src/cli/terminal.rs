//! stdout, stderr and the log.

use std::io::{self, IsTerminal, Write};
use std::os::unix::fs::MetadataExt;

use indicatif::MultiProgress;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::Environment;

/// Where text goes. A closed pipe is nobody's error: what cannot be written is dropped.
#[derive(Debug)]
pub(super) struct Terminal {
    quiet: bool,
    bars: MultiProgress,
}

impl Terminal {
    pub(super) fn new(quiet: bool) -> Self {
        Self {
            quiet,
            bars: MultiProgress::new(),
        }
    }

    /// A result, to stdout.
    pub(super) fn print(&self, text: &str) {
        self.bars.suspend(|| {
            let _ = writeln!(io::stdout(), "{text}");
        });
    }

    /// Talk, to stderr.
    pub(super) fn say(&self, text: &str) {
        let _ = writeln!(LogWriter(self.bars.clone()), "{text}");
    }

    /// Progress in plain lines, to stderr; not when quiet.
    pub(super) fn tell(&self, text: &str) {
        if !self.quiet {
            self.say(text);
        }
    }

    /// Bars, if there is somebody to look at them.
    pub(super) fn bars(&self) -> Option<&MultiProgress> {
        (!self.quiet && io::stderr().is_terminal()).then_some(&self.bars)
    }

    /// Starts the log: to the journal with its fields where stderr is the journal's, else to stderr. Only igsync's own targets are let through: libraries may print headers at their
    /// lowest levels, and headers hold tokens.
    pub(super) fn log(&self, verbose: u8, environment: &Environment) {
        let level = match verbose {
            _ if self.quiet => LevelFilter::ERROR,
            0 => LevelFilter::WARN,
            1 => LevelFilter::INFO,
            2 => LevelFilter::DEBUG,
            _ => LevelFilter::TRACE,
        };
        let lines = tracing_subscriber::fmt::layer()
            .with_ansi(io::stderr().is_terminal())
            .with_target(false)
            .with_writer(LogWriter(self.bars.clone()));
        let journal = is_journal(environment).then(tracing_journald::layer);
        // Without prefix: `journalctl ACCOUNT=bluebottle`.
        let journal = journal
            .and_then(Result::ok)
            .map(|layer| layer.with_field_prefix(None));
        let lines = journal.is_none().then_some(lines);
        // An error means that a log is set up already, as in a test.
        let _ = tracing_subscriber::registry()
            .with(Targets::new().with_target("igsync", level))
            .with(lines)
            .with(journal)
            .try_init();
    }
}

/// Whether stderr is the journal's: the service manager tells its device and inode (systemd.exec(5)), and a child's stderr may be another one.
fn is_journal(environment: &Environment) -> bool {
    let Some(told) = environment.get("JOURNAL_STREAM") else {
        return false;
    };
    let own = std::fs::metadata("/proc/self/fd/2");
    own.is_ok_and(|own| told == format!("{}:{}", own.dev(), own.ino()))
}

/// stderr between the bars.
#[derive(Clone, Debug)]
struct LogWriter(MultiProgress);

impl Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.suspend(|| io::stderr().write_all(bytes))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

impl MakeWriter<'_> for LogWriter {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
