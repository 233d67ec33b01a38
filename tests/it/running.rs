//! A simulated world over loopback, and the real binary at work on it.

use std::process::{Child, Stdio};
use std::time::Duration;

use igsync_simulator::{Clock, Fault, Match, Simulator, World, WorldSpec};

use crate::binary::{Folder, Ran, SECRET, TOKEN};

/// A simulated world on a port of its own, whose token and secret are those of every [`Folder`].
pub async fn serve(mut spec: WorldSpec) -> (Simulator, Folder) {
    TOKEN.clone_into(&mut spec.tokens[0].token);
    SECRET.clone_into(&mut spec.app.secret);
    spec.app.require_proof = true;
    let clock = Clock::starting_at(spec.epoch);
    let simulator = Simulator::new(World::new(spec), clock);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    simulator.serve_tcp(listener).await.unwrap();
    (simulator, Folder::new(&base_url, ""))
}

pub fn slow(simulator: &Simulator, milliseconds: u64) {
    let delay = Duration::from_millis(milliseconds);
    simulator.inject(
        Fault::on(Match::path_ends_with("/media"))
            .always()
            .delay(delay),
    );
}

/// A process of the test's; one that is left over when the test fails is ended.
pub struct Running(Option<Child>);

impl Running {
    pub fn child(&mut self) -> &mut Child {
        self.0.as_mut().unwrap()
    }

    pub fn id(&self) -> u32 {
        self.0.as_ref().unwrap().id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            // It may have ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

pub fn spawn(folder: &Folder, arguments: &[&str]) -> Running {
    let mut command = folder.command(arguments);
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    Running(Some(child.unwrap()))
}

/// Waits until the world was asked for that many pages of posts.
pub async fn until_asked(simulator: &Simulator, pages: usize) {
    let asked = || {
        simulator
            .journal()
            .iter()
            .filter(|call| call.path.ends_with("/media"))
            .count()
    };
    let patience = tokio::time::Instant::now();
    while asked() < pages {
        assert!(
            patience.elapsed() < Duration::from_secs(30),
            "the binary asks for nothing"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub async fn ended(mut running: Running) -> Ran {
    let child = running.0.take().unwrap();
    let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap());
    Ran::from(output.await.unwrap())
}

pub fn signal(child: &Running, name: &str) {
    let status = std::process::Command::new("kill")
        .args([format!("-{name}"), child.id().to_string()])
        .status();
    assert!(status.unwrap().success());
}
