//! Messages about the configuration: file, line, key, and what to write instead.

use std::path::{Path, PathBuf};

use super::keys;
use crate::store::OpenError;

/// What is wrong with the configuration, and what to write instead.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// No file.
    #[error(
        "no configuration file; looked for {tried}; copy config.example.toml there, or name one with --config"
    )]
    Missing {
        /// Where it was looked for.
        tried: String,
    },
    /// The file cannot be read.
    #[error("{}: {source}; give the file to this user, or name another one with --config", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The database that the configuration names, or the default one.
    #[error("{}{error}", place_of_database(.file, *.line))]
    Database {
        /// The file.
        file: PathBuf,
        /// The line of `database.path`; `None` where it is not the key's fault.
        line: Option<usize>,
        /// What is wrong, and what to do.
        error: Box<OpenError>,
    },
    /// A key.
    #[error("{}:{line}: {}{problem}", .file.display(), in_front(.key))]
    Key {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The key; empty when the line is no TOML at all.
        key: String,
        /// What is wrong, and what to write instead.
        problem: String,
    },
}

impl ConfigError {
    /// Whether something else should have been written or set up, as opposed to trouble of the machine.
    pub fn is_of_the_user(&self) -> bool {
        match self {
            Self::Database { error, .. } => error.is_of_the_user(),
            _ => true,
        }
    }
}

fn place_of_database(file: &Path, line: Option<usize>) -> String {
    line.map(|line| format!("{}:{line}: `database.path`: ", file.display()))
        .unwrap_or_default()
}

fn in_front(key: &str) -> String {
    if key.is_empty() {
        String::new()
    } else {
        format!("`{key}`: ")
    }
}

pub(super) fn line_of(text: &str, at: usize) -> usize {
    let before = &text.as_bytes()[..at.min(text.len())];
    1 + before.iter().filter(|&&byte| byte == b'\n').count()
}

/// From the TOML library's error to a message that names the key and says what to write.
pub(super) fn explain(file: &Path, text: &str, error: &toml::de::Error) -> ConfigError {
    let at = error.span().map_or(0, |span| span.start);
    let line = line_of(text, at);
    let (table, name) = place(text, line);
    let quoted = |before: &str| {
        let (_, rest) = error.message().split_once(before)?;
        Some(rest.split_once('`')?.0.to_owned())
    };
    let join = |name: &str| match (table.as_str(), name) {
        ("", name) => name.to_owned(),
        (table, "") => table.to_owned(),
        (table, name) => format!("{table}.{name}"),
    };
    let (key, problem) = if let Some(unknown) = quoted("unknown field `") {
        // An unknown table is named in its own header.
        let table = if name.is_empty() {
            table.rsplit_once('.').map_or("", |(parent, _)| parent)
        } else {
            table.as_str()
        };
        let known = keys::siblings(table);
        let hint = match keys::nearest(&unknown, &known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are: {}", known.join(", ")),
        };
        let key = if table.is_empty() {
            unknown
        } else {
            format!("{table}.{unknown}")
        };
        (key, format!("there is no such key; {hint}"))
    } else if let Some(missing) = quoted("missing field `") {
        let key = join(&missing);
        let hint = keys::hint(&key).unwrap_or("a value");
        (key, format!("is missing; write {hint}"))
    } else {
        let key = join(&name);
        let message = error.message().replace('\n', " ");
        let problem = match keys::hint(&key) {
            Some(hint) => format!("{message}; write {hint}"),
            None => format!("{message}; see config.example.toml"),
        };
        (key, problem)
    };
    ConfigError::Key {
        file: file.to_owned(),
        line,
        key,
        problem,
    }
}

/// The table and the key that a line of the file belongs to.
fn place(text: &str, line: usize) -> (String, String) {
    let mut table = String::new();
    let mut name = String::new();
    for line in text.lines().take(line) {
        let line = line.trim_start();
        if line.starts_with('[') {
            let end = line.find(']').unwrap_or(line.len());
            line[..end].trim_matches(['[', ' ']).clone_into(&mut table);
            name.clear();
        } else if let Some((key, _)) = line.split_once('=')
            && !line.starts_with('#')
        {
            key.trim().trim_matches('"').clone_into(&mut name);
        }
    }
    (table, name)
}
