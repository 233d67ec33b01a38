//! The environment of the process, and where the configuration file is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::ConfigError;

/// The environment, read once in `main` and handed down. Prints nothing of it: tokens may be there.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// From names and values.
    pub fn new(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(variables.into_iter().collect())
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Environment").finish_non_exhaustive()
    }
}

/// Where a configuration is looked for when no option names one.
pub fn find(option: Option<&Path>, environment: &Environment) -> Result<PathBuf, ConfigError> {
    if let Some(file) = option {
        return Ok(file.to_owned());
    }
    if let Some(file) = environment.get("IGSYNC_CONFIG") {
        return Ok(PathBuf::from(file));
    }
    let places = ["igsync.toml", "/etc/igsync/igsync.toml"];
    places
        .iter()
        .map(PathBuf::from)
        .find(|place| place.exists())
        .ok_or_else(|| ConfigError::Missing {
            tried: format!("$IGSYNC_CONFIG, ./{}, {}", places[0], places[1]),
        })
}
