//! The file as it stands there: what serde reads, before anything is checked.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

pub(super) type Text = Spanned<String>;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct File {
    pub(super) graph: Graph,
    pub(super) credential: Vec<Spanned<Credential>>,
    pub(super) database: Database,
    pub(super) budget: Budget,
    pub(super) accounts: Accounts,
    pub(super) refresh: BTreeMap<Text, Text>,
    pub(super) web: Web,
    pub(super) job: Vec<Spanned<Job>>,
}

impl File {
    /// What the credentials are called, in their order.
    pub(super) fn credential_names(&self) -> Vec<String> {
        let credentials = self.credential.iter().map(Spanned::get_ref);
        credentials.map(|one| one.name.get_ref().clone()).collect()
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Graph {
    pub(super) base_url: Option<Text>,
    pub(super) version: Option<Text>,
    pub(super) timeout: Option<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Credential {
    pub(super) name: Text,
    pub(super) token_file: Option<Text>,
    pub(super) token_env: Option<Text>,
    pub(super) app_secret_file: Option<Text>,
    pub(super) app_secret_env: Option<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Database {
    pub(super) path: Option<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Budget {
    pub(super) ceiling_percent: Option<Spanned<i64>>,
    pub(super) buc: Window,
    pub(super) platform: Window,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Window {
    pub(super) window: Option<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Web {
    pub(super) listen: Option<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Accounts {
    pub(super) include: Vec<String>,
    pub(super) exclude: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Job {
    pub(super) name: Text,
    pub(super) schedule: Text,
    pub(super) timezone: Option<Text>,
    pub(super) resources: Spanned<Vec<Text>>,
    #[serde(default)]
    pub(super) hashtags: Vec<String>,
    #[serde(default)]
    pub(super) usernames: Vec<String>,
    #[serde(default)]
    pub(super) mentions: Vec<Text>,
}
