//! The log under a service manager: the real binary, and a socket where the journal's is. In real time over loopback.

use std::collections::BTreeMap;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use igsync_simulator::{Fault, Match, WorldSpec};

use crate::binary::{Folder, Ran, TOKEN, run};
use crate::running::serve;

/// The fields of an entry in the journal's native protocol: a name, the length of the value, the value.
fn fields(mut bytes: &[u8]) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
        let line = std::str::from_utf8(&bytes[..end]).unwrap();
        bytes = &bytes[end + 1..];
        if let Some((name, value)) = line.split_once('=') {
            fields.insert(name.to_owned(), value.to_owned());
            continue;
        }
        let (length, rest) = bytes.split_at(8);
        let length = usize::try_from(u64::from_le_bytes(length.try_into().unwrap())).unwrap();
        let value = std::str::from_utf8(&rest[..length]).unwrap();
        fields.insert(line.to_owned(), value.to_owned());
        bytes = &rest[length + 1..];
    }
    fields
}

/// Runs the job in a namespace whose journal writes down what it hears. `stream` is what the service manager says of stderr, which goes to
/// the file `log`.
async fn hear(folder: &Folder, stream: &str) -> (Ran, Vec<BTreeMap<String, String>>) {
    std::fs::create_dir_all(folder.path("systemd/journal")).unwrap();
    let path = folder.path("systemd/journal/socket");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_millis(100)))
        .unwrap();
    let script = format!(
        "exec unshare --user --map-root-user --mount sh -c '
            mount --bind . /run && export JOURNAL_STREAM={stream} && exec \"$0\" \"$@\"' \"$0\" \"$@\" 2>log"
    );
    let listener = tokio::task::spawn_blocking(move || {
        let (mut heard, mut entry) = (Vec::new(), vec![0; 1 << 16]);
        // The socket is taken away when the command is over.
        while path.exists() {
            if let Ok(length) = socket.recv(&mut entry) {
                heard.extend((length > 0).then(|| fields(&entry[..length])));
            }
        }
        heard
    });
    let ran = run(folder.shell(&script, &["-v", "sync", "nightly", "--no-wait"])).await;
    std::fs::remove_file(folder.path("systemd/journal/socket")).unwrap();
    (ran, listener.await.unwrap())
}

#[tokio::test]
#[cfg_attr(
    not(namespaces),
    ignore = "needs the right to mount in a namespace (unshare)"
)]
async fn the_journal_gets_each_line_with_its_account_resource_run_job_and_pool() {
    let (simulator, folder) = serve(WorldSpec::many_accounts(1, 2, 30)).await;
    let config = std::fs::read_to_string(folder.path("igsync.toml")).unwrap();
    let job = "[[job]]\nname = \"nightly\"\nschedule = \"30 2 * * *\"\nresources = [\"account\", \"media\"]\n";
    folder.configure(&format!("{config}{job}"));
    let ids: Vec<String> = {
        let world = simulator.world();
        world.accounts().map(|one| one.id().to_owned()).collect()
    };
    let posts = Match::path_ends_with(&format!("{}/media", ids[0]));
    simulator.inject(Fault::on(posts).error(80_002, None, "(#80002) too many calls"));

    let (ran, heard) = hear(&folder, "$(stat --dereference --format=%d:%i /dev/fd/2)").await;
    ran.exits(4);
    let log = std::fs::read_to_string(folder.path("log")).unwrap();
    assert!(
        !log.contains("begins"),
        "the log goes to stderr, too: {log}"
    );
    let runs: Vec<[String; 3]> = folder
        .database()
        .prepare(
            "SELECT r.id, username, resource FROM sync_runs r JOIN accounts a ON a.id = account_id ORDER BY r.id",
        )
        .unwrap()
        .query_map([], |row| {
            Ok([row.get::<_, i64>(0)?.to_string(), row.get(1)?, row.get(2)?])
        })
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(runs.len(), 4);
    for message in ["begins", "ends"] {
        let of_runs = heard.iter().filter(|entry| entry["MESSAGE"] == message);
        let mut told: Vec<[String; 3]> = of_runs
            .map(|entry| {
                assert_eq!(
                    (entry["JOB"].as_str(), entry["PRIORITY"].as_str()),
                    ("nightly", "5")
                );
                ["RUN", "ACCOUNT", "RESOURCE"].map(|field| entry[field].clone())
            })
            .collect();
        told.sort_by_key(|[run, ..]| run.parse::<i64>().unwrap());
        assert_eq!(told, runs, "{message}");
    }
    let throttled = heard
        .iter()
        .find(|entry| entry["MESSAGE"] == "a budget is used up");
    let throttled = throttled.unwrap_or_else(|| panic!("{heard:#?}"));
    assert_eq!(throttled["POOL"], format!("buc:{}", ids[0]));
    // Accounts run side by side, and any of them may begin first.
    let throttled_name: String = folder
        .database()
        .query_row(
            "SELECT username FROM accounts WHERE id = ?",
            [&ids[0]],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(throttled["ACCOUNT"], throttled_name);
    assert_eq!(
        (
            throttled["RESOURCE"].as_str(),
            throttled["PRIORITY"].as_str()
        ),
        ("media", "4")
    );
    assert_eq!(throttled["SYSLOG_IDENTIFIER"], "igsync");
    assert!(!format!("{heard:?}").contains(TOKEN));

    // Where stderr is not the journal's, as behind a pipe, the log goes there.
    let (ran, heard) = hear(&folder, "1:1").await;
    ran.exits(4);
    assert_eq!(heard, []);
    let log = std::fs::read_to_string(folder.path("log")).unwrap();
    assert!(log.contains("begins"), "{log}");
}
