//! Secrets: read from files and the environment, checked, never shown.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::Spanned;

use super::raw::{self, Text};
use super::{Check, ConfigError, Environment};
use crate::graph;

/// A secret and the key that names it, for messages.
struct Secret {
    value: String,
    /// Where the key's value stands in the file.
    at: usize,
    key: &'static str,
    /// Whether it lies in the service manager's credentials directory.
    is_handed_over: bool,
}

impl Check<'_> {
    /// The credentials, with the secrets that they name.
    pub(super) fn credentials(
        &mut self,
        raw: Vec<Spanned<raw::Credential>>,
        environment: &Environment,
    ) -> Result<Vec<Arc<graph::Credential>>, ConfigError> {
        if raw.is_empty() {
            return Err(self.error(
                self.text.len(),
                "credential",
                "there is none; add a [[credential]] with name and token_file".to_owned(),
            ));
        }
        let mut names = BTreeSet::new();
        let mut credentials = Vec::new();
        for credential in raw {
            let at = credential.span().start;
            let credential = credential.into_inner();
            let name = credential.name.get_ref();
            if name.trim().is_empty() || !names.insert(name.clone()) {
                return Err(self.wrong(
                    &credential.name,
                    "credential.name",
                    "is empty or used twice",
                ));
            }
            let token = self.secret(
                credential.token_file.as_ref(),
                credential.token_env.as_ref(),
                ["credential.token_file", "credential.token_env"],
                environment,
            )?;
            let Some(token) = token else {
                let problem =
                    format!("credential `{name}` has no token; write token_file or token_env");
                return Err(self.error(at, "credential.token_file", problem));
            };
            let app_secret = self.secret(
                credential.app_secret_file.as_ref(),
                credential.app_secret_env.as_ref(),
                ["credential.app_secret_file", "credential.app_secret_env"],
                environment,
            )?;
            let app_secret_value = app_secret.as_ref().map(|secret| secret.value.as_str());
            // Alone first, so that each message names its own key.
            for secret in [Some(&token), app_secret.as_ref()].into_iter().flatten() {
                graph::Credential::new(name, &secret.value, None).map_err(|problem| {
                    let problem =
                        format!("what it names {problem}; put the secret alone there, on one line");
                    self.error(secret.at, secret.key, problem)
                })?;
            }
            if let Ok(mut credential) = graph::Credential::new(name, &token.value, app_secret_value)
            {
                if token.is_handed_over {
                    credential = credential.handed_over();
                }
                credentials.push(Arc::new(credential.of_the_app_of(&credentials)));
            }
        }
        Ok(credentials)
    }

    /// The secret that a pair of keys names; `None` when neither is given.
    fn secret(
        &mut self,
        file: Option<&Text>,
        variable: Option<&Text>,
        [file_key, variable_key]: [&'static str; 2],
        environment: &Environment,
    ) -> Result<Option<Secret>, ConfigError> {
        match (file, variable) {
            (None, None) => Ok(None),
            (Some(_), Some(variable)) => {
                let problem = format!("is given beside {file_key}; keep one of them");
                Err(self.error(variable.span().start, variable_key, problem))
            }
            (None, Some(variable)) => {
                let at = variable.span().start;
                let name = variable.get_ref();
                self.refuse_pasted(name, at, variable_key)?;
                let value = environment.get(name).ok_or_else(|| {
                    let problem = format!(
                        "the environment variable {name} is not set; set it, or use {file_key}"
                    );
                    self.error(at, variable_key, problem)
                })?;
                Ok(Some(Secret {
                    value: value.to_owned(),
                    at,
                    key: variable_key,
                    is_handed_over: false,
                }))
            }
            (Some(file), None) => {
                let at = file.span().start;
                self.refuse_pasted(file.get_ref(), at, file_key)?;
                let handed_over = handed_over(file.get_ref(), environment);
                let is_handed_over = handed_over.is_some();
                let path = handed_over.unwrap_or_else(|| self.beside(file.get_ref()));
                let value = std::fs::read_to_string(&path).map_err(|error| {
                    let what = match error.kind() {
                        ErrorKind::NotFound => {
                            "is not there; put the secret alone into it, readable by this user only"
                                .to_owned()
                        }
                        ErrorKind::InvalidData => {
                            "is not text; put the secret alone into it".to_owned()
                        }
                        _ => format!("cannot be read: {error}; give it to this user"),
                    };
                    self.error(at, file_key, format!("{} {what}", path.display()))
                })?;
                self.warn_if_open(&path);
                Ok(Some(Secret {
                    value,
                    at,
                    key: file_key,
                    is_handed_over,
                }))
            }
        }
    }

    /// A secret that was written where its place belongs is not shown again.
    fn refuse_pasted(&self, text: &str, at: usize, key: &str) -> Result<(), ConfigError> {
        let token = text.len() > 20 && text.starts_with("EAA");
        let secret = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if token || secret {
            let problem = "this looks like the secret itself, which never stands in this file; put it alone into a \
                           file that only this user can read, and write that file's path";
            return Err(self.error(at, key, problem.to_owned()));
        }
        Ok(())
    }

    fn warn_if_open(&mut self, path: &Path) {
        let open = path
            .metadata()
            .is_ok_and(|metadata| metadata.permissions().mode() & 0o004 != 0);
        if open {
            self.warnings.push(format!(
                "{}: everybody on this machine can read this secret; run: chmod 600 {}",
                path.display(),
                path.display()
            ));
        }
    }
}

/// A file in the service manager's credentials directory, which comes before the configuration file's folder.
fn handed_over(name: &str, environment: &Environment) -> Option<PathBuf> {
    let folder = environment.get("CREDENTIALS_DIRECTORY")?;
    Some(Path::new(folder).join(name)).filter(|path| path.exists())
}

/// Whether a token may be sent there: https anywhere, http on this machine only.
pub(super) fn is_safe_url(url: &str) -> bool {
    if let Some(rest) = url.strip_prefix("https://") {
        return !rest.is_empty() && !rest.starts_with('/');
    }
    let Some(rest) = url.strip_prefix("http://") else {
        return false;
    };
    // Whatever stands before an @ is no host.
    if rest.contains('@') {
        return false;
    }
    let authority = rest
        .split_once('/')
        .map_or(rest, |(authority, _)| authority);
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split_once(']').map_or(v6, |(host, _)| host),
        None => authority
            .split_once(':')
            .map_or(authority, |(host, _)| host),
    };
    ["127.0.0.1", "localhost", "::1"].contains(&host)
}
