//! The configuration file: TOML in, checked values out.
//!
//! Owns every key ([`keys::KEYS`]), its default and its check, and the reading of secrets. No module below `cli` sees it:
//! settings travel as values. A message names file, line and key, and says what to write instead.
//!
//! Secrets never stand in the file: a key names a file or an environment variable. A relative file is looked for in the
//! service manager's credentials directory first, then beside the configuration file.

mod environment;
mod explain;
pub mod keys;
mod raw;
mod secret;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono_tz::Tz;
use toml::Spanned;

use crate::resource::{self, Names, RESOURCES, Resource};
use crate::schedule::Schedule;
use crate::store::OpenError;
use crate::{budget, graph, sync};
pub use environment::{Environment, find};
pub use explain::ConfigError;
use explain::{explain, line_of};
use raw::Text;
use secret::is_safe_url;

/// The checked configuration. The default has no credential and every key's default.
#[derive(Debug)]
pub struct Config {
    /// The file it came from.
    pub file: PathBuf,
    /// The API.
    pub graph: graph::Settings,
    /// Whose tokens, in the order of the file; none where the secrets were not read.
    pub credentials: Vec<Arc<graph::Credential>>,
    /// What they are called.
    pub credential_names: Vec<String>,
    /// Where the database is.
    pub database: PathBuf,
    /// The line of `database.path`; `None` where the default is used.
    pub database_line: Option<usize>,
    /// How much of Meta's allowance may be used.
    pub budget: budget::Settings,
    /// Ids or usernames; empty: all that the tokens reach.
    pub include: Vec<String>,
    /// Ids or usernames.
    pub exclude: Vec<String>,
    /// How often posts are read again: up to this age, that often; youngest first.
    pub refresh: Vec<(Duration, Duration)>,
    /// Where the daemon tells how it is; `None`: nowhere.
    pub web_listen: Option<SocketAddr>,
    /// What is run when.
    pub jobs: Vec<JobConfig>,
    /// What is allowed but unwise, for people.
    pub warnings: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            file: PathBuf::new(),
            graph: graph::Settings {
                base_url: "https://graph.facebook.com".to_owned(),
                version: "v25.0".to_owned(),
                timeout: Duration::from_secs(60),
            },
            credentials: Vec::new(),
            credential_names: Vec::new(),
            database: PathBuf::from("igsync.db"),
            database_line: None,
            budget: budget::Settings::default(),
            include: Vec::new(),
            exclude: Vec::new(),
            refresh: Vec::new(),
            web_listen: None,
            jobs: Vec::new(),
            warnings: Vec::new(),
        }
    }
}

impl Config {
    /// What is wrong with the database, as what is wrong with the key that names it. That somebody else holds it, or that
    /// the disk is full, is not the key's fault and stays as it is.
    pub fn database_error(&self, error: OpenError) -> ConfigError {
        ConfigError::Database {
            file: self.file.clone(),
            line: self
                .database_line
                .filter(|_| error.is_of_the_user() && !matches!(error, OpenError::Held { .. })),
            error: Box::new(error),
        }
    }
}

/// A configured job.
#[derive(Debug)]
pub struct JobConfig {
    /// Its name.
    pub name: String,
    /// When.
    pub schedule: Schedule,
    /// What.
    pub resources: Vec<&'static Resource>,
    /// For resources that need hashtags.
    pub hashtags: Vec<String>,
    /// For resources that need usernames.
    pub usernames: Vec<String>,
    /// For `mentions`: `<account>/<media id>` or `<account>/<media id>/<comment id>`.
    pub mentions: Vec<String>,
}

/// The newest version of the API that this igsync knows of.
const NEWEST: u32 = 26;

/// Older ones are not served any more: Meta answers with another version without a word ("Versions" page).
const OLDEST: u32 = 21;

/// A version far ahead is a typing mistake.
const NEWEST_IMAGINABLE: u32 = NEWEST + 12;

/// Any longer length of time is a mistake, and would overflow a clock.
const LONGEST_TIME: Duration = Duration::from_secs(100 * 366 * 24 * 3600);

/// Reads and checks the file, secrets included.
///
/// # Errors
/// [`ConfigError`], the first thing that is wrong.
pub fn load(file: &Path, environment: &Environment) -> Result<Config, ConfigError> {
    read(file, Some(environment))
}

/// Reads and checks the file without the secrets that it names, for commands that ask Meta nothing: their files may be gone.
/// There are no credentials in it.
///
/// # Errors
/// [`ConfigError`], the first thing that is wrong.
pub fn load_without_secrets(file: &Path) -> Result<Config, ConfigError> {
    read(file, None)
}

fn read(file: &Path, environment: Option<&Environment>) -> Result<Config, ConfigError> {
    let text = std::fs::read_to_string(file).map_err(|source| ConfigError::Unreadable {
        file: file.to_owned(),
        source,
    })?;
    check(file, &text, environment)
}

fn check(
    file: &Path,
    text: &str,
    environment: Option<&Environment>,
) -> Result<Config, ConfigError> {
    let raw: raw::File = toml::from_str(text).map_err(|error| explain(file, text, &error))?;
    Check {
        file,
        text,
        environment,
        warnings: Vec::new(),
    }
    .all(raw)
}

struct Check<'a> {
    file: &'a Path,
    text: &'a str,
    /// Where secrets are looked for; `None`: nowhere.
    environment: Option<&'a Environment>,
    warnings: Vec<String>,
}

impl Check<'_> {
    fn all(mut self, raw: raw::File) -> Result<Config, ConfigError> {
        let credential_names = raw.credential_names();
        let graph = self.graph(raw.graph)?;
        let credentials = match self.environment {
            Some(environment) => self.credentials(raw.credential, environment)?,
            None => Vec::new(),
        };
        let defaults = Config::default();
        let database_line = raw
            .database
            .path
            .as_ref()
            .map(|path| line_of(self.text, path.span().start));
        let database = match raw.database.path {
            Some(path) => PathBuf::from(path.into_inner()),
            None => defaults.database,
        };
        let mut budget = defaults.budget;
        if let Some(percent) = raw.budget.ceiling_percent {
            budget.ceiling_percent = u8::try_from(*percent.get_ref())
                .ok()
                .filter(|percent| (1..=100).contains(percent))
                .ok_or_else(|| self.wrong(&percent, "budget.ceiling_percent", "is out of range"))?;
        }
        if let Some(window) = raw.budget.buc.window {
            budget.buc_window = self.duration(&window, "budget.buc.window")?;
        }
        if let Some(window) = raw.budget.platform.window {
            budget.platform_window = self.duration(&window, "budget.platform.window")?;
        }
        let mut refresh = Vec::new();
        for (age, often) in &raw.refresh {
            refresh.push((
                self.duration(age, "refresh")?,
                self.duration(often, "refresh")?,
            ));
        }
        refresh.sort_unstable();
        let web_listen = self.web_listen(raw.web.listen)?;
        let jobs = self.jobs(raw.job)?;
        Ok(Config {
            file: self.file.to_owned(),
            graph,
            credentials,
            credential_names,
            database: self.beside(&database),
            database_line,
            budget,
            include: raw.accounts.include,
            exclude: raw.accounts.exclude,
            refresh,
            web_listen,
            jobs,
            warnings: self.warnings,
        })
    }

    /// An address that others can reach is allowed, where it is written out.
    fn web_listen(&mut self, listen: Option<Text>) -> Result<Option<SocketAddr>, ConfigError> {
        let Some(listen) = listen else {
            return Ok(None);
        };
        let Ok(address) = listen.get_ref().parse::<SocketAddr>() else {
            return Err(self.wrong(&listen, "web.listen", "is no address with a port"));
        };
        if !address.ip().to_canonical().is_loopback() {
            self.warnings.push(format!(
                "web.listen is {address}: whoever reaches it sees account names and messages, and nothing encrypts them; put a proxy that asks who somebody is in front, or use 127.0.0.1"
            ));
        }
        Ok(Some(address))
    }

    fn graph(&mut self, raw: raw::Graph) -> Result<graph::Settings, ConfigError> {
        let mut settings = Config::default().graph;
        if let Some(url) = raw.base_url {
            let problem = "is not an https address (http is for simulators on 127.0.0.1 and localhost: a token never travels in the clear)";
            if !is_safe_url(url.get_ref()) {
                return Err(self.wrong(&url, "graph.base_url", problem));
            }
            settings.base_url = url.get_ref().trim_end_matches('/').to_owned();
        }
        if let Some(version) = raw.version {
            let number = version
                .get_ref()
                .strip_prefix('v')
                .and_then(|rest| rest.strip_suffix(".0"))
                .and_then(|number| number.parse::<u32>().ok());
            match number {
                None => return Err(self.wrong(&version, "graph.version", "is no version")),
                Some(number) if number < OLDEST => {
                    return Err(self.wrong(
                        &version,
                        "graph.version",
                        "has expired: Meta would serve another one",
                    ));
                }
                Some(number) if number > NEWEST_IMAGINABLE => {
                    return Err(self.wrong(&version, "graph.version", "does not exist"));
                }
                Some(number) if number > NEWEST => self.warnings.push(format!(
                    "graph.version is {}; this igsync was written for versions up to v{NEWEST}.0",
                    version.get_ref()
                )),
                Some(_) => {}
            }
            settings.version = version.into_inner();
        }
        if let Some(timeout) = raw.timeout {
            settings.timeout = self.duration(&timeout, "graph.timeout")?;
        }
        Ok(settings)
    }

    fn jobs(&self, raw: Vec<Spanned<raw::Job>>) -> Result<Vec<JobConfig>, ConfigError> {
        let mut names = BTreeSet::new();
        let mut jobs = Vec::new();
        for job in raw.into_iter().map(Spanned::into_inner) {
            let name = job.name.get_ref();
            if name.trim().is_empty() || !names.insert(name.clone()) {
                return Err(self.wrong(&job.name, "job.name", "is empty or used twice"));
            }
            let taken = [sync::BACKFILL, sync::CHECK, sync::DISCOVERY];
            if taken.contains(&name.as_str()) {
                return Err(self.wrong(&job.name, "job.name", "is a name that igsync uses itself"));
            }
            let zone = match &job.timezone {
                None => Tz::UTC,
                Some(zone) => zone
                    .get_ref()
                    .parse()
                    .map_err(|_| self.wrong(zone, "job.timezone", "is no time zone"))?,
            };
            let schedule = Schedule::parse(job.schedule.get_ref(), zone)
                .map_err(|error| self.wrong(&job.schedule, "job.schedule", &error.to_string()))?;
            if job.resources.get_ref().is_empty() {
                return Err(self.wrong(&job.resources, "job.resources", "is empty"));
            }
            let mut resources = Vec::new();
            for name in job.resources.get_ref() {
                let known: Vec<&str> = RESOURCES.iter().map(|resource| resource.name).collect();
                resources.push(resource::find(name.get_ref()).ok_or_else(|| {
                    let problem = format!(
                        "`{}` is no resource; there are: {}",
                        name.get_ref(),
                        known.join(", ")
                    );
                    self.error(name.span().start, "job.resources", problem)
                })?);
            }
            let wrong = |entry: &&Text| resource::mention(entry.get_ref()).is_none();
            if let Some(entry) = job.mentions.iter().find(wrong) {
                return Err(self.wrong(entry, "job.mentions", "names no mention"));
            }
            for resource in &resources {
                let Some(names) = resource.names() else {
                    continue;
                };
                let given = match names {
                    Names::Hashtags => &job.hashtags,
                    Names::Usernames => &job.usernames,
                };
                if given.is_empty() {
                    let (name, key) = (resource.name, names.key());
                    let problem = format!("`{name}` needs names; give the job {key} = [\"…\"]");
                    return Err(self.error(job.resources.span().start, "job.resources", problem));
                }
            }
            jobs.push(JobConfig {
                name: name.clone(),
                schedule,
                resources,
                hashtags: job.hashtags,
                usernames: job.usernames,
                mentions: job.mentions.into_iter().map(Spanned::into_inner).collect(),
            });
        }
        Ok(jobs)
    }

    fn duration(&self, text: &Text, key: &str) -> Result<Duration, ConfigError> {
        humantime::parse_duration(text.get_ref())
            .ok()
            .filter(|duration| !duration.is_zero() && *duration <= LONGEST_TIME)
            .ok_or_else(|| self.wrong(text, key, "is no length of time"))
    }

    /// A relative path is meant from the configuration file's folder.
    fn beside(&self, path: impl AsRef<Path>) -> PathBuf {
        match self.file.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.join(path),
            _ => path.as_ref().to_owned(),
        }
    }

    fn wrong<T: std::fmt::Debug>(
        &self,
        value: &Spanned<T>,
        key: &str,
        problem: &str,
    ) -> ConfigError {
        let hint = keys::hint(key).map(|hint| format!("; write {hint}"));
        let problem = format!(
            "{:?} {problem}{}",
            value.get_ref(),
            hint.unwrap_or_default()
        );
        self.error(value.span().start, key, problem)
    }

    fn error(&self, at: usize, key: &str, problem: String) -> ConfigError {
        ConfigError::Key {
            file: self.file.to_owned(),
            line: line_of(self.text, at),
            key: key.to_owned(),
            problem,
        }
    }
}

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod tests;
