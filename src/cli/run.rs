//! `igsync run`: the daemon. Prints nothing to stdout; what happens is in the log, in `sync_jobs` and at the service manager.

use std::cell::RefCell;
use std::convert::Infallible;
use std::path::PathBuf;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::sync::Notify;

use super::signals::{Ask, Asked};
use super::{FAILED, OK, Session, open_store, runtime, status, sync, world};
use crate::clock::Clock;
use crate::config::Config;
use crate::daemon::{self, End, Orders, Supervisor};
use crate::stop::stop_pair;
use crate::web;

/// How one life of the daemon ended.
enum Life {
    Ended(End),
    /// At once, by a second signal.
    CutOff,
}

pub(super) fn run(session: &Session<'_>) -> anyhow::Result<u8> {
    let config = session.config()?;
    // A wrong name is said before the first line of the log.
    sync::chosen(&config, &[])?;
    let socket = session.environment.get("NOTIFY_SOCKET").map(PathBuf::from);
    let mut supervisor = Supervisor::at(socket, sd_notify::watchdog_enabled());
    runtime()?.block_on(async {
        let mut asked = Asked::new()?;
        let (mut config, mut earlier, mut complaint) = (config, None, None);
        loop {
            let fresh = RefCell::new(None);
            let life = live(
                session,
                &config,
                &fresh,
                &mut asked,
                &mut supervisor,
                complaint.take(),
            )
            .await;
            match life {
                Ok(Life::Ended(End::Stopped)) => return Ok(OK),
                Ok(Life::CutOff) => return Ok(FAILED),
                Ok(Life::Ended(End::Reload)) => {
                    if let Some(new) = fresh.take() {
                        earlier = Some(std::mem::replace(&mut config, new));
                    }
                }
                // Only a life that never began can be the new configuration's fault.
                Err(error) if !error.is::<crate::store::StoreError>() => {
                    let Some(known) = earlier.take() else {
                        return Err(error);
                    };
                    let problem = format!(
                        "the configuration is not taken over, the old one stays: {error:#}"
                    );
                    tracing::error!("{problem}");
                    complaint = Some(problem);
                    config = known;
                }
                Err(error) => return Err(error),
            }
            if asked.to_end() {
                return Ok(OK);
            }
        }
    })
}

/// One life: from opening the database to the end, or to another configuration, which is left in `fresh`.
async fn live(
    session: &Session<'_>,
    config: &Config,
    fresh: &RefCell<Option<Config>>,
    asked: &mut Asked,
    supervisor: &mut Supervisor,
    complaint: Option<String>,
) -> anyhow::Result<Life> {
    let store = open_store(config, "run")?;
    let (handle, stop) = stop_pair();
    let world = world(config, store, Clock::system(), stop).await?;
    let hangup = Notify::new();
    let load = || {
        let config = session.read_config().map_err(|error| error.to_string())?;
        sync::chosen(&config, &[]).map_err(|error| error.to_string())?;
        let credentials = config.credentials.clone();
        fresh.replace(Some(config));
        Ok(credentials)
    };
    let orders = Orders {
        stop: &handle,
        hangup: &hangup,
        load: &load,
        complaint,
    };
    let jobs = config.jobs.iter();
    let jobs = jobs.map(|job| sync::configured(config, job, &[]));
    let work = daemon::run(&world, jobs.collect(), orders, supervisor);
    let page = status_page(config).await?;
    tokio::pin!(work, page);
    loop {
        tokio::select! {
            end = &mut work => return Ok(Life::Ended(end?)),
            never = &mut page => match never {},
            ask = asked.next() => match ask {
                Ask::End => handle.stop(),
                Ask::EndAtOnce => return Ok(Life::CutOff),
                Ask::ReadAgain => hangup.notify_one(),
            }
        }
    }
}

/// Answers whoever wants to know how igsync is, for as long as it is polled; not at all where nobody asked for it.
async fn status_page(config: &Config) -> anyhow::Result<impl Future<Output = Infallible>> {
    let listener = match config.web_listen {
        None => None,
        Some(address) => {
            let listener = TcpListener::bind(address).await.with_context(|| {
                let file = config.file.display();
                format!("{file}: cannot listen at web.listen {address}: choose another port, or end what holds it")
            })?;
            tracing::info!(%address, "the status page is served");
            Some(listener)
        }
    };
    let watched = status::watched(config);
    Ok(async move {
        match listener {
            Some(listener) => web::serve(listener, watched, Clock::system()).await,
            None => std::future::pending().await,
        }
    })
}
