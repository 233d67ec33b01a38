//! `igsync forget`: removes an account and everything read from it. Prints how many rows of which tables went.
//!
//! Asks Meta nothing and needs no token: the account need not be reachable any more.

use std::io::{BufRead, IsTerminal, stdin};

use serde_json::json;

use super::{FAILED, OK, Session, UsageError, open_store, runtime, summary};
use crate::config::{self, Config};
use crate::store::{AccountRows, KnownAccount, Store};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The account: id or username
    #[arg(value_name = "ACCOUNT")]
    account: String,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

pub(super) fn run(session: &Session<'_>, arguments: &Arguments) -> anyhow::Result<u8> {
    let file = config::find(session.config.as_deref(), session.environment)?;
    let config = config::load_without_secrets(&file)?;
    if !config.database.exists() {
        let missing = format!(
            "there is no database {}; set database.path",
            config.database.display()
        );
        return Err(UsageError(missing).into());
    }
    let store = open_store(&config, "forget")?;
    runtime()?.block_on(forget(session, arguments, &config, &store))
}

async fn forget(
    session: &Session<'_>,
    arguments: &Arguments,
    config: &Config,
    store: &Store,
) -> anyhow::Result<u8> {
    let finished = store.finish_forgetting().await?;
    let known = store.known_accounts().await?;
    let account = match find(&known, &arguments.account) {
        Ok(account) => account,
        Err(_) if finished => {
            session
                .terminal
                .print("an interrupted forget is finished: the file was written anew");
            return Ok(OK);
        }
        Err(error) => return Err(error.into()),
    };
    let rows = store.rows_of(account.id.clone()).await?;
    if !arguments.yes && !is_confirmed(session, account, &rows)? {
        session.terminal.say("nothing was removed");
        return Ok(FAILED);
    }
    store.forget(account.id.clone()).await?;
    let copies = store.kept_copies().await?;
    let copies: Vec<String> = copies
        .iter()
        .map(|copy| copy.display().to_string())
        .collect();
    if session.json {
        let tables: serde_json::Map<_, _> = rows
            .into_iter()
            .map(|(table, count)| (table, count.into()))
            .collect();
        let account = json!({"id": account.id, "username": account.username});
        let result = json!({"account": account, "rows": tables, "older_copies": copies});
        session.terminal.print(&format!("{result:#}"));
        return Ok(OK);
    }
    let header = vec!["table".to_owned(), "rows removed".to_owned()];
    let counts = rows
        .iter()
        .map(|(table, count)| vec![table.clone(), count.to_string()]);
    let table: Vec<_> = std::iter::once(header).chain(counts).collect();
    session.terminal.print(&summary::table(&table));
    session.terminal.print(&format!(
        "\n{} is forgotten, and {} was written anew without it.",
        label(account),
        config.database.display()
    ));
    for copy in copies {
        session.terminal.print(&format!(
            "{copy} is the copy from before an upgrade and may still hold it: remove it when you do not need it."
        ));
    }
    if !is_excluded(config, account) {
        session.terminal.print(
            "If a token still reaches it, the next run reads it again: add it to accounts.exclude in the configuration.",
        );
    }
    Ok(OK)
}

/// The account that is meant: an id, or a username as people write it.
fn find<'a>(known: &'a [KnownAccount], wanted: &str) -> Result<&'a KnownAccount, UsageError> {
    if let Some(account) = known.iter().find(|account| account.id == wanted) {
        return Ok(account);
    }
    let handle = wanted.strip_prefix('@').unwrap_or(wanted);
    let is_meant = |account: &&KnownAccount| {
        let username = account.username.as_deref();
        username.is_some_and(|username| username.eq_ignore_ascii_case(handle))
    };
    let meant: Vec<_> = known.iter().filter(is_meant).collect();
    let list = |accounts: &mut dyn Iterator<Item = &KnownAccount>| {
        accounts.map(label).collect::<Vec<_>>().join(", ")
    };
    match meant[..] {
        [account] => Ok(account),
        [] if known.is_empty() => Err(UsageError("the database holds no account".to_owned())),
        [] => Err(UsageError(format!(
            "no account `{wanted}` in the database; it holds: {}",
            list(&mut known.iter())
        ))),
        _ => Err(UsageError(format!(
            "`{wanted}` was the username of several accounts; name one by its id: {}",
            list(&mut meant.into_iter())
        ))),
    }
}

fn label(account: &KnownAccount) -> String {
    match &account.username {
        Some(username) => format!("{username} ({})", account.id),
        None => account.id.clone(),
    }
}

fn is_excluded(config: &Config, account: &KnownAccount) -> bool {
    config
        .exclude
        .iter()
        .any(|excluded| *excluded == account.id || Some(excluded) == account.username.as_ref())
}

/// Whether a person at the terminal says yes. Where nobody can be asked, `--yes` must say it.
fn is_confirmed(
    session: &Session<'_>,
    account: &KnownAccount,
    rows: &AccountRows,
) -> anyhow::Result<bool> {
    let count: u64 = rows.iter().map(|(_, count)| count).sum();
    let label = label(account);
    if !stdin().is_terminal() {
        let problem = format!(
            "this removes {label} and {count} rows for good; say --yes where nobody can be asked"
        );
        return Err(UsageError(problem).into());
    }
    session.terminal.say(&format!(
        "This removes {label} and {count} rows for good. Type yes to go on:"
    ));
    let mut answer = String::new();
    stdin().lock().read_line(&mut answer)?;
    Ok(answer.trim() == "yes")
}
