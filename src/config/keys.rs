//! Every key of the configuration file, and what to write there. Messages, tests and the example file follow it.

/// A key's path without list positions, and what to write.
pub const KEYS: &[(&str, &str)] = &[
    (
        "graph.base_url",
        "the address of the Graph API, `\"https://graph.facebook.com\"`",
    ),
    (
        "graph.version",
        "a version of the Graph API, for example `\"v25.0\"`",
    ),
    (
        "graph.timeout",
        "how long one request may take, for example `\"60s\"`",
    ),
    (
        "credential.name",
        "a short name that is used once, for example `\"main\"`",
    ),
    (
        "credential.token_file",
        "the path of a file that holds the token alone",
    ),
    (
        "credential.token_env",
        "the name of an environment variable that holds the token",
    ),
    (
        "credential.app_secret_file",
        "the path of a file that holds the app secret alone",
    ),
    (
        "credential.app_secret_env",
        "the name of an environment variable that holds the app secret",
    ),
    (
        "database.path",
        "the path of the database, for example `\"igsync.db\"`",
    ),
    (
        "budget.ceiling_percent",
        "a whole number from 1 to 100, for example `80`",
    ),
    (
        "budget.buc.window",
        "the length of Meta's window, for example `\"24h\"`",
    ),
    (
        "budget.platform.window",
        "the length of Meta's window, for example `\"1h\"`",
    ),
    (
        "accounts.include",
        "a list of account ids or usernames, for example `[\"metricsaurus\"]`",
    ),
    (
        "accounts.exclude",
        "a list of account ids or usernames, for example `[\"metricsaurus\"]`",
    ),
    (
        "refresh",
        "ages and how often posts up to that age are read again, for example `\"2d\" = \"6h\"`",
    ),
    (
        "web.listen",
        "the address of the status page, for example `\"127.0.0.1:9470\"`",
    ),
    (
        "job.name",
        "a short name that is used once, for example `\"nightly\"`",
    ),
    (
        "job.schedule",
        "a cron line, for example `\"30 2 * * *\"` for 02:30 every night",
    ),
    (
        "job.timezone",
        "an IANA time zone, for example `\"Europe/Berlin\"`",
    ),
    (
        "job.resources",
        "a list of resources, for example `[\"account\", \"media\"]`",
    ),
    ("job.hashtags", "a list of hashtags without `#`"),
    ("job.usernames", "a list of usernames without `@`"),
    (
        "job.mentions",
        "the account (id or username), the id of the post, and for a mention in a comment the comment's id, for example `[\"metricsaurus/17900000000000001\"]`",
    ),
];

/// What to write at a key; the nearest parent's words when the key itself is not known.
pub(super) fn hint(key: &str) -> Option<&'static str> {
    let mut path = key;
    loop {
        if let Some((_, hint)) = KEYS.iter().find(|(known, _)| *known == path) {
            return Some(hint);
        }
        path = path.rsplit_once('.')?.0;
    }
}

/// The keys inside a table, for messages about one that does not exist.
pub(super) fn siblings(table: &str) -> Vec<&'static str> {
    let mut names: Vec<&str> = KEYS
        .iter()
        .filter_map(|(key, _)| match table {
            "" => Some(*key),
            table => key.strip_prefix(table)?.strip_prefix('.'),
        })
        .map(|rest| rest.split_once('.').map_or(rest, |(name, _)| name))
        .collect();
    names.dedup();
    names
}

/// The known key that is most like an unknown one, if any is like it at all.
pub(super) fn nearest<'a>(unknown: &str, known: &[&'a str]) -> Option<&'a str> {
    let likeness = |name: &str| {
        let common = unknown
            .chars()
            .zip(name.chars())
            .take_while(|(a, b)| a == b);
        let shared = unknown.chars().filter(|&c| name.contains(c)).count();
        2 * common.count() + shared
    };
    let length = unknown.chars().count();
    known
        .iter()
        .copied()
        .filter(|name| name.len().abs_diff(length) <= 3)
        .max_by_key(|name| likeness(name))
        .filter(|name| likeness(name) > length + 1)
}
