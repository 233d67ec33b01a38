//! The daemon as a service manager sees it: the real binary, a notify socket, signals. In real time over loopback, so there are few.

use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::{Child, ExitStatus, Stdio};
use std::time::Duration;

use igsync_simulator::{Fault, Match, Simulator, WorldSpec};
use tokio::time::{Instant, sleep, timeout};

use crate::binary::Folder;
use crate::running::serve;
use crate::world::assert_complete;

/// The other end of the notify protocol.
struct Manager {
    socket: UnixDatagram,
    path: PathBuf,
    heard: Vec<String>,
}

impl Manager {
    fn new(folder: &Folder) -> Self {
        let path = folder.path("notify.sock");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_nonblocking(true).unwrap();
        Self {
            socket,
            path,
            heard: Vec::new(),
        }
    }

    /// Starts the daemon, which is to give a sign of life every two seconds.
    fn start(&self, folder: &Folder) -> Daemon {
        let mut command = folder.command(&["run"]);
        let child = command
            .env("NOTIFY_SOCKET", &self.path)
            .env("WATCHDOG_USEC", "2000000")
            .stdout(Stdio::null())
            .stderr(Stdio::from(
                std::fs::File::create(folder.path("log")).unwrap(),
            ))
            .spawn();
        Daemon(child.unwrap())
    }

    /// Sends to itself until its socket takes no more.
    fn is_overloaded(&self) {
        let other = UnixDatagram::unbound().unwrap();
        other.set_nonblocking(true).unwrap();
        while other.send_to(b"X=1\n", &self.path).is_ok() {}
    }

    fn hear(&mut self) {
        let mut message = [0; 4096];
        while let Ok(length) = self.socket.recv(&mut message) {
            let text = String::from_utf8_lossy(&message[..length]);
            self.heard.extend(text.lines().map(str::to_owned));
        }
    }

    fn count(&mut self, text: &str) -> usize {
        self.hear();
        self.heard
            .iter()
            .filter(|line| line.starts_with(text))
            .count()
    }

    /// Waits until a line was heard that begins so.
    #[track_caller]
    fn until<'a>(&'a mut self, text: &'a str) -> impl Future<Output = String> + 'a {
        let place = std::panic::Location::caller();
        async move {
            let begun = Instant::now();
            loop {
                self.hear();
                if let Some(line) = self.heard.iter().find(|line| line.starts_with(text)) {
                    return line.clone();
                }
                assert!(
                    begun.elapsed() < Duration::from_secs(60),
                    "{place}: {text} is not among {:?}",
                    self.heard
                );
                sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

/// A process of the test's; one that is left over when the test fails is ended.
struct Daemon(Child);

impl Daemon {
    fn signal(&self, signal: &str) {
        let mut kill = std::process::Command::new("kill");
        let status = kill.args([signal, &self.0.id().to_string()]).status();
        assert!(status.unwrap().success());
    }

    async fn ended(&mut self) -> ExitStatus {
        let ended = timeout(Duration::from_secs(60), async {
            loop {
                if let Some(status) = self.0.try_wait().unwrap() {
                    return status;
                }
                sleep(Duration::from_millis(10)).await;
            }
        });
        ended.await.unwrap()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A world and a folder whose job is due every second.
async fn world(posts: u32) -> (Simulator, Folder, String) {
    let (simulator, folder) = serve(WorldSpec::many_accounts(1, 2, posts)).await;
    let config = std::fs::read_to_string(folder.path("igsync.toml")).unwrap();
    let job = "[[job]]\nname = \"always\"\nschedule = \"* * * * * *\"\nresources = [\"account\", \"media\"]\n";
    let config = config.replace("timeout = \"5s\"", "timeout = \"60s\"") + job;
    folder.configure(&config);
    (simulator, folder, config)
}

fn text(folder: &Folder, sql: &str) -> String {
    read(folder, sql).unwrap()
}

/// `None` while the database is not there as a whole.
fn read(folder: &Folder, sql: &str) -> Option<String> {
    let database = folder.database();
    database.query_row(sql, [], |row| row.get(0)).ok()
}

#[tokio::test]
async fn the_service_manager_hears_of_readiness_work_life_reloads_and_the_end() {
    let (simulator, folder, config) = world(300).await;
    let slow = Match::path_ends_with("/media");
    simulator.inject(Fault::on(slow).always().delay(Duration::from_millis(300)));
    let mut manager = Manager::new(&folder);
    let mut daemon = manager.start(&folder);
    manager.until("READY=1").await;
    let status = manager.until("STATUS=0 of 2 accounts, media, next ").await;
    assert!(status.len() < 60, "{status}");

    // A wrong configuration changes nothing, and says so.
    folder.configure(&config.replace("[[job]]", "[[jobb]]"));
    daemon.signal("-HUP");
    manager.until("RELOADING=1").await;
    manager.until("MONOTONIC_USEC=").await;
    let status = manager
        .until("STATUS=the configuration is not taken over, the old one stays: ")
        .await;
    assert!(status.contains("jobb"), "{status}");
    assert_eq!(manager.count("READY=1"), 2);

    // A right one is taken over.
    folder.configure(&config.replace("always", "ever"));
    manager.heard.clear();
    daemon.signal("-HUP");
    manager.until("READY=1").await;
    manager.until("STATUS=0 of 2 accounts").await;
    assert_eq!(
        text(
            &folder,
            "SELECT group_concat(job) FROM (SELECT job FROM sync_jobs ORDER BY 1)"
        ),
        "check,ever"
    );

    let beats = manager.count("WATCHDOG=1");
    sleep(Duration::from_secs(4)).await;
    let beats = manager.count("WATCHDOG=1") - beats;
    assert!(
        (2..=9).contains(&beats),
        "{beats} signs of life in four seconds"
    );

    assert_eq!(manager.count("STOPPING=1"), 0, "a reload is no end");
    daemon.signal("-TERM");
    manager.until("STOPPING=1").await;
    assert_eq!(daemon.ended().await.code(), Some(0));
    let log = std::fs::read_to_string(folder.path("log")).unwrap();
    assert!(
        log.contains("is due") && !log.contains(crate::binary::TOKEN),
        "{log}"
    );
}

#[tokio::test]
async fn it_ends_within_five_seconds_whatever_hangs_and_goes_on_in_the_same_place() {
    let (simulator, folder, _) = world(200).await;
    let posts = Match::path_ends_with("/media").after_calls(3);
    simulator.inject(Fault::on(posts).always().hang());
    let mut manager = Manager::new(&folder);
    let mut daemon = manager.start(&folder);
    manager.until("STATUS=0 of 2 accounts, media").await;
    sleep(Duration::from_secs(2)).await;
    let asked = Instant::now();
    daemon.signal("-TERM");
    assert_eq!(daemon.ended().await.code(), Some(0));
    let took = asked.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
    let read: i64 = text(&folder, "SELECT CAST(count(*) AS TEXT) FROM media")
        .parse()
        .unwrap();
    assert!(read > 0, "what was answered is not there");
    assert_eq!(
        text(
            &folder,
            "SELECT outcome FROM sync_jobs WHERE job = 'always'"
        ),
        "stopped"
    );
    let cursors =
        "SELECT CAST(count(cursor) AS TEXT) FROM sync_checkpoints WHERE resource = 'media'";
    assert_ne!(text(&folder, cursors), "0");

    simulator.clear_faults();
    let mut daemon = manager.start(&folder);
    let begun = Instant::now();
    while text(
        &folder,
        "SELECT CAST(count(*) AS TEXT) FROM sync_checkpoints WHERE resource = 'media' AND finished_at IS NOT NULL",
    ) != "2"
    {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "it does not go on: {}",
            std::fs::read_to_string(folder.path("log")).unwrap()
        );
        sleep(Duration::from_millis(50)).await;
    }
    daemon.signal("-INT");
    assert_eq!(daemon.ended().await.code(), Some(0));
    assert_complete(&folder.database(), &simulator);
}

#[tokio::test]
async fn a_manager_that_does_not_listen_holds_nothing_up() {
    let (simulator, folder, _) = world(60).await;
    let mut manager = Manager::new(&folder);
    manager.is_overloaded();
    let mut daemon = manager.start(&folder);
    let begun = Instant::now();
    let done = "SELECT CAST(count(*) AS TEXT) FROM sync_jobs WHERE accounts_done = 2";
    while !folder.path("igsync.db").exists() || read(&folder, done).as_deref() != Some("1") {
        let log = std::fs::read_to_string(folder.path("log")).unwrap();
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "it stands still: {log}"
        );
        sleep(Duration::from_millis(50)).await;
    }
    manager.until("READY=1").await;
    manager.until("WATCHDOG=1").await;
    manager.until("STATUS=").await;
    let at = |text: &str| manager.heard.iter().position(|line| line.starts_with(text));
    assert!(
        at("READY=1") < at("WATCHDOG=1") && at("READY=1") < at("STATUS="),
        "{:?}",
        manager.heard
    );
    manager.is_overloaded();
    let asked = Instant::now();
    daemon.signal("-TERM");
    assert_eq!(daemon.ended().await.code(), Some(0));
    assert!(
        asked.elapsed() < Duration::from_secs(5),
        "{:?}",
        asked.elapsed()
    );
    assert_complete(&folder.database(), &simulator);
}
