//! `igsync simulator`: the simulated Graph API on a local port, until a signal. Prints how to reach it, and says what is
//! in its world.

use std::fmt::Write as _;

use anyhow::Context;
use igsync_simulator::{Clock, Simulator, World, WorldSpec};

use super::{OK, Session, runtime, signals};
use crate::stop::stop_pair;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Port on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 8025)]
    port: u16,
    /// The world's seed: the same seed gives the same world everywhere
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub(super) fn run(session: &Session<'_>, arguments: &Arguments) -> anyhow::Result<u8> {
    let mut spec = WorldSpec::demo(arguments.seed);
    let token = spec
        .tokens
        .first()
        .map(|token| token.token.clone())
        .unwrap_or_default();
    runtime()?.block_on(async {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", arguments.port))
            .await
            .with_context(|| format!("cannot listen on port {}; try --port 0", arguments.port))?;
        let address = listener.local_addr()?;
        // Clients that follow addresses of next pages stay here.
        spec.rules.base_url = format!("http://{address}");
        // The world began a while ago and has lived on until now.
        let clock = Clock::starting_at(spec.epoch);
        let lived = crate::clock::Clock::system().now() - spec.epoch;
        clock.skip(lived.to_std().unwrap_or_default());
        let introduction = introduction(&spec, &address.to_string());
        let simulator = Simulator::new(World::new(spec), clock);
        let served = simulator.serve_tcp(listener).await?;
        session.terminal.print(&format!(
            "The simulated Graph API answers at http://{address}. To reach it:\n\n  \
             [graph]\n  base_url = \"http://{address}\"\n\n  \
             [[credential]]\n  name = \"simulator\"\n  token_file = \"token\"   # holds: {token}\n"
        ));
        session.terminal.say(&introduction);
        let (handle, stop) = stop_pair();
        let until = async {
            tokio::select! {
                _ = served => {}
                () = stop.wait() => {}
            }
        };
        signals::until_stopped(&session.terminal, &handle, until).await?;
        Ok(OK)
    })
}

/// What can be asked, and with what. Nothing of it is a secret: it is as made up as the world.
fn introduction(spec: &WorldSpec, address: &str) -> String {
    let mut text =
        "Who and what there is; tokens and secrets are made up like the rest:\n\n".to_owned();
    let mut line = |what: &str, value: &str, remark: &str| {
        let value = format!("  {what:<12}{value:<36}{remark}");
        // Writing to a string does not fail.
        let _ = writeln!(text, "{}", value.trim_end());
    };
    line("address", &format!("http://{address}"), "");
    line("app id", &spec.app.id, "");
    line("app secret", &spec.app.secret, "the key of appsecret_proof");
    for token in &spec.tokens {
        line("token", &token.token, &token.name);
    }
    let pages = spec.pages.iter();
    for account in pages.filter_map(|page| page.account.as_ref()) {
        line("account", &account.id, &account.username);
    }
    for other in &spec.others {
        line("other", &other.username, "for Business Discovery");
    }
    for hashtag in &spec.hashtags {
        line("hashtag", &hashtag.name, "");
    }
    if let Some(token) = spec.tokens.first() {
        let token = &token.token;
        let _ = writeln!(
            text,
            "\nTry: curl -H 'Authorization: Bearer {token}' 'http://{address}/v25.0/me/accounts?fields=id,name,instagram_business_account'"
        );
    }
    text
}
