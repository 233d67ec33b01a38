//! `igsync simulator`: the simulated Graph API on a local port, until a signal. Prints how to reach it.

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
        let simulator = Simulator::new(World::new(spec), clock);
        let served = simulator.serve_tcp(listener).await?;
        session.terminal.print(&format!(
            "The simulated Graph API answers at http://{address}. To reach it:\n\n  \
             [graph]\n  base_url = \"http://{address}\"\n\n  \
             [[credential]]\n  name = \"simulator\"\n  token_file = \"token\"   # holds: {token}\n"
        ));
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
